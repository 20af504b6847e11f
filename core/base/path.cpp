// SPDX-License-Identifier: Apache-2.0
#include "core/base/path.hpp"

#include "core/base/text.hpp"

namespace Atoll::base {

namespace {

const char *why_invalid(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name == "." || name == "..") return "is not a name: relative steps are not followed";
  if (name.size() > kMaxNameBytes) return "is longer than 255 bytes";
  if (name.find('/') != std::string_view::npos) return "holds a slash";
  if (name.find('\0') != std::string_view::npos) return "holds a NUL byte";
  if (!valid_utf8(name)) return "is not valid UTF-8";
  return nullptr;
}

}  // namespace

bool valid_name(std::string_view name) { return why_invalid(name) == nullptr; }

Result<std::vector<std::string_view>> split_path(std::string_view path) {
  std::vector<std::string_view> names;
  names.reserve(16);
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (name.empty()) continue;
    if (const char *why = why_invalid(name)) {
      return error(Status::InvalidArgument, "segment " + std::to_string(names.size() + 1) + " of the path " + why);
    }
    if (names.size() == kMaxPathSegments) {
      return error(Status::InvalidArgument, "the path has more than 512 segments");
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace Atoll::base
