// SPDX-License-Identifier: Apache-2.0
// WebFinger (RFC 7033) and host-meta (RFC 6415), for a server without an identity provider. [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace Atoll::account {

/// What /.well-known/webfinger is asked for.
struct FingerQuery {
  std::string resource;
  std::vector<std::string> rels;  ///< empty: all
};
/// InvalidArgument when `resource` is missing, comes twice or is no URI.
Result<FingerQuery> read_finger_query(std::string_view query);

/// "acct:NAME@HOST" for any name at this host, or an https or http URL of this server or of a page of it. Whether there
/// is such an account is not told.
bool is_ours(std::string_view resource, std::string_view public_url, std::string_view asked_at);

/// The JRD: its subject is the resource as sent.
std::string finger_answer(const FingerQuery &query, std::string_view public_url);

/// host-meta as XRD, or as JRD.
std::string host_meta_xml(std::string_view public_url);
std::string host_meta_json(std::string_view public_url);

}  // namespace Atoll::account
