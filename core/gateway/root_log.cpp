// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/root_log.hpp"

#include "core/base/uuid.hpp"

#include <charconv>

namespace Atoll::gateway {

RootLog::RootLog(std::size_t most) : most_(most), name_(base::random_id<Uuid>().text()) {}

void RootLog::changed(const SpaceId &space) {
  {
    const std::lock_guard lock(mutex_);
    auto &position = last_[space];
    if (position != 0) by_position_.erase(position);
    position = next_++;
    by_position_.emplace(position, space);
    if (by_position_.size() > most_) {
      const auto oldest = by_position_.begin();
      first_ = oldest->first + 1;
      last_.erase(oldest->second);
      by_position_.erase(oldest);
    }
  }
  wake();
}

void RootLog::lost() {
  {
    const std::lock_guard lock(mutex_);
    first_ = ++next_;
    by_position_.clear();
    last_.clear();
  }
  wake();
}

void RootLog::wake() {
  const std::lock_guard lock(watchers_mutex_);
  for (const auto &[number, f] : watchers_) f();
}

std::string RootLog::token_locked() const { return name_ + '.' + std::to_string(next_); }

std::string RootLog::token() const {
  const std::lock_guard lock(mutex_);
  return token_locked();
}

Result<RootLog::Since> RootLog::since(std::string_view token) const {
  const auto refused = [] {
    return error(Status::FailedPrecondition, "It is not known what has changed since then: list the spaces again.");
  };
  if (token.size() <= name_.size() + 1 || token.substr(0, name_.size()) != name_ || token[name_.size()] != '.')
    return refused();
  token.remove_prefix(name_.size() + 1);
  std::uint64_t from = 0;
  const auto [end, problem] = std::from_chars(token.data(), token.data() + token.size(), from);
  if (problem != std::errc() || end != token.data() + token.size()) return refused();
  const std::lock_guard lock(mutex_);
  if (from < first_ || from > next_) return refused();
  Since out;
  for (auto at = by_position_.lower_bound(from); at != by_position_.end(); ++at) out.spaces.push_back(at->second);
  out.token = token_locked();
  return out;
}

std::uint64_t RootLog::watch(std::function<void()> f) {
  const std::lock_guard lock(watchers_mutex_);
  watchers_.emplace(next_watcher_, std::move(f));
  return next_watcher_++;
}

void RootLog::unwatch(std::uint64_t number) {
  const std::lock_guard lock(watchers_mutex_);
  watchers_.erase(number);
}

}  // namespace Atoll::gateway
