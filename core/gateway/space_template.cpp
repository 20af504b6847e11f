// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/space_template.hpp"

#include "core/base/file.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <filesystem>

namespace Atoll::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kReadme = ".space/readme.md", kImage = ".space/image.";
constexpr std::string_view kDefaultReadme =
    "# Welcome\n\n"
    "This text is shown to everybody who opens the space. Say here what the space is for, who looks after it and "
    "where\n"
    "things are. It is the file `.space/readme.md`.\n";

Error no_template(std::string_view name) {
  return error(Status::InvalidArgument, "There is no template of spaces named '" + std::string(name) + "'.");
}

Error unusable(const std::string &folder, const std::string &why) {
  return error(Status::FailedPrecondition, "the template of spaces " + folder + " cannot be used: " + why);
}

Result<SpaceTemplate> read_folder(const std::string &folder) {
  SpaceTemplate out;
  std::size_t bytes = 0;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    const fs::file_status status = at->symlink_status(failed);
    if (failed) break;
    const bool directory = fs::is_directory(status);
    if (!directory && !fs::is_regular_file(status)) continue;
    SpaceTemplate::Node node{fs::path(at->path()).lexically_relative(folder).string(), directory, {}};
    if (!base::valid_utf8(node.path)) return unusable(folder, "it has a name that is not UTF-8");
    if (!directory) {
      auto content = base::read_file(at->path().string(), SpaceTemplate::kMostBytes - bytes);
      if (content.status() == Status::OutOfRange) return unusable(folder, "it has more than 64 MiB");
      if (!content) return unusable(folder, content.error().message);
      bytes += content->size();
      node.content = *std::move(content);
    }
    out.nodes.push_back(std::move(node));
    if (out.nodes.size() > SpaceTemplate::kMostNodes)
      return unusable(folder, "it has more than 1000 files and folders");
  }
  if (failed) return unusable(folder, failed.message());
  std::sort(out.nodes.begin(), out.nodes.end(), [](const auto &a, const auto &b) { return a.path < b.path; });
  for (const auto &node : out.nodes) {
    if (node.folder) continue;
    if (node.path == kReadme) out.readme = node.path;
    if (node.path.compare(0, kImage.size(), kImage) == 0 && out.image.empty()) out.image = node.path;
  }
  return out;
}

}  // namespace

Result<SpaceTemplate> read_template(const std::string &templates, std::string_view name) {
  if (name.empty() || name.front() == '.' || name.find('/') != name.npos || name.find('\0') != name.npos)
    return no_template(name);
  if (!templates.empty()) {
    const std::string folder = templates + "/" + std::string(name);
    std::error_code failed;
    const fs::file_status status = fs::status(folder, failed);
    if (fs::is_directory(status)) return read_folder(folder);
    if (status.type() == fs::file_type::none) return unusable(folder, failed.message());
  }
  if (name != "default") return no_template(name);
  SpaceTemplate out;
  out.nodes = {{".space", true, {}}, {std::string(kReadme), false, std::string(kDefaultReadme)}};
  out.readme = kReadme;
  return out;
}

}  // namespace Atoll::gateway
