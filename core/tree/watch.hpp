// SPDX-License-Identifier: Apache-2.0
// The seam for hearing of changes that other programs make.
#pragma once

#include "core/tree/namespace.hpp"

#include <vector>

namespace Atoll::tree {

/// What was noticed in one watched folder.
struct Notice {
  NodeId folder;
  std::string_view name;   ///< borrowed; empty: the folder itself
  bool is_folder = false;  ///< what has that name is one
  bool lost = false;       ///< some notices were lost: anything may have changed anywhere
};

/// Watches a bounded number of folders by their nodes. [any thread]
class Watch {
 public:
  enum class Added : std::uint8_t {
    Known,  ///< it was watched before
    New,
    Instead,  ///< new; another one has made room for it, see take_left()
    Full      ///< there is no room for it
  };
  virtual ~Watch() = default;

  /// Readable when read() has something to say.
  virtual int fd() const noexcept = 0;
  /// Watches the folder from now on, also when the node has another folder than before. `recent`: where there is no
  /// room the one that was used longest ago makes room.
  virtual Added add(const NodeId &node, Folder &folder, bool recent) = 0;
  /// The folder was used: it stays longer than others. False when it is not watched.
  virtual bool used(const NodeId &node) = 0;
  virtual bool watches(const NodeId &node) const = 0;
  virtual void drop(const NodeId &node) = 0;
  /// The nodes that made room for others since the last call. What was noticed before that is still read.
  virtual std::vector<NodeId> take_left() = 0;
  /// Gives what was noticed since; bounded in one call. True: there may be more. [one thread]
  virtual Result<bool> read(FunctionRef<void(const Notice &)> sink) = 0;
  virtual std::size_t count() const = 0;
};

}  // namespace Atoll::tree
