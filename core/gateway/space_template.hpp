// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace Atoll::gateway {

/// What a new project space begins with.
struct SpaceTemplate {
  struct Node {
    std::string path;  ///< below the root, without a slash at its begin
    bool folder = false;
    std::string content;  ///< of a file
  };
  std::vector<Node> nodes;    ///< a folder before what is in it
  std::string readme, image;  ///< paths of files, or empty
  static constexpr std::size_t kMostNodes = 1000, kMostBytes = 64u << 20;
};

/// The template of that name: that folder below `templates` (which may be empty: there are none), or the built-in
/// "default", a text about the space. The file .space/readme.md becomes the readme of the space, .space/image.* its
/// picture. Symbolic links and special files are left out. InvalidArgument: there is no such template;
/// FailedPrecondition: it is too large, or cannot be used. [worker]
Result<SpaceTemplate> read_template(const std::string &templates, std::string_view name);

}  // namespace Atoll::gateway
