// SPDX-License-Identifier: Apache-2.0
#include "core/host/account_file.hpp"

#include <atoll/sdk/types.hpp>

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>

#include "core/base/text.hpp"
#include "core/base/time.hpp"

namespace Atoll::host {
namespace {

constexpr std::size_t kMostProblems = 100;
constexpr std::int64_t kSecond = 1'000'000'000;

struct RoleWord {
  std::string_view word;
  std::uint32_t role;
};
constexpr RoleWord kRoleWords[] = {{"admin", ATOLL_ROLE_ADMIN},
                                   {"space admin", ATOLL_ROLE_SPACE_ADMIN},
                                   {"user", ATOLL_ROLE_USER},
                                   {"user light", ATOLL_ROLE_USER_LIGHT},
                                   {"none", ATOLL_ROLE_NONE}};

std::string_view role_word(std::uint32_t role) {
  for (const RoleWord &one : kRoleWords)
    if (one.role == role) return one.word;
  return "none";
}

std::optional<bool> yes_or_no(std::string_view text) {
  for (const auto *yes : {"yes", "true", "1"})
    if (base::iequals(text, yes)) return true;
  for (const auto *no : {"no", "false", "0"})
    if (base::iequals(text, no)) return false;
  return std::nullopt;
}

std::string expiry_text(std::int64_t expires_ns) {
  return expires_ns == 0 ? "never" : base::iso8601(expires_ns / kSecond);
}

/// Names with `;` between them; `\;` and `\\` stand for what a name has of these.
std::vector<std::string> split_groups(std::string_view value) {
  std::vector<std::string> out(1);
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == ';') {
      out.emplace_back();
      continue;
    }
    if (c == '\\' && at + 1 < value.size() && (value[at + 1] == ';' || value[at + 1] == '\\')) ++at;
    out.back().push_back(value[at]);
  }
  return out;
}

class FileProblems {
 public:
  explicit FileProblems(std::vector<AccountProblem> &out) : out_(out) {}
  void add(std::size_t line, std::string text) {
    if (out_.size() < kMostProblems) out_.push_back({line, std::move(text)});
  }

 private:
  std::vector<AccountProblem> &out_;
};

struct NamedField {
  std::string_view name;
  std::uint32_t field;
};
constexpr NamedField kNamedFields[] = {{"display_name", ATOLL_ACCOUNT_SET_DISPLAY_NAME},
                                       {"mail", ATOLL_ACCOUNT_SET_MAIL},
                                       {"given_name", ATOLL_ACCOUNT_SET_GIVEN_NAME},
                                       {"surname", ATOLL_ACCOUNT_SET_SURNAME},
                                       {"language", ATOLL_ACCOUNT_SET_LANGUAGE},
                                       {"description", ATOLL_ACCOUNT_SET_DESCRIPTION},
                                       {"role", ATOLL_ACCOUNT_SET_APP_ROLE},
                                       {"enabled", ATOLL_ACCOUNT_SET_ENABLED},
                                       {"guest", ATOLL_ACCOUNT_SET_GUEST},
                                       {"expires", ATOLL_ACCOUNT_SET_EXPIRES}};

/// Takes a value in; what is wrong with it is the result, else empty.
std::string take_value(FileAccount &to, std::string_view field, std::string_view value) {
  const auto text = [&](std::string &at) {
    at = value;
    return std::string();
  };
  if (value.empty()) return {};  // as if it were not there
  for (const NamedField &named : kNamedFields)
    if (named.name == field) to.fields |= named.field;
  if (field == "name") return text(to.name);
  if (field == "display_name") return text(to.display_name);
  if (field == "mail") return text(to.mail);
  if (field == "given_name") return text(to.given_name);
  if (field == "surname") return text(to.surname);
  if (field == "language") return text(to.language);
  if (field == "description") return text(to.description);
  if (field == "password") return text(to.password);
  const std::string shown = "'" + std::string(value.substr(0, 100)) + "'";
  if (field == "kind") {
    if (value != "user" && value != "group") return "the kind " + shown + " is neither user nor group";
    to.kind = value == "user" ? ATOLL_ACCOUNT_USER : ATOLL_ACCOUNT_GROUP;
  } else if (field == "role") {
    const auto *found = std::find_if(std::begin(kRoleWords), std::end(kRoleWords),
                                     [&](const RoleWord &one) { return base::iequals(one.word, value); });
    if (found == std::end(kRoleWords)) return "the role " + shown + " is none of admin, space admin, user, user light";
    to.app_role = found->role;
  } else if (field == "enabled" || field == "guest") {
    const auto yes = yes_or_no(value);
    if (!yes) return std::string(field) + ": " + shown + " is neither yes nor no";
    (field == "enabled" ? to.enabled : to.guest) = *yes;
  } else if (field == "expires") {
    const auto at = read_expiry(value);
    if (!at) return "expires: " + shown + " is no time like 2030-01-31T12:00:00Z, and not never";
    to.expires_ns = *at;
  } else if (field == "id") {
    const auto id = AccountId::parse(value);
    if (!id) return "the id " + shown + " is no UUID";
    to.id = *id;
  } else if (field == "groups") {
    for (const std::string &part : split_groups(value))
      if (const auto name = base::trim(part); !name.empty()) to.groups.emplace_back(name);
  }
  return {};
}

/// What is missing when all of an entry is read.
void finish(FileAccount &entry, FileProblems &problems) {
  const bool said_role = (entry.fields & ATOLL_ACCOUNT_SET_APP_ROLE) != 0;
  if (entry.kind == ATOLL_ACCOUNT_GROUP) entry.app_role = ATOLL_ROLE_NONE;
  if (entry.guest && !said_role) entry.app_role = ATOLL_ROLE_USER_LIGHT;
  if (entry.name.empty() && entry.guest) entry.name = entry.mail;
  if (entry.name.empty()) problems.add(entry.line, "there is no name");
  if (entry.kind == ATOLL_ACCOUNT_GROUP && !entry.groups.empty())
    problems.add(entry.line, "a group cannot be in a group");
}

// ---- CSV

constexpr std::string_view kColumns[] = {"kind",    "name",     "display_name", "mail",    "given_name",
                                         "surname", "language", "role",         "enabled", "guest",
                                         "expires", "groups",   "description",  "id",      "password"};

struct CsvRecord {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

/// The records of a CSV text; a problem ends it.
std::vector<CsvRecord> csv_records(std::string_view text, FileProblems &problems) {
  std::vector<CsvRecord> out;
  std::size_t at = 0, line = 1;
  while (at < text.size()) {
    CsvRecord record;
    record.line = line;
    for (;;) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        const std::size_t opened = line;
        ++at;
        for (;; ++at) {
          if (at == text.size()) {
            problems.add(opened, "a quoted field has no end");
            return out;
          }
          if (text[at] == '"') {
            if (at + 1 < text.size() && text[at + 1] == '"') {
              ++at;
            } else {
              ++at;
              break;
            }
          }
          if (text[at] == '\n') ++line;
          field.push_back(text[at]);
        }
        if (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
          problems.add(line, "something follows a closing quote");
          return out;
        }
      } else {
        while (at < text.size() && text[at] != ',' && text[at] != '\n' && text[at] != '\r') {
          if (text[at] == '"') {
            problems.add(line, "a quote in the middle of a field: quote the whole field and double the quote");
            return out;
          }
          field.push_back(text[at++]);
        }
      }
      record.fields.push_back(std::move(field));
      if (at < text.size() && text[at] == ',') {
        ++at;
        continue;
      }
      break;
    }
    if (at < text.size() && text[at] == '\r') {
      ++at;
      if (at < text.size() && text[at] != '\n') {
        problems.add(line, "a carriage return without a line feed");
        return out;
      }
    }
    if (at < text.size() && text[at] == '\n') ++at;
    ++line;
    if (record.fields.size() > 1 || !record.fields[0].empty()) out.push_back(std::move(record));
  }
  return out;
}

void read_csv(std::string_view text, AccountFile &file) {
  FileProblems problems(file.problems);
  const auto records = csv_records(text, problems);
  if (!file.problems.empty()) return;
  if (records.empty()) return problems.add(1, "the file is empty; the first line has the names of the columns");
  std::vector<std::string> columns;
  for (const std::string &field : records[0].fields) {
    std::string name = base::to_lower(base::trim(field));
    if (std::find(std::begin(kColumns), std::end(kColumns), name) == std::end(kColumns))
      problems.add(records[0].line, "there is no column '" + name.substr(0, 100) + "'");
    if (std::find(columns.begin(), columns.end(), name) != columns.end())
      problems.add(records[0].line, "the column '" + name.substr(0, 100) + "' comes twice");
    columns.push_back(std::move(name));
  }
  if (std::find(columns.begin(), columns.end(), "name") == columns.end())
    problems.add(records[0].line, "there is no column 'name'");
  if (!file.problems.empty()) return;
  for (std::size_t i = 1; i < records.size(); ++i) {
    const CsvRecord &record = records[i];
    if (record.fields.size() != columns.size()) {
      problems.add(record.line,
                   std::to_string(record.fields.size()) + " fields instead of " + std::to_string(columns.size()));
      continue;
    }
    FileAccount entry;
    entry.line = record.line;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (std::string wrong = take_value(entry, columns[c], record.fields[c]); !wrong.empty())
        problems.add(record.line, std::move(wrong));
    }
    finish(entry, problems);
    file.entries.push_back(std::move(entry));
  }
}

void append_csv(std::string &out, std::string_view field) {
  if (field.find_first_of(",\"\r\n") == field.npos &&
      (field.empty() || (field.front() != ' ' && field.back() != ' '))) {
    out += field;
    return;
  }
  out.push_back('"');
  for (const char c : field) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

std::string joined(const std::vector<std::string> &groups) {
  std::string out;
  for (const std::string &group : groups) {
    if (!out.empty()) out.push_back(';');
    for (const char c : group) {
      if (c == ';' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

std::string write_csv(const std::vector<FileAccount> &accounts) {
  std::string out =
      "kind,name,display_name,mail,given_name,surname,language,role,enabled,guest,expires,groups,description,id\n";
  for (const FileAccount &a : accounts) {
    const bool user = a.kind == ATOLL_ACCOUNT_USER;
    const std::string fields[] = {user ? "user" : "group",
                                  a.name,
                                  a.display_name,
                                  a.mail,
                                  a.given_name,
                                  a.surname,
                                  a.language,
                                  user ? std::string(role_word(a.app_role)) : "",
                                  user ? (a.enabled ? "yes" : "no") : "",
                                  user ? (a.guest ? "yes" : "no") : "",
                                  user ? expiry_text(a.expires_ns) : "",
                                  joined(a.groups),
                                  a.description,
                                  a.id.text()};
    bool first = true;
    for (const std::string &field : fields) {
      if (!first) out.push_back(',');
      first = false;
      append_csv(out, field);
    }
    out.push_back('\n');
  }
  return out;
}

// ---- LDIF

struct LdifValue {
  std::size_t line;
  std::string name, value;
};

/// "uid=einstein,ou=users" -> "einstein"; \, and \XX are undone.
std::string first_of_dn(std::string_view dn) {
  const auto equals = dn.find('=');
  if (equals == dn.npos) return {};
  std::string out;
  for (std::size_t i = equals + 1; i < dn.size() && dn[i] != ',' && dn[i] != '+'; ++i) {
    if (dn[i] != '\\' || i + 1 == dn.size()) {
      out.push_back(dn[i]);
    } else if (const auto byte = base::hex_decode(dn.substr(i + 1, 2)); byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out.push_back(dn[++i]);
    }
  }
  return std::string(base::trim(out));
}

/// A DN as it is compared: in small letters, without blanks around its commas and equals signs.
std::string dn_key(std::string_view dn) {
  std::string out;
  for (const char c : base::to_lower(base::trim(dn))) {
    if (c == ',' || c == '=' || c == '+')
      while (!out.empty() && out.back() == ' ') out.pop_back();
    const bool behind_mark = !out.empty() && (out.back() == ',' || out.back() == '=' || out.back() == '+');
    if (c != ' ' || !behind_mark) out.push_back(c);
  }
  return out;
}

struct LdifReader {
  AccountFile &file;
  FileProblems problems{file.problems};
  /// A user as a group names it: by its DN, or by its name.
  struct Member {
    std::size_t line;
    std::string text;
    bool is_dn;
    std::size_t group;  ///< number of the entry
  };
  std::vector<Member> members{};
  std::vector<Member> member_of{};             ///< the same the other way round: text is a group, `group` is the user
  std::map<std::string, std::size_t> by_dn{};  ///< entries
  std::map<std::string, std::size_t> user_names{};  ///< entries

  void record(const std::vector<LdifValue> &values) {
    if (values.empty()) return;
    FileAccount entry;
    entry.line = values.front().line;
    if (!base::iequals(values.front().name, "dn")) return problems.add(entry.line, "an entry begins with dn:");
    bool user = false, group = false;
    std::string cn, uid;
    const std::size_t number = file.entries.size();
    std::vector<Member> of_group, of_user;
    for (const LdifValue &one : values) {
      const std::string name = base::to_lower(one.name.substr(0, one.name.find(';')));
      const auto take = [&](std::string_view field) {
        if (std::string wrong = take_value(entry, field, one.value); !wrong.empty())
          problems.add(one.line, std::move(wrong));
      };
      if (name == "objectclass") {
        for (const auto *word : {"inetOrgPerson", "account", "posixAccount", "person", "organizationalPerson"})
          user |= base::iequals(one.value, word);
        for (const auto *word : {"groupOfNames", "groupOfUniqueNames", "posixGroup", "groupOfMembers"})
          group |= base::iequals(one.value, word);
      } else if (name == "changetype") {
        if (!base::iequals(one.value, "add")) problems.add(one.line, "only entries and changetype: add are read");
      } else if (name == "uid") {
        if (uid.empty()) uid = one.value;
      } else if (name == "cn") {
        if (cn.empty()) cn = one.value;
      } else if (name == "displayname") {
        take("display_name");
      } else if (name == "mail") {
        if (entry.mail.empty()) take("mail");
      } else if (name == "givenname") {
        take("given_name");
      } else if (name == "sn") {
        take("surname");
      } else if (name == "preferredlanguage") {
        take("language");
      } else if (name == "description") {
        take("description");
      } else if (name == "entryuuid") {
        take("id");
      } else if (name == "userpassword") {
        if (!one.value.empty() && one.value.front() == '{')
          problems.add(one.line, "the password is a hash, which cannot be taken over: leave it out and set a new one");
        take("password");
      } else if (name == "memberof") {
        if (!one.value.empty()) of_user.push_back({one.line, one.value, true, number});
      } else if (name == "member" || name == "uniquemember") {
        if (!one.value.empty()) of_group.push_back({one.line, one.value, true, number});
      } else if (name == "memberuid") {
        if (!one.value.empty()) of_group.push_back({one.line, one.value, false, number});
      } else if (name == "atollrole") {
        take("role");
      } else if (name == "atollenabled") {
        take("enabled");
      } else if (name == "atollguest") {
        take("guest");
      } else if (name == "atollexpires") {
        take("expires");
      }
    }
    if (!user && !group) return;  // a folder of the directory, or the like
    entry.kind = user ? ATOLL_ACCOUNT_USER : ATOLL_ACCOUNT_GROUP;
    entry.name = user && !uid.empty() ? uid : cn;
    if (user && entry.display_name.empty()) static_cast<void>(take_value(entry, "display_name", cn));
    // LDAP demands an sn: one that repeats the whole name says nothing.
    if (entry.surname == entry.display_name) {
      entry.surname.clear();
      entry.fields &= ~ATOLL_ACCOUNT_SET_SURNAME;
    }
    auto &found = user ? of_user : of_group;
    auto &kept = user ? member_of : members;
    kept.insert(kept.end(), found.begin(), found.end());
    finish(entry, problems);
    by_dn.emplace(dn_key(values.front().value), number);
    if (user) user_names.emplace(base::to_lower(entry.name), number);
    file.entries.push_back(std::move(entry));
  }

  /// Memberships, once all entries are known: they stand in any order.
  void resolve() {
    const auto named = [&](const Member &one, std::uint32_t kind) -> FileAccount * {
      if (one.is_dn) {
        const auto at = by_dn.find(dn_key(one.text));
        return at == by_dn.end() || file.entries[at->second].kind != kind ? nullptr : &file.entries[at->second];
      }
      const auto at = user_names.find(base::to_lower(one.text));
      return at == user_names.end() ? nullptr : &file.entries[at->second];
    };
    const auto add = [](std::vector<std::string> &to, const std::string &name) {
      if (std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
    };
    for (const Member &one : member_of) {
      const FileAccount *group = named(one, ATOLL_ACCOUNT_GROUP);
      add(file.entries[one.group].groups, group ? group->name : first_of_dn(one.text));
    }
    for (const Member &one : members) {
      FileAccount &group = file.entries[one.group];
      if (FileAccount *user = named(one, ATOLL_ACCOUNT_USER)) {
        add(user->groups, group.name);
        continue;
      }
      const std::string name = one.is_dn ? first_of_dn(one.text) : one.text;
      const auto same = user_names.find(base::to_lower(name));
      if (same != user_names.end()) {
        add(file.entries[same->second].groups, group.name);
      } else if (one.is_dn && by_dn.count(dn_key(one.text)) != 0) {
        problems.add(one.line, "the member '" + name.substr(0, 100) + "' is a group, and a group cannot be in a group");
      } else if (one.is_dn && !base::iequals(base::trim(one.text.substr(0, one.text.find('='))), "uid")) {
        problems.add(one.line, "the member '" + name.substr(0, 100) + "' is no user of this file, and has no uid");
      } else {
        add(group.members, name);
      }
    }
  }

  void all(std::string_view text) {
    std::vector<LdifValue> values;
    std::string logical;
    std::size_t line = 0, begun = 0;
    const auto flush = [&] {
      if (logical.empty()) return;
      std::string one;
      one.swap(logical);
      if (one[0] == '#') return;
      const auto colon = one.find(':');
      if (colon == one.npos || colon == 0) return problems.add(begun, "a line without a colon");
      std::string name = one.substr(0, colon);
      std::string_view rest = std::string_view(one).substr(colon + 1);
      std::string value;
      if (!rest.empty() && rest[0] == ':') {
        const auto decoded = base::base64_decode(base::trim(rest.substr(1)));
        if (!decoded) return problems.add(begun, "'" + name.substr(0, 100) + "' is no valid base64");
        value = *decoded;
      } else if (!rest.empty() && rest[0] == '<') {
        return problems.add(begun, "values from other files (:<) are not read");
      } else {
        value = base::trim(rest);
      }
      if (!base::valid_utf8(value) || value.find('\0') != value.npos) {
        // A picture may be anything; a name may not.
        for (const auto *binary : {"jpegphoto", "usercertificate", "photo", "audio"})
          if (base::to_lower(name).rfind(binary, 0) == 0) return;
        return problems.add(begun, "'" + name.substr(0, 100) + "' is no valid UTF-8");
      }
      if (values.empty() && base::iequals(name, "version")) {
        if (value != "1") problems.add(begun, "only LDIF version 1 is read");
        return;
      }
      values.push_back({begun, std::move(name), std::move(value)});
    };
    for (auto part : base::split(text, '\n')) {
      ++line;
      if (!part.empty() && part.back() == '\r') part.remove_suffix(1);
      if (!part.empty() && part.front() == ' ') {
        if (logical.empty()) {
          problems.add(line, "a line that goes on nothing");
          continue;
        }
        logical += part.substr(1);
        continue;
      }
      flush();
      if (part.empty()) {
        record(values);
        values.clear();
        continue;
      }
      begun = line;
      logical = part;
    }
    flush();
    record(values);
    if (file.entries.empty() && file.problems.empty()) problems.add(line, "there is no user and no group in the file");
    resolve();
  }
};

void append_ldif(std::string &out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  // RFC 2849, SAFE-STRING
  const bool safe = value.front() != ' ' && value.front() != ':' && value.front() != '<' && value.back() != ' ' &&
                    std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  std::string line =
      std::string(name) + (safe ? ": " : ":: ") + (safe ? std::string(value) : base::base64_encode(value));
  for (bool first = true; !line.empty(); first = false) {
    const std::size_t width = first ? 76 : 75;
    out.append(first ? "" : " ").append(line.substr(0, width)).push_back('\n');
    line.erase(0, width);
  }
}

/// A value in a DN (RFC 4514).
std::string dn_value(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == text.size() && c == ' ');
    if (edge || std::string_view(",+\"\\<>;=").find(c) != std::string_view::npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string write_ldif(const std::vector<FileAccount> &accounts) {
  std::string out = "version: 1\n";
  for (const FileAccount &a : accounts) {
    out.push_back('\n');
    const bool user = a.kind == ATOLL_ACCOUNT_USER;
    append_ldif(out, "dn", (user ? "uid=" : "cn=") + dn_value(a.name) + (user ? ",ou=users" : ",ou=groups"));
    append_ldif(out, "objectClass", user ? "inetOrgPerson" : "groupOfNames");
    if (user) append_ldif(out, "uid", a.name);
    append_ldif(out, "cn", user ? a.display_name : a.name);
    append_ldif(out, "displayName", a.display_name);
    if (user) append_ldif(out, "sn", a.surname.empty() ? a.display_name : a.surname);
    append_ldif(out, "givenName", a.given_name);
    append_ldif(out, "mail", a.mail);
    append_ldif(out, "preferredLanguage", a.language);
    append_ldif(out, "description", a.description);
    append_ldif(out, "entryUUID", a.id.text());
    for (const std::string &group : a.groups) append_ldif(out, "memberOf", "cn=" + dn_value(group) + ",ou=groups");
    if (!user) continue;
    append_ldif(out, "atollRole", role_word(a.app_role));
    append_ldif(out, "atollEnabled", a.enabled ? "yes" : "no");
    if (a.guest) append_ldif(out, "atollGuest", "yes");
    append_ldif(out, "atollExpires", expiry_text(a.expires_ns));
  }
  return out;
}

Error no_format() { return error(Status::InvalidArgument, "the format is csv or ldif"); }

}  // namespace

FileAccount::FileAccount(const atoll_account &raw)
    : kind(raw.kind),
      app_role(raw.app_role),
      enabled(raw.enabled != 0),
      guest(raw.guest != 0),
      id(from_abi<AccountId>(raw.id)),
      name(view(raw.name)),
      display_name(view(raw.display_name)),
      mail(view(raw.mail)),
      given_name(view(raw.given_name)),
      surname(view(raw.surname)),
      language(view(raw.language)),
      description(view(raw.description)),
      expires_ns(raw.expires_ns) {}

std::optional<std::int64_t> read_expiry(std::string_view text) {
  if (base::iequals(text, "never")) return 0;
  const std::string copy(text);
  std::tm parts{};
  const char *end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (copy.size() != 20 || !end || *end != '\0' || parts.tm_year < 70 || parts.tm_year > 361) return std::nullopt;
  const int day = parts.tm_mday;
  const std::time_t seconds = ::timegm(&parts);
  if (parts.tm_mday != day || seconds <= 0) return std::nullopt;
  return static_cast<std::int64_t>(seconds) * kSecond;
}

Result<AccountFile> read_account_file(std::string_view format, std::string_view text) {
  AccountFile file;
  if (format != "csv" && format != "ldif") return no_format();
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  if (!base::valid_utf8(text) || text.find('\0') != text.npos) {
    std::size_t line = 0;
    for (const auto part : base::split(text, '\n')) {
      ++line;
      if (base::valid_utf8(part) && part.find('\0') == part.npos) continue;
      file.problems.push_back({line, "this is no valid UTF-8 text"});
      break;
    }
    return file;
  }
  if (format == "csv") {
    read_csv(text, file);
  } else {
    LdifReader reader{file};
    reader.all(text);
  }
  return file;
}

Result<std::string> write_account_file(std::string_view format, const std::vector<FileAccount> &accounts) {
  if (format == "csv") return write_csv(accounts);
  if (format == "ldif") return write_ldif(accounts);
  return no_format();
}

AbiAccountEntries::AbiAccountEntries(const std::vector<FileAccount> &entries) {
  groups_.reserve(entries.size());
  members_.reserve(entries.size());
  raw_.reserve(entries.size());
  for (const FileAccount &entry : entries) {
    auto &groups = groups_.emplace_back();
    for (const std::string &group : entry.groups) groups.push_back(str(group));
    auto raw = sized<atoll_account_entry>();
    raw.account = sized<atoll_account>();
    raw.account.kind = entry.kind;
    raw.account.app_role = entry.app_role;
    raw.account.enabled = entry.enabled ? 1 : 0;
    raw.account.guest = entry.guest ? 1 : 0;
    raw.account.id = to_abi(entry.id);
    raw.account.name = str(entry.name);
    raw.account.display_name = str(entry.display_name);
    raw.account.mail = str(entry.mail);
    raw.account.given_name = str(entry.given_name);
    raw.account.surname = str(entry.surname);
    raw.account.language = str(entry.language);
    raw.account.description = str(entry.description);
    raw.account.expires_ns = entry.expires_ns;
    raw.password = str(entry.password);
    raw.groups = atoll_strs{groups.data(), groups.size()};
    auto &members = members_.emplace_back();
    for (const std::string &member : entry.members) members.push_back(str(member));
    raw.members = atoll_strs{members.data(), members.size()};
    raw.fields = entry.fields;
    raw_.push_back(raw);
  }
}

}  // namespace Atoll::host
