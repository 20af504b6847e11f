// SPDX-License-Identifier: Apache-2.0
#include "core/tree/view_pool.hpp"

#include "core/sql/damage.hpp"

namespace Atoll::tree {

Result<ViewPool::Lease> ViewPool::lease() {
  std::uint64_t age = 0;
  std::optional<FileId> file;
  {
    const std::lock_guard guard(mutex_);
    if (closed_) return Error{Status::Unavailable, "the index is being made anew", 0, 2000};
    age = age_;
    file = file_;
    ++out_;
    if (!idle_.empty()) {
      auto view = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(view), age);
    }
  }
  auto view = IndexView::open(path_);
  if (!view) {
    give_back(nullptr, age);
    return std::move(view).error();
  }
  Lease lease(*this, std::move(*view), age);
  if (file_at(path_) != file)
    return Error{Status::Unavailable, "index.db is not the file any more that it was", 0, 2000};
  return lease;
}

void ViewPool::give_back(std::unique_ptr<IndexView> view, std::uint64_t age) {
  const std::lock_guard guard(mutex_);
  if (age != age_) {
    --old_out_;
    sql::forget_damage(path_);
    return;
  }
  --out_;
  if (view && !closed_ && idle_.size() < limit_) idle_.push_back(std::move(view));
}

void ViewPool::close() {
  const std::lock_guard guard(mutex_);
  closed_ = true;
  ++age_;
  old_out_ += std::exchange(out_, 0);
  idle_.clear();
}

void ViewPool::reopen() {
  const std::lock_guard guard(mutex_);
  closed_ = false;
  file_ = file_at(path_);
}

bool ViewPool::old_leases() {
  const std::lock_guard guard(mutex_);
  return old_out_ != 0;
}

}  // namespace Atoll::tree
