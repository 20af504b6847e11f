// SPDX-License-Identifier: Apache-2.0
// DAV:activelock and what stands around it (RFC 4918, section 14). [any thread]
#pragma once

#include <atoll/sdk/files.hpp>

#include <string>
#include <string_view>

namespace Atoll::webdav {

/// A lock and the URL path, percent-encoded, of what it was taken on.
struct ShownLock {
  Lock lock;
  std::string root_href;
};

void append_activelock(std::string &out, const ShownLock &lock);

/// The body of an answer to LOCK.
std::string lock_answer(const ShownLock &lock);

/// The value of DAV:supportedlock.
inline constexpr std::string_view kSupportedLock =
    "<d:lockentry><d:lockscope><d:exclusive/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>"
    "<d:lockentry><d:lockscope><d:shared/></d:lockscope><d:locktype><d:write/></d:locktype></d:lockentry>";

}  // namespace Atoll::webdav
