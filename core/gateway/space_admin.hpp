// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/gateway/admission.hpp"
#include "core/gateway/last_roots.hpp"
#include "core/gateway/registries.hpp"
#include "core/gateway/root_log.hpp"
#include "core/gateway/space_template.hpp"
#include "core/gateway/spaces.hpp"
#include "core/gateway/state_changes.hpp"

#include <atoll/abi/gateway_spaces.h>
#include <atoll/sdk/storage_fs.hpp>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace Atoll::gateway {

using SpaceViewEmitter = Emitter<atoll_space_view_sink>;
using RoleEmitter = Emitter<atoll_role_sink>;

/// Making, changing and ending spaces, and their members: what atoll.gateway.spaces/1 offers, where the rules are told.
/// [worker]
class SpaceAdmin {
 public:
  SpaceAdmin(InstanceLookup &lookup, Spaces &spaces, Admission &admission, RootLog &log, const GatewayOptions &options)
      : lookup_(lookup),
        spaces_(spaces),
        registries_(spaces.registries()),
        admission_(admission),
        log_(log),
        options_(options) {}

  Result<void> mine(const Call &, std::uint32_t type, const SpaceViewEmitter &);
  Result<void> all(const Call &, std::uint32_t type, const SpaceId &after, std::uint64_t limit,
                   const SpaceViewEmitter &);
  Result<void> get(const Call &, const SpaceId &, const SpaceViewEmitter &);
  /// With what the template of that name holds; empty: nothing.
  Result<void> create(const Call &, const SpaceRecord &draft, const SpaceViewEmitter &,
                      std::string_view template_name = {});
  Result<void> update(const Call &, const SpaceRecord &changed, std::uint32_t fields, const SpaceViewEmitter &);
  Result<void> disable(const Call &, const SpaceId &);
  Result<void> restore(const Call &, const SpaceId &, const SpaceViewEmitter &);
  Result<void> purge(const Call &, const SpaceId &);
  Result<void> members(const Call &, const SpaceId &, const MemberEmitter &);
  Result<void> member_put(const Call &, const SpaceId &, const atoll_member &);
  Result<void> member_remove(const Call &, const SpaceId &, const AccountId &);
  Result<void> members_many(const Call &, std::vector<SpaceId> spaces, const MemberEmitter &);
  Result<void> roles(const Call &, const RoleEmitter &);
  Result<void> may_create(const Call &);

  struct Changes {
    std::string token;
    bool list_again = false;
  };
  Result<Changes> changed(const Call &, std::string_view token, const SpaceViewEmitter &);
  Result<void> watch(const atoll_space_watcher &, void **handle);
  void unwatch(void *handle);

 private:
  /// A member of a space as the registry has him.
  struct Member {
    std::uint32_t kind = 0;
    AccountId account;
    std::uint32_t permissions = 0;
    std::int64_t expires_ns = 0;
    bool operator==(const Member &) const = default;
  };

  /// What the principal sees of spaces; else NOT_FOUND.
  Result<Registered> visible(const Call &, const SpaceId &);
  /// What he may manage; PERMISSION_DENIED when he sees it only.
  Result<Registered> manageable(const Call &, const SpaceId &);
  /// What `mine` shows of the spaces that he reaches.
  Result<std::vector<Spaces::Reached>> reached(const Call &, std::uint32_t type);
  /// Admins are shown what can be told; clients need the etag of every space in use, told now or remembered, or
  /// nothing is shown (UNAVAILABLE); whoever has made a change is shown what can be told, too.
  enum class For { Clients, Admins, Changer };
  Result<void> show(const Call &, std::vector<Spaces::Reached> spaces, const SpaceViewEmitter &,
                    For whom = For::Clients);
  Result<void> show_one(const Call &, SpaceRecord record, const SpaceViewEmitter &);
  /// The same after a change that has been made: what cannot be told of the space now is left as it was known last, for
  /// an error would say that nothing has changed.
  Result<void> show_done(const Call &, SpaceRecord record, const SpaceViewEmitter &);
  /// Asks one provider for the state of spaces: take(index into spaces, what it said).
  template <class Take>
  void ask_provider(const Call &, const std::string &provider, const std::vector<Spaces::Reached> &spaces,
                    const std::vector<std::size_t> &which, Take take);
  std::string web_dav_url(const SpaceRecord &) const;
  /// One admitted call of the provider that holds a space: f(table, call, self) gives its status.
  template <class F>
  Result<void> at_provider(const Call &, const SpaceRecord &, F f);
  /// Tells watchers when a change has been made.
  Result<void> woken(Result<void> done) {
    if (done) log_.wake();
    return done;
  }
  static Error being_purged();
  static Error never_finished();
  /// NOT_FOUND: the provider does not have the space.
  Result<void> there(const Call &, const SpaceRecord &);
  /// UNAVAILABLE when it is in another state by now than when it was found.
  Result<void> set_state(const Call &, const Registered &, std::uint32_t state);
  /// Makes the folders and files of a template, and notes the readme and the image.
  Result<void> fill(const Call &, const Lease &registry, SpaceRecord &, const SpaceTemplate &);
  /// Takes back what a failed create() has made, as far as that can be done now.
  void unmake(const Call &, const Lease &registry, const SpaceRecord &);
  Result<std::vector<Member>> members_of(const Call &, const Registered &);
  /// What a change of members stands on.
  struct Looked {
    Registered found;
    std::vector<Member> all;
  };
  /// Those who manage the space for good besides this account; nothing when he does not: then the space loses none.
  static std::optional<std::vector<Member>> other_managers(const std::vector<Member> &all, const AccountId &without);
  /// One of them who can log in; FAILED_PRECONDITION when none can. Asks the directories.
  Result<Member> who_can_log_in(const Call &, const std::vector<Member> &);
  /// Makes one change of the members of a space. look() gives Looked, or why the principal may not; change(Registered)
  /// makes it, with everything as look() saw it. With `keep`, it is refused when the space would be left without a
  /// manager. A directory that hangs holds up nobody else: while it is asked, nothing is held.
  template <class Look, class Change>
  Result<void> change_members(const Call &, const SpaceId &, const AccountId &, bool keep, Look look, Change change);
  /// Whether the member, a user or a group, can log in. An error: it cannot be told.
  Result<bool> can_log_in(const Call &, const Member &);
  /// PERMISSION_DENIED when the principal would change or remove a member who may more than he.
  Result<void> not_above(const Call &, const Registered &, const std::vector<Member> &all, const AccountId &account);
  /// Drops what is remembered of the spaces of whoever a membership was about.
  void forget(std::uint32_t kind, const AccountId &account);
  Result<void> account_exists(const Call &, const AccountId &, std::uint32_t kind);
  Result<void> file_of_space(const Call &, const SpaceRecord &, const NodeId &);

  InstanceLookup &lookup_;
  Spaces &spaces_;
  const Registries &registries_;
  Admission &admission_;
  RootLog &log_;
  const GatewayOptions &options_;
  LastRoots last_roots_{options_.remembered_roots};
  StateChanges member_changes_;  // held from the look at rights and members to the change, by space
};

template <class F>
Result<void> SpaceAdmin::at_provider(const Call &call, const SpaceRecord &record, F f) {
  auto lease = lookup_.lease(record.provider);
  if (!lease)
    return Error{Status::Unavailable,
                 "the storage provider " + record.provider + " is not there: " + lease.error().message, 0, 2000};
  auto admitted = admission_.enter(record.provider);
  if (!admitted) return std::move(admitted).error();
  OutgoingCall out(call.raw());
  const auto entered = (*lease)->enter();
  const auto *fs = static_cast<const atoll_storage_fs *>((*lease)->query(ATOLL_STORAGE_FS));
  return out.result(f(fs, out.get(), (*lease)->self()));
}

}  // namespace Atoll::gateway
