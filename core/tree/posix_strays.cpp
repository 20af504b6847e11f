// SPDX-License-Identifier: Apache-2.0
// What other programs put into a space and what can be no node: counted, or kept when the space goes.
#include "core/base/path.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/posix_folder.hpp"
#include "core/tree/try.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace Atoll::tree {
namespace {

constexpr int kMostTries = 1000;

Error mounted(const std::string &path) {
  return error(Status::FailedPrecondition, "something is mounted at " + path + "; unmount it first");
}

/// Every folder below one, without recursion.
class StrayWalk {
 public:
  /// `place`: where strays go; empty: they are counted only.
  StrayWalk(PosixRoot &root, std::string top, std::string place)
      : root_(root), top_(std::move(top)), place_(std::move(place)) {}

  Result<std::uint64_t> run() {
    std::vector<std::string> todo{{}};
    while (!todo.empty()) {
      const std::string path = std::move(todo.back());
      todo.pop_back();
      TRY(folder(path, todo));
    }
    return count_;
  }

 private:
  Result<void> folder(const std::string &path, std::vector<std::string> &todo) {
    const std::string whole = path.empty() ? top_ : top_ + "/" + path;
    auto fd = root_.open_folder(whole);
    if (!fd && fd.error().sys_errno == EXDEV) return mounted(whole);
    if (!fd && fd.error().sys_errno == ENOENT) return {};
    if (!fd) return std::move(fd).error();
    struct stat own {};
    if (::fstat(fd->get(), &own) != 0) return base::errno_error("look at the folder " + whole);
    std::vector<std::string> strays;
    TRY(entries(fd->get(), whole, [&](const dirent &found) -> Result<void> {
      const std::string name = found.d_name;
      const bool good = base::valid_name(name);
      if (good && found.d_type == DT_REG) return {};
      struct stat facts {};
      if (::fstatat(fd->get(), found.d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? Result<void>() : base::errno_error("look at " + whole + "/" + name);
      if (facts.st_dev != own.st_dev) return mounted(whole + "/" + name);
      if (good && S_ISREG(facts.st_mode)) return {};
      if (good && S_ISDIR(facts.st_mode))
        todo.push_back(path.empty() ? name : path + "/" + name);
      else
        strays.push_back(name);
      return {};
    }));
    count_ += strays.size();
    if (strays.empty() || place_.empty()) return {};
    TRY_ASSIGN(const base::Fd goal, root_.make_private_folder(path.empty() ? place_ : place_ + "/" + path));
    for (const std::string &name : strays) TRY(keep(fd->get(), name, goal.get()));
    if (::fsync(goal.get()) != 0 || ::fsync(fd->get()) != 0)
      return base::errno_error("make durable what is kept of " + whole);
    ATOLL_FAULT_POINT("move.strays_kept");
    return {};
  }

  static Result<void> entries(int fd, const std::string &whole, FunctionRef<Result<void>(const dirent &)> sink) {
    const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR *)> dir(copy < 0 ? nullptr : ::fdopendir(copy),
                                                   [](DIR *open) { return open == nullptr ? 0 : ::closedir(open); });
    if (!dir) return base::errno_error("list the folder " + whole);
    for (;;) {
      errno = 0;
      const dirent *found = ::readdir(dir.get());
      if (found == nullptr) return errno == 0 ? Result<void>() : base::errno_error("list the folder " + whole);
      const std::string_view name = found->d_name;
      if (name != "." && name != "..") TRY(sink(*found));
    }
  }

  static Result<void> keep(int from, const std::string &name, int to) {
    for (int number = 1; number <= kMostTries; ++number) {
      const std::string goal = number == 1 ? name : name + "~" + std::to_string(number);
      if (rename_onto(from, name.c_str(), to, goal.c_str(), Onto::Nothing) == 0 || errno == ENOENT) return {};
      if (errno == EBUSY) return mounted(name);
      if (errno != EEXIST) break;
    }
    return base::errno_error("keep " + name);
  }

  PosixRoot &root_;
  const std::string top_, place_;
  std::uint64_t count_ = 0;
};

}  // namespace

Result<Strays> PosixNamespace::strays(const SpaceId &space, std::string_view base, bool keep) {
  const std::string first = ".atoll/left/" + space.text();
  Strays found;
  const auto root = root_->folder();
  for (int number = 1;; ++number) {
    found.place = number == 1 ? first : first + "-" + std::to_string(number);
    if (::faccessat(root->get(), found.place.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) continue;
    if (errno != ENOENT) return base::errno_error("look at " + found.place);
    break;
  }
  auto in = [&](std::string top, const char *below) {
    return StrayWalk(*root_, std::move(top), keep ? found.place + below : std::string()).run();
  };
  TRY_ASSIGN(const std::uint64_t files, in(std::string(base), "/files"));
  TRY_ASSIGN(const std::uint64_t trash, in(kept_path(space, "trash"), "/trash"));
  found.count = files + trash;
  return found;
}

}  // namespace Atoll::tree
