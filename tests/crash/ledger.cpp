// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/ledger.hpp"

#include <sstream>

namespace Atoll::proof {

void Ledger::feed(const std::string &line, std::string &problems, bool lenient) {
  if (line.size() < 3) return;
  const char owner = line[0];
  const std::string rest = line.substr(2);
  if (rest.front() == '?') {
    open_[owner] = Operation::parse(rest.substr(2));
    return;
  }
  const auto open = open_.find(owner);
  if (open == open_.end()) return;
  const bool fine = open->second.fine(state_);
  if (rest.front() == '+') {
    if (!fine) problems += "done, although it cannot be: " + open->second.text() + "\n";
    open->second.apply(state_, rest);
    ++acknowledged_;
    std::istringstream words(rest);
    std::string sign, id, etag;
    words >> sign >> id >> etag;
    if (id != "-") reader_.remember(id, etag);
  } else if (lenient) {
    return;  // it stays open: wholly done or not at all
  } else if (fine) {
    problems += "refused (" + rest + "), although it can be done: " + open->second.text() + "\n";
  }
  open_.erase(open);
}

void Ledger::spare_copies(const State &got) {
  for (auto &[path, thing] : state_.all) {
    const auto found = got.all.find(path);
    if (found == got.all.end()) continue;
    auto others = [](const Thing &one) {
      auto versions = one.versions;
      std::erase(versions, one.content);
      return versions;
    };
    if (others(thing) == others(found->second)) thing.versions = found->second.versions;
  }
}

void Ledger::judge(const State &got, std::string &problems) {
  std::set<char> owners;
  for (const auto &[path, items] : state_.trash) owners.insert(path.front());
  for (const auto &[path, items] : got.trash) owners.insert(path.front());
  for (const auto &[path, thing] : state_.all) owners.insert(path.front());
  for (const auto &[path, thing] : got.all) owners.insert(path.front());
  for (const auto &[owner, operation] : open_) owners.insert(owner);
  if (owners.empty()) owners.insert('-');
  // What cannot be read of what is in the trash stays known.
  decltype(state_.trash) trash;
  for (const char owner : owners) {
    auto keep = [&](const State &chosen) { trash.insert(chosen.trash.begin(), chosen.trash.end()); };
    const State before = state_.of(owner), now = got.of(owner);
    const std::string plain = differences(before, now, false);
    if (plain.empty()) {
      keep(before);
      continue;
    }
    const auto open = open_.find(owner);
    if (open == open_.end()) {
      problems += plain;
      continue;
    }
    State after = before;
    open->second.apply(after, {});
    std::string done = differences(after, now, true);
    if (State nearly = after; !done.empty() && open->second.apply_nearly(before, nearly))
      if (differences(nearly, now, true).empty()) done.clear();
    keep(after);
    if (!done.empty())
      problems += "half done: " + open->second.text() + "\n as if not done:\n" + plain + " as if done:\n" + done;
  }
  open_.clear();
  for (auto &[path, items] : trash) {
    const auto found = got.trash.find(path);
    for (std::size_t i = 0; found != got.trash.end() && i < items.size() && i < found->second.size(); ++i)
      if (items[i].contains(path) && found->second[i].contains(path)) items[i][path].id = found->second[i].at(path).id;
  }
  const bool keeps_trash = state_.keeps_trash;
  auto snapshot = std::move(state_.snapshot);
  state_ = got;
  state_.snapshot = std::move(snapshot);
  state_.trash = std::move(trash);
  state_.keeps_trash = keeps_trash;
}

}  // namespace Atoll::proof
