// SPDX-License-Identifier: Apache-2.0
// The data folder: who may use it, and in which format it is.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>

#include "core/base/file.hpp"

namespace Atoll::host {

/// Holds the exclusive lock on a data folder; released in the destructor or when the process ends.
class DataFolder {
 public:
  /// Makes the folder when it is not there, takes the lock, checks or writes the format version, empties tmp/. Errors:
  /// Aborted (another server or verb holds the lock), FailedPrecondition (the format is newer than this program),
  /// PermissionDenied, NotFound ... of the file system. [start-up]
  static Result<DataFolder> open(const std::string &path);

  const std::string &path() const { return path_; }
  std::string tmp() const { return path_ + "/tmp"; }

 private:
  DataFolder(std::string path, base::Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  base::Fd lock_;
};

/// Folder of the control socket below a data folder.
std::string run_folder(const std::string &data);

}  // namespace Atoll::host
