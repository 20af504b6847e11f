// SPDX-License-Identifier: Apache-2.0
// Etags and the conditional header fields of RFC 9110, section 13. [any thread]
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::base {

/// The value of If-Match or If-None-Match. What lies between the quotes, with a -gzip that a proxy may have added cut
/// off.
struct EtagList {
  bool any = false;  ///< `*`
  struct Item {
    std::string text;
    bool weak = false;
  };
  std::vector<Item> items;

  /// Strong comparison (RFC 9110, 8.8.3.2): our own etags are strong.
  bool has_strong(std::string_view etag) const;
  bool has_weak(std::string_view etag) const;
};

/// `*`, or etags separated by commas; a text without quotes is taken as an etag too, since some clients send that.
/// Nothing for what is neither.
std::optional<EtagList> parse_etags(std::string_view value);

/// The conditional fields of one request; an empty view is an absent field.
struct ConditionalFields {
  std::optional<std::string_view> if_match, if_none_match, if_modified_since, if_unmodified_since, if_range;
};

enum class Verdict : std::uint8_t { Perform, NotModified, PreconditionFailed, Malformed };

/// For GET and HEAD of something that exists, in the order of RFC 9110, 13.2.2. Times in whole seconds.
Verdict evaluate_read(const ConditionalFields &fields, std::string_view etag, std::int64_t mtime_s);

/// Whether Range counts, given If-Range (13.1.5): by a strong etag, or by the exact date.
bool range_applies(const ConditionalFields &fields, std::string_view etag, std::int64_t mtime_s);

}  // namespace Atoll::base
