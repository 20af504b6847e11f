// SPDX-License-Identifier: Apache-2.0
#include "core/tree/view_pool.hpp"

namespace Atoll::tree {

Result<ViewPool::Lease> ViewPool::lease() {
  {
    const std::lock_guard guard(mutex_);
    if (!idle_.empty()) {
      auto view = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(view));
    }
  }
  auto view = IndexView::open(path_);
  if (!view) return std::move(view).error();
  return Lease(*this, std::move(*view));
}

void ViewPool::give_back(std::unique_ptr<IndexView> view) {
  const std::lock_guard guard(mutex_);
  if (idle_.size() < limit_) idle_.push_back(std::move(view));
}

}  // namespace Atoll::tree
