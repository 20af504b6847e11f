// SPDX-License-Identifier: Apache-2.0
// The folder with a provider's databases: one server at a time, bound to one storage root.
#pragma once

#include "core/base/file.hpp"

#include <atoll/sdk/ids.hpp>

#include <string>

namespace Atoll::tree {

/// Holds the exclusive lock on the folder, and the uuid that its storage root must carry.
class StateDir {
 public:
  /// Makes the folder when it is missing (its parent must exist). FailedPrecondition: another server uses it.
  /// [start-up only]
  static Result<StateDir> open(std::string path);

  const std::string &path() const noexcept { return path_; }
  const Uuid &provider() const noexcept { return provider_; }
  /// No start with this folder was ever completed.
  bool first_start() const noexcept { return first_; }
  /// InsufficientStorage when the databases could not take a change. Cheap. [any thread]
  Result<void> room() const;
  /// From now on a missing root or database is an outage and never a first start. [start-up only]
  Result<void> complete_first_start();

 private:
  StateDir() = default;
  Result<void> write(std::string_view state) const;

  std::string path_;
  base::Fd lock_;
  Uuid provider_;
  bool first_ = false;
};

}  // namespace Atoll::tree
