// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/world.hpp"

#include "core/tree/posix_store.hpp"
#include "tests/crash/blob_layout.hpp"
#include "tests/crash/no_exchange.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace Atoll::proof {

using namespace Atoll::tree;
namespace fs = std::filesystem;

Scratch::Scratch(bool memory) {
  if (memory) {
    std::string pattern = "/dev/shm/atoll-proof-XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) {
      path_ = pattern;
      if (::setxattr(path_.c_str(), "user.atoll.probe", "x", 1, 0) == 0) return;
      ::rmdir(path_.c_str());
    }
  }
  const char *base = std::getenv("TMPDIR");
  std::string pattern = std::string(base ? base : "/tmp") + "/atoll-proof-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  if (std::getenv("ATOLL_TEST_KEEP") == nullptr) fs::remove_all(path_, ignored);
}

World::World(Layout wanted, std::string where, bool make)
    : layout(wanted),
      folder(std::move(where)),
      root(folder + "/root"),
      state(folder + "/state"),
      space(*SpaceId::parse("0198c0de-0000-7000-8000-000000000001")) {
  if (make) fs::create_directories(root);
}

Result<std::unique_ptr<Engine>> World::open() const {
  auto dir = StateDir::open(state);
  if (!dir) return std::move(dir).error();
  std::unique_ptr<Namespace> names;
  std::unique_ptr<Store> store;
  PosixOptions posix;
  posix.root = root;
  if (layout == Layout::Blob) {
    auto table = BlobTable::open(root, *dir);
    if (!table) return std::move(table).error();
    table_ = *table;
    names = std::make_unique<BlobNamespace>(*table);
    store = std::make_unique<BlobStore>(*table);
  } else {
    auto opened = PosixRoot::open(posix, *dir);
    if (!opened) return std::move(opened).error();
    if (!keeps_order) (*opened)->sync().set_keeps_order(false);
    if (exchange)
      names = std::make_unique<PosixNamespace>(*opened);
    else
      names = std::make_unique<NoExchangeNamespace>(*opened);
    store = std::make_unique<PosixStore>(*opened);
  }
  auto engine = Engine::open(options, std::move(*dir), std::move(names), std::move(store));
  if (!engine) return engine;
  SpaceSpec spec;
  spec.id = space;
  spec.type = SpaceType::Personal;
  spec.name = "einstein";
  if (auto made = (*engine)->space_create(spec); !made) return std::move(made).error();
  return engine;
}

namespace {

void read_blobs(BlobTable &table, const BlobEntry &entry, const std::string &path, State::Tree &tree) {
  Thing &thing = tree[path];
  thing.folder = entry.entry.kind == EntryKind::Folder;
  if (thing.folder) {
    if (const auto inside = table.children(entry.id))
      for (const BlobEntry &inner : *inside) read_blobs(table, inner, path + "/" + inner.name, tree);
  } else if (const auto fd = table.open_object(entry.object)) {
    thing.content = read_all(fd->get());
  }
}

void read_files(const std::string &from, const std::string &path, State::Tree &tree) {
  const fs::file_status status = fs::symlink_status(from + path);
  if (!fs::exists(status)) return;
  Thing &thing = tree[path];
  thing.folder = fs::is_directory(status);
  if (thing.folder) {
    for (const auto &entry : fs::directory_iterator(from + path))
      read_files(from, path + "/" + entry.path().filename().string(), tree);
    return;
  }
  const base::Fd fd(::open((from + path).c_str(), O_RDONLY | O_CLOEXEC));
  if (fd) thing.content = read_all(fd.get());
}

std::uint64_t bytes_below(const std::string &path) {
  std::uint64_t bytes = 0;
  if (fs::exists(path))
    for (const auto &entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

}  // namespace

State::Tree World::trashed(const Uuid &item) const {
  State::Tree tree;
  const std::string own = ".atoll/spaces/" + space.text() + "/trash";
  if (layout == Layout::Posix) {
    read_files(root + "/" + own + "/" + item.text(), "", tree);
  } else if (const auto table = table_.lock()) {
    if (const auto top = table->folder(own, false))
      if (const auto entry = table->child(*top, item.text()); entry && *entry) read_blobs(*table, **entry, "", tree);
  }
  return tree;
}

base::Fd World::open_beside(const std::string &path) const {
  return base::Fd(::open(beside(path).c_str(), O_WRONLY | O_CLOEXEC));
}

bool World::write_beside(const std::string &path, const std::string &content) const {
  const base::Fd fd(::open(beside(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  struct stat before {
  }, after{};
  if (!fd || ::fstat(fd.get(), &before) != 0 || ::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), content.data(), content.size(), 0) != static_cast<ssize_t>(content.size()))
    return false;
  // Clocks of file systems are coarse: what has the same size and time as before is not seen to be another content.
  for (;;) {
    if (::fstat(fd.get(), &after) != 0) return false;
    if (before.st_mtim.tv_sec != after.st_mtim.tv_sec || before.st_mtim.tv_nsec != after.st_mtim.tv_nsec) return true;
    ::usleep(1000);
    if (::futimens(fd.get(), nullptr) != 0) return false;
  }
}

void World::check_snapshot(const State &wanted, std::string &problems) const {
  const std::string snapshot = folder + "/snapshot";
  if (!fs::exists(snapshot + "/snapshot.json")) return;
  State::Tree tree;
  read_files(snapshot + "/files", "", tree);
  tree.erase("");
  bool same = tree.size() == wanted.all.size();
  for (const auto &[path, thing] : wanted.all) {
    const auto found = tree.find("/" + path);
    same &= found != tree.end() && found->second.folder == thing.folder && found->second.content == thing.content;
  }
  if (!same) problems += "a snapshot is not what the space was\n";
}

void World::check_disk(const State &wanted, std::string &problems) const {
  if (layout == Layout::Blob) {
    if (!fs::is_empty(root + "/staging")) problems += "left in " + root + "/staging\n";
    return;
  }
  const std::string own = root + "/.atoll/spaces/" + space.text();
  for (const char *name : {"/staging", "/aside"})
    if (fs::exists(own + name) && !fs::is_empty(own + name)) problems += "left in " + own + name + "\n";
  if (fs::exists(own + "/trash"))
    for (const auto &entry : fs::directory_iterator(own + "/trash"))
      if (!wanted.trash_ids.contains(entry.path().filename()))
        problems += "left in the trash: " + entry.path().filename().string() + "\n";
  if (const std::uint64_t bytes = bytes_below(own + "/versions"); bytes != wanted.versions_used)
    problems += "versions use " + std::to_string(bytes) + " bytes on disk, " + std::to_string(wanted.versions_used) +
                " are counted\n";
  const std::string top = beside("");
  std::size_t found = 0;
  for (const auto &entry : fs::recursive_directory_iterator(top)) {
    const std::string path = entry.path().string().substr(top.size());
    const auto known = wanted.all.find(path);
    if (known == wanted.all.end())
      problems += "only on disk: " + path + "\n";
    else if (known->second.folder != entry.is_directory())
      problems += "another kind on disk: " + path + "\n";
    ++found;
  }
  if (found != wanted.all.size())
    problems += std::to_string(found) + " entries on disk, " + std::to_string(wanted.all.size()) + " in the tree\n";
}

}  // namespace Atoll::proof
