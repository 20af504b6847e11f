// SPDX-License-Identifier: Apache-2.0
// What the multipart/byteranges writer writes is read back by two small readers and equals the parts.
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "core/base/file.hpp"
#include "core/net/range.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::net;

namespace {

/// The bytes that an engine would send for these extents.
std::string flat(const Extents &extents) {
  std::string out;
  for (const auto &part : extents.parts) {
    if (part.kind == Extent::Kind::Memory) {
      FUZZ_CHECK(part.length == part.bytes.size());
      out += part.bytes;
    } else if (part.kind == Extent::Kind::Hole) {
      out.append(part.length, '\0');
    } else {
      std::string bytes(part.length, '\0');
      FUZZ_CHECK(::pread(part.fd, bytes.data(), bytes.size(), static_cast<off_t>(part.offset)) ==
                 static_cast<ssize_t>(bytes.size()));
      out += bytes;
    }
  }
  FUZZ_CHECK(out.size() == extents.length());
  return out;
}

struct Part {
  std::string type, range, data;
};

std::string field(std::string_view head, std::string_view name) {
  const auto at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string_view::npos) return {};
  const auto begin = at + 2 + name.size() + 2;
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

/// RFC 2046 5.1.1: everything between the delimiters, wherever they are found.
std::vector<Part> by_boundary(std::string_view body, const std::string &boundary) {
  std::vector<Part> parts;
  const std::string delimiter = "\r\n--" + boundary;
  auto at = body.find(delimiter);
  FUZZ_CHECK(at == 0);
  for (;;) {
    at += delimiter.size();
    if (body.substr(at, 2) == "--") {
      FUZZ_CHECK(body.substr(at) == "--\r\n");
      return parts;
    }
    FUZZ_CHECK(body.substr(at, 2) == "\r\n");
    const auto head_end = body.find("\r\n\r\n", at);
    const auto next = body.find(delimiter, at);
    FUZZ_CHECK(head_end != std::string_view::npos && next != std::string_view::npos && head_end + 4 <= next);
    const auto head = body.substr(at, head_end + 2 - at);
    parts.push_back({field(head, "Content-Type"), field(head, "Content-Range"),
                     std::string(body.substr(head_end + 4, next - head_end - 4))});
    at = next;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  static const base::Fd file(::memfd_create("fuzz", MFD_CLOEXEC));
  fuzz::Input input(data, size);

  std::vector<std::pair<std::uint16_t, std::uint16_t>> wishes(input.byte() % 9);
  for (auto &[first, length] : wishes) {
    first = input.byte();
    length = input.byte();
  }
  std::string type;
  for (const char c : input.line())
    if (c >= 0x20 && c < 0x7f) type += c;

  // A representation of all kinds of extents, in pieces of the sizes that the input says.
  Extents whole;
  std::string content;
  FUZZ_CHECK(::ftruncate(file.get(), 0) == 0);
  while (!input.empty()) {
    const auto kind = input.byte();
    const auto piece = input.take(kind >> 2);
    if (kind % 4 == 0) {
      whole.parts.push_back(Extent::hole(piece.size()));
      content.append(piece.size(), '\0');
      continue;
    }
    if (kind % 4 == 1) {
      FUZZ_CHECK(::pwrite(file.get(), piece.data(), piece.size(), static_cast<off_t>(content.size())) ==
                 static_cast<ssize_t>(piece.size()));
      whole.parts.push_back(Extent::file(file.get(), content.size(), piece.size()));
    } else {
      whole.parts.push_back(Extent::memory(std::string(piece)));
    }
    content += piece;
  }
  whole.may_change = !wishes.empty();
  FUZZ_CHECK(flat(whole) == content);

  std::vector<ByteRange> ranges;
  for (const auto &[first, length] : wishes)
    if (first < content.size() && length > 0)
      ranges.push_back({first, std::min<std::uint64_t>(length, content.size() - first)});
  for (const auto &range : ranges) FUZZ_CHECK(flat(slice(whole, range)) == content.substr(range.first, range.length));
  if (ranges.empty()) return 0;

  const auto multipart = multipart_ranges(whole, ranges, content.size(), type);
  FUZZ_CHECK(multipart.body.may_change == whole.may_change);
  const std::string prefix = "multipart/byteranges; boundary=";
  FUZZ_CHECK(multipart.content_type.starts_with(prefix));
  const auto boundary = multipart.content_type.substr(prefix.size());
  FUZZ_CHECK(!boundary.empty() && boundary.size() <= 70);
  const auto parts = by_boundary(flat(multipart.body), boundary);
  FUZZ_CHECK(parts.size() == ranges.size());
  for (std::size_t index = 0; index < parts.size(); ++index) {
    FUZZ_CHECK(parts[index].data == content.substr(ranges[index].first, ranges[index].length));
    FUZZ_CHECK(parts[index].type == type);
    unsigned long long first = 0, last = 0, total = 0;
    FUZZ_CHECK(std::sscanf(parts[index].range.c_str(), "bytes %llu-%llu/%llu", &first, &last, &total) == 3);
    FUZZ_CHECK(first == ranges[index].first && last - first + 1 == ranges[index].length && total == content.size());
  }
  return 0;
}
