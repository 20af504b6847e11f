// SPDX-License-Identifier: Apache-2.0
#include "core/tree/reconciler.hpp"

#include "core/base/path.hpp"
#include "core/base/time.hpp"
#include "core/tree/beside.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::size_t kBatch = 250;  // names under one hold of the writer lock

constexpr std::int64_t kYoungNs = 60'000'000'000;

bool missing(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
}

/// None also for what has vanished since it was seen: the next look at the folder finds that.
Result<std::optional<Identity>> identity_at(Folder &folder, std::string_view name) {
  auto read = folder.identity(name);
  if (!read && missing(read.error())) return std::optional<Identity>();
  return read;
}

Error cannot_look(Error failure) {
  failure.status = Status::Unavailable;  // whatever it was: nothing is proved
  return failure;
}

bool same_kind(const Row &row, const Entry &entry) {
  return entry.kind == (row.folder() ? EntryKind::Folder : EntryKind::File);
}

bool same_state(const Row &row, const Entry &entry) {
  if (!same_kind(row, entry) || row.inode != entry.inode) return false;
  return row.folder() || (row.size == entry.size && row.mtime_ns == entry.mtime_ns);
}

}  // namespace

Result<void> TreeEngine::reconcile(const SpacePtr &space, const NodeId &folder, bool deep) {
  Reconciler run(*this, space, deep, false);
  run.add(folder);
  return run.run();
}

Result<void> TreeEngine::reconcile_recovering(const SpacePtr &space, std::span<const NodeId> folders, bool deep) {
  Reconciler run(*this, space, deep, true);
  for (const NodeId &folder : folders) run.add(folder);
  return run.run();
}

Result<void> Reconciler::run() {
  auto done = look();
  if (done) done = finish();
  // That something is not there any more says nothing about what the caller had asked for.
  if (done.status() == Status::NotFound) return error(Status::Unavailable, done.error().message);
  return done;
}

Result<void> Reconciler::look() {
  asked_above_.clear();
  asked_who_.clear();
  while (!queue_.empty()) {
    if (cancelled_ && *cancelled_) return error(Status::Unavailable, "the server ends");
    const Todo todo = std::move(queue_.front());
    queue_.pop_front();
    vanished_before_ = vanished_.size();
    if (todo.names.empty()) {
      TRY(compare(todo));
    } else {
      TRY(compare_names(todo));
    }
  }
  return {};
}

std::vector<std::pair<NodeId, bool>> Reconciler::unfinished() const {
  std::vector<std::pair<NodeId, bool>> left;
  for (const Todo &todo : queue_)
    if (todo.names.empty()) left.emplace_back(todo.folder, todo.deep);
  return left;
}

Result<std::optional<Reconciler::Opened>> Reconciler::open(IndexView &view, const NodeId &folder, bool deep) {
  TRY_ASSIGN(auto row, view.by_id(folder));
  TRY_ASSIGN(auto chain, view.chain(space_->info.id, folder));
  if (!row || !chain || !row->folder()) return std::optional<Opened>();
  Opened place;
  place.located.row = std::move(*row);
  place.located.chain = std::move(*chain);
  auto opened = engine_.names_->open(space_->info.folder, place.located.path());
  if (opened) {
    const std::vector<Step> &way = place.located.chain;
    TRY_ASSIGN(const Entry self, (*opened)->self());
    if (self.inode == place.located.row.inode || way.size() == 1 || !asked_who_.insert(folder).second) {
      place.folder = std::move(*opened);
      return std::optional<Opened>(std::move(place));
    }
    // Another folder is at its name: first who that is now, then what is inside.
    queue_.push_back({way[way.size() - 2].id, false, {place.located.row.name}});
    queue_.push_back({folder, deep, {}});
    return std::optional<Opened>();
  }
  if (!missing(opened.error())) return cannot_look(std::move(opened).error());
  TRY(engine_.names_->prove(true));
  if (place.located.chain.size() == 1)
    return error(Status::Unavailable, "the folder of the space, " + space_->info.folder + ", is missing");
  // The deepest folder above it that is there tells what became of it.
  TRY_ASSIGN(const NodeId above, deepest_there(place.located.chain));
  if (asked_above_.insert(above).second) queue_.push_back({above, false, {}});
  return std::optional<Opened>();
}

Result<NodeId> Reconciler::deepest_there(std::span<const Step> chain) {
  auto opened = engine_.names_->open(space_->info.folder, {});
  if (!opened) return cannot_look(std::move(opened).error());
  std::unique_ptr<Folder> folder = std::move(*opened);
  for (std::size_t i = 1; i < chain.size(); ++i) {
    auto next = folder->open(chain[i].name);
    if (!next && !missing(next.error())) return cannot_look(std::move(next).error());
    if (!next) return chain[i - 1].id;
    folder = std::move(*next);
  }
  return chain.size() > 1 ? chain[chain.size() - 2].id : chain.front().id;  // it came back meanwhile
}

Result<void> Reconciler::compare(const Todo &todo) {
  std::vector<std::string> names;
  std::vector<NodeId> inside;
  Entry self;
  bool differs = false;
  {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(auto place, open(*view, todo.folder, todo.deep));
    if (!place) return {};
    if (engine_.beside_) engine_.beside_->watch(todo.folder, *place->folder);
    TRY_ASSIGN(self, place->folder->self());  // before the names: a later change shows in the time again
    std::vector<std::pair<std::string, Entry>> entries;
    auto scanned =
        place->folder->scan([&](std::string_view name, const Entry &entry) { entries.emplace_back(name, entry); });
    if (!scanned) return cannot_look(std::move(scanned).error());
    entries_ += entries.size() + 1;
    const std::int64_t young = base::now_unix_ns() - kYoungNs;
    if (engine_.beside_ && std::any_of(entries.begin(), entries.end(), [&](const auto &found) {
          return found.second.kind == EntryKind::File && found.second.mtime_ns > young;
        }))
      engine_.beside_->young(todo.folder);
    std::sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    auto entry = entries.begin();
    TRY(view->children(todo.folder, {}, 0, [&](const NodeView &child, std::uint64_t inode) {
      while (entry != entries.end() && entry->first < child.name) names.push_back((entry++)->first);
      if (entry == entries.end() || entry->first != child.name) {
        names.emplace_back(child.name);
        return true;
      }
      Row row;
      static_cast<NodeFacts &>(row) = child;
      row.inode = inode;
      if (!same_state(row, entry->second))
        names.emplace_back(child.name);
      else if (todo.deep && child.folder())
        inside.push_back(child.id);
      ++entry;
      return true;
    }));
    for (; entry != entries.end(); ++entry) names.push_back(entry->first);
    const Row &row = place->located.row;
    differs = row.inode != self.inode || row.mtime_ns != self.mtime_ns;
  }
  for (const NodeId &folder : inside) queue_.push_back({folder, true, {}});
  if (names.empty() && !differs) return {};
  // In batches, so that nobody waits for long; only the last one says that the folder is in step.
  std::span<const std::string> left(names);
  while (left.size() > kBatch) {
    TRY(take_over(todo, left.first(kBatch), std::nullopt));
    left = left.subspan(kBatch);
  }
  return take_over(todo, left, self);
}

Result<void> Reconciler::compare_names(const Todo &todo) {
  std::vector<std::string> differing;
  {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(auto place, open(*view, todo.folder, deep_));
    if (!place) return {};
    for (const std::string &name : todo.names) {
      if (!base::valid_name(name)) continue;
      ++entries_;
      TRY_ASSIGN(const auto row, view->child(todo.folder, name));
      auto looked = place->folder->look(name);
      if (!looked) return cannot_look(std::move(looked).error());
      const bool there = *looked && (*looked)->kind != EntryKind::Other;
      const bool same = row ? there && same_state(*row, **looked) : !there;
      if (!same)
        differing.push_back(name);
      else if (row && row->folder())
        seen_folders_.push_back(row->id);
    }
  }
  if (differing.empty()) return {};
  changed_folders_.push_back(todo.folder);
  for (std::span<const std::string> left(differing); !left.empty();) {
    const auto some = left.first(std::min(left.size(), kBatch));
    TRY(take_over(todo, some, std::nullopt));
    left = left.subspan(some.size());
  }
  return {};
}

Result<void> Reconciler::take_over(const Todo &todo, std::span<const std::string> names,
                                   const std::optional<Entry> &self) {
  const std::lock_guard guard(engine_.writer_);
  TRY(admitted());
  Index &index = *engine_.index_;
  TRY_ASSIGN(auto transaction, index.begin_write(space_->info.id));
  TRY_ASSIGN(auto place, open(index, todo.folder, todo.deep));
  if (!place) return {};
  std::int64_t delta = 0;
  bool changed = false;
  for (const std::string &name : names) TRY(take_over_name(*place, name, delta, changed));
  ATOLL_FAULT_POINT("reconcile.names");
  if (changed || delta != 0) {
    TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
    TRY(index.bump(todo.folder, sequence, delta));
  }
  if (!self) return transaction.commit();
  if (vanished_.size() > vanished_before_) {
    in_step_later_.emplace_back(todo.folder, *self);
    return transaction.commit();
  }
  // Changes of ours that came in between have set the time themselves, to a later one than `self` has.
  TRY_ASSIGN(const Entry now, place->folder->self());
  const bool ours = now.mtime_ns == place->located.row.mtime_ns && now.inode == place->located.row.inode;
  if (!ours) TRY(index.set_disk_state(todo.folder, self->mtime_ns, now.inode));
  return transaction.commit();
}

Result<void> Reconciler::take_over_name(Opened &place, const std::string &name, std::int64_t &delta, bool &changed) {
  Index &index = *engine_.index_;
  const NodeId parent = place.located.row.id;
  TRY_ASSIGN(const auto row, index.child(parent, name));
  auto looked = place.folder->look(name);
  if (!looked) return cannot_look(std::move(looked).error());
  const bool there = *looked && (*looked)->kind != EntryKind::Other;
  if (row && !there) {
    vanished_.push_back({parent, name, row->id});
    return {};
  }
  if (row && there && same_state(*row, **looked)) {
    if (row->folder()) seen_folders_.push_back(row->id);  // the server made it in this moment
    return {};
  }
  if (!there) return {};
  const Entry &entry = **looked;
  changed = true;
  if (!row) return add_new(place, name, entry, delta);
  if (recovering_ || !same_kind(*row, entry)) {
    // A move onto this name that was acknowledged before the index had it for good: the one that moved is the node now.
    // So is a node of ours that the index never had: a copy that replaced what was here.
    std::optional<Row> moved;
    bool newcomer = false;
    if (recovering_) {
      TRY_ASSIGN(const auto identity, identity_at(*place.folder, name));
      TRY_ASSIGN(moved, moved_here(place, name, entry, identity));
      if (!moved && identity && identity->id != row->id && consistent(*identity, entry)) {
        TRY_ASSIGN(const auto other, index.by_id(identity->id));
        newcomer = !other;
      }
    }
    if (moved || newcomer || !same_kind(*row, entry)) {
      TRY(miss(row->id));
      TRY(note(ChangeKind::Removed, *row));
      delta -= static_cast<std::int64_t>(row->size);
      return add_new(place, name, entry, delta);
    }
  }
  if (row->folder()) {
    // Another folder at a known name: the same node, of which nothing below is known to be as it was.
    TRY(index.set_disk_state(row->id, entry.mtime_ns - 1, entry.inode));
    if (auto done = place.folder->identify(name, row->id, 0); !done) engine_.log(true, done.error().message);
    queue_.push_back({row->id, true, {}});
    return {};
  }
  return update_file(place, *row, entry, delta);
}

Result<void> Reconciler::update_file(Opened &place, Row row, const Entry &entry, std::int64_t &delta) {
  delta += static_cast<std::int64_t>(entry.size) - static_cast<std::int64_t>(row.size);
  row.size = entry.size;
  row.mtime_ns = entry.mtime_ns;
  row.inode = entry.inode;
  row.sums = Sums();
  // The server's own change, of which the index lost the row: it keeps the sequence that was acknowledged. So does the
  // content of before when the disk lost a change that the index has.
  TRY_ASSIGN(const auto identity, identity_at(*place.folder, row.name));
  const bool own = identity && identity->id == row.id && identity->inode == entry.inode &&
                   identity->size == entry.size && identity->mtime_ns == entry.mtime_ns &&
                   (recovering_ ? identity->sequence != row.sequence : identity->sequence > row.sequence) &&
                   engine_.sequences_->past(identity->sequence);
  if (own) {
    row.sequence = identity->sequence;
  } else {
    TRY_ASSIGN(row.sequence, engine_.sequences_->next());
    if (auto done = place.folder->identify(row.name, row.id, row.sequence); !done && !missing(done.error()))
      engine_.log(true, done.error().message);
  }
  TRY(engine_.index_->update(row));
  return note(ChangeKind::Content, row);
}

}  // namespace Atoll::tree
