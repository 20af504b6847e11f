// SPDX-License-Identifier: Apache-2.0
// Which unfinished uploads somebody writes into now.
#pragma once

#include <atoll/sdk/ids.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

namespace Atoll::tree {

/// Who enters has the upload for himself until his Place goes away, which may be after the engine's end. [any thread]
class OpenUploads : public std::enable_shared_from_this<OpenUploads> {
 public:
  class Place {
   public:
    Place(std::shared_ptr<OpenUploads> of, const Uuid &id) : of_(std::move(of)), id_(id) {}
    Place(Place &&other) noexcept = default;
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;
    Place &operator=(Place &&) = delete;
    ~Place() {
      if (!of_) return;
      const std::lock_guard guard(of_->mutex_);
      of_->open_.erase(id_);
    }

   private:
    std::shared_ptr<OpenUploads> of_;
    Uuid id_;
  };

  /// Nothing: somebody else has it.
  std::optional<Place> enter(const Uuid &id) {
    const std::lock_guard guard(mutex_);
    if (!open_.insert(id).second) return std::nullopt;
    return std::optional<Place>(std::in_place, shared_from_this(), id);
  }
  bool has(const Uuid &id) const {
    const std::lock_guard guard(mutex_);
    return open_.contains(id);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<Uuid> open_;  // guarded by mutex_
};

}  // namespace Atoll::tree
