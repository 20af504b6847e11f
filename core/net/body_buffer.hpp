// SPDX-License-Identifier: Apache-2.0
// A request body that is collected in memory, within what all such bodies may hold.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/net/byte_budget.hpp"

namespace Atoll::net {

/// Takes memory as bytes come: an announced length alone holds nothing. [one thread at a time]
class BodyBuffer {
 public:
  /// `announced`: bytes that will come, if known.
  BodyBuffer(ByteBudget &budget, std::optional<std::uint64_t> announced);

  /// Error: Unavailable with a time to come back, when the bodies of all requests fill the budget.
  Result<void> append(std::span<const std::byte> bytes);

  /// The body. It stays counted until release() or the end of the buffer.
  std::string take() { return std::move(text_); }
  void release() {
    std::string().swap(text_);
    held_.release();
  }

 private:
  Reservation held_;
  std::optional<std::uint64_t> announced_;
  std::string text_;
};

/// What a client is told when there is no room for its body now.
Error no_room_for_body();

}  // namespace Atoll::net
