// SPDX-License-Identifier: Apache-2.0
// Paths and URLs of clients: decoding loses nothing, and what comes out of it stays inside a space.
#include <algorithm>

#include "core/base/path.hpp"
#include "core/base/text.hpp"
#include "core/base/uri.hpp"
#include "plugins/api-webdav/destination.hpp"
#include "plugins/api-webdav/location.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;

namespace {

void check_name(std::string_view name) {
  FUZZ_CHECK(!name.empty() && name.size() <= base::kMaxNameBytes && name != "." && name != "..");
  FUZZ_CHECK(name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos && base::valid_utf8(name));
}

void check_percent(std::string_view text) {
  const auto encoded = base::percent_encode_path(text);
  FUZZ_CHECK(encoded.find_first_of(std::string_view(" <>\"'&#?\\\r\n\t\0", 13)) == std::string::npos);
  FUZZ_CHECK(fuzz::printable(encoded) && encoded.size() <= 3 * text.size());
  FUZZ_CHECK(std::all_of(encoded.begin(), encoded.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  FUZZ_CHECK(base::percent_decode(encoded) == text);

  const auto decoded = base::percent_decode(text);
  const auto escapes = static_cast<std::size_t>(std::count(text.begin(), text.end(), '%'));
  if (decoded) FUZZ_CHECK(decoded->size() + 2 * escapes == text.size());
  if (escapes == 0) FUZZ_CHECK(decoded == text);
}

void check_split(std::string_view text) {
  const auto names = base::split_path(text);
  if (!names) {
    FUZZ_CHECK(names.error().status == Status::InvalidArgument && fuzz::printable(names.error().message));
    return;
  }
  FUZZ_CHECK(names->size() <= base::kMaxPathSegments);
  std::string joined, pressed;
  for (const auto name : *names) {
    check_name(name);
    FUZZ_CHECK(fuzz::inside(name, text) && base::valid_name(name));
    joined.append("/").append(name);
  }
  for (const char c : text)
    if (c != '/' || pressed.empty() || pressed.back() != '/') pressed += c;
  if (pressed.ends_with('/')) pressed.pop_back();
  if (!pressed.empty() && pressed.front() != '/') pressed.insert(0, "/");
  FUZZ_CHECK(joined == pressed);
}

void check_location(const webdav::Location &location) {
  if (!location.path.empty())
    for (const auto name : base::split(location.path, '/')) check_name(name);
  const auto name = location.name(), parent = location.parent();
  FUZZ_CHECK(location.path == (parent.empty() ? std::string(name) : std::string(parent) + "/" + std::string(name)));
  FUZZ_CHECK(location.href.starts_with(location.href_root));
  FUZZ_CHECK(location.href.find_first_of("<>&\"'\r\n ") == std::string::npos);
  FUZZ_CHECK(location.href.empty() || location.href.front() == '/');
  // What we say where it is leads to the same place.
  const auto again = webdav::parse_location(location.href + "/");
  FUZZ_CHECK(again.ok() && again->root == location.root && again->path == location.path);
  FUZZ_CHECK(again->user == location.user);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  check_percent(text);
  check_split(text);
  const auto location = webdav::parse_location(text);
  if (location) check_location(*location);

  fuzz::Input input(data, size);
  const auto authority = input.line();
  const auto target = webdav::parse_url_target(input.rest(), authority);
  if (target && !target->other_host) check_location(target->location);
  // A path is never another host, and means what it means as a request target.
  const auto path = base::trim(text);
  if (path.starts_with('/') && path.find_first_of("?#") == std::string_view::npos) {
    const auto here = webdav::parse_url_target(path, "example.org");
    const auto there = webdav::parse_location(path);
    FUZZ_CHECK(here.ok() == there.ok());
    if (here) FUZZ_CHECK(!here->other_host && here->location.path == there->path);
  }
  return 0;
}
