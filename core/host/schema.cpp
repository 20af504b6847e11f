// SPDX-License-Identifier: Apache-2.0
#include "core/host/schema.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/host/nearest.hpp"

namespace Atoll::host {
namespace {

std::optional<std::int64_t> number(std::string_view text, int base = 10) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

// A number that is not negative, followed by one of the units.
std::optional<std::int64_t> with_unit(std::string_view text, std::span<const Unit> units) {
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto value = number(text.substr(0, digits));
  if (!value) return std::nullopt;
  const std::string suffix = base::to_lower(base::trim(text.substr(digits)));
  for (const auto &unit : units) {
    if (suffix != unit.suffix) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(*value, unit.factor, &product)) return std::nullopt;
    return product;
  }
  return *value == 0 && suffix.empty() ? value : std::nullopt;
}

std::optional<std::int64_t> boolean(std::string_view text) {
  const std::string word = base::to_lower(text);
  if (word == "yes" || word == "true" || word == "on" || word == "1") return 1;
  if (word == "no" || word == "false" || word == "off" || word == "0") return 0;
  return std::nullopt;
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Unit kSizes[] = {{"", 1},          {"b", 1},       {"k", 1 << 10},   {"kib", 1 << 10}, {"m", 1 << 20},
                           {"mib", 1 << 20}, {"g", 1 << 30}, {"gib", 1 << 30}, {"t", 1ll << 40}, {"tib", 1ll << 40}};
constexpr Unit kDurations[] = {
    {"ms", 1'000'000}, {"s", kSecond}, {"m", 60 * kSecond}, {"h", 3600 * kSecond}, {"d", 86400 * kSecond}};

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

Error wrong(const KeySpec &key, std::string_view text, std::string_view hint) {
  const std::string shown = key.has(ATOLL_CONFIG_SECRET) ? "the value" : quoted(text);
  return error(Status::InvalidArgument,
               key.name + ": " + shown + " is no " + std::string(type_name(key.type)) + "; write " + std::string(hint));
}

std::string list(const std::vector<std::string> &words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

// The secret in a file: its text without the line end.
Result<std::string> secret_from(const std::string &path) {
  auto text = base::read_file(path, 1 << 20);
  if (!text) return std::move(text).error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return std::move(*text);
}

}  // namespace

std::string_view type_name(std::uint32_t type) {
  switch (type) {
    case ATOLL_CONFIG_TEXT:
      return "text";
    case ATOLL_CONFIG_INTEGER:
      return "integer";
    case ATOLL_CONFIG_BOOLEAN:
      return "boolean";
    case ATOLL_CONFIG_SIZE:
      return "size";
    case ATOLL_CONFIG_DURATION:
      return "duration";
    case ATOLL_CONFIG_PATH:
      return "path";
    case ATOLL_CONFIG_CHOICE:
      return "choice";
    case ATOLL_CONFIG_MODE:
      return "mode";
    case ATOLL_CONFIG_DATABASE:
      return "database";
    default:
      return "value of an unknown type";
  }
}

Result<Value> parse_value(const KeySpec &key, std::string_view text, const std::string &data) {
  Value value;
  value.text = std::string(text);
  value.type = key.type;
  value.flags = key.flags;
  std::optional<std::int64_t> integer = 0;
  std::string_view hint;
  switch (key.type) {
    case ATOLL_CONFIG_INTEGER:
      integer = number(text);
      hint = "a whole number, for example 16";
      break;
    case ATOLL_CONFIG_BOOLEAN:
      integer = boolean(text);
      hint = "yes or no";
      break;
    case ATOLL_CONFIG_SIZE:
      integer = with_unit(text, kSizes);
      hint = "bytes, or a number with K, M, G or T, for example 64M";
      break;
    case ATOLL_CONFIG_DURATION:
      integer = with_unit(text, kDurations);
      hint = "a number with ms, s, m, h or d, for example 30s";
      break;
    case ATOLL_CONFIG_MODE:
      integer = text.size() >= 3 && text.size() <= 5 ? number(text, 8) : std::nullopt;
      if (integer && (*integer < 0 || *integer > 07777)) integer.reset();
      hint = "a file mode in octal, for example 0640";
      break;
    case ATOLL_CONFIG_PATH:
      if (text.empty() || text.find('\0') != text.npos) return wrong(key, text, "a file name");
      if (text[0] != '/') value.text = data + "/" + value.text;
      break;
    case ATOLL_CONFIG_DATABASE: {
      if (text.substr(0, 13) == "postgresql://") break;
      const std::string_view path = text.substr(text.substr(0, 7) == "sqlite:" ? 7 : 0);
      if (path.empty() || path.find('\0') != path.npos || path.substr(0, 2) == "//" || path.find("://") != path.npos)
        return wrong(key, text, "sqlite:PATH, a path, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
      value.text = (path[0] == '/' ? "sqlite:" : "sqlite:" + data + "/") + std::string(path);
      break;
    }
    case ATOLL_CONFIG_CHOICE:
      if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end())
        return error(Status::InvalidArgument, key.name + ": " + quoted(text) + " is not one of " + list(key.choices) +
                                                  did_you_mean(text, key.choices));
      break;
    default:
      break;
  }
  if (!integer) return wrong(key, text, hint);
  value.integer = *integer;
  return value;
}

Values check_section(const Section &section, std::span<const KeySpec> keys, const std::string &data,
                     Problems &problems) {
  Values values;
  std::vector<std::string> names;
  for (const auto &key : keys) {
    names.push_back(key.name);
    if (key.has(ATOLL_CONFIG_SECRET)) names.push_back(key.name + "_file");
  }
  for (const auto &[name, setting] : section.settings)
    if (std::find(names.begin(), names.end(), name) == names.end())
      problems.push_back(
          {setting.origin, "[" + section.name + "] has no key '" + name + "'" + did_you_mean(name, names)});

  for (const auto &key : keys) {
    const auto set = section.settings.find(key.name);
    const auto by_file =
        key.has(ATOLL_CONFIG_SECRET) ? section.settings.find(key.name + "_file") : section.settings.end();
    std::optional<std::string> text = key.default_text;
    Origin origin;
    if (set != section.settings.end()) {
      text = set->second.text;
      origin = set->second.origin;
      if (by_file != section.settings.end())
        problems.push_back({by_file->second.origin, "both " + key.name + " and " + key.name + "_file are set (" +
                                                        origin.text() + "); remove one"});
    } else if (by_file != section.settings.end()) {
      origin = by_file->second.origin;
      auto secret = secret_from(by_file->second.text);
      if (!secret) {
        problems.push_back({origin, key.name + "_file: " + secret.error().message});
        continue;
      }
      text = std::move(*secret);
    }
    if (!text) {
      if (key.has(ATOLL_CONFIG_REQUIRED))
        problems.push_back({section.origin, "[" + section.name + "] needs '" + key.name + " = ...' (" +
                                                std::string(type_name(key.type)) + "): " + key.description});
      continue;
    }
    auto value = parse_value(key, *text, data);
    if (!value) {
      problems.push_back({origin, value.error().message});
      continue;
    }
    value->origin = std::move(origin);
    values.emplace(key.name, std::move(*value));
  }
  return values;
}

}  // namespace Atoll::host
