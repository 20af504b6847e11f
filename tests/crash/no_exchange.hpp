// SPDX-License-Identifier: Apache-2.0
// A file system that cannot exchange two names, such as NFS and some of FUSE.
#pragma once

#include "core/tree/posix_folder.hpp"

namespace Atoll::proof {

class NoExchangeNamespace final : public tree::PosixNamespace {
 public:
  explicit NoExchangeNamespace(std::shared_ptr<tree::PosixRoot> root)
      : PosixNamespace(root), own_root_(std::move(root)) {}
  Result<std::unique_ptr<tree::Folder>> open(std::string_view base, std::string_view path) override;
  Result<std::unique_ptr<tree::Folder>> kept(const SpaceId &space, std::string_view path, bool make) override;

 private:
  Result<std::unique_ptr<tree::Folder>> without(Result<std::unique_ptr<tree::Folder>> opened);
  const std::shared_ptr<tree::PosixRoot> own_root_;
};

}  // namespace Atoll::proof
