// SPDX-License-Identifier: Apache-2.0
// What the connections of one engine share: the epoll set, the queue of connections to run, counters, options.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "core/base/file.hpp"
#include "core/net/address_table.hpp"
#include "core/net/block_pool.hpp"
#include "core/net/byte_budget.hpp"
#include "core/net/engine.hpp"
#include "core/net/gzip.hpp"
#include "core/net/response_head.hpp"

namespace Atoll::net {

class Connection;

/// What belongs to one worker thread.
struct Worker {
  static constexpr std::size_t kScratch = 256 * 1024;
  std::vector<char> scratch = std::vector<char>(kScratch);
  DateCache date;
  std::unique_ptr<Gzip> gzip;  ///< made when first needed
  std::uint64_t id_state = 0;  ///< 0: not seeded yet

  /// 15 hex digits, for requests that brought no id of their own. Unique enough for a log, not a secret.
  std::string next_request_id();
};

/// All open connections by id. An event names its connection by id, so that one which was closed meanwhile is simply
/// not found. [any thread]
class ConnectionTable {
 public:
  void insert(std::uint64_t id, std::shared_ptr<Connection> connection);
  void erase(std::uint64_t id);
  std::shared_ptr<Connection> find(std::uint64_t id) const;
  /// Calls `visit` for each, without holding a lock during the call.
  void for_each(const std::function<void(Connection &)> &visit) const;
  std::size_t size() const { return size_.load(); }
  /// True if it became empty before `deadline`.
  bool wait_empty(std::chrono::steady_clock::time_point deadline) const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> map;
  };
  Shard &shard(std::uint64_t id) { return shards_[id % shards_.size()]; }
  const Shard &shard(std::uint64_t id) const { return shards_[id % shards_.size()]; }

  std::array<Shard, 16> shards_;
  std::atomic<std::size_t> size_{0};
  mutable std::mutex empty_mutex_;
  mutable std::condition_variable empty_;
};

/// Held by each connection, so it outlives the engine while an exchange is still held somewhere.
class Core : public std::enable_shared_from_this<Core> {
 public:
  static constexpr std::uint64_t kWakeId = 0;                  ///< epoll data of the eventfd
  static constexpr std::uint64_t kFirstConnection = 1u << 16;  ///< below: listeners

  explicit Core(Options options);

  const Options options;
  Metrics metrics;
  ByteBudget buffered{metrics.buffered_bytes, options.max_buffered_total};  ///< bodies of requests
  BlockPool blocks{buffered};                                               ///< of bodies that are received
  ByteBudget answers{metrics.answer_bytes, options.max_answer_bytes};       ///< bodies of answers
  AddressTable addresses;
  Engine::Handler handler;  ///< set before the threads start
  ConnectionTable connections;
  std::atomic<bool> draining{false};  ///< answers close their connection, idle ones close
  std::atomic<bool> stopping{false};  ///< everything is reset

  Result<void> open();
  int epoll() const { return epoll_.get(); }

  /// [any thread] Has a worker run the connection. False once the workers are gone.
  bool enqueue(std::shared_ptr<Connection> connection);
  /// [worker] The same for a connection that gives up its turn: this worker comes back to it, unless another is faster,
  /// so that nobody needs to be woken.
  bool requeue(std::shared_ptr<Connection> connection);
  /// [worker] Waits for events and runs what they name until exit(). `accept` is called for listener ids.
  void work(const std::function<void(std::uint64_t)> &accept);
  void exit_workers();
  std::uint64_t next_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }

 private:
  void wake_one();
  bool push_ready(std::shared_ptr<Connection> connection);
  std::shared_ptr<Connection> pop_ready();

  base::Fd epoll_;
  base::Fd wake_;
  std::mutex ready_mutex_;
  std::deque<std::shared_ptr<Connection>> ready_;
  std::atomic<std::size_t> ready_count_{0};
  bool exiting_ = false;
  std::atomic<bool> exit_{false};
  std::atomic<std::uint64_t> next_id_{kFirstConnection};
};

}  // namespace Atoll::net
