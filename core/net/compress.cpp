// SPDX-License-Identifier: Apache-2.0
#include "core/net/compress.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "core/base/text.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kWorthIt = 1'400;         ///< bytes; less fits one packet anyway
constexpr std::size_t kStreamRead = 16 * 1024;  ///< asked of a generator at once

/// A weight in thousandths (RFC 9110 12.4.2).
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int out = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    out += (c - '0') * unit;
    unit /= 10;
  }
  if (out > 1000) return std::nullopt;
  return out;
}

bool has_token(std::string_view list, std::string_view token) {
  for (const auto member : base::split(list, ','))
    if (base::iequals(base::trim(member), token)) return true;
  return false;
}

bool ends_with(std::string_view text, std::string_view tail) {
  return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

bool names_these_bytes(std::string_view name) {
  for (const std::string_view field : {"etag", "content-encoding", "content-range", "digest", "content-digest",
                                       "repr-digest", "content-md5", "oc-checksum"})
    if (base::iequals(name, field)) return true;
  return false;
}

std::optional<Extents> gzip_whole(Gzip &gzip, std::string_view rest, std::span<char> scratch) {
  Extents out;
  gzip.restart();
  for (bool end = false; !end;) {
    const auto step = gzip.run(rest, scratch, Gzip::Flush::Finish);
    rest.remove_prefix(step.taken);
    end = step.end;
    if (!end && step.given == 0) return std::nullopt;  // cannot be
    if (step.given > 0) out.parts.push_back(Extent::memory(std::string(scratch.data(), step.given)));
  }
  return out;
}

/// A generator whose bytes pass through gzip. Whatever the inner one has given is on its way before this one waits.
class GzipStream {
 public:
  GzipStream(Generator inner, Reservation memory)
      : inner_(std::move(inner)), memory_(std::move(memory)), gzip_(Gzip::Kind::Stream) {}
  bool ok() const { return gzip_.ok(); }
  Generator take_inner() { return std::move(inner_); }
  const std::shared_ptr<Waker> &waker() const { return inner_.waker; }

  Result<Pull> pull(std::span<char> out) {
    if (ended_) return Pull::end();
    for (;;) {
      if (!rest_.empty() || flush_ != Gzip::Flush::None) {
        const auto step = gzip_.run(rest_, out, flush_);
        rest_.remove_prefix(step.taken);
        if (flush_ == Gzip::Flush::Finish) ended_ = step.end;
        // A sync flush is complete once it leaves room in the output.
        if (flush_ == Gzip::Flush::Sync && rest_.empty() && step.given < out.size()) flush_ = Gzip::Flush::None;
        if (step.given > 0) return Pull::data(step.given);
        if (ended_) return Pull::end();
        if (flush_ == Gzip::Flush::Finish) return error(Status::Internal, "gzip stopped in the middle.");  // cannot be
        continue;
      }
      if (waits_) {  // all of it is flushed
        waits_ = false;
        return Pull::again();
      }
      input_.resize(kStreamRead);
      auto pulled = inner_.pull(input_);
      if (!pulled) return pulled;
      if (pulled->kind == Pull::Kind::Data && pulled->bytes > 0) {
        if (pulled->bytes > input_.size())
          return error(Status::Internal, "A generator wrote more than it was offered.");
        rest_ = std::string_view(input_).substr(0, pulled->bytes);
        unflushed_ = true;
      } else if (pulled->kind == Pull::Kind::Again) {
        if (!unflushed_) return Pull::again();
        unflushed_ = false;
        waits_ = true;
        flush_ = Gzip::Flush::Sync;
      } else {
        flush_ = Gzip::Flush::Finish;
      }
    }
  }

 private:
  Generator inner_;
  Reservation memory_;
  Gzip gzip_;
  std::string input_;
  std::string_view rest_;  ///< of input_, not yet compressed
  Gzip::Flush flush_ = Gzip::Flush::None;
  bool unflushed_ = false;
  bool waits_ = false;  ///< the inner one has nothing now
  bool ended_ = false;
};

std::optional<Generator> gzip_stream(Generator &inner, ByteBudget &memory) {
  Reservation held(memory);
  if (!held.grow(Gzip::kStreamMemory + kStreamRead)) return std::nullopt;
  const auto stream = std::make_shared<GzipStream>(std::move(inner), std::move(held));
  if (!stream->ok()) {
    inner = stream->take_inner();
    return std::nullopt;
  }
  return Generator{std::nullopt, [stream](std::span<char> out) { return stream->pull(out); }, stream->waker()};
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<int> gzip, identity, others;
  const auto lower = [](std::optional<int> &weight, int value) { weight = std::min(weight.value_or(value), value); };
  for (const auto member : base::split(accept_encoding, ',')) {
    const auto parts = base::split(member, ';');
    const auto coding = base::trim(parts[0]);
    int weight = 1000;
    for (std::size_t index = 1; index < parts.size(); ++index) {
      const auto parameter = base::trim(parts[index]);
      if (parameter.size() >= 2 && base::to_lower(parameter[0]) == 'q' && parameter[1] == '=')
        weight = parse_weight(parameter.substr(2)).value_or(0);
    }
    if (base::iequals(coding, "gzip") || base::iequals(coding, "x-gzip"))
      lower(gzip, weight);
    else if (base::iequals(coding, "identity"))
      lower(identity, weight);
    else if (coding == "*")
      lower(others, weight);
  }
  const int wish = gzip ? *gzip : others.value_or(0);
  return wish > 0 && wish >= identity.value_or(0);
}

bool compressible_type(std::string_view content_type) {
  const auto type = base::to_lower(base::trim(content_type.substr(0, content_type.find(';'))));
  if (type.rfind("text/", 0) == 0) return type != "text/event-stream";
  return type == "application/json" || type == "application/xml" || type == "application/javascript" ||
         ends_with(type, "+json") || ends_with(type, "+xml");
}

bool may_compress(const Response &response, bool head_only) {
  if (response.status != 200 && response.status != 207) return false;
  bool large = false;
  if (const auto *bytes = std::get_if<std::string>(&response.body))
    large = bytes->size() >= kWorthIt;
  else if (const auto *generator = std::get_if<Generator>(&response.body))
    large = !generator->length;
  const bool by_field = head_only && std::holds_alternative<std::monostate>(response.body);
  bool typed = false;
  for (const auto [name, value] : response.headers) {
    if (names_these_bytes(name)) return false;
    if (base::iequals(name, "cache-control") && has_token(value, "no-transform")) return false;
    if (base::iequals(name, "content-type")) typed = compressible_type(value);
    if (by_field && base::iequals(name, "content-length")) large = base::parse_u64(value).value_or(0) >= kWorthIt;
  }
  return typed && large;
}

void add_vary(Response &response, std::string_view name) {
  std::optional<std::size_t> vary;
  for (std::size_t place = 0; place < response.headers.size(); ++place) {
    const auto field = response.headers[place];
    if (!base::iequals(field.name, "vary")) continue;
    if (has_token(field.value, "*") || has_token(field.value, name)) return;
    if (!vary) vary = place;
  }
  if (!vary) {
    response.headers.add("Vary", name);
    return;
  }
  std::string value(response.headers[*vary].value);
  if (!base::trim(value).empty()) value += ", ";
  response.headers.set_value(*vary, value.append(name));
}

bool compress(Response &response, const RequestHead &head, const Compressor &with) {
  const bool head_only = head.method == "HEAD";
  if (!may_compress(response, head_only)) return false;
  add_vary(response, "Accept-Encoding");
  const auto wish = head.joined("Accept-Encoding");
  if (!wish || !accepts_gzip(*wish)) return false;
  if (head_only) {
    response.body = std::monostate{};
    response.headers.remove_if([](const auto &field) { return base::iequals(field.name, "content-length"); });
  } else if (auto *bytes = std::get_if<std::string>(&response.body)) {
    if (!with.whole) with.whole = std::make_unique<Gzip>(Gzip::Kind::Whole);
    if (!with.whole->ok()) {
      with.whole.reset();
      return false;
    }
    auto packed = gzip_whole(*with.whole, *bytes, with.scratch);
    if (!packed) return false;
    response.body = std::move(*packed);  // and the plain text is gone
  } else if (auto *generator = std::get_if<Generator>(&response.body)) {
    auto stream = gzip_stream(*generator, with.memory);
    if (!stream) return false;
    response.body = std::move(*stream);
  }
  response.headers.add("Content-Encoding", "gzip");
  return !head_only;
}

}  // namespace Atoll::net
