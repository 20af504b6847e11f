// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/space_record_store.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/time.hpp"
#include "plugins/registry-sql/space_rows.hpp"

namespace Atoll::registry_sql {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::array<const char *, 4> kMigrations = {
    "CREATE TABLE spaces(id TEXT PRIMARY KEY, birth TEXT NOT NULL, type BIGINT NOT NULL, state BIGINT NOT NULL,"
    " owner TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL, description TEXT NOT NULL, provider TEXT NOT NULL,"
    " endpoint TEXT NOT NULL, quota BIGINT NOT NULL, root_etag TEXT NOT NULL, created_ns BIGINT NOT NULL);\n"
    "CREATE UNIQUE INDEX spaces_personal ON spaces(owner) WHERE type = 1;\n"
    "CREATE TABLE members(space TEXT NOT NULL REFERENCES spaces(id) ON DELETE CASCADE, kind BIGINT NOT NULL,"
    " account TEXT NOT NULL, permissions BIGINT NOT NULL, role TEXT NOT NULL, expires_ns BIGINT NOT NULL,"
    " PRIMARY KEY(space, account));\n"
    "CREATE INDEX members_by_account ON members(account, space);\n"
    "CREATE INDEX members_by_expiry ON members(expires_ns) WHERE expires_ns > 0;\n",
    "ALTER TABLE spaces ADD COLUMN issuer TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE spaces ADD COLUMN image TEXT NOT NULL DEFAULT '';\n"
    "ALTER TABLE spaces ADD COLUMN readme TEXT NOT NULL DEFAULT '';\n"
    "DROP INDEX spaces_personal;\n"
    "CREATE UNIQUE INDEX spaces_personal ON spaces(owner) WHERE type = 1 AND endpoint = '';\n",
    "CREATE TABLE registry_generation(one BIGINT PRIMARY KEY, value BIGINT NOT NULL);\n"
    "INSERT INTO registry_generation(one, value) VALUES(1, 1);\n",
    "CREATE INDEX spaces_by_type ON spaces(type, id);\n",
};

/// Ids are compared by their bytes, whatever the language of a PostgreSQL database.
std::vector<std::string> migrations_for(sql::Dialect dialect) {
  std::vector<std::string> out(kMigrations.begin(), kMigrations.end());
  if (dialect == sql::Dialect::Sqlite) return out;
  constexpr std::string_view plain = " TEXT ", bytes = " TEXT COLLATE \"C\" ";
  for (std::string &step : out)
    for (std::size_t at = 0; (at = step.find(plain, at)) != std::string::npos; at += bytes.size())
      step.replace(at, plain.size(), bytes);
  return out;
}

std::string text_of(const SpaceId &after) { return after.none() ? std::string() : after.text(); }

/// A limit of 0 is none.
std::int64_t most_of(std::uint64_t limit) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(limit == 0 ? most : std::min(limit, most));
}

/// Ids that stand in one query.
constexpr std::size_t kAtOnce = 500;

std::span<const SpaceId> some_of(const std::vector<SpaceId> &all, std::size_t at) {
  return std::span(all).subspan(at, std::min(kAtOnce, all.size() - at));
}

}  // namespace

SpaceRecordStore::SpaceRecordStore(Private, std::unique_ptr<sql::Sessions> sessions)
    : sessions_(std::move(sessions)), generation_(static_cast<std::uint64_t>(base::now_unix_ns())) {}

std::string SpaceRecordStore::query_of(const Asker &asker) {
  return SpaceRows::columns() + SpaceRows::reached_by(asker);
}

std::string SpaceRecordStore::query_of_type(const Asker &asker) {
  return SpaceRows::columns() + SpaceRows::of_type(asker);
}

void SpaceRecordStore::changing(Lease &lease) {
  if (shared()) lease.run("UPDATE registry_generation SET value = value + 1 WHERE one = 1");
}

Result<std::unique_ptr<SpaceRecordStore>> SpaceRecordStore::open(const std::string &url, std::size_t limit) {
  auto sessions = sql::Sessions::open(url, limit);
  if (!sessions) return sessions.error();
  const auto steps = migrations_for((*sessions)->dialect());
  std::vector<const char *> texts;
  for (const std::string &step : steps) texts.push_back(step.c_str());
  if (auto migrated = (*sessions)->migrate("registry-sql", texts); !migrated) return migrated.error();
  return std::make_unique<SpaceRecordStore>(Private{}, std::move(*sessions));
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::spaces_of(const Asker &asker, std::int64_t now_ns) {
  if (asker.account.none()) return std::vector<SpaceRecord>();
  return with_session("read the spaces of an account", asker.deadline,
                      [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
                        SpaceRows rows;
                        rows.read(lease, SpaceRows::reached_by(asker), useRef(now_ns));
                        return rows.records();
                      });
}

Result<SpaceRecord> SpaceRecordStore::get(const SpaceId &id, const Asker &asker, std::int64_t now_ns) {
  return with_session("read a space", asker.deadline, [&](Lease &lease) -> Result<SpaceRecord> {
    SpaceRows rows;
    const std::string key = id.text();
    rows.read(
        lease,
        "FROM spaces s LEFT JOIN members m ON m.space = s.id AND " + SpaceRows::membership(asker) + " WHERE s.id = $2",
        useRef(now_ns), useRef(key));
    auto records = rows.records();
    if (records.empty()) return no_space();
    return std::move(records.front());
  });
}

Result<SpaceRecord> SpaceRecordStore::personal(const AccountId &owner, const Asker &asker, std::int64_t now_ns) {
  return with_session("read a personal space", asker.deadline, [&](Lease &lease) -> Result<SpaceRecord> {
    SpaceRows rows;
    const std::string key = owner.text();
    rows.read(lease,
              "FROM spaces s LEFT JOIN members m ON m.space = s.id AND " + SpaceRows::membership(asker) +
                  " WHERE s.type = 1 AND s.endpoint = '' AND s.owner = $2",
              useRef(now_ns), useRef(key));
    auto records = rows.records();
    if (records.empty()) return no_space();
    return std::move(records.front());
  });
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::list(const SpaceId &after, std::uint64_t limit, const Asker &asker,
                                                        std::int64_t now_ns) {
  return with_session("list the spaces", asker.deadline, [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
    SpaceRows rows;
    const std::string from = text_of(after);
    const std::int64_t at_most = most_of(limit);
    rows.read(lease,
              "FROM (SELECT * FROM spaces WHERE id > $1 ORDER BY id LIMIT $2) s LEFT JOIN members m ON m.space = s.id"
              " AND " +
                  SpaceRows::membership(asker, "$3") + " ORDER BY s.id",
              useRef(from), useRef(at_most), useRef(now_ns));
    return rows.records();
  });
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::list_of_type(std::uint32_t type, const SpaceId &after,
                                                                std::uint64_t limit, const Asker &asker,
                                                                std::int64_t now_ns) {
  return with_session(
      "list the spaces of a type", asker.deadline, [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
        SpaceRows rows;
        const std::int64_t wanted = type;
        const std::string from = text_of(after);
        const std::int64_t at_most = most_of(limit);
        rows.read(lease, SpaceRows::of_type(asker), useRef(wanted), useRef(from), useRef(at_most), useRef(now_ns));
        return rows.records();
      });
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::get_many(std::span<const SpaceId> spaces, const Asker &asker,
                                                            std::int64_t now_ns) {
  std::vector<SpaceId> wanted(spaces.begin(), spaces.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return with_session("read some spaces", asker.deadline, [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
    std::vector<SpaceRecord> out;
    for (std::size_t at = 0; at < wanted.size(); at += kAtOnce) {
      SpaceRows rows;
      rows.read(lease,
                "FROM spaces s LEFT JOIN members m ON m.space = s.id AND " + SpaceRows::membership(asker) +
                    " WHERE s.id IN " + SpaceRows::list_of(some_of(wanted, at)) + " ORDER BY s.id",
                useRef(now_ns));
      for (SpaceRecord &record : rows.records()) out.push_back(std::move(record));
    }
    return out;
  });
}

Result<std::vector<Member>> SpaceRecordStore::read_members(Lease &lease, const std::string &where) {
  std::vector<std::string> spaces, accounts, roles;
  std::vector<std::int64_t> kinds, permissions, expiries;
  lease.run("SELECT space, kind, account, permissions, role, expires_ns FROM members WHERE space " + where +
                " ORDER BY space, kind, account",
            into(spaces), into(kinds), into(accounts), into(permissions), into(roles), into(expiries));
  std::vector<Member> out;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    Member member;
    member.kind = static_cast<std::uint32_t>(kinds[i]);
    member.account = AccountId::parse(accounts[i]).value_or(AccountId());
    member.permissions = static_cast<std::uint32_t>(permissions[i]);
    member.role = roles[i];
    member.expires_ns = expiries[i];
    member.space = SpaceId::parse(spaces[i]).value_or(SpaceId());
    out.push_back(std::move(member));
  }
  return out;
}

Result<std::vector<Member>> SpaceRecordStore::members(const SpaceId &space, sql::Deadline deadline) {
  return with_session("read the members of a space", deadline, [&](Lease &lease) -> Result<std::vector<Member>> {
    if (!space_exists(lease, space)) return no_space();
    return read_members(lease, "IN " + SpaceRows::list_of(std::span(&space, 1)));
  });
}

Result<std::vector<Member>> SpaceRecordStore::members_many(std::span<const SpaceId> spaces, sql::Deadline deadline) {
  std::vector<SpaceId> wanted(spaces.begin(), spaces.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return with_session("read the members of spaces", deadline, [&](Lease &lease) -> Result<std::vector<Member>> {
    std::vector<Member> out;
    for (std::size_t at = 0; at < wanted.size(); at += kAtOnce) {
      auto some = read_members(lease, "IN " + SpaceRows::list_of(some_of(wanted, at)));
      if (!some) return some;
      for (Member &member : *some) out.push_back(std::move(member));
    }
    return out;
  });
}

}  // namespace Atoll::registry_sql
