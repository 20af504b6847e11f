// SPDX-License-Identifier: Apache-2.0
// Which versions of a file are too many or too old.
#pragma once

#include "core/tree/engine.hpp"
#include "core/tree/meta.hpp"

namespace Atoll::tree {

/// Of all versions of one file, the newest first, those that the rule does not keep: by age, by count, and of each slot
/// of time all but the newest. What was superfluous once is so at any later time. [any thread]
std::vector<VersionRecord> superfluous(std::span<const VersionRecord> versions, const Retention &rule,
                                       std::int64_t now_ns);

}  // namespace Atoll::tree
