// SPDX-License-Identifier: Apache-2.0
// The head parser: cut anywhere it sees the same head, and what it accepts has one meaning only.
#include <algorithm>
#include <vector>

#include "core/base/text.hpp"
#include "core/net/head_parser.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::net;
using fuzz::inside;

namespace {

struct Scanned {
  HeadScanner::State state;
  std::size_t begin, end;
  HeadError refusal;
};

Scanned scan(std::string_view text, const HeadLimits &limits, fuzz::Pieces *pieces) {
  HeadScanner scanner;
  auto state = HeadScanner::State::More;
  std::size_t size = 0;
  do {
    size = pieces == nullptr ? text.size() : std::min(text.size(), size + pieces->next(64));
    // A buffer of its own each time: whoever keeps a pointer into the last one, or reads past the end, is caught.
    const std::vector<char> buffer(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    state = scanner.scan({buffer.data(), buffer.size()}, limits);
  } while (state == HeadScanner::State::More && size < text.size());
  return {state, scanner.begin(), scanner.end(), scanner.refusal()};
}

void check_refusal(const HeadError &error) {
  static constexpr int kStatuses[] = {400, 414, 417, 431, 501, 505};
  FUZZ_CHECK(std::count(std::begin(kStatuses), std::end(kStatuses), error.status) == 1);
  FUZZ_CHECK(!error.reason.empty() && fuzz::printable(error.reason));
}

std::vector<std::string_view> values(const RequestHead &head, std::string_view name) {
  std::vector<std::string_view> out;
  for (const auto &field : head.headers)
    if (base::iequals(field.name, name)) out.push_back(field.value);
  return out;
}

/// The items of all fields of that name, as a second, plainer reader sees them.
std::vector<std::string> items(const RequestHead &head, std::string_view name) {
  std::vector<std::string> out;
  for (const auto value : values(head, name))
    for (const auto item : base::split(value, ',')) out.push_back(base::to_lower(base::trim(item)));
  return out;
}

void check_fields(const RequestHead &head, const HeadLimits &limits) {
  // Whoever splits the same bytes at each CR LF counts the same lines.
  std::size_t lines = 0;
  const std::string_view buffer = head.buffer;
  for (std::size_t at = 0; (at = buffer.find("\r\n", at)) != std::string_view::npos; at += 2) ++lines;
  FUZZ_CHECK(lines == head.headers.size() + 2);
  FUZZ_CHECK(static_cast<std::size_t>(std::count(buffer.begin(), buffer.end(), '\r')) == lines);
  FUZZ_CHECK(static_cast<std::size_t>(std::count(buffer.begin(), buffer.end(), '\n')) == lines);

  FUZZ_CHECK(head.headers.size() <= limits.max_headers);
  const char *at = buffer.data();
  for (const auto &field : head.headers) {
    FUZZ_CHECK(inside(field.name, buffer) && inside(field.value, buffer));
    FUZZ_CHECK(field.name.data() > at && field.value.data() > field.name.data());
    at = field.value.data();
    FUZZ_CHECK(is_token(field.name) && fuzz::printable(field.value));
    FUZZ_CHECK(field.name.data()[field.name.size()] == ':');
    FUZZ_CHECK(base::trim(field.value) == field.value);
    FUZZ_CHECK(head.header(field.name).has_value() && head.joined(field.name).has_value());
  }
}

void check_target(const RequestHead &head, const HeadLimits &limits) {
  const std::string_view buffer = head.buffer;
  FUZZ_CHECK(is_token(head.method) && head.method.size() <= 32 && inside(head.method, buffer));
  FUZZ_CHECK(head.method.data() == buffer.data() && head.method != "CONNECT");
  FUZZ_CHECK(inside(head.target, buffer) && !head.target.empty() && head.target.size() <= limits.max_target);
  for (const char c : head.target) FUZZ_CHECK(static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '#');
  FUZZ_CHECK(head.query.empty() || inside(head.query, head.target));
  FUZZ_CHECK(head.path.find('?') == std::string_view::npos);
  if (head.target == "*") {
    FUZZ_CHECK(head.method == "OPTIONS" && head.path == "*");
    return;
  }
  FUZZ_CHECK(head.path.front() == '/');
  std::string rest(head.path);
  if (head.target.find('?') != std::string_view::npos) rest.append("?").append(head.query);
  if (head.target.front() == '/') {
    FUZZ_CHECK(inside(head.path, head.target) && rest == head.target);
    return;
  }
  // absolute-form: its authority is the one that counts, and a missing path is "/"
  FUZZ_CHECK(head.path == "/" || inside(head.path, head.target));
  FUZZ_CHECK(!head.host.empty() && inside(head.host, head.target));
  const auto scheme = base::to_lower(head.target.substr(0, head.target.find("://")));
  FUZZ_CHECK(scheme == "http" || scheme == "https");
  const auto whole = scheme + "://" + std::string(head.host) + rest;
  const auto plain = scheme + std::string(head.target.substr(scheme.size()));
  FUZZ_CHECK(whole == plain || (head.path == "/" && whole.size() == plain.size() + 1));
}

void check_host(const RequestHead &head) {
  const auto hosts = values(head, "host");
  FUZZ_CHECK(hosts.size() <= 1 && (head.minor_version == 0 || hosts.size() == 1));
  if (head.target.front() == '/' || head.target == "*")
    FUZZ_CHECK(head.host == (hosts.empty() ? std::string_view() : hosts[0]));
  FUZZ_CHECK(head.host.empty() || inside(head.host, head.buffer));
  FUZZ_CHECK(head.host.find_first_of("@/\\ \t?#\"<>") == std::string_view::npos);
}

void check_framing(const RequestHead &head) {
  FUZZ_CHECK(head.minor_version == 0 || head.minor_version == 1);
  const auto codings = items(head, "transfer-encoding");
  const auto lengths = items(head, "content-length");
  FUZZ_CHECK(codings.empty() || lengths.empty());
  FUZZ_CHECK(codings.size() <= 1 && head.chunked == (codings.size() == 1));
  if (head.chunked) FUZZ_CHECK(codings[0] == "chunked" && head.minor_version == 1);
  FUZZ_CHECK(head.content_length.has_value() == !lengths.empty());
  for (const auto &length : lengths) {
    FUZZ_CHECK(!length.empty() && length.find_first_not_of("0123456789") == std::string::npos);
    auto digits = length.substr(std::min(length.find_first_not_of('0'), length.size() - 1));
    FUZZ_CHECK(digits == std::to_string(*head.content_length));
  }
  FUZZ_CHECK(head.has_body() == (head.chunked || head.content_length.value_or(0) > 0));
  FUZZ_CHECK(!head.expects_continue || (head.has_body() && head.minor_version == 1));

  const auto options = items(head, "connection");
  const bool close = std::count(options.begin(), options.end(), "close") > 0;
  const bool keep = std::count(options.begin(), options.end(), "keep-alive") > 0;
  FUZZ_CHECK(head.keep_alive == (!close && (head.minor_version == 1 || keep)));
  FUZZ_CHECK(head.request_id.size() <= 64);
  FUZZ_CHECK(head.request_id.find_first_of(" \t\"'<>;,\\/&%") == std::string::npos);
}

/// What was understood, written again in the plainest way, is understood the same.
void check_again(const RequestHead &head, const HeadLimits &limits) {
  RequestHead again;
  again.buffer.append(head.method).append(" ").append(head.target).append(" HTTP/1.");
  again.buffer += static_cast<char>('0' + head.minor_version);
  again.buffer += "\r\n";
  for (const auto &field : head.headers) again.buffer.append(field.name).append(":").append(field.value).append("\r\n");
  again.buffer += "\r\n";
  FUZZ_CHECK(again.buffer.size() <= head.buffer.size());
  HeadScanner scanner;
  FUZZ_CHECK(scanner.scan(again.buffer, limits) == HeadScanner::State::Complete);
  FUZZ_CHECK(scanner.begin() == 0 && scanner.end() == again.buffer.size());
  FUZZ_CHECK(!parse_head(again, limits));
  FUZZ_CHECK(again.path == head.path && again.query == head.query && again.host == head.host);
  FUZZ_CHECK(again.chunked == head.chunked && again.content_length == head.content_length);
  FUZZ_CHECK(again.keep_alive == head.keep_alive && again.expects_continue == head.expects_continue);
  FUZZ_CHECK(again.headers.size() == head.headers.size() && again.request_id == head.request_id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto seed = input.byte();
  // An even seed has small limits, so that short inputs reach them.
  const HeadLimits limits = seed % 2 == 0 ? HeadLimits{400, 100, 8} : HeadLimits{};
  const auto text = input.rest();

  fuzz::Pieces pieces(seed);
  const auto whole = scan(text, limits, nullptr);
  const auto cut = scan(text, limits, &pieces);
  FUZZ_CHECK(whole.state == cut.state);
  if (whole.state == HeadScanner::State::Refused) {
    check_refusal(whole.refusal);
    check_refusal(cut.refusal);
  }
  if (whole.state != HeadScanner::State::Complete) return 0;
  FUZZ_CHECK(whole.begin == cut.begin && whole.end == cut.end);
  FUZZ_CHECK(whole.begin < whole.end && whole.end <= text.size() && whole.end - whole.begin <= limits.max_head);
  FUZZ_CHECK(text.substr(whole.end - 4, 4) == "\r\n\r\n");

  RequestHead head;
  head.buffer = text.substr(whole.begin, whole.end - whole.begin);
  if (const auto refused = parse_head(head, limits)) {
    check_refusal(*refused);
    return 0;
  }
  check_fields(head, limits);
  check_target(head, limits);
  check_host(head);
  check_framing(head);
  check_again(head, limits);
  return 0;
}
