// SPDX-License-Identifier: Apache-2.0
// JSON: a writer that appends to a string, and a reader with limits.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::base {

/// Appends one JSON value to a string and puts the commas. The caller keeps the order: key() before every value inside
/// of an object, and an end for each begin. [one thread at a time]
class JsonWriter {
 public:
  explicit JsonWriter(std::string &out) : out_(out) {}

  JsonWriter &begin_object();
  JsonWriter &end_object();
  JsonWriter &begin_array();
  JsonWriter &end_array();
  JsonWriter &key(std::string_view name);
  /// Bytes that are no UTF-8 become U+FFFD.
  JsonWriter &string(std::string_view text);
  JsonWriter &number(std::int64_t value);
  JsonWriter &number(std::uint64_t value);
  JsonWriter &number(std::int32_t value) { return number(std::int64_t{value}); }
  JsonWriter &number(std::uint32_t value) { return number(std::uint64_t{value}); }
  /// Not-a-number and the infinities become null.
  JsonWriter &number(double value);
  JsonWriter &boolean(bool value);
  JsonWriter &null();
  /// A value that is JSON already.
  JsonWriter &raw(std::string_view json);

  /// key() and value in one.
  JsonWriter &field(std::string_view name, std::string_view text) { return key(name).string(text); }
  JsonWriter &field(std::string_view name, const char *text) { return key(name).string(text); }
  JsonWriter &field(std::string_view name, std::int64_t value) { return key(name).number(value); }
  JsonWriter &field(std::string_view name, std::uint64_t value) { return key(name).number(value); }
  JsonWriter &field(std::string_view name, std::int32_t value) { return key(name).number(value); }
  JsonWriter &field(std::string_view name, std::uint32_t value) { return key(name).number(value); }
  JsonWriter &field(std::string_view name, double value) { return key(name).number(value); }
  JsonWriter &field(std::string_view name, bool value) { return key(name).boolean(value); }

 private:
  void separate();
  JsonWriter &open(char bracket);
  JsonWriter &close(char bracket);

  std::string &out_;
  std::vector<bool> has_entries_;  // per open bracket
  bool after_key_ = false;
};

/// Appends the text as a JSON string with its quotes (RFC 8259, 7). [any thread]
void append_json_string(std::string &out, std::string_view text);

using JsonObject = Poco::JSON::Object::Ptr;
using JsonArray = Poco::JSON::Array::Ptr;

/// Reads a JSON object; InvalidArgument for anything else, for nesting deeper than 32 and for "\u0000" in a string, and
/// OutOfRange over `limit` bytes. [any thread]
Result<JsonObject> parse_json_object(std::string_view text, std::size_t limit = 1u << 20);

/// The member of that name when it is there and of that type; nothing otherwise. None of them throws. [any thread]
std::optional<std::string> json_string(const JsonObject &object, const std::string &name);
std::optional<std::int64_t> json_integer(const JsonObject &object, const std::string &name);
std::optional<bool> json_boolean(const JsonObject &object, const std::string &name);
/// Null pointers when missing.
JsonObject json_object(const JsonObject &object, const std::string &name);
JsonArray json_array(const JsonObject &object, const std::string &name);

}  // namespace Atoll::base
