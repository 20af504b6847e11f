// SPDX-License-Identifier: Apache-2.0
#include "core/tree/fault_point.hpp"

#ifdef ATOLL_FAULT_POINTS

#include <atomic>
#include <set>

namespace Atoll::tree {
namespace {

std::atomic<FaultHandler> fault_handler{nullptr};

std::set<std::string> &listed_points() {
  static std::set<std::string> points;
  return points;
}

}  // namespace

void set_fault_handler(FaultHandler handler) noexcept { fault_handler = handler; }

std::vector<std::string> fault_points() { return {listed_points().begin(), listed_points().end()}; }

bool list_fault_point(const char *name) {
  listed_points().insert(name);
  return true;
}

void reach_fault_point(const char *name) {
  if (const FaultHandler handler = fault_handler.load(std::memory_order_relaxed)) handler(name);
}

}  // namespace Atoll::tree

#endif
