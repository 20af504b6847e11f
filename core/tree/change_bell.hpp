// SPDX-License-Identifier: Apache-2.0
// Wakes those who read the change log.
#pragma once

#include <atoll/sdk/ids.hpp>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace Atoll::tree {

/// Calls listeners on a thread of its own, once for many changes of a space that come close together. It only wakes:
/// what was missed is in the log. Costs a look at an empty list while nobody listens. [any thread]
class ChangeBell {
 public:
  using Listener = std::function<void(const SpaceId &space)>;

  ChangeBell() = default;
  ~ChangeBell() { stop(); }
  ChangeBell(const ChangeBell &) = delete;
  ChangeBell &operator=(const ChangeBell &) = delete;

  /// Gives a number for forget(). The listener may call the engine, but not forget().
  std::uint64_t listen(Listener listener);
  /// When it returns, the listener runs no more and will not be called again.
  void forget(std::uint64_t number);
  /// The log of the space has new rows. Never waits for a listener.
  void ring(const SpaceId &space);
  /// No listener is called after this.
  void stop();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable rung_, calm_;
  std::map<std::uint64_t, Listener> listeners_;  // guarded by mutex_
  std::unordered_set<SpaceId> changed_;          // guarded by mutex_
  std::uint64_t next_ = 1;                       // guarded by mutex_
  bool calling_ = false, stop_ = false;          // guarded by mutex_
  std::thread thread_;
};

}  // namespace Atoll::tree
