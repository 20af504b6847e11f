// SPDX-License-Identifier: Apache-2.0
#include "core/net/core.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/uuid.hpp"
#include "core/net/connection.hpp"

namespace Atoll::net {

std::string Worker::next_request_id() {
  if (id_state == 0) {
    std::array<std::uint8_t, sizeof id_state> seed{};
    base::random_bytes(seed);
    std::memcpy(&id_state, seed.data(), sizeof id_state);
  }
  // splitmix64
  std::uint64_t value = (id_state += 0x9e3779b97f4a7c15);
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  value ^= value >> 31;
  std::string text(15, '0');
  for (char &c : text) {
    c = "0123456789abcdef"[value & 15];
    value >>= 4;
  }
  return text;
}

void ConnectionTable::insert(std::uint64_t id, std::shared_ptr<Connection> connection) {
  auto &part = shard(id);
  size_.fetch_add(1);
  const std::lock_guard lock(part.mutex);
  part.map.emplace(id, std::move(connection));
}

void ConnectionTable::erase(std::uint64_t id) {
  std::shared_ptr<Connection> last;  // destroyed outside of the lock
  {
    auto &part = shard(id);
    const std::lock_guard lock(part.mutex);
    const auto found = part.map.find(id);
    if (found == part.map.end()) return;
    last = std::move(found->second);
    part.map.erase(found);
  }
  if (size_.fetch_sub(1) == 1) {
    const std::lock_guard lock(empty_mutex_);
    empty_.notify_all();
  }
}

std::shared_ptr<Connection> ConnectionTable::find(std::uint64_t id) const {
  const auto &part = shard(id);
  const std::lock_guard lock(part.mutex);
  const auto found = part.map.find(id);
  return found == part.map.end() ? nullptr : found->second;
}

void ConnectionTable::for_each(const std::function<void(Connection &)> &visit) const {
  std::vector<std::shared_ptr<Connection>> copy;
  for (const auto &part : shards_) {
    copy.clear();
    {
      const std::lock_guard lock(part.mutex);
      copy.reserve(part.map.size());
      for (const auto &entry : part.map) copy.push_back(entry.second);
    }
    for (const auto &connection : copy) visit(*connection);
  }
}

bool ConnectionTable::wait_empty(std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(empty_mutex_);
  const auto is_empty = [this] { return size_.load() == 0; };
  if (deadline == std::chrono::steady_clock::time_point::max()) {
    empty_.wait(lock, is_empty);
    return true;
  }
  return empty_.wait_until(lock, deadline, is_empty);
}

Core::Core(Options given) : options(std::move(given)) {}

Result<void> Core::open() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return base::errno_error("cannot make an epoll set");
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return base::errno_error("cannot make an eventfd");
  // Edge-triggered: each write wakes one worker, and nobody has to read the counter.
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = kWakeId;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
    return base::errno_error("cannot watch an eventfd");
  return {};
}

void Core::wake_one() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

bool Core::push_ready(std::shared_ptr<Connection> connection) {
  const std::lock_guard lock(ready_mutex_);
  if (exiting_) return false;
  ready_.push_back(std::move(connection));
  ready_count_.store(ready_.size(), std::memory_order_relaxed);
  return true;
}

bool Core::enqueue(std::shared_ptr<Connection> connection) {
  if (!push_ready(std::move(connection))) return false;
  wake_one();
  return true;
}

bool Core::requeue(std::shared_ptr<Connection> connection) { return push_ready(std::move(connection)); }

std::shared_ptr<Connection> Core::pop_ready() {
  if (ready_count_.load(std::memory_order_relaxed) == 0) return nullptr;
  std::shared_ptr<Connection> connection;
  bool more = false;
  {
    const std::lock_guard lock(ready_mutex_);
    if (ready_.empty()) return nullptr;
    connection = std::move(ready_.front());
    ready_.pop_front();
    ready_count_.store(ready_.size(), std::memory_order_relaxed);
    more = !ready_.empty();
  }
  if (more) wake_one();  // two wakes may have become one event
  return connection;
}

void Core::work(const std::function<void(std::uint64_t)> &accept) {
  Worker worker;
  while (!exit_.load(std::memory_order_acquire)) {
    epoll_event event{};
    const bool ready = ready_count_.load(std::memory_order_relaxed) > 0;
    const int count = ::epoll_wait(epoll_.get(), &event, 1, ready ? 0 : -1);
    if (count < 0 && errno != EINTR) break;
    if (count == 1 && event.data.u64 != kWakeId) {
      // What waits for its turn may have nobody else that knows of it, and this event's handler may take long.
      if (ready_count_.load(std::memory_order_relaxed) > 0) wake_one();
      if (event.data.u64 < kFirstConnection) {
        accept(event.data.u64);
      } else if (const auto connection = connections.find(event.data.u64)) {
        connection->on_events(event.events, worker);
      }
    }
    if (const auto connection = pop_ready()) connection->run(worker);
  }
  // What was put aside while the workers left is run to its end, so that each callback comes.
  while (const auto connection = pop_ready()) connection->run(worker);
  wake_one();
}

void Core::exit_workers() {
  {
    const std::lock_guard lock(ready_mutex_);
    exiting_ = true;
  }
  exit_.store(true, std::memory_order_release);
  wake_one();
}

}  // namespace Atoll::net
