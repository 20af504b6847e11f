// SPDX-License-Identifier: Apache-2.0
#include "core/tree/trash_move.hpp"

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {

Uuid trash_id(std::int64_t now_ns, bool nil_tail) {
  std::array<std::uint8_t, 16> bytes{};
  if (!nil_tail) base::random_bytes(std::span(bytes).subspan(8));
  const std::uint64_t now = now_ns > 0 ? static_cast<std::uint64_t>(now_ns) : 0;
  const std::uint64_t milliseconds = now / 1'000'000, fraction = (now % 1'000'000) * 4096 / 1'000'000;
  for (int i = 0; i < 6; ++i)
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
  bytes[6] = static_cast<std::uint8_t>(0x70 | (fraction >> 8));
  bytes[7] = static_cast<std::uint8_t>(fraction);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | (nil_tail ? 0 : 0x80));
  return Uuid(bytes);
}

TrashMove::TrashMove(TreeEngine &engine, Change &change, const Target &gone)
    : engine_(engine), change_(change), gone_(gone) {}

TrashMove::~TrashMove() {
  if (!noted_ || kept_) return;
  if (auto done = engine_.meta_->remove_trash({&record_.id, 1}); !done) engine_.log(true, done.error().message);
}

Result<void> TrashMove::note(Refuge refuge) {
  const Row &row = *gone_.row;
  record_.removed_ns = engine_.now_ns();
  record_.id = trash_id(record_.removed_ns);
  record_.space = change_.space().info.id;
  record_.node = row.id;
  record_.parent = gone_.parent.row.id;
  record_.path = gone_.parent.path();
  record_.name = gone_.name;
  record_.type = row.type;
  record_.size = row.size;
  record_.mtime_ns = row.mtime_ns;
  record_.account = change_.conditions().account.value_or(AccountId());
  record_.inode = row.inode;
  record_.round = engine_.kept_round();
  record_.refuge = std::move(refuge);
  TRY_ASSIGN(auto folder, engine_.names_->kept(record_.space, "trash", true));
  folder_ = &change_.keep(std::move(folder));
  ATOLL_FAULT_POINT("trash.folder");
  TRY(change_.record(record_));
  name_ = record_.id.text();
  noted_ = true;
  ATOLL_FAULT_POINT("trash.noted");
  return {};
}

Result<void> TrashMove::finish(FunctionRef<Result<void>()> move, FunctionRef<Result<void>()> back) {
  ATOLL_FAULT_POINT("trash.exchanged");
  auto moved = move();
  if (moved) {
    ATOLL_FAULT_POINT("trash.moved");
    change_.touched();
    return {};
  }
  if (back()) return moved;
  stays();  // the record says where the next start finds it
  change_.touched();
  return moved;
}

Result<void> TrashMove::finish(Staged &staged, Folder &folder, std::string_view name) {
  auto done = finish([&] { return folder_->place(staged, name_, Onto::Nothing); },
                     [&] { return folder.place(staged, name, Onto::Exchange); });
  if (!done && kept_) staged.leave();
  return done;
}

Result<void> TrashMove::instead(Folder &folder, std::uint64_t inode, FunctionRef<Result<void>()> come) {
  engine_.exchanges_ = false;
  Intent swap;
  swap.kind = Intent::Kind::Swap;
  swap.space = record_.space;
  swap.folder = record_.id.as<NodeTag>();
  swap.path = record_.path;
  swap.name = record_.name;
  swap.inode = inode;
  TRY(engine_.meta_->add_intents({&swap, 1}));
  ATOLL_FAULT_POINT("swap.noted");
  if (auto gone = folder.move(record_.name, *folder_, name_, Onto::Nothing); !gone) return close(std::move(gone));
  ATOLL_FAULT_POINT("swap.aside");
  // Should the second step survive a power cut without the first one, nothing would have the old entry any more.
  auto came = sync(folder);
  if (came) came = come();
  if (!came) {
    back_to(folder);
    if (auto synced = sync(folder); !synced) engine_.log(true, synced.error().message);
    return close(std::move(came));
  }
  ATOLL_FAULT_POINT("swap.came");
  change_.touched();
  auto settled = sync(folder);
  if (settled && !engine_.options_.trash.keep) {
    settled = engine_.meta_->set_trash_state(record_.id, TrashState::Purging, record_.round);
    purged_ = settled.ok();
    ATOLL_FAULT_POINT("swap.purged");
  }
  // Closed before anybody can change one of the two names: after that the intent would say something else.
  auto closed = close(std::move(settled));
  if (purged_)
    kept_ = true;
  else if (!closed)
    stays();
  ATOLL_FAULT_POINT("swap.closed");
  return closed;
}

Result<void> TrashMove::place_instead(Staged &staged, Folder &folder, std::uint64_t inode) {
  return instead(folder, inode, [&] { return folder.place(staged, record_.name, Onto::Nothing); });
}

Result<void> TrashMove::sync(Folder &folder) {
  if (!engine_.durable()) return {};
  TRY(folder_->sync());
  return folder.sync();
}

Result<void> TrashMove::close(Result<void> done) {
  auto closed = engine_.meta_->close_swap_intents(record_.space, record_.id);
  if (!done && !closed) engine_.log(true, closed.error().message);
  return done ? std::move(closed) : std::move(done);
}

void TrashMove::back_to(Folder &folder) {
  change_.touched();
  // Unless somebody else has taken the name. The rows follow when the folder is compared.
  if (!folder_->move(name_, folder, record_.name, Onto::Nothing)) stays();
}

void TrashMove::stays() {
  kept_ = true;
  change_.space().trash_bytes += record_.size;
}

Result<void> TrashMove::done() {
  change_.sync_later(*folder_);
  if (!purged_) stays();  // it is there from now on, whatever comes of the index
  TRY(change_.index().attach(record_.node, parent_key(Place::Trash), name_));
  ATOLL_FAULT_POINT("trash.attached");
  engine_.wake();
  return {};
}

}  // namespace Atoll::tree
