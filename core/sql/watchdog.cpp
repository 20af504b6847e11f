// SPDX-License-Identifier: Apache-2.0
#include "core/sql/watchdog.hpp"

#include <sys/socket.h>

#include <chrono>

#include "core/base/time.hpp"

namespace Atoll::sql {
namespace {

constexpr std::int64_t kCut = INT64_MAX;  // in the place of a time: never again

}  // namespace

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void *Watchdog::watch(int socket, std::int64_t until_ns) {
  if (socket < 0) return nullptr;
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  watched_.emplace_front();
  Watched &made = watched_.front();
  made = {socket, until_ns, watched_.begin()};
  if (asleep_) changed_.notify_one();
  return &made;
}

void Watchdog::forget(void *watched) noexcept {
  if (!watched) return;
  const std::lock_guard lock(mutex_);
  watched_.erase(static_cast<Watched *>(watched)->place);
}

bool Watchdog::cut(const void *watched) const noexcept {
  if (!watched) return false;
  const std::lock_guard lock(mutex_);
  return static_cast<const Watched *>(watched)->until_ns == kCut;
}

void Watchdog::run() {
  constexpr auto tick = std::chrono::milliseconds(250);
  constexpr int rests = 20;  // ticks with nothing to watch before it sleeps
  std::unique_lock lock(mutex_);
  for (int idle = 0; !leaving_; idle = watched_.empty() ? idle + 1 : 0) {
    if (idle >= rests) {
      asleep_ = true;
      changed_.wait(lock, [this] { return leaving_ || !watched_.empty(); });
      asleep_ = false;
    }
    changed_.wait_for(lock, tick, [this] { return leaving_; });
    const std::int64_t now = base::monotonic_ns();
    for (Watched &one : watched_) {
      if (one.until_ns > now) continue;
      ::shutdown(one.socket, SHUT_RDWR);
      one.until_ns = kCut;
    }
  }
}

}  // namespace Atoll::sql
