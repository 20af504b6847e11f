// SPDX-License-Identifier: Apache-2.0
// What is known here of a person, as a file of his own.
#pragma once

#include <atoll/abi/gateway.h>
#include <atoll/sdk/files.hpp>

#include "plugins/api-graph/spaces.hpp"
#include "plugins/api-graph/users.hpp"

namespace Atoll::graph {

/// Where the file lies when the request does not say.
inline constexpr std::string_view kExportName = ".personal_data_export.json";

/// Everything that a person may know of his account: the account, its groups, its app tokens (not their texts), the
/// spaces that it reaches. `now_ns`: when that was told. [any thread]
std::string personal_data(const AccountRecord &account, const std::vector<AccountRecord> &groups,
                          const std::vector<AppTokenRecord> &tokens, const std::vector<Space> &spaces,
                          std::int64_t now_ns);

/// The path of "storageLocation" below the root of a space: "/a/b.json" -> "a/b.json". InvalidArgument for what is no
/// file name there. [any thread]
Result<std::string> export_path(std::string_view location);

/// [worker]
class PersonalData {
 public:
  PersonalData(const Host &host, const AccountsClient &accounts, const SpacesClient &spaces)
      : gateway_(host.gateway()), accounts_(accounts), spaces_(spaces) {}
  /// POST users/{id or name}/exportPersonalData {"storageLocation": "/folder/name"}: 202, when the file is there.
  /// Everybody does this for himself.
  Answer answer(const Asked &asked, const std::string &id_or_name) const;

 private:
  Result<void> write(const Call &call, const Space &personal, const std::string &path, const std::string &text) const;

  const atoll_gateway_service *gateway_;
  const AccountsClient &accounts_;
  const SpacesClient &spaces_;
};

}  // namespace Atoll::graph
