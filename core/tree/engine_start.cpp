// SPDX-License-Identifier: Apache-2.0
// How the engine starts, recovers, works in the background and ends.
#include "core/base/uuid.hpp"
#include "core/sql/damage.hpp"
#include "core/tree/beside.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <utility>

namespace Atoll::tree {
namespace {

constexpr std::size_t kPurgeFiles = 500, kPurgeRows = 500;
constexpr std::size_t kPurgeRowsWhenShort = 25;  // a log of few pages
constexpr int kThinSlices = 64;

bool there(const std::string &path) { return ::access(path.c_str(), F_OK) == 0; }

/// The folder that an intent names may have been moved, removed or replaced since; anything else tells nothing.
bool gone(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP ||
         failure.sys_errno == EXDEV || failure.sys_errno == EACCES;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(EngineOptions options, StateDir state, std::unique_ptr<Namespace> names,
                                             std::unique_ptr<Store> store) {
  auto engine = std::make_unique<TreeEngine>(std::move(options), std::move(state), std::move(names), std::move(store));
  TRY(engine->start());
  return std::unique_ptr<Engine>(std::move(engine));
}

TreeEngine::TreeEngine(EngineOptions options, StateDir state, std::unique_ptr<Namespace> names,
                       std::unique_ptr<Store> store)
    : options_(std::move(options)), state_(std::move(state)), names_(std::move(names)), store_(std::move(store)) {}

TreeEngine::~TreeEngine() { close(); }

Result<void> TreeEngine::start() {
  closed_ = true;  // until it has begun
  const std::string meta_path = state_.path() + "/meta.db";
  if (!state_.first_start() && !there(meta_path))
    return error(Status::DataLoss, meta_path +
                                       " is missing; restore it from a backup: it holds spaces, locks and "
                                       "attributes that the files do not");
  TRY(names_->prove(true));
  TRY_ASSIGN(meta_, Meta::open(meta_path, state_.provider()));
  TRY_ASSIGN(const Meta::Start start, meta_->begin_run());
  stale_locks_ = !start.clean;
  ATOLL_FAULT_POINT("start.begun");
  sequences_ = std::make_unique<Sequences>(*meta_);
  TRY(sequences_->open());
  ATOLL_FAULT_POINT("start.sequences");
  removals_ = std::make_unique<Removals>(*meta_, options_.mass_delete_share);
  journal_ = std::make_unique<Journal>(*meta_);
  locks_ = std::make_unique<LockTable>(*meta_, options_.max_lock_seconds);
  TRY(locks_->load());
  index_path_ = index_path();
  auto prepared = prepare(start);
  if (!prepared && sql::damaged(index_path_)) {
    log(true, "index.db is damaged and is made anew: " + prepared.error().message);
    give_up_index();
    prepared = prepare(start);
  }
  TRY(std::move(prepared));
  TRY_ASSIGN(const auto intents, meta_->intents());
  std::map<SpaceId, std::vector<NodeId>> open;
  std::vector<NodeId> adopted;
  for (const Intent &intent : intents) {
    if (intent.kind == Intent::Kind::Gone) own_removals_.add(intent.folder, 0);
    if (intent.kind == Intent::Kind::Unclaimed) unclaimed_.push_back(intent.folder);
    if (intent.kind != Intent::Kind::Folder || !known(intent.space)) continue;
    open[intent.space].push_back(intent.folder);
    adopted.push_back(intent.folder);
  }
  journal_->adopt(adopted);
  TRY(meta_->adopt_gone_intents());
  TRY(load_unswept());
  // What is looked at as a whole needs no look at its folders.
  std::set<SpaceId> whole;
  for (const Recovery &recovery : recoveries_) whole.insert(recovery.space);
  for (auto &[space, folders] : open)
    if (!whole.contains(space)) recoveries_.push_back({space, std::move(folders)});
  for (const Recovery &recovery : recoveries_) known(recovery.space)->ready = false;
  if (options_.beside.enabled) {
    std::unique_ptr<Watch> watch;
    if (options_.beside.watch_folders != 0) {
      if (auto opened = names_->watch(options_.beside.watch_folders))
        watch = std::move(*opened);
      else
        log(true, "folders cannot be watched, they are looked at again and again: " + opened.error().message);
    }
    beside_ = std::make_unique<Beside>(*this, std::move(watch));
  }
  if (options_.checksum_rate != 0) sums_ = std::make_unique<MissingSums>(*this);
  closed_ = false;
  work_ = true;
  thread_ = std::thread([this] { background(); });
  if (beside_) beside_->start();
  if (sums_) sums_->start();
  return {};
}

Result<void> TreeEngine::prepare(const Meta::Start &start) {
  TRY_ASSIGN(const bool rebuild, open_index(start));
  ATOLL_FAULT_POINT("start.index_open");
  TRY(load_spaces(rebuild || !start.clean));
  ATOLL_FAULT_POINT("start.spaces_loaded");
  if (rebuild) stale_locks_ = true;  // of what had vanished beside the server, and only the index knew
  if (rebuild && !state_.first_start())
    log(true, "index.db was missing, damaged or older than the last clean end; it is rebuilt from the files");
  TRY(state_.complete_first_start());
  ATOLL_FAULT_POINT("start.first_complete");

  // What the last run left open. Drops first: they finish a step that the folders are then compared after.
  TRY_ASSIGN(const auto intents, meta_->intents());
  TRY(recover_drops(intents));
  ATOLL_FAULT_POINT("start.drops_recovered");
  TRY(recover_kept(rebuild));
  ATOLL_FAULT_POINT("start.kept_recovered");
  TRY(load_uploads());
  TRY(store_->sweep());
  ATOLL_FAULT_POINT("start.swept");
  return recover_attributes(intents);
}

Result<void> TreeEngine::load_spaces(bool flags) {
  TRY_ASSIGN(auto records, meta_->spaces());
  for (const SpaceRecord &record : records)
    if (record.removing) TRY(finish_removing(record));
  std::erase_if(records, [](const SpaceRecord &record) { return record.removing; });
  TRY(turn_away_all(records));
  for (SpaceRecord &record : records) {
    if (record.making) TRY(finish_making(record));
    TRY(removals_->load(record.info.id));
    auto space = std::make_shared<Space>();
    space->info = record.info;
    space->quota = record.info.quota;
    TRY_ASSIGN(space->names, rule_of(record.info.id));
    space->fingerprint = record.info.fingerprint;
    const std::unique_lock guard(spaces_mutex_);
    spaces_[record.info.id] = std::move(space);
  }
  // Those that are to be looked at as a whole: it is known before their roots are there, for a crash in between.
  TRY_ASSIGN(const auto rebuilding, meta_->rebuilding());
  const std::set<SpaceId> begun(rebuilding.begin(), rebuilding.end());
  std::vector<SpaceId> rootless;
  for (const SpaceRecord &record : records) {
    TRY_ASSIGN(const auto root, index_->by_id(root_of(record.info.id)));
    if (!root) rootless.push_back(record.info.id);
    if (!root || begun.contains(record.info.id)) recoveries_.push_back({record.info.id, {}});
  }
  if (!rootless.empty() && !state_.first_start()) TRY(note_unswept());
  if (!rootless.empty()) TRY(meta_->set_rebuilding(rootless));
  ATOLL_FAULT_POINT("start.rebuilding_noted");
  TRY_ASSIGN(auto transaction, index_->begin_write_any());
  for (const SpaceId &space : rootless) {
    TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
    TRY(index_->insert_root(space, sequence));
  }
  for (const Recovery &recovery : recoveries_) {  // nothing that is found in these is noted
    TRY_ASSIGN(const std::uint64_t epoch, sequences_->next());
    TRY(index_->begin_log(recovery.space, epoch));
  }
  TRY(transaction.commit());
  return flags ? flag_attributes() : Result<void>();
}

Result<void> TreeEngine::recover_drops(std::span<const Intent> intents) {
  for (const Intent &intent : intents) {
    if (intent.kind != Intent::Kind::Drop) continue;
    const SpacePtr space = known(intent.space);
    if (space) {
      auto folder = names_->open(space->info.folder, intent.path);
      if (!folder && !gone(folder.error())) return std::move(folder).error();
      if (folder) {
        TRY_ASSIGN(const auto entry, (*folder)->look(intent.name));
        if (entry && entry->inode == intent.inode) {
          TRY((*folder)->set_aside(intent.space, intent.name));
          ATOLL_FAULT_POINT("start.dropped");
          TRY((*folder)->sync());
        }
      }
    }
    TRY(meta_->close_drop_intents(intent.space, intent.folder));
    ATOLL_FAULT_POINT("start.drop_closed");
  }
  return {};
}

Result<void> TreeEngine::recover_attributes(std::span<const Intent> intents) {
  for (const Intent &intent : intents) {
    if (intent.kind != Intent::Kind::Attributes) continue;
    const SpacePtr space = known(intent.space);
    if (space) {
      auto folder = names_->open(space->info.folder, intent.path);
      if (!folder && !gone(folder.error())) return std::move(folder).error();
      if (folder) {
        TRY_ASSIGN(const auto entry, (*folder)->look(intent.name));
        if (entry && entry->inode == intent.inode) {
          TRY_ASSIGN(const auto identity, (*folder)->identity(intent.name));
          if (identity) {
            const std::pair<NodeId, NodeId> pair{intent.folder, identity->id};
            TRY(meta_->copy_attributes(intent.space, {&pair, 1}));
            ATOLL_FAULT_POINT("start.attributes_copied");
            bool has = false;
            TRY(meta_->attributes(identity->id, [&](std::string_view, std::string_view, std::string_view) {
              has = true;
              return false;
            }));
            TRY_ASSIGN(auto transaction, index_->begin_write_any());
            TRY(index_->set_flag_attributes(identity->id, has));
            TRY(transaction.commit());
          }
        }
      }
    }
    TRY(meta_->close_attributes_intents(intent.space, intent.folder, intent.inode));
  }
  return {};
}

Result<void> TreeEngine::follow() {
  if (!follow_.exchange(false)) return {};
  auto again = [&]() -> Result<void> {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const auto intents, meta_->intents());
    return recover_attributes(intents);
  };
  auto done = again();
  if (!done) follow_ = true;
  return done;
}

void TreeEngine::wake() {
  const std::lock_guard guard(background_mutex_);
  work_ = true;
  background_wake_.notify_one();
}

void TreeEngine::background() {
  auto next_round = std::chrono::steady_clock::now();
  std::unique_lock guard(background_mutex_);
  for (;;) {
    const auto interval = std::chrono::seconds(std::max(1u, options_.checkpoint_seconds));
    background_wake_.wait_for(guard, interval, [&] { return stop_ || work_ || !recoveries_.empty(); });
    if (stop_) return;
    busy_ = true;
    guard.unlock();
    const bool lost = index_lost();
    auto renewed = lost ? renew_index() : Result<void>();
    guard.lock();
    if (!renewed) {  // nothing can be done without it
      log(true, "index.db cannot be made anew yet: " + renewed.error().message);
      busy_ = false;
      background_wake_.wait_for(guard, std::chrono::seconds(1), [&] { return stop_; });
      work_ = true;
      continue;
    }
    if (abandoned_) {
      guard.unlock();
      if (auto done = clear_abandoned(); !done) log(true, done.error().message);
      guard.lock();
    }
    while (!recoveries_.empty() && !stop_ && !index_lost_) {
      const Recovery recovery = std::move(recoveries_.front());
      recoveries_.pop_front();
      guard.unlock();
      recover_one(recovery);
      guard.lock();
    }
    if (index_lost_ && !stop_) {  // found out while a space was compared: first a new one
      work_ = true;
      continue;
    }
    const bool purge = work_, recovered = recoveries_.empty();
    work_ = false;
    guard.unlock();
    if (recovered) {
      if (auto done = drop_unclaimed(); !done) log(true, done.error().message);
      if (auto done = drop_stale_locks(); !done) log(true, done.error().message);
    }
    if (auto done = follow(); !done) log(true, done.error().message);
    const bool more = purge && purge_some();
    if (recovered && !more)
      if (auto done = sweep(); !done) log(true, done.error().message);
    bool again = false;
    if (std::chrono::steady_clock::now() >= next_round) {
      again = std::exchange(purge_failed_, false);
      if (auto done = close_intents(); !done) log(true, done.error().message);
      if (auto done = locks_->expire(); !done) log(true, done.error().message);
      if (auto done = expire_uploads(); !done) log(true, done.error().message);
      look_again_at_held();
      state_.restock();
      store_->restock();
      if (auto done = retain_trash(); !done) log(true, done.error().message);
      if (auto done = retain_versions(); !done) log(true, done.error().message);
      for (int slice = 0; slice < kThinSlices; ++slice) {
        auto left = thin_changes();
        if (!left) log(true, left.error().message);
        if (!left || !*left) break;
      }
      next_round = std::chrono::steady_clock::now() + interval;
    }
    guard.lock();
    work_ |= more || again;
    busy_ = false;
    if (!work_ && recoveries_.empty()) background_idle_.notify_all();
  }
}

void TreeEngine::recover_one(const Recovery &recovery) {
  const SpacePtr space = known(recovery.space);
  if (!space) return;
  auto again = [&](std::unique_lock<std::mutex> &guard) {
    background_wake_.wait_for(guard, std::chrono::seconds(1), [&] { return stop_ || !space->erasing; });
    recoveries_.push_back(recovery);
  };
  if (std::unique_lock guard(background_mutex_); space->erasing) return again(guard);
  const NodeId root = root_of(recovery.space);
  const bool all = recovery.folders.empty();
  auto done = reconcile_recovering(space, all ? std::span<const NodeId>(&root, 1) : recovery.folders, all);
  if (!done && removals_->held(recovery.space)) done = Result<void>();  // all but the removals was taken over
  if (done && all) done = hold_after_rebuild(*space);
  if (done) done = flag_attributes();
  if (done && !all) done = note_doubtful(recovery.space, recovery.folders);
  if (done) {
    const std::lock_guard guard(background_mutex_);
    if (space->erasing) return;  // all of it will be recovered
    if (all) rebuilt_.push_back(recovery.space);
    const bool last = std::none_of(recoveries_.begin(), recoveries_.end(),
                                   [&](const Recovery &other) { return other.space == recovery.space; });
    if (last) space->ready.store(true, std::memory_order_release);
    if (last && sums_) sums_->wake();
    return;
  }
  // It stays Unavailable, and the background looks again.
  log(true, "space " + recovery.space.text() + " cannot be recovered yet: " + done.error().message);
  const bool lost = index_lost();
  std::unique_lock guard(background_mutex_);
  if (!lost) background_wake_.wait_for(guard, std::chrono::seconds(1), [&] { return stop_; });
  recoveries_.push_back(recovery);
}

void TreeEngine::recover_later(const SpacePtr &space, std::vector<NodeId> folders) {
  const std::lock_guard guard(background_mutex_);
  space->ready.store(false, std::memory_order_release);
  recoveries_.push_back({space->info.id, std::move(folders)});
  background_wake_.notify_one();
}

Result<void> TreeEngine::flag_attributes() {
  TRY_ASSIGN(const auto nodes, meta_->nodes_with_attributes());
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(auto transaction, index_->begin_write_any());
  for (const NodeId &node : nodes) TRY(index_->set_flag_attributes(node, true));
  return transaction.commit();
}

/// What is in limbo was taken out of the tree, and a power cut could bring it back as long as that is not durable: its
/// versions, attributes and identity must not be gone then. Waits for the disk without the lock, unless others keep
/// removing meanwhile.
Result<void> TreeEngine::make_limbo_durable(std::unique_lock<WriterLock> *writing) {
  if (!durable()) return {};
  for (int attempt = 0;; ++attempt) {
    const std::uint64_t detached = index_->detached();
    if (detached == limbo_durable_) return {};
    const bool let_go = writing && attempt < 3;
    if (let_go) writing->unlock();
    auto done = names_->sync_all();
    if (let_go) writing->lock();
    if (!done) return done;
    limbo_durable_ = detached;
    ATOLL_FAULT_POINT("purge.limbo_durable");
  }
}

Result<bool> TreeEngine::clear_limbo() {
  TRY(make_limbo_durable(nullptr));
  TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
  std::vector<NodeId> nodes, with_attributes;
  const std::size_t rows = state_.room(Need::More) ? kPurgeRows : kPurgeRowsWhenShort;
  TRY_ASSIGN(const bool left, index_->clear_limbo(rows, [&](const NodeId &node, bool attributes) {
    nodes.push_back(node);
    if (attributes) with_attributes.push_back(node);
  }));
  TRY(forget(nodes, with_attributes));  // first: a crash in between does it again
  ATOLL_FAULT_POINT("purge.forgotten");
  TRY(transaction.commit());
  ATOLL_FAULT_POINT("purge.limbo_cleared");
  return left;
}

Result<void> TreeEngine::clear_limbo_of(const NodeId &node) {
  for (bool left = true; left;) {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const bool there, index_->hangs_in(node, Place::Limbo));
    if (!there) return {};
    TRY_ASSIGN(left, clear_limbo());
  }
  return {};
}

/// True: there is more.
bool TreeEngine::purge_some() {
  bool more = false;
  ATOLL_FAULT_POINT("purge.begin");
  auto take = [&](const Result<bool> &left) {
    if (left) {
      more |= *left;
      return;
    }
    log(true, left.error().message);
    purge_failed_ = true;  // once more in the next round
  };
  take(store_->purge(kPurgeFiles, whole()));
  {
    std::unique_lock guard(writer_);
    if (auto done = make_limbo_durable(&guard); !done) log(true, done.error().message);
    take(clear_limbo());
  }
  const auto kept = purge_kept();
  take(kept);
  if (kept.status() == Status::InsufficientStorage) more |= store_->make_room();
  return more;
}

Result<void> TreeEngine::clear_abandoned() {
  for (bool more = true; more;) {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
    std::vector<Intent> noted;
    TRY_ASSIGN(more, index_->clear_limbo(
                         kPurgeRows,
                         [&](const NodeId &node, bool attributes) {
                           if (!attributes) return;
                           unclaimed_.push_back(node);
                           noted.emplace_back().kind = Intent::Kind::Unclaimed;
                           noted.back().folder = node;
                         },
                         Place::Abandoned));
    if (!noted.empty()) TRY(meta_->add_intents(noted));  // the rows will not tell any more
    ATOLL_FAULT_POINT("start.abandoned_noted");
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("start.abandoned_cleared");
  }
  abandoned_ = false;
  return {};
}

Result<void> TreeEngine::drop_unclaimed() {
  if (unclaimed_.empty()) return {};
  std::vector<NodeId> gone;
  {
    const std::lock_guard guard(writer_);
    for (const NodeId &node : unclaimed_) {
      TRY_ASSIGN(const auto row, index_->by_id(node));
      if (!row) gone.push_back(node);
    }
  }
  TRY(meta_->remove_attributes(gone));
  ATOLL_FAULT_POINT("start.unclaimed_dropped");
  TRY(meta_->close_unclaimed_intents());
  unclaimed_.clear();
  return {};
}

Result<void> TreeEngine::drop_stale_locks() {
  if (!stale_locks_.exchange(false)) return {};
  auto done = drop_locks_of_gone();
  if (!done || !*done) stale_locks_ = true;
  return done ? Result<void>() : Result<void>(std::move(done).error());
}

/// False: later, for what a lock stands for may come back.
Result<bool> TreeEngine::drop_locks_of_gone() {
  for (const SpaceId &id : locks_->spaces()) {
    if (removals_->held(id)) return false;
    const std::lock_guard guard(writer_);
    std::vector<std::string> stale;
    for (const Lock &lock : locks_->all(id)) {
      TRY_ASSIGN(const auto chain, index_->chain(id, lock.node));
      if (chain) continue;
      TRY_ASSIGN(const Hold hold, index_->hold_of(lock.node));
      if (hold.kind != Hold::Kind::Missing) stale.push_back(lock.token);
    }
    if (!stale.empty()) TRY(locks_->remove(id, stale));
  }
  return true;
}

Result<void> TreeEngine::note_gone(const SpaceId &space, std::span<const NodeId> nodes) {
  std::vector<Intent> intents;
  for (const NodeId &node : nodes) {
    Intent intent;
    intent.kind = Intent::Kind::Gone;
    intent.space = space;
    intent.folder = node;
    intent.inode = kept_round();
    intents.push_back(std::move(intent));
  }
  TRY(meta_->add_intents(intents));
  for (const NodeId &node : nodes) own_removals_.add(node, kept_round());
  return {};
}

Result<void> TreeEngine::close_intents() {
  TRY(close_rebuilt());
  return journal_->close_round([&]() -> Result<bool> {
    const std::uint64_t round = ++kept_round_;
    { const std::lock_guard barrier(writer_); }  // changes that used an intent before this round are in the index now
    TRY(names_->sync_all());
    ATOLL_FAULT_POINT("close.tree_durable");
    TRY_ASSIGN(const bool durable_index, checkpointer_->checkpoint());
    if (durable_index) {
      TRY(close_kept(round));
      TRY(meta_->close_gone_intents(round));
      own_removals_.close(round);
    }
    return durable_index;
  });
}

void TreeEngine::settle() {
  std::unique_lock guard(background_mutex_);
  work_ = true;
  background_wake_.notify_one();
  background_idle_.wait(guard, [&] { return stop_ || (!work_ && !busy_ && recoveries_.empty()); });
}

void TreeEngine::close() {
  {
    const std::lock_guard guard(background_mutex_);
    if (closed_) return;
    closed_ = true;
    stop_ = true;
    background_wake_.notify_all();
    background_idle_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (beside_) beside_->stop();
  if (sums_) sums_->stop();
  bell_.stop();
  auto finish = [&]() -> Result<void> {
    if (!recoveries_.empty()) return error(Status::Unavailable, "a space was still being recovered");
    if (index_lost()) return error(Status::Unavailable, "the index has to be made anew");
    TRY(close_intents());
    if (!rebuilt_.empty()) return error(Status::Unavailable, "an index made anew could not be made durable");
    ATOLL_FAULT_POINT("close.intents_closed");
    if (journal_->open_count() != 0) return error(Status::Unavailable, "some changes could not be closed");
    const std::string stamp = base::random_id<Uuid>().text();
    views_.reset();
    const std::lock_guard guard(writer_);
    TRY(index_->set_stamp(stamp));
    ATOLL_FAULT_POINT("close.stamped");
    TRY_ASSIGN(const bool durable_index, checkpointer_->checkpoint());
    ATOLL_FAULT_POINT("close.index_durable");
    if (!durable_index) return error(Status::Unavailable, "the index could not be made durable");
    return meta_->end_run(stamp);
  };
  if (auto done = finish(); !done) log(true, "not a clean end; the next start looks again: " + done.error().message);
  views_.reset();
}

}  // namespace Atoll::tree
