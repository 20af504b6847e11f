// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/scenarios.hpp"

#include <algorithm>
#include <iterator>

namespace Atoll::proof {
namespace {

// A small tree: pa holds two files, a folder with a file, an attribute and a lock; pb a folder with a file.
#define TREE                                                                                                       \
  "erase pa - 0 0", "erase pb - 0 0", "erase pc - 0 0", "mkdir pa - 0 0", "put pa/f - 1 100", "put pa/g - 2 5000", \
      "attribute pa/f - 7 0", "lock pa/g - 0 0", "mkdir pa/d - 0 0", "put pa/d/h - 3 10", "attribute pa/d - 8 0",  \
      "mkdir pb - 0 0", "mkdir pb/e - 0 0", "put pb/e/i - 4 20"

#define SPACE "0198c0de-0000-7000-8000-000000000002"

}  // namespace

const std::vector<Scenario> &scenarios() {
  static const std::vector<Scenario> all = {
      {"put of a new file", Phase::Operation, {TREE}, {"put pa/n - 9 3000"}},
      {"put of an empty file", Phase::Operation, {TREE}, {"put pa/d/n - 9 0"}},
      {"put over a file", Phase::Operation, {TREE}, {"put pa/f - 9 3000"}},
      {"put over a file that is open elsewhere",
       Phase::Operation,
       {TREE},
       {"put pa/f - 9 3000"},
       false,
       false,
       nullptr,
       "pa/f"},
      {"put over a locked file", Phase::Operation, {TREE}, {"put pa/g - 9 30"}},
      {"mkdir", Phase::Operation, {TREE}, {"mkdir pa/n - 0 0"}},
      {"remove of a file", Phase::Operation, {TREE}, {"remove pa/g - 0 0"}},
      {"remove of a folder", Phase::Operation, {TREE}, {"remove pa - 0 0"}},
      {"rename of a file", Phase::Operation, {TREE}, {"rename pa/f pa/n 0 0"}},
      {"rename of a file to another folder", Phase::Operation, {TREE}, {"rename pa/g pb/e/n 0 0"}},
      {"rename of a file over a file", Phase::Operation, {TREE}, {"rename pa/f pb/e/i 0 0"}},
      {"rename of a file over a folder", Phase::Operation, {TREE}, {"rename pa/f pb/e 0 0"}},
      {"rename of a folder", Phase::Operation, {TREE}, {"rename pa pb/n 0 0"}},
      {"rename of a folder over a folder", Phase::Operation, {TREE}, {"rename pa pb 0 0"}},
      {"rename of a folder over a folder above", Phase::Operation, {TREE}, {"rename pa/d pb 0 0"}},
      {"rename of a folder over a file", Phase::Operation, {TREE}, {"rename pa/d pb/e/i 0 0"}},
      {"copy of a file", Phase::Operation, {TREE}, {"copy pa/f pb/n 0 0"}},
      {"copy of a file over a file", Phase::Operation, {TREE}, {"copy pa/f pb/e/i 0 0"}},
      {"copy of a file without attributes over one with", Phase::Operation, {TREE}, {"copy pb/e/i pa/f 0 0"}},
      {"copy of a file over a folder", Phase::Operation, {TREE}, {"copy pa/f pb/e 0 0"}},
      {"copy of a folder", Phase::Operation, {TREE}, {"copy pa pc 0 0"}},
      {"copy of a folder over a folder", Phase::Operation, {TREE}, {"copy pa/d pb 0 0"}},
      {"copy of a folder alone", Phase::Operation, {TREE}, {"shallow pa pc 0 0"}},
      {"mtime of a file", Phase::Operation, {TREE}, {"mtime pa/f - 5000 0"}},
      {"mtime of a folder", Phase::Operation, {TREE}, {"mtime pa/d - 5000 0"}},
      {"an attribute", Phase::Operation, {TREE}, {"attribute pb/e - 3 0"}},
      {"an attribute that goes", Phase::Operation, {TREE}, {"attribute pa/f - 0 0"}},
      {"lock", Phase::Operation, {TREE}, {"lock pa/f - 0 0"}},
      {"refresh of a lock", Phase::Operation, {TREE}, {"refresh pa/g - 0 0"}},
      {"unlock", Phase::Operation, {TREE}, {"unlock pa/g - 0 0"}},
      {"a space", Phase::Operation, {"space-drop " SPACE " - 0 0"}, {"space-add " SPACE " - 0 0"}},
      {"the quota of a space", Phase::Operation, {"space-add " SPACE " - 0 0"}, {"space-quota " SPACE " - 77 0"}},
      {"a space that goes", Phase::Operation, {"space-add " SPACE " - 0 0"}, {"space-drop " SPACE " - 0 0"}},
      {"removal for good", Phase::Operation, {TREE}, {"erase pa - 0 0"}},
      {"removal for good of a file", Phase::Operation, {TREE}, {"erase pa/g - 0 0"}},
      {"restore of a file", Phase::Operation, {TREE, "remove pa/g - 0 0"}, {"restore pa/g - 0 0"}},
      {"restore of a folder", Phase::Operation, {TREE, "remove pa - 0 0"}, {"restore pa - 0 0"}},
      {"restore to a place", Phase::Operation, {TREE, "remove pa - 0 0"}, {"restore pa - 1 0"}},
      {"restore over a folder", Phase::Operation, {TREE, "remove pa - 0 0", "mkdir pa - 0 0"}, {"restore pa - 2 0"}},
      {"restore over a file", Phase::Operation, {TREE, "remove pa - 0 0", "put pa - 5 9"}, {"restore pa - 2 0"}},
      {"purge", Phase::Operation, {TREE, "remove pa - 0 0"}, {"purge pa - 0 0"}},
      {"purge in the background", Phase::Background, {TREE, "remove pa - 0 0"}, {"purge pa - 0 0"}},
      {"restore of a version", Phase::Operation, {TREE, "put pa/f - 11 200"}, {"revert pa/f - 0 0"}},
      {"deletion of a version", Phase::Operation, {TREE, "put pa/f - 11 200"}, {"forget pa/f - 0 0"}},
      {"start after half a replacement",
       Phase::Start,
       {TREE, "put pa/f - 11 200"},
       {},
       false,
       false,
       "version.exchanged"},
      {"rebuild", Phase::Operation, {TREE, "remove pa/g - 0 0"}, {"rebuild - - 0 0"}},
      {"start after half a rebuild", Phase::Start, {TREE, "rebuild - - 0 0"}, {}, false, false, "rebuild.empty"},
      {"deletion in the background", Phase::Background, {TREE}, {"remove pa - 0 0", "remove pb - 0 0"}},
      {"close", Phase::Close, {TREE}, {}},
      {"start after a kill", Phase::Start, {TREE, "rename pa pb 0 0"}, {}},
      {"start without an index", Phase::Start, {TREE}, {}, true},
      {"start after half a rename over a folder",
       Phase::Start,
       {TREE, "rename pa pb 0 0"},
       {},
       false,
       false,
       "rename.exchanged"},
      {"start after half a copy", Phase::Start, {TREE, "copy pa/f pb/e/i 0 0"}, {}, false, false, "put.placed"},
      {"start after half a copy of a folder", Phase::Start, {TREE, "copy pa pc 0 0"}, {}, false, false, "copy.filled"},
      {"start after half a rename into the trash",
       Phase::Start,
       {TREE, "rename pa/d pb 0 0"},
       {},
       false,
       false,
       "trash.exchanged"},
      {"start after half a copy into the trash",
       Phase::Start,
       {TREE, "copy pa/f pb 0 0"},
       {},
       false,
       false,
       "trash.exchanged"},
      {"start after half a restore into the trash",
       Phase::Start,
       {TREE, "remove pa - 0 0", "mkdir pa - 0 0", "restore pa - 2 0"},
       {},
       false,
       false,
       "trash.exchanged"},
      {"start after half a restore",
       Phase::Start,
       {TREE, "remove pa - 0 0", "restore pa - 1 0"},
       {},
       false,
       false,
       "restore.moved"},
      {"start after half a purge",
       Phase::Start,
       {TREE, "remove pa - 0 0", "purge pa - 0 0"},
       {},
       false,
       false,
       "purge.noted"},
      {"start after half a removal", Phase::Start, {TREE, "remove pa - 0 0"}, {}, false, false, "remove.moved"},
      {"start after half a removal for good",
       Phase::Start,
       {TREE, "erase pa - 0 0"},
       {},
       false,
       false,
       "remove.set_aside"},
      {"start after half the removal of a space",
       Phase::Start,
       {"space-add " SPACE " - 0 0", "space-drop " SPACE " - 0 0"},
       {},
       false,
       false,
       "space.unnoted"},
      {"the first start", Phase::Start, {}, {}, false, true},
  };
  return all;
}

bool by_chance(const std::string &point, Layout layout) {
  if (point.starts_with(layout == Layout::Blob ? "posix." : "blob.")) return true;
  if (layout == Layout::Blob && point == "version.copied") return true;  // nobody else writes to objects
  if (point.starts_with("move.")) return true;  // two providers
  static constexpr const char *kPoints[] = {
      "put.sealed_again",       // the name was taken by another node since it was looked at
      "reconcile.moved",        // the index was lost and came back older
      "start.index_set_aside",  // index.db is damaged: has a test of its own
      "start.index_made",
      "renew.set_aside",  // index.db is gone or damaged in use
      "renew.made",
      "start.turned_away",  // a space that was on its way from another provider
  };
  return std::find(std::begin(kPoints), std::end(kPoints), point) != std::end(kPoints);
}

}  // namespace Atoll::proof
