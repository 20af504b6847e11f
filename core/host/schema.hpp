// SPDX-License-Identifier: Apache-2.0
// What keys a section may hold, and the check of a section against that.
#pragma once

#include <atoll/abi/plugin.h>
#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/ini.hpp"

namespace Atoll::host {

/// One key of a schema; the owned form of atoll_config_key.
struct KeySpec {
  std::string name;
  std::uint32_t type = ATOLL_CONFIG_TEXT;  ///< ATOLL_CONFIG_*
  std::uint32_t flags = 0;                 ///< ATOLL_CONFIG_REQUIRED ...
  std::optional<std::string> default_text;
  std::vector<std::string> choices;
  std::string description;

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
};

/// A checked value. `integer` is set for integers, booleans (0, 1), sizes (bytes), durations (ns) and modes.
struct Value {
  std::string text;  ///< of a path: absolute
  std::int64_t integer = 0;
  std::uint32_t type = ATOLL_CONFIG_TEXT;
  std::uint32_t flags = 0;
  Origin origin;

  bool operator==(const Value &other) const { return text == other.text && integer == other.integer; }
};

/// Values by key: what is set, and defaults; a key with neither is missing.
using Values = std::map<std::string, Value>;

/// "integer", "size" ... of ATOLL_CONFIG_*.
std::string_view type_name(std::uint32_t type);

/// Reads one text as the type of `key`; `data` is the folder that relative paths start from. The error's message is the
/// sentence for the admin. [any thread]
Result<Value> parse_value(const KeySpec &key, std::string_view text, const std::string &data);

/// Checks a section: unknown keys with the nearest right name, wrong types, missing ones. A secret `key` may also be
/// given as `key_file`, the path of a file that holds it. All problems are added. [start-up]
Values check_section(const Section &section, std::span<const KeySpec> keys, const std::string &data,
                     Problems &problems);

}  // namespace Atoll::host
