// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/lock_view.hpp"

#include "core/base/uri.hpp"

namespace Atoll::webdav {

Result<std::string> href_of(const Context &context, const Target &target, const NodeId &node) {
  OutgoingCall out(context.call.raw());
  auto line = context.services.files.path_of(out, target.ref.space, node);
  if (!line) return std::move(line).error();
  std::string path;  // below the node that the request's root names
  const NodeId base = target.ref.node;
  bool below = false, folder = !line->empty() && line->front().folder();
  for (const Stat &stat : *line) {
    if (stat.node == base) {
      below = true;
      break;
    }
    path = path.empty() ? stat.name : stat.name + '/' + path;
  }
  // A lock on a folder above the node that the root names has no URL under it: the root stands for it.
  if (!below) {
    path.clear();
    folder = true;
  }
  std::string href = context.location.href_root;
  if (!path.empty()) {
    href.push_back('/');
    base::append_percent_encoded_path(href, path);
  }
  if (folder) href.push_back('/');
  return href;
}

Result<std::vector<ShownLock>> shown_locks(const Context &context, const Target &target, const Ref &ref) {
  OutgoingCall out(context.call.raw());
  auto locks = context.services.locks.list(out, ref);
  if (!locks) {
    if (locks.status() == Status::Unimplemented) return std::vector<ShownLock>{};
    return std::move(locks).error();
  }
  std::vector<ShownLock> shown;
  for (Lock &lock : *locks) {
    auto href = href_of(context, target, lock.node);
    if (!href) return std::move(href).error();
    shown.push_back({std::move(lock), *std::move(href)});
  }
  return shown;
}

}  // namespace Atoll::webdav
