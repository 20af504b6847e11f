// SPDX-License-Identifier: Apache-2.0
// Output for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.hpp"

namespace Atoll::command {

/// A member as text, whatever its type; empty when it is not there.
std::string text(const base::JsonObject &object, const std::string &name);
/// Indented, with a line end.
void print_json(const base::JsonObject &object);
/// On one line.
void print_json_line(const base::JsonObject &object);
/// "1 file", "2 files": `many` without its last letter for one.
std::string counted(std::uint64_t count, std::string_view many);
/// 1536 -> "1.5 KiB".
std::string human_size(std::uint64_t bytes);

/// Rows with aligned columns, or as a JSON array of objects with lower-case names.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(bool json) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace Atoll::command
