// SPDX-License-Identifier: Apache-2.0
// Pages of accounts, and memberships of many at once.
#include <Poco/Data/AbstractBinding.h>

#include <algorithm>
#include <deque>

#include "core/base/time.hpp"
#include "plugins/auth-local/account_rows.hpp"
#include "plugins/auth-local/account_store.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

using Poco::Data::Keywords::into;
using Poco::Data::Keywords::useRef;

namespace {

/// A text that more accounts hold is looked for in the order of the page, which ends early; a rarer one through its
/// parts.
constexpr std::int64_t kCommon = 1000;

/// A pattern for LIKE ... ESCAPE '\' that finds the text anywhere.
std::string containing(const std::string &folded_text) {
  std::string out("%");
  for (const char c : folded_text) {
    if (c == '%' || c == '_' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('%');
  return out;
}

/// A phrase of FTS5: what is between the quotes has no meaning.
std::string phrase(const std::string &text) {
  std::string out("\"");
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string list_of(const std::vector<AccountId> &ids) {
  std::string out("(");
  for (const AccountId &id : ids) out.append(out.size() > 1 ? ", '" : "'").append(id.text()).append("'");
  return out + ")";
}

/// Texts of a statement and their places.
class Texts {
 public:
  std::string add(std::string text) {
    kept_.push_back(std::move(text));
    bindings.push_back(useRef(kept_.back()));
    return "$" + std::to_string(kept_.size());
  }
  Poco::Data::AbstractBindingVec bindings;

 private:
  std::deque<std::string> kept_;
};

}  // namespace

Result<std::vector<Account>> AccountStore::page(const AccountQuery &query) {
  for (const std::string *text : {&query.text, &query.name, &query.display_name, &query.mail, &query.after})
    if (!findable(*text)) return std::vector<Account>();
  return with_session("search accounts", [&](Lease &lease) -> Result<std::vector<Account>> {
    const std::string text = folded(query.text);
    const std::string key = query.order == ATOLL_ACCOUNT_BY_DISPLAY_NAME ? "a.folded_display"
                            : query.order == ATOLL_ACCOUNT_BY_MAIL       ? "a.folded_mail"
                                                                         : "a.folded";
    const bool down = (query.flags & ATOLL_ACCOUNT_QUERY_DESCENDING) != 0;
    Texts texts;
    std::string from = "accounts a WHERE ";
    if (characters(text) >= 3 && !shared()) {
      std::int64_t count = 0;
      const std::string wanted = phrase(text);
      lease.run("SELECT count(*) FROM (SELECT 1 FROM account_words WHERE account_words MATCH $1 LIMIT " +
                    std::to_string(kCommon + 1) + ")",
                useRef(wanted), into(count));
      if (count <= kCommon)
        from = "account_words w CROSS JOIN accounts a ON a.number = w.rowid WHERE account_words MATCH " +
               texts.add(wanted) + " AND ";
    }
    from += "a.kind = " + std::to_string(query.kind);
    if (!text.empty()) {
      const std::string pattern = containing(text);
      if ((query.flags & ATOLL_ACCOUNT_QUERY_WHOLE_MAIL) == 0) {
        from += " AND a.search LIKE " + texts.add(pattern) + " ESCAPE '\\'";
      } else {
        from += " AND (a.folded LIKE " + texts.add(pattern) + " ESCAPE '\\'";
        from += " OR a.folded_display LIKE " + texts.add(pattern) + " ESCAPE '\\'";
        from += " OR a.folded_mail = " + texts.add(text) + ")";
      }
    }
    for (const auto &[column, wanted] : {std::pair("a.folded", &query.name),
                                         {"a.folded_display", &query.display_name},
                                         {"a.folded_mail", &query.mail}})
      if (!wanted->empty()) from += " AND " + std::string(column) + " = " + texts.add(folded(*wanted));
    if (!query.groups.empty())
      from += " AND a.id IN (SELECT user_id FROM memberships WHERE group_id IN " + list_of(query.groups) + ")";
    if (query.roles != 0) {
      std::string roles;
      for (std::uint32_t role = 0; role <= ATOLL_ROLE_ADMIN; ++role)
        if ((query.roles >> role & 1u) != 0) roles += (roles.empty() ? "" : ", ") + std::to_string(role);
      from += " AND a.app_role IN (" + roles + ")";
    }
    const std::string now = std::to_string(base::now_unix_ns());
    const std::string in_use = "(a.enabled = 1 AND (a.expires_ns = 0 OR a.expires_ns > " + now + "))";
    if ((query.flags & ATOLL_ACCOUNT_QUERY_ENABLED) != 0) from += " AND " + in_use;
    if ((query.flags & ATOLL_ACCOUNT_QUERY_DISABLED) != 0) from += " AND NOT " + in_use;
    if ((query.flags & ATOLL_ACCOUNT_QUERY_GUESTS) != 0) from += " AND a.guest = 1";
    if ((query.flags & ATOLL_ACCOUNT_QUERY_MEMBERS) != 0) from += " AND a.guest = 0";
    if (!query.after_id.none())
      from += " AND (" + key + ", a.id) " + (down ? "<" : ">") + " (" + texts.add(folded(query.after)) + ", '" +
              query.after_id.text() + "')";
    else if (!query.after.empty())
      from += " AND " + key + (down ? " < " : " > ") + texts.add(folded(query.after));
    const char *direction = down ? " DESC" : "";
    const std::uint64_t limit = query.limit == 0 ? 1000 : std::min(query.limit, kMaxPage);
    from += " ORDER BY " + key + direction + ", a.id" + direction + " LIMIT " + std::to_string(limit);
    AccountRows rows;
    rows.read_from(lease, from, texts.bindings);
    return rows.accounts();
  });
}

Result<std::vector<Membership>> AccountStore::memberships(const std::vector<AccountId> &of, bool of_groups) {
  if (of.empty()) return std::vector<Membership>();
  return with_session("read memberships", [&](Lease &lease) -> Result<std::vector<Membership>> {
    const std::string owner = of_groups ? "m.group_id" : "m.user_id", other = of_groups ? "m.user_id" : "m.group_id";
    AccountRows rows;
    std::vector<std::string> owners;
    rows.read_with(lease, owner, owners,
                   "memberships m JOIN accounts a ON a.id = " + other + " WHERE " + owner + " IN " + list_of(of) +
                       " ORDER BY " + owner + ", a.folded");
    std::vector<Membership> out;
    out.reserve(owners.size());
    for (std::size_t row = 0; row < owners.size(); ++row)
      out.push_back({AccountId::parse(owners[row]).value_or(AccountId()), rows.account(row)});
    return out;
  });
}

}  // namespace Atoll::auth_local
