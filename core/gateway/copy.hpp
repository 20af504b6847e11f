// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/files.hpp>

namespace Atoll::gateway {

/// Copies a node with all below it through reads and uploads, for drivers that cannot copy and between providers. A
/// file appears whole; a folder is put together under a temporary name beside the target and then renamed over it, so
/// that a copy which fails leaves the target as it was. Attributes go along where the target's driver keeps any. flags:
/// ATOLL_REPLACE, ATOLL_SHALLOW. [worker]
Result<Stat> copy_node(const Call &call, const Files &files, const Attributes &attributes, const Ref &from,
                       const Ref &to, std::uint32_t flags);

}  // namespace Atoll::gateway
