// SPDX-License-Identifier: Apache-2.0
// Files without checksums, from an index of their own.
#include "core/tree/index_view.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

constexpr int kMostSteps = 100000;

}  // namespace

Result<std::vector<BareFile>> IndexView::bare_files(BarePlace &after, std::size_t limit) {
  std::vector<BareFile> found;
  const BarePlace from = after;
  {
    TRY_ASSIGN(
        sql::Statement *const statement,
        database_.cached("SELECT " TREE_ROW_COLUMNS " FROM node INDEXED BY node_bare WHERE type=1 AND sums IS NULL"
                         " AND (parent,name)>(?1,?2) ORDER BY parent,name LIMIT ?3"));
    auto rows = statement->query(std::span<const std::uint8_t>(from.parent), from.name, limit);
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next());
      if (!more) break;
      found.emplace_back().row = decode_row(*statement);
      const auto parent = rows.blob(0);
      after.parent.assign(parent.begin(), parent.end());
      after.name = rows.text(1);
    }
  }
  for (BareFile &file : found) TRY(locate(file));
  return found;
}

Result<void> IndexView::locate(BareFile &file) {
  NodeId at = file.row.id;
  for (int steps = 0; steps < kMostSteps; ++steps) {
    auto rows = up_.query(at);
    TRY_ASSIGN(const bool there, rows.next());
    if (!there) return {};
    const auto parent = up_.blob(0);
    if (parent.size() == 16) {
      file.names.emplace_back(up_.text(1));
      at = up_.id<NodeId>(0);
      continue;
    }
    std::reverse(file.names.begin(), file.names.end());
    const auto trash = parent_key(Place::Trash);
    if (parent.empty())
      file.hold = Hold{Hold::Kind::Space, SpaceId::from_bytes(at.bytes().data())};
    else if (std::equal(parent.begin(), parent.end(), trash.begin(), trash.end()))
      file.item = Uuid::parse(up_.text(1));
    return {};
  }
  return damaged("the index has a ring");
}

}  // namespace Atoll::tree
