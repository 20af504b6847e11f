// SPDX-License-Identifier: Apache-2.0
// The change log: writing, reading, thinning.
#include "core/base/time.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

constexpr std::size_t kThinSpaces = 256, kThinRows = 2000;  // in one go
constexpr std::size_t kLongestConsumer = 200;

Error refused() {
  return error(Status::FailedPrecondition,
               "the change log does not reach back to this token; list the space again and go on from a new one");
}

}  // namespace

Result<void> TreeEngine::note_change(const SpaceId &space, ChangeKind kind, const Row &row, const NodeId &old_parent) {
  ChangeRow change;
  // Given under the writer lock: positions rise in the order of the commits.
  TRY_ASSIGN(change.position, sequences_->next());
  change.kind = kind;
  change.type = row.type;
  change.node = row.id;
  change.parent = row.parent;
  change.old_parent = old_parent;
  change.name = row.name;
  change.time_ns = base::now_unix_ns();
  if (kind == ChangeKind::Created && !row.folder()) removals_->came(space, 1);
  return index_->log(space, change);
}

/// What a reader was told before a power cut may have been lost by the truth and the index alike, so that comparing
/// them finds nothing.
Result<void> TreeEngine::note_doubtful(const SpaceId &space, std::span<const NodeId> folders) {
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(auto transaction, index_->begin_write(space));
  for (const NodeId &folder : folders) {
    TRY_ASSIGN(const auto row, index_->by_id(folder));
    TRY_ASSIGN(const auto chain, index_->chain(space, folder));
    if (!row || !chain) continue;
    TRY(note_change(space, ChangeKind::Doubtful, *row));
    // What the index lost may have been seen, and undone since: its etag is not given for this state again.
    TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
    TRY(index_->bump(folder, sequence, 0));
  }
  return transaction.commit();
}

Result<std::string> TreeEngine::changes_now(const SpaceId &space) {
  TRY(serving(space));
  TRY_ASSIGN(auto view, views_->lease());
  TRY_ASSIGN(auto snapshot, view->begin());
  TRY_ASSIGN(const auto reach, view->log_reach(space));
  if (!reach) return error(Status::Unavailable, "the index lacks the change log of the space");
  return ChangeToken{reach->epoch, reach->last}.text();
}

Result<ChangesEnd> TreeEngine::changes_since(const SpaceId &space, std::string_view token, std::uint64_t limit,
                                             FunctionRef<bool(const ChangeRow &)> sink) {
  const auto from = ChangeToken::parse(token);
  if (!from) return error(Status::InvalidArgument, "this is no token of the change log");
  TRY(serving(space));
  TRY_ASSIGN(auto view, views_->lease());
  TRY_ASSIGN(auto snapshot, view->begin());
  TRY_ASSIGN(const auto reach, view->log_reach(space));
  if (!reach) return error(Status::Unavailable, "the index lacks the change log of the space");
  if (from->epoch != reach->epoch || from->position < reach->floor) return refused();
  ChangeToken end = *from;
  TRY(view->log_rows(space, from->position, limit, [&](const ChangeRow &row) {
    end.position = row.position;
    return sink(row);
  }));
  return ChangesEnd{end.text(), end.position < reach->last};
}

Result<std::string> TreeEngine::changes_cursor(const SpaceId &space, std::string_view consumer) {
  TRY(serving(space));
  TRY_ASSIGN(auto token, meta_->cursor(consumer, space));
  if (!token)
    return error(Status::FailedPrecondition, std::string(consumer) + " has kept no token for this space; list it");
  return std::move(*token);
}

Result<void> TreeEngine::changes_keep_cursor(const SpaceId &space, std::string_view consumer, std::string_view token) {
  if (consumer.empty() || consumer.size() > kLongestConsumer)
    return error(Status::InvalidArgument, "the name of a consumer has 1 to 200 bytes");
  const auto at = ChangeToken::parse(token);
  if (!at) return error(Status::InvalidArgument, "this is no token of the change log");
  TRY(serving(space));
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(const auto reach, view->log_reach(space));
    if (!reach) return error(Status::Unavailable, "the index lacks the change log of the space");
    if (at->epoch != reach->epoch || at->position < reach->floor) return refused();
  }
  return meta_->put_cursor(consumer, space, at->text());
}

Result<void> TreeEngine::changes_forget(std::string_view consumer) { return meta_->remove_cursors(consumer); }

std::uint64_t TreeEngine::changes_listen(std::function<void(const SpaceId &)> listener) {
  return bell_.listen(std::move(listener));
}

void TreeEngine::changes_unlisten(std::uint64_t number) { bell_.forget(number); }

Result<bool> TreeEngine::thin_changes() {
  struct Excess {
    SpaceId space;
    std::uint64_t up_to;
    bool gone;
  };
  std::vector<Excess> all;
  SpaceId last;
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(const auto spaces, view->logs(thinned_, kThinSpaces));
    const std::int64_t before =
        base::now_unix_ns() - static_cast<std::int64_t>(options_.change_log.age_seconds) * 1'000'000'000;
    for (const SpaceId &space : spaces) {
      TRY_ASSIGN(const Hold root, view->hold_of(root_of(space)));
      if (root.kind != Hold::Kind::Space) {
        all.push_back({space, INT64_MAX, true});
        continue;
      }
      TRY_ASSIGN(const auto up_to, view->log_excess(space, options_.change_log.rows, before));
      if (up_to) all.push_back({space, *up_to, false});
    }
    if (spaces.size() == kThinSpaces) last = spaces.back();
  }
  bool more = false;
  for (const Excess &excess : all) {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
    if (excess.gone) {
      // The log of a space lives as long as its root: the space itself is known later, when it has been made.
      TRY_ASSIGN(const Hold root, index_->hold_of(root_of(excess.space)));
      if (root.kind == Hold::Kind::Space) continue;  // made anew with the same id
    }
    TRY_ASSIGN(const bool left, index_->thin_log(excess.space, excess.up_to, kThinRows));
    if (excess.gone && !left) TRY(index_->drop_log(excess.space));
    TRY(transaction.commit());
    more |= left;
  }
  if (!more) thinned_ = last;
  return more;
}

}  // namespace Atoll::tree
