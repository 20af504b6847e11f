// SPDX-License-Identifier: Apache-2.0
// A provider in a folder, over a plain tree of files or over blobs.
#pragma once

#include "core/tree/engine.hpp"
#include "tests/crash/state.hpp"

#include <memory>
#include <string>

namespace Atoll::proof {

class BlobTable;

enum class Layout : std::uint8_t { Posix, Blob };

/// A folder that is gone afterwards, unless ATOLL_TEST_KEEP is set.
class Scratch {
 public:
  /// `memory`: on a file system in memory, where there is one that keeps identities.
  explicit Scratch(bool memory = false);
  ~Scratch();
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  const std::string &path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// Can be opened again and again.
class World {
 public:
  /// `make`: the folders are made when they are missing.
  World(Layout layout, std::string folder, bool make = true);

  /// With the space, whatever state that was left in; recovery may still be under way.
  Result<std::unique_ptr<tree::Engine>> open() const;
  /// What is kept for an item of the trash, by path below it ("" itself, "/a"), while the engine is open.
  State::Tree trashed(const Uuid &item) const;
  /// Opens a file of the space for writing, as another program would. Posix only.
  base::Fd open_beside(const std::string &path) const;
  /// Where another program finds it. Posix only.
  std::string beside(const std::string &path) const { return root + "/personal/einstein/" + path; }
  /// Another program writes a file, over what it held; its time changes. False: it could not. Posix only.
  bool write_beside(const std::string &path, const std::string &content) const;
  /// A snapshot that says that it is whole must be.
  void check_snapshot(const State &state, std::string &problems) const;
  /// What the files must be like, besides what the engine says, once it has settled and is closed.
  void check_disk(const State &state, std::string &problems) const;

  Layout layout;
  std::string folder, root, state;
  SpaceId space;
  tree::EngineOptions options;
  bool keeps_order = true;  ///< false: nothing is taken for granted that only some file systems do
  bool exchange = true;     ///< false: as if the file system could not exchange two names. Posix only

 private:
  mutable std::weak_ptr<BlobTable> table_;
};

}  // namespace Atoll::proof
