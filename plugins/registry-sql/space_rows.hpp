// SPDX-License-Identifier: Apache-2.0
// Rows of spaces with the memberships that let somebody reach them, read column by column.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugins/registry-sql/space_record_store.hpp"

namespace Atoll::registry_sql {

inline Error no_space() { return error(Status::NotFound, "there is no such space"); }

inline bool space_exists(sql::Sessions::Lease &lease, const SpaceId &space) {
  const std::string key = space.text();
  std::int64_t count = 0;
  lease.run("SELECT count(*) FROM spaces WHERE id = $1", Poco::Data::Keywords::useRef(key),
            Poco::Data::Keywords::into(count));
  return count > 0;
}

/// [one thread at a time]
class SpaceRows {
 public:
  /// The condition that a member row m is the asker's and still valid; `now` is the parameter of that name.
  static std::string membership(const Asker &asker, std::string_view now = "$1") {
    std::string out("(m.expires_ns = 0 OR m.expires_ns > ");
    out.append(now).append(") AND ((m.kind = 1 AND m.account = ");
    append_id(out, asker.account);
    out.append(")");
    if (!asker.groups.empty())
      out.append(" OR (m.kind = 2 AND m.account IN ").append(list_of(std::span(asker.groups))).append(")");
    return out.append(")");
  }

  static std::string columns() {
    return "SELECT s.id, s.birth, s.type, s.state, s.owner, s.name, s.alias, s.description, s.provider, s.endpoint,"
           " s.quota, s.root_etag, s.created_ns, s.issuer, s.image, s.readme, COALESCE(m.permissions, 0),"
           " COALESCE(m.expires_ns, 0) ";
  }
  /// What follows the columns in the query for all spaces that somebody reaches.
  static std::string reached_by(const Asker &asker) {
    return "FROM members m JOIN spaces s ON s.id = m.space WHERE " + membership(asker) +
           " ORDER BY s.type, s.name, s.id";
  }

  /// The same for all spaces of a type, in pages.
  static std::string of_type(const Asker &asker) {
    return "FROM (SELECT * FROM spaces WHERE type = $1 AND id > $2 ORDER BY id LIMIT $3) s"
           " LEFT JOIN members m ON m.space = s.id AND " +
           membership(asker, "$4") + " ORDER BY s.id";
  }

  /// Reads the rows of "SELECT ... <rest>" over spaces s and members m. Throws as Poco::Data does.
  template <class... Bindings>
  void read(sql::Sessions::Lease &lease, const std::string &rest, Bindings &&...bindings) {
    using Poco::Data::Keywords::into;
    lease.run(columns() + rest, std::forward<Bindings>(bindings)..., into(ids_), into(births_), into(types_),
              into(states_), into(owners_), into(names_), into(aliases_), into(descriptions_), into(providers_),
              into(endpoints_), into(quotas_), into(etags_), into(created_), into(issuers_), into(images_),
              into(readmes_), into(permissions_), into(expiries_));
  }

  /// "('id','id')" to stand behind IN.
  template <class Id>
  static std::string list_of(std::span<const Id> ids) {
    std::string out("(");
    for (const Id &id : ids) {
      if (out.size() > 1) out.push_back(',');
      append_id(out, id);
    }
    return out.append(")");
  }

  /// One record per space: the permissions of its rows, which follow each other, are joined.
  std::vector<SpaceRecord> records() const {
    std::vector<SpaceRecord> out;
    for (std::size_t row = 0; row < ids_.size(); ++row) {
      if (row == 0 || ids_[row] != ids_[row - 1]) out.push_back(record(row));
      out.back().permissions |= static_cast<std::uint32_t>(permissions_[row]);
      std::int64_t &until = out.back().permissions_until_ns;
      if (expiries_[row] > 0) until = until == 0 ? expiries_[row] : std::min(until, expiries_[row]);
    }
    return out;
  }

 private:
  /// Hex digits and dashes only: safe to stand in SQL.
  template <class Id>
  static void append_id(std::string &out, const Id &id) {
    out.append("'").append(id.text()).append("'");
  }

  SpaceRecord record(std::size_t row) const {
    SpaceRecord out;
    out.id = SpaceId::parse(ids_[row]).value_or(SpaceId());
    out.birth = Uuid::parse(births_[row]).value_or(Uuid());
    out.type = static_cast<std::uint32_t>(types_[row]);
    out.state = static_cast<std::uint32_t>(states_[row]);
    out.owner = AccountId::parse(owners_[row]).value_or(AccountId());
    out.name = names_[row];
    out.alias = aliases_[row];
    out.description = descriptions_[row];
    out.provider = providers_[row];
    out.endpoint = endpoints_[row];
    out.quota = quotas_[row] < 0 ? ATOLL_QUOTA_NONE : static_cast<std::uint64_t>(quotas_[row]);
    out.root_etag = etags_[row];
    out.created_ns = created_[row];
    out.issuer = issuers_[row];
    out.image = NodeId::parse(images_[row]).value_or(NodeId());
    out.readme = NodeId::parse(readmes_[row]).value_or(NodeId());
    out.permissions = 0;
    return out;
  }

  std::vector<std::string> ids_, births_, owners_, names_, aliases_, descriptions_, providers_, endpoints_, etags_,
      issuers_, images_, readmes_;
  std::vector<std::int64_t> types_, states_, quotas_, created_, permissions_, expiries_;
};

}  // namespace Atoll::registry_sql
