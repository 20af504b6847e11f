// SPDX-License-Identifier: Apache-2.0
#include "core/tree/posix_watch.hpp"

#include "core/base/text.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace Atoll::tree {
namespace {

// Names, and content as far as a program closes the file or sets its time. IN_MODIFY would come with each write.
constexpr std::uint32_t kWanted = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB |
                                  IN_DELETE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr std::size_t kBufferBytes = 65536;

std::size_t kernel_limit() {
  auto text = base::read_file("/proc/sys/fs/inotify/max_user_watches", 64);
  if (!text) return 8192;  // the smallest that kernels come with
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return static_cast<std::size_t>(base::parse_u64(*text).value_or(8192));
}

}  // namespace

Result<std::unique_ptr<Watch>> PosixNamespace::watch(std::size_t most) {
  if (on_network(root_->folder()->get()))
    return error(Status::Unimplemented, "on a network file system changes made on other machines are not heard of");
  return PosixWatch::open(most);
}

Result<std::unique_ptr<Watch>> PosixWatch::open(std::size_t most) {
  base::Fd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) {
    Error failure = base::errno_error("watch folders");
    failure.status = Status::Unavailable;
    return failure;
  }
  return std::unique_ptr<Watch>(new PosixWatch(std::move(inotify), std::min(most, kernel_limit() / 2)));
}

Watch::Added PosixWatch::add(const NodeId &node, Folder &folder, bool recent) {
  const std::string path = "/proc/self/fd/" + std::to_string(static_cast<PosixFolder &>(folder).fd());
  const std::lock_guard guard(mutex_);
  auto added = Added::New;
  auto make_room = [&] {
    if (!recent || order_.empty()) return false;
    left_.push_back(by_descriptor_.at(order_.front()).node);
    unwatch(order_.front());
    added = Added::Instead;
    return true;
  };
  if (!by_node_.contains(node) && by_node_.size() >= most_ && !make_room()) return Added::Full;
  int descriptor = ::inotify_add_watch(inotify_.get(), path.c_str(), kWanted);
  if (descriptor < 0 && errno == ENOSPC && make_room())
    descriptor = ::inotify_add_watch(inotify_.get(), path.c_str(), kWanted);
  if (descriptor < 0) return errno == ENOSPC || errno == ENOMEM ? Added::Full : Added::Known;
  const auto before = by_node_.find(node);
  if (before != by_node_.end()) {
    if (before->second == descriptor) return Added::Known;
    unwatch(before->second);  // the node has another folder now
  }
  const auto same = by_descriptor_.find(descriptor);
  if (same != by_descriptor_.end() && !same->second.leaving) {  // the folder is another node now
    by_node_.erase(same->second.node);
    same->second.node = node;
  } else {
    order_.push_back(descriptor);
    by_descriptor_.insert_or_assign(descriptor, Watched{node, std::prev(order_.end())});
  }
  by_node_.emplace(node, descriptor);
  return added;
}

bool PosixWatch::used(const NodeId &node) {
  const std::lock_guard guard(mutex_);
  const auto found = by_node_.find(node);
  if (found == by_node_.end()) return false;
  order_.splice(order_.end(), order_, by_descriptor_.at(found->second).place);
  return true;
}

bool PosixWatch::watches(const NodeId &node) const {
  const std::lock_guard guard(mutex_);
  return by_node_.contains(node);
}

void PosixWatch::drop(const NodeId &node) {
  const std::lock_guard guard(mutex_);
  const auto found = by_node_.find(node);
  if (found != by_node_.end()) unwatch(found->second);
}

std::vector<NodeId> PosixWatch::take_left() {
  const std::lock_guard guard(mutex_);
  return std::exchange(left_, {});
}

/// The descriptor is known until the kernel says that nothing more comes with it.
void PosixWatch::unwatch(int descriptor) {
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end() || found->second.leaving) return;
  by_node_.erase(found->second.node);
  order_.erase(found->second.place);
  found->second.leaving = true;
  ::inotify_rm_watch(inotify_.get(), descriptor);
}

void PosixWatch::forget(int descriptor) {
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end()) return;
  if (!found->second.leaving) {
    by_node_.erase(found->second.node);
    order_.erase(found->second.place);
  }
  by_descriptor_.erase(found);
}

Result<bool> PosixWatch::read(FunctionRef<void(const Notice &)> sink) {
  alignas(inotify_event) std::array<char, kBufferBytes> buffer;
  const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    return base::errno_error("hear of changed folders");
  }
  for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
    inotify_event event;
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const char *name = buffer.data() + at + sizeof event;
    at += sizeof event + event.len;
    Notice notice;
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      notice.lost = true;
      const std::lock_guard guard(mutex_);  // the kernel's word that they are gone may be lost, too
      std::erase_if(by_descriptor_, [](const auto &watched) { return watched.second.leaving; });
    } else {
      const std::lock_guard guard(mutex_);
      const auto found = by_descriptor_.find(event.wd);
      if (found == by_descriptor_.end()) continue;  // dropped meanwhile
      notice.folder = found->second.node;
      if ((event.mask & (IN_IGNORED | IN_UNMOUNT)) != 0) {
        forget(event.wd);
        continue;
      }
    }
    if (event.len != 0) notice.name = std::string_view(name, ::strnlen(name, event.len));
    notice.is_folder = (event.mask & IN_ISDIR) != 0;
    sink(notice);
  }
  return true;
}

std::size_t PosixWatch::count() const {
  const std::lock_guard guard(mutex_);
  return by_node_.size();
}

}  // namespace Atoll::tree
