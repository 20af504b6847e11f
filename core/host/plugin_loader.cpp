// SPDX-License-Identifier: Apache-2.0
#include "core/host/plugin_loader.hpp"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/host/nearest.hpp"

namespace Atoll::host {
namespace {

Error refuse(const std::string &file, const std::string &why) {
  return error(Status::FailedPrecondition, "plugin " + file + " is refused: " + why);
}

Result<void> check_owner(const std::string &file, const char *what, const std::string &path, bool devel) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return base::errno_error("plugin " + file + ": " + what + " " + path);
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return refuse(file, std::string(what) + " belongs to user " + std::to_string(info.st_uid) +
                            "; make it root's: chown root: " + path);
  const mode_t forbidden = devel ? S_IWOTH : (S_IWGRP | S_IWOTH);
  if ((info.st_mode & forbidden) != 0)
    return refuse(file, std::string(what) + " can be written by others; run: chmod go-w " + path);
  return {};
}

std::string version(std::uint32_t major, std::uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

bool text_ok(const char *text) { return text != nullptr && text[0] != '\0' && base::valid_utf8(text); }

Result<void> judge(const atoll_plugin &plugin, const std::string &file) {
  if (plugin.struct_size < offsetof(atoll_plugin, create))
    return refuse(file, "its descriptor is too short; build it against the installed atoll headers");
  if (plugin.abi_major != ATOLL_ABI_MAJOR)
    return refuse(file, "it was built for ABI " + version(plugin.abi_major, plugin.abi_minor_built) +
                            " and this server has " + version(ATOLL_ABI_MAJOR, ATOLL_ABI_MINOR) +
                            "; install the plugin that belongs to this server");
  if (plugin.abi_minor_required > ATOLL_ABI_MINOR)
    return refuse(file, "it needs a server with ABI " + version(plugin.abi_major, plugin.abi_minor_required) +
                            " or later and this one has " + version(ATOLL_ABI_MAJOR, ATOLL_ABI_MINOR) +
                            "; update the server");
  if (plugin.struct_size < offsetof(atoll_plugin, reload) + sizeof(plugin.reload))
    return refuse(file, "its descriptor is too short; build it against the installed atoll headers");
  if (!text_ok(plugin.id) || !text_ok(plugin.version))
    return refuse(file, "its descriptor has no id or no version; ask its author");
  if (!plugin.query || !plugin.create || !plugin.destroy)
    return refuse(file, "its descriptor lacks query, create or destroy; ask its author");
  switch (plugin.thread_model) {
    case ATOLL_THREADS_SERIAL:
    case ATOLL_THREADS_PER_INSTANCE:
    case ATOLL_THREADS_PER_HANDLE:
    case ATOLL_THREADS_PARALLEL:
      break;
    default:
      return refuse(file, "thread model " + std::to_string(plugin.thread_model) + " is not known; update the server");
  }
  return {};
}

}  // namespace

Result<void> check_plugin_file(const std::string &file, bool devel) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(file, failed);
  if (failed) return error(Status::NotFound, "plugin " + file + ": " + failed.message());
  if (!std::filesystem::is_regular_file(real, failed)) return refuse(file, "it is no regular file");
  if (auto good = check_owner(file, "the file", real.string(), devel); !good) return good;
  return check_owner(file, "its folder", real.parent_path().string(), devel);
}

Result<const atoll_plugin *> open_plugin(const std::string &file) {
  void *handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = ::dlerror();
    std::string text = why ? why : "unknown error";
    if (text.compare(0, file.size() + 2, file + ": ") == 0) text.erase(0, file.size() + 2);
    return refuse(file, "it cannot be loaded: " + text);
  }
  void *symbol = ::dlsym(handle, "atoll_plugin_entry");
  if (!symbol)
    return refuse(file,
                  "it exports no atoll_plugin_entry, so it is no plugin of this server; remove it from the "
                  "configuration");
  const auto entry = reinterpret_cast<atoll_plugin_entry_fn>(symbol);
  const atoll_plugin *plugin = entry(ATOLL_ABI_MAJOR, ATOLL_ABI_MINOR);
  if (!plugin)
    return refuse(file, "it does not work with this server (ABI " + version(ATOLL_ABI_MAJOR, ATOLL_ABI_MINOR) +
                            "); install the version of the plugin that belongs to it");
  if (auto good = judge(*plugin, file); !good) return std::move(good).error();
  return plugin;
}

Result<std::vector<KeySpec>> schema_of(const atoll_plugin &plugin) {
  std::vector<KeySpec> keys;
  const std::string file = plugin.id;
  if (plugin.config_key_count > 0 && (!plugin.config_keys || plugin.config_key_size < sizeof(std::uint32_t) * 4))
    return refuse(file, "its configuration schema is damaged; ask its author");
  const auto *at = reinterpret_cast<const char *>(plugin.config_keys);
  for (std::uint32_t i = 0; i < plugin.config_key_count; ++i, at += plugin.config_key_size) {
    atoll_config_key raw{};
    std::memcpy(&raw, at, std::min<std::size_t>(sizeof raw, plugin.config_key_size));
    if (!raw.name || !valid_key_name(raw.name))
      return refuse(file, "key " + std::to_string(i + 1) + " of its configuration schema has no valid name");
    if (raw.type < ATOLL_CONFIG_TEXT || raw.type > ATOLL_CONFIG_DATABASE)
      return refuse(file, std::string("its key '") + raw.name + "' is of a type that this server does not know");
    for (const auto &own : {"plugin", "enabled"})
      if (std::string_view(raw.name) == own)
        return refuse(file, std::string("its key '") + raw.name + "' is one of the server's");
    KeySpec key;
    key.name = raw.name;
    key.type = raw.type;
    key.flags = raw.flags;
    if (raw.default_text) key.default_text = raw.default_text;
    if (raw.choices)
      for (const auto word : base::split(raw.choices, ' '))
        if (!word.empty()) key.choices.emplace_back(word);
    key.description = raw.description ? raw.description : "";
    if (key.default_text) {
      if (auto good = parse_value(key, *key.default_text, "/"); !good)
        return refuse(file, "a default of its schema is wrong: " + good.error().message);
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<std::string> PluginLoader::available() const {
  std::vector<std::string> names;
  for (const auto &folder : path_.folders) {
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
      if (at->path().extension() == ".so") names.push_back(at->path().stem().string());
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::string> PluginLoader::locate(const std::string &name) const {
  std::string file = name;
  if (name.empty() || name[0] != '/') {
    if (name.find('/') != name.npos)
      return error(Status::InvalidArgument,
                   "plugin '" + name + "': write a name (atoll plugin list) or an absolute path, not a relative one");
    file.clear();
    for (const auto &folder : path_.folders) {
      const std::string candidate = folder + "/" + name + ".so";
      if (::access(candidate.c_str(), F_OK) != 0) continue;
      file = candidate;
      break;
    }
    if (file.empty()) {
      std::string where;
      for (const auto &folder : path_.folders) where += (where.empty() ? "" : ":") + folder;
      return error(Status::NotFound, "there is no plugin '" + name + "' in " + where + did_you_mean(name, available()));
    }
  }
  if (auto good = check_plugin_file(file, path_.devel); !good) return std::move(good).error();
  return file;
}

Result<const LoadedPlugin *> PluginLoader::load(const std::string &name) {
  for (const auto &plugin : loaded_)
    if (plugin->name == name) return plugin.get();
  auto file = locate(name);
  if (!file) return std::move(file).error();
  auto descriptor = open_plugin(*file);
  if (!descriptor) return std::move(descriptor).error();
  auto keys = schema_of(**descriptor);
  if (!keys) return std::move(keys).error();

  auto plugin = std::make_unique<LoadedPlugin>();
  plugin->name = name;
  plugin->file = *file;
  plugin->descriptor = *descriptor;
  plugin->keys = std::move(*keys);
  if (const char *needs = plugin->descriptor->needs)
    for (const auto id : base::split(needs, ' '))
      if (!id.empty()) plugin->needs.emplace_back(id);
  loaded_.push_back(std::move(plugin));
  return loaded_.back().get();
}

}  // namespace Atoll::host
