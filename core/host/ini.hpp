// SPDX-License-Identifier: Apache-2.0
// The syntax of configuration files; what the keys mean is not known here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/host/origin.hpp"

namespace Atoll::host {

/// A value as text, and where it was written.
struct Setting {
  std::string text;
  Origin origin;
};

struct Section {
  std::string name;  ///< "server", "storage:home"
  Origin origin;     ///< of its first header line
  std::map<std::string, Setting> settings;
};

/// Reads `[section]` and `key = value` lines. `#` and `;` begin a comment at the start of a line only, so a password
/// may hold them. A value in double quotes keeps its blanks at the ends. A key that is set twice in one file, a line
/// that is neither and a key outside of a section are problems; reading goes on after each. [any thread]
std::vector<Section> parse_ini(std::string_view text, const std::string &file, Problems &problems);

/// Whether this can be a section: "word" or "word:word" of lower-case letters, digits and dashes, also single
/// underscores in the second word.
bool valid_section_name(std::string_view name);
/// Lower-case letters, digits and single underscores, beginning with a letter.
bool valid_key_name(std::string_view name);

}  // namespace Atoll::host
