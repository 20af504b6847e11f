// SPDX-License-Identifier: Apache-2.0
#include "core/host/body_sums.hpp"

#include <utility>

namespace Atoll::host {
namespace {

/// MD5 is by far the slowest; alone, SHA-1 is worth it as well.
unsigned slowest(unsigned mask) {
  if (mask & base::kMd5) return base::kMd5;
  return mask & base::kSha1;
}

}  // namespace

BodySums::BodySums(unsigned mask, SideWork &helpers)
    : beside_(slowest(mask)), own_(mask & ~slowest(mask)), strand_(helpers) {}

Result<void> BodySums::take(net::BodyPiece piece, const std::function<Result<void>()> &write) {
  const std::span bytes(reinterpret_cast<const std::uint8_t *>(piece.bytes.data()), piece.bytes.size());
  if (bytes.empty()) {
    // What nobody has begun is little: done here at once, rather than to keep memory for a client that may be slow.
    if (!strand_.helped()) strand_.settle();
    return {};
  }
  own_.update(bytes);
  if (auto written = write(); !written) {
    strand_.drop();
    return written;
  }
  if (beside_.mask() == 0) return {};
  if (!piece.hold) {
    strand_.settle();
    beside_.update(bytes);
    return {};
  }
  strand_.add([this, bytes, hold = std::move(piece.hold)] { beside_.update(bytes); });
  const auto left = strand_.left();
  if (left >= kBundle) strand_.offer();
  if (left >= kAhead) strand_.settle(kAhead / 2);
  return {};
}

base::Checksums::Values BodySums::values() {
  strand_.settle();
  auto values = own_.finish();
  const auto beside = beside_.finish();
  if (beside_.mask() & base::kSha1) values.sha1 = beside.sha1;
  if (beside_.mask() & base::kMd5) values.md5 = beside.md5;
  return values;
}

}  // namespace Atoll::host
