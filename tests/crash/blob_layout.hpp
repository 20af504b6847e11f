// SPDX-License-Identifier: Apache-2.0
// Namespace and Store over a BlobTable: what an object store will look like to the engine.
#pragma once

#include "core/tree/store.hpp"
#include "tests/crash/blob_table.hpp"

namespace Atoll::proof {

class BlobFolder final : public tree::Folder {
 public:
  BlobFolder(std::shared_ptr<BlobTable> table, EntryId id) : table_(std::move(table)), id_(id) {}

  Result<tree::Entry> self() override;
  Result<std::optional<tree::Entry>> look(std::string_view name) override;
  Result<void> scan(tree::FunctionRef<void(std::string_view, const tree::Entry &)> sink) override;
  Result<std::optional<tree::Identity>> identity(std::string_view name) override;
  Result<void> identify(std::string_view name, const NodeId &id, std::uint64_t sequence) override;
  Result<std::unique_ptr<tree::Folder>> open(std::string_view name) override;
  Result<tree::Entry> make_folder(std::string_view name, const NodeId &id) override;
  Result<void> move(std::string_view name, tree::Folder &to, std::string_view to_name, tree::Onto onto) override;
  Result<void> place(tree::Staged &staged, std::string_view name, tree::Onto onto) override;
  Result<void> set_aside(const SpaceId &space, std::string_view name) override;
  Result<tree::Entry> set_mtime(std::string_view name, std::int64_t mtime_ns, const NodeId &id, std::uint64_t sequence,
                                base::Fd *touched) override;
  Result<base::Fd> open_file(std::string_view name) override;
  bool quiet(std::string_view) override { return true; }  // objects do not change
  Result<void> sync() override { return {}; }             // every change was durable

  EntryId id() const noexcept { return id_; }

 private:
  std::shared_ptr<BlobTable> table_;
  EntryId id_;
};

class BlobNamespace final : public tree::Namespace {
 public:
  explicit BlobNamespace(std::shared_ptr<BlobTable> table) : table_(std::move(table)) {}

  Result<void> prove(bool) override { return table_->prove(); }
  Result<std::unique_ptr<tree::Folder>> open(std::string_view base, std::string_view path) override;
  Result<File> open_file(std::string_view base, std::string_view path) override;
  Result<std::string> choose_space_folder(const tree::SpaceSpec &spec,
                                          tree::FunctionRef<bool(std::string_view)> taken) override;
  Result<void> make_space(const SpaceId &id, std::string_view base) override;
  Result<void> remove_space(const SpaceId &id, std::string_view base) override;
  Result<std::unique_ptr<tree::Folder>> kept(const SpaceId &space, std::string_view path, bool make) override;
  Result<void> sync_touched(const base::Fd &) override { return {}; }
  Result<void> sync_all() override { return {}; }

 private:
  std::shared_ptr<BlobTable> table_;
};

class BlobStaged final : public tree::Staged {
 public:
  /// `fd`: of a file that has no row yet; none for folders and for what an earlier run left.
  BlobStaged(std::shared_ptr<BlobTable> table, EntryId staging, std::string token, base::Fd fd, EntryId folder,
             bool leave);
  ~BlobStaged() override;

  int fd() const noexcept override { return fd_.get(); }
  tree::Folder *folder() noexcept override { return folder_.get(); }
  Result<std::uint64_t> size() override;
  std::string_view token() const noexcept override { return token_; }
  void leave() noexcept override { leave_ = true; }
  Result<tree::Entry> seal(const tree::Seal &seal) override;

  EntryId staging() const noexcept { return staging_; }

 private:
  std::shared_ptr<BlobTable> table_;
  const EntryId staging_;
  const std::string token_;
  base::Fd fd_;
  std::unique_ptr<BlobFolder> folder_;
  std::string object_;  ///< once it was sealed
  bool leave_;
};

class BlobStore final : public tree::Store {
 public:
  explicit BlobStore(std::shared_ptr<BlobTable> table) : table_(std::move(table)) {}

  Result<std::unique_ptr<tree::Staged>> stage_file(const SpaceId &space, std::uint64_t reserve) override;
  Result<std::unique_ptr<tree::Staged>> stage_folder(const SpaceId &space) override;
  Result<Left> restage(const SpaceId &space, std::string_view token) override;
  Result<void> copy(int from, tree::Staged &to) override;
  Result<bool> purge(std::size_t limit, bool) override { return table_->purge(limit); }
  Result<void> sweep() override { return table_->sweep(); }

 private:
  std::shared_ptr<BlobTable> table_;
};

}  // namespace Atoll::proof
