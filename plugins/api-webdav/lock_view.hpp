// SPDX-License-Identifier: Apache-2.0
// Locks as the client of a request sees them: with the URL of what they were taken on.
#pragma once

#include <vector>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/lock_xml.hpp"

namespace Atoll::webdav {

/// The locks that apply to `ref`, in the space of `target`, the request's own. None where the storage has no locks.
Result<std::vector<ShownLock>> shown_locks(const Context &context, const Target &target, const Ref &ref);

/// The URL path of a node of that space, percent-encoded, under the root of the request.
Result<std::string> href_of(const Context &context, const Target &target, const NodeId &node);

}  // namespace Atoll::webdav
