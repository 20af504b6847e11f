// SPDX-License-Identifier: Apache-2.0
// A file system that fails at chosen moments.
#pragma once

#include "core/tree/test_engine.hpp"
#include "core/tree/watch.hpp"

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>

namespace Atoll::tree::test {

/// So many calls to come fail with EIO.
struct Failures {
  std::atomic<int> self{0};              ///< that look at a folder
  std::atomic<int> self_after_move{0};   ///< the same, from the next move on
  std::atomic<int> self_after_place{0};  ///< the same, from the next staged thing on that came to its name
  std::atomic<int> place_over{0};        ///< that put a staged file over another one
  std::atomic<int> place{0};             ///< that put a staged file anywhere
  std::atomic<int> sync{0};              ///< that make names durable
  std::function<void()> self_failed;     ///< called when a look at a folder fails
  std::atomic<int> identity{0};          ///< that read an identity: with ENOENT, as if the file had just gone
  std::atomic<int> exchange{0};          ///< that exchange two names: with EINVAL, as if the file system could not
  std::atomic<bool> deaf{false};         ///< changes of other programs cannot be heard of
  std::atomic<int> nth_move{0};          ///< only the move after so many minus one (exchanges do not count)
};

class FailingFolder final : public PosixFolder {
 public:
  FailingFolder(std::shared_ptr<PosixRoot> root, base::Fd fd, Failures &failures)
      : PosixFolder(std::move(root), std::move(fd)), failures_(failures) {}

  Result<Entry> self() override {
    if (!one(failures_.self)) return PosixFolder::self();
    if (failures_.self_failed) failures_.self_failed();
    return failure();
  }
  Result<void> move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) override {
    if (onto == Onto::Exchange && one(failures_.exchange)) return failure(EINVAL);
    if (onto != Onto::Exchange && failures_.nth_move > 0 && --failures_.nth_move == 0) return failure();
    auto done = PosixFolder::move(name, to, to_name, onto);
    if (done) failures_.self += failures_.self_after_move.exchange(0);
    return done;
  }
  Result<void> place(Staged &staged, std::string_view name, Onto onto) override {
    if (onto == Onto::Exchange && one(failures_.exchange)) return failure(EINVAL);
    if (one(failures_.place) || (onto == Onto::File && one(failures_.place_over))) return failure();
    auto done = PosixFolder::place(staged, name, onto);
    if (done) failures_.self += failures_.self_after_place.exchange(0);
    return done;
  }
  Result<std::optional<Identity>> identity(std::string_view name) override {
    if (one(failures_.identity)) return failure(ENOENT);
    return PosixFolder::identity(name);
  }
  Result<void> sync() override {
    if (one(failures_.sync)) return failure();
    return PosixFolder::sync();
  }

 private:
  static bool one(std::atomic<int> &left) {
    int now = left;
    while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
    }
    return now > 0;
  }
  static Error failure(int number = EIO) {
    errno = number;
    return base::errno_error("this disk");
  }

  Failures &failures_;
};

class FailingNamespace final : public PosixNamespace {
 public:
  FailingNamespace(std::shared_ptr<PosixRoot> root, Failures &failures)
      : PosixNamespace(root), root_(std::move(root)), failures_(failures) {}
  Result<std::unique_ptr<Folder>> open(std::string_view base, std::string_view path) override {
    return failing(PosixNamespace::open(base, path));
  }
  Result<std::unique_ptr<Folder>> kept(const SpaceId &space, std::string_view path, bool make) override {
    return failing(PosixNamespace::kept(space, path, make));
  }
  Result<std::unique_ptr<Watch>> watch(std::size_t most) override {
    if (failures_.deaf) return error(Status::Unimplemented, "nothing is heard here");
    return PosixNamespace::watch(most);
  }

 private:
  Result<std::unique_ptr<Folder>> failing(Result<std::unique_ptr<Folder>> opened) {
    if (!opened) return opened;
    base::Fd fd(::dup(static_cast<PosixFolder &>(**opened).fd()));
    return std::unique_ptr<Folder>(std::make_unique<FailingFolder>(root_, std::move(fd), failures_));
  }

  const std::shared_ptr<PosixRoot> root_;
  Failures &failures_;
};

struct FailingFixture : Fixture {
  FailingFixture() {
    provider.names = [this](std::shared_ptr<PosixRoot> root) {
      return std::make_unique<FailingNamespace>(std::move(root), failures);
    };
    provider.options.checkpoint_seconds = 1;
    restart();
  }
  ~FailingFixture() { engine.reset(); }
  Failures failures;
};

/// Somebody is told before anything is opened: "open", "open_file" or "kept", and its path.
class TellingNamespace final : public PosixNamespace {
 public:
  using Told = std::function<void(std::string_view what, std::string_view path)>;
  TellingNamespace(std::shared_ptr<PosixRoot> root, Told told)
      : PosixNamespace(std::move(root)), told_(std::move(told)) {}
  Result<std::unique_ptr<Folder>> open(std::string_view base, std::string_view path) override {
    told_("open", path);
    return PosixNamespace::open(base, path);
  }
  Result<File> open_file(std::string_view base, std::string_view path) override {
    told_("open_file", path);
    return PosixNamespace::open_file(base, path);
  }
  Result<std::unique_ptr<Folder>> kept(const SpaceId &space, std::string_view path, bool make) override {
    told_("kept", path);
    return PosixNamespace::kept(space, path, make);
  }

 private:
  const Told told_;
};

struct TellingFixture : Fixture {
  TellingFixture() {
    engine.reset();
    provider.names = [this](std::shared_ptr<PosixRoot> root) {
      return std::make_unique<TellingNamespace>(std::move(root), [this](std::string_view what, std::string_view path) {
        const auto &listener = std::this_thread::get_id() == thread ? told : other;
        if (listener) listener(what, path);
      });
    };
    start();
  }
  ~TellingFixture() { engine.reset(); }
  TellingNamespace::Told told;   ///< by the thread that made this; changed while it does nothing else
  TellingNamespace::Told other;  ///< by other threads; set before the engine has anything to do
  const std::thread::id thread = std::this_thread::get_id();
};

}  // namespace Atoll::tree::test
