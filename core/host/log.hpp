// SPDX-License-Identifier: Apache-2.0
// The log: one line per record to standard output, as text or JSON. The sink is the only global of the program.
#pragma once

#include <atoll/abi/host.h>

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

struct LogField {
  std::string_view name;
  std::string_view value;
  bool number = false;  ///< the value is a number in JSON's form; JSON shows it as such
};

enum class LogFormat { Text, Json };

/// Level is one of ATOLL_LOG_*. [any thread]
void configure_log(std::uint32_t level, LogFormat format);
/// "debug", "info", "warning", "error"; anything else is info.
std::uint32_t log_level(std::string_view name);
bool log_enabled(std::uint32_t level);

/// Writes a line with a single write(2). `source` is an instance's name or a part of the host. The values of fields
/// whose names speak of passwords, secrets, tokens or credentials are never written. [any thread]
void log(std::uint32_t level, std::string_view source, std::string_view message, std::span<const LogField> fields = {},
         std::string_view request_id = {});
void log(std::uint32_t level, std::string_view source, std::string_view message, std::initializer_list<LogField> fields,
         std::string_view request_id = {});

/// One line without its end, as log() writes it.
std::string format_log_line(LogFormat format, std::int64_t unix_ns, std::uint32_t level, std::string_view source,
                            std::string_view message, std::span<const LogField> fields, std::string_view request_id);

/// Takes the lines instead of standard output; an empty one gives them back to it. For tests and for verbs that print
/// something else there.
void redirect_log(std::function<void(const std::string &)> sink);

}  // namespace Atoll::host
