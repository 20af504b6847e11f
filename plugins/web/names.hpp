// SPDX-License-Identifier: Apache-2.0
// What can be told from the name of a file in a bundle. [any thread]
#pragma once

#include <string>
#include <string_view>

namespace Atoll::web {

/// Whether the name holds a hash of the content, as bundlers write it ("index-BX3hk2d_.mjs", "app.3fa8b2c1.css"):
/// another content has another name then. In doubt no: such a file is asked for again, and nothing is served that is
/// too old.
bool has_hash(std::string_view file_name);

/// The value of Content-Type, with the character set where one belongs.
std::string content_type(std::string_view file_name);

/// Whether compressing this type is worth anything, so that NAME.gz and NAME.br are looked for.
bool compressible(std::string_view content_type);

/// Whether the first segment of a path belongs to an API, of this version or another one: no page is ever served in its
/// place. `more` are further ones, with blanks between.
bool belongs_to_api(std::string_view first_segment, std::string_view more);

/// Whether Accept-Encoding takes the coding (RFC 9110, 12.5.3).
bool takes_coding(std::string_view accept_encoding, std::string_view coding);

/// Whether Accept names HTML itself: a browser that opens a page, not a script or a picture that is missing.
bool wants_page(std::string_view accept);

}  // namespace Atoll::web
