// SPDX-License-Identifier: Apache-2.0
// Uploads: staged bytes that come to their name whole and durable, or not at all.
#include "core/base/checksum.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/put_file.hpp"
#include "core/tree/trash_move.hpp"
#include "core/tree/try.hpp"
#include "core/tree/version_move.hpp"

#include <unistd.h>

#include <cerrno>

namespace Atoll::tree {
namespace {

Result<Sums> sums_of(int fd, unsigned mask) {
  base::Checksums digest(mask);
  std::vector<std::uint8_t> buffer(1u << 18);
  off_t at = 0;
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("read what was uploaded");
    if (got == 0) break;
    digest.update(std::span<const std::uint8_t>(buffer.data(), static_cast<std::size_t>(got)));
    at += got;
  }
  const auto values = digest.finish();
  return Sums{mask, values.sha1, values.md5, values.adler32};
}

bool same_sums(const Sums &a, const Sums &b) {
  return ((a.mask & base::kSha1) == 0 || a.sha1 == b.sha1) && ((a.mask & base::kMd5) == 0 || a.md5 == b.md5) &&
         ((a.mask & base::kAdler32) == 0 || a.adler32 == b.adler32);
}

class TreeUpload final : public Upload {
 public:
  TreeUpload(TreeEngine &engine, const Ref &target, std::unique_ptr<Staged> staged, bool announced)
      : engine_(engine),
        space_(target.space),
        node_(target.node),
        path_(target.path),
        staged_(std::move(staged)),
        announced_(announced) {}

  // Of a size that nobody knows: who writes asks for room on his way.
  int fd() const noexcept override { return staged_ && announced_ ? staged_->fd() : -1; }

  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    return write_staged(*staged_, offset, bytes);
  }

  Result<Node> commit(const UploadCommit &commit, const Conditions &conditions) override {
    if (!staged_) return error(Status::FailedPrecondition, "this upload was committed before");
    const std::unique_ptr<Staged> staged = std::move(staged_);
    return commit_staged(engine_, *staged, Ref{space_, node_, path_}, commit, conditions);
  }

 private:
  TreeEngine &engine_;
  const SpaceId space_;
  const NodeId node_;
  const std::string path_;
  std::unique_ptr<Staged> staged_;
  const bool announced_;
};

/// The file that will probably be replaced: so that the identity can be made durable outside of the writer lock.
struct Guess {
  std::optional<NodeId> id;
  std::optional<Entry> entry;
  std::optional<VersionCopy> copy;  ///< of its content, when it cannot be renamed aside
  std::unique_ptr<Folder> folder;   ///< that it will come to, when there is nothing of that name
};

bool same_bytes(const Row &row, std::uint64_t size, const Sums &sums) {
  const unsigned known = row.sums.mask & sums.mask & (base::kSha1 | base::kMd5);
  return known != 0 && row.size == size && same_sums(row.sums, sums);
}

/// The attributes of a copy: noted before it comes to its name, copied once it is durable there. A crash in between is
/// made up for at the next start, a failure in the background.
class Follow {
 public:
  explicit Follow(TreeEngine &engine) : engine_(engine) {}
  Follow(const Follow &) = delete;
  Follow &operator=(const Follow &) = delete;
  ~Follow() {
    if (!noted_) return;
    if (placed_) {
      engine_.follow_later();
    } else if (auto done = close(); !done) {  // before the staged file's number is free for another one
      engine_.log(true, done.error().message);
    }
  }
  Result<void> note(const NodeId &from, const Target &target, const SpaceId &space, std::uint64_t inode) {
    intent_.kind = Intent::Kind::Attributes;
    intent_.space = space;
    intent_.folder = from;
    intent_.path = target.parent.path();
    intent_.name = target.name;
    intent_.inode = inode;
    TRY(engine_.meta_->add_intents({&intent_, 1}));
    noted_ = true;
    ATOLL_FAULT_POINT("put.attributes_noted");
    return {};
  }
  void placed() noexcept { placed_ = true; }
  bool noted() const noexcept { return noted_; }
  Result<void> copy(const NodeId &to) {
    if (!noted_) return {};
    const std::pair<NodeId, NodeId> pair{intent_.folder, to};
    TRY(engine_.meta_->copy_attributes(intent_.space, {&pair, 1}));
    ATOLL_FAULT_POINT("put.attributes_copied");
    return close();
  }

 private:
  Result<void> close() {
    TRY(engine_.meta_->close_attributes_intents(intent_.space, intent_.folder, intent_.inode));
    noted_ = false;
    return {};
  }

  TreeEngine &engine_;
  Intent intent_;
  bool noted_ = false, placed_ = false;
};

/// Whether a look at the folder alone says that the name is free: most uploads are of new files, and reading the index,
/// which others change all the time, costs more than a look. Null when it does not; else the folder.
std::unique_ptr<Folder> surely_new(TreeEngine &engine, const Ref &target) {
  if (target.node != root_of(target.space) || !names_valid(target.path)) return nullptr;
  const SpacePtr space = engine.known(target.space);
  if (!space) return nullptr;
  const std::size_t slash = target.path.rfind('/');
  const bool deep = slash != std::string_view::npos;
  const std::string_view path = target.path;
  auto folder = engine.names_->open(space->info.folder, deep ? path.substr(0, slash) : std::string_view());
  if (!folder) return nullptr;
  const auto entry = (*folder)->look(deep ? path.substr(slash + 1) : path);
  return entry && !*entry ? std::move(*folder) : nullptr;
}

Result<Guess> guess(TreeEngine &engine, const Ref &target, std::uint64_t size, const Sums &sums) {
  Guess guess;
  guess.folder = surely_new(engine, target);
  if (guess.folder) return guess;
  std::string parent_path, name;
  bool keeps = false;
  std::uint64_t sequence = 0;
  TRY(engine.reading_place(target, [&](IndexView &, Target &place) -> Result<void> {
    if (!place.row || place.row->folder()) return {};
    guess.id = place.row->id;
    parent_path = place.parent.path();
    name = place.name;
    keeps = VersionMove::wanted(engine, *place.row) && !same_bytes(*place.row, size, sums);
    sequence = place.row->sequence;
    return {};
  }));
  if (!guess.id) return guess;
  TRY_ASSIGN(const SpacePtr space, engine.serving(target.space));
  if (auto folder = engine.names_->open(space->info.folder, parent_path)) {
    TRY_ASSIGN(const auto entry, (*folder)->look(name));
    if (entry && entry->kind == EntryKind::File) guess.entry = entry;
    // Not under the writer lock: it may be large.
    if (guess.entry && keeps && !(engine.exchanges_ && (*folder)->quiet(name))) {
      TRY_ASSIGN(guess.copy, copy_version(engine, target.space, **folder, name, *guess.entry, *guess.id, sequence));
    }
  }
  return guess;
}

}  // namespace

Result<Node> put_file(TreeEngine &engine, Staged &staged, const FilePut &put, const Conditions &conditions) {
  WriterLock::Coming coming(engine.writer_);
  std::uint64_t staged_size = put.size;
  if (staged_size == kSizeUnknown) {
    TRY_ASSIGN(staged_size, staged.size());
  }
  TRY_ASSIGN(Guess guessed, guess(engine, put.target, staged_size, put.sums));
  Seal seal;
  seal.id = guessed.id.value_or(base::random_id<NodeId>());
  TRY_ASSIGN(seal.sequence, engine.sequences_->next());
  seal.mtime_ns = put.mtime_ns;
  seal.like = guessed.entry;
  seal.durable = engine.whole();
  TRY_ASSIGN(Entry sealed, staged.seal(seal));
  ATOLL_FAULT_POINT("put.sealed");

  return engine.changing<Node>(put.target.space, conditions, [&](Change &change) -> Result<Node> {
    TRY_ASSIGN(Target target, change.place(put.target));
    if (target.is_root() || (target.row && target.row->folder() && !put.replace_folder))
      return error(Status::FailedPrecondition, "there is a folder of that name");
    change.offer(std::move(guessed.folder));
    TRY_ASSIGN(Folder *const folder, change.open(target.parent));
    TRY(change.agree(*folder, target));
    if (put.only && (!target.row || target.row->id != *put.only))
      return error(Status::NotFound, "the file is not there any more");
    if (put.conditions_on_target) TRY(change.conditions_hold(target.row));
    if (target.row && put.create_only) return error(Status::AlreadyExists, target.name + " exists");
    const bool over_folder = target.row && target.row->folder();
    if (over_folder) {
      TRY(change.locks_admit_removal(target));
    } else {
      TRY(change.locks_admit(target.row ? target.way() : target.parent_way()));
    }
    const std::int64_t delta =
        static_cast<std::int64_t>(sealed.size) - static_cast<std::int64_t>(target.row ? target.row->size : 0);
    TRY(change.room_for(delta));

    const bool keeps_id = target.row && !over_folder;
    const bool id_taken = !keeps_id && guessed.id.has_value();
    if ((keeps_id && target.row->id != seal.id) || id_taken) {
      // Something else came to this name since the guess: seldom enough to pay for it under the lock.
      seal.id = keeps_id ? target.row->id : base::random_id<NodeId>();
      seal.mtime_ns = sealed.mtime_ns;
      TRY_ASSIGN(seal.sequence, change.next_sequence());
      TRY_ASSIGN(sealed, staged.seal(seal));
      ATOLL_FAULT_POINT("put.sealed_again");
    }
    const NodeId parent = target.parent.row.id;
    TRY(change.intend({parent}, Need::More));
    Onto onto = over_folder ? Onto::Exchange : target.row ? Onto::File : Onto::Nothing;
    std::optional<VersionMove> version;
    if (keeps_id && VersionMove::wanted(engine, *target.row) && !same_bytes(*target.row, sealed.size, put.sums)) {
      version.emplace(engine, change, target);
      TRY(version->note(*folder, staged, guessed.copy ? &*guessed.copy : nullptr, guessed.entry));
      if (version->moves()) onto = Onto::Exchange;
    }
    Follow follow(engine);
    if (put.copy_of && (put.copy_has_attributes || (keeps_id && target.row->has_attributes)))
      TRY(follow.note(*put.copy_of, target, put.target.space, sealed.inode));
    std::optional<TrashMove> trash;
    if (over_folder && engine.options_.trash.keep) {
      trash.emplace(engine, change, target);
      TRY(trash->note({Refuge::Kind::Staging, {}, std::string(staged.token())}));
    }
    auto placed = folder->place(staged, target.name, onto);
    if (!placed && version && version->moves() && cannot_exchange(placed.error())) {
      engine.exchanges_ = false;
      TRY(version->copy_instead(*folder));
      placed = folder->place(staged, target.name, Onto::File);
    } else if (!placed && over_folder && cannot_exchange(placed.error())) {
      if (!trash) {
        trash.emplace(engine, change, target);
        TRY(trash->note({Refuge::Kind::Staging, {}, std::string(staged.token())}));
      }
      placed = trash->place_instead(staged, *folder, sealed.inode);
    } else if (placed && trash) {
      TRY(trash->finish(staged, *folder, target.name));
    }
    if (!placed) return change.failed(std::move(placed).error(), parent);
    if (version) TRY(version->finish(staged, *folder));
    follow.placed();
    change.touched();
    ATOLL_FAULT_POINT("put.placed");

    Row row = keeps_id ? *target.row : Row();
    row.id = seal.id;
    row.parent = parent;
    row.name = target.name;
    row.type = NodeType::File;
    row.size = sealed.size;
    row.mtime_ns = sealed.mtime_ns;
    row.inode = sealed.inode;
    row.sequence = seal.sequence;
    row.sums = put.sums;
    if (put.copy_of) row.has_attributes = put.copy_has_attributes;
    if (version) version->done();
    if (trash) {
      TRY(trash->done());
    } else if (over_folder) {
      TRY(change.index().detach(target.row->id, Place::Limbo));
      ATOLL_FAULT_POINT("put.detached");
      engine.wake();
    }
    if (over_folder) TRY(change.note(ChangeKind::Removed, *target.row));
    if (keeps_id) {
      TRY(change.index().update(row));
    } else {
      TRY(change.index().insert(parent_key(parent), row));
    }
    ATOLL_FAULT_POINT("put.indexed");
    TRY(change.note(keeps_id ? ChangeKind::Content : ChangeKind::Created, row));
    TRY(change.changed(*folder, parent, delta));
    change.sync_later(*folder);
    const bool created = !target.row;
    target.row = row;
    const Node node = change.node(row, target.way(), created);
    const bool plain = !version && !trash && !over_folder && !follow.noted();
    TRY(plain ? change.leave(coming) : change.commit());
    if (follow.noted()) TRY(change.settle());
    TRY(follow.copy(row.id));
    return node;
  });
}

Result<void> write_staged(Staged &staged, std::uint64_t offset, std::string_view bytes) {
  TRY(staged.room_to(offset + bytes.size()));
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(staged.fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::errno_error("write what was uploaded");
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<Node> commit_staged(TreeEngine &engine, Staged &staged, const Ref &target, const UploadCommit &commit,
                           const Conditions &conditions) {
  ATOLL_FAULT_POINT("upload.written");
  TRY_ASSIGN(const std::uint64_t size, staged.size());
  if (commit.size != kSizeUnknown && commit.size != size)
    return error(Status::InvalidArgument,
                 "the upload has " + std::to_string(size) + " bytes, not " + std::to_string(commit.size));
  if (commit.verify && commit.sums.mask != 0) {
    TRY_ASSIGN(const Sums real, sums_of(staged.fd(), commit.sums.mask));
    if (!same_sums(commit.sums, real))
      return error(Status::InvalidArgument, "the checksum does not match what was uploaded");
  }
  FilePut put;
  put.target = target;
  put.mtime_ns = commit.mtime_ns;
  put.sums = commit.sums;
  put.size = size;
  return put_file(engine, staged, put, conditions);
}

Result<void> foresee_upload(TreeEngine &engine, const Ref &target, std::uint64_t size, const Conditions &conditions,
                            std::uint64_t *replaced) {
  TRY_ASSIGN(const SpacePtr space, engine.serving(target.space));
  TRY(engine.state_.room(Need::More));
  return engine.reading_place(target, [&](IndexView &view, Target &found) -> Result<void> {
    if (found.row && found.row->folder()) return error(Status::FailedPrecondition, "there is a folder of that name");
    TRY(conditions_hold(conditions, found.row));
    TRY(engine.locks_->admit(target.space, found.row ? found.way() : found.parent_way(),
                             LockCaller{conditions.lock_tokens, conditions.account}));
    TRY(name_allowed(view, *space, found));
    const std::uint64_t before = found.row ? found.row->size : 0;
    if (replaced != nullptr) *replaced = before;
    if (size == kSizeUnknown || size >= (std::uint64_t{1} << 62)) return {};
    return space_room(view, *space, static_cast<std::int64_t>(size) - static_cast<std::int64_t>(before));
  });
}

Result<std::unique_ptr<Upload>> TreeEngine::upload_begin(const Ref &target, std::uint64_t size,
                                                         const Conditions &conditions, std::string_view metadata) {
  if (target.path.empty()) return error(Status::FailedPrecondition, "there is a folder of that name");
  if (!metadata.empty()) return begin_kept(*this, target, size, conditions, metadata);
  TRY_ASSIGN(const SpacePtr space, serving(target.space));
  if (size > kSmallUpload) TRY(foresee_upload(*this, target, size, conditions));
  if (size == 0) TRY(store_->reserve(1));
  TRY_ASSIGN(auto staged, store_->stage_file(target.space, size));
  ATOLL_FAULT_POINT("upload.staged");
  return std::unique_ptr<Upload>(std::make_unique<TreeUpload>(*this, target, std::move(staged), size != kSizeUnknown));
}

}  // namespace Atoll::tree
