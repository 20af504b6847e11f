// SPDX-License-Identifier: Apache-2.0
// Configuration files: names are what they may be, each setting knows its line, and the plain form means the same.
#include <set>

#include "core/base/text.hpp"
#include "core/host/ini.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;
using namespace Atoll::host;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  Problems problems;
  const auto sections = parse_ini(text, "fuzz.ini", problems);
  const auto lines = base::split(text, '\n');

  for (const auto &problem : problems) {
    FUZZ_CHECK(problem.origin.kind == Origin::Kind::File && problem.origin.where == "fuzz.ini");
    FUZZ_CHECK(problem.origin.line >= 1 && problem.origin.line <= lines.size());
    FUZZ_CHECK(!problem.message.empty() && problem.text().starts_with("fuzz.ini:"));
  }

  std::string plain;
  std::set<std::string> names;
  std::set<unsigned> used;
  std::size_t settings = 0;
  for (const auto &section : sections) {
    FUZZ_CHECK(valid_section_name(section.name) && names.insert(section.name).second);
    FUZZ_CHECK(section.name.find("__") == std::string::npos);  // that is what separates the parts in the environment
    plain += "[" + section.name + "]\n";
    for (const auto &[key, setting] : section.settings) {
      ++settings;
      FUZZ_CHECK(valid_key_name(key) && base::valid_utf8(setting.text));
      FUZZ_CHECK(setting.text.find_first_of(std::string_view("\n\0", 2)) == std::string::npos);
      const auto line = setting.origin.line;
      FUZZ_CHECK(line >= 1 && line <= lines.size() && used.insert(line).second);
      FUZZ_CHECK(lines[line - 1].find(key) != std::string_view::npos);
      FUZZ_CHECK(lines[line - 1].find(setting.text) != std::string_view::npos);
      plain += key + "=\"" + setting.text + "\"\n";
    }
  }
  FUZZ_CHECK(settings + problems.size() <= lines.size());

  Problems none;
  const auto again = parse_ini(plain, "again.ini", none);
  FUZZ_CHECK(none.empty() && again.size() == sections.size());
  for (std::size_t index = 0; index < again.size(); ++index) {
    FUZZ_CHECK(again[index].name == sections[index].name);
    FUZZ_CHECK(again[index].settings.size() == sections[index].settings.size());
    for (const auto &[key, setting] : sections[index].settings)
      FUZZ_CHECK(again[index].settings.at(key).text == setting.text);
  }
  return 0;
}
