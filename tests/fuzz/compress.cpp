// SPDX-License-Identifier: Apache-2.0
// Accept-Encoding, read by two readers, and answers that come out of gzip as they went in, whole and in steps.
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/base/text.hpp"
#include "core/net/compress.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::net;

namespace {

/// The least weight that the field gives to this name, in thousandths; nothing if it is not named.
std::optional<int> weight_of(std::string_view field, std::string_view name, std::string_view other_name) {
  std::optional<int> least;
  for (const auto member : base::split(field, ',')) {
    const auto parts = base::split(member, ';');
    const auto coding = base::to_lower(base::trim(parts[0]));
    if (coding != name && coding != other_name) continue;
    int weight = 1000;
    for (std::size_t index = 1; index < parts.size(); ++index) {
      auto text = base::to_lower(base::trim(parts[index]));
      if (!text.starts_with("q=")) continue;
      text.erase(0, 2);
      // 0[.ddd] or 1[.000]
      const bool shape = !text.empty() && text.size() <= 5 && (text[0] == '0' || text[0] == '1') &&
                         (text.size() == 1 || text[1] == '.') &&
                         std::all_of(text.begin() + std::min<std::ptrdiff_t>(2, std::ssize(text)), text.end(),
                                     [](char c) { return c >= '0' && c <= '9'; });
      if (text.size() == 1) text += '.';
      if (shape) text.resize(5, '0');
      weight = shape ? (text[0] - '0') * 1000 + std::atoi(text.c_str() + 2) : 0;
      if (weight > 1000) weight = 0;
    }
    least = std::min(least.value_or(weight), weight);
  }
  return least;
}

std::string gunzip(std::string_view packed) {
  z_stream stream{};
  FUZZ_CHECK(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  int state = Z_OK;
  while (state == Z_OK) {
    char piece[4096];
    stream.next_out = reinterpret_cast<Bytef *>(piece);
    stream.avail_out = sizeof piece;
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  FUZZ_CHECK(state == Z_STREAM_END && stream.avail_in == 0);  // one stream, complete, and nothing behind it
  inflateEnd(&stream);
  return out;
}

/// Gives `text` in pieces, with a pause now and then.
Generator generator_of(std::string_view text, fuzz::Pieces pieces) {
  Generator generator;
  generator.pull = [text, pieces](std::span<char> out) mutable -> Result<Pull> {
    if (pieces.next(9) == 7) return Pull::again();
    if (text.empty()) return Pull::end();
    const auto size = std::min({out.size(), text.size(), pieces.next(700)});
    std::memcpy(out.data(), text.data(), size);
    text.remove_prefix(size);
    return Pull::data(size);
  };
  return generator;
}

std::string all_of(Generator &generator, fuzz::Pieces pieces) {
  std::string out;
  for (;;) {
    std::string room(pieces.next(900), '\0');
    const auto pulled = generator.pull(room);
    FUZZ_CHECK(pulled.ok());
    if (pulled->kind == Pull::Kind::End) return out;
    if (pulled->kind == Pull::Kind::Again) continue;
    FUZZ_CHECK(pulled->bytes > 0 && pulled->bytes <= room.size());
    out.append(room, 0, pulled->bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto shape = input.byte();
  const auto field = input.line();

  const auto gzip = weight_of(field, "gzip", "x-gzip");
  const auto others = weight_of(field, "*", "*");
  const auto wish = gzip ? *gzip : others.value_or(0);
  const bool accepts = accepts_gzip(field);
  FUZZ_CHECK(accepts == (wish > 0 && wish >= weight_of(field, "identity", "identity").value_or(0)));
  FUZZ_CHECK(!accepts_gzip(std::string(field) + ", gzip;q=0") || !field.empty());
  if (accepts) FUZZ_CHECK(base::to_lower(field).find("gzip") != std::string::npos || others);
  if (shape % 8 != 0) return 0;  // what follows takes longer

  std::string body;
  for (unsigned turn = 0; turn < 1u + shape / 8 && body.size() < 4000; ++turn)
    body.append(input.rest()).append("<d:a/>");
  RequestHead head;
  head.method = "GET";
  head.headers.push_back({"Accept-Encoding", "gzip"});
  std::atomic<std::uint64_t> gauge{0};
  ByteBudget memory(gauge, 1 << 20);
  static std::unique_ptr<Gzip> worker;
  std::string scratch(64 + shape, '\0');
  const auto packed = [&](Body from) -> std::string {
    Response response(207);
    response.with("Content-Type", "application/xml; charset=utf-8");
    response.body = std::move(from);
    const auto *bytes = std::get_if<std::string>(&response.body);
    const bool worth_it = bytes == nullptr || bytes->size() >= 1400;
    FUZZ_CHECK(compress(response, head, {worker, scratch, memory}) == worth_it);
    if (!worth_it) return std::get<std::string>(response.body);
    std::string out;
    if (auto *generator = std::get_if<Generator>(&response.body)) {
      FUZZ_CHECK(gauge > 0);
      out = all_of(*generator, fuzz::Pieces(shape));
    } else {
      for (const auto &part : std::get<Extents>(response.body).parts) out += part.bytes;
    }
    return gunzip(out);
  };
  FUZZ_CHECK(packed(body) == body);
  FUZZ_CHECK(packed(generator_of(body, fuzz::Pieces(shape))) == body);
  FUZZ_CHECK(gauge == 0);  // the memory of a stream is given back
  return 0;
}
