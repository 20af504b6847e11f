// SPDX-License-Identifier: Apache-2.0
// Registry<D>: the driver's side of atoll.registry/1, and SpaceRecord, a record that owns its texts.
#ifndef ATOLL_SDK_REGISTRY_HPP
#define ATOLL_SDK_REGISTRY_HPP

#include <atoll/abi/registry.h>
#include <atoll/sdk/call.hpp>

#include <vector>

namespace Atoll {
inline namespace sdk0 {

using SpaceRecordEmitter = Emitter<atoll_space_record_sink>;
using MemberEmitter = Emitter<atoll_member_sink>;

struct SpaceRecord {
  std::uint32_t type = ATOLL_SPACE_PERSONAL, state = ATOLL_SPACE_STATE_ACTIVE, permissions = 0;
  SpaceId id;
  Uuid birth;
  AccountId owner;
  std::string name, alias, description, provider, endpoint, root_etag, issuer;
  NodeId image, readme;
  std::uint64_t quota = ATOLL_QUOTA_NONE;
  std::int64_t created_ns = 0;
  std::int64_t permissions_until_ns = 0;  ///< wall clock; 0: for as long as is known
  std::uint32_t flags = 0;                ///< ATOLL_SPACE_STALE

  /// It lives on another server.
  bool remote() const { return provider.empty() && !endpoint.empty(); }

  static SpaceRecord from(const atoll_space_record *raw) {
    const atoll_space_record r = copied(raw);
    SpaceRecord out;
    out.type = r.type;
    out.state = r.state;
    out.permissions = r.permissions;
    out.id = from_abi<SpaceId>(r.id);
    out.birth = from_abi<Uuid>(r.birth);
    out.owner = from_abi<AccountId>(r.owner);
    out.name = view(r.name);
    out.alias = view(r.alias);
    out.description = view(r.description);
    out.provider = view(r.provider);
    out.endpoint = view(r.endpoint);
    out.quota = r.quota;
    out.root_etag = view(r.root_etag);
    out.issuer = view(r.issuer);
    out.image = from_abi<NodeId>(r.image);
    out.readme = from_abi<NodeId>(r.readme);
    out.created_ns = r.created_ns;
    out.permissions_until_ns = r.permissions_until_ns;
    out.flags = r.flags;
    return out;
  }
  /// Takes `fields` (ATOLL_SPACE_SET_*) of another record.
  void take(const SpaceRecord &from, std::uint32_t fields) {
    if (fields & ATOLL_SPACE_SET_NAME) name = from.name;
    if (fields & ATOLL_SPACE_SET_ALIAS) alias = from.alias;
    if (fields & ATOLL_SPACE_SET_DESCRIPTION) description = from.description;
    if (fields & ATOLL_SPACE_SET_QUOTA) quota = from.quota;
    if (fields & ATOLL_SPACE_SET_IMAGE) image = from.image;
    if (fields & ATOLL_SPACE_SET_README) readme = from.readme;
    if (fields & ATOLL_SPACE_SET_STATE) state = from.state;
    if (fields & ATOLL_SPACE_SET_PROVIDER) provider = from.provider;
    if (fields & ATOLL_SPACE_SET_ENDPOINT) endpoint = from.endpoint;
    if (fields & ATOLL_SPACE_SET_ROOT_ETAG) root_etag = from.root_etag;
    if (fields & ATOLL_SPACE_SET_ISSUER) issuer = from.issuer;
  }
  /// Borrows the texts.
  atoll_space_record abi() const {
    auto raw = sized<atoll_space_record>();
    raw.type = type;
    raw.state = state;
    raw.permissions = permissions;
    raw.id = to_abi(id);
    raw.birth = to_abi(birth);
    raw.owner = to_abi(owner);
    raw.name = str(name);
    raw.alias = str(alias);
    raw.description = str(description);
    raw.provider = str(provider);
    raw.endpoint = str(endpoint);
    raw.quota = quota;
    raw.root_etag = str(root_etag);
    raw.issuer = str(issuer);
    raw.image = to_abi(image);
    raw.readme = to_abi(readme);
    raw.created_ns = created_ns;
    raw.permissions_until_ns = permissions_until_ns;
    raw.flags = flags;
    return raw;
  }
};

/// What a registry without `change` does in its place, with get and update: not one step.
inline Result<void> changed_by_update(const Call &call, const atoll_registry *table, void *self,
                                      const SpaceRecord &changed, std::uint32_t fields, std::uint32_t expected_state) {
  const atoll_uuid id = to_abi(changed.id);
  std::vector<SpaceRecord> found;
  const auto sink = make_sink<atoll_space_record_sink>(
      [&](const atoll_space_record *raw) { found.push_back(SpaceRecord::from(raw)); });
  OutgoingCall out(call.raw());
  auto asked = out.result(table->get(out.get(), self, &id, sink.get()));
  sink.rethrow();
  if (!asked) return asked;
  if (found.size() != 1) return error(Status::Internal, "the registry answered OK and gave no record");
  if (expected_state != 0 && found[0].state != expected_state)
    return error(Status::Aborted, "the space is in another state by now");
  found[0].take(changed, fields);
  const atoll_space_record raw = found[0].abi();
  return out.result(table->update(out.get(), self, &raw));
}

/// What one without `list_of_type` does, with list.
inline Result<void> listed_by_type(const Call &call, const atoll_registry *table, void *self, std::uint32_t type,
                                   const SpaceId &after, std::uint64_t limit, const SpaceRecordEmitter &emit) {
  constexpr std::uint64_t page = 1000;
  SpaceId last = after;
  std::uint64_t taken = 0;
  for (bool more = true; more;) {
    std::uint64_t got = 0;
    const auto sink = make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) {
      ++got;
      last = from_abi<SpaceId>(raw->id);
      if (!more || raw->type != type) return;
      more = emit(*raw) && (limit == 0 || ++taken < limit);
    });
    const atoll_uuid from = to_abi(last);
    OutgoingCall out(call.raw());
    auto asked = out.result(table->list(out.get(), self, &from, page, sink.get()));
    sink.rethrow();
    if (!asked) return asked;
    more = more && got == page;
  }
  return {};
}

/// D has, each with a const Call & first and giving Result<void>:
///   spaces_of(emitter)  space_get(SpaceId, emitter)  space_list(SpaceId after, uint64_t limit, emitter)
///   space_insert(SpaceRecord)  space_update(SpaceRecord)  space_remove(SpaceId)  personal(AccountId, emitter)
///   member_put(SpaceId, atoll_member)  member_remove(SpaceId, AccountId)  members(SpaceId, emitter)
/// and Result<std::uint64_t> generation(const Call &). It may have, where one query is better than many:
///   space_get_many(std::vector<SpaceId>, emitter)  members_many(std::vector<SpaceId>, emitter)
///   space_list_of_type(uint32_t type, SpaceId after, uint64_t limit, emitter)
/// and it should have, where several change spaces at the same time:
///   space_change(SpaceRecord, uint32_t fields, uint32_t expected_state)
template <class D>
class Registry {
 public:
  static constexpr const char *interface_id = ATOLL_REGISTRY;
  static const atoll_registry *table() noexcept {
    static const atoll_registry t = [] {
      using C = const atoll_call *;
      using U = const atoll_uuid *;
      using S = const atoll_space_record_sink *;
      auto made = sized<atoll_registry>();
      made.spaces_of = [](C c, void *self, S sink) noexcept {
        return guarded(c, [&] { return d(self).spaces_of(Call(c), SpaceRecordEmitter(sink)); });
      };
      made.get = [](C c, void *self, U space, S sink) noexcept {
        return guarded(c,
                       [&] { return d(self).space_get(Call(c), from_abi<SpaceId>(*space), SpaceRecordEmitter(sink)); });
      };
      made.list = [](C c, void *self, U after, std::uint64_t limit, S sink) noexcept {
        return guarded(c, [&] {
          return d(self).space_list(Call(c), after ? from_abi<SpaceId>(*after) : SpaceId{}, limit,
                                    SpaceRecordEmitter(sink));
        });
      };
      made.insert = [](C c, void *self, const atoll_space_record *record) noexcept {
        return guarded(c, [&] { return d(self).space_insert(Call(c), SpaceRecord::from(record)); });
      };
      made.update = [](C c, void *self, const atoll_space_record *record) noexcept {
        return guarded(c, [&] { return d(self).space_update(Call(c), SpaceRecord::from(record)); });
      };
      made.remove = [](C c, void *self, U space) noexcept {
        return guarded(c, [&] { return d(self).space_remove(Call(c), from_abi<SpaceId>(*space)); });
      };
      made.personal = [](C c, void *self, U owner, S sink) noexcept {
        return guarded(
            c, [&] { return d(self).personal(Call(c), from_abi<AccountId>(*owner), SpaceRecordEmitter(sink)); });
      };
      made.member_put = [](C c, void *self, U space, const atoll_member *member) noexcept {
        return guarded(c, [&] { return d(self).member_put(Call(c), from_abi<SpaceId>(*space), copied(member)); });
      };
      made.member_remove = [](C c, void *self, U space, U account) noexcept {
        return guarded(c, [&] {
          return d(self).member_remove(Call(c), from_abi<SpaceId>(*space), from_abi<AccountId>(*account));
        });
      };
      made.members = [](C c, void *self, U space, const atoll_member_sink *sink) noexcept {
        return guarded(c, [&] { return d(self).members(Call(c), from_abi<SpaceId>(*space), MemberEmitter(sink)); });
      };
      made.generation = [](C c, void *self, std::uint64_t *generation) noexcept {
        return guarded(c, [&]() -> Result<void> {
          auto now = d(self).generation(Call(c));
          if (!now) return std::move(now).error();
          *generation = *now;
          return {};
        });
      };
      made.get_many = [](C c, void *self, const atoll_uuids *spaces, S sink) noexcept {
        return guarded(c, [&] { return d(self).space_get_many(Call(c), ids(*spaces), SpaceRecordEmitter(sink)); });
      };
      made.members_many = [](C c, void *self, const atoll_uuids *spaces, const atoll_member_sink *sink) noexcept {
        return guarded(c, [&] { return d(self).members_many(Call(c), ids(*spaces), MemberEmitter(sink)); });
      };
      made.change = [](C c, void *self, const atoll_space_record *record, std::uint32_t fields,
                       std::uint32_t expected_state) noexcept {
        return guarded(
            c, [&] { return d(self).space_change(Call(c), SpaceRecord::from(record), fields, expected_state); });
      };
      made.list_of_type = [](C c, void *self, std::uint32_t type, U after, std::uint64_t limit, S sink) noexcept {
        return guarded(c, [&] {
          return d(self).space_list_of_type(Call(c), type, after ? from_abi<SpaceId>(*after) : SpaceId{}, limit,
                                            SpaceRecordEmitter(sink));
        });
      };
      return made;
    }();
    return &t;
  }

  Result<void> space_get_many(const Call &call, const std::vector<SpaceId> &spaces, const SpaceRecordEmitter &emit) {
    for (const SpaceId &space : spaces)
      if (auto done = static_cast<D *>(this)->space_get(call, space, emit); !done && done.status() != Status::NotFound)
        return done;
    return {};
  }
  Result<void> members_many(const Call &call, const std::vector<SpaceId> &spaces, const MemberEmitter &emit) {
    for (const SpaceId &space : spaces) {
      const auto sink = make_sink<atoll_member_sink>([&](const atoll_member *raw) {
        atoll_member member = copied(raw);
        member.space = to_abi(space);
        return emit(member);
      });
      auto done = static_cast<D *>(this)->members(call, space, MemberEmitter(sink.get()));
      sink.rethrow();
      if (!done && done.status() != Status::NotFound) return done;
    }
    return {};
  }

  /// Reads, then writes: not one step.
  Result<void> space_change(const Call &call, const SpaceRecord &changed, std::uint32_t fields,
                            std::uint32_t expected_state) {
    return changed_by_update(call, table(), static_cast<D *>(this), changed, fields, expected_state);
  }
  Result<void> space_list_of_type(const Call &call, std::uint32_t type, const SpaceId &after, std::uint64_t limit,
                                  const SpaceRecordEmitter &emit) {
    return listed_by_type(call, table(), static_cast<D *>(this), type, after, limit, emit);
  }

 private:
  static std::vector<SpaceId> ids(const atoll_uuids &raw) {
    std::vector<SpaceId> out;
    out.reserve(static_cast<std::size_t>(raw.count));
    for (std::uint64_t i = 0; i < raw.count; ++i) out.push_back(from_abi<SpaceId>(raw.items[i]));
    return out;
  }
  static D &d(void *self) noexcept { return *static_cast<D *>(self); }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
