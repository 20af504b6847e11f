// SPDX-License-Identifier: Apache-2.0
#include "core/host/configuration.hpp"

#include <algorithm>
#include <filesystem>

#include "core/host/builtin_keys.hpp"
#include "core/host/nearest.hpp"
#include "core/host/server_section.hpp"
#include "core/host/start_order.hpp"

#include <atoll/abi/storage_fs.h>

namespace Atoll::host {
namespace {

std::vector<std::string> section_names() {
  std::vector<std::string> names = {"server", "log", "database"};
  for (const auto &kind : kinds()) names.push_back(std::string(kind.name) + ":");
  return names;
}

std::string without_final_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Takes the keys that belong to the host out of an instance's section.
Section split_section(const Section &section, std::span<const KeySpec> own, Section &rest) {
  Section mine{section.name, section.origin, {}};
  rest = Section{section.name, section.origin, {}};
  for (const auto &[key, setting] : section.settings) {
    const bool is_own = std::any_of(own.begin(), own.end(), [&k = key](const KeySpec &spec) { return spec.name == k; });
    (is_own ? mine : rest).settings.emplace(key, setting);
  }
  return mine;
}

class Reader {
 public:
  Reader(PluginLoader &loader, Problems &problems) : loader_(loader), problems_(problems) {}

  void fixed(const std::vector<Section> &sections, Configuration &out) {
    const auto keys = server_keys();
    // Relative paths start from the data folder, and that from the working folder.
    const Section section = find(sections, "server");
    Problems again;
    out.data = check_section(section, keys, working_folder(), again)["data"].text;
    if (out.data.empty()) out.data = "/";
    out.data = without_final_slash(std::filesystem::path(out.data).lexically_normal().string());
    out.server = check_section(section, keys, out.data, problems_);
    out.log = check_section(find(sections, "log"), log_keys(), "/", problems_);
    out.database = check_section(find(sections, "database"), database_keys(), out.data, problems_);
    // What was refused falls back to its default, so that the rest can still be checked.
    fill(out.server, keys);
    fill(out.log, log_keys());
    out.server["data"].text = out.data;
    check_server(out, problems_);
  }

  void instance(const Section &section, Configuration &out) {
    const auto colon = section.name.find(':');
    const Kind *kind = find_kind(std::string_view(section.name).substr(0, colon));
    if (colon == section.name.npos || !kind) {
      auto names = section_names();
      std::string wanted = section.name;
      if (colon != section.name.npos) wanted.resize(colon + 1);
      std::string best = nearest(wanted, names);
      if (!best.empty() && best.back() == ':')
        best += colon == section.name.npos ? "NAME" : section.name.substr(colon + 1);
      std::string all;
      for (const auto &name : names) all += (all.empty() ? "[" : " [") + name + (name.back() == ':' ? "NAME]" : "]");
      problems_.push_back(
          {section.origin, "there is no section [" + section.name + "]" +
                               (best.empty() ? "; there are " + all : "; did you mean [" + best + "]?")});
      return;
    }
    Section rest;
    const bool storage = std::string_view(kind->interface_id) == ATOLL_STORAGE_FS;
    const std::span<const KeySpec> keys = storage ? storage_keys() : instance_keys();
    const Section mine = split_section(section, keys, rest);
    Values own = check_section(mine, keys, out.data, problems_);
    if (const auto enabled = own.find("enabled"); enabled != own.end() && enabled->second.integer == 0) return;
    const auto named = own.find("plugin");
    if (named == own.end()) return;
    auto plugin = loader_.load(named->second.text);
    if (!plugin) {
      problems_.push_back({named->second.origin, plugin.error().message});
      return;
    }
    if (!(*plugin)->query(std::string(kind->interface_id).c_str())) {
      problems_.push_back({named->second.origin, "plugin '" + (*plugin)->name + "' is not " + std::string(kind->what) +
                                                     " (it does not offer " + std::string(kind->interface_id) +
                                                     "), so it cannot be in [" + section.name + "]"});
      return;
    }
    InstanceConfig instance{section.name, section.origin, *plugin, {}, {}};
    if (storage) {
      instance.placement = own;
      if (const auto weight = own.find("weight"); weight != own.end())
        if (weight->second.integer < 0 || weight->second.integer > 1000)
          problems_.push_back({weight->second.origin, "weight: write a number from 0 to 1000"});
    }
    if (const auto url = out.database.find("url"); url != out.database.end())
      for (const KeySpec &key : (*plugin)->keys)
        if (key.type == ATOLL_CONFIG_DATABASE && rest.settings.count(key.name + "_file") == 0)
          rest.settings.emplace(key.name, Setting{url->second.text, url->second.origin});
    instance.values = check_section(rest, (*plugin)->keys, out.data, problems_);
    out.instances.push_back(std::move(instance));
  }

 private:
  static Section find(const std::vector<Section> &sections, const std::string &name) {
    for (const auto &section : sections)
      if (section.name == name) return section;
    return Section{name, Origin{}, {}};
  }
  static void fill(Values &values, std::span<const KeySpec> keys) {
    for (const auto &key : keys)
      if (values.find(key.name) == values.end() && key.default_text)
        if (auto value = parse_value(key, *key.default_text, "/")) values.emplace(key.name, std::move(*value));
  }
  static std::string working_folder() {
    std::error_code failed;
    const auto path = std::filesystem::current_path(failed);
    return failed ? "/" : path.string();
  }

  PluginLoader &loader_;
  Problems &problems_;
};

// Of a database the place is shown, and of its URL the password is not.
std::string shown(const Value &value) {
  if ((value.flags & ATOLL_CONFIG_SECRET) == 0) return value.text;
  if (value.type != ATOLL_CONFIG_DATABASE) return "(secret)";
  const auto login = value.text.find("://"), at = value.text.rfind('@');
  if (login == value.text.npos) return value.text;
  const auto options = value.text.substr(0, value.text.find('?'));
  return at == value.text.npos ? options
                               : options.substr(0, login + 3) + "..." + (at < options.size() ? options.substr(at) : "");
}

void append_value(std::string &out, const std::string &key, const Value &value) {
  std::string line = key + " = " + shown(value);
  if (line.size() < 40) line.resize(40, ' ');
  out += line + "  # " + value.origin.text() + "\n";
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void append_table(std::string &out, std::span<const KeySpec> keys) {
  if (keys.empty()) {
    out += "No keys of its own.\n\n";
    return;
  }
  out += "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto &key : keys) {
    std::string type(type_name(key.type));
    if (!key.choices.empty()) {
      type.clear();
      for (const auto &choice : key.choices) type += (type.empty() ? "" : ", ") + choice;
    }
    std::string fallback = key.has(ATOLL_CONFIG_REQUIRED) ? "required" : "";
    if (key.default_text) fallback = key.default_text->empty() ? "empty" : "`" + *key.default_text + "`";
    std::string meaning = key.description;
    if (key.has(ATOLL_CONFIG_SECRET)) meaning += " Secret; also by file: `" + key.name + "_file`.";
    if (key.has(ATOLL_CONFIG_RELOADABLE)) meaning += " Changes on reload.";
    out += "| `" + key.name + "` | " + cell(type) + " | " + cell(fallback) + " | " + cell(meaning) + " |\n";
  }
  out += "\n";
}

}  // namespace

Configuration read_configuration(const Sources &sources, PluginLoader &loader, Problems &problems) {
  Configuration out;
  const auto sections = merge_settings(sources, problems);
  Reader reader(loader, problems);
  reader.fixed(sections, out);
  for (const auto &section : sections)
    if (section.name != "server" && section.name != "log" && section.name != "database") reader.instance(section, out);
  if (problems.empty()) check_needs(out.instances, problems);
  return out;
}

std::string show_configuration(const Configuration &configuration) {
  std::string out = "[server]\n";
  for (const auto &[key, value] : configuration.server) append_value(out, key, value);
  out += "\n[log]\n";
  for (const auto &[key, value] : configuration.log) append_value(out, key, value);
  if (!configuration.database.empty()) out += "\n[database]\n";
  for (const auto &[key, value] : configuration.database) append_value(out, key, value);
  for (const auto &instance : configuration.instances) {
    out += "\n[" + instance.name + "]\n";
    Value plugin;
    plugin.text = instance.plugin->name;
    plugin.origin = instance.origin;
    append_value(out, "plugin", plugin);
    for (const auto &[key, value] : instance.placement)
      if (key != "plugin" && key != "enabled") append_value(out, key, value);
    for (const auto &[key, value] : instance.values) append_value(out, key, value);
  }
  return out;
}

Result<std::string> keys_as_markdown(PluginLoader &loader) {
  std::string out = "### `[server]`\n\n";
  append_table(out, server_keys());
  out += "### `[log]`\n\n";
  append_table(out, log_keys());
  out += "### `[database]`\n\n";
  append_table(out, database_keys());
  out += "### Every `[kind:name]`\n\n";
  append_table(out, instance_keys());
  out += "### Every `[storage:name]`, besides\n\n";
  append_table(out, storage_keys().subspan(instance_keys().size()));
  for (const auto &name : loader.available()) {
    auto plugin = loader.load(name);
    if (!plugin) return std::move(plugin).error();
    out += "### `plugin = " + name + "`\n\n";
    if (const char *summary = (*plugin)->descriptor->summary) out += std::string(summary) + ".\n\n";
    append_table(out, (*plugin)->keys);
  }
  return out;
}

}  // namespace Atoll::host
