// SPDX-License-Identifier: Apache-2.0
// Percent-encoding of paths (RFC 3986, 2.1 and 3.3). [any thread]
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace Atoll::base {

/// Decodes %XX; nothing when a '%' is not followed by two hex digits. '+' stays '+'. The result may hold any byte, NUL
/// and invalid UTF-8 included: split_path() is what refuses those.
std::optional<std::string> percent_decode(std::string_view text);

/// Encodes every byte but '/', the unreserved characters and the sub-delims of RFC 3986, ':' and '@'. '&' and '\'' are
/// encoded too, so that the result can stand in XML text and attributes as it is.
std::string percent_encode_path(std::string_view path);
void append_percent_encoded_path(std::string &out, std::string_view path);

}  // namespace Atoll::base
