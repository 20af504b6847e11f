// SPDX-License-Identifier: Apache-2.0
// Starts instances in the order of their needs, keeps trying those that fail, and stops them.
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/host/instance_set.hpp"

namespace Atoll::host {

enum class State { Starting, Running, Degraded, BackingOff, Stopping, Stopped };
/// "starting", "running", "degraded", "backing off", "stopping", "stopped".
std::string_view state_name(State state);

struct InstanceStatus {
  std::string name;
  std::string plugin;
  State state = State::Stopped;
  std::string reason;                     ///< why it is not simply running; empty when it is
  unsigned failures = 0;                  ///< failed starts in a row
  std::uint64_t starts = 0;               ///< successful ones
  std::chrono::milliseconds retry_in{0};  ///< when backing off
  std::string_view durability;            ///< of a running storage: what it promises; else empty
};

/// One thread per instance does its starting, health checks and stopping, so that one that hangs holds up nobody else.
class Supervisor {
 public:
  struct Options {
    std::chrono::milliseconds first_retry{500};  ///< doubled with each failure, with jitter
    std::chrono::milliseconds longest_retry{60'000};
    std::chrono::milliseconds health_interval{5'000};  ///< between looks that nobody asks for
    std::chrono::milliseconds doubt_interval{100};     ///< between looks that doubts ask for
    std::chrono::milliseconds stop_patience{30'000};   ///< for running calls, when an instance is stopped
  };

  Supervisor(const InstanceSet &instances, Options options);
  ~Supervisor();
  Supervisor(const Supervisor &) = delete;
  Supervisor &operator=(const Supervisor &) = delete;

  /// Begins to start all instances, or only the named ones with all that they need.
  void start();
  void start_only(const std::vector<std::string> &names);
  /// Waits until each was tried once, or waits for one that was. False after `patience`.
  bool wait_settled(std::chrono::milliseconds patience);
  /// Stops all, those that others need last. False when some could not be stopped in time: the destructor would wait
  /// for them.
  bool stop(std::chrono::milliseconds patience);

  /// Looks at the health of all running instances now, and waits for what they say. What hangs for longer than
  /// `patience` keeps the state that it had. [any thread but an instance's own]
  void look(std::chrono::milliseconds patience);

  // ---- [any thread but an instance's own]; NotFound for a name that is none. They wait for the outcome.
  Result<void> start_instance(std::string_view name);
  Result<void> stop_instance(std::string_view name);
  Result<void> restart_instance(std::string_view name);

  std::vector<InstanceStatus> status() const;             ///< [any thread] in the order of the configuration
  InstanceStatus status(const Instance &instance) const;  ///< [any thread]
  /// Whether all instances are running. One that the admin stopped counts too: what needs it answers 503.
  bool ready() const;

 private:
  struct Entry;
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  void run(Entry &entry);
  void run_once(Entry &entry, Lock &lock);
  void watch(Entry &entry, Lock &lock);
  void take_down(Entry &entry, Lock &lock);
  void set(Entry &entry, State state, std::string reason = {});
  bool needs_met(const Entry &entry, std::string &reason) const;
  bool settled(const Entry &entry) const;
  Entry *find(std::string_view name) const;
  std::chrono::milliseconds delay(unsigned failures) const;
  InstanceStatus describe(const Entry &entry) const;
  Result<void> outcome(Entry &entry, Lock &lock);
  void begin(Entry &entry);

  const InstanceSet &instances_;
  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Entry>> entries_;  // in the order of the configuration
  std::vector<Entry *> order_;                   // in start order
};

}  // namespace Atoll::host
