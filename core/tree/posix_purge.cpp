// SPDX-License-Identifier: Apache-2.0
// Deletes what was set aside, without recursion and without ever leaving the aside folder.
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/posix_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

namespace Atoll::tree {
namespace {

/// The names in a folder, at most `limit`.
Result<std::vector<std::string>> names_in(int folder, std::size_t limit) {
  std::vector<std::string> names;
  base::Fd copy(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR *)> dir(copy ? ::fdopendir(copy.get()) : nullptr, &::closedir);
  if (!dir) return base::errno_error("list what is to be deleted");
  static_cast<void>(copy.release());  // it is the listing's now
  while (names.size() < limit) {
    errno = 0;
    const dirent *entry = ::readdir(dir.get());
    if (entry == nullptr && errno != 0) return base::errno_error("list what is to be deleted");
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

/// Deletes one folder's worth: files go, folders inside it come up beside it and are deleted in a later turn. `failed`:
/// why something is still there, when that is worth another try.
bool flatten(int aside, const std::string &name, std::size_t &left, std::optional<Error> &failed) {
  auto note = [&] {
    if (errno == EIO || errno == ENOMEM || errno == EMFILE || errno == ENFILE || errno == ESTALE || errno == ENOSPC)
      failed = base::errno_error("delete what was set aside");
  };
  if (left == 0) return false;
  if (::unlinkat(aside, name.c_str(), 0) == 0) {
    --left;
    return true;
  }
  if (errno != EISDIR && errno != EPERM) {
    note();
    return false;
  }
  const base::Fd fd(open_beneath(aside, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!fd) {
    note();
    // Not readable to us: a folder that came with the mode of another program.
    return errno == EACCES && ::fchmodat(aside, name.c_str(), 0700, 0) == 0;
  }
  bool progress = false;
  auto names = names_in(fd.get(), left);
  if (!names) {
    failed = std::move(names).error();
    return false;
  }
  for (const std::string &inner : *names) {
    if (left == 0) break;
    if (::unlinkat(fd.get(), inner.c_str(), 0) == 0 || ::unlinkat(fd.get(), inner.c_str(), AT_REMOVEDIR) == 0) {
      --left;
      progress = true;
    } else if (errno == ENOTEMPTY) {
      if (::renameat(fd.get(), inner.c_str(), aside, base::random_id<Uuid>().text().c_str()) == 0) {
        --left;
        progress = true;
      } else if (errno == EACCES && ::fchmodat(fd.get(), inner.c_str(), 0700, 0) == 0) {
        progress = true;
      }
    } else {
      note();
    }
  }
  if (::unlinkat(aside, name.c_str(), AT_REMOVEDIR) == 0) progress = true;
  ATOLL_FAULT_POINT("posix.purged");
  return progress;
}

}  // namespace

Result<bool> PosixStore::purge(std::size_t limit, bool durably) {
  std::vector<std::pair<std::string, std::vector<std::string>>> found;  // folders, and what is in them
  std::size_t names = 0;
  bool more = false;
  std::optional<Error> failed;  // with one of them; the others go on
  auto later = [&](const std::string &path, Error why) {
    root_->note_aside(path);
    failed = std::move(why);
  };
  for (const std::string &path : root_->noted_asides()) {
    if (names >= limit) {
      more = true;
      break;
    }
    root_->forget_aside(path);  // before the look, so that what comes meanwhile notes it again
    auto aside = root_->open_folder(path);
    if (!aside) {
      if (aside.error().sys_errno != ENOENT) later(path, std::move(aside).error());
      continue;
    }
    auto inside = names_in(aside->get(), limit - names);
    if (!inside) {
      later(path, std::move(inside).error());
      continue;
    }
    if (inside->empty()) continue;
    names += inside->size();
    found.emplace_back(path, std::move(*inside));
  }
  auto durable = durably && !found.empty() ? root_->make_asides_durable() : Result<void>();
  std::size_t left = limit;
  for (const auto &[path, inside] : found) {
    auto aside = durable ? root_->open_folder(path) : Result<base::Fd>(durable.error());
    if (!aside) {
      later(path, std::move(aside).error());
      continue;
    }
    bool progress = false;
    std::optional<Error> trouble;
    for (const std::string &name : inside)
      if (left > 0) progress |= flatten(aside->get(), name, left, trouble);
    // Looked at once more; what cannot be deleted waits for the next start.
    if (progress || left == 0) {
      root_->note_aside(path);
      more = true;
    } else if (trouble) {
      later(path, std::move(*trouble));
    }
  }
  if (failed && !more) return std::move(*failed);
  return more;
}

Result<void> PosixStore::sweep() {
  auto spaces = root_->open_folder(".atoll/spaces");
  if (!spaces) {
    if (spaces.error().sys_errno == ENOENT) return {};
    return std::move(spaces).error();
  }
  auto all = names_in(spaces->get(), 1u << 20);
  if (!all) return std::move(all).error();
  for (const std::string &space : *all) {
    const std::string aside_folder = ".atoll/spaces/" + space + "/aside";
    root_->note_aside(aside_folder);
    const base::Fd staging(open_beneath(spaces->get(), (space + "/staging").c_str(), O_RDONLY | O_DIRECTORY));
    if (!staging && errno != ENOENT) return base::errno_error("open what an earlier run left in staging");
    if (!staging) continue;
    auto names = names_in(staging.get(), 1u << 20);
    if (!names) return std::move(names).error();
    if (names->empty()) continue;
    auto aside = open_private(*root_, aside_folder);
    if (!aside) return std::move(aside).error();
    for (const std::string &name : *names)
      if (::renameat(staging.get(), name.c_str(), aside->get(), name.c_str()) != 0)
        return base::errno_error("set aside what an earlier run left in staging");
  }
  return {};
}

}  // namespace Atoll::tree
