// SPDX-License-Identifier: Apache-2.0
#include "core/host/supervisor.hpp"

#include <algorithm>
#include <random>

#include "core/host/log.hpp"
#include "core/host/nearest.hpp"
#include "core/host/start_order.hpp"

namespace Atoll::host {

struct Supervisor::Entry {
  Instance *instance = nullptr;
  std::vector<std::pair<std::string, std::vector<Entry *>>> needs;  // interface id and who offers it
  std::thread thread;
  // Guarded by mutex_.
  State state = State::Stopped;
  std::string reason = "not started";
  bool wanted = false;   // shall run
  bool restart = false;  // go down and come up again
  bool leave = false;    // go down and end the thread
  bool tried = false;
  bool gone = false;   // the thread has ended
  bool stuck = false;  // could not be stopped in time
  unsigned failures = 0;
  std::uint64_t starts = 0;
  std::uint64_t attempts = 0;
  Clock::time_point retry_at;
  bool asked = false;       // somebody waits for a look at its health
  std::uint64_t begun = 0;  // looks at its health
  std::uint64_t ended = 0;

  bool interrupted() const { return leave || restart || !wanted; }
  bool up() const { return state == State::Running || state == State::Degraded; }
};

std::string_view state_name(State state) {
  switch (state) {
    case State::Starting:
      return "starting";
    case State::Running:
      return "running";
    case State::Degraded:
      return "degraded";
    case State::BackingOff:
      return "backing off";
    case State::Stopping:
      return "stopping";
    case State::Stopped:
      return "stopped";
  }
  return "unknown";
}

Supervisor::Supervisor(const InstanceSet &instances, Options options) : instances_(instances), options_(options) {
  std::vector<InstanceConfig> configs;
  for (const auto &instance : instances_.all()) {
    entries_.push_back(std::make_unique<Entry>());
    entries_.back()->instance = instance.get();
    instance->on_doubt([this] {
      { const Lock lock(mutex_); }  // who waits has either seen the doubt or sleeps by now
      changed_.notify_all();
    });
    configs.push_back(instance->config());
  }
  for (const auto &entry : entries_) {
    for (const auto &need : entry->instance->plugin().needs) {
      if (is_host_service(need)) continue;
      std::vector<Entry *> offering;
      for (const auto &other : entries_)
        if (other != entry && other->instance->plugin().query(need.c_str())) offering.push_back(other.get());
      entry->needs.emplace_back(need, std::move(offering));
    }
  }
  for (const auto index : start_order(configs)) order_.push_back(entries_[index].get());
}

Supervisor::~Supervisor() {
  // What hangs in a plugin hangs here too: whoever cannot wait ends the process after a stop() that failed.
  stop(options_.stop_patience);
  for (const auto &entry : entries_)
    if (entry->thread.joinable()) entry->thread.join();
  for (const auto &entry : entries_) entry->instance->on_doubt({});
}

void Supervisor::begin(Entry &entry) {
  if (entry.thread.joinable()) return;
  entry.wanted = true;
  set(entry, State::Starting);
  entry.thread = std::thread([this, &entry] { run(entry); });
}

void Supervisor::start() {
  const Lock lock(mutex_);
  for (Entry *entry : order_) begin(*entry);
}

void Supervisor::start_only(const std::vector<std::string> &names) {
  const Lock lock(mutex_);
  std::vector<Entry *> wanted;
  for (const auto &name : names)
    if (Entry *entry = find(name)) wanted.push_back(entry);
  for (std::size_t i = 0; i < wanted.size(); ++i)  // grows while it is walked
    for (const auto &[id, offering] : wanted[i]->needs)
      for (Entry *other : offering)
        if (std::find(wanted.begin(), wanted.end(), other) == wanted.end()) wanted.push_back(other);
  for (Entry *entry : order_)
    if (std::find(wanted.begin(), wanted.end(), entry) != wanted.end()) begin(*entry);
}

void Supervisor::set(Entry &entry, State state, std::string reason) {
  entry.state = state;
  entry.reason = std::move(reason);
  changed_.notify_all();
}

bool Supervisor::needs_met(const Entry &entry, std::string &reason) const {
  for (const auto &[id, offering] : entry.needs) {
    bool any = false, pending = false;
    std::string names;
    for (const Entry *other : offering) {
      any |= other->state == State::Running || other->state == State::Degraded;
      pending |= other->wanted && !other->tried && !settled(*other);
      names += (names.empty() ? "" : ", ") + other->instance->name();
    }
    if (any && !pending) continue;
    reason = "waits for " + names + " (" + id + ")";
    return false;
  }
  return true;
}

// Whether nothing more is to be expected of it soon.
bool Supervisor::settled(const Entry &entry) const {
  if (entry.tried || !entry.wanted) return true;
  for (const auto &[id, offering] : entry.needs) {
    const bool dead = std::all_of(offering.begin(), offering.end(), [&](const Entry *other) {
      return other->state != State::Running && other->state != State::Degraded && settled(*other);
    });
    if (dead) return true;
  }
  return false;
}

std::chrono::milliseconds Supervisor::delay(unsigned failures) const {
  const std::chrono::milliseconds grown(options_.first_retry.count() << std::min(failures - 1, 16u));
  const auto most = std::min(grown, options_.longest_retry).count();
  thread_local std::mt19937 random{std::random_device{}()};
  // Between half and all of it, so that what failed together does not come back together.
  return std::chrono::milliseconds(std::uniform_int_distribution<long long>(most / 2, most)(random));
}

void Supervisor::run(Entry &entry) {
  Lock lock(mutex_);
  while (!entry.leave) run_once(entry, lock);
  entry.gone = true;
  set(entry, State::Stopped, "the server stops");
}

void Supervisor::run_once(Entry &entry, Lock &lock) {
  std::string waits_for;
  while (!entry.leave) {
    entry.restart = false;
    if (!entry.wanted) {
      if (entry.state != State::Stopped) set(entry, State::Stopped, "stopped by the admin");
    } else if (needs_met(entry, waits_for)) {
      break;
    } else if (entry.state != State::Starting || entry.reason != waits_for) {
      set(entry, State::Starting, waits_for);
    }
    changed_.wait(lock);
  }
  if (entry.leave) return;

  const std::string &name = entry.instance->name();
  set(entry, State::Starting);
  lock.unlock();
  const auto created = entry.instance->create();
  lock.lock();
  entry.tried = true;
  ++entry.attempts;
  if (created) {
    entry.failures = 0;
    ++entry.starts;
    set(entry, State::Running);
    log(ATOLL_LOG_INFO, name, "running");
    watch(entry, lock);
    take_down(entry, lock);
    return;
  }
  ++entry.failures;
  const auto pause = delay(entry.failures);
  entry.retry_at = Clock::now() + pause;
  set(entry, State::BackingOff, created.error().message);
  log(ATOLL_LOG_ERROR, name, "could not be started: " + created.error().message,
      {{"retry_in", std::to_string(pause.count()) + "ms"}, {"failures", std::to_string(entry.failures)}});
  changed_.wait_until(lock, Clock::time_point(entry.retry_at), [&] { return entry.interrupted(); });
}

void Supervisor::look(std::chrono::milliseconds patience) {
  Lock lock(mutex_);
  std::vector<std::pair<const Entry *, std::uint64_t>> asked;
  for (const auto &entry : entries_) {
    if (!entry->up()) continue;
    entry->asked = true;
    asked.emplace_back(entry.get(), entry->begun + 1);  // one that has begun may have seen what was before
  }
  changed_.notify_all();
  changed_.wait_for(lock, patience, [&] {
    return std::all_of(asked.begin(), asked.end(),
                       [](const auto &one) { return !one.first->up() || one.first->ended >= one.second; });
  });
}

void Supervisor::watch(Entry &entry, Lock &lock) {
  const auto pause = std::min(options_.doubt_interval, options_.health_interval);
  while (!entry.interrupted()) {
    // Not for every request that fails, should there be thousands.
    const auto heard = [&] { return entry.interrupted() || entry.asked; };
    if (!changed_.wait_for(lock, entry.begun > 0 ? pause : std::chrono::milliseconds(0), heard))
      changed_.wait_for(lock, options_.health_interval - pause, [&] { return heard() || entry.instance->doubted(); });
    if (entry.interrupted()) return;
    entry.asked = false;
    ++entry.begun;
    lock.unlock();
    const auto health = entry.instance->health();
    lock.lock();
    ++entry.ended;
    changed_.notify_all();
    if (entry.interrupted()) return;
    if (health && entry.state == State::Degraded) {
      log(ATOLL_LOG_INFO, entry.instance->name(), "well again");
      set(entry, State::Running);
    } else if (!health && (entry.state != State::Degraded || entry.reason != health.error().message)) {
      log(ATOLL_LOG_WARNING, entry.instance->name(), "degraded: " + health.error().message);
      set(entry, State::Degraded, health.error().message);
    }
  }
}

void Supervisor::take_down(Entry &entry, Lock &lock) {
  set(entry, State::Stopping);
  for (;;) {
    lock.unlock();
    const bool down = entry.instance->shut(options_.stop_patience);
    lock.lock();
    if (down) break;
    if (!entry.stuck)
      log(ATOLL_LOG_WARNING, entry.instance->name(), "cannot be stopped yet: calls into it are still running");
    entry.stuck = true;
    set(entry, State::Stopping, "calls into it are still running");
  }
  entry.stuck = false;
  set(entry, State::Stopped, entry.wanted ? "stopped" : "stopped by the admin");
  log(ATOLL_LOG_INFO, entry.instance->name(), "stopped");
}

bool Supervisor::wait_settled(std::chrono::milliseconds patience) {
  Lock lock(mutex_);
  return changed_.wait_for(lock, patience, [this] {
    return std::all_of(order_.begin(), order_.end(), [this](const Entry *entry) { return settled(*entry); });
  });
}

bool Supervisor::stop(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  bool all = true;
  for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
    Entry &entry = **at;
    if (!entry.thread.joinable()) continue;
    Lock lock(mutex_);
    entry.leave = true;
    changed_.notify_all();
    const bool gone = changed_.wait_until(lock, Clock::time_point(until), [&] { return entry.gone; });
    lock.unlock();
    if (gone) {
      entry.thread.join();
    } else {
      log(ATOLL_LOG_ERROR, entry.instance->name(), "did not stop in time");
      all = false;
    }
  }
  return all;
}

Supervisor::Entry *Supervisor::find(std::string_view name) const {
  for (const auto &entry : entries_)
    if (entry->instance->name() == name) return entry.get();
  return nullptr;
}

Result<void> Supervisor::outcome(Entry &entry, Lock &lock) {
  const auto before = entry.attempts;
  const auto done = [&] { return entry.leave || entry.attempts > before || !entry.wanted; };
  std::string reason;
  while (!done()) {
    if (!entry.restart && entry.state == State::Starting && !needs_met(entry, reason) && settled(entry) && !entry.tried)
      return error(Status::Unavailable, "[" + entry.instance->name() + "] " + reason);
    if (changed_.wait_for(lock, std::chrono::seconds(60)) == std::cv_status::timeout)
      return error(Status::DeadlineExceeded, "[" + entry.instance->name() + "] is still " +
                                                 std::string(state_name(entry.state)) + " after a minute");
  }
  if (entry.state == State::Running || entry.state == State::Degraded) return {};
  return error(Status::Unavailable, "[" + entry.instance->name() + "] is " + std::string(state_name(entry.state)) +
                                        (entry.reason.empty() ? "" : ": " + entry.reason));
}

namespace {

Error no_instance(const InstanceSet &instances, std::string_view name) {
  std::vector<std::string> names;
  for (const auto &instance : instances.all()) names.push_back(instance->name());
  return error(Status::NotFound, "there is no instance '" + std::string(name) + "'" + did_you_mean(name, names));
}

}  // namespace

Result<void> Supervisor::start_instance(std::string_view name) {
  Lock lock(mutex_);
  Entry *entry = find(name);
  if (!entry) return no_instance(instances_, name);
  if (entry->state == State::Running || entry->state == State::Degraded) return {};
  if (!entry->thread.joinable()) {
    begin(*entry);
  } else {
    entry->wanted = true;
    entry->restart = true;  // ends a back-off
    changed_.notify_all();
  }
  return outcome(*entry, lock);
}

Result<void> Supervisor::restart_instance(std::string_view name) {
  Lock lock(mutex_);
  Entry *entry = find(name);
  if (!entry) return no_instance(instances_, name);
  if (!entry->thread.joinable()) {
    begin(*entry);
  } else {
    entry->wanted = true;
    entry->restart = true;
    changed_.notify_all();
  }
  return outcome(*entry, lock);
}

Result<void> Supervisor::stop_instance(std::string_view name) {
  Lock lock(mutex_);
  Entry *entry = find(name);
  if (!entry) return no_instance(instances_, name);
  entry->wanted = false;
  entry->stuck = false;
  changed_.notify_all();
  changed_.wait(lock, [&] { return entry->state == State::Stopped || entry->stuck || !entry->thread.joinable(); });
  if (entry->state != State::Stopped)
    return error(Status::DeadlineExceeded,
                 "[" + std::string(name) + "] takes no new calls, but running ones have not ended yet");
  return {};
}

InstanceStatus Supervisor::describe(const Entry &entry) const {
  InstanceStatus out;
  out.name = entry.instance->name();
  out.plugin = entry.instance->plugin().name;
  out.state = entry.state;
  out.reason = entry.reason;
  out.failures = entry.failures;
  out.starts = entry.starts;
  if (entry.state == State::Running || entry.state == State::Degraded) out.durability = entry.instance->durability();
  if (entry.state == State::BackingOff)
    out.retry_in = std::max(std::chrono::milliseconds(0),
                            std::chrono::duration_cast<std::chrono::milliseconds>(entry.retry_at - Clock::now()));
  return out;
}

std::vector<InstanceStatus> Supervisor::status() const {
  const Lock lock(mutex_);
  std::vector<InstanceStatus> out;
  for (const auto &entry : entries_) out.push_back(describe(*entry));
  return out;
}

InstanceStatus Supervisor::status(const Instance &instance) const {
  const Lock lock(mutex_);
  for (const auto &entry : entries_)
    if (entry->instance == &instance) return describe(*entry);
  return {};
}

bool Supervisor::ready() const {
  const Lock lock(mutex_);
  return std::all_of(entries_.begin(), entries_.end(),
                     [](const auto &entry) { return entry->state == State::Running; });
}

}  // namespace Atoll::host
