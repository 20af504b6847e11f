// SPDX-License-Identifier: Apache-2.0
#include "core/tree/index_view.hpp"

#include "core/base/checksum.hpp"
#include "core/base/name_key.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

constexpr std::size_t kSumsBytes = 1 + 20 + 16 + 4;
constexpr std::size_t kMaxDepth = 100000;  // a longer way up can only be a ring in a damaged index

void decode_facts(const sql::Statement &statement, NodeFacts &facts) {
  facts.parent = statement.id<NodeId>(0);  // short blobs give none
  facts.id = statement.id<NodeId>(2);
  facts.type = static_cast<NodeType>(statement.integer(3));
  facts.has_attributes = (statement.integer(4) & 1) != 0;
  facts.size = static_cast<std::uint64_t>(statement.integer(5));
  facts.mtime_ns = statement.integer(6);
  facts.sequence = static_cast<std::uint64_t>(statement.integer(7));
  facts.sums = decode_sums(statement.blob(9));
}

std::int64_t number_of(std::string_view key) noexcept {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return static_cast<std::int64_t>(hash);
}

/// Roots keep the text of their id as name, because (parent, name) must be unique.
bool is_root(const sql::Statement &statement) { return statement.blob(0).size() != 16; }

}  // namespace

std::string Located::path() const {
  std::string path;
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (i > 1) path.push_back('/');
    path.append(chain[i].name);
  }
  return path;
}

std::string Located::parent_path() const {
  std::string path;
  for (std::size_t i = 1; i + 1 < chain.size(); ++i) {
    if (i > 1) path.push_back('/');
    path.append(chain[i].name);
  }
  return path;
}

std::span<const std::uint8_t> parent_key(Place place) noexcept {
  static constexpr std::uint8_t kKeys[] = {1, 2, 3, 4};
  return {&kKeys[static_cast<std::size_t>(place)], 1};
}

std::vector<std::uint8_t> encode_sums(const Sums &sums) {
  std::vector<std::uint8_t> bytes;
  if (sums.mask == 0) return bytes;
  bytes.reserve(kSumsBytes);
  bytes.push_back(static_cast<std::uint8_t>(sums.mask));
  bytes.insert(bytes.end(), sums.sha1.begin(), sums.sha1.end());
  bytes.insert(bytes.end(), sums.md5.begin(), sums.md5.end());
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(sums.adler32 >> shift));
  return bytes;
}

Sums decode_sums(std::span<const std::uint8_t> bytes) noexcept {
  Sums sums;
  if (bytes.size() != kSumsBytes) return sums;
  sums.mask = bytes[0] & base::kAllChecksums;
  std::copy_n(bytes.begin() + 1, 20, sums.sha1.begin());
  std::copy_n(bytes.begin() + 21, 16, sums.md5.begin());
  for (std::size_t i = 37; i < kSumsBytes; ++i) sums.adler32 = sums.adler32 << 8 | bytes[i];
  return sums;
}

std::optional<std::int64_t> name_fold(std::string_view name) {
  if (std::all_of(name.begin(), name.end(), [](char c) { return c >= 0 && !(c >= 'A' && c <= 'Z'); })) return {};
  const std::string key = base::name_key(name);
  return key == name ? std::nullopt : std::optional(number_of(key));
}

Row decode_row(const sql::Statement &statement) {
  Row row;
  decode_facts(statement, row);
  if (!is_root(statement)) row.name = statement.text(1);
  row.inode = static_cast<std::uint64_t>(statement.integer(8));
  return row;
}

Result<std::unique_ptr<IndexView>> IndexView::open(const std::string &path) {
  sql::Options options;
  options.synchronous = sql::Synchronous::Normal;
  options.read_only = true;
  options.cache_kib = 4096;
  options.mmap_bytes = std::int64_t{256} << 20;
  TRY_ASSIGN(sql::Database database, sql::Database::open(path, options));
  std::unique_ptr<IndexView> view(new IndexView(std::move(database)));
  TRY(view->prepare());
  return view;
}

Result<void> IndexView::prepare() {
  const struct {
    sql::Statement *statement;
    const char *text;
  } all[] = {
      {&begin_, "BEGIN"},
      {&end_, "COMMIT"},
      {&by_id_, "SELECT " TREE_ROW_COLUMNS " FROM node WHERE id=?1"},
      {&child_, "SELECT " TREE_ROW_COLUMNS " FROM node WHERE parent=?1 AND name=?2"},
      {&children_, "SELECT " TREE_ROW_COLUMNS " FROM node WHERE parent=?1 AND name>?2 ORDER BY name LIMIT ?3"},
      {&up_, "SELECT parent,name FROM node WHERE id=?1"},
      {&roots_, "SELECT id,size,seq FROM node WHERE parent=x''"},
      {&log_reach_, "SELECT epoch,floor FROM log WHERE space=?1"},
      {&log_last_, "SELECT max(position) FROM change WHERE space=?1"},
      {&log_rows_,
       "SELECT position,kind,type,node,parent,old_parent,name,time_ns FROM change"
       " WHERE space=?1 AND position>?2 ORDER BY position LIMIT ?3"},
      {&by_inode_, "SELECT " TREE_ROW_COLUMNS " FROM node WHERE inode=?1 LIMIT 16"},
  };
  for (const auto &[statement, text] : all) {
    TRY_ASSIGN(*statement, database_.prepare(text));
  }
  return {};
}

void IndexView::swap_view(IndexView &other) noexcept {
  std::swap(database_, other.database_);
  sql::Statement IndexView::*const all[] = {&IndexView::begin_,    &IndexView::end_,      &IndexView::by_id_,
                                            &IndexView::child_,    &IndexView::children_, &IndexView::up_,
                                            &IndexView::roots_,    &IndexView::by_inode_, &IndexView::log_reach_,
                                            &IndexView::log_last_, &IndexView::log_rows_};
  for (const auto statement : all) std::swap(this->*statement, other.*statement);
}

Error IndexView::damaged(const char *what) const {
  database_.note_damage();
  return Error{Status::Unavailable, std::string(what) + "; it is made anew", 0, 2000};
}

Result<std::optional<Row>> IndexView::by_id(const NodeId &id) {
  auto rows = by_id_.query(id);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<Row>();
  return std::optional<Row>(decode_row(by_id_));
}

Result<std::optional<Row>> IndexView::child(const NodeId &parent, std::string_view name) {
  auto rows = child_.query(parent, name);
  TRY_ASSIGN(const bool there, rows.next());
  if (!there) return std::optional<Row>();
  return std::optional<Row>(decode_row(child_));
}

Result<void> IndexView::alike(const NodeId &parent, std::string_view name, FunctionRef<bool(const Row &)> sink) {
  const std::string key = base::name_key(name);
  TRY_ASSIGN(const auto same, child(parent, key));
  if (same && base::name_key(same->name) == key && !sink(*same)) return {};
  TRY_ASSIGN(
      sql::Statement *const statement,
      database_.cached("SELECT " TREE_ROW_COLUMNS " FROM node INDEXED BY node_fold WHERE parent=?1 AND fold=?2"));
  auto rows = statement->query(parent, number_of(key));
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return {};
    const Row row = decode_row(*statement);
    if (row.name != key && base::name_key(row.name) == key && !sink(row)) return {};
  }
}

Result<void> IndexView::children(const NodeId &parent, std::string_view after, std::uint64_t limit,
                                 FunctionRef<bool(const NodeView &, std::uint64_t)> sink) {
  auto rows = children_from(parent, after, limit);
  NodeView view;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next(view));
    if (!more) return {};
    if (!sink(view, static_cast<std::uint64_t>(children_.integer(8)))) return {};
  }
}

Result<bool> IndexView::Children::next(NodeView &row) {
  auto more = rows_.next();
  if (!more || !*more) return more;
  decode_facts(*statement_, row);
  row.name = statement_->text(1);
  return true;
}

IndexView::Children IndexView::children_from(const NodeId &parent, std::string_view after, std::uint64_t limit) {
  const std::int64_t most = limit == 0 || limit > INT64_MAX ? -1 : static_cast<std::int64_t>(limit);
  return {children_, children_.query(parent, after, most)};
}

Result<std::optional<std::vector<Step>>> IndexView::chain(const SpaceId &space, const NodeId &id) {
  const NodeId root = root_of(space);
  std::vector<Step> chain;
  NodeId at = id;
  while (at != root) {
    if (chain.size() > kMaxDepth) return damaged("the index has a ring");
    auto rows = up_.query(at);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there || up_.blob(0).size() != 16) return std::optional<std::vector<Step>>();
    chain.push_back({at, std::string(up_.text(1))});
    at = up_.id<NodeId>(0);
  }
  chain.push_back({root, {}});
  std::reverse(chain.begin(), chain.end());
  return std::optional<std::vector<Step>>(std::move(chain));
}

Result<std::optional<NodeId>> IndexView::parent_of(const NodeId &id) {
  auto rows = up_.query(id);
  TRY_ASSIGN(const bool there, rows.next());
  return there ? std::optional(up_.id<NodeId>(0)) : std::nullopt;  // short blobs give none
}

Result<bool> IndexView::hangs_in(const NodeId &id, Place place) {
  auto rows = up_.query(id);
  TRY_ASSIGN(const bool there, rows.next());
  const auto key = parent_key(place);
  return there && std::equal(key.begin(), key.end(), up_.blob(0).begin(), up_.blob(0).end());
}

Result<void> IndexView::roots(FunctionRef<void(const SpaceId &, std::uint64_t, std::uint64_t)> sink) {
  auto rows = roots_.query();
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return {};
    sink(roots_.id<SpaceId>(0), static_cast<std::uint64_t>(roots_.integer(1)),
         static_cast<std::uint64_t>(roots_.integer(2)));
  }
}

Result<std::optional<IndexView::LogReach>> IndexView::log_reach(const SpaceId &space) {
  LogReach reach;
  {
    auto rows = log_reach_.query(space);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there) return std::optional<LogReach>();
    reach.epoch = static_cast<std::uint64_t>(rows.integer(0));
    reach.floor = static_cast<std::uint64_t>(rows.integer(1));
  }
  auto rows = log_last_.query(space);
  TRY_ASSIGN(const bool there, rows.next());
  reach.last = reach.floor;
  // Rows below the floor belong to a space of the same id that is gone.
  if (there && !rows.is_null(0)) reach.last = std::max(reach.floor, static_cast<std::uint64_t>(rows.integer(0)));
  return std::optional<LogReach>(reach);
}

Result<void> IndexView::log_rows(const SpaceId &space, std::uint64_t after, std::uint64_t limit,
                                 FunctionRef<bool(const ChangeRow &)> sink) {
  const std::int64_t most = limit == 0 || limit > INT64_MAX ? -1 : static_cast<std::int64_t>(limit);
  auto rows = log_rows_.query(space, after, most);
  ChangeRow row;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return {};
    row.position = static_cast<std::uint64_t>(rows.integer(0));
    row.kind = static_cast<ChangeKind>(rows.integer(1));
    row.type = static_cast<NodeType>(rows.integer(2));
    row.node = rows.id<NodeId>(3);
    row.parent = rows.id<NodeId>(4);
    row.old_parent = rows.id<NodeId>(5);
    row.name = rows.text(6);
    row.time_ns = rows.integer(7);
    if (!sink(row)) return {};
  }
}

Result<std::optional<std::uint64_t>> IndexView::log_excess(const SpaceId &space, std::uint64_t rows,
                                                           std::int64_t before_ns) {
  std::optional<std::uint64_t> up_to;
  TRY_ASSIGN(sql::Statement *const count,
             database_.cached("SELECT position FROM change WHERE space=?1 ORDER BY position DESC LIMIT 1 OFFSET ?2"));
  {
    auto found = count->query(space, rows);
    TRY_ASSIGN(const bool there, found.next());
    if (there) up_to = static_cast<std::uint64_t>(found.integer(0));
  }
  // Time rises with the position, unless somebody set the clock: then rows stay longer.
  TRY_ASSIGN(sql::Statement *const old,
             database_.cached("SELECT position,time_ns FROM change WHERE space=?1 AND position>?2 ORDER BY position"));
  auto found = old->query(space, up_to.value_or(0));
  for (;;) {
    TRY_ASSIGN(const bool there, found.next());
    if (!there || found.integer(1) >= before_ns) return up_to;
    up_to = static_cast<std::uint64_t>(found.integer(0));
  }
}

Result<std::vector<SpaceId>> IndexView::logs(const SpaceId &after, std::size_t limit) {
  std::vector<SpaceId> found;
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT space FROM log WHERE space>?1 ORDER BY space LIMIT ?2"));
  auto rows = statement->query(after, limit);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return found;
    found.push_back(rows.id<SpaceId>(0));
  }
}

Result<std::vector<Row>> IndexView::by_inode(std::uint64_t inode) {
  std::vector<Row> found;
  auto rows = by_inode_.query(inode);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return found;
    found.push_back(decode_row(by_inode_));
  }
}

}  // namespace Atoll::tree
