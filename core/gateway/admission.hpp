// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace Atoll::gateway {

/// Lets at most `limit` calls into one provider at a time, so that a backend that hangs cannot hold every worker of the
/// server. A provider that is merely busy makes the next call wait for a moment. One that let nobody out during such a
/// wait counts as stalled: until a call comes back from it, further ones are refused at once. [any thread]
class Admission {
  struct Provider {
    unsigned running = 0;
    bool stalled = false;
    std::condition_variable left;
  };

 public:
  explicit Admission(unsigned limit, std::chrono::milliseconds patience = std::chrono::milliseconds(500))
      : limit_(limit), patience_(patience) {}

  /// One call that was let in; leaving is its destruction.
  class Ticket {
   public:
    Ticket(Admission *owner, Provider *provider) : owner_(owner), provider_(provider) {}
    Ticket(Ticket &&other) noexcept : owner_(other.owner_), provider_(std::exchange(other.provider_, nullptr)) {}
    Ticket &operator=(Ticket &&) = delete;
    ~Ticket() {
      if (!provider_) return;
      const std::lock_guard lock(owner_->mutex_);
      --provider_->running;
      provider_->stalled = false;
      provider_->left.notify_one();
    }

   private:
    Admission *owner_;
    Provider *provider_;
  };

  Result<Ticket> enter(std::string_view name) {
    std::unique_lock lock(mutex_);
    auto at = providers_.find(name);
    if (at == providers_.end()) at = providers_.try_emplace(std::string(name)).first;
    Provider &provider = at->second;
    const auto free = [&] { return provider.running < limit_; };
    if (!free() && !provider.stalled && !provider.left.wait_for(lock, patience_, free)) provider.stalled = true;
    if (!free())
      return Error{Status::Unavailable, "the storage provider " + at->first + " does not get its work done; try again",
                   0, 1000};
    ++provider.running;
    return Ticket(this, &provider);
  }

 private:
  const unsigned limit_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::map<std::string, Provider, std::less<>> providers_;  // never taken out: there are few
};

}  // namespace Atoll::gateway
