// SPDX-License-Identifier: Apache-2.0
#include "core/host/authenticator.hpp"

#include <atoll/abi/auth.h>

#include "core/base/text.hpp"
#include "core/host/instance_set.hpp"

namespace Atoll::host {

Result<Credential> parse_authorization(std::string_view header) {
  const auto blank = header.find(' ');
  const std::string_view scheme = header.substr(0, blank);
  const std::string_view rest = blank == header.npos ? std::string_view() : base::trim(header.substr(blank));
  Credential out;
  if (base::iequals(scheme, "Bearer") && !rest.empty()) {
    out.kind = ATOLL_CREDENTIAL_BEARER;
    out.secret = std::string(rest);
    return out;
  }
  if (base::iequals(scheme, "Basic")) {
    const auto decoded = base::base64_decode(rest);
    const auto colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos || decoded->find('\0') != std::string::npos)
      return error(Status::Unauthenticated, "The Authorization header is no valid Basic login.");
    out.kind = ATOLL_CREDENTIAL_BASIC;
    out.name = decoded->substr(0, colon);
    out.secret = decoded->substr(colon + 1);
    return out;
  }
  return error(Status::Unauthenticated, "The Authorization header is neither Basic nor Bearer.");
}

Result<Principal> authenticate(const InstanceSet &instances, const Credential &credential, std::string_view peer,
                               const atoll_call *parent) {
  auto raw = sized<atoll_credential>();
  raw.kind = credential.kind;
  raw.name = str(credential.name);
  raw.secret = str(credential.secret);
  raw.peer = str(peer);
  std::optional<Error> could_not_ask;
  for (Instance *instance : instances.offering(ATOLL_AUTH)) {
    const Lease lease = instance->lease();
    if (!lease) {
      could_not_ask = Error{Status::Unavailable, "Logins cannot be checked now; try again soon.", 0, 2000};
      continue;
    }
    OutgoingCall call(parent);
    std::optional<Principal> principal;
    auto sink = make_sink<atoll_principal_sink>([&](const atoll_principal *p) { principal = Principal::from(*p); });
    const CallLock lock = lease.lock();
    const auto *table = lease.table<atoll_auth>(ATOLL_AUTH);
    const std::int32_t status = table->authenticate(call.get(), lease.self(), &raw, sink.get());
    if (status == ATOLL_OK && principal) return std::move(*principal);
    if (status == ATOLL_OK) return error(Status::Internal, "The login could not be checked.");
    if (status == ATOLL_UNIMPLEMENTED) continue;
    if (status == ATOLL_UNAVAILABLE || status == ATOLL_DEADLINE_EXCEEDED) {
      could_not_ask = call.error(ATOLL_UNAVAILABLE);
      continue;
    }
    return call.error(status);
  }
  if (could_not_ask) return std::move(*could_not_ask);
  return error(Status::Unauthenticated, "The name or the password is wrong.");
}

}  // namespace Atoll::host
