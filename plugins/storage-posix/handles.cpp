// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage-posix/handles.hpp"

#include "plugins/storage-posix/convert.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace Atoll::storage_posix {

Result<std::uint64_t> OpenFileHandle::read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) {
  if (offset >= file_.node.size) return std::uint64_t{0};
  const std::uint64_t wanted = std::min(length, file_.node.size - offset);
  auto *to = static_cast<char *>(buffer);
  std::uint64_t done = 0;
  while (done < wanted) {
    const ssize_t got =
        ::pread(file_.fd.get(), to + done, static_cast<std::size_t>(wanted - done), static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("read " + file_.node.name);
    if (got == 0)
      return error(Status::Unavailable, file_.node.name + " became shorter while it was read; ask for it again");
    done += static_cast<std::uint64_t>(got);
  }
  return done;
}

Result<void> OpenFileHandle::extents(const Call &, std::uint64_t offset, std::uint64_t length,
                                     const ExtentEmitter &sink) {
  if (offset >= file_.node.size || length == 0) return {};
  auto extent = sized<atoll_extent>();
  extent.kind = ATOLL_EXTENT_FD;
  extent.flags = may_change_ ? ATOLL_EXTENT_MAY_CHANGE : 0;
  extent.fd = file_.fd.get();
  extent.offset = offset;
  extent.length = std::min(length, file_.node.size - offset);
  sink(extent);
  return {};
}

Result<bool> TreeListingHandle::next(const Call &, const StatEmitter &sink) {
  return listing_->next([&](const tree::NodeView &node) { return emit(sink, node, node.name); });
}

Result<void> TreeUploadHandle::write(const Call &, std::uint64_t offset, const void *data, std::uint64_t length) {
  return upload_->write(offset, {static_cast<const char *>(data), static_cast<std::size_t>(length)});
}

Result<int> TreeUploadHandle::fd(const Call &) {
  const int fd = upload_->fd();
  if (fd < 0) return unimplemented("a descriptor for uploads");
  return fd;
}

Result<void> TreeUploadHandle::commit(const Call &call, const atoll_upload_commit &commit, const StatEmitter &sink) {
  tree::UploadCommit wanted;
  wanted.size = commit.size;
  wanted.mtime_ns = commit.mtime_ns == ATOLL_MTIME_NOW ? tree::kMtimeNow : commit.mtime_ns;
  wanted.sums.mask = commit.flags & (ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32);
  std::copy(std::begin(commit.sha1), std::end(commit.sha1), wanted.sums.sha1.begin());
  std::copy(std::begin(commit.md5), std::end(commit.md5), wanted.sums.md5.begin());
  wanted.sums.adler32 = commit.adler32;
  wanted.verify = verify_;
  const CallConditions conditions(call);
  auto node = upload_->commit(wanted, conditions.get());
  if (!node) return std::move(node).error();
  emit(sink, *node, node->name);
  return {};
}

}  // namespace Atoll::storage_posix
