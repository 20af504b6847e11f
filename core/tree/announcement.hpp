// SPDX-License-Identifier: Apache-2.0
// The record of a change that goes ahead of it.
#pragma once

#include "core/tree/meta.hpp"

#include <functional>
#include <optional>
#include <string>

namespace Atoll::tree {

/// A change puts something into the trash, or an old content among the versions, and its record must be durable before.
/// To wait for the disk under the writer lock would make all others wait too: so the change asks for the record here
/// and is tried again when it is durable. What no attempt has taken goes again with this object. [one thread]
class Announcement {
 public:
  explicit Announcement(Meta &meta, std::function<void(bool, const std::string &)> log)
      : meta_(meta), log_(std::move(log)) {}
  Announcement(const Announcement &) = delete;
  Announcement &operator=(const Announcement &) = delete;
  ~Announcement() { withdraw(); }

  /// True: the record is durable; one that was announced for the same thing gives its id and times. False: it is wanted
  /// now. [writer lock]
  Result<bool> take(TrashRecord &record);
  Result<bool> take(VersionRecord &record);

  bool wanted() const noexcept { return wanted_; }
  /// Makes durable what is wanted. [no writer lock]
  Result<void> make();

 private:
  void withdraw() noexcept;

  Meta &meta_;
  std::function<void(bool, const std::string &)> log_;
  std::optional<TrashRecord> trash_;
  std::optional<VersionRecord> version_;
  bool wanted_ = false;
};

}  // namespace Atoll::tree
