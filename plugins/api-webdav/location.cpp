// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/location.hpp"

#include <array>
#include <vector>

#include "core/base/path.hpp"
#include "core/base/uri.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::array<std::string_view, 3> kLater = {"public-files", "avatars", "ocm"};

bool has_encoded_slash(std::string_view path) {
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const std::string_view digits = path.substr(at + 1, 2);
    if (digits == "2f" || digits == "2F") return true;
  }
  return false;
}

/// The decoded path up to the end of its `count`th name: slashes may be doubled.
std::string_view prefix_of(std::string_view decoded, const std::vector<std::string_view> &names, std::size_t count) {
  if (count == 0) return {};
  const std::string_view last = names[count - 1];
  return decoded.substr(0, static_cast<std::size_t>(last.data() - decoded.data()) + last.size());
}

Root root_of_kind(std::string_view kind) {
  if (kind == "files") return Root::Files;
  if (kind == "spaces") return Root::Spaces;
  if (kind == "meta") return Root::Meta;
  if (kind == "trash-bin") return Root::Trash;
  return Root::Foreign;
}

}  // namespace

std::string_view Location::name() const {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string_view(path) : std::string_view(path).substr(slash + 1);
}

std::string_view Location::parent() const {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(path).substr(0, slash);
}

Result<Location> parse_location(std::string_view path) {
  if (has_encoded_slash(path)) return error(Status::InvalidArgument, "The path holds an encoded slash.");
  const auto decoded = base::percent_decode(path);
  if (!decoded) return error(Status::InvalidArgument, "The path is not valid percent-encoding.");
  if (!decoded->starts_with('/')) return error(Status::InvalidArgument, "The path does not start with a slash.");
  auto split = base::split_path(*decoded);
  if (!split) return error(Status::InvalidArgument, "The path cannot be used: " + split.error().message + ".");
  const std::vector<std::string_view> &names = *split;

  Location out;
  out.folder_form = decoded->ends_with('/');
  std::size_t at = !names.empty() && names[0] == "remote.php" ? 1 : 0;
  const auto next = [&]() -> std::string_view { return at < names.size() ? names[at] : std::string_view(); };
  if (next() == "webdav") {
    ++at;
    out.root = Root::Personal;
  } else if (next() == "dav") {
    ++at;
    const std::string_view kind = next();
    if (kind.empty()) {
      out.root = Root::Top;
    } else if (const Root root = root_of_kind(kind); root != Root::Foreign) {
      ++at;
      if (at == names.size()) {
        out.root = Root::Top;
      } else {
        out.root = root;
        const std::string_view named = names[at++];
        const auto id = root == Root::Files ? std::nullopt : parse_wire_id(named);
        if (id) {
          out.id = *id;
        } else if (root == Root::Files || root == Root::Trash) {
          out.user = named;
        } else {
          return error(Status::InvalidArgument, "The path names no space: an id is `uuid$uuid` or `uuid$uuid!uuid`.");
        }
      }
    } else if (kind == "uploads") {
      ++at;
      out.root = Root::Uploads;
    } else {
      for (const std::string_view later : kLater) {
        if (kind == later) out.root = Root::Later;
      }
    }
  } else if (names.size() == 1 && next() == "status.php") {
    ++at;
    out.root = Root::Status;
  }

  out.href_root = base::percent_encode_path(prefix_of(*decoded, names, at));
  out.href = base::percent_encode_path(prefix_of(*decoded, names, names.size()));
  for (std::size_t i = at; i < names.size(); ++i) {
    if (!out.path.empty()) out.path.push_back('/');
    out.path.append(names[i]);
  }
  return out;
}

}  // namespace Atoll::webdav
