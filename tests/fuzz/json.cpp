// SPDX-License-Identifier: Apache-2.0
// JSON: any text survives being written and read, the reader keeps its limits, and no accessor throws.
#include <algorithm>

#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;

namespace {

void check_object(const base::JsonObject &object, unsigned depth) {
  FUZZ_CHECK(depth <= 32);
  for (const auto &name : object->getNames()) {
    const auto string = base::json_string(object, name);
    const auto integer = base::json_integer(object, name);
    const auto boolean = base::json_boolean(object, name);
    FUZZ_CHECK(string.has_value() + integer.has_value() + boolean.has_value() <= 1);
    if (const auto child = base::json_object(object, name); !child.isNull()) check_object(child, depth + 1);
    const auto array = base::json_array(object, name);
    FUZZ_CHECK(array.isNull() || !string);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const auto object = base::parse_json_object(text);
  if (object) {
    FUZZ_CHECK(!object->isNull() && base::valid_utf8(text));
    check_object(*object, 1);
    FUZZ_CHECK(!base::json_string(*object, "no member has such a name"));
    // One byte less of a limit, and it is refused.
    FUZZ_CHECK(base::parse_json_object(text, text.size() - 1).error().status == Status::OutOfRange);
  } else {
    FUZZ_CHECK(!object.error().message.empty() && object.error().status == Status::InvalidArgument);
  }

  if (!object.ok() && size % 4 != 0) return 0;
  std::string out;
  base::JsonWriter writer(out);
  writer.begin_object().field("text", text).key(text).begin_array();
  writer.number(std::int64_t{-1}).number(~std::uint64_t{0}).boolean(true).null().string(text).end_array().end_object();
  FUZZ_CHECK(base::valid_utf8(out) && std::all_of(out.begin(), out.end(), [](unsigned char c) { return c >= 0x20; }));
  const auto back = base::parse_json_object(out, std::string::npos);
  if (text.find('\0') != std::string_view::npos) {
    FUZZ_CHECK(!back.ok());
    return 0;
  }
  FUZZ_CHECK(back.ok());
  const auto kept = base::json_string(*back, "text");
  if (text == "text") return 0;  // the second member takes the place of the first
  FUZZ_CHECK(kept.has_value());
  if (base::valid_utf8(text)) FUZZ_CHECK(*kept == text);
  return 0;
}
