// SPDX-License-Identifier: Apache-2.0
// Space records and their members in a database.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/permissions.hpp>
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
  sql::Deadline deadline = {};  ///< when he no longer waits
};

/// Every call is one transaction. NotFound is a proof; trouble with the database is Unavailable, and so is a deadline
/// that passes while it does not answer. [any thread]
class SpaceRecordStore {
 public:
  /// url as in sql::Sessions::open(), as many sessions at the same time; brings the tables up to date.
  static Result<std::unique_ptr<SpaceRecordStore>> open(const std::string &url, std::size_t sessions = 8);

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
  /// The same of one type (ATOLL_SPACE_*): found by an index.
  Result<std::vector<SpaceRecord>> list_of_type(std::uint32_t type, const SpaceId &after, std::uint64_t limit,
                                                const Asker &asker, std::int64_t now_ns);
  /// Of these spaces those that are there, sorted by id.
  Result<std::vector<SpaceRecord>> get_many(std::span<const SpaceId> spaces, const Asker &asker, std::int64_t now_ns);
  /// Expired ones too.
  Result<std::vector<Member>> members(const SpaceId &space, sql::Deadline deadline = {});
  /// The same of several spaces, sorted by space; a space that is not there has none.
  Result<std::vector<Member>> members_many(std::span<const SpaceId> spaces, sql::Deadline deadline = {});

  // ---- changing: durable, and in force for generation(), when it returns
  /// AlreadyExists when the id is there, and for a second personal space of an owner. The owner of a personal space
  /// becomes its member with all permissions, in the same transaction.
  Result<void> insert(SpaceRecord record, sql::Deadline deadline = {});
  /// All that change() can change.
  Result<void> update(const SpaceRecord &record, sql::Deadline deadline = {});
  /// `fields` (ATOLL_SPACE_SET_*) of the space with the record's id and nothing else of it, if it is in expected_state
  /// (0: any); else Aborted.
  Result<void> change(const SpaceRecord &record, std::uint32_t fields, std::uint32_t expected_state,
                      sql::Deadline deadline = {});
  Result<void> remove(const SpaceId &id, sql::Deadline deadline = {});
  /// Adds or replaces.
  Result<void> member_put(const SpaceId &space, const Member &member, sql::Deadline deadline = {});
  Result<void> member_remove(const SpaceId &space, const AccountId &account, sql::Deadline deadline = {});

  /// Grows with every change but one of root_etag alone, and when a membership expires; never the same again, restarts
  /// included. SQLite: costs no query unless a membership has just expired. PostgreSQL, which several servers may
  /// share: one small query.
  Result<std::uint64_t> generation(std::int64_t now_ns, sql::Deadline deadline = {});

  /// The text of the query of spaces_of(), with $1 for the time.
  static std::string query_of(const Asker &asker);
  /// The text of the query of list_of_type(): $1 the type, $2 the id after which, $3 how many, $4 the time.
  static std::string query_of_type(const Asker &asker);

 private:
  using Lease = sql::Sessions::Lease;
  template <class Action>
  auto with_session(std::string_view tried, sql::Deadline deadline, Action &&action)
      -> std::invoke_result_t<Action, Lease &> {
    return sql::guarded(tried, [&]() -> std::invoke_result_t<Action, Lease &> {
      auto lease = sessions_->get(deadline);
      if (!lease) return lease.error();
      return action(*lease);
    });
  }
  bool shared() const { return sessions_->dialect() == sql::Dialect::Postgresql; }
  /// Before the commit of a change, and after it.
  void changing(Lease &lease);
  void changed() { generation_.fetch_add(1); }
  Result<std::vector<Member>> read_members(Lease &lease, const std::string &where);
  Result<std::int64_t> next_expiry(std::int64_t now_ns, sql::Deadline deadline);

  std::unique_ptr<sql::Sessions> sessions_;
  std::atomic<std::uint64_t> generation_;        // PostgreSQL: what this process adds to the one in the database
  std::atomic<std::int64_t> seen_{0};            // PostgreSQL: the one in the database, when it was last read
  std::atomic<std::int64_t> next_expiry_ns_{0};  // wall clock; 0: look
};

}  // namespace Atoll::registry_sql
