// SPDX-License-Identifier: Apache-2.0
#include "core/host/event_bus.hpp"

#include <atoll/sdk/types.hpp>

#include "core/host/instance_set.hpp"

namespace Atoll::host {

void EventBus::publish(const atoll_event &event) {
  constexpr std::size_t kMostWaiting = 4096;
  Event copy{std::string(view(event.kind)), std::string(view(event.request_id)), event.space, event.subject};
  const std::lock_guard lock(mutex_);
  if (leaving_) return;
  if (queue_.size() >= kMostWaiting) {
    dropped_.fetch_add(1);
    lost_ = true;
    return;
  }
  queue_.push_back(std::move(copy));
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_one();
}

void EventBus::stop() {
  {
    const std::lock_guard lock(mutex_);
    leaving_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventBus::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return leaving_ || !queue_.empty(); });
    if (leaving_) return;
    const Event event = std::move(queue_.front());
    queue_.pop_front();
    const bool lost = std::exchange(lost_, false);
    lock.unlock();
    if (lost && listener_) listener_(nullptr);
    deliver(event);
    lock.lock();
  }
}

void EventBus::deliver(const Event &event) {
  auto raw = sized<atoll_event>();
  raw.kind = str(event.kind);
  raw.space = event.space;
  raw.subject = event.subject;
  raw.request_id = str(event.request_id);
  if (listener_) listener_(&raw);
  for (Instance *instance : instances_.offering(ATOLL_EVENTS)) {
    const Lease lease = instance->lease();
    if (!lease) continue;
    const CallLock lock = lease.lock();
    lease.table<atoll_events>(ATOLL_EVENTS)->on_event(lease.self(), &raw);
  }
}

}  // namespace Atoll::host
