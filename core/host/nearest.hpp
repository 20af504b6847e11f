// SPDX-License-Identifier: Apache-2.0
// "Did you mean ...?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

/// Letters to insert, remove, replace or swap with their neighbour to make `a` into `b`. [any thread]
unsigned edit_distance(std::string_view a, std::string_view b);

/// The candidate that is nearest to `word`, or nothing when none is near enough to be meant. [any thread]
std::string nearest(std::string_view word, const std::vector<std::string> &candidates);

/// "; did you mean 'x'?", or an empty text.
std::string did_you_mean(std::string_view word, const std::vector<std::string> &candidates);

}  // namespace Atoll::host
