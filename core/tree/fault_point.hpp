// SPDX-License-Identifier: Apache-2.0
// Named places between two steps of a change, at which the crash tests stop the process. Nothing in a release.
#pragma once

#ifdef ATOLL_FAULT_POINTS

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace Atoll::tree {

/// Called with the name of each point that is reached; null: none. [any thread]
using FaultHandler = void (*)(const char *name);
void set_fault_handler(FaultHandler handler) noexcept;

/// The names of all points of the program, sorted. [any thread]
std::vector<std::string> fault_points();

// ---- what the macro is made of
bool list_fault_point(const char *name);
void reach_fault_point(const char *name);

template <std::size_t Size>
struct FaultName {
  constexpr FaultName(const char (&name)[Size]) { std::copy_n(name, Size, text); }  // NOLINT: from a literal
  char text[Size];
};

/// Listed before main() begins, whether it is ever reached or not.
template <FaultName Name>
struct FaultPoint {
  static void reach() {
    if (listed) reach_fault_point(Name.text);
  }
  static const bool listed;
};
template <FaultName Name>
const bool FaultPoint<Name>::listed = list_fault_point(Name.text);

}  // namespace Atoll::tree

/// `name`: a literal, "operation.step_just_done".
#define ATOLL_FAULT_POINT(name) ::Atoll::tree::FaultPoint<name>::reach()

#else

#define ATOLL_FAULT_POINT(name) static_cast<void>(0)

#endif
