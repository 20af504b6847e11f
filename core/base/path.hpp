// SPDX-License-Identifier: Apache-2.0
// Paths inside a space: what a name may be. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string_view>
#include <vector>

namespace Atoll::base {

inline constexpr std::size_t kMaxNameBytes = 255;
inline constexpr std::size_t kMaxPathSegments = 512;

/// A name of one file or folder: 1 to 255 bytes of valid UTF-8 without '/' and NUL, and neither "." nor "..".
bool valid_name(std::string_view name);

/// The names of a path, root first; "/", "" and "//" have none. Slashes at the ends are ignored and doubled ones are
/// one. InvalidArgument for a name that valid_name() refuses, and for more than 512 of them. The views point into
/// `path`, which must be percent-decoded already.
Result<std::vector<std::string_view>> split_path(std::string_view path);

}  // namespace Atoll::base
