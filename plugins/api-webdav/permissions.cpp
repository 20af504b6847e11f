// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/permissions.hpp"

#include <atoll/abi/storage_fs.h>

namespace Atoll::webdav {

void append_permissions(std::string &out, std::uint32_t may, NodeShape shape) {
  if (may & ATOLL_MAY_SHARE) out.push_back('R');
  if ((may & ATOLL_MAY_DELETE) && shape != NodeShape::Root) out.push_back('D');
  if ((may & ATOLL_MAY_MOVE) && shape != NodeShape::Root) out.append("NV");
  if ((may & ATOLL_MAY_WRITE) && shape == NodeShape::File) out.push_back('W');
  if ((may & ATOLL_MAY_CREATE) && shape != NodeShape::File) out.append("CK");
  if (may & ATOLL_MAY_PURGE) out.push_back('P');
}

}  // namespace Atoll::webdav
