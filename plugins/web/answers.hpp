// SPDX-License-Identifier: Apache-2.0
// Answers to GET and HEAD: conditions, codings, ranges, caching (RFC 9110, 8 to 14; RFC 9111; RFC 8246). [any thread]
#pragma once

#include <atoll/sdk/http.hpp>

#include <string>
#include <string_view>

#include "plugins/web/site.hpp"

namespace Atoll::web {

inline constexpr std::string_view kImmutable = "public, max-age=31536000, immutable";
/// Kept, but asked for again each time, which costs a 304.
inline constexpr std::string_view kRevalidate = "no-cache";

/// What is known of the answer besides its bytes.
struct Representation {
  std::string content_type;
  std::string_view caching = kRevalidate;
  std::string_view coding{};  ///< Content-Encoding; empty: none
  bool varies = false;        ///< whether there may be others for another Accept-Encoding
  std::string policy;         ///< Content-Security-Policy
};

/// A file of the disk, by sendfile.
Response answer_with(const Request &request, const Representation &what, SiteFile file);
/// Bytes in memory. Their etag is made of them and of the policy.
Response answer_with(const Request &request, const Representation &what, std::string_view bytes);

/// An error with a sentence.
Response refusal(const Request &request, int status, std::string_view sentence, std::string_view policy);

}  // namespace Atoll::web
