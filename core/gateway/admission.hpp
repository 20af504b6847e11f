// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

namespace Atoll::gateway {

/// Lets at most `limit` calls into one provider at a time, so that a backend that hangs cannot hold every worker of the
/// server. A provider that is merely busy makes the next call wait for a moment (two seconds: disks take one for a
/// large flush). One that let nobody out during such a wait counts as stalled: until a call comes back from it, further
/// ones are refused at once. [any thread]
class Admission {
 public:
  /// How much a call is worth waiting for.
  enum class Wait {
    Moment,  ///< the client can ask again
    Long     ///< the end of something large: one such call a provider may wait longer, also when it counts as stalled
  };

  /// One provider's share. Lives as long as the Admission.
  class Provider {
   public:
    Provider(std::string name, unsigned limit) : name_(std::move(name)), limit_(limit) {}

   private:
    friend class Admission;
    bool take() noexcept {
      unsigned now = running_.load();
      while (now < limit_)
        if (running_.compare_exchange_weak(now, now + 1)) return true;
      return false;
    }
    void leave() noexcept {
      left_.fetch_add(1);
      stalled_.store(false);
      running_.fetch_sub(1);
      if (waiting_.load() == 0) return;
      { const std::lock_guard lock(mutex_); }  // who waits has either seen the room or sleeps by now
      room_.notify_one();
    }

    const std::string name_;
    const unsigned limit_;
    std::atomic<unsigned> running_{0};
    std::atomic<unsigned> waiting_{0};
    std::atomic<std::uint64_t> left_{0};  // calls that came back
    std::atomic<bool> stalled_{false};
    std::atomic<bool> patient_{false};  // somebody waits long
    std::mutex mutex_;
    std::condition_variable room_;
  };

  /// One call that was let in; leaving is its destruction.
  class Ticket {
   public:
    explicit Ticket(Provider &provider) : provider_(&provider) {}
    Ticket(Ticket &&other) noexcept : provider_(std::exchange(other.provider_, nullptr)) {}
    Ticket &operator=(Ticket &&) = delete;
    ~Ticket() {
      if (provider_) provider_->leave();
    }

   private:
    Provider *provider_;
  };

  explicit Admission(unsigned limit, std::chrono::milliseconds moment = std::chrono::seconds(2),
                     std::chrono::milliseconds longest = std::chrono::seconds(10))
      : limit_(limit), moment_(moment), longest_(longest) {}

  Provider &provider(std::string_view name) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto at = providers_.find(name); at != providers_.end()) return at->second;
    }
    const std::lock_guard lock(mutex_);
    return providers_.try_emplace(std::string(name), std::string(name), limit_).first->second;
  }

  /// UNAVAILABLE when there is no room in time.
  Result<Ticket> enter(Provider &provider, Wait wait = Wait::Moment) {
    if (provider.take()) return Ticket(provider);
    const bool patient = wait == Wait::Long && !provider.patient_.exchange(true);
    const bool in = (patient || !provider.stalled_.load()) && wait_for_room(provider, patient ? longest_ : moment_);
    if (patient) provider.patient_.store(false);
    if (in) return Ticket(provider);
    return Error{Status::Unavailable, "[" + provider.name_ + "] does not get its work done; try again", 0, 1000};
  }
  Result<Ticket> enter(std::string_view name, Wait wait = Wait::Moment) { return enter(provider(name), wait); }

 private:
  bool wait_for_room(Provider &provider, std::chrono::milliseconds patience) {
    std::unique_lock lock(provider.mutex_);
    provider.waiting_.fetch_add(1);
    const auto before = provider.left_.load();
    const bool in = provider.room_.wait_for(lock, patience, [&] { return provider.take(); });
    provider.waiting_.fetch_sub(1);
    if (!in && provider.left_.load() == before) provider.stalled_.store(true);
    return in;
  }

  const unsigned limit_;
  const std::chrono::milliseconds moment_, longest_;
  std::shared_mutex mutex_;
  std::map<std::string, Provider, std::less<>> providers_;  // never taken out: there are few
};

}  // namespace Atoll::gateway
