// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/blob_layout.hpp"

#include "core/base/checksum.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;

std::string beside(const SpaceId &space, std::string_view path) {
  return ".atoll/spaces/" + space.text() + "/" + std::string(path);
}

std::string joined(std::string_view base, std::string_view path) {
  std::string whole(base);
  if (!path.empty()) whole.append("/").append(path);
  return whole;
}

Error no_such(std::string_view name) { return base::errno_error("open " + std::string(name), ENOENT); }

Result<std::string> contents(int fd) {
  std::string text;
  std::vector<char> buffer(1u << 16);
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("read a staged file");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string object_name(const std::string &bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  for (const std::uint8_t byte : base::sha256(bytes)) {
    name.push_back(kHex[byte >> 4]);
    name.push_back(kHex[byte & 15]);
  }
  return name;
}

}  // namespace

Result<Entry> BlobFolder::self() {
  TRY_ASSIGN(const auto row, table_->by_id(id_));
  if (!row) return no_such("a folder");
  return row->entry;
}

Result<std::optional<Entry>> BlobFolder::look(std::string_view name) {
  TRY_ASSIGN(const auto row, table_->child(id_, name));
  return row ? std::optional<Entry>(row->entry) : std::nullopt;
}

Result<void> BlobFolder::scan(FunctionRef<void(std::string_view, const Entry &)> sink) {
  TRY_ASSIGN(const auto rows, table_->children(id_));
  for (const BlobEntry &row : rows) sink(row.name, row.entry);
  return {};
}

Result<std::optional<Identity>> BlobFolder::identity(std::string_view name) {
  TRY_ASSIGN(const auto row, table_->child(id_, name));
  if (!row) return no_such(name);
  return row->identity;
}

Result<void> BlobFolder::identify(std::string_view name, const NodeId &id, std::uint64_t sequence) {
  return table_->identify(id_, name, id, sequence);
}

Result<std::unique_ptr<Folder>> BlobFolder::open(std::string_view name) {
  TRY_ASSIGN(const auto row, table_->child(id_, name));
  if (!row) return no_such(name);
  if (row->entry.kind != EntryKind::Folder) return base::errno_error("open " + std::string(name), ENOTDIR);
  return std::unique_ptr<Folder>(std::make_unique<BlobFolder>(table_, row->id));
}

Result<Entry> BlobFolder::make_folder(std::string_view name, const NodeId &id) {
  TRY_ASSIGN(const BlobEntry made, table_->make_folder(id_, name, id));
  ATOLL_FAULT_POINT("blob.folder_made");
  return made.entry;
}

Result<void> BlobFolder::move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) {
  return table_->move(id_, name, static_cast<BlobFolder &>(to).id_, to_name, onto);
}

Result<void> BlobFolder::place(Staged &staged, std::string_view name, Onto onto) {
  auto &source = static_cast<BlobStaged &>(staged);
  TRY(table_->move(source.staging(), source.token(), id_, name, onto));
  return {};  // after an exchange the token names what was here, and is discarded with it
}

Result<void> BlobFolder::set_aside(const SpaceId &, std::string_view name) { return table_->set_aside(id_, name); }

Result<Entry> BlobFolder::set_mtime(std::string_view name, std::int64_t mtime_ns, const NodeId &id,
                                    std::uint64_t sequence, base::Fd *) {
  TRY_ASSIGN(const BlobEntry row, table_->set_mtime(id_, name, mtime_ns, id, sequence));
  return row.entry;
}

Result<base::Fd> BlobFolder::open_file(std::string_view name) {
  TRY_ASSIGN(const auto row, table_->child(id_, name));
  if (!row || row->entry.kind != EntryKind::File) return no_such(name);
  return table_->open_object(row->object);
}

Result<std::unique_ptr<Folder>> BlobNamespace::open(std::string_view base, std::string_view path) {
  TRY_ASSIGN(const EntryId id, table_->folder(joined(base, path), false));
  return std::unique_ptr<Folder>(std::make_unique<BlobFolder>(table_, id));
}

Result<Namespace::File> BlobNamespace::open_file(std::string_view base, std::string_view path) {
  const std::string whole = joined(base, path);
  const std::size_t slash = whole.rfind('/');
  TRY_ASSIGN(const EntryId id, table_->folder(whole.substr(0, slash), false));
  TRY_ASSIGN(const auto row, table_->child(id, whole.substr(slash + 1)));
  if (!row || row->entry.kind != EntryKind::File) return no_such(whole);
  File file;
  file.entry = row->entry;
  TRY_ASSIGN(file.fd, table_->open_object(row->object));
  return file;
}

Result<std::string> BlobNamespace::choose_space_folder(const SpaceSpec &spec,
                                                       FunctionRef<bool(std::string_view)> taken) {
  const std::string wanted = "spaces/" + spec.id.text();
  if (taken(wanted)) return error(Status::AlreadyExists, wanted + " is taken");
  return wanted;
}

Result<void> BlobNamespace::make_space(const SpaceId &id, std::string_view base) {
  const std::size_t slash = base.rfind('/');
  TRY_ASSIGN(const EntryId top, table_->folder(base.substr(0, slash), true));
  TRY(table_->folder(base, true));
  return table_->identify(top, base.substr(slash + 1), root_of(id), 0);
}

Result<void> BlobNamespace::remove_space(const SpaceId &id, std::string_view base) {
  for (const std::string &path : {std::string(base), beside(id, "trash"), beside(id, "versions")}) {
    const std::size_t slash = path.rfind('/');
    auto folder = table_->folder(path.substr(0, slash), false);
    if (!folder && folder.error().sys_errno == ENOENT) continue;
    if (!folder) return std::move(folder).error();
    auto gone = table_->set_aside(*folder, path.substr(slash + 1));
    if (!gone && gone.error().sys_errno != ENOENT) return gone;
  }
  return {};
}

Result<std::unique_ptr<Folder>> BlobNamespace::kept(const SpaceId &space, std::string_view path, bool make) {
  TRY_ASSIGN(const EntryId id, table_->folder(beside(space, path), make));
  return std::unique_ptr<Folder>(std::make_unique<BlobFolder>(table_, id));
}

BlobStaged::BlobStaged(std::shared_ptr<BlobTable> table, EntryId staging, std::string token, base::Fd fd,
                       EntryId folder, bool leave)
    : table_(std::move(table)), staging_(staging), token_(std::move(token)), fd_(std::move(fd)), leave_(leave) {
  if (folder != 0) folder_ = std::make_unique<BlobFolder>(table_, folder);
}

BlobStaged::~BlobStaged() {
  if (leave_) return;
  if (fd_ && object_.empty()) ::unlink((table_->staging() + token_).c_str());
  (void)table_->set_aside(staging_, token_);  // nothing there: it was placed, or never sealed
}

Result<std::uint64_t> BlobStaged::size() {
  struct stat facts {};
  if (fd_) {
    if (::fstat(fd_.get(), &facts) != 0) return base::errno_error("look at a staged file");
    return static_cast<std::uint64_t>(facts.st_size);
  }
  TRY_ASSIGN(const auto row, table_->child(staging_, token_));
  return row ? row->entry.size : 0;
}

Result<Entry> BlobStaged::seal(const Seal &seal) {
  if (!fd_ || !object_.empty()) {
    TRY_ASSIGN(const BlobEntry row, table_->set_mtime(staging_, token_, seal.mtime_ns, seal.id, seal.sequence));
    return row.entry;
  }
  TRY_ASSIGN(const std::string bytes, contents(fd_.get()));
  if (::fsync(fd_.get()) != 0) return base::errno_error("make a staged file durable");
  ATOLL_FAULT_POINT("blob.bytes_durable");
  object_ = object_name(bytes);
  TRY_ASSIGN(const BlobEntry row,
             table_->put_file(staging_, token_, token_, object_, bytes.size(), seal.mtime_ns, seal.id, seal.sequence));
  return row.entry;
}

Result<std::unique_ptr<Staged>> BlobStore::stage_file(const SpaceId &space, std::uint64_t) {
  TRY_ASSIGN(const EntryId staging, table_->folder(beside(space, "staging"), true));
  std::string token = base::random_id<Uuid>().text();
  base::Fd fd(::open((table_->staging() + token).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return base::errno_error("make a staged file");
  return std::unique_ptr<Staged>(
      std::make_unique<BlobStaged>(table_, staging, std::move(token), std::move(fd), 0, false));
}

Result<std::unique_ptr<Staged>> BlobStore::stage_folder(const SpaceId &space) {
  TRY_ASSIGN(const EntryId staging, table_->folder(beside(space, "staging"), true));
  std::string token = base::random_id<Uuid>().text();
  TRY_ASSIGN(const BlobEntry made, table_->make_folder(staging, token, std::nullopt));
  return std::unique_ptr<Staged>(
      std::make_unique<BlobStaged>(table_, staging, std::move(token), base::Fd(), made.id, false));
}

Result<Store::Left> BlobStore::restage(const SpaceId &space, std::string_view token) {
  Left left;
  auto staging = table_->folder(beside(space, "staging"), false);
  if (!staging && staging.error().sys_errno == ENOENT) return left;
  if (!staging) return std::move(staging).error();
  TRY_ASSIGN(const auto row, table_->child(*staging, token));
  if (!row) return left;
  left.entry = row->entry;
  left.staged = std::make_unique<BlobStaged>(table_, *staging, std::string(token), base::Fd(),
                                             row->entry.kind == EntryKind::Folder ? row->id : 0, true);
  return left;
}

Result<void> BlobStore::copy(int from, Staged &to) {
  TRY_ASSIGN(const std::string bytes, contents(from));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::pwrite(to.fd(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return base::errno_error("write a copy");
    done += static_cast<std::size_t>(put);
  }
  return {};
}

}  // namespace Atoll::proof
