// SPDX-License-Identifier: Apache-2.0
#include "core/tree/state_dir.hpp"

#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::string_view kPending = " pending\n", kComplete = " complete\n";

// Bytes: what a few changes, and one removal, add to the logs of the databases.
constexpr std::uint64_t kNeeded = 1u << 20, kNeededToRemove = 1u << 18;
constexpr std::uint64_t kMostKept = 64u << 20;
constexpr std::uint64_t kShareKept = 16;  // at most that part of the disk

std::uint64_t kept_of(const struct statvfs &facts, std::uint64_t reserve) {
  const std::uint64_t total = static_cast<std::uint64_t>(facts.f_blocks) * facts.f_frsize;
  return std::min({reserve, kMostKept, total / kShareKept});
}

}  // namespace

Result<StateDir> StateDir::open(std::string path) {
  StateDir state;
  state.path_ = std::move(path);
  if (::mkdir(state.path_.c_str(), 0700) != 0 && errno != EEXIST) return base::errno_error("make " + state.path_);
  state.folder_.reset(::open(state.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!state.folder_) return base::errno_error("open " + state.path_);
  state.lock_.reset(::open((state.path_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!state.lock_) return base::errno_error("open " + state.path_ + "/lock");
  if (::flock(state.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return error(Status::FailedPrecondition, "state_dir " + state.path_ + " is in use by another server");
    return base::errno_error("lock " + state.path_ + "/lock");
  }
  auto text = base::read_file(state.path_ + "/provider", 64);
  if (text) {
    const auto id = Uuid::parse(std::string_view(*text).substr(0, 36));
    const std::string_view rest = std::string_view(*text).substr(std::min<std::size_t>(36, text->size()));
    if (!id || (rest != kPending && rest != kComplete))
      return error(Status::DataLoss, state.path_ +
                                         "/provider is damaged; its first line is the uuid in the storage "
                                         "root's .atoll/marker, a blank, and the word complete");
    state.provider_ = *id;
    state.first_ = rest == kPending;
    return state;
  }
  if (text.error().sys_errno != ENOENT) return std::move(text).error();
  state.provider_ = base::random_id<Uuid>();
  state.first_ = true;
  if (auto written = state.write(kPending); !written) return std::move(written).error();
  ATOLL_FAULT_POINT("state.pending");
  return state;
}

Result<void> StateDir::room(Need need) const {
  for (bool again = false;; again = true) {
    struct statvfs facts {};
    if (::fstatvfs(lock_.get(), &facts) != 0) return base::errno_error("look at the room in " + path_);
    if (facts.f_blocks == 0) return {};  // the file system does not tell
    const std::uint64_t free = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
    const std::uint64_t kept = kept_of(facts, kept_->reserve) + kept_->ballast.owed();
    kept_->is_short.store(free < kNeeded + kept, std::memory_order_relaxed);
    const std::uint64_t needed = need == Need::More   ? kNeeded + kept
                                 : need == Need::Same ? kNeeded + kept - kept_of(facts, kept_->reserve) / 2
                                                      : kNeededToRemove;
    if (free >= needed) return {};
    if (need == Need::Less && !again && kept_->ballast.give_up(folder_.get())) continue;
    return error(Status::InsufficientStorage,
                 "the disk of state_dir " + path_ +
                     (need == Need::Less ? " is full; nothing can be changed" : " is full; delete something"));
  }
}

void StateDir::keep_free(std::uint64_t reserve) {
  kept_ = std::make_unique<Kept>(reserve);
  // A start writes as much as a removal.
  static_cast<void>(room(Need::Less).ok());
  restock();
}

void StateDir::restock() const {
  struct statvfs facts {};
  if (::fstatvfs(folder_.get(), &facts) != 0) return;
  kept_->ballast.stock(folder_.get(), kNeeded + kept_of(facts, kept_->reserve));
}

Result<void> StateDir::complete_first_start() {
  if (!first_) return {};
  if (auto written = write(kComplete); !written) return written;
  first_ = false;
  return {};
}

Result<void> StateDir::write(std::string_view state) const {
  return base::write_file_durably(path_ + "/provider", provider_.text() + std::string(state), 0600);
}

}  // namespace Atoll::tree
