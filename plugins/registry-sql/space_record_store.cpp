// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/space_record_store.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/registry-sql/space_rows.hpp"

namespace Atoll::registry_sql {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

constexpr std::array<const char *, 3> kMigrations = {
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

std::string text_of(const NodeId &node) { return node.none() ? std::string() : node.text(); }

Error no_space() { return error(Status::NotFound, "there is no such space"); }

Result<void> check_text(const char *what, const std::string &text, std::size_t limit) {
  if (text.size() <= limit && base::valid_utf8(text) && text.find('\0') == std::string::npos) return {};
  return error(Status::InvalidArgument, std::string("the ") + what +
                                            " of the space is not valid UTF-8 or longer than " + std::to_string(limit) +
                                            " bytes");
}

Result<void> check(const SpaceRecord &record) {
  if (record.id.none()) return error(Status::InvalidArgument, "a space without an id");
  if (record.state != ATOLL_SPACE_STATE_ACTIVE && record.state != ATOLL_SPACE_STATE_DISABLED &&
      record.state != ATOLL_SPACE_STATE_CREATING) {
    return error(Status::InvalidArgument, "there is no such state of a space");
  }
  if (record.name.empty()) return error(Status::InvalidArgument, "the name of the space is empty");
  if (record.provider.empty() == record.endpoint.empty())
    return error(Status::InvalidArgument, "a space lives at a provider here or at an endpoint elsewhere, one of both");
  if (record.quota != ATOLL_QUOTA_NONE && record.quota > std::numeric_limits<std::int64_t>::max()) {
    return error(Status::InvalidArgument, "the quota of the space is too large");
  }
  for (const auto &[what, text, limit] :
       {std::tuple<const char *, const std::string &, std::size_t>{"name", record.name, 1000},
        {"alias", record.alias, 2000},
        {"description", record.description, 65536},
        {"provider", record.provider, 1000},
        {"endpoint", record.endpoint, 4000},
        {"issuer", record.issuer, 4000},
        {"etag", record.root_etag, 1000}}) {
    if (auto checked = check_text(what, text, limit); !checked) return checked;
  }
  return {};
}

std::int64_t stored_quota(std::uint64_t quota) {
  return quota == ATOLL_QUOTA_NONE ? -1 : static_cast<std::int64_t>(quota);
}

void put_member(sql::Sessions::Lease &lease, const SpaceId &space, const Member &member) {
  const std::string space_key = space.text();
  const std::string account = member.account.text();
  const std::int64_t kind = member.kind;
  const std::int64_t permissions = member.permissions;
  lease.run(
      "INSERT INTO members(space, kind, account, permissions, role, expires_ns) VALUES($1, $2, $3, $4, $5, $6)"
      " ON CONFLICT(space, account) DO UPDATE SET kind = excluded.kind, permissions = excluded.permissions,"
      " role = excluded.role, expires_ns = excluded.expires_ns",
      useRef(space_key), useRef(kind), useRef(account), useRef(permissions), useRef(member.role),
      useRef(member.expires_ns));
}

/// Ids that stand in one query.
constexpr std::size_t kAtOnce = 500;

std::span<const SpaceId> some_of(const std::vector<SpaceId> &all, std::size_t at) {
  return std::span(all).subspan(at, std::min(kAtOnce, all.size() - at));
}

bool space_exists(sql::Sessions::Lease &lease, const SpaceId &space) {
  const std::string key = space.text();
  std::int64_t count = 0;
  lease.run("SELECT count(*) FROM spaces WHERE id = $1", useRef(key), into(count));
  return count > 0;
}

}  // namespace

SpaceRecordStore::SpaceRecordStore(Private, std::unique_ptr<sql::Sessions> sessions)
    : sessions_(std::move(sessions)), generation_(static_cast<std::uint64_t>(base::now_unix_ns())) {}

std::string SpaceRecordStore::query_of(const Asker &asker) {
  return SpaceRows::columns() + SpaceRows::reached_by(asker);
}

void SpaceRecordStore::changing(Lease &lease) {
  if (shared()) lease.run("UPDATE registry_generation SET value = value + 1 WHERE one = 1");
}

Result<std::unique_ptr<SpaceRecordStore>> SpaceRecordStore::open(const std::string &url) {
  auto sessions = sql::Sessions::open(url);
  if (!sessions) return sessions.error();
  const auto steps = migrations_for((*sessions)->dialect());
  std::vector<const char *> texts;
  for (const std::string &step : steps) texts.push_back(step.c_str());
  if (auto migrated = (*sessions)->migrate("registry-sql", texts); !migrated) return migrated.error();
  return std::make_unique<SpaceRecordStore>(Private{}, std::move(*sessions));
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::spaces_of(const Asker &asker, std::int64_t now_ns) {
  if (asker.account.none()) return std::vector<SpaceRecord>();
  return with_session("read the spaces of an account", [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
    SpaceRows rows;
    rows.read(lease, SpaceRows::reached_by(asker), useRef(now_ns));
    return rows.records();
  });
}

Result<SpaceRecord> SpaceRecordStore::get(const SpaceId &id, const Asker &asker, std::int64_t now_ns) {
  return with_session("read a space", [&](Lease &lease) -> Result<SpaceRecord> {
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
  return with_session("read a personal space", [&](Lease &lease) -> Result<SpaceRecord> {
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
  return with_session("list the spaces", [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
    SpaceRows rows;
    const std::string from = after.none() ? std::string() : after.text();
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto at_most = static_cast<std::int64_t>(limit == 0 ? most : std::min(limit, most));
    rows.read(lease,
              "FROM (SELECT * FROM spaces WHERE id > $1 ORDER BY id LIMIT $2) s LEFT JOIN members m ON m.space = s.id"
              " AND " +
                  SpaceRows::membership(asker, "$3") + " ORDER BY s.id",
              useRef(from), useRef(at_most), useRef(now_ns));
    return rows.records();
  });
}

Result<std::vector<SpaceRecord>> SpaceRecordStore::get_many(std::span<const SpaceId> spaces, const Asker &asker,
                                                            std::int64_t now_ns) {
  std::vector<SpaceId> wanted(spaces.begin(), spaces.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return with_session("read some spaces", [&](Lease &lease) -> Result<std::vector<SpaceRecord>> {
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

Result<std::vector<Member>> SpaceRecordStore::members(const SpaceId &space) {
  return with_session("read the members of a space", [&](Lease &lease) -> Result<std::vector<Member>> {
    if (!space_exists(lease, space)) return no_space();
    return read_members(lease, "IN " + SpaceRows::list_of(std::span(&space, 1)));
  });
}

Result<std::vector<Member>> SpaceRecordStore::members_many(std::span<const SpaceId> spaces) {
  std::vector<SpaceId> wanted(spaces.begin(), spaces.end());
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  return with_session("read the members of spaces", [&](Lease &lease) -> Result<std::vector<Member>> {
    std::vector<Member> out;
    for (std::size_t at = 0; at < wanted.size(); at += kAtOnce) {
      auto some = read_members(lease, "IN " + SpaceRows::list_of(some_of(wanted, at)));
      if (!some) return some;
      for (Member &member : *some) out.push_back(std::move(member));
    }
    return out;
  });
}

Result<void> SpaceRecordStore::insert(SpaceRecord record) {
  if (record.type == ATOLL_SPACE_PERSONAL) {
    if (record.owner.none()) return error(Status::InvalidArgument, "a personal space without an owner");
  } else if (record.type == ATOLL_SPACE_PROJECT) {
    if (record.owner.none()) record.owner = record.id.as<AccountTag>();
  } else {
    return error(Status::InvalidArgument, "there is no such type of space");
  }
  if (auto checked = check(record); !checked) return checked;
  auto inserted = with_session("insert a space", [&](Lease &lease) -> Result<void> {
    const std::string id = record.id.text();
    const std::string birth = record.birth.text();
    const std::string owner = record.owner.text();
    const std::int64_t type = record.type;
    const std::int64_t state = record.state;
    const std::int64_t quota = stored_quota(record.quota);
    const std::int64_t created_ns = record.created_ns != 0 ? record.created_ns : base::now_unix_ns();
    const std::string image = text_of(record.image), readme = text_of(record.readme);
    lease.begin();
    const std::size_t rows = lease.run(
        "INSERT INTO spaces(id, birth, type, state, owner, name, alias, description, provider, endpoint, quota,"
        " root_etag, created_ns, issuer, image, readme)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING",
        useRef(id), useRef(birth), useRef(type), useRef(state), useRef(owner), useRef(record.name),
        useRef(record.alias), useRef(record.description), useRef(record.provider), useRef(record.endpoint),
        useRef(quota), useRef(record.root_etag), useRef(created_ns), useRef(record.issuer), useRef(image),
        useRef(readme));
    if (rows == 0) return error(Status::AlreadyExists, "the space is there already, or its owner has a personal space");
    if (record.type == ATOLL_SPACE_PERSONAL && !record.remote()) {
      Member self;
      self.account = record.owner;
      self.permissions = kAllPermissions;
      self.role = kManagerRole;
      put_member(lease, record.id, self);
    }
    changing(lease);
    lease.commit();
    return {};
  });
  if (inserted) changed();
  return inserted;
}

Result<void> SpaceRecordStore::update(const SpaceRecord &record) {
  if (auto checked = check(record); !checked) return checked;
  bool only_etag = false;
  auto updated = with_session("change a space", [&](Lease &lease) -> Result<void> {
    const std::string id = record.id.text();
    const std::int64_t state = record.state;
    const std::int64_t quota = stored_quota(record.quota);
    const std::string image = text_of(record.image), readme = text_of(record.readme);
    lease.begin();
    std::int64_t same = 0;
    if (!space_exists(lease, record.id)) return no_space();
    lease.run(
        "SELECT count(*) FROM spaces WHERE id = $1 AND name = $2 AND alias = $3 AND description = $4 AND quota = $5"
        " AND state = $6 AND provider = $7 AND endpoint = $8 AND issuer = $9 AND image = $10 AND readme = $11",
        useRef(id), useRef(record.name), useRef(record.alias), useRef(record.description), useRef(quota), useRef(state),
        useRef(record.provider), useRef(record.endpoint), useRef(record.issuer), useRef(image), useRef(readme),
        into(same));
    only_etag = same > 0;
    lease.run(
        "UPDATE spaces SET name = $1, alias = $2, description = $3, quota = $4, state = $5, provider = $6,"
        " endpoint = $7, root_etag = $8, issuer = $9, image = $10, readme = $11 WHERE id = $12",
        useRef(record.name), useRef(record.alias), useRef(record.description), useRef(quota), useRef(state),
        useRef(record.provider), useRef(record.endpoint), useRef(record.root_etag), useRef(record.issuer),
        useRef(image), useRef(readme), useRef(id));
    if (!only_etag) changing(lease);
    lease.commit();
    return {};
  });
  if (!only_etag) changed();
  return updated;
}

Result<void> SpaceRecordStore::remove(const SpaceId &id) {
  auto removed = with_session("remove a space", [&](Lease &lease) -> Result<void> {
    const std::string key = id.text();
    lease.begin();
    if (!space_exists(lease, id)) return no_space();
    lease.run("DELETE FROM spaces WHERE id = $1", useRef(key));
    changing(lease);
    lease.commit();
    return {};
  });
  changed();
  return removed;
}

Result<void> SpaceRecordStore::member_put(const SpaceId &space, const Member &member) {
  if (member.account.none()) return error(Status::InvalidArgument, "a member without an account");
  if (member.kind != ATOLL_ACCOUNT_USER && member.kind != ATOLL_ACCOUNT_GROUP) {
    return error(Status::InvalidArgument, "only users and groups can be members");
  }
  if (member.expires_ns < 0) return error(Status::InvalidArgument, "the expiry of the membership is before 1970");
  if (auto checked = check_text("member's role", member.role, 1000); !checked) return checked;
  auto put = with_session("add a member to a space", [&](Lease &lease) -> Result<void> {
    lease.begin();
    if (!space_exists(lease, space)) return no_space();
    put_member(lease, space, member);
    changing(lease);
    lease.commit();
    return {};
  });
  next_expiry_ns_ = 0;
  changed();
  return put;
}

Result<void> SpaceRecordStore::member_remove(const SpaceId &space, const AccountId &account) {
  auto removed = with_session("remove a member from a space", [&](Lease &lease) -> Result<void> {
    const std::string space_key = space.text();
    const std::string account_key = account.text();
    std::int64_t count = 0;
    lease.begin();
    lease.run("SELECT count(*) FROM members WHERE space = $1 AND account = $2", useRef(space_key), useRef(account_key),
              into(count));
    if (count == 0) return error(Status::NotFound, "there is no such member");
    lease.run("DELETE FROM members WHERE space = $1 AND account = $2", useRef(space_key), useRef(account_key));
    changing(lease);
    lease.commit();
    return {};
  });
  changed();
  return removed;
}

Result<std::int64_t> SpaceRecordStore::next_expiry(std::int64_t now_ns) {
  return with_session("look for expiring members", [&](Lease &lease) -> Result<std::int64_t> {
    std::vector<std::int64_t> expiries;
    lease.run("SELECT expires_ns FROM members WHERE expires_ns > $1 ORDER BY expires_ns LIMIT 1", useRef(now_ns),
              into(expiries));
    return expiries.empty() ? std::numeric_limits<std::int64_t>::max() : expiries.front();
  });
}

Result<std::uint64_t> SpaceRecordStore::generation(std::int64_t now_ns) {
  std::int64_t stored = 0;
  if (shared()) {
    const auto read = with_session("read the generation of the registry", [&](Lease &lease) -> Result<std::int64_t> {
      std::vector<std::int64_t> values;
      lease.run("SELECT value FROM registry_generation WHERE one = 1", into(values));
      if (values.size() != 1) return error(Status::Unavailable, "the registry's database has lost its generation");
      return values.front();
    });
    if (!read) return read.error();
    stored = *read;
    // Another server may have put a member who expires.
    if (seen_.exchange(stored) != stored) next_expiry_ns_ = 0;
  }
  std::int64_t expected = next_expiry_ns_;
  if (now_ns >= expected) {
    if (expected > 0) changed();  // that membership has ended just now
    const auto next = next_expiry(now_ns);
    if (!next) return next.error();
    // A member that was put meanwhile has set it to 0: then it is looked at again next time.
    next_expiry_ns_.compare_exchange_strong(expected, *next);
  }
  return generation_.load() + static_cast<std::uint64_t>(stored);
}

}  // namespace Atoll::registry_sql
