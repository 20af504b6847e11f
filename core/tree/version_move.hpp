// SPDX-License-Identifier: Apache-2.0
// The content of a file that is replaced, on its way to the file's versions, as part of a change.
#pragma once

#include "core/tree/change.hpp"

namespace Atoll::tree {

/// A staged copy of a file's content.
struct VersionCopy {
  std::unique_ptr<Staged> staged;
  Entry entry;  ///< of what is staged
};

/// The record is durable first; then the new content is exchanged with the old one, which goes from where the new one
/// was staged to versions/<node>/<sequence>. Where another program could still write into the old file, or the file
/// system cannot exchange names, a copy is put there before the old file is replaced. Unless something of the truth was
/// touched the record goes again with this object.
class VersionMove {
 public:
  /// Whether replacing this file makes a version: an empty file is not worth one.
  static bool wanted(const TreeEngine &engine, const Row &row) { return engine.options_.versions.keep && row.size > 0; }

  /// `target`: the file; must outlive this.
  VersionMove(TreeEngine &engine, Change &change, const Target &target);
  VersionMove(const VersionMove &) = delete;
  VersionMove &operator=(const VersionMove &) = delete;
  ~VersionMove();

  /// `staged`: what replaces it. `copy`: of the content of `copied`, or nullptr.
  Result<void> note(Folder &folder, Staged &staged, const VersionCopy *copy, const std::optional<Entry> &copied);
  /// The old file itself becomes the version: what replaces it must be exchanged with it.
  bool moves() const noexcept { return moves_; }
  /// Nothing was exchanged: makes a copy after all.
  Result<void> copy_instead(Folder &folder);
  /// After the new content has come to the name.
  Result<void> finish(Staged &staged, Folder &folder);
  void done();

 private:
  Result<void> put_copy(const VersionCopy &copy);

  TreeEngine &engine_;
  Change &change_;
  const Target &target_;
  VersionRecord record_;
  std::string name_;
  Folder *versions_ = nullptr;
  bool moves_ = false, noted_ = false, placed_ = false, kept_ = false;
};

/// The folder with the versions of a node, for Namespace::kept().
std::string versions_path(const NodeId &node);
/// The name of a version in it.
std::string version_name(std::uint64_t sequence);

/// A staged copy of a file's content, with the identity that the content had.
Result<VersionCopy> copy_version(TreeEngine &engine, const SpaceId &space, Folder &folder, std::string_view name,
                                 const Entry &entry, const NodeId &node, std::uint64_t sequence);

/// The file system does not know how to exchange two names.
bool cannot_exchange(const Error &failure) noexcept;

}  // namespace Atoll::tree
