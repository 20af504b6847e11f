// SPDX-License-Identifier: Apache-2.0
// receive: a space of another provider comes here.
//
// Contents are copied while the space is served, into a staged folder, until few are left. Then nothing changes any
// more, the last ones are copied, and the tree is built of what is there: that costs renames and rows.
#include "core/base/uuid.hpp"
#include "core/tree/care.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

namespace Atoll::tree {
namespace {

constexpr int kLoosePasses = 6, kFrozenTries = 4;
constexpr std::uint64_t kFewLeft = 20;
constexpr std::size_t kRowsAtOnce = 2000, kMostMissedFolders = 1000;
constexpr auto kSayWhileMoving = std::chrono::seconds(1);
constexpr auto kMostFollow = std::chrono::seconds(30);
constexpr auto kLookWhileWaiting = std::chrono::milliseconds(20);

bool not_at_hand(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
}

bool matches(const Row &row, const Entry &entry) {
  if (row.folder() != (entry.kind == EntryKind::Folder) || row.inode != entry.inode) return false;
  return row.folder() || (row.size == entry.size && row.mtime_ns == entry.mtime_ns);
}

std::string hex(char before, std::uint64_t number) {
  char text[20];
  std::snprintf(text, sizeof text, "%c%llx", before, static_cast<unsigned long long>(number));
  return text;
}

/// The name of a content in the pool.
std::string content_key(const NodeId &node, std::uint64_t sequence) { return node.text() + hex('-', sequence); }

class Mover {
 public:
  Mover(TreeEngine &from, TreeEngine &to, SpacePtr space, CareSink sink)
      : from_(from), to_(to), space_(std::move(space)), steady_(*space_), id_(space_->info.id), sink_(sink) {}
  Mover(const Mover &) = delete;
  Mover &operator=(const Mover &) = delete;
  ~Mover() {
    if (arriving_) to_.turn_away(id_, folder_, top_);
    if (frozen_) {
      if (auto thawed = from_.thaw(space_); !thawed) from_.log(true, thawed.error().message);
    }
    pool_.reset();
    tree_.reset();
    to_.wake();
  }

  Result<MoveResult> run() {
    TRY(from_.names_->prove(true));
    TRY(to_.names_->prove(true));
    TRY(new_here());
    TRY(from_.names_->strays(id_, space_->info.folder, false));  // nothing is mounted in there
    TRY(free_ids());
    TRY_ASSIGN(pool_, to_.store_->stage_folder(id_));
    for (int pass = 1; pass <= kLoosePasses; ++pass) {
      copied_ = 0;
      TRY(copy_all());
      TRY(compare());
      const bool same = missed_.empty();
      TRY(look_at_missed());
      if (same && copied_ < kFewLeft) break;
    }
    for (int attempt = 1; attempt <= kFrozenTries; ++attempt) {
      TRY(from_.freeze(space_));
      frozen_ = true;
      ATOLL_FAULT_POINT("move.frozen");
      TRY(attributes_follow());
      TRY(copy_all());
      TRY(compare());
      if (missed_.empty() && !restless_) return build();
      frozen_ = false;
      TRY(from_.thaw(space_));
      TRY(look_at_missed());
    }
    return error(Status::Unavailable, "files of the space are being written by other programs all the time");
  }

 private:
  struct Todo {
    NodeId id;
    std::string path;
    std::int64_t mtime_ns = 0;
  };
  struct Time {
    NodeId id;
    Entry entry;
  };

  Folder &pool() { return *pool_->folder(); }

  Result<void> say() {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < kSayWhileMoving) return {};
    said_ = now;
    CareLine line;
    line.kind = CareLine::Kind::Progress;
    line.done = seen_;
    if (sink_(line)) return {};
    return error(Status::Cancelled, "the move was stopped; the space stays where it is");
  }

  Result<std::vector<Row>> children(const NodeId &folder) {
    std::vector<Row> rows;
    TRY_ASSIGN(auto view, from_.views_->lease());
    TRY(view->children(folder, {}, 0, [&](const NodeView &child, std::uint64_t inode) {
      Row row;
      static_cast<NodeFacts &>(row) = child;
      row.name = child.name;
      row.inode = inode;
      rows.push_back(std::move(row));
      return true;
    }));
    TRY(steady_.holds());
    return rows;
  }

  Result<void> new_here() {
    if (!to_.known(id_)) return {};
    return error(Status::AlreadyExists, "the space is there already");
  }

  /// What the goal had of this space before is gone, so that the ids are free.
  Result<void> free_ids() {
    for (bool more = true; more;) {
      TRY(say());
      std::unique_lock guard(to_.writer_);
      TRY(to_.make_limbo_durable(&guard));
      TRY_ASSIGN(more, to_.clear_limbo());
    }
    return {};
  }

  /// No other space comes or goes there until this one has come, or was turned away.
  Result<void> begin_making() {
    while (!making_.try_lock()) {
      TRY(say());
      std::this_thread::sleep_for(kLookWhileWaiting);
    }
    return new_here();
  }

  /// A copied file gets its attributes after it has come to its name, which may have been before the space was frozen.
  Result<void> attributes_follow() {
    for (const auto until = std::chrono::steady_clock::now() + kMostFollow;;) {
      TRY_ASSIGN(const auto intents, from_.meta_->intents());
      const bool open = std::any_of(intents.begin(), intents.end(), [&](const Intent &intent) {
        return intent.kind == Intent::Kind::Attributes && intent.space == id_;
      });
      if (!open) return {};
      if (std::chrono::steady_clock::now() > until)
        return error(Status::Unavailable, "a copied file of the space is still without its attributes; try again");
      TRY(say());
      std::this_thread::sleep_for(kLookWhileWaiting);
    }
  }

  void miss(const NodeId &folder) {
    if (missed_.size() < kMostMissedFolders && (missed_.empty() || missed_.back() != folder)) missed_.push_back(folder);
  }

  /// What other programs changed is taken over.
  Result<void> look_at_missed() {
    const auto missed = std::exchange(missed_, {});
    TRY_ASSIGN(const SpacePtr still, from_.serving(id_));
    TRY(steady_.holds());
    for (const NodeId &folder : missed) TRY(from_.reconcile(still, folder, false));
    return {};
  }

  /// Every folder holds on the disk what the index has of it; those that do not are missed. Of the source nothing is
  /// left in the end, so what only the disk has would be gone.
  Result<void> compare() {
    std::vector<Todo> todo{{root_of(id_), {}}};
    while (!todo.empty()) {
      const Todo next = std::move(todo.back());
      todo.pop_back();
      TRY(say());
      TRY_ASSIGN(const auto rows, children(next.id));
      auto folder = from_.names_->open(space_->info.folder, next.path);
      if (!folder && !not_at_hand(folder.error())) return std::move(folder).error();
      std::map<std::string, Entry, std::less<>> entries;
      if (folder)
        TRY((*folder)->scan([&](std::string_view name, const Entry &entry) { entries.emplace(name, entry); }));
      bool same = folder && entries.size() == rows.size();
      for (const Row &row : rows) {
        const auto entry = entries.find(row.name);
        same = same && entry != entries.end() && matches(row, entry->second);
        if (row.folder()) todo.push_back({row.id, next.path.empty() ? row.name : next.path + "/" + row.name});
      }
      if (!same) miss(next.id);
    }
    return {};
  }

  // ---- contents
  Result<void> copy_all() {
    seen_ = 0;
    restless_ = false;
    std::vector<Todo> todo{{root_of(id_), {}}};
    while (!todo.empty()) {
      const Todo next = std::move(todo.back());
      todo.pop_back();
      TRY_ASSIGN(const auto rows, children(next.id));
      for (const Row &row : rows) {
        ++seen_;
        TRY(say());
        const std::string path = next.path.empty() ? row.name : next.path + "/" + row.name;
        if (row.folder()) {
          todo.push_back({row.id, path});
        } else {
          TRY(live_content(row, path));
        }
      }
    }
    TRY(all_trash(false));
    return all_versions(false);
  }

  Result<void> live_content(const Row &row, const std::string &path) {
    const std::string key = content_key(row.id, row.sequence);
    TRY_ASSIGN(const auto have, pool().look(key));
    auto file = from_.names_->open_file(space_->info.folder, path);
    if (!file && !not_at_hand(file.error())) return std::move(file).error();
    bool taken = file && matches(row, file->entry);
    if (taken && !have) {
      TRY_ASSIGN(taken, take(file->fd, file->entry, key, row.id, row.sequence));
    }
    if (!taken) miss(row.parent);
    return {};
  }

  /// False: it was written to meanwhile.
  Result<bool> take(const base::Fd &fd, const Entry &entry, const std::string &key, const NodeId &id,
                    std::uint64_t sequence) {
    TRY_ASSIGN(const auto staged, to_.store_->stage_file(id_, entry.size));
    TRY(to_.store_->copy(fd.get(), *staged));
    struct stat after {};
    if (::fstat(fd.get(), &after) != 0) return base::errno_error("look at a file");
    const std::int64_t mtime = std::int64_t{after.st_mtim.tv_sec} * 1'000'000'000 + after.st_mtim.tv_nsec;
    TRY_ASSIGN(const std::uint64_t size, staged->size());
    if (size != entry.size || mtime != entry.mtime_ns) return false;
    Seal seal;
    seal.id = id;
    seal.sequence = sequence;
    seal.mtime_ns = entry.mtime_ns;
    seal.like = entry;
    seal.durable = false;  // all at once, before anything depends on it
    TRY(staged->seal(seal));
    TRY(pool().place(*staged, key, Onto::Nothing));
    ++copied_;
    ATOLL_FAULT_POINT("move.copied");
    return true;
  }

  /// Something in the trash or among the versions could not be taken: looked at again, but not while building.
  Result<void> restless(const std::string &name, bool building) {
    restless_ = true;
    if (!building) return {};
    return error(Status::Unavailable, name + " in the trash or among the versions is being changed by another program");
  }

  // ---- trash: what is on the disk, with the rows that the index has of it
  Result<void> all_trash(bool building) {
    TRY_ASSIGN(const auto records, from_.meta_->list_trash(id_, {}, INT64_MAX));
    if (records.empty()) return {};
    auto trash = from_.names_->kept(id_, "trash", false);
    if (!trash && not_at_hand(trash.error())) return {};
    if (!trash) return std::move(trash).error();
    std::unique_ptr<Folder> goal;
    if (building) {
      TRY_ASSIGN(goal, to_.names_->kept(id_, "trash", true));
    }
    for (TrashRecord record : records) {
      const std::string name = record.id.text();
      TRY_ASSIGN(const auto entry, (*trash)->look(name));
      if (!entry || entry->inode != record.inode) continue;  // purged meanwhile
      std::optional<Row> row;
      {
        TRY_ASSIGN(auto view, from_.views_->lease());
        TRY_ASSIGN(row, view->by_id(record.node));
      }
      bool whole = true;
      TRY_ASSIGN(const auto placed, kept_entry(**trash, name, *entry, row, record.node, goal.get(), {}, whole));
      if (!placed) continue;
      if (row && matches(*row, *entry)) {
        Row top = *row;
        top.inode = placed->inode;
        top.mtime_ns = whole ? placed->mtime_ns : placed->mtime_ns - 1;  // what is below it is looked at again
        TRY(add_top(std::move(top)));
        items_.emplace_back(record.node, record.id);
      }
      record.inode = placed->inode;
      record.round = 0;
      record.refuge = Refuge();
      space_here_.trash.push_back(std::move(record));
    }
    return {};
  }

  /// Copies the contents of one entry of the trash and of all below it, or builds it in `goal` of what was copied: then
  /// it gives what it is there. `parent`: whose row is known, or none. `whole`: the index has all of it.
  Result<std::optional<Entry>> kept_entry(Folder &in, const std::string &name, const Entry &entry,
                                          const std::optional<Row> &known, const NodeId &fallback, Folder *goal,
                                          const NodeId &parent, bool &whole) {
    const std::optional<Entry> nothing;
    ++seen_;
    TRY(say());
    const bool same = known && matches(*known, entry);
    if (!same) whole = false;
    NodeId id = same ? known->id : fallback;
    std::uint64_t sequence = same ? known->sequence : 0;
    if (!same) {
      const auto identity = in.identity(name);
      if (identity && *identity) {
        id = (*identity)->id;
        sequence = (*identity)->sequence;
      }
    }
    if (entry.kind == EntryKind::Other) return nothing;
    if (entry.kind == EntryKind::Folder) return kept_folder(in, name, entry, known, same, id, goal, parent, whole);
    const std::string key = same ? content_key(id, sequence)
                                 : "u" + hex('-', entry.inode) + hex('-', static_cast<std::uint64_t>(entry.mtime_ns)) +
                                       hex('-', entry.size);
    TRY_ASSIGN(const auto have, pool().look(key));
    if (!have) {
      auto fd = in.open_file(name);
      if (!fd && !not_at_hand(fd.error())) return std::move(fd).error();
      bool taken = false;
      if (fd) {
        TRY_ASSIGN(taken, take(*fd, entry, key, id, sequence));
      }
      if (!taken) {
        TRY(restless(name, goal != nullptr));
        return nothing;
      }
    }
    if (goal == nullptr) return nothing;
    TRY(pool().move(key, *goal, name, Onto::Nothing));
    TRY_ASSIGN(const auto placed, goal->look(name));
    if (placed && same && !parent.none()) TRY(add(parent, *known, *placed));
    return placed;
  }

  Result<std::optional<Entry>> kept_folder(Folder &in, const std::string &name, const Entry &entry,
                                           const std::optional<Row> &known, bool same, const NodeId &id, Folder *goal,
                                           const NodeId &parent, bool &whole) {
    std::optional<Entry> made;
    auto inner = in.open(name);
    if (!inner && !not_at_hand(inner.error())) return std::move(inner).error();
    if (!inner) {
      TRY(restless(name, goal != nullptr));
      return made;
    }
    std::unique_ptr<Folder> inner_goal;
    if (goal != nullptr) {
      TRY_ASSIGN(made, goal->make_folder(name, id));
      TRY_ASSIGN(inner_goal, goal->open(name));
      if (same && !parent.none()) TRY(add(parent, *known, *made));
    }
    std::vector<std::pair<std::string, Entry>> entries;
    TRY((*inner)->scan([&](std::string_view one, const Entry &facts) { entries.emplace_back(one, facts); }));
    for (const auto &[one, facts] : entries) {
      std::optional<Row> row;
      if (same) {
        TRY_ASSIGN(auto view, from_.views_->lease());
        TRY_ASSIGN(row, view->child(id, one));
      }
      TRY(kept_entry(**inner, one, facts, row, base::random_id<NodeId>(), inner_goal.get(), same ? id : NodeId(),
                     whole));
    }
    if (goal == nullptr) return made;
    TRY_ASSIGN(made, goal->set_mtime(name, entry.mtime_ns, id, 0, nullptr));
    if (same && !parent.none()) times_.push_back({id, *made});
    return made;
  }

  // ---- versions
  Result<void> all_versions(bool building) {
    TRY_ASSIGN(const auto records, from_.meta_->old_versions(id_, INT64_MAX, INT64_MAX));
    for (VersionRecord record : records) {
      TRY(say());
      const std::string key = content_key(record.node, record.sequence), name = version_name(record.sequence);
      TRY_ASSIGN(const auto have, pool().look(key));
      if (!have) {
        auto folder = from_.names_->kept(id_, versions_path(record.node), false);
        if (!folder && not_at_hand(folder.error())) continue;  // thinned meanwhile
        if (!folder) return std::move(folder).error();
        TRY_ASSIGN(const auto entry, (*folder)->look(name));
        if (!entry || entry->kind != EntryKind::File) continue;
        auto fd = (*folder)->open_file(name);
        if (!fd && !not_at_hand(fd.error())) return std::move(fd).error();
        bool taken = false;
        if (fd) {
          TRY_ASSIGN(taken, take(*fd, *entry, key, record.node, record.sequence));
        }
        if (!taken) {
          TRY(restless(name, building));
          continue;
        }
      }
      if (!building) continue;
      TRY_ASSIGN(const auto goal, to_.names_->kept(id_, versions_path(record.node), true));
      TRY(pool().move(key, *goal, name, Onto::Nothing));
      TRY_ASSIGN(const auto placed, goal->look(name));
      if (!placed) return error(Status::Unavailable, "a version that was put to its place is not there");
      record.inode = placed->inode;
      record.round = 0;
      record.token.clear();
      space_here_.versions.push_back(std::move(record));
    }
    return {};
  }

  // ---- building, while nothing changes
  Result<MoveResult> build() {
    TRY(begin_making());
    TRY(free_ids());
    TRY_ASSIGN(const std::uint64_t last, from_.sequences_->next());
    TRY(to_.sequences_->raise(last));  // no etag comes back
    space_here_.record.info = space_->info;
    space_here_.record.info.quota = space_->quota;
    space_here_.record.info.fingerprint = space_->fingerprint;
    space_here_.names = space_->names;
    space_here_.locks = from_.locks_->all(id_);
    TRY_ASSIGN(folder_, to_.choose_folder(space_here_.record.info));
    arriving_ = true;
    space_here_.record.info.folder = folder_;
    TRY_ASSIGN(tree_, to_.store_->stage_folder(id_));
    TRY(live());
    TRY(all_trash(true));
    TRY(all_versions(true));
    TRY(store());
    TRY(set_times());
    TRY(to_.names_->make_space(id_, folder_));
    Seal seal;
    seal.id = root_of(id_);
    seal.durable = false;
    TRY(tree_->seal(seal));
    const std::size_t slash = folder_.rfind('/');
    TRY_ASSIGN(const auto above, to_.names_->open(std::string_view(folder_).substr(0, slash), {}));
    TRY(above->place(*tree_, std::string_view(folder_).substr(slash + 1), Onto::File));
    ATOLL_FAULT_POINT("move.placed");
    TRY(to_.names_->sync_all());
    TRY(compare());
    if (!missed_.empty())
      return error(Status::Unavailable, "another program changed files of the space in the last moment; try again");
    TRY(steady_.holds());
    TRY(from_.names_->prove(true));
    TRY(to_.names_->prove(true));
    TRY_ASSIGN(Strays strays, from_.names_->strays(id_, space_->info.folder, false));
    result_.left = strays.count;
    result_.left_in = std::move(strays.place);
    result_.trash = space_here_.trash.size();
    result_.versions = space_here_.versions.size();
    TRY(to_.take_in(space_here_, *from_.meta_, items_));
    arriving_ = false;
    frozen_ = false;  // from now on settle_move() decides
    making_.unlock();
    if (auto noted = to_.census(id_); !noted) to_.log(true, noted.error().message);
    return result_;
  }

  Result<void> live() {
    std::optional<Row> root;
    {
      TRY_ASSIGN(auto view, from_.views_->lease());
      TRY_ASSIGN(root, view->by_id(root_of(id_)));
    }
    if (!root) return error(Status::Unavailable, "the index lacks the root of the space");
    TRY(add_top(std::move(*root)));
    std::vector<Todo> folders{{root_of(id_), {}}};
    for (std::size_t at = 0; at < folders.size(); ++at) {
      const Todo next = folders[at];
      TRY_ASSIGN(const auto rows, children(next.id));
      std::unique_ptr<Folder> held;
      TRY_ASSIGN(Folder *const goal, inside(next.path, held));
      for (const Row &row : rows) {
        if (row.folder()) {
          ++result_.folders;
          TRY_ASSIGN(const Entry made, goal->make_folder(row.name, row.id));
          TRY(add(next.id, row, made));
          folders.push_back({row.id, next.path.empty() ? row.name : next.path + "/" + row.name, row.mtime_ns});
        } else {
          ++result_.files;
          result_.bytes += row.size;
          TRY(pool().move(content_key(row.id, row.sequence), *goal, row.name, Onto::Nothing));
          TRY_ASSIGN(const auto placed, goal->look(row.name));
          if (!placed) return error(Status::Unavailable, "a file that was put to its place is not there");
          TRY(add(next.id, row, *placed));
        }
      }
    }
    // Nothing comes into any folder after this.
    for (const Todo &folder : folders) {
      if (folder.path.empty()) continue;
      const std::size_t slash = folder.path.rfind('/');
      const bool deep = slash != std::string::npos;
      std::unique_ptr<Folder> held;
      TRY_ASSIGN(Folder *const above, inside(deep ? folder.path.substr(0, slash) : std::string(), held));
      TRY_ASSIGN(const Entry now, above->set_mtime(deep ? folder.path.substr(slash + 1) : folder.path, folder.mtime_ns,
                                                   folder.id, 0, nullptr));
      times_.push_back({folder.id, now});
    }
    return {};
  }

  /// A folder of the tree that is being built; `held` keeps it open.
  Result<Folder *> inside(const std::string &path, std::unique_ptr<Folder> &held) {
    Folder *at = tree_->folder();
    for (std::size_t from = 0; from < path.size();) {
      const std::size_t slash = std::min(path.find('/', from), path.size());
      TRY_ASSIGN(auto next, at->open(std::string_view(path).substr(from, slash - from)));
      held = std::move(next);
      at = held.get();
      from = slash + 1;
    }
    return at;
  }

  // ---- rows: in the nursery until all is there
  Result<void> add_top(Row row) {
    row.name = row.id.text();
    rows_.emplace_back(NodeId(), std::move(row));
    return rows_.size() < kRowsAtOnce ? Result<void>() : store();
  }
  Result<void> add(const NodeId &parent, Row row, const Entry &placed) {
    row.inode = placed.inode;
    row.mtime_ns = placed.mtime_ns;
    rows_.emplace_back(parent, std::move(row));
    return rows_.size() < kRowsAtOnce ? Result<void>() : store();
  }

  Result<void> store() {
    const std::lock_guard guard(to_.writer_);
    TRY_ASSIGN(auto transaction, to_.index_->begin_write_any());
    for (const auto &[parent, row] : rows_) {
      TRY_ASSIGN(const auto taken, to_.index_->by_id(row.id));
      if (taken)
        return error(Status::FailedPrecondition,
                     "another space of that storage has the id of " + row.name + " already; is it a copy of this one?");
      TRY(to_.index_->insert(parent.none() ? parent_key(Place::Nursery) : parent_key(parent), row));
    }
    TRY(transaction.commit());
    // Only now they are ours to give up: before, the goal may have had a node of that id.
    for (const auto &[parent, row] : rows_)
      if (parent.none()) top_.push_back(row.id);
    rows_.clear();
    ATOLL_FAULT_POINT("move.rows");
    return {};
  }

  Result<void> set_times() {
    for (std::span<const Time> left(times_); !left.empty();) {
      const auto some = left.first(std::min(left.size(), kRowsAtOnce));
      left = left.subspan(some.size());
      const std::lock_guard guard(to_.writer_);
      TRY_ASSIGN(auto transaction, to_.index_->begin_write_any());
      for (const Time &time : some) TRY(to_.index_->set_disk_state(time.id, time.entry.mtime_ns, time.entry.inode));
      TRY(transaction.commit());
    }
    return {};
  }

  TreeEngine &from_, &to_;
  std::unique_lock<std::mutex> making_{to_.making_, std::defer_lock};
  const SpacePtr space_;
  const Steady steady_;
  const SpaceId id_;
  CareSink sink_;
  MoveResult result_;
  ArrivingSpace space_here_;
  std::string folder_;                          // relative to the root of the goal
  std::unique_ptr<Staged> pool_, tree_;         // contents by node and sequence; the tree that is built of them
  std::vector<NodeId> missed_;                  // folders whose files were not as the index says
  std::vector<NodeId> top_;                     // rows that are in the nursery
  std::vector<std::pair<NodeId, Uuid>> items_;  // of the trash
  std::vector<std::pair<NodeId, Row>> rows_;    // with their parents, to be stored
  std::vector<Time> times_;                     // of folders
  std::uint64_t seen_ = 0, copied_ = 0;
  bool frozen_ = false, arriving_ = false;
  bool restless_ = false;  // something in the trash or among the versions was not taken
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<MoveResult> Care::receive(const SpaceId &space, Engine &from, CareSink sink) {
  auto &source = static_cast<TreeEngine &>(from);
  if (&source == &engine_) return error(Status::AlreadyExists, "the space is there already");
  TRY_ASSIGN(const SpacePtr served, source.serving(space));
  const Caring caring(served);
  TRY(caring.mine());
  TRY(changeable(*served));
  return Mover(source, engine_, served, sink).run();
}

Result<void> Care::settle_move(const SpaceId &space, bool here) { return engine_.settle_move(space, here); }

Result<std::vector<SpaceId>> Care::unsettled_moves() { return engine_.unsettled_moves(); }

}  // namespace Atoll::tree
