// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>

#include "plugins/api-webdav/properties.hpp"

namespace Atoll::webdav {

/// The plans of the bodies that came last: a client sends the same few again and again, and to parse one takes longer
/// than to write ten entries. Holds at most 64 KiB. [any thread]
class PlanCache {
 public:
  /// Of a PROPFIND. Errors are those of parse_propfind().
  Result<std::shared_ptr<const PropertyPlan>> plan(std::string_view body, bool minimal);

 private:
  struct Entry {
    std::string body;
    std::shared_ptr<const PropertyPlan> plan;  // null: free
  };
  static constexpr std::size_t kEntries = 16, kLongest = 4096;

  std::shared_mutex mutex_;
  std::array<Entry, kEntries> entries_;  // guarded by mutex_
  std::size_t next_ = 0;                 // guarded by mutex_; the one that is replaced next
};

}  // namespace Atoll::webdav
