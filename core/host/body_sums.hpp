// SPDX-License-Identifier: Apache-2.0
// The checksums of a body that is being received.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <functional>
#include <span>

#include "core/base/checksum.hpp"
#include "core/host/side_work.hpp"

namespace Atoll::host {

/// Of large pieces the slowest digest is computed beside the others and beside the writing. [one thread at a time]
class BodySums {
 public:
  /// `mask`: base::ChecksumMask. `helpers` outlives this.
  BodySums(unsigned mask, SideWork &helpers);

  /// Takes the next piece in and has it written. Both are done when this returns, also when writing failed.
  Result<void> take(std::span<const std::byte> piece, const std::function<Result<void>()> &write);

  unsigned mask() const { return own_.mask() | beside_.mask(); }
  base::Checksums::Values values() const;

 private:
  base::Checksums beside_, own_;
  SideWork &helpers_;
};

}  // namespace Atoll::host
