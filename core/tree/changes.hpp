// SPDX-License-Identifier: Apache-2.0
// The words of the change log.
#pragma once

#include "core/tree/types.hpp"

namespace Atoll::tree {

/// What a row of the log says about its node. A folder that is created, moved or removed is one row: it comes, goes and
/// disappears with all that is below it.
enum class ChangeKind : std::uint8_t {
  Created = 1,     ///< it came to `name` in `parent`; a folder possibly with all below it already
  Content = 2,     ///< content, size or time
  Moved = 3,       ///< from `old_parent` to `name` in `parent`
  Removed = 4,     ///< it was `name` in `parent`
  Attributes = 5,  ///< its attributes
  Doubtful = 6,    ///< after a crash: what was told of the entries of this folder may never have happened; list it
};

/// One row. `name` is borrowed.
struct ChangeRow {
  std::uint64_t position = 0;  ///< rises within a space
  ChangeKind kind = ChangeKind::Created;
  NodeType type = NodeType::File;
  NodeId node;
  NodeId parent;      ///< none for the root
  NodeId old_parent;  ///< of Moved
  std::string_view name;
  std::int64_t time_ns = 0;  ///< when it was written, wall clock
};

/// The end of a page of changes.
struct ChangesEnd {
  std::string token;  ///< for the next call
  bool more = false;  ///< there were more rows than asked for
};

/// A place in the log of one space. As text: epoch, ':', position, both in hex; 33 characters at most.
struct ChangeToken {
  std::uint64_t epoch = 0;     ///< of the space's log: another one when the index was made anew
  std::uint64_t position = 0;  ///< of the last row that was seen

  std::string text() const;
  /// Nothing when it is no token.
  static std::optional<ChangeToken> parse(std::string_view text);
};

/// How much of the log is kept.
struct ChangeLogLimits {
  std::uint64_t rows = 100'000;            ///< of each space
  std::uint64_t age_seconds = 30 * 86400;  ///< older rows go
};

}  // namespace Atoll::tree
