// SPDX-License-Identifier: Apache-2.0
// How a staged file comes to its name: shared by uploads and copies.
#pragma once

#include "core/tree/tree_engine.hpp"

namespace Atoll::tree {

struct FilePut {
  Ref target;
  std::int64_t mtime_ns = kMtimeNow;
  Sums sums;
  std::uint64_t size = kSizeUnknown;  ///< of what is staged, if it is known
  bool create_only = false;           ///< AlreadyExists when something is there
  std::optional<NodeId> only;         ///< NotFound unless this file is there
  bool replace_folder = false;        ///< a folder there is removed; else FailedPrecondition
  bool conditions_on_target = true;   ///< of a copy they are about its source
  std::optional<NodeId> copy_of;      ///< it gets the attributes of that node
  bool copy_has_attributes = false;   ///< that node has any
};

Result<Node> put_file(TreeEngine &engine, Staged &staged, const FilePut &put, const Conditions &conditions);

/// Upload::write() into what is staged.
Result<void> write_staged(Staged &staged, std::uint64_t offset, std::string_view bytes);
/// Upload::commit() of what is staged.
Result<Node> commit_staged(TreeEngine &engine, Staged &staged, const Ref &target, const UploadCommit &commit,
                           const Conditions &conditions);
/// Upload::commit() would refuse it now: looked at again in there, here it spares the client from sending in vain.
Result<void> foresee_upload(TreeEngine &engine, const Ref &target, std::uint64_t size, const Conditions &conditions,
                            std::uint64_t *replaced = nullptr);
/// As Engine::upload_begin() with metadata; `size` was foreseen.
Result<std::unique_ptr<Upload>> begin_kept(TreeEngine &engine, const Ref &target, std::uint64_t size,
                                           const Conditions &conditions, std::string_view metadata);

/// Bytes; up to here an upload that will be refused is cheaper to receive than to foresee.
inline constexpr std::uint64_t kSmallUpload = 64 << 10;

}  // namespace Atoll::tree
