// SPDX-License-Identifier: Apache-2.0
#include "core/base/path.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/identity.hpp"
#include "core/tree/posix_folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace Atoll::tree {
namespace {

constexpr std::size_t kSpaceNameBytes = 200;
constexpr std::size_t kOneCallBytes = 3500;  // PATH_MAX is 4096

/// A folder name that a person recognises the space by, and that every file system takes.
std::string folder_name(const SpaceSpec &spec) {
  std::string name;
  for (const char c : spec.name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool odd = byte < 0x20 || byte == 0x7f || std::string_view("/\\:*?\"<>|").find(c) != std::string_view::npos;
    name.push_back(odd ? '_' : c);
  }
  if (name.size() > kSpaceNameBytes) {
    name.resize(kSpaceNameBytes);
    while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xc0) == 0x80) name.pop_back();
    if (!name.empty() && static_cast<unsigned char>(name.back()) >= 0x80) name.pop_back();
  }
  while (!name.empty() && (name.back() == ' ' || name.back() == '.')) name.pop_back();
  if (!name.empty() && (name.front() == '.' || name.front() == ' ')) name.front() = '_';
  if (!base::valid_name(name)) name = spec.id.text();
  return name;
}

}  // namespace

Result<std::unique_ptr<Folder>> PosixNamespace::open(std::string_view base, std::string_view path) {
  std::string whole(base);
  if (!path.empty()) whole.append("/").append(path);
  auto fd = root_->open_folder(whole);
  if (!fd) return std::move(fd).error();
  return std::unique_ptr<Folder>(std::make_unique<PosixFolder>(root_, std::move(*fd)));
}

Result<Namespace::File> PosixNamespace::open_file(std::string_view base, std::string_view path) {
  std::string whole(base);
  whole.append("/").append(path);
  File file;
  if (whole.size() < kOneCallBytes) {
    file.fd.reset(open_beneath(root_->folder()->get(), whole.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  } else {
    const std::size_t slash = whole.rfind('/');
    auto folder = root_->open_folder(std::string_view(whole).substr(0, slash));
    if (!folder) return std::move(folder).error();
    file.fd.reset(open_beneath(folder->get(), whole.c_str() + slash + 1, O_RDONLY | O_NONBLOCK | O_NOFOLLOW));
  }
  if (!file.fd) return base::errno_error("open " + whole);
  struct stat facts {};
  if (::fstat(file.fd.get(), &facts) != 0) return base::errno_error("look at " + whole);
  file.entry = entry_of(facts, facts.st_dev);
  if (file.entry.kind != EntryKind::File) return base::errno_error("open " + whole + ", which is no file", ENOENT);
  return file;
}

Result<std::string> PosixNamespace::choose_space_folder(const SpaceSpec &spec,
                                                        FunctionRef<bool(std::string_view)> taken) {
  const std::string wanted =
      std::string(spec.type == SpaceType::Personal ? "personal/" : "projects/") + folder_name(spec);
  for (int number = 1; number <= 10000; ++number) {
    const std::string base = number == 1 ? wanted : wanted + " (" + std::to_string(number) + ")";
    if (taken(base)) continue;
    const base::Fd there(open_beneath(root_->folder()->get(), base.c_str(), O_RDONLY | O_NONBLOCK));
    if (!there) {
      if (errno == ENOENT) return base;
      if (errno == ELOOP || errno == EXDEV || errno == EACCES || errno == ENXIO) continue;
      return base::errno_error("look at " + base);
    }
    const auto identity = root_->identity(there.get());
    if (!identity) return identity.error();
    if (*identity && (*identity)->id == root_of(spec.id)) return base;
  }
  return error(Status::AlreadyExists, "too many folders are named like " + wanted);
}

Result<void> PosixNamespace::make_space(const SpaceId &id, std::string_view base) {
  const std::string path(base);
  const std::string top = path.substr(0, path.find('/'));
  const int root = root_->folder()->get();
  if (::mkdirat(root, top.c_str(), 0755) != 0 && errno != EEXIST) return base::errno_error("make the folder " + top);
  const base::Fd parent(open_beneath(root, top.c_str(), O_RDONLY | O_DIRECTORY));
  if (!parent) return base::errno_error("open the folder " + top);
  const std::string name = path.substr(top.size() + 1);
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return base::errno_error("make the folder " + path);
  const base::Fd made(open_beneath(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  if (!made || ::fchmod(made.get(), root_->options().dir_mode) != 0)
    return base::errno_error("make the folder " + path);
  ATOLL_FAULT_POINT("posix.space_made");
  auto identified = root_->identify(made.get(), Identity{root_of(id), 0, 0, 0, 0});
  if (!identified && identified.status() != Status::Unimplemented) return identified;
  if (::fsync(made.get()) != 0 || ::fsync(parent.get()) != 0 || ::fsync(root) != 0)
    return base::errno_error("make the folder " + path + " durable");
  return {};
}

Result<void> PosixNamespace::remove_space(const SpaceId &id, std::string_view base) {
  const std::string path(base);
  const auto root = root_->folder();
  auto moved = move_aside(*root_, id, root->get(), path.c_str());
  if (!moved && moved.error().sys_errno != ENOENT) return moved;
  ATOLL_FAULT_POINT("posix.space_gone");
  for (const char *kept : {"trash", "versions", "uploads"}) {
    auto gone = move_aside(*root_, id, root->get(), kept_path(id, kept).c_str());
    if (!gone && gone.error().sys_errno != ENOENT) return gone;
  }
  auto top = root_->open_folder(path.substr(0, path.find('/')));
  if (top && ::fsync(top->get()) != 0) return base::errno_error("make the removal of " + path + " durable");
  return {};
}

Result<std::unique_ptr<Folder>> PosixNamespace::kept(const SpaceId &space, std::string_view path, bool make) {
  const std::string whole = kept_path(space, path);
  auto fd = make ? open_private(*root_, whole) : root_->open_folder(whole);
  if (!fd) return std::move(fd).error();
  return std::unique_ptr<Folder>(std::make_unique<PosixFolder>(root_, std::move(*fd)));
}

Result<void> PosixNamespace::sync_all() {
  if (::syncfs(root_->folder()->get()) != 0) return base::errno_error("make the storage root durable");
  return {};
}

}  // namespace Atoll::tree
