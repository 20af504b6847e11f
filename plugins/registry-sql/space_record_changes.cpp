// SPDX-License-Identifier: Apache-2.0
// What changes records and members, and the generation that tells of it.
#include <functional>
#include <limits>
#include <tuple>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/registry-sql/space_record_store.hpp"
#include "plugins/registry-sql/space_rows.hpp"

namespace Atoll::registry_sql {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

std::string text_of(const NodeId &node) { return node.none() ? std::string() : node.text(); }

Result<void> check_text(const char *what, const std::string &text, std::size_t limit) {
  if (text.size() <= limit && base::valid_utf8(text) && text.find('\0') == std::string::npos) return {};
  return error(Status::InvalidArgument, std::string("the ") + what +
                                            " of the space is not valid UTF-8 or longer than " + std::to_string(limit) +
                                            " bytes");
}

constexpr std::uint32_t kAllFields = ATOLL_SPACE_SET_NAME | ATOLL_SPACE_SET_ALIAS | ATOLL_SPACE_SET_DESCRIPTION |
                                     ATOLL_SPACE_SET_QUOTA | ATOLL_SPACE_SET_IMAGE | ATOLL_SPACE_SET_README |
                                     ATOLL_SPACE_SET_STATE | ATOLL_SPACE_SET_PROVIDER | ATOLL_SPACE_SET_ENDPOINT |
                                     ATOLL_SPACE_SET_ROOT_ETAG | ATOLL_SPACE_SET_ISSUER;

/// Those of the fields that are to be written.
Result<void> check(const SpaceRecord &record, std::uint32_t fields) {
  if (record.id.none()) return error(Status::InvalidArgument, "a space without an id");
  if ((fields & ~kAllFields) != 0) return error(Status::InvalidArgument, "there is no such part of a space");
  if ((fields & ATOLL_SPACE_SET_STATE) != 0 &&
      (record.state < ATOLL_SPACE_STATE_ACTIVE || record.state > ATOLL_SPACE_STATE_PURGING))
    return error(Status::InvalidArgument, "there is no such state of a space");
  if ((fields & ATOLL_SPACE_SET_NAME) != 0 && record.name.empty())
    return error(Status::InvalidArgument, "the name of the space is empty");
  const bool provider = (fields & ATOLL_SPACE_SET_PROVIDER) != 0, endpoint = (fields & ATOLL_SPACE_SET_ENDPOINT) != 0;
  if (provider && endpoint ? record.provider.empty() == record.endpoint.empty()
                           : (provider && record.provider.empty()) || (endpoint && record.endpoint.empty()))
    return error(Status::InvalidArgument, "a space lives at a provider here or at an endpoint elsewhere, one of both");
  if ((fields & ATOLL_SPACE_SET_QUOTA) != 0 && record.quota != ATOLL_QUOTA_NONE &&
      record.quota > std::numeric_limits<std::int64_t>::max())
    return error(Status::InvalidArgument, "the quota of the space is too large");
  for (const auto &[what, field, text, limit] :
       {std::tuple<const char *, std::uint32_t, const std::string &, std::size_t>{"name", ATOLL_SPACE_SET_NAME,
                                                                                  record.name, 1000},
        {"alias", ATOLL_SPACE_SET_ALIAS, record.alias, 2000},
        {"description", ATOLL_SPACE_SET_DESCRIPTION, record.description, 65536},
        {"provider", ATOLL_SPACE_SET_PROVIDER, record.provider, 1000},
        {"endpoint", ATOLL_SPACE_SET_ENDPOINT, record.endpoint, 4000},
        {"issuer", ATOLL_SPACE_SET_ISSUER, record.issuer, 4000},
        {"etag", ATOLL_SPACE_SET_ROOT_ETAG, record.root_etag, 1000}}) {
    if ((fields & field) == 0) continue;
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

}  // namespace

Result<void> SpaceRecordStore::insert(SpaceRecord record, sql::Deadline deadline) {
  if (record.type == ATOLL_SPACE_PERSONAL) {
    if (record.owner.none()) return error(Status::InvalidArgument, "a personal space without an owner");
  } else if (record.type == ATOLL_SPACE_PROJECT) {
    if (record.owner.none()) record.owner = record.id.as<AccountTag>();
  } else {
    return error(Status::InvalidArgument, "there is no such type of space");
  }
  if (auto checked = check(record, kAllFields); !checked) return checked;
  auto inserted = with_session("insert a space", deadline, [&](Lease &lease) -> Result<void> {
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
  changed();  // also when it is not known whether it was committed
  return inserted;
}

Result<void> SpaceRecordStore::update(const SpaceRecord &record, sql::Deadline deadline) {
  return change(record, kAllFields, 0, deadline);
}

Result<void> SpaceRecordStore::change(const SpaceRecord &record, std::uint32_t fields, std::uint32_t expected_state,
                                      sql::Deadline deadline) {
  if (auto checked = check(record, fields); !checked) return checked;
  const std::string id = record.id.text();
  const std::int64_t state = record.state, expected = expected_state;
  const std::int64_t quota = stored_quota(record.quota);
  const std::string image = text_of(record.image), readme = text_of(record.readme);
  using Bound = Poco::Data::AbstractBinding::Ptr;
  std::vector<std::pair<std::string, std::function<Bound()>>> columns;  // a binding serves one statement
  const auto add = [&](std::uint32_t field, const char *name, const auto &value) {
    if ((fields & field) != 0) columns.emplace_back(name, [&value] { return Bound(useRef(value)); });
  };
  add(ATOLL_SPACE_SET_NAME, "name", record.name);
  add(ATOLL_SPACE_SET_ALIAS, "alias", record.alias);
  add(ATOLL_SPACE_SET_DESCRIPTION, "description", record.description);
  add(ATOLL_SPACE_SET_QUOTA, "quota", quota);
  add(ATOLL_SPACE_SET_IMAGE, "image", image);
  add(ATOLL_SPACE_SET_README, "readme", readme);
  add(ATOLL_SPACE_SET_STATE, "state", state);
  add(ATOLL_SPACE_SET_PROVIDER, "provider", record.provider);
  add(ATOLL_SPACE_SET_ENDPOINT, "endpoint", record.endpoint);
  add(ATOLL_SPACE_SET_ISSUER, "issuer", record.issuer);
  const std::size_t told = columns.size();  // the rest changes no generation
  add(ATOLL_SPACE_SET_ROOT_ETAG, "root_etag", record.root_etag);
  bool nothing_new = columns.empty();
  auto done = with_session("change a space", deadline, [&](Lease &lease) -> Result<void> {
    lease.begin();
    std::vector<std::int64_t> states;
    std::vector<std::string> endpoints;
    lease.run(std::string("SELECT state, endpoint FROM spaces WHERE id = $1") + (shared() ? " FOR UPDATE" : ""),
              useRef(id), into(states), into(endpoints));
    if (states.empty()) return no_space();
    if (expected_state != 0 && states[0] != expected)
      return error(Status::Aborted, "the space is in another state by now");
    const std::uint32_t place = fields & (ATOLL_SPACE_SET_PROVIDER | ATOLL_SPACE_SET_ENDPOINT);
    if ((place == ATOLL_SPACE_SET_PROVIDER && !endpoints[0].empty()) ||
        (place == ATOLL_SPACE_SET_ENDPOINT && endpoints[0].empty()))
      return error(Status::FailedPrecondition, "the space lives elsewhere");
    if (columns.empty()) return {};
    std::string same = "SELECT count(*) FROM spaces WHERE ", set = "UPDATE spaces SET ";
    std::vector<Bound> values, compared;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const std::string part = columns[i].first + " = $" + std::to_string(i + 1);
      set += (i == 0 ? "" : ", ") + part;
      values.push_back(columns[i].second());
      if (i >= told) continue;
      same += part + " AND ";
      compared.push_back(columns[i].second());
    }
    compared.push_back(useRef(id));
    std::int64_t count = 0;
    lease.run_bound(same + "id = $" + std::to_string(told + 1), compared, into(count));
    nothing_new = count > 0;
    values.push_back(useRef(id));
    set += " WHERE id = $" + std::to_string(values.size());
    if (expected_state != 0) {
      values.push_back(useRef(expected));
      set += " AND state = $" + std::to_string(values.size());
    }
    if (lease.run_bound(set, values) != 1) return error(Status::Aborted, "the space is in another state by now");
    if (!nothing_new) changing(lease);
    lease.commit();
    return {};
  });
  if (!nothing_new) changed();
  return done;
}

Result<void> SpaceRecordStore::remove(const SpaceId &id, sql::Deadline deadline) {
  auto removed = with_session("remove a space", deadline, [&](Lease &lease) -> Result<void> {
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

Result<void> SpaceRecordStore::member_put(const SpaceId &space, const Member &member, sql::Deadline deadline) {
  if (member.account.none()) return error(Status::InvalidArgument, "a member without an account");
  if (member.kind != ATOLL_ACCOUNT_USER && member.kind != ATOLL_ACCOUNT_GROUP) {
    return error(Status::InvalidArgument, "only users and groups can be members");
  }
  if (member.expires_ns < 0) return error(Status::InvalidArgument, "the expiry of the membership is before 1970");
  if (auto checked = check_text("member's role", member.role, 1000); !checked) return checked;
  auto put = with_session("add a member to a space", deadline, [&](Lease &lease) -> Result<void> {
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

Result<void> SpaceRecordStore::member_remove(const SpaceId &space, const AccountId &account, sql::Deadline deadline) {
  auto removed = with_session("remove a member from a space", deadline, [&](Lease &lease) -> Result<void> {
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

Result<std::int64_t> SpaceRecordStore::next_expiry(std::int64_t now_ns, sql::Deadline deadline) {
  return with_session("look for expiring members", deadline, [&](Lease &lease) -> Result<std::int64_t> {
    std::vector<std::int64_t> expiries;
    lease.run("SELECT expires_ns FROM members WHERE expires_ns > $1 ORDER BY expires_ns LIMIT 1", useRef(now_ns),
              into(expiries));
    return expiries.empty() ? std::numeric_limits<std::int64_t>::max() : expiries.front();
  });
}

Result<std::uint64_t> SpaceRecordStore::generation(std::int64_t now_ns, sql::Deadline deadline) {
  std::int64_t stored = 0;
  if (shared()) {
    const auto read =
        with_session("read the generation of the registry", deadline, [&](Lease &lease) -> Result<std::int64_t> {
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
    const auto next = next_expiry(now_ns, deadline);
    if (!next) return next.error();
    // A member that was put meanwhile has set it to 0: then it is looked at again next time.
    next_expiry_ns_.compare_exchange_strong(expected, *next);
  }
  return generation_.load() + static_cast<std::uint64_t>(stored);
}

}  // namespace Atoll::registry_sql
