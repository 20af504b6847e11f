// SPDX-License-Identifier: Apache-2.0
// Which of our roots a path lies under, and what it names there. Used for request paths, Destination and tagged If
// lists. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

enum class Root : std::uint8_t {
  Foreign,   ///< not one of ours
  Status,    ///< /status.php
  Top,       ///< /dav, /dav/files, /dav/spaces: nothing to see, but ours
  Personal,  ///< /webdav: the caller's personal space
  Files,     ///< /dav/files/{user}
  Spaces,    ///< /dav/spaces/{id}
  Meta,      ///< /dav/meta/{id}: what is known of a node, and its versions below `v`
  Trash,     ///< /dav/trash-bin/{id} and /dav/trash-bin/{user}
  Uploads,   ///< /dav/uploads/{space}/{upload}: `path` is what stands behind uploads
  Later,     ///< roots that are known but not served yet: public-files, avatars ...
};

/// A path, decoded and checked.
struct Location {
  Root root = Root::Foreign;
  std::string user;          ///< of Root::Files, and of Root::Trash where no space is named
  WireId id;                 ///< of Root::Spaces, Meta and Trash
  std::string path;          ///< below the root: names separated by single slashes; empty for the root itself
  std::string href;          ///< the whole path as asked, percent-encoded anew, without slashes at its end
  std::string href_root;     ///< the part of `href` that names the root, without a slash at its end
  bool folder_form = false;  ///< it was written with a slash at the end

  std::string_view name() const;    ///< last name of `path`; empty for the root
  std::string_view parent() const;  ///< `path` without its last name
};

/// Takes a percent-encoded path that starts with a slash; raw UTF-8 and blanks in it are fine. Doubled slashes are one.
/// InvalidArgument, with a sentence for the client: broken percent-encoding, an encoded slash, `.` and `..`, NUL,
/// invalid UTF-8, names over 255 bytes, more than 512 names, a space id that is none.
Result<Location> parse_location(std::string_view path);

}  // namespace Atoll::webdav
