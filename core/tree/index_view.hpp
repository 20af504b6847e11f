// SPDX-License-Identifier: Apache-2.0
// Reading index.db: one connection with its prepared statements.
#pragma once

#include "core/sql/database.hpp"
#include "core/tree/changes.hpp"
#include "core/tree/function_ref.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace Atoll::tree {

/// A node as it stands in the index. `space` is not part of the row: the caller knows it.
struct Row : Node {
  std::uint64_t inode = 0;
};

/// One node on the way from the root of a space.
struct Step {
  NodeId id;
  std::string name;  ///< empty for the root
};

/// A node with its way from the root: the root first, the node itself last.
struct Located {
  Row row;
  std::vector<Step> chain;

  /// Relative to the root of the space; empty for the root.
  std::string path() const;
  /// Of the folder that holds it; empty for children of the root and for the root.
  std::string parent_path() const;
};

/// Where rows hang that are part of no space.
enum class Place : std::uint8_t {
  Limbo,      ///< removed; rows below are deleted in the background
  Nursery,    ///< a copy that is being made
  Trash,      ///< removed and kept; the name is the id of the trash item
  Abandoned,  ///< copies that an earlier run did not finish; their files may have come to their name
};

/// The parent of `row` as the index keeps it: roots and places have short blobs that no node id equals.
std::span<const std::uint8_t> parent_key(Place place) noexcept;

/// The parent of what vanished from a space beside the server and may still turn up somewhere else: rows hang there
/// until the whole space was looked at. Such rows are part of no space.
std::array<std::uint8_t, 17> missing_key(const SpaceId &space) noexcept;

/// Where a node hangs in the end.
struct Hold {
  enum class Kind : std::uint8_t {
    Space,     ///< it is part of the space
    Missing,   ///< it vanished from the space
    Elsewhere  ///< in another place, or not in the index
  };
  Kind kind = Kind::Elsewhere;
  SpaceId space;
};

/// A file without checksums, and where it hangs.
struct BareFile {
  Row row;
  Hold hold;
  std::optional<Uuid> item;        ///< of the trash, when it hangs there
  std::vector<std::string> names;  ///< from below the root of its space, or below the item of the trash, to itself
};

/// A place among the files without checksums; the first one by default.
struct BarePlace {
  std::vector<std::uint8_t> parent;
  std::string name;
};

/// The columns of a row, in the order of decode().
#define TREE_ROW_COLUMNS "parent,name,id,type,flags,size,mtime_ns,seq,inode,sums"

/// Digests as one blob: mask, SHA-1, MD5, Adler-32. Empty when nothing is known.
std::vector<std::uint8_t> encode_sums(const Sums &sums);
Sums decode_sums(std::span<const std::uint8_t> bytes) noexcept;

/// Views see one state of the index between begin() and the end of the transaction. [one thread at a time]
class IndexView {
 public:
  static Result<std::unique_ptr<IndexView>> open(const std::string &path);
  virtual ~IndexView() = default;

  /// One state of the index, until it goes: the one that the first look after begin() sees. Prepared, because every
  /// request needs one.
  class Snapshot {
   public:
    explicit Snapshot(sql::Statement &end) : end_(&end) {}
    Snapshot(Snapshot &&other) noexcept : end_(std::exchange(other.end_, nullptr)) {}
    Snapshot(const Snapshot &) = delete;
    Snapshot &operator=(const Snapshot &) = delete;
    Snapshot &operator=(Snapshot &&) = delete;
    ~Snapshot() {
      if (end_) static_cast<void>(end_->run().ok());  // a read has nothing to lose
    }

   private:
    sql::Statement *end_;
  };
  Result<Snapshot> begin() {
    if (auto begun = begin_.run(); !begun) return std::move(begun).error();
    return Snapshot(end_);
  }

  Result<std::optional<Row>> by_id(const NodeId &id);
  Result<std::optional<Row>> child(const NodeId &parent, std::string_view name);
  /// Children after `after`, sorted, at most `limit` (0: all). False from the sink stops. The name is borrowed.
  Result<void> children(const NodeId &parent, std::string_view after, std::uint64_t limit,
                        FunctionRef<bool(const NodeView &row, std::uint64_t inode)> sink);
  /// Children with names that are the same but for case and normal form (base::name_key), one or more of them. False
  /// from the sink stops.
  Result<void> alike(const NodeId &parent, std::string_view name, FunctionRef<bool(const Row &row)> sink);
  /// The same, one by one.
  class Children {
   public:
    /// False at the end.
    Result<bool> next(NodeView &row);

   private:
    friend class IndexView;
    Children(sql::Statement &statement, sql::Cursor rows) : statement_(&statement), rows_(std::move(rows)) {}
    sql::Statement *statement_;
    sql::Cursor rows_;
  };
  /// `parent` and `after` live as long as what it gives; one at a time, and no children() meanwhile.
  Children children_from(const NodeId &parent, std::string_view after, std::uint64_t limit);
  /// The way to a node. Nothing when it is not there or hangs in no space or another one.
  Result<std::optional<std::vector<Step>>> chain(const SpaceId &space, const NodeId &id);
  /// The ids of all folders after `after`, sorted, at most `limit`; also of those that are part of no space.
  Result<void> folders(const NodeId &after, std::size_t limit, FunctionRef<void(const NodeId &)> sink);
  /// Whether anything is missing in the space.
  Result<bool> any_missing(const SpaceId &space);
  /// Files at and below a node, counted up to `limit`.
  Result<std::uint64_t> files_at(const NodeId &node, std::uint64_t limit);
  /// What vanished from the space after that time (wall clock) and is still missing; not what the admin confirmed.
  Result<std::vector<NodeId>> missing_between(const SpaceId &space, std::int64_t since_ns, std::int64_t before_ns);
  Result<Hold> hold_of(const NodeId &id);
  /// Up to `limit` files without checksums after that place, which is then behind them; those of a folder together.
  Result<std::vector<BareFile>> bare_files(BarePlace &after, std::size_t limit);
  /// Of a node that is there; none where it hangs in no folder.
  Result<std::optional<NodeId>> parent_of(const NodeId &id);
  /// Whether the node hangs in this place itself.
  Result<bool> hangs_in(const NodeId &id, Place place);
  /// All roots: used bytes and sequence of each space.
  Result<void> roots(FunctionRef<void(const SpaceId &space, std::uint64_t used, std::uint64_t sequence)> sink);
  /// How far the change log of a space reaches.
  struct LogReach {
    std::uint64_t epoch = 0;
    std::uint64_t floor = 0;  ///< the last position that is not kept any more
    std::uint64_t last = 0;   ///< of the last row; the floor when there is none
  };
  /// Nothing when the space has no log.
  Result<std::optional<LogReach>> log_reach(const SpaceId &space);
  /// The rows after a position, at most `limit` (0: all). False from the sink stops. The name is borrowed.
  Result<void> log_rows(const SpaceId &space, std::uint64_t after, std::uint64_t limit,
                        FunctionRef<bool(const ChangeRow &row)> sink);
  /// What of a log is too much: the position up to which rows go. Nothing when all may stay.
  Result<std::optional<std::uint64_t>> log_excess(const SpaceId &space, std::uint64_t rows, std::int64_t before_ns);
  /// Up to `limit` spaces with a log after this one, in order.
  Result<std::vector<SpaceId>> logs(const SpaceId &after, std::size_t limit);
  /// The rows contradict each other: noted, so that the index is made anew. Unavailable.
  Error damaged(const char *what) const;
  /// Attached or not; the first node with this inode.
  Result<std::vector<Row>> by_inode(std::uint64_t inode);

 protected:
  explicit IndexView(sql::Database database) : database_(std::move(database)) {}
  Result<void> prepare();
  void swap_view(IndexView &other) noexcept;

  sql::Database database_;

 private:
  Result<void> locate(BareFile &file);
  sql::Statement begin_, end_, by_id_, child_, children_, up_, roots_, by_inode_;
  sql::Statement log_reach_, log_last_, log_rows_;
};

/// By what a name is found that is not its own key (base::name_key): a number made of the key, which other keys may
/// have too. Names that are their own key have none, and are found by their name.
std::optional<std::int64_t> name_fold(std::string_view name);

/// The Row of the current row of a statement that selected TREE_ROW_COLUMNS.
Row decode_row(const sql::Statement &statement);

}  // namespace Atoll::tree
