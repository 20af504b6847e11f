// SPDX-License-Identifier: Apache-2.0
// Space records and their members in a database.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/registry.hpp>
#include <atoll/sdk/result.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/sql/session.hpp"

namespace Atoll::registry_sql {

/// Everything that a member may do: what the owner of a personal space gets.
inline constexpr std::uint32_t kAllPermissions = ATOLL_MAY_STAT | ATOLL_MAY_READ | ATOLL_MAY_WRITE | ATOLL_MAY_CREATE |
                                                 ATOLL_MAY_DELETE | ATOLL_MAY_MOVE | ATOLL_MAY_SHARE | ATOLL_MAY_PURGE |
                                                 ATOLL_MAY_VERSIONS | ATOLL_MAY_MEMBERS;

/// The role definition behind them.
inline constexpr std::string_view kManagerRole = "312c0871-5ef7-4b3a-85b6-0e4074c64049";

struct Member {
  std::uint32_t kind = ATOLL_ACCOUNT_USER;  ///< or ATOLL_ACCOUNT_GROUP
  AccountId account;
  std::uint32_t permissions = 0;  ///< ATOLL_MAY_*
  std::string role;               ///< id of the role definition that they came from
  std::int64_t expires_ns = 0;    ///< 0: never
  SpaceId space;                  ///< set in answers
};

/// Who asks: an account and the groups that it is in. Without an account nothing is reached.
struct Asker {
  AccountId account;
  std::vector<AccountId> groups;
};

/// Every call is one transaction. NotFound is a proof; trouble with the database is Unavailable. [any thread]
class SpaceRecordStore {
 public:
  /// url as in sql::Sessions::open(); brings the tables up to date.
  static Result<std::unique_ptr<SpaceRecordStore>> open(const std::string &url);

  class Private {
    friend class SpaceRecordStore;
    Private() = default;
  };  // only open() makes stores
  SpaceRecordStore(Private, std::unique_ptr<sql::Sessions> sessions);

  // ---- reading; `permissions` of the records are those of the asker at `now_ns` (wall clock)
  /// All spaces that the asker reaches, by type and name: one query over the index of members.
  Result<std::vector<SpaceRecord>> spaces_of(const Asker &asker, std::int64_t now_ns);
  Result<SpaceRecord> get(const SpaceId &id, const Asker &asker, std::int64_t now_ns);
  Result<SpaceRecord> personal(const AccountId &owner, const Asker &asker, std::int64_t now_ns);
  /// All spaces sorted by id, after `after`, at most `limit` (0: all).
  Result<std::vector<SpaceRecord>> list(const SpaceId &after, std::uint64_t limit, const Asker &asker,
                                        std::int64_t now_ns);
  /// Of these spaces those that are there, sorted by id.
  Result<std::vector<SpaceRecord>> get_many(std::span<const SpaceId> spaces, const Asker &asker, std::int64_t now_ns);
  /// Expired ones too.
  Result<std::vector<Member>> members(const SpaceId &space);
  /// The same of several spaces, sorted by space; a space that is not there has none.
  Result<std::vector<Member>> members_many(std::span<const SpaceId> spaces);

  // ---- changing: durable, and in force for generation(), when it returns
  /// AlreadyExists when the id is there, and for a second personal space of an owner. The owner of a personal space
  /// becomes its member with all permissions, in the same transaction.
  Result<void> insert(SpaceRecord record);
  /// Name, alias, description, quota, state, provider, endpoint and root_etag.
  Result<void> update(const SpaceRecord &record);
  Result<void> remove(const SpaceId &id);
  /// Adds or replaces.
  Result<void> member_put(const SpaceId &space, const Member &member);
  Result<void> member_remove(const SpaceId &space, const AccountId &account);

  /// Grows with every change but one of root_etag alone, and when a membership expires; never the same again, restarts
  /// included. SQLite: costs no query unless a membership has just expired. PostgreSQL, which several servers may
  /// share: one small query.
  Result<std::uint64_t> generation(std::int64_t now_ns);

  /// The text of the query of spaces_of(), with $1 for the time.
  static std::string query_of(const Asker &asker);

 private:
  using Lease = sql::Sessions::Lease;
  template <class Action>
  auto with_session(std::string_view tried, Action &&action) -> std::invoke_result_t<Action, Lease &> {
    return sql::guarded(tried, [&]() -> std::invoke_result_t<Action, Lease &> {
      auto lease = sessions_->get();
      if (!lease) return lease.error();
      return action(*lease);
    });
  }
  bool shared() const { return sessions_->dialect() == sql::Dialect::Postgresql; }
  /// Before the commit of a change, and after it.
  void changing(Lease &lease);
  void changed() { generation_.fetch_add(1); }
  Result<std::vector<Member>> read_members(Lease &lease, const std::string &where);
  Result<std::int64_t> next_expiry(std::int64_t now_ns);

  std::unique_ptr<sql::Sessions> sessions_;
  std::atomic<std::uint64_t> generation_;        // PostgreSQL: what this process adds to the one in the database
  std::atomic<std::int64_t> seen_{0};            // PostgreSQL: the one in the database, when it was last read
  std::atomic<std::int64_t> next_expiry_ns_{0};  // wall clock; 0: look
};

}  // namespace Atoll::registry_sql
