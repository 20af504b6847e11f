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

}  // namespace Atoll::tree
