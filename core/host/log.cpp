// SPDX-License-Identifier: Apache-2.0
#include "core/host/log.hpp"

#include <unistd.h>

#include <atomic>
#include <mutex>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"

namespace Atoll::host {
namespace {

struct Sink {
  std::atomic<std::uint32_t> level{ATOLL_LOG_INFO};
  std::atomic<LogFormat> format{LogFormat::Text};
  std::mutex mutex;
  std::function<void(const std::string &)> take;
};

Sink &sink() {
  static Sink the_sink;
  return the_sink;
}

std::string_view level_name(std::uint32_t level) {
  if (level >= ATOLL_LOG_ERROR) return "error";
  if (level >= ATOLL_LOG_WARNING) return "warning";
  if (level >= ATOLL_LOG_INFO) return "info";
  return "debug";
}

bool is_secret(std::string_view name) {
  const std::string lower = base::to_lower(name);
  for (const std::string_view word : {"password", "secret", "token", "credential", "authorization", "cookie"})
    if (lower.find(word) != lower.npos) return true;
  return false;
}

std::string timestamp(std::int64_t unix_ns) {
  std::string out = base::iso8601(unix_ns / 1'000'000'000);
  std::string millis = std::to_string(unix_ns % 1'000'000'000 / 1'000'000);
  millis.insert(0, 3 - millis.size(), '0');
  if (!out.empty() && out.back() == 'Z') out.pop_back();
  return out + "." + millis + "Z";
}

// Text that cannot break the line or the terminal.
void append_plain(std::string &out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      static constexpr char digits[] = "0123456789abcdef";
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
}

void append_value(std::string &out, std::string_view text) {
  if (!text.empty() && text.find_first_of(" \"=\t\n") == text.npos) return append_plain(out, text);
  base::append_json_string(out, text);
}

}  // namespace

void configure_log(std::uint32_t level, LogFormat format) {
  sink().level = level;
  sink().format = format;
}

std::uint32_t log_level(std::string_view name) {
  if (name == "debug") return ATOLL_LOG_DEBUG;
  if (name == "warning") return ATOLL_LOG_WARNING;
  if (name == "error") return ATOLL_LOG_ERROR;
  return ATOLL_LOG_INFO;
}

bool log_enabled(std::uint32_t level) { return level >= sink().level.load(std::memory_order_relaxed); }

std::string format_log_line(LogFormat format, std::int64_t unix_ns, std::uint32_t level, std::string_view source,
                            std::string_view message, std::span<const LogField> fields, std::string_view request_id) {
  std::string out;
  if (format == LogFormat::Json) {
    base::JsonWriter json(out);
    json.begin_object().field("time", timestamp(unix_ns)).field("level", level_name(level));
    json.field("source", source).field("message", message);
    if (!request_id.empty()) json.field("request_id", request_id);
    for (const auto &field : fields) {
      if (field.number)
        json.key(field.name).raw(field.value);
      else
        json.field(field.name, is_secret(field.name) ? "***" : field.value);
    }
    json.end_object();
    return out;
  }
  out = timestamp(unix_ns);
  out += ' ';
  out += level_name(level);
  out.append(8 - level_name(level).size(), ' ');
  append_plain(out, source);
  out += ": ";
  append_plain(out, message);
  for (const auto &field : fields) {
    out += ' ';
    append_plain(out, field.name);
    out += '=';
    append_value(out, is_secret(field.name) ? "***" : field.value);
  }
  if (!request_id.empty()) {
    out += " request=";
    append_value(out, request_id);
  }
  return out;
}

void log(std::uint32_t level, std::string_view source, std::string_view message, std::span<const LogField> fields,
         std::string_view request_id) {
  if (!log_enabled(level)) return;
  std::string line = format_log_line(sink().format, base::now_unix_ns(), level, source, message, fields, request_id);
  line += '\n';
  const std::lock_guard lock(sink().mutex);
  if (sink().take) return sink().take(line);
  if (const auto written = base::write_all(STDOUT_FILENO, line); !written) return;  // nowhere left to tell
}

void log(std::uint32_t level, std::string_view source, std::string_view message, std::initializer_list<LogField> fields,
         std::string_view request_id) {
  log(level, source, message, std::span(fields.begin(), fields.size()), request_id);
}

void redirect_log(std::function<void(const std::string &)> take) {
  const std::lock_guard lock(sink().mutex);
  sink().take = std::move(take);
}

}  // namespace Atoll::host
