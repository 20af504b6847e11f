// SPDX-License-Identifier: Apache-2.0
#include "core/base/uuid.hpp"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace Atoll::base {

void random_bytes(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::getrandom(out.data() + done, out.size() - done, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // ids and keys without randomness would be worse than no server
    }
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace Atoll::base
