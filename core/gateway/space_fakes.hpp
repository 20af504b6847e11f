// SPDX-License-Identifier: Apache-2.0
// For tests: registries, a provider and a directory in memory.
#pragma once

#include "core/gateway/gateway.hpp"
#include "core/gateway/roles.hpp"

#include <doctest/doctest.h>

#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/registry.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/time.hpp"
#include "core/base/uuid.hpp"

namespace Atoll::gateway::town {

/// A registry of any number of spaces.
struct Shelf : Registry<Shelf> {
  struct Kept {
    SpaceRecord record;
    struct Entry {
      std::uint32_t kind = 0, permissions = 0;
      std::string role;
      std::int64_t expires_ns = 0;
    };
    std::map<AccountId, Entry> members;
  };
  std::map<SpaceId, Kept> spaces;
  std::uint64_t now = 1;
  bool runs = true;
  int members_until_away = -1;                       // that many are put, then the database goes
  int *power = nullptr;                              // calls until all stops, shared with others
  bool odd = false;                                  // says NOT_FOUND where nothing is looked for
  std::function<void()> on_read, on_change, on_get;  // called once: after spaces_of, before a change, before a get
  std::function<void()> on_put;                      // called once: after a member was put

  Result<void> up() const {
    if (runs && (!power || (*power)-- > 0)) return {};
    return error(Status::Unavailable, "the registry's database is away");
  }
  static SpaceRecord seen(const Call &call, const Kept &kept) {
    SpaceRecord record = kept.record;
    record.permissions = 0;
    const auto *who = call.principal();
    if (!who) return record;
    for (const auto &[account, member] : kept.members) {
      bool mine = member.kind == ATOLL_ACCOUNT_USER && account == from_abi<AccountId>(who->account);
      for (std::uint64_t i = 0; i < who->groups.count; ++i)
        mine |= member.kind == ATOLL_ACCOUNT_GROUP && account == from_abi<AccountId>(who->groups.items[i]);
      if (!mine) continue;
      record.permissions |= member.permissions;
      if (member.expires_ns != 0) record.permissions_until_ns = member.expires_ns;
    }
    return record;
  }
  Result<void> spaces_of(const Call &call, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (odd) return error(Status::NotFound, "odd");
    for (const auto &[id, kept] : spaces)
      if (const auto record = seen(call, kept); record.permissions) emit(record.abi());
    if (const auto hook = std::exchange(on_read, nullptr)) hook();
    return {};
  }
  Result<void> space_get(const Call &call, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_get, nullptr)) hook();
    const auto at = spaces.find(id);
    if (at == spaces.end()) return error(Status::NotFound, "no such space");
    emit(seen(call, at->second).abi());
    return {};
  }
  Result<void> space_list(const Call &call, const SpaceId &after, std::uint64_t limit, const SpaceRecordEmitter &emit) {
    std::uint64_t count = 0;
    for (auto at = spaces.upper_bound(after); at != spaces.end() && (limit == 0 || count < limit); ++at, ++count)
      emit(seen(call, at->second).abi());
    return {};
  }
  Result<void> space_insert(const Call &, const SpaceRecord &record) {
    if (auto fine = up(); !fine) return fine;
    ++now;
    for (const auto &[id, kept] : spaces)
      if (id == record.id || (record.type == ATOLL_SPACE_PERSONAL && kept.record.type == ATOLL_SPACE_PERSONAL &&
                              kept.record.owner == record.owner))
        return error(Status::AlreadyExists, "there");
    auto &kept = spaces[record.id];
    kept.record = record;
    if (record.type == ATOLL_SPACE_PERSONAL) kept.members[record.owner] = {ATOLL_ACCOUNT_USER, kAllPermissions, "", 0};
    return {};
  }
  Result<void> space_update(const Call &, const SpaceRecord &record) {
    if (const auto hook = std::exchange(on_change, nullptr)) hook();
    ++now;
    spaces[record.id].record = record;
    return {};
  }
  Result<void> space_change(const Call &, const SpaceRecord &record, std::uint32_t fields,
                            std::uint32_t expected_state) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_change, nullptr)) hook();
    const auto at = spaces.find(record.id);
    if (at == spaces.end()) return error(Status::NotFound, "no such space");
    if (expected_state != 0 && at->second.record.state != expected_state) return error(Status::Aborted, "changed");
    ++now;
    at->second.record.take(record, fields);
    return {};
  }
  Result<void> space_remove(const Call &call, const SpaceId &id) {
    if (auto fine = up(); !fine) return fine;
    if (call.cancelled()) return error(Status::Cancelled, "nobody waits");
    ++now;
    return spaces.erase(id) ? Result<void>() : error(Status::NotFound, "no such space");
  }
  Result<void> personal(const Call &call, const AccountId &owner, const SpaceRecordEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    for (const auto &[id, kept] : spaces)
      if (kept.record.type == ATOLL_SPACE_PERSONAL && kept.record.owner == owner) {
        emit(seen(call, kept).abi());
        return {};
      }
    return error(Status::NotFound, "no personal space");
  }
  Result<void> member_put(const Call &, const SpaceId &id, const atoll_member &member) {
    if (members_until_away >= 0 && members_until_away-- == 0) runs = false;
    if (auto fine = up(); !fine) return fine;
    ++now;
    spaces.at(id).members[from_abi<AccountId>(member.account)] = {member.kind, member.permissions,
                                                                  std::string(view(member.role)), member.expires_ns};
    if (const auto hook = std::exchange(on_put, nullptr)) hook();
    return {};
  }
  Result<void> member_remove(const Call &, const SpaceId &id, const AccountId &account) {
    ++now;
    return spaces.at(id).members.erase(account) ? Result<void>() : error(Status::NotFound, "no such member");
  }
  Result<void> members(const Call &, const SpaceId &id, const MemberEmitter &emit) {
    for (const auto &[account, entry] : spaces.at(id).members) {
      auto raw = sized<atoll_member>();
      raw.kind = entry.kind;
      raw.account = to_abi(account);
      raw.permissions = entry.permissions;
      raw.role = str(entry.role);
      raw.expires_ns = entry.expires_ns;
      emit(raw);
    }
    return {};
  }
  Result<std::uint64_t> generation(const Call &) {
    if (auto fine = up(); !fine) return std::move(fine).error();
    if (odd) return error(Status::NotFound, "the row of the generation is not there");
    return now;
  }
};

/// A provider that knows which spaces it has, and no nodes.
struct Disk : StorageFs<Disk> {
  std::map<SpaceId, std::uint64_t> quotas;
  std::map<SpaceId, AccountId> personal;  // whose
  bool runs = true, lists = true;
  int *power = nullptr;  // calls until all stops, shared with others
  int refuse_creates = 0;
  bool removes = true;
  std::function<void()> on_create, on_remove;  // called once, while a space is being made or removed

  Result<void> up() const {
    if (runs && (!power || (*power)-- > 0)) return {};
    return error(Status::Unavailable, "the disk is away");
  }
  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &space) {
    if (refuse_creates > 0 && refuse_creates-- > 0) return error(Status::InsufficientStorage, "full");
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_create, nullptr)) hook();
    quotas[from_abi<SpaceId>(space.id)] = space.quota;
    if (space.type == ATOLL_SPACE_PERSONAL) personal[from_abi<SpaceId>(space.id)] = from_abi<AccountId>(space.owner);
    return {};
  }
  Result<void> space_get(const Call &, const SpaceId &id, const SpaceEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    const auto at = quotas.find(id);
    if (at == quotas.end()) return error(Status::NotFound, "no such space");
    auto raw = sized<atoll_space>();
    raw.id = to_abi(id);
    raw.quota = at->second;
    raw.used = 42;
    raw.root_etag = str("fresh");
    emit(raw);
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &emit) {
    if (!lists) return error(Status::Unimplemented, "this driver does not know");
    if (auto fine = up(); !fine) return fine;
    for (const auto &[id, quota] : quotas) {
      auto raw = sized<atoll_space>();
      raw.id = to_abi(id);
      raw.type = personal.count(id) ? ATOLL_SPACE_PERSONAL : ATOLL_SPACE_PROJECT;
      raw.owner = personal.count(id) ? to_abi(personal.at(id)) : raw.id;
      emit(raw);
    }
    return {};
  }
  Result<void> space_set_quota(const Call &, const SpaceId &id, std::uint64_t quota) {
    if (auto fine = up(); !fine) return fine;
    quotas[id] = quota;
    return {};
  }
  Result<void> space_remove(const Call &, const SpaceId &id) {
    if (auto fine = up(); !fine) return fine;
    if (const auto hook = std::exchange(on_remove, nullptr)) hook();
    if (!removes) return error(Status::Unavailable, "half way");
    return quotas.erase(id) ? Result<void>() : error(Status::NotFound, "no such space");
  }
  Result<void> stat(const Call &, const RefView &, const StatEmitter &) { return error(Status::NotFound, "nothing"); }
  Result<void> list(const Call &, const RefView &, std::string_view, std::uint64_t, const StatEmitter &) { return {}; }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &, const StatEmitter &) { return {}; }
  Result<void> tell(const SpaceId &space, const std::string &path, std::uint32_t type, const StatEmitter &emit) {
    const NodeId node = base::random_id<NodeId>();
    nodes[path] = node;
    auto raw = sized<atoll_stat>();
    raw.type = type;
    raw.space = to_abi(space);
    raw.node = to_abi(node);
    emit(raw);
    return {};
  }
  Result<void> mkdir(const Call &, const RefView &ref, const StatEmitter &emit) {
    if (auto fine = up(); !fine) return fine;
    if (ref.path.find('/') != ref.path.npos && !nodes.count(std::string(ref.path.substr(0, ref.path.rfind('/')))))
      return error(Status::FailedPrecondition, "no parent");
    return tell(ref.space, std::string(ref.path), ATOLL_NODE_FOLDER, emit);
  }
  Result<void> rename(const Call &, const RefView &, const RefView &, std::uint32_t, const StatEmitter &) { return {}; }
  Result<void> remove(const Call &, const RefView &, std::uint32_t) { return {}; }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &, const StatEmitter &) {
    return error(Status::NotFound, "nothing");
  }
  struct Writing final : UploadHandle {
    Writing(Disk &disk, const RefView &ref) : disk_(disk), space_(ref.space), path_(ref.path) {}
    Result<void> write(const Call &, std::uint64_t offset, const void *data, std::uint64_t length) override {
      text_.resize(std::max<std::size_t>(text_.size(), offset + length));
      text_.replace(offset, length, static_cast<const char *>(data), length);
      return {};
    }
    Result<void> commit(const Call &, const atoll_upload_commit &commit, const StatEmitter &emit) override {
      if (auto fine = disk_.up(); !fine) return fine;
      if (commit.size != text_.size()) return error(Status::InvalidArgument, "another size");
      disk_.texts[path_] = text_;
      return disk_.tell(space_, path_, ATOLL_NODE_FILE, emit);
    }
    Disk &disk_;
    SpaceId space_;
    std::string path_, text_;
  };
  std::map<std::string, NodeId> nodes;  // of whatever space, by path
  std::map<std::string, std::string> texts;
  std::size_t room = 100;  // files
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &ref, std::uint64_t,
                                                     std::string_view) {
    if (texts.size() >= room) return error(Status::InsufficientStorage, "full");
    return std::unique_ptr<UploadHandle>(std::make_unique<Writing>(*this, ref));
  }
};

struct People : Directory<People> {
  std::map<AccountId, std::uint32_t> kinds;
  std::set<AccountId> disabled;
  std::map<AccountId, std::vector<AccountId>> groups;
  std::function<void()> on_get;  // called once, while an account is looked for
  Result<void> account_get(const Call &, const AccountId &id, const AccountEmitter &emit) {
    if (const auto hook = std::exchange(on_get, nullptr)) hook();
    const auto at = kinds.find(id);
    if (at == kinds.end()) return error(Status::NotFound, "nobody");
    auto raw = sized<atoll_account>();
    raw.kind = at->second;
    raw.id = to_abi(id);
    raw.enabled = disabled.count(id) == 0 ? 1 : 0;
    emit(raw);
    return {};
  }
  Result<void> account_find(const Call &, std::uint32_t, std::string_view, const AccountEmitter &) {
    return error(Status::NotFound, "nobody");
  }
  Result<void> account_search(const Call &, std::uint32_t, std::string_view, std::string_view, std::uint64_t,
                              const AccountEmitter &) {
    return {};
  }
  Result<void> groups_of(const Call &, const AccountId &, const AccountEmitter &) { return {}; }
  Result<void> members_of(const Call &call, const AccountId &group, const AccountEmitter &emit) {
    for (const AccountId &member : groups[group])
      if (auto told = account_get(call, member, emit); !told) return told;
    return {};
  }
};

struct One : Instance {
  One(std::string name, void *self, const char *id, const void *table)
      : name_(std::move(name)), self_(self), id_(id), table_(table) {}
  std::string_view name() const override { return name_; }
  void *self() const override { return self_; }
  const void *query(const char *id) const override { return std::string_view(id) == id_ ? table_ : nullptr; }
  std::unique_lock<std::recursive_mutex> enter() const override { return {}; }
  std::string name_;
  void *self_;
  const char *id_;
  const void *table_;
};

}  // namespace Atoll::gateway::town
