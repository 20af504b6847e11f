// SPDX-License-Identifier: Apache-2.0
// Failures as sync clients read them: a status, an exception of the sabre family and a sentence. [any thread]
#pragma once

#include <atoll/sdk/http.hpp>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

namespace Atoll::webdav {

/// What a client is told.
struct Fault {
  int http = 500;
  std::string message;    ///< one sentence
  std::string condition;  ///< XML of a precondition element of RFC 4918, section 16; may be empty
  std::uint32_t retry_after_s = 0;
  std::string_view code;  ///< a word for programs (s:errorcode), static; may be empty
};

/// The one table from status codes to HTTP. AlreadyExists is 405, as MKCOL wants it; others say so themselves. Messages
/// of failures inside the server are replaced, since they may name its paths; of a known reason by what it means.
Fault fault_of(const Error &error);

/// "Sabre\DAV\Exception\NotFound" without its namespace, for an HTTP status.
std::string_view exception_name(int http);

/// The d:error body. Content-Type is that of multistatus.
Response to_response(const Fault &fault);

inline Fault fault(int http, std::string message, std::string condition = {}) {
  return Fault{http, std::move(message), std::move(condition), 0, {}};
}

}  // namespace Atoll::webdav
