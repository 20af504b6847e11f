// SPDX-License-Identifier: Apache-2.0
// Read connections with their prepared statements.
#pragma once

#include "core/tree/index_view.hpp"

#include <sys/types.h>

#include <mutex>

namespace Atoll::tree {

/// Which file it is.
using FileId = std::pair<dev_t, ino_t>;
/// The file at a path; nothing, and errno, when it cannot be told.
std::optional<FileId> file_at(const std::string &path);

/// [any thread]
class ViewPool {
 public:
  class Lease {
   public:
    Lease(ViewPool &pool, std::unique_ptr<IndexView> view, std::uint64_t age)
        : pool_(&pool), view_(std::move(view)), age_(age) {}
    Lease(Lease &&other) noexcept : pool_(other.pool_), view_(std::move(other.view_)), age_(other.age_) {}
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    Lease &operator=(Lease &&) = delete;
    ~Lease() {
      if (view_) pool_->give_back(std::move(view_), age_);
    }
    IndexView &operator*() const { return *view_; }
    IndexView *operator->() const { return view_.get(); }

   private:
    ViewPool *pool_;
    std::unique_ptr<IndexView> view_;
    std::uint64_t age_;
  };

  /// Keeps up to `limit` connections open; a moment that needs more opens more, so that a sink that asks for something
  /// else can never wait for itself.
  ViewPool(std::string path, unsigned limit) : path_(std::move(path)), limit_(limit), file_(file_at(path_)) {}

  /// Unavailable when there is another file at the path than there was.
  Result<Lease> lease();
  /// No more leases; those that are out are not used again.
  void close();
  /// For the file that is at the path now.
  void reopen();
  /// Whether leases from before the last close() are out. What they find damaged may be the file of that time; when
  /// they come back it is forgotten, and noted again if the file of now is.
  bool old_leases();

 private:
  void give_back(std::unique_ptr<IndexView> view, std::uint64_t age);

  const std::string path_;
  const unsigned limit_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<IndexView>> idle_;  // guarded by mutex_
  std::optional<FileId> file_;                    // guarded by mutex_
  std::uint64_t age_ = 0;                         // guarded by mutex_
  std::size_t out_ = 0, old_out_ = 0;             // guarded by mutex_; leases of this age, and of earlier ones
  bool closed_ = false;                           // guarded by mutex_
};

}  // namespace Atoll::tree
