// SPDX-License-Identifier: Apache-2.0
// The chunked decoder: cut anywhere it gives the same body, and a second reader of RFC 9112 7.1 agrees with it.
#include <algorithm>
#include <optional>
#include <vector>

#include "core/net/body_reader.hpp"
#include "core/net/chunked.hpp"
#include "core/net/head_parser.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::net;

namespace {

struct Decoded {
  std::string body;
  std::size_t used = 0;
  bool failed = false;
  bool done = false;
};

template <class Reader>
Decoded decode(Reader reader, std::string_view text, fuzz::Pieces *pieces) {
  Decoded out;
  while (out.used < text.size() && !reader.done() && !out.failed) {
    const auto size = pieces == nullptr ? text.size() : pieces->next(64);
    const auto cut = text.substr(out.used, size);
    const std::vector<char> buffer(cut.begin(), cut.end());  // reading past its end is caught
    for (std::string_view left(buffer.data(), buffer.size()); !left.empty() && !reader.done();) {
      const auto step = reader.next(left);
      if (!step) {
        FUZZ_CHECK(!step.error().message.empty());
        out.failed = true;
        break;
      }
      FUZZ_CHECK(step->consumed > 0 && step->consumed <= left.size());
      FUZZ_CHECK(step->data.size() <= step->consumed);
      FUZZ_CHECK(step->data.empty() || fuzz::inside(step->data, left.substr(0, step->consumed)));
      out.body += step->data;
      out.used += step->consumed;
      left.remove_prefix(step->consumed);
    }
  }
  out.done = reader.done();
  return out;
}

bool plain(std::string_view text) { return fuzz::printable(text); }

/// Another reader, which needs all of it at once: body and bytes used, or nothing for what is broken or not whole.
std::optional<Decoded> reference(std::string_view text) {
  Decoded out;
  const auto line = [&]() -> std::optional<std::string_view> {
    const auto end = text.find("\r\n", out.used);
    if (end == std::string_view::npos) return std::nullopt;
    const auto found = text.substr(out.used, end - out.used);
    out.used = end + 2;
    if (!plain(found)) return std::nullopt;
    return found;
  };
  for (;;) {
    const auto head = line();
    if (!head) return std::nullopt;
    const auto digits = head->substr(0, head->find(';'));
    if (digits.empty() || digits.size() > 15) return std::nullopt;
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) return std::nullopt;
    const auto size = std::stoull(std::string(digits), nullptr, 16);
    if (size == 0) break;
    if (text.size() - out.used < size || text.substr(out.used + size, 2) != "\r\n") return std::nullopt;
    out.body += text.substr(out.used, size);
    out.used += size + 2;
  }
  for (;;) {
    const auto trailer = line();
    if (!trailer) return std::nullopt;
    if (trailer->empty()) return out;
    const auto colon = trailer->find(':');
    if (colon == std::string_view::npos || !is_token(trailer->substr(0, colon))) return std::nullopt;
  }
}

std::string encode(std::string_view body, fuzz::Pieces pieces) {
  std::string out;
  while (!body.empty()) {
    const auto piece = body.substr(0, pieces.next(300));
    char line[32];
    std::snprintf(line, sizeof line, pieces.next(2) == 1 ? "%zx\r\n" : "%04zX;x=\"y\"\r\n", piece.size());
    out.append(line).append(piece).append("\r\n");
    body.remove_prefix(piece.size());
  }
  return out + "0\r\n\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto seed = input.byte();
  const auto text = input.rest();
  fuzz::Pieces pieces(seed);

  const auto whole = decode(ChunkedDecoder(), text, nullptr);
  const auto cut = decode(ChunkedDecoder(), text, &pieces);
  FUZZ_CHECK(whole.body == cut.body && whole.failed == cut.failed && whole.done == cut.done);
  FUZZ_CHECK(!whole.done || (whole.used == cut.used && !whole.failed));
  FUZZ_CHECK(whole.body.size() <= whole.used && whole.used <= text.size());

  const auto expected = reference(text);
  if (whole.done) {
    FUZZ_CHECK(expected && expected->body == whole.body && expected->used == whole.used);
  } else if (expected && text.size() < 16 * 1024) {  // beyond that, the bound on extensions and trailers may refuse it
    FUZZ_CHECK(!"a body that a second reader finds whole and sound is refused");
  }

  RequestHead head;
  head.chunked = true;
  BodyReader reader(head);
  const auto read = decode(reader, text, &pieces);
  FUZZ_CHECK(read.body == whole.body && read.done == whole.done && read.failed == whole.failed);

  // The same bytes as a body: what is written in chunks comes back, and what follows is not touched.
  const auto coded = encode(text, pieces);
  const auto back = decode(ChunkedDecoder(), coded + "GET /", &pieces);
  FUZZ_CHECK(back.done && back.body == text && back.used == coded.size());

  // By length: exactly that many bytes, cut as it may be.
  RequestHead sized;
  sized.content_length = seed;
  const auto counted = decode(BodyReader(sized), text, &pieces);
  FUZZ_CHECK(!counted.failed && counted.used == std::min<std::size_t>(seed, text.size()));
  FUZZ_CHECK(counted.body == text.substr(0, counted.used) && counted.done == (counted.used == seed));
  return 0;
}
