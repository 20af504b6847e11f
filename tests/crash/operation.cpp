// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/operation.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace Atoll::proof {
namespace {

using Kind = Operation::Kind;

constexpr const char *kWords[] = {
    "put",       "mkdir",      "remove",      "rename",        "copy",        "shallow",      "mtime",
    "attribute", "lock",       "refresh",     "unlock",        "space-add",   "space-drop",   "space-quota",
    "restore",   "purge",      "erase",       "revert",        "forget",      "rebuild",      "empty",
    "rescan",    "beside-put", "beside-move", "beside-remove", "beside-fill", "beside-empty", "confirm",
    "hurt",      "repair",     "snapshot",    "space-restore", "receive"};

}  // namespace

std::string parent_of(const std::string &path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string Operation::text() const {
  std::ostringstream text;
  text << kWords[static_cast<int>(kind)] << ' ' << from << ' ' << to << ' ' << number << ' ' << size;
  return text.str();
}

Operation Operation::parse(const std::string &text) {
  std::istringstream words(text);
  std::string word;
  Operation operation;
  words >> word >> operation.from >> operation.to >> operation.number >> operation.size;
  const auto found =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const char *known) { return word == known; });
  operation.kind = static_cast<Kind>(found - std::begin(kWords));
  return operation;
}

Operation Operation::random(std::mt19937 &random, char owner, bool beside) {
  static constexpr Kind kKinds[] = {
      Kind::Put,     Kind::Put,     Kind::Put,       Kind::Put,        Kind::Put,         Kind::Mkdir,
      Kind::Mkdir,   Kind::Remove,  Kind::Rename,    Kind::Rename,     Kind::Rename,      Kind::Copy,
      Kind::Shallow, Kind::Mtime,   Kind::Attribute, Kind::Lock,       Kind::Unlock,      Kind::Remove,
      Kind::Restore, Kind::Restore, Kind::Purge,     Kind::Erase,      Kind::Revert,      Kind::Revert,
      Kind::Forget,  Kind::Refresh, Kind::BesidePut, Kind::BesideMove, Kind::BesideRemove};
  constexpr std::size_t kOurs = std::size(kKinds) - 3;
  auto name = [&] {
    std::string text{owner, static_cast<char>('a' + random() % 3)};
    for (unsigned depth = static_cast<unsigned>(random() % 3); depth > 0; --depth)
      text += std::string("/") + static_cast<char>('a' + random() % 3);
    return text;
  };
  Operation operation;
  operation.kind = kKinds[random() % (beside ? std::size(kKinds) : kOurs)];
  operation.from = name();
  if (operation.kind == Kind::Rename || operation.kind == Kind::Copy || operation.kind == Kind::Shallow ||
      operation.kind == Kind::BesideMove)
    operation.to = name();
  operation.number = operation.kind == Kind::Attribute ? random() % 4
                     : operation.kind == Kind::Restore ? 1 + random() % 2
                                                       : random();
  operation.size = random() % 8 == 0 ? random() % 200000 : random() % 3000;
  return operation;
}

bool Operation::fine(const State &state) const {
  auto folder = [&](const std::string &path) {
    const auto found = state.all.find(path);
    return path.empty() || (found != state.all.end() && found->second.folder);
  };
  auto below = [](const std::string &path, const std::string &above) { return path.starts_with(above + "/"); };
  switch (kind) {
    case Kind::Put:
      return folder(parent_of(from)) && !folder(from);
    case Kind::Mkdir:
      return folder(parent_of(from)) && !state.there(from);
    case Kind::Copy:
    case Kind::Shallow:
      if (state.there(from) && state.there(to) && from != to && !folder(from) && !folder(to) &&
          state.all.at(from).content == state.all.at(to).content)
        return false;
      [[fallthrough]];
    case Kind::Rename:
      return state.there(from) && folder(parent_of(to)) && from != to && !below(to, from) &&
             !(state.there(to) && below(from, to));
    case Kind::Refresh:
    case Kind::Unlock:
      return state.there(from) && state.all.at(from).locks > 0;
    case Kind::SpaceAdd:
    case Kind::Rebuild:
    case Kind::Empty:
    case Kind::Rescan:
    case Kind::Confirm:
    case Kind::Hurt:
    case Kind::Repair:
    case Kind::Snapshot:
    case Kind::SpaceRestore:
      return true;
    case Kind::Receive:
      return !state.spaces.contains(from);
    case Kind::BesidePut:
      return folder(parent_of(from)) && !folder(from);
    case Kind::BesideMove:
      return state.there(from) && folder(parent_of(to)) && !state.there(to) && !below(to, from);
    case Kind::BesideFill:
    case Kind::BesideEmpty:
      return folder(from);
    case Kind::Restore:
      return state.trash.contains(from) && folder(parent_of(from)) && (number == 2 || !state.there(from));
    case Kind::Purge:
      return state.trash.contains(from);
    case Kind::Revert:
    case Kind::Forget: {
      if (!state.there(from) || state.all.at(from).versions.empty()) return false;
      const Thing &thing = state.all.at(from);
      return kind == Kind::Forget || thing.versions[number % thing.versions.size()] != thing.content;
    }
    case Kind::SpaceDrop:
    case Kind::SpaceQuota:
      return state.spaces.contains(from);
    default:
      return state.there(from);
  }
}

std::string Operation::content() const {
  std::string text;
  text.reserve(size + 32);
  for (std::uint64_t block = 0; text.size() < size; ++block)
    text += std::to_string(number) + ":" + std::to_string(block) + ";";
  text.resize(size);
  return text;
}

}  // namespace Atoll::proof
