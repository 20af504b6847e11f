// SPDX-License-Identifier: Apache-2.0
#include "core/host/body_sums.hpp"

namespace Atoll::host {
namespace {

constexpr std::size_t kWorthHelp = 64 * 1024;  ///< bytes: what waking another thread costs is little beside them

/// MD5 is by far the slowest; alone, SHA-1 is worth it as well.
unsigned slowest(unsigned mask) {
  if (mask & base::kMd5) return base::kMd5;
  return mask & base::kSha1;
}

}  // namespace

BodySums::BodySums(unsigned mask, SideWork &helpers)
    : beside_(slowest(mask)), own_(mask & ~slowest(mask)), helpers_(helpers) {}

Result<void> BodySums::take(std::span<const std::byte> piece, const std::function<Result<void>()> &write) {
  const std::span bytes(reinterpret_cast<const std::uint8_t *>(piece.data()), piece.size());
  if (bytes.size() < kWorthHelp || beside_.mask() == 0) {
    beside_.update(bytes);
    own_.update(bytes);
    return write();
  }
  SideWork::Job job([&] { beside_.update(bytes); });
  helpers_.offer(job);
  // Whatever happens, the job must have ended before the piece goes away.
  const auto rest = [&]() -> Result<void> {
    try {
      own_.update(bytes);
      return write();
    } catch (...) {
      helpers_.finish(job);
      throw;
    }
  };
  auto written = rest();
  helpers_.finish(job);
  return written;
}

base::Checksums::Values BodySums::values() const {
  auto values = own_.values();
  const auto beside = beside_.values();
  if (beside_.mask() & base::kSha1) values.sha1 = beside.sha1;
  if (beside_.mask() & base::kMd5) values.md5 = beside.md5;
  return values;
}

}  // namespace Atoll::host
