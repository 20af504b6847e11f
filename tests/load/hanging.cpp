// SPDX-License-Identifier: Apache-2.0
// A storage driver that hangs: it keeps everything in memory, and while the file `gate` is missing each call into it,
// closing and aborting included, waits until the file is there. It never notices that a call was cancelled, as a dead
// backend would not.
#include <atoll/sdk/plugin.hpp>

// The driver that is wrapped is a plugin of its own; here only its class is wanted.
#undef ATOLL_PLUGIN
#define ATOLL_PLUGIN(Class)
#include "../abi/memory.cpp"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

namespace {

class Hanging : public Plugin<Hanging>, public StorageFs<Hanging> {
 public:
  static constexpr PluginInfo info{"org.example.hanging",  "1.0",  "Apache-2.0", "Keeps files in memory, or hangs",
                                   ATOLL_THREADS_PARALLEL, nullptr};
  using Offers = Interfaces<StorageFs<Hanging>>;
  static constexpr std::array config{
      config_key("gate", ATOLL_CONFIG_PATH, nullptr, "Calls wait while there is no file of this name.",
                 ATOLL_CONFIG_REQUIRED),
  };
  static Result<std::unique_ptr<Hanging>> create(const Call &, Host host) { return std::make_unique<Hanging>(host); }
  explicit Hanging(Host host) : host_(host), gate_(host.text("gate", "")) {
    begun_ = host.define_counter("hanging_begun_total", "Calls that found the gate shut.");
    ended_ = host.define_counter("hanging_ended_total", "Of these, calls that could go on.");
  }

  Result<void> health(const Call &) { return {}; }  // says that all is well, as a backend that half works may
  Result<void> capabilities(const Call &c, atoll_storage_caps &caps) {
    return pass([&] { return memory_.capabilities(c, caps); });
  }
  Result<void> space_create(const Call &c, const atoll_space &space) {
    return pass([&] { return memory_.space_create(c, space); });
  }
  Result<void> space_get(const Call &c, const SpaceId &id, const SpaceEmitter &emit) {
    return pass([&] { return memory_.space_get(c, id, emit); });
  }
  Result<void> space_list(const Call &c, const SpaceEmitter &emit) {
    return pass([&] { return memory_.space_list(c, emit); });
  }
  Result<void> stat(const Call &c, const RefView &ref, const StatEmitter &emit) {
    return pass([&] { return memory_.stat(c, ref, emit); });
  }
  Result<void> list(const Call &c, const RefView &ref, std::string_view after, std::uint64_t limit,
                    const StatEmitter &emit) {
    return pass([&] { return memory_.list(c, ref, after, limit, emit); });
  }
  Result<void> path_of(const Call &c, const SpaceId &space, const NodeId &id, const StatEmitter &emit) {
    return pass([&] { return memory_.path_of(c, space, id, emit); });
  }
  Result<void> mkdir(const Call &c, const RefView &ref, const StatEmitter &emit) {
    return pass([&] { return memory_.mkdir(c, ref, emit); });
  }
  Result<void> rename(const Call &c, const RefView &from, const RefView &to, std::uint32_t flags,
                      const StatEmitter &emit) {
    return pass([&] { return memory_.rename(c, from, to, flags, emit); });
  }
  Result<void> remove(const Call &c, const RefView &ref, std::uint32_t flags) {
    return pass([&] { return memory_.remove(c, ref, flags); });
  }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &c, const RefView &ref, const StatEmitter &emit) {
    auto opened = pass([&] { return memory_.open_read(c, ref, emit); });
    if (!opened) return opened;
    return std::unique_ptr<ReadHandle>(std::make_unique<Reading>(*this, std::move(*opened)));
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &c, const RefView &target, std::uint64_t size,
                                                     std::string_view metadata) {
    auto begun = pass([&] { return memory_.upload_begin(c, target, size, metadata); });
    if (!begun) return begun;
    return std::unique_ptr<UploadHandle>(std::make_unique<Uploading>(*this, std::move(*begun)));
  }

 private:
  class Reading : public ReadHandle {
   public:
    Reading(Hanging &owner, std::unique_ptr<ReadHandle> inner) : owner_(owner), inner_(std::move(inner)) {}
    ~Reading() override { owner_.wait(); }
    Result<std::uint64_t> read(const Call &c, std::uint64_t offset, void *buffer, std::uint64_t length) override {
      return owner_.pass([&] { return inner_->read(c, offset, buffer, length); });
    }

   private:
    Hanging &owner_;
    std::unique_ptr<ReadHandle> inner_;
  };
  class Uploading : public UploadHandle {
   public:
    Uploading(Hanging &owner, std::unique_ptr<UploadHandle> inner) : owner_(owner), inner_(std::move(inner)) {}
    Result<void> write(const Call &c, std::uint64_t offset, const void *data, std::uint64_t length) override {
      return owner_.pass([&] { return inner_->write(c, offset, data, length); });
    }
    Result<void> commit(const Call &c, const atoll_upload_commit &commit, const StatEmitter &emit) override {
      return owner_.pass([&] { return inner_->commit(c, commit, emit); });
    }
    void abort() noexcept override { owner_.wait(); }

   private:
    Hanging &owner_;
    std::unique_ptr<UploadHandle> inner_;
  };

  void wait() const {
    if (::access(gate_.c_str(), F_OK) == 0) return;
    host_.add(begun_);
    while (::access(gate_.c_str(), F_OK) != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    host_.add(ended_);
  }
  template <class F>
  auto pass(F f) -> decltype(f()) {
    wait();
    const std::lock_guard lock(mutex_);  // the driver in memory takes one call at a time
    return f();
  }

  Host host_;
  const std::string gate_;
  std::uint64_t begun_ = 0, ended_ = 0;
  std::mutex mutex_;
  Memory memory_;
};

}  // namespace

#undef ATOLL_PLUGIN
#define ATOLL_PLUGIN(Class)                                                                                 \
  extern "C" ATOLL_EXPORT const atoll_plugin *atoll_plugin_entry(std::uint32_t host_major, std::uint32_t) { \
    return host_major == ATOLL_ABI_MAJOR ? Class::descriptor() : nullptr;                                   \
  }
ATOLL_PLUGIN(Hanging)
