// SPDX-License-Identifier: Apache-2.0
// Read connections with their prepared statements.
#pragma once

#include "core/tree/index_view.hpp"

#include <mutex>

namespace Atoll::tree {

/// [any thread]
class ViewPool {
 public:
  class Lease {
   public:
    Lease(ViewPool &pool, std::unique_ptr<IndexView> view) : pool_(&pool), view_(std::move(view)) {}
    Lease(Lease &&other) noexcept : pool_(other.pool_), view_(std::move(other.view_)) {}
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    Lease &operator=(Lease &&) = delete;
    ~Lease() {
      if (view_) pool_->give_back(std::move(view_));
    }
    IndexView &operator*() const { return *view_; }
    IndexView *operator->() const { return view_.get(); }

   private:
    ViewPool *pool_;
    std::unique_ptr<IndexView> view_;
  };

  /// Keeps up to `limit` connections open; a moment that needs more opens more, so that a sink that asks for something
  /// else can never wait for itself.
  ViewPool(std::string path, unsigned limit) : path_(std::move(path)), limit_(limit) {}

  Result<Lease> lease();

 private:
  void give_back(std::unique_ptr<IndexView> view);

  const std::string path_;
  const unsigned limit_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<IndexView>> idle_;  // guarded by mutex_
};

}  // namespace Atoll::tree
