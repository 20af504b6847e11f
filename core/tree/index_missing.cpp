// SPDX-License-Identifier: Apache-2.0
// The rows of what vanished beside the server: where they hang until all of their space was looked at.
#include "core/tree/index.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cstdio>

namespace Atoll::tree {
namespace {

constexpr std::uint8_t kMissing = 9;  // the first byte of the key; the space's id follows
constexpr int kLongestWay = 100000;

/// Sorted by the sequence at which it vanished.
std::string missing_name(std::uint64_t sequence, std::int64_t now_ns) {
  char text[36];
  std::snprintf(text, sizeof text, "%016llx-%016llx", static_cast<unsigned long long>(sequence),
                static_cast<unsigned long long>(now_ns));
  return text;
}

}  // namespace

std::array<std::uint8_t, 17> missing_key(const SpaceId &space) noexcept {
  std::array<std::uint8_t, 17> key{kMissing};
  std::copy(space.bytes().begin(), space.bytes().end(), key.begin() + 1);
  return key;
}

Result<Hold> IndexView::hold_of(const NodeId &id) {
  NodeId at = id;
  for (int steps = 0; steps < kLongestWay; ++steps) {
    auto rows = up_.query(at);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there) return Hold{};
    const auto parent = up_.blob(0);
    if (parent.empty()) return Hold{Hold::Kind::Space, SpaceId::from_bytes(at.bytes().data())};
    if (parent.size() == 17 && parent[0] == kMissing)
      return Hold{Hold::Kind::Missing, SpaceId::from_bytes(parent.data() + 1)};
    if (parent.size() != 16) return Hold{};
    at = up_.id<NodeId>(0);
  }
  return damaged("the index has a ring");
}

Result<void> IndexView::folders(const NodeId &after, std::size_t limit, FunctionRef<void(const NodeId &)> sink) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("SELECT id FROM node WHERE type=2 AND id>?1 ORDER BY id LIMIT ?2"));
  auto rows = statement->query(after, limit);
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return {};
    sink(rows.id<NodeId>(0));
  }
}

Result<bool> IndexView::any_missing(const SpaceId &space) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT 1 FROM node WHERE parent=?1 LIMIT 1"));
  const auto key = missing_key(space);
  auto rows = statement->query(std::span<const std::uint8_t>(key));
  return rows.next();
}

Result<std::uint64_t> IndexView::files_at(const NodeId &node, std::uint64_t limit) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached("WITH RECURSIVE folder(id) AS (SELECT id FROM node WHERE id=?1 AND type=2 UNION ALL"
                              " SELECT n.id FROM folder JOIN node n ON n.parent=folder.id WHERE n.type=2)"
                              " SELECT (SELECT count(*) FROM node WHERE id=?1 AND type=1) + (SELECT count(*) FROM"
                              " (SELECT 1 FROM folder JOIN node n ON n.parent=folder.id WHERE n.type=1 LIMIT ?2))"));
  const std::int64_t most = limit > INT64_MAX ? -1 : static_cast<std::int64_t>(limit);
  auto rows = statement->query(node, most);
  TRY_ASSIGN(const bool there, rows.next());
  return there ? static_cast<std::uint64_t>(rows.integer(0)) : 0;
}

Result<std::vector<NodeId>> IndexView::missing_between(const SpaceId &space, std::int64_t since_ns,
                                                       std::int64_t before_ns) {
  TRY_ASSIGN(sql::Statement *const statement, database_.cached("SELECT id FROM node WHERE parent=?1 AND"
                                                               " substr(name,18)>=?2 AND substr(name,18)<?3"));
  const auto key = missing_key(space);
  const std::string since = missing_name(0, since_ns).substr(17), before = missing_name(0, before_ns).substr(17);
  auto rows = statement->query(std::span<const std::uint8_t>(key), since, before);
  std::vector<NodeId> missing;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return missing;
    missing.push_back(rows.id<NodeId>(0));
  }
}

Result<void> Index::miss(const SpaceId &space, const NodeId &id, std::uint64_t sequence, std::int64_t now_ns) {
  return attach(id, missing_key(space), missing_name(sequence, now_ns));
}

Result<bool> Index::forget_missing(const SpaceId &space, std::uint64_t before) {
  TRY_ASSIGN(sql::Statement *const statement,
             database_.cached(
                 "UPDATE node SET parent=?2,name=lower(hex(id)),fold=NULL WHERE parent=?1 AND name<?3 RETURNING 1"));
  const auto key = missing_key(space);
  const std::string end = missing_name(before, 0);
  ++detached_;
  auto rows = statement->query(std::span<const std::uint8_t>(key), parent_key(Place::Limbo), end);
  bool some = false;
  for (;;) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return some;
    some = true;
  }
}

}  // namespace Atoll::tree
