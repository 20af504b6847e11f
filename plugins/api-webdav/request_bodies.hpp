// SPDX-License-Identifier: Apache-2.0
// The XML bodies of PROPFIND, PROPPATCH and LOCK (RFC 4918, sections 9.1, 9.2, 9.10). [any thread]
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "plugins/api-webdav/properties.hpp"

namespace Atoll::webdav {

inline constexpr std::size_t kMostBodyBytes = 256 * 1024;  ///< of an XML body: longer is 413
inline constexpr std::size_t kMostProperties = 256;        ///< that one request may name

/// An empty body asks for all. InvalidArgument with a sentence for what is malformed.
Result<PropertyWish> parse_propfind(std::string_view body);

/// One instruction of a PROPPATCH.
struct PropertyChange {
  PropertyName name;
  bool remove = false;
  std::string xml;   ///< of a set: the whole element, self-contained
  std::string text;  ///< of a set: its text, without markup
};

/// In document order; never empty.
Result<std::vector<PropertyChange>> parse_proppatch(std::string_view body);

struct LockWish {
  bool exclusive = true;
  std::string owner;  ///< what stood inside DAV:owner: self-contained XML
};

/// Owners over 4096 bytes are refused.
Result<LockWish> parse_lockinfo(std::string_view body);

}  // namespace Atoll::webdav
