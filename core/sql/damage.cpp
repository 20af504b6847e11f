// SPDX-License-Identifier: Apache-2.0
#include "core/sql/damage.hpp"

#include <atomic>
#include <mutex>
#include <set>

namespace Atoll::sql {
namespace {

struct Damages {
  std::mutex mutex;
  std::set<std::string> paths;  // guarded by mutex
  std::atomic<std::uint64_t> count{0};
};

Damages &all() {
  static Damages damages;
  return damages;
}

}  // namespace

void note_damage(const std::string &path) {
  const std::lock_guard guard(all().mutex);
  all().paths.insert(path);
  ++all().count;
}

bool damaged(const std::string &path) {
  const std::lock_guard guard(all().mutex);
  return all().paths.contains(path);
}

void forget_damage(const std::string &path) {
  const std::lock_guard guard(all().mutex);
  all().paths.erase(path);
}

std::uint64_t damages() noexcept { return all().count.load(std::memory_order_relaxed); }

}  // namespace Atoll::sql
