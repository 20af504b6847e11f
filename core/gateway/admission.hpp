// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace Atoll::gateway {

/// Lets at most `limit` calls into one provider at a time, so that a backend that hangs cannot hold every worker of the
/// server. [any thread]
class Admission {
 public:
  explicit Admission(unsigned limit) : limit_(limit) {}

  /// One call that was let in; leaving is its destruction.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Admission *owner, unsigned *count) : owner_(owner), count_(count) {}
    Ticket(Ticket &&other) noexcept : owner_(other.owner_), count_(std::exchange(other.count_, nullptr)) {}
    Ticket &operator=(Ticket &&) = delete;
    ~Ticket() {
      if (!count_) return;
      const std::lock_guard lock(owner_->mutex_);
      --*count_;
    }

   private:
    Admission *owner_ = nullptr;
    unsigned *count_ = nullptr;
  };

  Result<Ticket> enter(std::string_view provider) {
    const std::lock_guard lock(mutex_);
    auto at = running_.find(provider);
    if (at == running_.end()) at = running_.emplace(std::string(provider), 0u).first;
    if (at->second >= limit_)
      return Error{Status::Unavailable, "the storage provider " + at->first + " has too many calls running; try again",
                   0, 1000};
    ++at->second;
    return Ticket(this, &at->second);
  }

 private:
  const unsigned limit_;
  std::mutex mutex_;
  std::map<std::string, unsigned, std::less<>> running_;  // providers are never taken out: there are few
};

}  // namespace Atoll::gateway
