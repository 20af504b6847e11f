// SPDX-License-Identifier: Apache-2.0
// Which databases were found damaged, for those who can make them anew.
#pragma once

#include <cstdint>
#include <string>

namespace Atoll::sql {

/// SQLite, or somebody who reads it, found that the database at this path cannot be right. Paths are those of SQLite:
/// absolute and without symbolic links. [any thread]
void note_damage(const std::string &path);
/// Since it was last forgotten. [any thread]
bool damaged(const std::string &path);
/// It was made anew. [any thread]
void forget_damage(const std::string &path);
/// How often anything was noted so far, of any database: a cheap way to see that there is news. [any thread]
std::uint64_t damages() noexcept;

}  // namespace Atoll::sql
