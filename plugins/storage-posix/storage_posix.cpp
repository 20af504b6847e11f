// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage-posix/storage_posix.hpp"

#include "core/tree/posix_store.hpp"
#include "plugins/storage-posix/convert.hpp"
#include "plugins/storage-posix/handles.hpp"

#include <algorithm>
#include <filesystem>

namespace Atoll::storage_posix {
namespace {

/// Emits the record of a change, or hands its error on.
Result<void> answer(Result<tree::Node> node, const StatEmitter &sink) {
  if (!node) return std::move(node).error();
  emit(sink, *node, node->name);
  return {};
}

Result<tree::Durability> durability_of(const std::string &word) {
  if (word == "power-cut") return tree::Durability::PowerCut;
  if (word == "crash") return tree::Durability::Crash;
  if (word == "none") return tree::Durability::None;
  return error(Status::InvalidArgument, "durability is power-cut, crash or none, not '" + word + "'");
}

Result<void> make_folder(const std::string &path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (!failure) return {};
  return error(Status::Unavailable, "cannot make the folder " + path + ": " + failure.message());
}

/// A duration of the configuration in seconds.
unsigned seconds(const Host &host, const char *key, unsigned otherwise) {
  const std::int64_t nanoseconds = host.integer(key, std::int64_t{otherwise} * 1'000'000'000);
  return static_cast<unsigned>(std::clamp<std::int64_t>(nanoseconds / 1'000'000'000, 0, 1u << 30));
}

}  // namespace

Result<std::unique_ptr<StoragePosix>> StoragePosix::create(const Call &, const Host &host) {
  Settings settings;
  auto durability = durability_of(host.text("durability", "power-cut"));
  if (!durability) return std::move(durability).error();
  settings.durability = *durability;
  settings.external_writers = host.integer("external_writers", 1) != 0;
  settings.verify = host.integer("verify_checksums", 0) != 0;

  tree::PosixOptions posix;
  posix.root = host.text("root", "");
  posix.file_mode = static_cast<std::uint32_t>(host.integer("file_mode", 0640)) & 0777;
  posix.dir_mode = (static_cast<std::uint32_t>(host.integer("dir_mode", 0750)) & 0777) | 0700;
  posix.reserve = static_cast<std::uint64_t>(host.integer("reserve", 0));
  const std::string state_path = host.text("state_dir", "");
  if (posix.root.empty() || state_path.empty()) return error(Status::InvalidArgument, "root and state_dir must be set");

  tree::EngineOptions options;
  options.durability = settings.durability;
  const auto quota = static_cast<std::uint64_t>(host.integer("quota_default", 0));
  options.quota_default = quota == 0 ? tree::kNoQuota : quota;
  options.readers = static_cast<unsigned>(std::max<std::int64_t>(1, host.integer("readers", 16)));
  options.revalidate = settings.external_writers;
  options.mass_delete_share =
      static_cast<unsigned>(std::clamp<std::int64_t>(host.integer("mass_delete_share", 50), 0, 100));
  const std::string names = host.text("names", "exact");
  if (names != "exact" && names != "unique")
    return error(Status::InvalidArgument, "names is exact or unique, not '" + names + "'");
  options.names = names == "unique" ? tree::NameRule::Unique : tree::NameRule::Exact;
  options.beside.enabled = settings.external_writers;
  options.beside.watch_folders =
      static_cast<std::size_t>(std::clamp<std::int64_t>(host.integer("watch_folders", 50000), 0, 10'000'000));
  options.beside.crawl_rate =
      static_cast<unsigned>(std::clamp<std::int64_t>(host.integer("crawl_rate", 2000), 1, 10'000'000));
  options.beside.crawl_interval_s = seconds(host, "crawl_interval", 3600);
  options.beside.poll_interval_s = std::max(1u, seconds(host, "poll_interval", 30));
  options.checksum_rate = static_cast<std::uint64_t>(std::max<std::int64_t>(0, host.integer("checksum_rate", 0)));
  options.max_lock_seconds = static_cast<std::uint64_t>(
      std::max<std::int64_t>(1, host.integer("lock_timeout", 86400'000'000'000) / 1'000'000'000));
  options.upload_seconds = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, host.integer("upload_expiry", 7 * 86400'000'000'000) / 1'000'000'000));
  options.change_log.age_seconds = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, host.integer("changes_age", 30 * 86400'000'000'000) / 1'000'000'000));
  options.change_log.rows =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, host.integer("changes_rows", 100'000)));
  const auto seconds = [&](const char *key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, host.integer(key, 0)) / 1'000'000'000);
  };
  const auto limit = [&](const char *key) {
    const auto bytes = static_cast<std::uint64_t>(host.integer(key, 0));
    return bytes == 0 ? std::nullopt : std::optional<std::uint64_t>(bytes);
  };
  options.trash.keep = host.integer("trash", 1) != 0;
  options.trash.seconds = seconds("trash_age");
  options.trash.bytes = limit("trash_size");
  options.versions.keep = host.integer("versions", 1) != 0;
  options.versions.count = static_cast<unsigned>(std::max<std::int64_t>(0, host.integer("versions_count", 100)));
  options.versions.seconds = seconds("versions_age");
  options.versions.bytes = limit("versions_size");
  options.versions.thin = host.integer("versions_thin", 1) != 0;
  options.log = [host](bool warning, const std::string &message) {
    host.log(warning ? ATOLL_LOG_WARNING : ATOLL_LOG_INFO, message);
  };

  if (auto made = make_folder(state_path); !made) return std::move(made).error();
  auto state = tree::StateDir::open(state_path);
  if (!state) return std::move(state).error();
  state->keep_free(posix.reserve);
  if (state->first_start()) {
    if (auto made = make_folder(posix.root); !made) return std::move(made).error();
  }
  auto root = tree::PosixRoot::open(posix, *state);
  if (!root) return std::move(root).error();
  auto found = (*root)->probe();
  if (!found) return std::move(found).error();
  host.log(ATOLL_LOG_INFO, "storage root " + posix.root + ": " + found->text());
  if (!found->attributes)
    host.log(
        ATOLL_LOG_WARNING,
        "the file system of " + posix.root +
            " keeps no extended attributes: ids live in identities.db of state_dir; back it up as well, and do not "
            "copy the files to where they get other inode numbers");
  if (found->folds_case || found->folds_forms)
    host.log(ATOLL_LOG_WARNING, "the file system of " + posix.root +
                                    " takes names that differ only in case or normal form for one: in all spaces a "
                                    "second such name is refused");
  auto engine = tree::Engine::open(std::move(options), std::move(*state), std::make_unique<tree::PosixNamespace>(*root),
                                   std::make_unique<tree::PosixStore>(*root));
  if (!engine) return std::move(engine).error();
  std::unique_ptr<StoragePosix> made(new StoragePosix(std::move(*engine), settings, posix.root));
  made->wake_readers(host);
  return made;
}

void StoragePosix::stop() { engine_->close(); }

Result<void> StoragePosix::capabilities(const Call &, atoll_storage_caps &caps) {
  caps.durability = to_abi(settings_.durability);
  caps.copy = ATOLL_CAPABILITY_NATIVE;
  caps.fd_read = ATOLL_CAPABILITY_NATIVE;
  caps.fd_write = ATOLL_CAPABILITY_NATIVE;
  caps.external_writers = settings_.external_writers ? 1 : 0;
  caps.max_name_bytes = 255;
  return {};
}

Result<void> StoragePosix::health(const Call &) { return engine_->health(); }

Result<void> StoragePosix::space_create(const Call &, const atoll_space &space) {
  tree::SpaceSpec spec;
  spec.id = from_abi<SpaceId>(space.id);
  spec.type = space.type == ATOLL_SPACE_PERSONAL ? tree::SpaceType::Personal : tree::SpaceType::Project;
  spec.birth = from_abi<Uuid>(space.birth);
  spec.owner = from_abi<AccountId>(space.owner);
  spec.name = view(space.name);
  if (space.quota != ATOLL_QUOTA_NONE && space.quota != 0) spec.quota = space.quota;
  return engine_->space_create(spec);
}

Result<void> StoragePosix::space_get(const Call &, const SpaceId &space, const SpaceEmitter &sink) {
  auto found = engine_->space_get(space);
  if (!found) return std::move(found).error();
  emit(sink, *found);
  return {};
}

Result<void> StoragePosix::space_list(const Call &, const SpaceEmitter &sink) {
  return engine_->space_list([&](const tree::SpaceInfo &found) { return emit(sink, found); });
}

Result<void> StoragePosix::space_roots(const Call &, const std::vector<SpaceId> &spaces, const SpaceEmitter &sink) {
  return engine_->space_roots(spaces, [&](const tree::SpaceInfo &found) { return emit(sink, found); });
}

Result<void> StoragePosix::space_set_quota(const Call &, const SpaceId &space, std::uint64_t quota) {
  return engine_->space_set_quota(space, quota);
}

Result<void> StoragePosix::space_remove(const Call &, const SpaceId &space) { return engine_->space_remove(space); }

Result<void> StoragePosix::stat(const Call &, const RefView &ref, const StatEmitter &sink) {
  return answer(engine_->stat(to_ref(ref)), sink);
}

Result<void> StoragePosix::list(const Call &, const RefView &ref, std::string_view after, std::uint64_t limit,
                                const StatEmitter &sink) {
  return engine_->list(to_ref(ref), after, limit,
                       [&](const tree::NodeView &node) { return emit(sink, node, node.name); });
}

Result<void> StoragePosix::path_of(const Call &, const SpaceId &space, const NodeId &node, const StatEmitter &sink) {
  return engine_->path_of(space, node, [&](const tree::NodeView &step) { return emit(sink, step, step.name); });
}

Result<void> StoragePosix::mkdir(const Call &call, const RefView &ref, const StatEmitter &sink) {
  const CallConditions conditions(call);
  return answer(engine_->mkdir(to_ref(ref), conditions.get()), sink);
}

Result<void> StoragePosix::rename(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                  const StatEmitter &sink) {
  const CallConditions conditions(call);
  return answer(engine_->rename(to_ref(from), to_ref(to), (flags & ATOLL_REPLACE) != 0, conditions.get()), sink);
}

Result<void> StoragePosix::copy(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                const StatEmitter &sink) {
  const CallConditions conditions(call);
  return answer(engine_->copy(to_ref(from), to_ref(to), (flags & ATOLL_REPLACE) != 0, (flags & ATOLL_SHALLOW) != 0,
                              conditions.get()),
                sink);
}

Result<void> StoragePosix::remove(const Call &call, const RefView &ref, std::uint32_t flags) {
  const CallConditions conditions(call);
  return engine_->remove(to_ref(ref), conditions.get(), (flags & ATOLL_PERMANENT) != 0);
}

Result<void> StoragePosix::set_mtime(const Call &call, const RefView &ref, std::int64_t mtime_ns,
                                     const StatEmitter &sink) {
  const CallConditions conditions(call);
  return answer(engine_->set_mtime(to_ref(ref), mtime_ns, conditions.get()), sink);
}

Result<std::unique_ptr<ReadHandle>> StoragePosix::open_read(const Call &, const RefView &ref, const StatEmitter &sink) {
  auto file = engine_->open_read(to_ref(ref));
  if (!file) return std::move(file).error();
  emit(sink, file->node, file->node.name);
  return std::unique_ptr<ReadHandle>(std::make_unique<OpenFileHandle>(std::move(*file), settings_.external_writers));
}

Result<std::unique_ptr<UploadHandle>> StoragePosix::upload_begin(const Call &call, const RefView &target,
                                                                 std::uint64_t size, std::string_view metadata) {
  const CallConditions conditions(call);
  auto upload = engine_->upload_begin(to_ref(target), size, conditions.get(), metadata);
  if (!upload) return std::move(upload).error();
  return std::unique_ptr<UploadHandle>(std::make_unique<TreeUploadHandle>(std::move(*upload), settings_.verify));
}

Result<std::unique_ptr<ListingHandle>> StoragePosix::list_open(const Call &, const RefView &ref) {
  auto listing = engine_->list_begin(to_ref(ref));
  if (!listing) return std::move(listing).error();
  return std::unique_ptr<ListingHandle>(std::make_unique<TreeListingHandle>(std::move(*listing)));
}

Result<void> StoragePosix::attributes_get(const Call &, const RefView &ref, const AttributeEmitter &sink) {
  return engine_->attributes(to_ref(ref), [&](std::string_view ns, std::string_view name, std::string_view value) {
    auto record = sized<atoll_attribute>();
    record.namespace_ = str(ns);
    record.name = str(name);
    record.value = atoll_bytes{value.data(), value.size()};
    return sink(record);
  });
}

Result<void> StoragePosix::attributes_patch(const Call &call, const RefView &ref,
                                            const std::vector<atoll_attribute> &changes) {
  std::vector<tree::AttributeChange> wanted;
  wanted.reserve(changes.size());
  for (const atoll_attribute &change : changes) {
    tree::AttributeChange one{view(change.namespace_), view(change.name), std::nullopt};
    if (change.remove == 0)
      one.value.emplace(static_cast<const char *>(change.value.ptr), static_cast<std::size_t>(change.value.len));
    wanted.push_back(one);
  }
  const CallConditions conditions(call);
  return engine_->attributes_patch(to_ref(ref), wanted, conditions.get());
}

Result<void> StoragePosix::lock(const Call &call, const RefView &ref, const atoll_lock &wanted,
                                const LockEmitter &sink) {
  tree::Lock lock;
  if (wanted.kind < ATOLL_LOCK_EXCLUSIVE || wanted.kind > ATOLL_LOCK_WRITE)
    return error(Status::InvalidArgument, "this storage knows no lock of kind " + std::to_string(wanted.kind));
  lock.kind = static_cast<tree::LockKind>(wanted.kind);  // the numbers are the same
  lock.deep = wanted.deep != 0;
  lock.owner = view(wanted.owner);
  lock.account = from_abi<AccountId>(wanted.account);
  lock.account_name = view(wanted.account_name);
  const CallConditions conditions(call);
  auto made = engine_->lock(to_ref(ref), lock, wanted.timeout_s, conditions.get());
  if (!made) return std::move(made).error();
  emit(sink, *made);
  return {};
}

Result<void> StoragePosix::lock_refresh(const Call &call, const RefView &ref, std::string_view token,
                                        std::uint64_t timeout_s, const LockEmitter &sink) {
  auto lock = engine_->lock_refresh(to_ref(ref), token, timeout_s, account_of(call));
  if (!lock) return std::move(lock).error();
  emit(sink, *lock);
  return {};
}

Result<void> StoragePosix::unlock(const Call &call, const RefView &ref, std::string_view token) {
  return engine_->unlock(to_ref(ref), token, account_of(call));
}

Result<void> StoragePosix::locks(const Call &, const RefView &ref, const LockEmitter &sink) {
  auto held = engine_->locks(to_ref(ref));
  if (!held) return std::move(held).error();
  for (const tree::Lock &lock : *held)
    if (!emit(sink, lock)) break;
  return {};
}

}  // namespace Atoll::storage_posix
