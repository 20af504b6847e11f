// SPDX-License-Identifier: Apache-2.0
#include "core/base/reason.hpp"

#include <atoll/abi/status.h>

namespace Atoll::base {

std::string_view reason_code(std::uint32_t reason) {
  return reason == ATOLL_REASON_HELD_BACK ? "ERR_FILES_HELD_BACK" : std::string_view();
}

std::string_view reason_text(std::uint32_t reason) {
  if (reason != ATOLL_REASON_HELD_BACK) return {};
  return "A large part of the files of this space disappeared from the server's disk at once. Their removal is held "
         "back: nothing was deleted, and nothing is served until they are back or until the administrator confirms "
         "that "
         "they are meant to be gone (atoll space confirm).";
}

}  // namespace Atoll::base
