// SPDX-License-Identifier: Apache-2.0
// Watch by inotify(7).
#pragma once

#include "core/tree/posix_folder.hpp"
#include "core/tree/watch.hpp"

#include <list>
#include <unordered_map>

namespace Atoll::tree {

/// One inotify instance. The kernel keeps about 1 KiB for a watch, this class about 200 bytes.
class PosixWatch final : public Watch {
 public:
  /// Unavailable where the kernel gives no inotify instance. `most`: folders at most; at most half of what the kernel
  /// allows this user are taken.
  static Result<std::unique_ptr<Watch>> open(std::size_t most);

  int fd() const noexcept override { return inotify_.get(); }
  Added add(const NodeId &node, Folder &folder, bool recent) override;
  bool used(const NodeId &node) override;
  bool watches(const NodeId &node) const override;
  void drop(const NodeId &node) override;
  std::vector<NodeId> take_left() override;
  Result<bool> read(FunctionRef<void(const Notice &)> sink) override;
  std::size_t count() const override;

 private:
  struct Watched {
    NodeId node;
    std::list<int>::iterator place;  ///< in order_
    bool leaving = false;            ///< not watched any more; what the kernel has noticed is still to be read
  };
  PosixWatch(base::Fd inotify, std::size_t most) : inotify_(std::move(inotify)), most_(most) {}
  void unwatch(int descriptor);
  void forget(int descriptor);

  const base::Fd inotify_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::unordered_map<int, Watched> by_descriptor_;  // guarded by mutex_
  std::unordered_map<NodeId, int> by_node_;         // guarded by mutex_
  std::list<int> order_;                            // guarded by mutex_; used longest ago first
  std::vector<NodeId> left_;                        // guarded by mutex_
};

}  // namespace Atoll::tree
