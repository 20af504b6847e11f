// SPDX-License-Identifier: Apache-2.0
#include "core/tree/retention.hpp"

namespace Atoll::tree {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000, kHour = 3600 * kSecondNs, kDay = 24 * kHour;

/// The length of the slot of which one version stays; 0: each stays.
std::int64_t slot_of(std::int64_t age_ns) {
  if (age_ns < kHour) return 0;
  if (age_ns < kDay) return kHour;
  if (age_ns < 30 * kDay) return kDay;
  return 7 * kDay;
}

}  // namespace

std::vector<VersionRecord> superfluous(std::span<const VersionRecord> versions, const Retention &rule,
                                       std::int64_t now_ns) {
  std::vector<VersionRecord> gone;
  std::size_t kept = 0;
  const VersionRecord *last = nullptr;
  for (const VersionRecord &version : versions) {
    const std::int64_t age = now_ns - version.kept_ns, slot = slot_of(age);
    const bool old = rule.seconds != 0 && age > static_cast<std::int64_t>(rule.seconds) * kSecondNs;
    const bool many = rule.count != 0 && kept >= rule.count;
    // Slots begin at the same moments whatever the time is, and weeks are made of days, and days of hours.
    const bool close = rule.thin && slot != 0 && last && last->kept_ns / slot == version.kept_ns / slot;
    if (old || many || close) {
      gone.push_back(version);
    } else {
      ++kept;
      last = &version;
    }
  }
  return gone;
}

}  // namespace Atoll::tree
