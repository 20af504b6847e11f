// SPDX-License-Identifier: Apache-2.0
// Hands events to the instances that want them. It only wakes; nothing is kept for those who are not there.
#pragma once

#include <atoll/abi/events.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace Atoll::host {

class InstanceSet;

/// One thread delivers, begun with the first event. At most 4096 events wait; beyond that they are counted and dropped.
class EventBus {
 public:
  explicit EventBus(const InstanceSet &instances) : instances_(instances) {}
  ~EventBus() { stop(); }
  EventBus(const EventBus &) = delete;
  EventBus &operator=(const EventBus &) = delete;

  /// [start-up] A part of the host that is told too, on the bus's thread; null: events were dropped before this.
  void listen(std::function<void(const atoll_event *)> listener) { listener_ = std::move(listener); }
  void publish(const atoll_event &event);  ///< [any thread] Never blocks on a consumer.
  void stop();                             ///< Drops what waits and joins the thread.
  std::uint64_t dropped() const { return dropped_.load(); }

 private:
  struct Event {
    std::string kind, request_id;
    atoll_uuid space, subject;
  };
  void work();
  void deliver(const Event &event);

  const InstanceSet &instances_;
  std::function<void(const atoll_event *)> listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> queue_;
  std::thread thread_;
  bool leaving_ = false;
  bool lost_ = false;  // since the last delivery
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace Atoll::host
