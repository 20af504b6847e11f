// SPDX-License-Identifier: Apache-2.0
// The index file: opened, set aside, and made anew when it is gone or damaged, also while it is in use.
#include "core/sql/damage.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace Atoll::tree {

std::optional<FileId> file_at(const std::string &path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return FileId(facts.st_dev, facts.st_ino);
}

std::string TreeEngine::index_path() const {
  char *const real = ::realpath(state_.path().c_str(), nullptr);
  std::string path = real != nullptr ? real : state_.path();
  ::free(real);
  return path + "/index.db";
}

void TreeEngine::set_index_aside() {
  for (const char *part : {"", "-wal", "-shm"}) {
    const std::string from = index_path_ + part;
    if (*part == 0)
      std::rename(from.c_str(), (index_path_ + ".damaged").c_str());
    else
      ::unlink(from.c_str());
  }
}

/// True: the index holds nothing and must be rebuilt.
Result<bool> TreeEngine::open_index(const Meta::Start &start) {
  bool fresh = !file_at(index_path_);
  auto index = Index::open(index_path_);
  if (!index) {
    if (index.status() == Status::InsufficientStorage || index.status() == Status::FailedPrecondition)
      return std::move(index).error();
    log(true, "index.db cannot be read and is made anew: " + index.error().message);
    set_index_aside();
    fresh = true;
    index = Index::open(index_path_);
    if (!index) return std::move(index).error();
    sql::forget_damage(index_path_);
    ATOLL_FAULT_POINT("start.index_made");
  }
  if (!fresh && !start.stamp.empty()) {
    // A copy from a backup, or one that another run went on with, is not what meta.db's last end left. In a run there
    // is no stamp; one that is there after an unclean end is of a start that did not come far.
    auto stamp = (*index)->stamp();
    if (start.clean ? !stamp || *stamp != start.stamp : stamp && !stamp->empty() && *stamp != start.stamp) {
      log(true, "index.db is not the one of the last clean end");
      index->reset();
      set_index_aside();
      fresh = true;
      ATOLL_FAULT_POINT("start.index_set_aside");
      index = Index::open(index_path_);
      if (!index) return std::move(index).error();
    }
  }
  index_ = std::move(*index);
  index_file_ = file_at(index_path_);
  index_->on_logged([this](const SpaceId &space) { bell_.ring(space); });
  index_->on_bare([this] {
    if (sums_) sums_->wake();
  });
  TRY_ASSIGN(auto transaction, index_->begin_write_any());
  TRY(index_->abandon_nursery());
  TRY(index_->set_stamp(""));
  TRY(transaction.commit());
  TRY_ASSIGN(checkpointer_, Index::open(index_path_));
  views_ = std::make_unique<ViewPool>(index_path_, options_.readers);
  return fresh;
}

void TreeEngine::give_up_index() {
  views_.reset();
  checkpointer_.reset();
  index_.reset();
  recoveries_.clear();
  {
    const std::unique_lock guard(spaces_mutex_);
    spaces_.clear();
  }
  set_index_aside();
  sql::forget_damage(index_path_);
}

bool TreeEngine::index_lost() {
  if (index_lost_) return true;
  if (sql::damages() == 0 || !sql::damaged(index_path_) || (views_ && views_->old_leases())) {
    const auto file = file_at(index_path_);
    if (file && file == index_file_) return false;
    if (!file && errno != ENOENT) return false;  // it cannot be told
    log(true, "index.db is not the file any more that it was; it is made anew from the files");
  } else {
    log(true, "index.db is damaged; it is made anew from the files");
  }
  return index_lost_ = true;
}

/// All spaces are Unavailable until they are compared with their files.
Result<void> TreeEngine::renew_index() {
  const std::lock_guard making(making_);  // no space comes or goes meanwhile
  const std::vector<SpacePtr> all = all_spaces();
  std::vector<SpaceId> ids;
  for (const SpacePtr &space : all) ids.push_back(space->info.id);
  {
    const std::lock_guard guard(writer_);  // no change is under way, and none begins
    for (const SpacePtr &space : all) {
      space->ready = false;
      ++space->remade;
    }
    views_->close();
    TRY(note_unswept());
    TRY(meta_->set_rebuilding(ids));
    // The old connections go before the new file is there: SQLite deletes a log by its name.
    checkpointer_.reset();
    {
      TRY_ASSIGN(const auto nothing, Index::open(":memory:"));
      index_->swap(*nothing);
    }
    set_index_aside();
    ATOLL_FAULT_POINT("renew.set_aside");
    {
      TRY_ASSIGN(const auto fresh, Index::open(index_path_));
      index_->swap(*fresh);
    }
    index_file_ = file_at(index_path_);
    TRY_ASSIGN(checkpointer_, Index::open(index_path_));
    sql::forget_damage(index_path_);
    TRY_ASSIGN(auto transaction, index_->begin_write_any());
    for (const SpaceId &space : ids) {
      TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
      TRY(index_->insert_root(space, sequence));
    }
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("renew.made");
    TRY(index_trash());
    views_->reopen();
  }
  unswept_.insert(ids.begin(), ids.end());
  const std::lock_guard guard(background_mutex_);
  recoveries_.clear();
  for (const SpaceId &space : ids) recoveries_.push_back({space, {}});
  stale_locks_ = true;
  index_lost_ = false;
  return {};
}

}  // namespace Atoll::tree
