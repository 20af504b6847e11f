// SPDX-License-Identifier: Apache-2.0
#include "core/tree/beside.hpp"

#include "core/base/time.hpp"
#include "core/tree/try.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::size_t kMostDirty = 10000, kMostNames = 100000;
constexpr std::size_t kNamesOfFolder = 32768;  // beyond that all of it is compared
constexpr std::size_t kMostLater = 10000, kMostAsked = 10000;
constexpr std::size_t kEnoughDirty = kMostDirty / 2;  // the walk waits until they are taken over
// Times of folders are coarse, and the clock of the file system may not be quite ours.
constexpr std::int64_t kClockNs = 2'000'000'000, kJustMadeNs = 10'000'000'000;
constexpr std::size_t kWalkAtOnce = 64;
constexpr unsigned kWalkSpeed = 10;  // the walk looks at folders only, as many times faster than the crawl at entries
// What was heard is collected for a moment, so that a busy server does not wake this thread for each of its own
// changes.
constexpr auto kListen = std::chrono::milliseconds(50);
constexpr auto kQuiet = std::chrono::seconds(2), kRetry = std::chrono::seconds(1), kComplain = std::chrono::seconds(60);

bool absent(const Error &failure) {
  return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
}

}  // namespace

Beside::Beside(TreeEngine &engine, std::unique_ptr<Watch> watch)
    : engine_(engine),
      watch_(std::move(watch)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      young_since_ns_(base::now_unix_ns() - kJustMadeNs),
      crawl_(engine, stop_) {}

Beside::~Beside() { stop(); }

void Beside::start() {
  thread_ = std::thread([this] { run(); });
}

void Beside::stop() {
  stop_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
}

void Beside::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(wake_.get(), &one, sizeof one);
}

void Beside::watch(const NodeId &node, Folder &folder) {
  if (watch_ && watch_->add(node, folder, false) == Watch::Added::Full) full();
}

void Beside::used(const NodeId &node, Folder &folder) {
  if (!watch_ || watch_->used(node)) return;
  const auto added = watch_->add(node, folder, true);
  if (added == Watch::Added::Instead) full();  // another one is not watched from now on
  if (added != Watch::Added::Instead && added != Watch::Added::New) return;
  const auto self = folder.self();
  if (self && self->mtime_ns >= young_since_ns_) ask(node, Ask::Whole);
}

void Beside::young(const NodeId &folder) {
  if (!watch_ || !watch_->watches(folder)) ask(folder, Ask::Young);
}

void Beside::doubt() {
  doubt_ = true;
  wake();
}

void Beside::ask(const NodeId &folder, Ask what) {
  {
    const std::lock_guard guard(asked_mutex_);
    if (asked_.size() < kMostAsked)
      asked_.emplace_back(folder, what);
    else if (what == Ask::Below)
      doubt_ = true;                // the rest is found in its time
    if (asked_.size() > 1) return;  // it is awake
  }
  wake();
}

void Beside::asked() {
  std::vector<std::pair<NodeId, Ask>> all;
  {
    const std::lock_guard guard(asked_mutex_);
    all.swap(asked_);
  }
  if (doubt_.exchange(false)) {
    walk_anew();
    crawl_.restart();
  }
  const auto now = Clock::now();
  const auto polled = now + std::chrono::seconds(std::max(1u, engine_.options_.beside.poll_interval_s));
  bool below = false;
  for (const auto &[folder, what] : all) {
    if (what == Ask::Whole) again(folder, now, true);
    if (what == Ask::Young && (!watch_ || !watch_->watches(folder))) again(folder, polled, true);
    if (what != Ask::Below) continue;
    below = true;
    below_.emplace_back(folder, Below::Yes);
  }
  if (below) {
    const std::lock_guard committed(engine_.writer_);  // or taken back
  }
  if (!watch_) return;
  // Files in them may be open for writing.
  for (const NodeId &folder : watch_->take_left()) again(folder, polled, true);
}

void Beside::again(const NodeId &folder, Clock::time_point due, bool anyway) {
  const auto known = later_.find(folder);
  if (known == later_.end()) {
    if (later_.size() < kMostLater) later_[folder] = {due, anyway};
    return;
  }
  Later &later = known->second;
  if (anyway)
    later.due = later.anyway ? std::min(later.due, due) : due;
  else if (!later.anyway)
    later.due = due;
  later.anyway |= anyway;
}

void Beside::full() {
  if (!full_.exchange(true)) wake();  // the walk may have ended for good before there were so many
  if (full_told_.exchange(true)) return;
  engine_.log(true, "only " + std::to_string(watch_->count()) +
                        " folders can be watched (watch_folders, fs.inotify.max_user_watches); changes made by other "
                        "programs in the rest are found when they are listed, and by looking again and again");
}

void Beside::complain(const Error &failure) {
  const auto now = Clock::now();
  if (failure.message == complaint_ && now - complained_ < kComplain) return;
  complaint_ = failure.message;
  complained_ = now;
  engine_.log(true, "changes made by other programs cannot be taken over now: " + failure.message);
}

void Beside::run() {
  if (auto resumed = crawl_.resume(); !resumed) complain(resumed.error());
  const int notices = watch_ ? watch_->fd() : -1;
  while (!stop_) {
    const auto now = Clock::now();
    const bool deaf = now < last_heard_ + kListen;
    const auto due = deaf ? std::min(next(), last_heard_ + kListen) : next();
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
    pollfd polled[2] = {{wake_.get(), POLLIN, 0}, {deaf ? -1 : notices, POLLIN, 0}};
    ::poll(polled, 2, static_cast<int>(std::clamp<long long>(pause, 0, 60000)));
    if (stop_) break;
    std::uint64_t woken = 0;
    [[maybe_unused]] const ssize_t drained = ::read(wake_.get(), &woken, sizeof woken);
    asked();
    hear();
    later();
    changes();
    walk();
    if (!walking_ && Clock::now() >= crawl_.next()) crawl_.step();
  }
  crawl_.pause();
}

Beside::Clock::time_point Beside::next() const {
  auto next = Clock::now() + std::chrono::minutes(1);
  const std::chrono::milliseconds settle(engine_.options_.beside.settle_ms);
  if (!dirty_.empty()) {
    for (const auto &[folder, dirty] : dirty_) {
      next = std::min(next, std::max(dirty.not_before, std::min(last_heard_ + settle, first_heard_ + 6 * settle)));
      if (next <= Clock::now()) break;
    }
  }
  for (const auto &[folder, later] : later_) next = std::min(next, later.due);
  if (!below_.empty() && dirty_.size() < kEnoughDirty) return Clock::now();
  if (dirty_.size() < kEnoughDirty) next = std::min(next, next_walk_);
  if (!walking_) next = std::min(next, crawl_.next());
  return next;
}

// ---- hearing

void Beside::hear() {
  if (!watch_) return;
  for (int i = 0; i < 64; ++i) {
    auto more = watch_->read([&](const Notice &notice) { heard(notice); });
    if (!more) return complain(more.error());
    if (!*more) return;
  }
}

void Beside::heard(const Notice &notice) {
  if (notice.lost) return lost();
  const auto now = Clock::now();
  if (dirty_.empty()) first_heard_ = now;
  last_heard_ = now;
  Dirty &dirty = dirty_[notice.folder];
  if (notice.name.empty()) return;  // the folder itself: its parent hears of what matters
  if (!dirty.whole && !dirty.deep && dirty.names.insert(std::string(notice.name)).second) ++dirty_names_;
  if (dirty.names.size() > kNamesOfFolder) {
    dirty_names_ -= dirty.names.size();
    dirty.names.clear();
    dirty.whole = true;
  }
  if (dirty_.size() > kMostDirty || dirty_names_ > kMostNames) lost();
}

void Beside::lost() {
  engine_.log(false, "too much was changed by other programs at once to hear of all of it; all folders are looked at");
  dirty_.clear();
  dirty_names_ = 0;
  std::erase_if(later_, [](const auto &later) { return !later.second.anyway; });
  walk_anew();
  crawl_.restart();
}

void Beside::walk_anew() {
  below_.clear();
  walking_ = true;
  walked_ = NodeId();
  walk_began_ns_ = 0;
  next_walk_ = Clock::now();
}

Beside::Dirty &Beside::note_whole(const NodeId &folder) {
  if (dirty_.empty()) first_heard_ = last_heard_ = Clock::now();
  Dirty &dirty = dirty_[folder];
  dirty_names_ -= dirty.names.size();
  dirty.names.clear();
  dirty.whole = true;
  dirty.not_before = {};
  return dirty;
}

// ---- taking over

void Beside::changes() {
  if (dirty_.empty()) return;
  const auto now = Clock::now();
  const std::chrono::milliseconds settle(engine_.options_.beside.settle_ms);
  if (now < last_heard_ + settle && now < first_heard_ + 6 * settle) return;
  std::map<SpaceId, std::map<NodeId, Dirty>> due;
  auto sort = [&]() -> Result<void> {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    for (auto at = dirty_.begin(); at != dirty_.end();) {
      if (at->second.not_before > now) {
        ++at;
        continue;
      }
      TRY_ASSIGN(const Hold hold, view->hold_of(at->first));
      dirty_names_ -= at->second.names.size();
      if (hold.kind == Hold::Kind::Space)
        due[hold.space].insert(std::move(*at));
      else if (watch_)
        watch_->drop(at->first);  // gone, or in the trash
      at = dirty_.erase(at);
    }
    return {};
  };
  if (auto sorted = sort(); !sorted) {
    complain(sorted.error());
    for (auto &[folder, dirty] : dirty_) dirty.not_before = std::max(dirty.not_before, now + kRetry);
  }
  for (auto &[space, folders] : due) take_over(space, std::move(folders));
}

void Beside::take_over(const SpaceId &id, std::map<NodeId, Dirty> folders) {
  const SpacePtr space = engine_.known(id);
  if (!space) return;
  auto put_off = [&](const Error &why) {
    for (auto &[folder, dirty] : folders) retry(folder, std::move(dirty), why);
  };
  if (engine_.removals_->held(id)) return;  // all of it is looked at again and again
  if (!space->ready) return put_off(error(Status::Unavailable, "the space is being compared with its files"));
  Reconciler run(engine_, space, false, false);
  run.cancel_by(&stop_);
  for (const auto &[folder, dirty] : folders) {
    if (dirty.deep)
      run.add_deep(folder);
    else if (dirty.whole)
      run.add(folder);
    else if (!dirty.names.empty())
      run.add_names(folder, {dirty.names.begin(), dirty.names.end()});
  }
  const auto before = Clock::now();
  auto done = run.run();
  if (stop_) return;
  if (!done) {
    put_off(done.error());
    for (const auto &[folder, deep] : run.unfinished()) {
      Dirty dirty;
      dirty.whole = true;
      dirty.deep = deep;
      retry(folder, std::move(dirty), done.error());
    }
    return;
  }
  const auto now = Clock::now();
  for (const NodeId &folder : run.changed_folders())
    again(folder, now + std::max<Clock::duration>(kQuiet, 10 * (now - before)), false);
  for (const NodeId &folder : run.seen_folders()) below_.emplace_back(folder, Below::New);
}

void Beside::retry(const NodeId &folder, Dirty dirty, const Error &why) {
  complain(why);
  if (dirty_.empty()) first_heard_ = last_heard_ = Clock::now();
  Dirty &again = dirty_[folder];
  again.whole |= dirty.whole;
  again.deep |= dirty.deep;
  for (const std::string &name : dirty.names)
    if (again.names.insert(name).second) ++dirty_names_;
  again.not_before = Clock::now() + kRetry;
}

/// Folders of which some names were taken over: once they are quiet, all of it is compared, so that a listing finds the
/// folder in step.
void Beside::later() {
  const auto now = Clock::now();
  for (auto at = later_.begin(); at != later_.end();) {
    if (at->second.due > now) {
      ++at;
      continue;
    }
    const NodeId folder = at->first;
    const bool anyway = at->second.anyway;
    at = later_.erase(at);
    if (anyway) {
      note_whole(folder);
      continue;
    }
    auto look = [&]() -> Result<void> {
      Hold hold;
      {
        TRY_ASSIGN(auto view, engine_.views_->lease());
        TRY_ASSIGN(hold, view->hold_of(folder));
      }
      if (hold.kind != Hold::Kind::Space) return {};
      const SpacePtr space = engine_.known(hold.space);
      if (!space || !space->ready) return {};
      TRY_ASSIGN(const bool same, engine_.in_step(space, folder));
      if (!same) note_whole(folder);
      return {};
    };
    if (auto looked = look(); !looked) {
      complain(looked.error());
      again(folder, now + kRetry, false);
    }
  }
}

// ---- walking

Result<void> Beside::look(const NodeId &folder, Below below) {
  TRY_ASSIGN(auto view, engine_.views_->lease());
  TRY_ASSIGN(const Hold hold, view->hold_of(folder));
  if (hold.kind != Hold::Kind::Space) return {};
  const SpacePtr space = engine_.known(hold.space);
  if (!space) return {};
  Located located;
  TRY_ASSIGN(auto row, view->by_id(folder));
  TRY_ASSIGN(auto chain, view->chain(hold.space, folder));
  if (!row || !chain || !row->folder()) return {};
  located.row = std::move(*row);
  located.chain = std::move(*chain);
  auto opened = engine_.names_->open(space->info.folder, located.path());
  if (!opened) {
    if (!absent(opened.error())) return std::move(opened).error();
    note_whole(folder);
    return {};
  }
  auto added = Watch::Added::Full;
  if (watch_) {
    added = watch_->add(folder, **opened, false);
    if (added == Watch::Added::Full) full();
  }
  TRY_ASSIGN(const Entry self, (*opened)->self());
  // What was not heard of until now: two changes within one tick of the clock give the folder the same time.
  const bool doubtful = added != Watch::Added::Known && self.mtime_ns >= young_since_ns_;
  if (doubtful || self.inode != located.row.inode || self.mtime_ns != located.row.mtime_ns) note_whole(folder);
  if (below == Below::No || (below == Below::New && added != Watch::Added::New)) return {};
  return view->children(folder, {}, 0, [&](const NodeView &child, std::uint64_t) {
    if (child.folder()) below_.emplace_back(child.id, below);
    return true;
  });
}

void Beside::walk() {
  const auto now = Clock::now();
  for (std::size_t i = 0; i < kWalkAtOnce && !below_.empty() && dirty_.size() < kEnoughDirty; ++i) {
    const auto [folder, below] = below_.front();
    below_.pop_front();
    if (auto looked = look(folder, below); !looked) {
      complain(looked.error());
      again(folder, now + kRetry, true);
    }
  }
  if (below_.size() > kMostDirty) walk_anew();
  if (full_ && next_walk_ == Clock::time_point::max())
    next_walk_ = now + std::chrono::seconds(std::max(1u, engine_.options_.beside.poll_interval_s));
  if (now < next_walk_ || dirty_.size() >= kEnoughDirty) return;
  if (!walking_) walk_anew();  // it is time for the next one
  if (walk_began_ns_ == 0) walk_began_ns_ = base::now_unix_ns();
  std::vector<NodeId> folders;
  auto some = [&]() -> Result<void> {
    TRY(engine_.names_->prove(false));
    TRY_ASSIGN(auto view, engine_.views_->lease());
    return view->folders(walked_, kWalkAtOnce, [&](const NodeId &folder) { folders.push_back(folder); });
  };
  if (auto found = some(); !found) {
    complain(found.error());
    next_walk_ = now + kRetry;
    return;
  }
  for (const NodeId &folder : folders) {
    if (auto looked = look(folder, Below::No); !looked) {
      complain(looked.error());
      again(folder, now + kRetry, true);
    }
    walked_ = folder;
  }
  const BesideOptions &options = engine_.options_.beside;
  if (folders.size() == kWalkAtOnce) {
    next_walk_ = now + std::chrono::microseconds(folders.size() * 1'000'000 /
                                                 (std::uint64_t{kWalkSpeed} * std::max(1u, options.crawl_rate)));
    return;
  }
  walking_ = false;
  young_since_ns_ = std::min(walk_began_ns_ - kClockNs, base::now_unix_ns() - kJustMadeNs);
  // Whoever can be told of all changes need not ask.
  const bool again = !watch_ || full_.exchange(false);
  next_walk_ = again ? now + std::chrono::seconds(std::max(1u, options.poll_interval_s)) : Clock::time_point::max();
}

}  // namespace Atoll::tree
