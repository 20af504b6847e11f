// SPDX-License-Identifier: Apache-2.0
// Uploads that can be gone on with, also after a restart. The record is in meta.db and the bytes lie on the shelf of
// the store; they come to their name as those of any other upload do, by way of staging. A start puts back what a crash
// has left in staging (load_uploads()).
#include "core/base/file.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/change.hpp"
#include "core/tree/put_file.hpp"
#include "core/tree/try.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace Atoll::tree {
namespace {

constexpr std::size_t kMostMetadata = 4096;
constexpr std::uint32_t kMostKeptUploads = 10000;  // of a space

/// Of this run of the machine. Empty when it cannot be told.
const std::string &boot_id() {
  static const std::string id = [] {
    auto text = base::read_file("/proc/sys/kernel/random/boot_id");
    return text ? *std::move(text) : std::string();
  }();
  return id;
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
    space_->promised -= bytes_;
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
    TRY(reach(*staged));
    if (recorded_) return {};
    record_.promised = promise_.bytes();
    TRY_ASSIGN(record_.inode, staged->inode());
    if (!engine_.known(record_.space)) return error(Status::NotFound, "the space is gone");
    TRY(engine_.meta_->put_upload(record_));
    auto shelved = staged->shelve();
    if (!shelved) {
      if (auto done = engine_.meta_->remove_upload(record_.id); !done) engine_.log(true, done.error().message);
      return shelved;
    }
    recorded_ = true;
    ++space_->kept_uploads;
    return {};
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
    if (recorded_ && record_.offset > length) TRY(reach(*staged_));
    return {};
  }

  Result<Node> commit(const UploadCommit &commit, const Conditions &conditions) override {
    if (!staged_) return error(Status::FailedPrecondition, "this upload was committed before");
    const std::unique_ptr<Staged> staged = std::move(staged_);
    if (recorded_) TRY(staged->unshelve());
    const std::uint64_t promised = promise_.bytes();
    promise_.release();
    auto node = commit_staged(engine_, *staged, Ref{record_.space, record_.node, record_.path}, commit, conditions);
    if (!recorded_) return node;
    if (!node && may_pass(node.status()) && staged->shelve()) {
      promise_.take(promised);
      return node;
    }
    recorded_ = false;
    --space_->kept_uploads;
    // A record that stays leads to nothing, and goes at the next start.
    if (auto done = engine_.meta_->remove_upload(record_.id); !done) engine_.log(true, done.error().message);
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

  /// Notes how far it has come, once that is durable.
  Result<void> reach(Staged &staged) {
    if (engine_.durable()) TRY(staged.harden());
    TRY_ASSIGN(record_.offset, staged.size());
    record_.boot = boot_id();
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
  auto staged = store_->reshelve(space_id, id.text(), record->size);
  if (!staged) {
    if (staged.error().sys_errno != ENOENT) return std::move(staged).error();
    TRY(names_->prove(true));
    TRY(drop_upload(*record));
    return no_such();
  }
  // As long as the machine runs, all that was written is there, one after the other, whatever became of the server. Of
  // the time before it only what was waited for.
  TRY_ASSIGN(const std::uint64_t written, (*staged)->size());
  const bool same_run = !record->boot.empty() && record->boot == boot_id();
  const std::uint64_t reached = same_run ? written : std::min(written, record->offset);
  if (written > reached) TRY((*staged)->cut(reached));
  if (reached != record->offset) {
    if (durable()) TRY((*staged)->harden());
    record->offset = reached;
    record->boot = boot_id();
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
    space->promised -= record.promised;
    --space->kept_uploads;
  }
  auto staged = store_->reshelve(record.space, record.id.text(), 0);
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
    if (still && still->expires_ns <= now) TRY(drop_upload(*still));
  }
  return {};
}

Result<void> TreeEngine::load_uploads() {
  TRY_ASSIGN(const auto records, meta_->uploads({}));
  std::map<std::pair<SpaceId, std::string>, std::pair<const UploadRecord *, bool>> expected;
  for (const UploadRecord &record : records)
    if (known(record.space)) expected[{record.space, record.id.text()}] = {&record, false};
  TRY(store_->tidy_shelves([&](const SpaceId &space, std::string_view token, std::uint64_t inode) {
    const auto found = expected.find({space, std::string(token)});
    if (found == expected.end() || found->second.first->inode != inode) return false;
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
