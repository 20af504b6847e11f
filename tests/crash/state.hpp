// SPDX-License-Identifier: Apache-2.0
// What a provider holds, as an engine shows it: what crash and power-cut tests compare.
#pragma once

#include "core/tree/engine.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace Atoll::proof {

/// A file or folder. What is not known is compared with nothing.
struct Thing {
  bool folder = false;
  std::string content;
  std::map<std::string, std::string> attributes;
  unsigned locks = 0;                 ///< taken on it
  std::vector<std::string> versions;  ///< of a file, the newest first
  std::optional<std::string> id, etag;
  std::optional<std::int64_t> mtime_ns;
};

struct State {
  using Tree = std::map<std::string, Thing>;  ///< by path
  Tree all;
  /// What was removed from a path, each with all below it, the oldest first.
  std::map<std::string, std::vector<Tree>> trash;
  std::map<std::string, std::uint64_t> spaces;  ///< other spaces, by id, with their quota
  Tree snapshot;                                ///< what was in `all` when the last one was taken
  bool keeps_trash = true;

  // Of what was read only.
  std::set<std::string> trash_ids;
  std::uint64_t versions_used = 0;

  bool there(const std::string &path) const { return all.contains(path); }
  void erase(const std::string &path);
  /// Into the trash, when there is one.
  void discard(const std::string &path);
  /// `path` and all below it, renamed.
  Tree below(const std::string &path, const std::string &to) const;
  /// Only what has names that begin with `owner`, at the top.
  State of(char owner) const;
};

class World;

/// Differences, one a line, `got` against `wanted`; none when they are the same. `spare_locks`: more locks than wanted
/// are fine, those of what an unfinished change took away.
std::string differences(const State &wanted, const State &got, bool spare_locks);

/// All bytes of a file.
std::string read_all(int fd);

/// Reads everything, and checks what must hold at any time: sizes of folders and `used` are sums, ids are unique, stat
/// and open agree with the listings, no etag of a folder comes back, what is in the trash is there and counted, and a
/// check of the space has no findings.
/// Problems are added, one a line.
class Reader {
 public:
  State read(tree::Engine &engine, const World &world, std::string &problems);
  /// Attributes of a copy or a removal that a failing disk broke off may stay, until a check with repair. No other finding
  /// of a check is fine.
  void spare_attributes() noexcept { spares_attributes_ = true; }
  /// Etags that were given to somebody, by node: none may come back once it was followed by another.
  void remember(const std::string &id, const std::string &etag);

 private:
  std::uint64_t walk(tree::Engine &engine, const SpaceId &space, const std::string &path, State &state,
                     std::set<std::string> &ids, std::string &problems);
  void read_trash(tree::Engine &engine, const World &world, State &state, const std::set<std::string> &ids,
                  std::uint64_t used, std::string &problems);
  struct Etags {
    std::set<std::string> seen;
    std::string last;
  };
  void see(const tree::NodeView &node, const std::string &path, std::string &problems);
  std::map<std::string, Etags> etags_;
  bool spares_attributes_ = false;
};

}  // namespace Atoll::proof
