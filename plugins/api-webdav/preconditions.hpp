// SPDX-License-Identifier: Apache-2.0
// What must hold before an operation changes something: If-Match, If-None-Match and If.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/if_header.hpp"

namespace Atoll::webdav {

/// What goes along with the call. Outlives the OutgoingCall that it is put into.
struct Preconditions {
  Conditions conditions;            ///< of the request's own resource: checked inside the commit
  std::vector<std::string> tokens;  ///< submitted: the driver sees whether they unlock what the operation touches

  /// Attaches both.
  void attach(OutgoingCall &call);
  /// Attaches the tokens alone, for an operation whose conditions are not about what it changes.
  void attach_tokens(OutgoingCall &call) const;
};

/// Reads the fields and evaluates If. An answer (400, 412, 503) when the request must not go on. An If that holds by
/// one list alone also puts that list's etag into the conditions, so that it still holds when the operation commits.
std::optional<Response> read_preconditions(const Context &context, const Target &target, Preconditions &out);

/// Whether `conditions` hold for what is there now: for COPY and MOVE, whose conditions are about their source.
Result<bool> hold_now(const Context &context, const Conditions &conditions, const Ref &ref);

/// 423 with who holds the lock, for a failure Locked on any of these places; else the plain failure.
Response fail_maybe_locked(const Context &context, const Error &error, std::initializer_list<const Target *> places);

}  // namespace Atoll::webdav
