// SPDX-License-Identifier: Apache-2.0
#include "core/host/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/host/builtin_keys.hpp"

namespace Atoll::host {
namespace {

constexpr std::string_view kPrefix = "ATOLL__";

Section &section_of(std::vector<Section> &sections, const std::string &name, const Origin &origin) {
  const auto found = std::find_if(sections.begin(), sections.end(), [&](const Section &s) { return s.name == name; });
  if (found != sections.end()) return *found;
  return sections.emplace_back(Section{name, origin, {}});
}

void merge(std::vector<Section> &into, std::vector<Section> from) {
  for (auto &section : from) {
    auto &target = section_of(into, section.name, section.origin);
    for (auto &[key, setting] : section.settings) target.settings[key] = std::move(setting);
  }
}

bool merge_file(std::vector<Section> &sections, const std::string &file, Problems &problems) {
  const auto text = base::read_file(file, 4 << 20);
  if (!text) {
    problems.push_back({Origin::file(file, 0), text.error().message});
    return false;
  }
  merge(sections, parse_ini(*text, file, problems));
  return true;
}

void merge_folder(std::vector<Section> &sections, const std::filesystem::path &folder, Problems &problems) {
  std::error_code failed;
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
    if (at->path().extension() == ".ini" && at->path().filename().string()[0] != '.')
      files.push_back(at->path().string());
  if (failed && failed != std::errc::no_such_file_or_directory)
    problems.push_back({Origin::file(folder.string(), 0), failed.message()});
  std::sort(files.begin(), files.end());
  for (const auto &file : files) merge_file(sections, file, problems);
}

std::string upper(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 'a' && c <= 'z')
      out += static_cast<char>(c - 'a' + 'A');
    else
      out += c == '-' ? '_' : c;
  }
  return out;
}

std::vector<std::string> split_double(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const auto at = text.find("__");
    parts.emplace_back(text.substr(0, at));
    if (at == text.npos) return parts;
    text.remove_prefix(at + 2);
  }
}

void merge_variable(std::vector<Section> &sections, const std::string &name, std::string text, Problems &problems) {
  const Origin origin = Origin::environment(name);
  const auto parts = split_double(std::string_view(name).substr(kPrefix.size()));
  if (parts.size() < 2 || parts.size() > 3) {
    problems.push_back({origin, "names no key: write ATOLL__SECTION__KEY or ATOLL__KIND__NAME__KEY, for example " +
                                    environment_name("storage:home", "root")});
    return;
  }
  const std::string key = base::to_lower(parts.back());
  const std::string section = base::to_lower(parts.size() == 2 ? parts[0] : parts[0] + ":" + parts[1]);
  if (!valid_section_name(section) || !valid_key_name(key)) {
    problems.push_back({origin, "[" + section + "] " + key + " is no key"});
    return;
  }
  for (auto &known : sections) {
    if (environment_name(known.name, key) != name) continue;
    known.settings[key] = Setting{std::move(text), origin};
    return;
  }
  section_of(sections, section, origin).settings[key] = Setting{std::move(text), origin};
}

}  // namespace

std::string environment_name(std::string_view section, std::string_view key) {
  std::string out(kPrefix);
  const auto colon = section.find(':');
  out += upper(section.substr(0, colon));
  if (colon != section.npos) out += "__" + upper(section.substr(colon + 1));
  return out + "__" + upper(key);
}

std::vector<std::string> process_environment() {
  std::vector<std::string> out;
  for (char **at = environ; at && *at; ++at) out.emplace_back(*at);
  return out;
}

std::vector<Section> merge_settings(const Sources &sources, Problems &problems) {
  std::vector<Section> sections;
  const bool there = !sources.file.empty() && (sources.required || ::access(sources.file.c_str(), F_OK) == 0);
  if (there) {
    merge_file(sections, sources.file, problems);
    merge_folder(sections, std::filesystem::path(sources.file).parent_path() / "conf.d", problems);
  } else {
    merge(sections, parse_ini(embedded_configuration(), "built in", problems));
    for (auto &section : sections) {
      section.origin = Origin{};
      for (auto &[key, setting] : section.settings) setting.origin = Origin{};
    }
  }
  auto variables = sources.environment;
  std::sort(variables.begin(), variables.end());
  for (const auto &variable : variables) {
    if (variable.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    const auto equals = variable.find('=');
    if (equals == variable.npos) continue;
    merge_variable(sections, variable.substr(0, equals), variable.substr(equals + 1), problems);
  }
  for (const auto &given : sources.command_line) {
    const Origin origin = Origin::command_line(given.flag);
    section_of(sections, given.section, origin).settings[given.key] = Setting{given.text, origin};
  }
  return sections;
}

}  // namespace Atoll::host
