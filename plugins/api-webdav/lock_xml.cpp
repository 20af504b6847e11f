// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/lock_xml.hpp"

#include "core/base/xml.hpp"

namespace Atoll::webdav {

void append_activelock(std::string &out, const ShownLock &shown) {
  const Lock &lock = shown.lock;
  out.append("<d:activelock><d:locktype><d:write/></d:locktype><d:lockscope>");
  out.append(lock.kind == ATOLL_LOCK_SHARED ? "<d:shared/>" : "<d:exclusive/>");
  out.append("</d:lockscope><d:depth>").append(lock.deep ? "infinity" : "0").append("</d:depth>");
  // The owner was self-contained XML when it was read from the client's request.
  if (!lock.owner.empty()) out.append("<d:owner>").append(lock.owner).append("</d:owner>");
  out.append("<d:timeout>Second-").append(std::to_string(lock.timeout_s)).append("</d:timeout>");
  // The token of a write lock is that of an application and would let everybody in.
  if (lock.kind != ATOLL_LOCK_WRITE) {
    out.append("<d:locktoken><d:href>");
    base::append_xml_escaped(out, lock.token);
    out.append("</d:href></d:locktoken>");
  }
  out.append("<d:lockroot><d:href>").append(shown.root_href);
  out.append("</d:href></d:lockroot></d:activelock>");
}

std::string lock_answer(const ShownLock &lock) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:prop xmlns:d=\"DAV:\"><d:lockdiscovery>";
  append_activelock(out, lock);
  out.append("</d:lockdiscovery></d:prop>\n");
  return out;
}

}  // namespace Atoll::webdav
