// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <atoll/sdk/header_list.hpp>

#include <utility>

using Atoll::HeaderList;

namespace {

std::string text(const HeaderList &list) {
  std::string out;
  for (const auto [name, value] : list) out.append(name).append("=").append(value).append(";");
  return out;
}

}  // namespace

TEST_CASE("fields keep their order, whatever their length") {
  HeaderList list;
  CHECK(list.empty());
  CHECK(text(list).empty());
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string name = "n" + std::to_string(i), value(static_cast<std::size_t>(i * 37 % 400), 'v');
    list.add(name, value);
    expected += name + "=" + value + ";";
    CHECK(text(list) == expected);
  }
  CHECK(list.size() == 100);
  CHECK(list[7].name == "n7");
  HeaderList copy = list;
  const HeaderList moved = std::move(list);
  CHECK(text(moved) == expected);
  CHECK(text(copy) == expected);
}

TEST_CASE("a field of the list itself may be added") {
  HeaderList list;
  list.add("a", "first value");
  for (int i = 0; i < 200; ++i) list.add(list[0].name, list[0].value);
  CHECK(list.size() == 201);
  for (const auto [name, value] : list) {
    CHECK(name == "a");
    CHECK(value == "first value");
  }
}

TEST_CASE("values change, fields go") {
  HeaderList list;
  list.add("Vary", "Origin");
  list.add("X", "1");
  list.add("X", "2");
  list.set_value(0, std::string(list[0].value) + ", Accept-Encoding");
  CHECK(text(list) == "Vary=Origin, Accept-Encoding;X=1;X=2;");
  list.remove_if([](const HeaderList::Field &field) { return field.name == "X"; });
  CHECK(text(list) == "Vary=Origin, Accept-Encoding;");
  list.reserve(50, 5000);
  list.add("Y", "");
  CHECK(text(list) == "Vary=Origin, Accept-Encoding;Y=;");
}
