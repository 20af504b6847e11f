// SPDX-License-Identifier: Apache-2.0
// What is open at a provider, as the gateway gives it on: for files.cpp and its like only.
#pragma once

#include "core/gateway/files_drive.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace Atoll::gateway {

/// A provider that something is open at: each call into it is admitted like any other.
struct Opened {
  Lease provider;
  const atoll_storage_fs *fs;
  Admission &admission;
  Admission::Provider &share;
  Leftovers &leftovers;

  /// Makes a call that cannot be refused: now if it is let in, else when the provider gets to it.
  void close(void *handle, void (*call)(void *self, void *handle)) noexcept {
    try {
      if (const auto admitted = admission.enter(share)) return close_now(*provider, handle, call);
      leftovers.add(provider->name(), [held = provider, handle, call] { close_now(*held, handle, call); });
    } catch (...) {
      close_now(*provider, handle, call);
    }
  }

 private:
  static void close_now(const Instance &instance, void *handle, void (*call)(void *self, void *handle)) {
    const auto entered = instance.enter();
    call(instance.self(), handle);
  }
};

/// A driver's read handle, holding its instance.
class RoutedRead final : public ReadHandle {
 public:
  RoutedRead(Opened at, void *handle) : at_(std::move(at)), handle_(handle) {}
  ~RoutedRead() override { at_.close(handle_, at_.fs->read_close); }
  Result<std::uint64_t> read(const Call &call, std::uint64_t offset, void *buffer, std::uint64_t length) override {
    auto admitted = at_.admission.enter(at_.share);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    std::uint64_t got = 0;
    const auto entered = at_.provider->enter();
    const auto status = at_.fs->read(out.get(), at_.provider->self(), handle_, offset, buffer, length, &got);
    if (status != ATOLL_OK) return out.error(status);
    return got;
  }
  Result<void> extents(const Call &call, std::uint64_t offset, std::uint64_t length,
                       const ExtentEmitter &emit) override {
    if (!at_.fs->read_extents) return unimplemented("extents");
    auto admitted = at_.admission.enter(at_.share);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = at_.provider->enter();
    return out.result(at_.fs->read_extents(out.get(), at_.provider->self(), handle_, offset, length, emit.sink()));
  }

 private:
  Opened at_;
  void *handle_;
};

/// A driver's listing, holding its instance.
class RoutedListing final : public ListingHandle {
 public:
  RoutedListing(Opened at, const atoll_storage_fs_listing *table, void *handle, std::uint32_t permissions)
      : at_(std::move(at)), table_(table), handle_(handle), permissions_(permissions) {}
  ~RoutedListing() override { at_.close(handle_, table_->close); }
  Result<bool> next(const Call &call, const StatEmitter &emit) override {
    auto admitted = at_.admission.enter(at_.share);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { return emit(permitted(raw, permissions_)); });
    std::int32_t end = 0;
    const auto entered = at_.provider->enter();
    const auto status = table_->next(out.get(), at_.provider->self(), handle_, sink.get(), &end);
    sink.rethrow();
    if (status != ATOLL_OK) return out.error(status);
    return end != 0;
  }

 private:
  Opened at_;
  const atoll_storage_fs_listing *table_;
  void *handle_;
  std::uint32_t permissions_;
};

/// A driver's upload, holding its instance.
class RoutedUpload final : public KeptUploadHandle {
 public:
  RoutedUpload(Opened at, void *handle, std::uint32_t permissions)
      : at_(std::move(at)), handle_(handle), permissions_(permissions) {}
  ~RoutedUpload() override { abort(); }
  Result<void> write(const Call &call, std::uint64_t offset, const void *data, std::uint64_t length) override {
    auto admitted = at_.admission.enter(at_.share);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = at_.provider->enter();
    return out.result(at_.fs->upload_write(out.get(), at_.provider->self(), handle_, offset, data, length));
  }
  Result<int> fd(const Call &call) override {
    if (!at_.fs->upload_fd) return unimplemented("a descriptor for uploads");
    auto admitted = at_.admission.enter(at_.share);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    std::int32_t descriptor = -1;
    const auto entered = at_.provider->enter();
    const auto status = at_.fs->upload_fd(out.get(), at_.provider->self(), handle_, &descriptor);
    if (status != ATOLL_OK) return out.error(status);
    return descriptor;
  }
  Result<void> commit(const Call &call, const atoll_upload_commit &commit, const StatEmitter &emit) override {
    if (look_again_) {
      if (auto may = look_again_(call); !may) return may;
    }
    auto admitted = at_.admission.enter(at_.share, Admission::Wait::Long);  // all of the body is there already
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    out.conditions(call.conditions());
    const auto tokens = Tokens(call);
    out.lock_tokens(tokens.list);
    auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) {
      atoll_stat stat = copied(raw);
      stat.permissions = permissions_;
      return emit(stat);
    });
    const auto entered = at_.provider->enter();
    const auto status =
        at_.fs->upload_commit(out.get(), at_.provider->self(), std::exchange(handle_, nullptr), &commit, sink.get());
    sink.rethrow();
    return out.result(status);
  }
  void abort() noexcept override {
    if (handle_) at_.close(std::exchange(handle_, nullptr), at_.fs->upload_abort);
  }
  Result<void> suspend(const Call &call) override {
    if (!at_.fs->upload_suspend) return unimplemented("resumable uploads");
    auto admitted = at_.admission.enter(at_.share, Admission::Wait::Long);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = at_.provider->enter();
    return out.result(at_.fs->upload_suspend(out.get(), at_.provider->self(), std::exchange(handle_, nullptr)));
  }
  Result<void> kept(const Call &call, const KeptUploadEmitter &emit) override {
    return with(call, [&](const auto *t, const atoll_call *c) {
      return t->info(c, at_.provider->self(), handle_, emit.sink());
    });
  }
  Result<std::uint64_t> read(const Call &call, std::uint64_t offset, void *buffer, std::uint64_t length) override {
    std::uint64_t got = 0;
    auto done = with(call, [&](const auto *t, const atoll_call *c) {
      return t->read(c, at_.provider->self(), handle_, offset, buffer, length, &got);
    });
    if (!done) return std::move(done).error();
    return got;
  }
  Result<void> cut(const Call &call, std::uint64_t length) override {
    // Not refused while the provider is busy: unchecked bytes would stay.
    return with(
        call, [&](const auto *t, const atoll_call *c) { return t->cut(c, at_.provider->self(), handle_, length); },
        Admission::Wait::Long);
  }
  /// Asked right before the commit: it may be long after the upload was begun.
  void look_again(std::function<Result<void>(const Call &)> question) { look_again_ = std::move(question); }

 private:
  template <class F>
  Result<void> with(const Call &call, F f, Admission::Wait wait = Admission::Wait::Moment) {
    const auto *table = static_cast<const atoll_storage_fs_uploads *>(at_.provider->query(ATOLL_STORAGE_FS_UPLOADS));
    if (!table) return unimplemented("resumable uploads");
    auto admitted = at_.admission.enter(at_.share, wait);
    if (!admitted) return std::move(admitted).error();
    OutgoingCall out(call.raw());
    const auto entered = at_.provider->enter();
    return out.result(f(table, out.get()));
  }
  struct Tokens {
    explicit Tokens(const Call &call) {
      for (const auto token : call.lock_tokens()) list.emplace_back(token);
    }
    std::vector<std::string> list;
  };
  Opened at_;
  void *handle_;
  std::uint32_t permissions_;
  std::function<Result<void>(const Call &)> look_again_;
};

}  // namespace Atoll::gateway
