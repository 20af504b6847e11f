// SPDX-License-Identifier: Apache-2.0
#include "core/net/body_buffer.hpp"

#include <algorithm>
#include <utility>

namespace Atoll::net {
namespace {

constexpr std::uint64_t kFirst = 1024;  ///< bytes of the first allocation, unless more is there or less announced
constexpr std::uint32_t kRetryAfterMs = 5'000;

}  // namespace

Error no_room_for_body() {
  return Error{Status::Unavailable, "The server holds too many request bodies in memory now; try again in a moment.", 0,
               kRetryAfterMs};
}

BodyBuffer::BodyBuffer(ByteBudget &budget, std::optional<std::uint64_t> announced)
    : held_(budget), announced_(announced) {}

Result<void> BodyBuffer::append(std::span<const std::byte> bytes) {
  const std::uint64_t needed = text_.size() + bytes.size();
  const auto held = held_.bytes();
  if (needed > held) {
    // Twice as much as before, so that a body of n bytes is copied log n times; never more than was announced.
    auto wanted = std::max({needed, 2 * held, kFirst});
    if (announced_ && *announced_ >= needed) wanted = std::min(wanted, *announced_);
    if (!held_.grow(wanted - held)) {
      wanted = needed;
      if (!held_.grow(wanted - held)) return no_room_for_body();
    }
    std::string larger;  // string::reserve of a string that holds something would take more than was asked
    larger.reserve(static_cast<std::size_t>(wanted));
    larger.append(text_);
    text_.swap(larger);
  }
  text_.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return {};
}

}  // namespace Atoll::net
