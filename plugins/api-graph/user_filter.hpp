// SPDX-License-Identifier: Apache-2.0
// $filter, $search, $orderby and paging of users and groups, as what a directory is asked for. [any thread]
#pragma once

#include <atoll/sdk/gateway_accounts.hpp>

#include <string>
#include <string_view>

namespace Atoll::graph {

/// Narrows a page by a $filter: terms with `and` between them, each one of
///   FIELD eq 'VALUE' (displayName, mail, onPremisesSamAccountName, userType, accountEnabled),
///   contains(displayName,'VALUE'), memberOf/any(m:m/id eq 'ID'), appRoleAssignments/any(m:m/appRoleId eq 'ID'),
/// or several of the same kind with `or` between them, of the last two. InvalidArgument for anything else.
Result<void> apply_filter(std::string_view filter, AccountPage &page);

/// The text of a $search: in double quotes or without.
Result<std::string> search_of(std::string_view search);

/// Where a page goes on: opaque for clients. Read it with read_place().
std::string place_of(const AccountRecord &last, std::uint32_t order);
Result<void> read_place(std::string_view text, AccountPage &page);

}  // namespace Atoll::graph
