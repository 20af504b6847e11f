// SPDX-License-Identifier: Apache-2.0
#include "core/tree/watch.hpp"

namespace Atoll::tree {

Result<std::unique_ptr<Watch>> Namespace::watch(std::size_t) {
  return error(Status::Unimplemented, "this backend tells of no changes");
}

}  // namespace Atoll::tree
