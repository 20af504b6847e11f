// SPDX-License-Identifier: Apache-2.0
// atoll.storage.fs.changes/1, and the event that wakes its readers.
#include "plugins/storage-posix/storage_posix.hpp"

namespace Atoll::storage_posix {

void StoragePosix::wake_readers(const Host &host) {
  const auto *events = host.query<atoll_events_service>(ATOLL_SERVICE_EVENTS);
  if (events == nullptr) return;
  engine_->changes_listen([events, context = host.raw()->context](const SpaceId &space) {
    auto event = sized<atoll_event>();
    event.kind = str(ATOLL_EVENT_SPACE_CHANGED);
    event.space = to_abi(space);
    events->publish(context, &event);
  });
}

Result<std::string> StoragePosix::changes_now(const Call &, const SpaceId &space) {
  return engine_->changes_now(space);
}

Result<std::string> StoragePosix::changes_since(const Call &, const SpaceId &space, std::string_view token,
                                                std::uint64_t limit, const ChangeEmitter &sink, bool &more) {
  auto end = engine_->changes_since(space, token, limit, [&](const tree::ChangeRow &row) {
    // tree::ChangeKind and tree::NodeType have the values of ATOLL_CHANGE_* and ATOLL_NODE_*.
    auto change = sized<atoll_change>();
    change.kind = static_cast<std::uint32_t>(row.kind);
    change.type = static_cast<std::uint32_t>(row.type);
    change.node = to_abi(row.node);
    change.parent = to_abi(row.parent);
    change.old_parent = to_abi(row.old_parent);
    change.name = str(row.name);
    change.position = row.position;
    change.time_ns = row.time_ns;
    return sink(change);
  });
  if (!end) return std::move(end).error();
  more = end->more;
  return std::move(end->token);
}

Result<std::string> StoragePosix::changes_cursor(const Call &, const SpaceId &space, std::string_view consumer) {
  return engine_->changes_cursor(space, consumer);
}

Result<void> StoragePosix::changes_keep(const Call &, const SpaceId &space, std::string_view consumer,
                                        std::string_view token) {
  return engine_->changes_keep_cursor(space, consumer, token);
}

Result<void> StoragePosix::changes_forget(const Call &, std::string_view consumer) {
  return engine_->changes_forget(consumer);
}

}  // namespace Atoll::storage_posix
