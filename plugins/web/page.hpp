// SPDX-License-Identifier: Apache-2.0
// The built-in page: files that are part of the plugin. They are in the folder page/.
#pragma once

#include <span>
#include <string_view>

namespace Atoll::web {

struct PageFile {
  std::string_view name;
  std::string_view plain;
  std::string_view gzip;  ///< the same, compressed
};

/// All of them; never dies. [any thread]
std::span<const PageFile> page_files();

}  // namespace Atoll::web
