// SPDX-License-Identifier: Apache-2.0
// atoll.storage.fs.care/1 and atoll.storage.fs.move/1.
#include "core/tree/care.hpp"
#include "plugins/storage-posix/storage_posix.hpp"

#include <filesystem>

namespace Atoll::storage_posix {
namespace {

void emit_count(const CareEmitter &sink, std::string_view code, std::uint64_t count) {
  auto record = sized<atoll_care_record>();
  record.kind = ATOLL_CARE_RESULT;
  record.code = str(code);
  record.done = count;
  sink(record);
}

void emit_text(const CareEmitter &sink, std::string_view code, std::string_view text) {
  auto record = sized<atoll_care_record>();
  record.kind = ATOLL_CARE_RESULT;
  record.code = str(code);
  record.text = str(text);
  sink(record);
}

/// What the engine says, as records of the ABI.
class Lines {
 public:
  explicit Lines(const CareEmitter &sink) : sink_(sink) {}
  bool operator()(const tree::CareLine &line) const {
    auto record = sized<atoll_care_record>();
    // tree::CareLine::Kind has the values of ATOLL_CARE_*.
    record.kind = static_cast<std::uint32_t>(line.kind);
    record.repaired = line.repaired ? 1 : 0;
    record.code = str(line.code);
    record.path = str(line.path);
    record.node = to_abi(line.node);
    record.text = str(line.text);
    record.done = line.done;
    return sink_(record);
  }

 private:
  const CareEmitter &sink_;
};

}  // namespace

Result<void> StoragePosix::care_check(const Call &, const SpaceId &space, std::uint32_t flags,
                                      std::uint64_t entries_per_second, const CareEmitter &sink) {
  tree::CheckOptions options;
  options.repair = (flags & ATOLL_CARE_REPAIR) != 0;
  options.entries_per_second = entries_per_second;
  auto checked = tree::Care(*engine_).check(space, options, Lines(sink));
  if (!checked) return std::move(checked).error();
  emit_count(sink, "nodes", checked->nodes);
  emit_count(sink, "findings", checked->findings);
  emit_count(sink, "repaired", checked->repaired);
  if (!checked->undo_log.empty()) emit_text(sink, "undo_log", checked->undo_log);
  return {};
}

Result<void> StoragePosix::care_rebuild(const Call &, const SpaceId &space, const CareEmitter &sink) {
  return tree::Care(*engine_).rebuild(space, Lines(sink));
}

Result<void> StoragePosix::care_snapshot(const Call &, const SpaceId &space, std::string_view folder,
                                         const CareEmitter &sink) {
  // A snapshot inside of the storage would be part of the next one.
  std::error_code failure;
  const auto goal = std::filesystem::weakly_canonical(std::filesystem::path(folder), failure);
  const auto root = std::filesystem::weakly_canonical(root_, failure);
  const auto inside = goal.lexically_relative(root);
  if (!inside.empty() && *inside.begin() != "..")
    return error(Status::InvalidArgument, "the folder of a snapshot cannot be inside of the storage " + root_);
  auto taken = tree::Care(*engine_).snapshot(space, std::string(folder), Lines(sink));
  if (!taken) return std::move(taken).error();
  emit_count(sink, "files", taken->files);
  emit_count(sink, "folders", taken->folders);
  emit_count(sink, "bytes", taken->bytes);
  return {};
}

Result<void> StoragePosix::care_restore(const Call &, const SpaceId &space, std::string_view folder,
                                        std::string_view path, const CareEmitter &sink) {
  auto restored = tree::Care(*engine_).restore(space, std::string(folder), path, Lines(sink));
  if (!restored) return std::move(restored).error();
  emit_count(sink, "written", restored->written);
  emit_count(sink, "moved", restored->moved);
  emit_count(sink, "removed", restored->removed);
  emit_count(sink, "same", restored->same);
  return {};
}

Result<void> StoragePosix::care_confirm(const Call &, const SpaceId &space) { return engine_->confirm_removals(space); }

Result<void> StoragePosix::care_names(const Call &, const SpaceId &space, std::string_view rule,
                                      const CareEmitter &sink) {
  if (!rule.empty()) {
    if (rule != "exact" && rule != "unique")
      return error(Status::InvalidArgument, "the rule is exact or unique, not '" + std::string(rule) + "'");
    auto set = engine_->space_set_names(space, rule == "unique" ? tree::NameRule::Unique : tree::NameRule::Exact);
    if (!set) return set;
  }
  auto found = engine_->space_get(space);
  if (!found) return std::move(found).error();
  emit_text(sink, "names", found->names == tree::NameRule::Unique ? "unique" : "exact");
  return {};
}

Result<void> StoragePosix::move_receive(const Call &, const SpaceId &space, StoragePosix &from,
                                        const CareEmitter &sink) {
  auto moved = tree::Care(*engine_).receive(space, *from.engine_, Lines(sink));
  if (!moved) return std::move(moved).error();
  emit_count(sink, "files", moved->files);
  emit_count(sink, "folders", moved->folders);
  emit_count(sink, "bytes", moved->bytes);
  emit_count(sink, "trash", moved->trash);
  emit_count(sink, "versions", moved->versions);
  emit_count(sink, "left", moved->left);
  if (moved->left != 0) emit_text(sink, "left_in", from.root_ + "/" + moved->left_in);
  return {};
}

Result<void> StoragePosix::move_settle(const Call &, const SpaceId &space, bool here) {
  return tree::Care(*engine_).settle_move(space, here);
}

Result<void> StoragePosix::move_unsettled(const Call &, const CareEmitter &sink) {
  auto spaces = tree::Care(*engine_).unsettled_moves();
  if (!spaces) return std::move(spaces).error();
  for (const SpaceId &space : *spaces) {
    auto record = sized<atoll_care_record>();
    record.kind = ATOLL_CARE_RESULT;
    record.node = to_abi(space);
    sink(record);
  }
  return {};
}

}  // namespace Atoll::storage_posix
