// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/registry_sql.hpp"

#include <filesystem>
#include <utility>

#include "core/base/time.hpp"
#include "core/sql/database.hpp"

namespace Atoll::registry_sql {

namespace {

sql::Deadline deadline_of(const Call &call) { return sql::Deadline{call.raw() ? call.raw()->deadline_ns : 0}; }

/// Links and calls without a principal are members of nothing.
Asker asker_of(const Call &call) {
  Asker asker;
  asker.deadline = deadline_of(call);
  const atoll_principal *principal = call.principal();
  if (principal == nullptr || principal->kind == ATOLL_PRINCIPAL_LINK) return asker;
  asker.account = from_abi<AccountId>(principal->account);
  for (std::uint64_t i = 0; i < principal->groups.count; ++i) {
    asker.groups.push_back(from_abi<AccountId>(principal->groups.items[i]));
  }
  return asker;
}

Result<void> emit_one(const Result<SpaceRecord> &record, const SpaceRecordEmitter &emit) {
  if (!record) return record.error();
  emit(record->abi());
  return {};
}

Result<void> emit_all(const Result<std::vector<SpaceRecord>> &records, const SpaceRecordEmitter &emit) {
  if (!records) return records.error();
  for (const SpaceRecord &record : *records) {
    if (!emit(record.abi())) break;
  }
  return {};
}

Result<void> emit_members(const Result<std::vector<Member>> &members, const MemberEmitter &emit) {
  if (!members) return members.error();
  for (const Member &member : *members) {
    auto raw = sized<atoll_member>();
    raw.kind = member.kind;
    raw.account = to_abi(member.account);
    raw.permissions = member.permissions;
    raw.role = str(member.role);
    raw.expires_ns = member.expires_ns;
    raw.space = to_abi(member.space);
    if (!emit(raw)) break;
  }
  return {};
}

/// How many spaces a file of this plugin holds; none when there is no such file.
Result<std::int64_t> spaces_in(const std::string &file) {
  std::error_code failed;
  if (!std::filesystem::exists(file, failed)) {
    if (!failed) return 0;
    return error(Status::Unavailable, "cannot tell whether there is a " + file + ": " + failed.message());
  }
  sql::Options options;
  options.read_only = true;
  auto database = sql::Database::open(file, options);
  if (!database) return database.error();
  std::int64_t count = 0;
  for (const char *query :
       {"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'spaces'", "SELECT count(*) FROM spaces"}) {
    auto statement = database->prepare(query);
    if (!statement) return statement.error();
    auto rows = statement->query();
    const auto row = rows.next();
    if (!row) return row.error();
    count = *row ? rows.integer(0) : 0;
    if (count == 0) break;
  }
  return count;
}

/// FailedPrecondition when the store is empty and the file that was there before it is not.
Result<void> check_previous(SpaceRecordStore &store, const std::string &file) {
  const auto known = store.list(SpaceId(), 1, Asker(), base::now_unix_ns());
  if (!known) return known.error();
  if (!known->empty()) return {};
  const auto before = spaces_in(file);
  if (!before) return before.error();
  if (*before == 0) return {};
  return error(Status::FailedPrecondition,
               "the database of the registry holds no spaces, but " + file + " holds " + std::to_string(*before) +
                   ". Has a new or empty database been set ([database] url, or the key database)? Take that out of the "
                   "configuration again, or restore the database from its backup. If the spaces of " +
                   file + " are not to be served by this registry, set start_empty = yes in its section");
}

}  // namespace

Result<std::unique_ptr<RegistrySql>> RegistrySql::create(const Call &, Host host) {
  const std::int64_t connections = host.integer("connections", 8);
  if (connections < 1 || connections > 1000)
    return error(Status::InvalidArgument, "connections = " + std::to_string(connections) + ": 1 to 1000 are possible");
  return open(host.text("database", "sqlite:registry.db"),
              host.integer("start_empty", 0) != 0 ? std::string() : host.text("previous", ""),
              static_cast<std::size_t>(connections));
}

Result<std::unique_ptr<RegistrySql>> RegistrySql::open(const std::string &url, const std::string &previous,
                                                       std::size_t connections) {
  auto store = SpaceRecordStore::open(url, connections);
  if (!store) return store.error();
  if (!previous.empty())
    if (auto fine = check_previous(**store, previous); !fine) return fine.error();
  return std::make_unique<RegistrySql>(Private{}, std::move(*store));
}

Result<void> RegistrySql::spaces_of(const Call &call, SpaceRecordEmitter emit) {
  return emit_all(store_->spaces_of(asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::space_get(const Call &call, SpaceId id, SpaceRecordEmitter emit) {
  return emit_one(store_->get(id, asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::space_list(const Call &call, SpaceId after, std::uint64_t limit, SpaceRecordEmitter emit) {
  return emit_all(store_->list(after, limit, asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::space_list_of_type(const Call &call, std::uint32_t type, SpaceId after, std::uint64_t limit,
                                             SpaceRecordEmitter emit) {
  return emit_all(store_->list_of_type(type, after, limit, asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::space_insert(const Call &call, SpaceRecord record) {
  return store_->insert(std::move(record), deadline_of(call));
}

Result<void> RegistrySql::space_update(const Call &call, const SpaceRecord &record) {
  return store_->update(record, deadline_of(call));
}

Result<void> RegistrySql::space_change(const Call &call, const SpaceRecord &record, std::uint32_t fields,
                                       std::uint32_t expected_state) {
  return store_->change(record, fields, expected_state, deadline_of(call));
}

Result<void> RegistrySql::space_remove(const Call &call, SpaceId id) { return store_->remove(id, deadline_of(call)); }

Result<void> RegistrySql::personal(const Call &call, AccountId owner, SpaceRecordEmitter emit) {
  return emit_one(store_->personal(owner, asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::member_put(const Call &call, SpaceId space, const atoll_member &raw) {
  Member member;
  member.kind = raw.kind;
  member.account = from_abi<AccountId>(raw.account);
  member.permissions = raw.permissions;
  member.role = view(raw.role);
  member.expires_ns = raw.expires_ns;
  return store_->member_put(space, member, deadline_of(call));
}

Result<void> RegistrySql::member_remove(const Call &call, SpaceId space, AccountId account) {
  return store_->member_remove(space, account, deadline_of(call));
}

Result<void> RegistrySql::members(const Call &call, SpaceId space, MemberEmitter emit) {
  return emit_members(store_->members(space, deadline_of(call)), emit);
}

Result<void> RegistrySql::space_get_many(const Call &call, const std::vector<SpaceId> &spaces,
                                         SpaceRecordEmitter emit) {
  return emit_all(store_->get_many(spaces, asker_of(call), base::now_unix_ns()), emit);
}

Result<void> RegistrySql::members_many(const Call &call, const std::vector<SpaceId> &spaces, MemberEmitter emit) {
  return emit_members(store_->members_many(spaces, deadline_of(call)), emit);
}

Result<std::uint64_t> RegistrySql::generation(const Call &call) {
  return store_->generation(base::now_unix_ns(), deadline_of(call));
}

}  // namespace Atoll::registry_sql
