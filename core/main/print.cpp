// SPDX-License-Identifier: Apache-2.0
#include "core/main/print.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "core/base/text.hpp"

namespace Atoll::command {
namespace {

// Names come from users: nothing of them may steer the terminal.
std::string plain(const std::string &value) {
  std::string out = value;
  for (auto &c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

// Characters of UTF-8 text, taken as one column each.
std::size_t columns(const std::string &value) {
  return static_cast<std::size_t>(
      std::count_if(value.begin(), value.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string text(const base::JsonObject &object, const std::string &name) {
  if (!object || !object->has(name) || object->isNull(name)) return {};
  return object->get(name).convert<std::string>();
}

void print_json(const base::JsonObject &object) {
  if (object) object->stringify(std::cout, 2);
  std::cout << std::endl;
}

void print_json_line(const base::JsonObject &object) {
  if (object) object->stringify(std::cout);
  std::cout << std::endl;
}

std::string counted(std::uint64_t count, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? many.substr(0, many.size() - 1) : many);
}

std::string human_size(std::uint64_t bytes) {
  static constexpr const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  unsigned unit = 0;
  while (value >= 1024 && unit < 5) {
    value /= 1024;
    ++unit;
  }
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return buffer;
}

void Table::print(bool json) const {
  if (json) {
    std::string out;
    base::JsonWriter writer(out);
    writer.begin_array();
    for (const auto &row : rows_) {
      writer.begin_object();
      for (std::size_t i = 0; i < header_.size(); ++i) writer.field(base::to_lower(header_[i]), row[i]);
      writer.end_object();
    }
    writer.end_array();
    std::printf("%s\n", out.c_str());
    return;
  }
  std::vector<std::size_t> widths;
  for (const auto &cell : header_) widths.push_back(columns(cell));
  for (const auto &row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(plain(row[i])));
  const auto line = [&](const std::vector<std::string> &row) {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = plain(row[i]);
      out += cell;
      if (i + 1 < row.size()) out.append(widths[i] - columns(cell) + 2, ' ');
    }
    std::printf("%s\n", out.c_str());
  };
  line(header_);
  for (const auto &row : rows_) line(row);
}

}  // namespace Atoll::command
