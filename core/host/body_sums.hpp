// SPDX-License-Identifier: Apache-2.0
// The checksums of a body that is being received.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <functional>

#include "core/base/checksum.hpp"
#include "core/host/side_work.hpp"
#include "core/net/exchange.hpp"

namespace Atoll::host {

/// Of pieces that can be held the slowest digest is computed on a thread beside, while the owner computes the others,
/// has them written, and receives what follows. [one thread at a time]
class BodySums {
 public:
  static constexpr std::size_t kAhead = 8;   ///< pieces that may wait for their digest: what one body holds
  static constexpr std::size_t kBundle = 2;  ///< pieces for which a thread is woken

  /// `mask`: base::ChecksumMask. `helpers` outlives this.
  BodySums(unsigned mask, SideWork &helpers);

  /// Takes the next piece in and has it written; it is written when this returns. Nothing in the piece: no more is to
  /// be had for now, so that nothing is left waiting for company.
  Result<void> take(net::BodyPiece piece, const std::function<Result<void>()> &write);

  unsigned mask() const { return own_.mask() | beside_.mask(); }
  /// Of all pieces, as the last call. Waits for those that are still being looked at.
  base::Checksums::Values values();

 private:
  base::Checksums beside_, own_;
  SideWork::Strand strand_;  ///< the last member: nobody uses the others any more once it is gone
};

}  // namespace Atoll::host
