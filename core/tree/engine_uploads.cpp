// SPDX-License-Identifier: Apache-2.0
// Uploads that can be gone on with, also after a restart. The record is in meta.db and the bytes lie on the shelf of
// the store; they come to their name as those of any other upload do, by way of staging. A start puts back what a crash
// has left in staging (load_uploads()).
#include "core/base/file.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/change.hpp"
#include "core/tree/put_file.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>

namespace Atoll::tree {
namespace {

constexpr std::size_t kMostMetadata = 4096;
constexpr std::uint32_t kMostKeptUploads = 10000;  // of a space

/// Of this run of the machine and this mount of the file system: as long as it is the same, what was written and not
/// flushed is still there. Empty when it cannot be told.
std::string run_of(int fd) {
  static const std::string boot = [] {
    auto text = base::read_file("/proc/sys/kernel/random/boot_id");
    return text ? *std::move(text) : std::string();
  }();
  struct statx facts {};
  if (boot.empty() || ::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) != 0 || !(facts.stx_mask & STATX_MNT_ID))
    return {};
  return boot + std::to_string(facts.stx_mnt_id);
}

/// `counter` less `by`, or 0: rather too few promises than none that are ever given back.
template <class T>
void take_off(std::atomic<T> &counter, T by) noexcept {
  T now = counter.load();
  while (!counter.compare_exchange_weak(now, now - std::min(now, by))) {
  }
}

/// Of a commit: it may succeed another time.
bool may_pass(Status status) {
  return status == Status::Unavailable || status == Status::Locked || status == Status::InsufficientStorage ||
         status == Status::DeadlineExceeded;
}

/// Bytes of a quota that are spoken for. Given back in the destructor unless they were left to a record.
class Promise {
 public:
  explicit Promise(SpacePtr space) : space_(std::move(space)) {}
  Promise(const Promise &) = delete;
  Promise &operator=(const Promise &) = delete;
  ~Promise() { release(); }

  void take(std::uint64_t bytes) noexcept {
    release();
    adopt(bytes);
    space_->promised += bytes;
  }
  /// They are counted already.
  void adopt(std::uint64_t bytes) noexcept { bytes_ = bytes; }
  void release() noexcept {
    take_off(space_->promised, bytes_);
    bytes_ = 0;
  }
  void leave() noexcept { bytes_ = 0; }
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  const SpacePtr space_;
  std::uint64_t bytes_ = 0;
};

class KeptTreeUpload final : public Upload {
 public:
  /// `recorded`: it was opened again.
  KeptTreeUpload(TreeEngine &engine, SpacePtr space, UploadRecord record, OpenUploads::Place place,
                 std::unique_ptr<Staged> staged, bool recorded)
      : engine_(engine),
        space_(space),
        record_(std::move(record)),
        place_(std::move(place)),
        staged_(std::move(staged)),
        promise_(std::move(space)),
        recorded_(recorded) {
    if (recorded_) promise_.adopt(record_.promised);
  }
  ~KeptTreeUpload() override {
    if (recorded_) promise_.leave();
  }

  void promise(std::uint64_t bytes) noexcept { promise_.take(bytes); }

  int fd() const noexcept override { return staged_ && record_.size != kSizeUnknown ? staged_->fd() : -1; }

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    return write_staged(*staged_, offset, bytes);
  }

  Result<KeptUpload> kept() override {
    KeptUpload shown = record_;
    TRY_ASSIGN(shown.offset, staged_->size());
    shown.open = true;
    return shown;
  }

  Result<void> suspend() override {
    if (!staged_) return error(Status::FailedPrecondition, "this upload was committed before");
    const std::unique_ptr<Staged> staged = std::move(staged_);
    if (!recorded_) TRY(admit());
    TRY_ASSIGN(const std::uint64_t written, staged->size());
    TRY(staged->cut(written));  // what was reserved beyond it is nobody's while nobody writes
    TRY(reach(*staged));
    if (recorded_) return {};
    record_.promised = promise_.bytes();
    TRY_ASSIGN(record_.inode, staged->inode());
    if (!engine_.known(record_.space)) return error(Status::NotFound, "the space is gone");
    TRY(engine_.meta_->put_upload(record_));
    auto shelved = staged->shelve();
    if (!shelved) {
      auto removed = engine_.meta_->remove_upload(record_.id);
      if (removed) return shelved;
      engine_.log(true, removed.error().message);
      staged->leave();  // the record leads to it
    }
    recorded_ = true;
    ++space_->kept_uploads;
    return shelved;
  }

  Result<std::uint64_t> read(std::uint64_t offset, std::span<char> buffer) override {
    std::size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t got =
          ::pread(staged_->fd(), buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return base::errno_error("read what was uploaded");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return std::uint64_t{done};
  }

  Result<void> cut(std::uint64_t length) override {
    TRY(staged_->cut(length));
    if (!recorded_) return {};
    if (record_.offset > length) TRY(reach(*staged_));
    // Until it is suspended only what is recorded counts: the caller may not have looked at what comes now.
    record_.boot.clear();
    return engine_.meta_->put_upload(record_);
  }

  Result<Node> commit(const UploadCommit &commit, const Conditions &conditions) override {
    if (!staged_) return error(Status::FailedPrecondition, "this upload was committed before");
    const std::unique_ptr<Staged> staged = std::move(staged_);
    if (recorded_) TRY(staged->unshelve());
    const std::uint64_t promised = promise_.bytes();
    promise_.release();
    auto node = commit_staged(engine_, *staged, Ref{record_.space, record_.node, record_.path}, commit, conditions);
    if (!recorded_) return node;
    if (!node && may_pass(node.status())) {
      if (node.error().sys_errno != 0) distrust(*staged);
      const auto back = staged->shelve();
      if (back || back.status() != Status::FailedPrecondition) {
        if (!back) staged->leave();  // it is found in staging
        promise_.take(promised);
        return node;
      }
    }
    if (auto done = engine_.meta_->remove_upload(record_.id); !done) {
      // The record leads to nothing, and counts until somebody asks for it or it is too old.
      engine_.log(true, done.error().message);
      promise_.take(promised);
      return node;
    }
    recorded_ = false;
    take_off(space_->kept_uploads, 1U);
    return node;
  }

 private:
  /// Whether one more may be kept in the space.
  Result<void> admit() {
    if (space_->kept_uploads >= kMostKeptUploads)
      return error(Status::ResourceExhausted, "the space has too many unfinished uploads; finish or remove some");
    if (promise_.bytes() != 0 || record_.size == kSizeUnknown || record_.size == 0) return {};
    const Ref target{record_.space, record_.node, record_.path};
    return engine_.reading_place(target, [&](IndexView &view, Target &found) -> Result<void> {
      const std::uint64_t replaced = found.row ? found.row->size : 0;
      TRY(space_room(
          view, *space_,
          static_cast<std::int64_t>(record_.size) - static_cast<std::int64_t>(std::min(record_.size, replaced))));
      promise_.take(record_.size - std::min(record_.size, replaced));
      return {};
    });
  }

  /// A flush has failed, perhaps. The next one would succeed, and say nothing of the bytes that are lost: only what was
  /// flushed before counts from now on.
  void distrust(Staged &staged) {
    if (!recorded_ || staged.cut(record_.offset)) return;
    record_.boot.clear();
    if (auto done = engine_.meta_->put_upload(record_); !done) engine_.log(true, done.error().message);
  }

  /// Notes how far it has come, once that is durable.
  Result<void> reach(Staged &staged) {
    if (engine_.durable()) {
      if (auto hard = staged.harden(); !hard) {
        distrust(staged);
        return hard;
      }
    }
    TRY_ASSIGN(record_.offset, staged.size());
    record_.boot = run_of(staged.fd());
    const std::uint64_t seconds = engine_.options_.upload_seconds;
    record_.expires_ns = seconds == 0 ? 0 : engine_.now_ns() + static_cast<std::int64_t>(seconds) * 1'000'000'000;
    if (!recorded_) return {};
    if (!engine_.known(record_.space)) return error(Status::NotFound, "the space is gone");
    return engine_.meta_->put_upload(record_);
  }

  TreeEngine &engine_;
  const SpacePtr space_;
  UploadRecord record_;
  const OpenUploads::Place place_;
  std::unique_ptr<Staged> staged_;
  Promise promise_;
  bool recorded_;
};

Error is_open() { return error(Status::Locked, "another request writes into this upload now; try again"); }
Error no_such() { return error(Status::NotFound, "there is no such unfinished upload"); }

}  // namespace

Result<std::unique_ptr<Upload>> begin_kept(TreeEngine &engine, const Ref &target, std::uint64_t size,
                                           const Conditions &conditions, std::string_view metadata) {
  if (metadata.size() > kMostMetadata) return error(Status::InvalidArgument, "an upload has too much metadata");
  TRY_ASSIGN(const SpacePtr space, engine.serving(target.space));
  UploadRecord record;
  record.space = target.space;
  record.node = target.node;
  record.path = target.path;
  record.size = size;
  record.account = conditions.account.value_or(AccountId());
  record.begun_ns = engine.now_ns();
  record.metadata = metadata;
  std::uint64_t replaced = 0;
  if (size > kSmallUpload) TRY(foresee_upload(engine, target, size, conditions, &replaced));
  if (size == 0) TRY(engine.store_->reserve(1));
  TRY_ASSIGN(auto staged, engine.store_->stage_file(target.space, size));
  const auto id = Uuid::parse(staged->token());
  if (!id) return error(Status::Unimplemented, "this storage cannot keep uploads");
  record.id = *id;
  auto place = engine.open_uploads_->enter(record.id);
  if (!place) return is_open();
  auto upload =
      std::make_unique<KeptTreeUpload>(engine, space, std::move(record), *std::move(place), std::move(staged), false);
  if (size > kSmallUpload && size != kSizeUnknown) {
    upload->promise(size - std::min(size, replaced));
    // Others may have been promised the same bytes since.
    const std::uint64_t quota = space->quota;
    if (quota != kNoQuota) {
      TRY(engine.reading_place(target, [&](IndexView &view, Target &) -> Result<void> {
        TRY_ASSIGN(const auto root, view.by_id(root_of(space->info.id)));
        if (root && root->size <= quota && space->promised <= quota - root->size) return {};
        return error(Status::InsufficientStorage, "the quota of the space is used up");
      }));
    }
  }
  return std::unique_ptr<Upload>(std::move(upload));
}

Result<std::unique_ptr<Upload>> TreeEngine::upload_reopen(const SpaceId &space_id, const Uuid &id) {
  TRY_ASSIGN(const SpacePtr space, serving(space_id));
  auto place = open_uploads_->enter(id);
  if (!place) return is_open();
  TRY_ASSIGN(auto record, meta_->upload(id));
  if (!record || record->space != space_id) return no_such();
  if (record->expires_ns != 0 && record->expires_ns <= now_ns()) return no_such();  // the background deletes it
  auto staged = store_->reshelve(space_id, id.text(), record->inode, record->size);
  // It can still be looked at and ended while there is no room for the rest.
  if (!staged && staged.status() == Status::InsufficientStorage)
    staged = store_->reshelve(space_id, id.text(), record->inode, 0);
  if (!staged) {
    if (staged.error().sys_errno != ENOENT) return std::move(staged).error();
    TRY(names_->prove(true));
    TRY(drop_upload(*record));
    return no_such();
  }
  // As long as the machine runs, all that was written is there, one after the other, whatever became of the server. Of
  // the time before it only what was waited for.
  TRY_ASSIGN(const std::uint64_t written, (*staged)->size());
  const std::string run = run_of((*staged)->fd());
  const bool same_run = !run.empty() && record->boot == run;
  const std::uint64_t reached = same_run ? written : std::min(written, record->offset);
  if (written > reached) TRY((*staged)->cut(reached));
  if (reached != record->offset) {
    if (durable()) {
      if (auto hard = (*staged)->harden(); !hard) {
        // As in distrust().
        record->boot.clear();
        if (auto cut = (*staged)->cut(record->offset); !cut) TRY(meta_->put_upload(*record));
        return std::move(hard).error();
      }
    }
    record->offset = reached;
    record->boot = run;
    TRY(meta_->put_upload(*record));
  }
  return std::unique_ptr<Upload>(
      std::make_unique<KeptTreeUpload>(*this, space, *std::move(record), *std::move(place), *std::move(staged), true));
}

Result<void> TreeEngine::uploads(const SpaceId &space, FunctionRef<bool(const KeptUpload &)> sink) {
  // Also of one that is being compared with its files: what is told of uploads needs none of that.
  if (!space.none() && !known(space)) return error(Status::NotFound, "there is no such space");
  TRY_ASSIGN(const auto records, meta_->uploads(space));
  for (const UploadRecord &record : records) {
    KeptUpload shown = record;
    shown.open = open_uploads_->has(record.id);
    if (!sink(shown)) break;
  }
  return {};
}

Result<void> TreeEngine::upload_remove(const SpaceId &space_id, const Uuid &id) {
  if (!known(space_id)) return error(Status::NotFound, "there is no such space");
  TRY(names_->prove(true));
  const auto place = open_uploads_->enter(id);
  if (!place) return is_open();
  TRY_ASSIGN(const auto record, meta_->upload(id));
  if (!record || record->space != space_id) return no_such();
  return drop_upload(*record);
}

Result<void> TreeEngine::drop_upload(const UploadRecord &record) {
  TRY(meta_->remove_upload(record.id));  // first: bytes without a record go at the next start
  if (const SpacePtr space = known(record.space)) {
    take_off(space->promised, record.promised);
    take_off(space->kept_uploads, 1U);
  }
  auto staged = store_->reshelve(record.space, record.id.text(), record.inode, 0);
  if (!staged) return staged.error().sys_errno == ENOENT ? Result<void>() : std::move(staged).error();
  return (*staged)->unshelve();  // and is dropped
}

Result<void> TreeEngine::expire_uploads() {
  const std::int64_t now = now_ns();
  TRY_ASSIGN(const auto records, meta_->uploads({}));
  for (const UploadRecord &record : records) {
    if (record.expires_ns == 0 || record.expires_ns > now) continue;
    const auto place = open_uploads_->enter(record.id);
    if (!place) continue;
    TRY_ASSIGN(const auto still, meta_->upload(record.id));
    if (still && still->expires_ns != 0 && still->expires_ns <= now) TRY(drop_upload(*still));
  }
  return {};
}

Result<void> TreeEngine::load_uploads() {
  TRY_ASSIGN(auto records, meta_->uploads({}));
  std::map<std::pair<SpaceId, std::string>, std::pair<UploadRecord *, bool>> expected;
  for (UploadRecord &record : records)
    if (known(record.space)) expected[{record.space, record.id.text()}] = {&record, false};
  TRY(store_->tidy_shelves(
      [&](const SpaceId &space, std::string_view token, std::uint64_t inode, bool shelved) -> Result<bool> {
        const auto found = expected.find({space, std::string(token)});
        if (found == expected.end()) return false;
        UploadRecord &record = *found->second.first;
        if (record.inode != inode) {
          // In staging it may be the file that it was exchanged with. Only uploads come to the shelf; their inodes
          // change when the whole storage is copied to another disk.
          if (!shelved) return false;
          record.inode = inode;
          TRY(meta_->put_upload(record));
        }
        found->second.second = true;
        return true;
      }));
  for (const UploadRecord &record : records) {
    const auto found = expected.find({record.space, record.id.text()});
    if (found == expected.end() || !found->second.second) {
      TRY(meta_->remove_upload(record.id));
      continue;
    }
    const SpacePtr space = known(record.space);
    space->promised += record.promised;
    ++space->kept_uploads;
  }
  return {};
}

}  // namespace Atoll::tree
