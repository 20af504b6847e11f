// SPDX-License-Identifier: Apache-2.0
// From the Authorization header to a principal.
#pragma once

#include <atoll/sdk/call.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace Atoll::host {

class InstanceSet;

/// What an Authorization header holds.
struct Credential {
  std::uint32_t kind = 0;  ///< ATOLL_CREDENTIAL_*
  std::string name;
  std::string secret;
};

/// Reads Basic (RFC 7617) and Bearer (RFC 6750), the scheme in any letter case. Unauthenticated for anything else.
Result<Credential> parse_authorization(std::string_view header);

/// Asks every `atoll.auth/1` instance in the order of the configuration until one knows the credential. When none does
/// and one of them could not be asked, the answer is Unavailable, not "wrong". [worker]
Result<Principal> authenticate(const InstanceSet &instances, const Credential &credential, std::string_view peer,
                               const atoll_call *call);

}  // namespace Atoll::host
