// SPDX-License-Identifier: Apache-2.0
#include "core/tree/crawl.hpp"

#include "core/base/text.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

constexpr std::size_t kFoldersAtOnce = 64;
constexpr std::size_t kMostVanished = 10000;
constexpr auto kRemoveAfter = std::chrono::seconds(30), kKeepAfter = std::chrono::seconds(10),
               kRetryAfter = std::chrono::seconds(10);
constexpr auto kStep = std::chrono::milliseconds(100);  // what is heard of must not wait for long
constexpr std::string_view kNote = "crawl";

}  // namespace

Crawl::Crawl(TreeEngine &engine, const std::atomic<bool> &stop) : engine_(engine), stop_(stop) {}
Crawl::~Crawl() = default;

Result<void> Crawl::resume() {
  TRY_ASSIGN(const std::string text, engine_.meta_->note(kNote));
  const auto words = base::split(text, ' ');
  if (words.size() != 3) return {};
  const auto place = NodeId::parse(words[0]);
  const auto begun = base::parse_u64(words[1]);
  if (!place || !begun) return {};
  place_ = *place;
  begun_ = *begun;
  complete_ = words[2] == "1";
  active_ = true;
  removed_ = kept_ = round_began_ = Clock::now();
  return {};
}

Result<void> Crawl::keep_place() {
  kept_ = Clock::now();
  if (!active_) return engine_.meta_->set_note(kNote, "");
  return engine_.meta_->set_note(kNote, place_.text() + " " + std::to_string(begun_) + (complete_ ? " 1" : " 0"));
}

Result<void> Crawl::begin_round() {
  TRY_ASSIGN(begun_, engine_.sequences_->next());
  place_ = NodeId();
  complete_ = active_ = true;
  removed_ = kept_ = round_began_ = Clock::now();
  return {};
}

void Crawl::restart() {
  active_ = false;
  next_ = Clock::now();
}

Result<void> Crawl::some_folders(std::size_t &entries, bool &end) {
  std::vector<NodeId> folders;
  std::vector<Hold> holds;
  {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY(view->folders(place_, kFoldersAtOnce, [&](const NodeId &folder) { folders.push_back(folder); }));
    for (const NodeId &folder : folders) {
      TRY_ASSIGN(const Hold hold, view->hold_of(folder));
      holds.push_back(hold);
    }
  }
  end = folders.size() < kFoldersAtOnce;
  const auto until = Clock::now() + kStep;
  const std::size_t most = std::max<std::size_t>(100, engine_.options_.beside.crawl_rate / 10);
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (stop_ || entries >= most || Clock::now() > until) {
      end = false;
      return {};
    }
    ++entries;
    if (holds[i].kind == Hold::Kind::Space) {
      const SpacePtr space = engine_.known(holds[i].space);
      if (space && space->ready && !engine_.removals_->held(space->info.id)) {
        auto &run = open_[space->info.id];
        if (!run) run = std::make_unique<Reconciler>(engine_, space, false, false);
        const std::size_t before = run->vanished();
        run->cancel_by(&stop_);
        run->add(folders[i]);
        auto looked = run->look();
        entries += run->take_entries();
        vanished_ += run->vanished() - before;
        if (run->vanished() == 0) open_.erase(space->info.id);
        if (!looked) {
          if (stop_) return {};
          complete_ = false;
          // A provider that is away is waited for; a folder that cannot be read is left out.
          TRY(engine_.names_->prove(true));
          engine_.log(true, "a folder cannot be compared with its files: " + looked.error().message);
        }
      } else {
        complete_ = false;
      }
    }
    place_ = folders[i];
  }
  return {};
}

Result<void> Crawl::remove_vanished() {
  removed_ = Clock::now();
  vanished_ = 0;
  auto open = std::move(open_);
  open_.clear();
  for (auto &[space, run] : open) {
    if (auto done = run->finish(); !done) {
      complete_ = false;
      if (done.status() != Status::Unavailable) return done;
    }
  }
  return {};
}

Result<void> Crawl::end_round() {
  TRY(remove_vanished());
  active_ = false;
  if (complete_) {
    for (const SpacePtr &space : engine_.all_spaces()) {
      if (!space->ready || engine_.removals_->held(space->info.id)) continue;
      TRY(engine_.forget_missing(space->info.id, begun_));
      TRY(engine_.census(space->info.id));
    }
  }
  return keep_place();
}

void Crawl::step() {
  std::size_t entries = 0;
  bool end = false;
  auto work = [&]() -> Result<void> {
    TRY(engine_.names_->prove(false));
    if (!active_) TRY(begin_round());
    TRY(some_folders(entries, end));
    if (end) return end_round();
    if (vanished_ > kMostVanished || Clock::now() - removed_ > kRemoveAfter) TRY(remove_vanished());
    if (Clock::now() - kept_ > kKeepAfter) return keep_place();
    return {};
  };
  const auto done = work();
  const BesideOptions &options = engine_.options_.beside;
  const auto now = Clock::now();
  if (!done) {
    next_ = now + kRetryAfter;
  } else if (end) {
    next_ =
        std::max(now + std::chrono::milliseconds(200), round_began_ + std::chrono::seconds(options.crawl_interval_s));
  } else {
    next_ = now + std::chrono::microseconds(entries * 1'000'000 / std::max(1u, options.crawl_rate));
  }
}

void Crawl::pause() {
  if (auto done = remove_vanished(); !done) return;
  static_cast<void>(keep_place().ok());  // else the round begins anew
}

}  // namespace Atoll::tree
