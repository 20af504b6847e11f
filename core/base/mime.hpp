// SPDX-License-Identifier: Apache-2.0
// Media types by file name.
#pragma once

#include <string_view>

namespace Atoll::base {

/// The media type for the ending of a name, in any letter case; "application/octet-stream" for an unknown one. The view
/// never dies. [any thread]
std::string_view mime_type(std::string_view file_name);

}  // namespace Atoll::base
