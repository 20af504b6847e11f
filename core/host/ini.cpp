// SPDX-License-Identifier: Apache-2.0
#include "core/host/ini.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace Atoll::host {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool word(std::string_view text, std::string_view others) {
  if (text.empty() || !(is_lower(text[0]) || is_digit(text[0])) || text.find("__") != text.npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_lower(c) || is_digit(c) || others.find(c) != others.npos; });
}

std::string unquoted(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return std::string(value);
}

class Parser {
 public:
  Parser(const std::string &file, Problems &problems) : file_(file), problems_(problems) {}

  void line(std::string_view raw) {
    ++number_;
    const std::string_view text = base::trim(raw);
    if (text.empty() || text[0] == '#' || text[0] == ';') return;
    if (text.find('\0') != text.npos || !base::valid_utf8(text)) return problem("this line is no UTF-8 text");
    if (text[0] == '[') return header(text);
    setting(text);
  }
  std::vector<Section> take() { return std::move(sections_); }

 private:
  void problem(std::string message) { problems_.push_back({Origin::file(file_, number_), std::move(message)}); }

  void header(std::string_view text) {
    in_section_ = false;
    skip_ = true;
    if (text.back() != ']') return problem("a section header ends with ']'; a comment needs a line of its own");
    const std::string name(base::trim(text.substr(1, text.size() - 2)));
    if (!valid_section_name(name))
      return problem("'" + name + "' is no section name: write [kind] or [kind:name] in lower case, for example " +
                     "[storage:home]");
    const auto found =
        std::find_if(sections_.begin(), sections_.end(), [&](const Section &s) { return s.name == name; });
    current_ = static_cast<std::size_t>(found - sections_.begin());
    if (found == sections_.end()) sections_.push_back(Section{name, Origin::file(file_, number_), {}});
    in_section_ = true;
    skip_ = false;
  }

  void setting(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == text.npos)
      return problem("'" + std::string(text.substr(0, 40)) + "' is neither a [section] nor 'key = value'");
    const std::string key(base::trim(text.substr(0, equals)));
    if (!valid_key_name(key)) return problem("'" + key + "' is no key: write lower-case letters, digits and '_'");
    if (!in_section_) {
      if (!skip_) problem("'" + key + "' stands before the first [section]; move it into the section it belongs to");
      return;
    }
    auto &settings = sections_[current_].settings;
    const auto [at, added] =
        settings.try_emplace(key, Setting{unquoted(base::trim(text.substr(equals + 1))), Origin::file(file_, number_)});
    if (!added)
      problem("'" + key + "' is set twice in [" + sections_[current_].name + "], first in line " +
              std::to_string(at->second.origin.line) + "; remove one");
  }

  const std::string &file_;
  Problems &problems_;
  std::vector<Section> sections_;
  std::size_t current_ = 0;
  bool in_section_ = false;
  bool skip_ = false;  // below a header that was refused: one problem is enough
  unsigned number_ = 0;
};

}  // namespace

bool valid_section_name(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == name.npos) return word(name, "-");
  return word(name.substr(0, colon), "-") && word(name.substr(colon + 1), "-_");
}

bool valid_key_name(std::string_view name) { return word(name, "_") && is_lower(name[0]); }

std::vector<Section> parse_ini(std::string_view text, const std::string &file, Problems &problems) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  Parser parser(file, problems);
  for (const auto line : base::split(text, '\n')) parser.line(line);
  return parser.take();
}

}  // namespace Atoll::host
