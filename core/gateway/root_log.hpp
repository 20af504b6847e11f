// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace Atoll::gateway {

/// Which spaces' roots have changed, in the order of their last change, since this log was made; and who wants to be
/// woken when one does. [any thread]
class RootLog {
 public:
  /// Positions start anew with each log: its name is a part of tokens, and random.
  explicit RootLog(std::size_t most = 65'536);

  void changed(const SpaceId &space);
  /// Something was missed: tokens until now are refused.
  void lost();
  /// Something else has changed that watchers may want to look at.
  void wake();

  /// The position of now.
  std::string token() const;
  struct Since {
    std::vector<SpaceId> spaces;  ///< each once
    std::string token;
  };
  /// FAILED_PRECONDITION: the log does not reach back to the token, or it is none of this log.
  Result<Since> since(std::string_view token) const;

  /// f is called with every change, until unwatch(); it must neither block nor call this log. Gives a number for
  /// unwatch.
  std::uint64_t watch(std::function<void()> f);
  /// When it returns, f runs no longer.
  void unwatch(std::uint64_t number);

 private:
  std::string token_locked() const;

  const std::size_t most_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::uint64_t next_ = 1;   // position of the next change
  std::uint64_t first_ = 1;  // tokens of earlier positions are refused
  std::map<std::uint64_t, SpaceId> by_position_;
  std::unordered_map<SpaceId, std::uint64_t> last_;
  std::mutex watchers_mutex_;  // held while they run
  std::uint64_t next_watcher_ = 1;
  std::map<std::uint64_t, std::function<void()>> watchers_;
};

}  // namespace Atoll::gateway
