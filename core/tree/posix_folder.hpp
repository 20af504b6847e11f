// SPDX-License-Identifier: Apache-2.0
// Namespace and Folder over a plain tree of a file system.
#pragma once

#include "core/tree/posix_root.hpp"

namespace Atoll::tree {

/// The entry of a stat record; a mount point counts as Other.
Entry entry_of(const struct stat &facts, dev_t device) noexcept;

/// The relative paths of what the provider keeps beside a space.
std::string staging_path(const SpaceId &space);
std::string aside_path(const SpaceId &space);
std::string kept_path(const SpaceId &space, std::string_view path);

/// Moves the name in `folder` to where the space keeps what is to be deleted, under a name of its own, and notes it for
/// purge(). Durable with the next fsync of both. The Error has the errno of the rename, 0 where it did not come to
/// that.
Result<void> move_aside(PosixRoot &root, const SpaceId &space, int folder, const char *name);

/// Opens a private folder below the root, making it when it is missing.
Result<base::Fd> open_private(const PosixRoot &root, const std::string &path);

class PosixFolder : public Folder {
 public:
  PosixFolder(std::shared_ptr<PosixRoot> root, base::Fd fd) : root_(std::move(root)), fd_(std::move(fd)) {}

  Result<Entry> self() override;
  Result<std::optional<Entry>> look(std::string_view name) override;
  Result<void> scan(FunctionRef<void(std::string_view, const Entry &)> sink) override;
  Result<std::optional<Identity>> identity(std::string_view name) override;
  Result<void> identify(std::string_view name, const NodeId &id, std::uint64_t sequence) override;
  Result<std::unique_ptr<Folder>> open(std::string_view name) override;
  Result<Entry> make_folder(std::string_view name, const NodeId &id) override;
  Result<void> move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) override;
  Result<void> place(Staged &staged, std::string_view name, Onto onto) override;
  Result<void> set_aside(const SpaceId &space, std::string_view name) override;
  Result<Entry> set_mtime(std::string_view name, std::int64_t mtime_ns, const NodeId &id, std::uint64_t sequence,
                          base::Fd *touched) override;
  Result<base::Fd> open_file(std::string_view name) override;
  bool quiet(std::string_view name) override;
  Result<void> sync() override;

  int fd() const noexcept { return fd_.get(); }

 private:
  Result<dev_t> device();
  Result<base::Fd> open_entry(std::string_view name);
  Result<bool> has_exactly(std::string_view name);

  std::shared_ptr<PosixRoot> root_;
  base::Fd fd_;
  std::optional<dev_t> device_;
};

class PosixNamespace : public Namespace {
 public:
  explicit PosixNamespace(std::shared_ptr<PosixRoot> root) : root_(std::move(root)) {}

  Result<void> prove(bool now) override { return root_->prove(now); }
  Result<std::unique_ptr<Folder>> open(std::string_view base, std::string_view path) override;
  Result<File> open_file(std::string_view base, std::string_view path) override;
  Result<std::string> choose_space_folder(const SpaceSpec &spec, FunctionRef<bool(std::string_view)> taken) override;
  Result<void> make_space(const SpaceId &id, std::string_view base) override;
  Result<void> remove_space(const SpaceId &id, std::string_view base) override;
  Result<Strays> strays(const SpaceId &space, std::string_view base, bool keep) override;
  Result<std::unique_ptr<Folder>> kept(const SpaceId &space, std::string_view path, bool make) override;
  Result<void> sync_touched(const base::Fd &touched) override { return root_->sync().file(touched.get()); }
  Result<void> sync_all() override;
  Result<std::unique_ptr<Watch>> watch(std::size_t most) override;
  bool folds_names() const override { return root_->folds_names(); }
  Result<void> forget_identities(std::span<const NodeId> nodes) override { return root_->forget_identities(nodes); }

 private:
  std::shared_ptr<PosixRoot> root_;
};

/// rename with the meaning of Onto; errno on -1.
int rename_onto(int from_folder, const char *from, int to_folder, const char *to, Onto onto) noexcept;

}  // namespace Atoll::tree
