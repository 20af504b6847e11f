// SPDX-License-Identifier: Apache-2.0
// Open files and uploads, as the host holds them.
#pragma once

#include "core/tree/engine.hpp"

#include <atoll/sdk/storage_uploads.hpp>

namespace Atoll::storage_posix {

/// A file that was opened for reading.
class OpenFileHandle final : public ReadHandle {
 public:
  /// `may_change`: other programs may write into the file while it is sent.
  OpenFileHandle(tree::OpenFile file, bool may_change) : file_(std::move(file)), may_change_(may_change) {}

  Result<std::uint64_t> read(const Call &call, std::uint64_t offset, void *buffer, std::uint64_t length) override;
  Result<void> extents(const Call &call, std::uint64_t offset, std::uint64_t length,
                       const ExtentEmitter &sink) override;

 private:
  tree::OpenFile file_;
  const bool may_change_;
};

/// A listing under way.
class TreeListingHandle final : public ListingHandle {
 public:
  explicit TreeListingHandle(std::unique_ptr<tree::Listing> listing) : listing_(std::move(listing)) {}

  Result<bool> next(const Call &call, const StatEmitter &sink) override;

 private:
  std::unique_ptr<tree::Listing> listing_;
};

/// An upload under way.
class TreeUploadHandle final : public KeptUploadHandle {
 public:
  TreeUploadHandle(std::unique_ptr<tree::Upload> upload, bool verify) : upload_(std::move(upload)), verify_(verify) {}

  Result<void> write(const Call &call, std::uint64_t offset, const void *data, std::uint64_t length) override;
  Result<int> fd(const Call &call) override;
  Result<void> commit(const Call &call, const atoll_upload_commit &commit, const StatEmitter &sink) override;
  Result<void> info(const Call &call, const std::function<void(const atoll_upload_info &)> &emit) override;
  Result<void> suspend(const Call &call) override;
  Result<void> kept(const Call &call, const KeptUploadEmitter &sink) override;
  Result<std::uint64_t> read(const Call &call, std::uint64_t offset, void *buffer, std::uint64_t length) override;
  Result<void> cut(const Call &call, std::uint64_t length) override;

 private:
  std::unique_ptr<tree::Upload> upload_;
  const bool verify_;
};

bool emit(const KeptUploadEmitter &sink, const tree::KeptUpload &upload);

}  // namespace Atoll::storage_posix
