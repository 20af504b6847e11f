// SPDX-License-Identifier: Apache-2.0
#include "core/tree/missing_sums.hpp"

#include "core/base/checksum.hpp"
#include "core/base/time.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"
#include "core/tree/writers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace Atoll::tree {
namespace {

constexpr std::size_t kBareAtOnce = 64, kReadBytes = 1u << 18, kMostFailed = 1000;
constexpr std::uint64_t kLargeFile = 1u << 20;                // its checksums are taken over at once
constexpr std::uint64_t kFileCost = 16384, kLookCost = 4096;  // in bytes: of opening a file, and of looking at a row
constexpr auto kShortWait = std::chrono::milliseconds(5);
constexpr auto kLongestPause = std::chrono::minutes(10);
constexpr auto kLongestFailed = std::chrono::hours(1);

std::int64_t file_time_ns(const timespec &time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

bool row_is(const Entry &entry, const Row &row) {
  return entry.kind == EntryKind::File && entry.inode == row.inode && entry.size == row.size &&
         entry.mtime_ns == row.mtime_ns;
}

bool unchanged(const struct stat &a, const struct stat &b) {
  return a.st_size == b.st_size && file_time_ns(a.st_mtim) == file_time_ns(b.st_mtim) &&
         file_time_ns(a.st_ctim) == file_time_ns(b.st_ctim);
}

bool row_same(const Row &a, const Row &b) {
  return a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns && a.sequence == b.sequence;
}

}  // namespace

MissingSums::MissingSums(TreeEngine &engine) : engine_(engine), quiet_(engine.options_.checksum_quiet_ms) {}

MissingSums::~MissingSums() { stop(); }

void MissingSums::start() {
  thread_ = std::thread([this] { run(); });
}

void MissingSums::stop() {
  {
    const std::lock_guard guard(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void MissingSums::wake() {
  const std::lock_guard guard(mutex_);
  if (woken_) return;
  woken_ = true;
  wake_.notify_all();
}

void MissingSums::run() {
  Clock::duration pause = quiet_;
  std::unique_lock guard(mutex_);
  while (!stopped()) {
    left_ = false;
    woken_ = false;
    guard.unlock();
    const bool whole = pass();
    computed_.clear();
    buffer_ = {};
    if (whole) passes_.fetch_add(1, std::memory_order_relaxed);
    guard.lock();
    auto called = [&] { return stopped() || woken_; };
    if (left_)
      wake_.wait_for(guard, pause, called);
    else
      wake_.wait(guard, called);
    pause = woken_ ? quiet_ : std::min<Clock::duration>(2 * pause, kLongestPause);
    // A burst of changes is looked at once.
    if (woken_) wake_.wait_for(guard, quiet_, [&] { return stopped(); });
  }
}

bool MissingSums::pass() {
  BarePlace place;
  for (;;) {
    auto some = [&]() -> Result<std::vector<BareFile>> {
      TRY(engine_.names_->prove(false));
      TRY_ASSIGN(auto view, engine_.views_->lease());
      TRY_ASSIGN(auto snapshot, view->begin());
      return view->bare_files(place, kBareAtOnce);
    };
    const auto files = some();
    if (!files || files->empty()) {
      left_ |= !files;
      return !stopped();
    }
    for (const BareFile &file : *files) {
      pace(kLookCost);
      if (stopped()) return false;
      if (put_off(file.row.id)) continue;
      if (auto looked = look(file); !looked) {
        failed(file.row.id);
        if (looked.error().sys_errno == EIO)
          engine_.log(true, "the checksums of a file cannot be computed: " + looked.error().message);
      }
    }
    if (auto done = take_over(); !done) {
      left_ = true;
      if (done.status() != Status::Unavailable) engine_.log(true, done.error().message);
    }
  }
}

Result<SpaceId> MissingSums::space_of(const BareFile &file) {
  SpaceId id = file.hold.space;
  if (file.item) {
    TRY_ASSIGN(const auto record, engine_.meta_->trash(*file.item));
    id = record ? record->space : SpaceId();
  } else if (file.hold.kind != Hold::Kind::Space) {
    id = SpaceId();  // a copy that is being made, or what will be deleted or come back
  }
  const SpacePtr space = engine_.known(id);
  if (!space || !space->ready || space->moving || engine_.removals_->held(id)) return SpaceId();
  return id;
}

Result<void> MissingSums::look(const BareFile &file) {
  TRY_ASSIGN(const SpaceId id, space_of(file));
  const SpacePtr space = engine_.known(id);
  if (!space) {
    left_ = true;
    return {};
  }
  const std::int64_t now_ns = base::now_unix_ns();
  Namespace::File open;
  if (file.item) {
    TRY_ASSIGN(auto folder, engine_.names_->kept(id, "trash", false));
    std::string name = file.item->text();
    for (const std::string &next : file.names) {
      TRY_ASSIGN(folder, folder->open(name));
      name = next;
    }
    TRY_ASSIGN(open.fd, folder->open_file(name));
    TRY_ASSIGN(const auto entry, folder->look(name));
    open.entry = entry.value_or(Entry());
  } else {
    std::string path;
    for (const std::string &name : file.names) path += (path.empty() ? "" : "/") + name;
    TRY_ASSIGN(open, engine_.names_->open_file(space->info.folder, path));
  }
  if (!row_is(open.entry, file.row)) {
    failed(file.row.id);
    return {};
  }
  TRY_ASSIGN(auto sums, compute(open.fd.get(), file.row, now_ns));
  if (!sums) return {};
  failed_.erase(file.row.id);
  computed_.push_back({id, file.row});
  computed_.back().row.sums = *sums;
  return file.row.size < kLargeFile ? Result<void>() : take_over();
}

Result<std::optional<Sums>> MissingSums::compute(int fd, const Row &row, std::int64_t now_ns) {
  const auto changing = [&]() -> Result<std::optional<Sums>> {
    failed(row.id);
    return std::optional<Sums>();
  };
  struct stat before {
  }, after{};
  if (::fstat(fd, &before) != 0) return base::errno_error("look at a file");
  if (static_cast<std::uint64_t>(before.st_size) != row.size) return changing();
  // Times are coarse: after a change that is as young as that another one may not show. Nor may it have been changed
  // since it was opened.
  const std::int64_t age = now_ns - file_time_ns(before.st_ctim);
  if (std::abs(age) < std::chrono::nanoseconds(quiet_).count()) {
    left_ = true;
    return std::optional<Sums>();
  }
  if (writers_of(fd) == Writers::Some) return changing();
  if (buffer_.empty()) buffer_.resize(kReadBytes);
  base::Checksums digest(base::kAllChecksums);
  pace(kFileCost);
  for (std::uint64_t at = 0; at <= row.size;) {
    if (stopped()) return std::optional<Sums>();
    const ssize_t got = ::pread(fd, buffer_.data(), buffer_.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("read a file");
    if (got == 0) break;
    digest.update(std::string_view(buffer_.data(), static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
    if (at > kFileCost) pace(static_cast<std::uint64_t>(got));
  }
  // By the time of the last change of any kind, too: a program may have set the other one back.
  if (::fstat(fd, &after) != 0) return base::errno_error("look at a file");
  if (!unchanged(before, after) || writers_of(fd) == Writers::Some) return changing();
  const auto values = digest.values();
  return std::optional<Sums>(Sums{base::kAllChecksums, values.sha1, values.md5, values.adler32});
}

Result<void> MissingSums::take_over() {
  if (computed_.empty()) return {};
  const std::vector<Computed> all = std::exchange(computed_, {});
  const std::lock_guard guard(engine_.writer_);
  Index &index = *engine_.index_;
  for (std::size_t i = 0; i < all.size();) {
    const SpaceId id = all[i].space;
    const std::size_t begin = i;
    while (i < all.size() && all[i].space == id) ++i;
    const SpacePtr space = engine_.known(id);
    if (!space || !space->ready || space->moving) {
      left_ = true;
      continue;
    }
    TRY_ASSIGN(auto transaction, index.begin_write(id));
    for (const Computed &one : std::span(all).subspan(begin, i - begin)) {
      TRY_ASSIGN(const auto row, index.by_id(one.row.id));
      if (row && row->sums.mask == 0 && row_same(*row, one.row)) TRY(index.set_sums(row->id, one.row.sums));
    }
    TRY(transaction.commit());
  }
  return {};
}

void MissingSums::failed(const NodeId &node) {
  left_ = true;
  const auto now = Clock::now();
  auto known = failed_.find(node);
  if (known == failed_.end()) {
    if (failed_.size() >= kMostFailed) std::erase_if(failed_, [&](const auto &one) { return one.second.due < now; });
    if (failed_.size() >= kMostFailed) return;  // it is tried in each pass
    known = failed_.emplace(node, Failed{now, 2 * quiet_}).first;
  }
  Failed &one = known->second;
  one.pause = std::min<Clock::duration>(2 * one.pause, kLongestFailed);
  one.due = now + one.pause;
}

bool MissingSums::put_off(const NodeId &node) {
  const auto known = failed_.find(node);
  if (known == failed_.end() || known->second.due <= Clock::now()) return false;
  left_ = true;
  return true;
}

void MissingSums::pace(std::uint64_t bytes) {
  const auto now = Clock::now();
  const double seconds = static_cast<double>(bytes) / static_cast<double>(engine_.options_.checksum_rate);
  paced_ = std::max(paced_, now) + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  if (paced_ < now + kShortWait) return;
  std::unique_lock guard(mutex_);
  wake_.wait_for(guard, paced_ - now, [&] { return stopped(); });
}

}  // namespace Atoll::tree
