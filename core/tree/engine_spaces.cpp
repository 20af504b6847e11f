// SPDX-License-Identifier: Apache-2.0
// The spaces of a provider.
#include "core/base/text.hpp"
#include "core/sql/damage.hpp"
#include "core/tree/change.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

namespace Atoll::tree {
namespace {

SpacePtr make_space(const SpaceInfo &info) {
  auto space = std::make_shared<Space>();
  space->info = info;
  space->quota = info.quota;
  return space;
}

Error recovering() {
  Error failure = error(Status::Unavailable, "the space is being compared with its files after an unclean end");
  failure.retry_after_ms = 2000;
  return failure;
}

std::string names_note(const SpaceId &space) { return "names." + space.text(); }

}  // namespace

Result<NameRule> TreeEngine::rule_of(const SpaceId &space) {
  if (names_->folds_names()) return NameRule::Unique;
  TRY_ASSIGN(const std::string text, meta_->note(names_note(space)));
  return text == "unique" ? NameRule::Unique : NameRule::Exact;
}

Result<void> TreeEngine::space_set_names(const SpaceId &id, NameRule rule) {
  TRY_ASSIGN(const SpacePtr space, serving(id));
  if (rule == NameRule::Exact && names_->folds_names())
    return error(Status::FailedPrecondition, "the file system takes such names for one");
  const Caring caring(space);
  TRY(caring.mine());
  const NameRule before = space->names;
  const bool look = rule == NameRule::Unique && before == NameRule::Exact;
  if (look) TRY(names_differ(*space));
  auto set = [&](NameRule to) -> Result<void> {
    const std::lock_guard guard(writer_);
    TRY(changeable(*space));
    space->names = to;
    return {};
  };
  TRY(set(rule));
  // From now on no other one is made; what was made since the first look is found by the second.
  auto kept = look ? names_differ(*space) : Result<void>();
  if (kept) {
    const std::lock_guard guard(writer_);
    kept = changeable(*space);
    if (kept) kept = meta_->set_note(names_note(id), rule == NameRule::Unique ? "unique" : "");
  }
  if (!kept) space->names = before;
  return kept;
}

SpacePtr TreeEngine::known(const SpaceId &space) const {
  const std::shared_lock guard(spaces_mutex_);
  const auto found = spaces_.find(space);
  return found == spaces_.end() ? nullptr : found->second;
}

std::vector<SpacePtr> TreeEngine::all_spaces() const {
  std::vector<SpacePtr> all;
  const std::shared_lock guard(spaces_mutex_);
  all.reserve(spaces_.size());
  for (const auto &[id, space] : spaces_) all.push_back(space);
  return all;
}

Result<SpacePtr> TreeEngine::serving(const SpaceId &space) {
  TRY(names_->prove(false));
  SpacePtr found;
  {
    const std::shared_lock guard(spaces_mutex_);
    if (const auto at = spaces_.find(space); at != spaces_.end()) found = at->second;
    // A request that was on its way when the space moved is no proof of anything.
    else if (departed_.contains(space))
      return Error{Status::Unavailable, "the space lives on another storage now", 0, 1000};
  }
  if (!found) return error(Status::NotFound, "there is no such space");
  if (const std::uint64_t damages = sql::damages(); damages != damages_seen_.load(std::memory_order_relaxed)) {
    damages_seen_ = damages;
    wake();
  }
  if (!found->ready.load(std::memory_order_acquire)) return recovering();
  TRY(not_held(*found));
  return found;
}

Result<void> TreeEngine::space_create(const SpaceSpec &spec) {
  if (spec.id.none()) return error(Status::InvalidArgument, "a space needs an id");
  if (spec.name.size() > 1024 || !base::valid_utf8(spec.name))
    return error(Status::InvalidArgument, "the name of a space is valid UTF-8 of at most 1024 bytes");
  const std::lock_guard making(making_);
  if (known(spec.id)) return {};
  TRY(names_->prove(true));
  {
    // A space of that id which was removed, or whose creation was refused, a moment ago.
    TRY_ASSIGN(const auto record, meta_->space(spec.id));
    if (record && record->removing) TRY(finish_removing(*record));
    TRY(clear_limbo_of(root_of(spec.id)));
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const auto taken, index_->by_id(root_of(spec.id)));
    if (taken) return error(Status::FailedPrecondition, "the id of the space is that of a node");
  }
  auto taken = [&](std::string_view base) {
    const std::shared_lock guard(spaces_mutex_);
    for (const auto &[id, space] : spaces_)
      if (base::iequals(space->info.folder, base)) return true;
    return false;
  };
  SpaceRecord record;
  record.info.id = spec.id;
  record.info.type = spec.type;
  record.info.birth = spec.birth.none() ? spec.id.as<AnyTag>() : spec.birth;
  record.info.owner = spec.owner;
  record.info.name = spec.name;
  record.info.quota = spec.quota.value_or(options_.quota_default);
  record.making = true;
  TRY_ASSIGN(record.info.folder, names_->choose_space_folder(spec, taken));
  if (options_.names == NameRule::Unique) TRY(meta_->set_note(names_note(spec.id), "unique"));
  TRY(meta_->put_space(record));
  ATOLL_FAULT_POINT("space.noted");
  if (auto done = finish_making(record); !done) {
    // What was refused is not made by the next start either.
    if (auto undone = forget_making(spec.id); !undone) log(true, undone.error().message);
    return done;
  }
  ATOLL_FAULT_POINT("space.made");
  const SpacePtr made = make_space(record.info);
  TRY_ASSIGN(made->names, rule_of(spec.id));
  {
    const std::unique_lock guard(spaces_mutex_);
    spaces_[spec.id] = made;
    departed_.erase(spec.id);
  }
  // A folder that was there already, with what is in it.
  return reconcile(known(spec.id), root_of(spec.id), true);
}

Result<void> TreeEngine::finish_removing(const SpaceRecord &record) {
  TRY(names_->remove_space(record.info.id, record.info.folder));
  ATOLL_FAULT_POINT("start.space_folder_gone");
  {
    const std::lock_guard guard(writer_);
    TRY(detach_space(record.info.id));
  }
  TRY(meta_->remove_space(record.info.id));
  ATOLL_FAULT_POINT("start.space_gone");
  wake();
  return {};
}

Result<void> TreeEngine::forget_making(const SpaceId &id) {
  TRY(meta_->remove_space(id));
  const std::lock_guard guard(writer_);
  TRY_ASSIGN(auto transaction, index_->begin_write(id));
  TRY_ASSIGN(const auto root, index_->by_id(root_of(id)));
  if (root) TRY(index_->detach(root_of(id), Place::Limbo));
  return transaction.commit();
}

Result<void> TreeEngine::finish_making(SpaceRecord &record) {
  TRY(names_->make_space(record.info.id, record.info.folder));
  ATOLL_FAULT_POINT("space.folder_made");
  {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(const auto root, index_->by_id(root_of(record.info.id)));
    if (!root) {
      TRY_ASSIGN(const std::uint64_t sequence, sequences_->next());
      TRY_ASSIGN(auto transaction, index_->begin_write(record.info.id));
      TRY(index_->insert_root(record.info.id, sequence));
      TRY(transaction.commit());
    }
  }
  const NodeId root = root_of(record.info.id);
  TRY(journal_->intend(record.info.id, {&root, 1}));
  ATOLL_FAULT_POINT("space.intended");
  record.making = false;
  return meta_->put_space(record);
}

Result<SpaceInfo> TreeEngine::space_get(const SpaceId &id) {
  TRY_ASSIGN(const SpacePtr space, serving(id));
  SpaceInfo info = space->info;
  info.quota = space->quota;
  info.names = space->names;
  info.fingerprint = space->fingerprint;
  const Steady steady(*space);
  TRY_ASSIGN(auto view, views_->lease());
  TRY_ASSIGN(const auto root, view->by_id(root_of(id)));
  TRY(steady.holds());
  if (!root) return error(Status::Unavailable, "the index lacks the root of the space");
  info.used = root->size;
  info.trash_used = space->trash_bytes;
  info.versions_used = space->version_bytes;
  info.sequence = root->sequence;
  return info;
}

Result<void> TreeEngine::space_roots(std::span<const SpaceId> spaces, FunctionRef<bool(const SpaceInfo &)> sink) {
  TRY(names_->prove(false));
  std::vector<std::pair<SpacePtr, Steady>> served;
  served.reserve(spaces.size());
  for (const SpaceId &id : spaces)
    if (auto found = serving(id)) {
      const Steady steady(**found);
      served.emplace_back(*std::move(found), steady);
    }
  TRY_ASSIGN(auto view, views_->lease());
  TRY_ASSIGN(const auto snapshot, view->begin());
  for (const auto &[held, steady] : served) {
    const Space &space = *held;
    TRY_ASSIGN(const auto root, view->by_id(root_of(space.info.id)));
    if (!root || !steady.holds()) continue;
    SpaceInfo info = space.info;
    info.quota = space.quota;
    info.names = space.names;
    info.fingerprint = space.fingerprint;
    info.used = root->size;
    info.trash_used = space.trash_bytes;
    info.versions_used = space.version_bytes;
    info.sequence = root->sequence;
    if (!sink(info)) break;
  }
  return {};
}

Result<void> TreeEngine::space_list(FunctionRef<bool(const SpaceInfo &)> sink) {
  TRY(names_->prove(false));
  struct State {
    std::uint64_t used, sequence;
  };
  std::unordered_map<SpaceId, State> states;
  const std::vector<SpacePtr> all = all_spaces();
  std::vector<Steady> steady;
  for (const SpacePtr &space : all) steady.emplace_back(*space);
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY(view->roots([&](const SpaceId &id, std::uint64_t used, std::uint64_t sequence) {
      states[id] = State{used, sequence};
    }));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SpacePtr &space = all[i];
    const auto state = states.find(space->info.id);
    if (!steady[i].holds() || state == states.end()) {
      if (!known(space->info.id)) continue;  // removed meanwhile
      return recovering();
    }
    SpaceInfo info = space->info;
    info.quota = space->quota;
    info.names = space->names;
    info.fingerprint = space->fingerprint;
    info.used = state->second.used;
    info.trash_used = space->trash_bytes;
    info.versions_used = space->version_bytes;
    info.sequence = state->second.sequence;
    if (!sink(info)) return {};
  }
  return {};
}

Result<void> TreeEngine::space_set_quota(const SpaceId &id, std::uint64_t quota) {
  TRY_ASSIGN(const SpacePtr space, serving(id));
  const std::lock_guard guard(writer_);
  TRY(changeable(*space));
  TRY(meta_->set_quota(id, quota));
  ATOLL_FAULT_POINT("space.quota_noted");
  space->quota = quota;
  return {};
}

Result<void> TreeEngine::detach_space(const SpaceId &id) {
  TRY_ASSIGN(const auto kept, meta_->list_trash(id, {}, INT64_MAX));
  TRY_ASSIGN(auto transaction, index_->begin_write(id));
  TRY(index_->detach(root_of(id), Place::Limbo));
  TRY_ASSIGN([[maybe_unused]] const bool some, index_->forget_missing(id, std::numeric_limits<std::uint64_t>::max()));
  for (const TrashRecord &item : kept) TRY(index_->detach(item.node, Place::Limbo));
  return transaction.commit();
}

Result<void> TreeEngine::space_remove(const SpaceId &id) {
  const std::lock_guard making(making_);
  TRY_ASSIGN(const SpacePtr space, serving(id));
  TRY(changeable(*space));
  TRY(state_.room(Need::Less));
  return drop_space(space, false);
}

Result<void> TreeEngine::drop_space(const SpacePtr &space, bool moved) {
  const SpaceId id = space->info.id;
  TRY(names_->prove(true));
  {
    const std::lock_guard guard(writer_);
    // From here on it is gone; a crash is finished at the next start.
    SpaceRecord record;
    record.info = space->info;
    record.info.quota = space->quota;
    record.removing = true;
    TRY(meta_->put_space(record));
    ATOLL_FAULT_POINT("space.unnoted");
    {
      const std::unique_lock spaces_guard(spaces_mutex_);
      spaces_.erase(id);
      if (moved) departed_.insert(id);
    }
    locks_->forget_space(id);
    TRY(removals_->forget(id));
    TRY(meta_->set_note(names_note(id), ""));
    if (!moved) TRY(forget_move(id));
    TRY(names_->remove_space(id, space->info.folder));
    ATOLL_FAULT_POINT("space.folder_gone");
    TRY(detach_space(id));
    ATOLL_FAULT_POINT("space.detached");
    TRY(meta_->remove_space(id));
  }
  wake();
  return {};
}

Result<void> TreeEngine::rescan(const SpaceId &id) {
  TRY_ASSIGN(const SpacePtr space, serving(id));
  TRY_ASSIGN(const std::uint64_t begun, sequences_->next());
  TRY(reconcile(space, root_of(id), true));
  return forget_missing(id, begun);
}

Result<void> TreeEngine::forget_missing(const SpaceId &id, std::uint64_t before) {
  {
    TRY_ASSIGN(auto view, views_->lease());
    TRY_ASSIGN(const bool some, view->any_missing(id));
    if (!some) return {};
  }
  {
    const std::lock_guard guard(writer_);
    TRY_ASSIGN(auto transaction, index_->begin_write_unseen());
    TRY_ASSIGN(const bool some, index_->forget_missing(id, before));
    if (!some) return {};
    TRY(transaction.commit());
  }
  wake();
  return {};
}

}  // namespace Atoll::tree
