// SPDX-License-Identifier: Apache-2.0
// Files of accounts: CSV (RFC 4180) with a line of column names, and LDIF (RFC 2849). [any thread]
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

/// A user or a group as a file has it.
struct FileAccount {
  std::size_t line = 0;  ///< where it begins; from 1
  std::uint32_t kind = ATOLL_ACCOUNT_USER;
  std::uint32_t app_role = ATOLL_ROLE_USER;
  bool enabled = true, guest = false;
  AccountId id;
  std::string name, display_name, mail, given_name, surname, language, description, password;
  std::int64_t expires_ns = 0;
  std::vector<std::string> groups;   ///< names; of users
  std::vector<std::string> members;  ///< of groups: names of users that are no entries of the file
  std::uint32_t fields = 0;          ///< what the file says: ATOLL_ACCOUNT_SET_*

  FileAccount() = default;
  explicit FileAccount(const atoll_account &raw);
};

struct AccountProblem {
  std::size_t line = 0;  ///< 0: of the file as a whole
  std::string text;
};

struct AccountFile {
  std::vector<FileAccount> entries;
  std::vector<AccountProblem> problems;  ///< when there are any, the entries are not to be used
};

/// format: "csv" or "ldif", else InvalidArgument. At most 100 problems are told.
///
/// CSV columns, in any order, of which only `name` is needed: kind (user, group), name, display_name, mail, given_name,
/// surname, language, role (admin, space admin, user, user light), enabled, guest (yes, no), expires
/// (2030-01-31T12:00:00Z, never), groups (names with ; between them), description, id, password. An empty field is as
/// if it were not there.
///
/// LDIF: inetOrgPerson or account (uid, cn or displayName, mail, givenName, sn, preferredLanguage, userPassword in
/// plain text, memberOf, entryUUID) and groupOfNames or posixGroup (cn, description, member, memberUid); atollRole,
/// atollEnabled, atollGuest and atollExpires as the columns. Other attributes are left alone, other kinds of entries
/// left out. Entries may stand in any order; a member is found by its DN, else by the uid of it.
Result<AccountFile> read_account_file(std::string_view format, std::string_view text);

/// The same forms; without passwords.
Result<std::string> write_account_file(std::string_view format, const std::vector<FileAccount> &accounts);

/// "2030-01-31T12:00:00Z", seconds at most, or "never" (0); nothing for anything else.
std::optional<std::int64_t> read_expiry(std::string_view text);

/// The ABI form of entries, which it must not outlive.
class AbiAccountEntries {
 public:
  explicit AbiAccountEntries(const std::vector<FileAccount> &entries);
  AbiAccountEntries(const AbiAccountEntries &) = delete;
  AbiAccountEntries &operator=(const AbiAccountEntries &) = delete;
  const atoll_account_entry *data() const noexcept { return raw_.data(); }
  std::uint64_t size() const noexcept { return raw_.size(); }

 private:
  std::vector<std::vector<atoll_str>> groups_, members_;
  std::vector<atoll_account_entry> raw_;
};

}  // namespace Atoll::host
