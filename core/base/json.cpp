// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Parser.h>

#include <charconv>
#include <cmath>

#include "core/base/text.hpp"

namespace Atoll::base {

namespace {

constexpr std::size_t kMaxDepth = 32;

template <class Number>
void append_number(std::string &out, Number value) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, result.ptr);
}

struct Scan {
  std::size_t deepest = 0;   ///< nesting of brackets outside of strings
  bool escaped_nul = false;  ///< "\u0000" in a string: the parser below cuts a member's name there
};

Scan scan(std::string_view text) {
  Scan found;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') {
        if (text.substr(i + 1, 5) == "u0000") found.escaped_nul = true;
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      found.deepest = std::max(found.deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return found;
}

Poco::Dynamic::Var member(const JsonObject &object, const std::string &name) {
  return object.isNull() ? Poco::Dynamic::Var() : object->get(name);
}

}  // namespace

void append_json_string(std::string &out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out.push_back('"');
  std::size_t plain = 0;
  std::size_t at = 0;
  const auto replace = [&](std::string_view with) {
    out.append(text, plain, at - plain);
    out.append(with);
    plain = ++at;
  };
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte == '"') {
      replace("\\\"");
    } else if (byte == '\\') {
      replace("\\\\");
    } else if (byte == '\n') {
      replace("\\n");
    } else if (byte == '\r') {
      replace("\\r");
    } else if (byte == '\t') {
      replace("\\t");
    } else if (byte < 0x20) {
      const char escaped[6] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
      replace({escaped, 6});
    } else if (byte >= 0x80) {
      const std::size_t length = std::min<std::size_t>(byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4, text.size() - at);
      if (valid_utf8(text.substr(at, length))) {
        at += length;
      } else {
        replace("\xEF\xBF\xBD");
      }
    } else {
      ++at;
    }
  }
  out.append(text, plain, text.size() - plain);
  out.push_back('"');
}

void JsonWriter::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_entries_.empty()) return;
  if (has_entries_.back()) out_.push_back(',');
  has_entries_.back() = true;
}

JsonWriter &JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  has_entries_.push_back(false);
  return *this;
}

JsonWriter &JsonWriter::close(char bracket) {
  if (!has_entries_.empty()) has_entries_.pop_back();
  out_.push_back(bracket);
  return *this;
}

JsonWriter &JsonWriter::begin_object() { return open('{'); }
JsonWriter &JsonWriter::end_object() { return close('}'); }
JsonWriter &JsonWriter::begin_array() { return open('['); }
JsonWriter &JsonWriter::end_array() { return close(']'); }

JsonWriter &JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_.push_back(':');
  after_key_ = true;
  return *this;
}

JsonWriter &JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter &JsonWriter::number(std::int64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter &JsonWriter::number(std::uint64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter &JsonWriter::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter &JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }
JsonWriter &JsonWriter::null() { return raw("null"); }

JsonWriter &JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

Result<JsonObject> parse_json_object(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    return error(Status::OutOfRange, "the JSON text is larger than " + std::to_string(limit) + " bytes");
  }
  if (!valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    return error(Status::InvalidArgument, "the JSON text is not valid UTF-8");
  }
  const Scan found = scan(text);
  if (found.deepest > kMaxDepth) return error(Status::InvalidArgument, "the JSON text is nested too deeply");
  if (found.escaped_nul) return error(Status::InvalidArgument, "the JSON text holds an escaped NUL");
  try {
    Poco::JSON::Parser parser;
    const Poco::Dynamic::Var value = parser.parse(std::string(text));
    if (value.type() == typeid(JsonObject)) return value.extract<JsonObject>();
    return error(Status::InvalidArgument, "the JSON text is not an object");
  } catch (const Poco::Exception &failure) {
    return error(Status::InvalidArgument, "the JSON text cannot be read: " + failure.displayText());
  } catch (const std::exception &failure) {
    return error(Status::InvalidArgument, std::string("the JSON text cannot be read: ") + failure.what());
  }
}

std::optional<std::string> json_string(const JsonObject &object, const std::string &name) {
  const auto value = member(object, name);
  if (!value.isString()) return std::nullopt;
  return value.convert<std::string>();
}

std::optional<std::int64_t> json_integer(const JsonObject &object, const std::string &name) {
  const auto value = member(object, name);
  if (value.isEmpty() || !value.isInteger() || value.isBoolean()) return std::nullopt;
  try {
    return value.convert<std::int64_t>();
  } catch (const Poco::Exception &) {
    return std::nullopt;  // does not fit
  }
}

std::optional<bool> json_boolean(const JsonObject &object, const std::string &name) {
  const auto value = member(object, name);
  if (value.isEmpty() || !value.isBoolean()) return std::nullopt;
  return value.convert<bool>();
}

JsonObject json_object(const JsonObject &object, const std::string &name) {
  return object.isNull() ? JsonObject() : object->getObject(name);
}

JsonArray json_array(const JsonObject &object, const std::string &name) {
  return object.isNull() ? JsonArray() : object->getArray(name);
}

}  // namespace Atoll::base
