// SPDX-License-Identifier: Apache-2.0
#include "core/host/supervisor.hpp"

#include <doctest/doctest.h>
#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/plugin.hpp>
#include <atoll/sdk/registry.hpp>
#include <atoll/sdk/storage_fs.hpp>

#include <atomic>

#include "core/host/gateway_lookup.hpp"
#include "core/host/runtime.hpp"
#include "core/host/start_order.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

using std::chrono::milliseconds;

// What the plugins of a test do; set before, looked at after.
struct Script {
  std::atomic<int> failures{0};  // creates that fail before one works
  std::atomic<int> created{0}, destroyed{0}, stopped{0}, reloaded{0};
  std::atomic<bool> sick{false}, hold_create{false};
};
Script base_script, top_script;

template <class D>
class Scripted : public Plugin<D> {
 public:
  static Result<std::unique_ptr<D>> create(const Call &, Host) {
    Script &script = D::script();
    while (script.hold_create) std::this_thread::yield();
    if (script.failures > 0) {
      --script.failures;
      return error(Status::Unavailable, "the backend is down");
    }
    ++script.created;
    return std::make_unique<D>();
  }
  ~Scripted() { ++D::script().destroyed; }
  void stop() { ++D::script().stopped; }
  Result<void> reload(const Call &) {
    ++D::script().reloaded;
    return {};
  }
};

// Offers a directory, which Top needs, and has a health.
struct Lowest : Scripted<Lowest> {
  static constexpr PluginInfo info{"org.example.lowest", "1", "Apache-2.0", "x"};
  static constexpr std::array config{config_key("soft", ATOLL_CONFIG_INTEGER, "1", "x", ATOLL_CONFIG_RELOADABLE),
                                     config_key("hard", ATOLL_CONFIG_INTEGER, "1", "x")};
  struct Offers {
    static const void *find(std::string_view id) {
      static const atoll_directory directory = sized<atoll_directory>();
      static const atoll_storage_fs storage = [] {
        auto t = sized<atoll_storage_fs>();
        t.health = [](const atoll_call *call, void *) -> std::int32_t {
          return guarded(call, []() -> Result<void> {
            if (base_script.sick) return error(Status::Unavailable, "the disk is gone");
            return {};
          });
        };
        return t;
      }();
      if (id == ATOLL_DIRECTORY) return &directory;
      if (id == ATOLL_STORAGE_FS) return &storage;
      return nullptr;
    }
  };
  static Script &script() { return base_script; }
};

struct Top : Scripted<Top> {
  static constexpr PluginInfo info{
      "org.example.top", "1", "Apache-2.0", "x", ATOLL_THREADS_PER_INSTANCE, ATOLL_DIRECTORY " " ATOLL_SERVICE_GATEWAY};
  struct Offers {
    static const void *find(std::string_view id) {
      static const atoll_auth auth = sized<atoll_auth>();
      return id == ATOLL_AUTH ? &auth : nullptr;
    }
  };
  static Script &script() { return top_script; }
};

void reset(Script &script) {
  script.failures = script.created = script.destroyed = script.stopped = script.reloaded = 0;
  script.sick = script.hold_create = false;
}

struct Bench {
  std::unique_ptr<LoadedPlugin> lowest = testing::loaded(Lowest::descriptor(), "lowest");
  std::unique_ptr<LoadedPlugin> top = testing::loaded(Top::descriptor(), "top");
  Runtime runtime;
  std::unique_ptr<Supervisor> supervisor;

  explicit Bench(milliseconds health_interval = milliseconds(2)) {
    reset(base_script);
    reset(top_script);
    runtime.instances.add(InstanceConfig{"auth:top", {}, top.get(), {}}, runtime);
    runtime.instances.add(InstanceConfig{"storage:low", {}, lowest.get(), {}}, runtime);
    Supervisor::Options options;
    options.first_retry = milliseconds(2);
    options.longest_retry = milliseconds(8);
    options.health_interval = health_interval;
    options.doubt_interval = milliseconds(2);
    options.stop_patience = milliseconds(20);
    supervisor = std::make_unique<Supervisor>(runtime.instances, options);
  }
  InstanceStatus status(const char *name) { return supervisor->status(*runtime.instances.find(name)); }
  bool is(const char *name, State state) {
    return testing::eventually([&] { return status(name).state == state; });
  }
};

TEST_CASE("supervisor: starts in the order of needs and stops the other way round") {
  Bench bench;
  base_script.hold_create = true;
  bench.supervisor->start();
  CHECK(testing::eventually([&] { return bench.status("auth:top").reason.find("waits for storage:low") == 0; }));
  CHECK_FALSE(bench.supervisor->ready());
  base_script.hold_create = false;
  REQUIRE(bench.supervisor->wait_settled(std::chrono::seconds(20)));
  CHECK(bench.supervisor->ready());
  CHECK(top_script.created == 1);
  CHECK(bench.supervisor->stop(std::chrono::seconds(20)));
  CHECK(top_script.stopped == 1);
  CHECK(top_script.destroyed == 1);
  CHECK(base_script.destroyed == 1);
}

TEST_CASE("supervisor: a failing start is tried again until it works; the rest waits or serves") {
  Bench bench;
  base_script.failures = 4;
  bench.supervisor->start();
  REQUIRE(bench.supervisor->wait_settled(std::chrono::seconds(20)));
  CHECK(bench.is("storage:low", State::Running));
  CHECK(bench.is("auth:top", State::Running));
  CHECK(base_script.created == 1);
  CHECK(bench.status("storage:low").failures == 0);
}

TEST_CASE("supervisor: while it backs off nobody gets in, and the reason is told") {
  Bench bench;
  base_script.failures = 1'000'000;
  bench.supervisor->start();
  CHECK(testing::eventually([&] { return bench.status("storage:low").failures > 3; }));
  CHECK_FALSE(bench.runtime.instances.find("storage:low")->lease());
  CHECK(testing::eventually([&] {
    const auto now = bench.status("storage:low");
    return now.state == State::BackingOff && now.reason == "the backend is down";
  }));
  const auto nobody = bench.runtime.instances.each(ATOLL_DIRECTORY, [](const Lease &) { return true; });
  CHECK(nobody.status() == Status::Unavailable);
  CHECK(bench.runtime.instances.each("org.example.none/1", [](const Lease &) { return true; }).status() ==
        Status::NotFound);
  GatewayLookup lookup(bench.runtime.instances);
  CHECK(lookup.all(ATOLL_DIRECTORY).status() == Status::Unavailable);
  CHECK(lookup.lease("storage:low").status() == Status::Unavailable);
  CHECK(lookup.lease("storage:none").status() == Status::NotFound);
  CHECK(lookup.all(ATOLL_REGISTRY)->empty());
  // A start by hand does not wait for the end of the pause, and tells how it went.
  CHECK(bench.supervisor->start_instance("storage:low").status() == Status::Unavailable);
  base_script.failures = 0;
  CHECK(bench.supervisor->start_instance("storage:low").ok());
  CHECK(bench.is("auth:top", State::Running));
}

TEST_CASE("supervisor: degraded by its health, and well again") {
  Bench bench;
  bench.supervisor->start();
  CHECK(bench.is("storage:low", State::Running));
  base_script.sick = true;
  CHECK(bench.is("storage:low", State::Degraded));
  CHECK(bench.status("storage:low").reason == "the disk is gone");
  CHECK_FALSE(bench.supervisor->ready());
  CHECK(bench.runtime.instances.find("storage:low")->lease());
  base_script.sick = false;
  CHECK(bench.is("storage:low", State::Running));
}

TEST_CASE("supervisor: a doubt, and somebody who asks, do not wait for the next look") {
  Bench bench(std::chrono::hours(1));
  bench.supervisor->start();
  REQUIRE(bench.is("storage:low", State::Running));
  REQUIRE(bench.is("auth:top", State::Running));
  GatewayLookup lookup(bench.runtime.instances);
  for (int round = 0; round < 3; ++round) {
    base_script.sick = true;
    lookup.doubt("storage:low");
    CHECK(bench.is("storage:low", State::Degraded));
    base_script.sick = false;
    lookup.doubt("storage:low");
    CHECK(bench.is("storage:low", State::Running));
    base_script.sick = true;
    bench.supervisor->look(std::chrono::seconds(20));
    CHECK(bench.status("storage:low").state == State::Degraded);
    base_script.sick = false;
    bench.supervisor->look(std::chrono::seconds(20));
    CHECK(bench.status("storage:low").state == State::Running);
  }
  lookup.doubt("storage:none");
  CHECK(bench.supervisor->stop_instance("storage:low").ok());
  bench.supervisor->look(std::chrono::seconds(20));  // of what does not run nothing is awaited
  lookup.doubt("storage:low");
  CHECK(bench.status("storage:low").state == State::Stopped);
}

TEST_CASE("supervisor: stop waits for running calls") {
  Bench bench;
  bench.supervisor->start();
  REQUIRE(bench.is("auth:top", State::Running));
  Lease lease = bench.runtime.instances.find("auth:top")->lease();
  REQUIRE(lease);
  CHECK(bench.supervisor->stop_instance("auth:top").status() == Status::DeadlineExceeded);
  CHECK(top_script.destroyed == 0);
  CHECK_FALSE(bench.runtime.instances.find("auth:top")->lease());
  { const Lease end = std::move(lease); }
  CHECK(bench.is("auth:top", State::Stopped));
  CHECK(top_script.destroyed == 1);
  CHECK(bench.supervisor->stop_instance("auth:top").ok());
  CHECK(bench.supervisor->start_instance("auth:top").ok());
  CHECK(bench.supervisor->restart_instance("auth:top").ok());
  CHECK(top_script.created == 3);
  CHECK(bench.supervisor->start_instance("auth:tpo").error().message ==
        "there is no instance 'auth:tpo'; did you mean 'auth:top'?");
}

TEST_CASE("supervisor: only some, with what they need") {
  Bench bench;
  bench.supervisor->start_only({"storage:low"});
  REQUIRE(bench.supervisor->wait_settled(std::chrono::seconds(20)));
  CHECK(bench.status("storage:low").state == State::Running);
  CHECK(top_script.created == 0);
}

TEST_CASE("instance: calls of a PER_INSTANCE plugin are locked, of a PARALLEL one not") {
  Bench bench;
  bench.supervisor->start();
  REQUIRE(bench.is("auth:top", State::Running));
  CHECK(bench.runtime.instances.find("auth:top")->lease().lock().owns_lock());
  CHECK_FALSE(bench.runtime.instances.find("storage:low")->lease().lock().owns_lock());
}

TEST_CASE("instance: reload takes over what may change") {
  Bench bench;
  bench.supervisor->start();
  REQUIRE(bench.is("storage:low", State::Running));
  Problems problems;
  const auto values = [&](const char *soft, const char *hard) {
    Section section;
    section.settings["soft"].text = soft;
    section.settings["hard"].text = hard;
    return check_section(section, bench.lowest->keys, "/", problems);
  };
  Instance &instance = *bench.runtime.instances.find("storage:low");
  CHECK(instance.reload(values("2", "1")) == std::vector<std::string>{"hard"});  // was without any value
  CHECK(base_script.reloaded == 1);
  CHECK(instance.reload(values("2", "3")) == std::vector<std::string>{"hard"});
  CHECK(base_script.reloaded == 1);
}

TEST_CASE("start order: needs first, circles are told") {
  auto one = sized<atoll_plugin>(), two = sized<atoll_plugin>();
  one.id = two.id = "org.example.circle";
  one.query = [](const char *id) -> const void * { return std::string_view(id) == "one/1" ? id : nullptr; };
  two.query = [](const char *id) -> const void * { return std::string_view(id) == "two/1" ? id : nullptr; };
  one.needs = "two/1 atoll.gateway/1";
  auto a = testing::loaded(&one, "one"), b = testing::loaded(&two, "two");
  std::vector<InstanceConfig> configs = {{"http:a", {}, a.get(), {}}, {"http:b", {}, b.get(), {}}};
  CHECK(start_order(configs) == std::vector<std::size_t>{1, 0});
  Problems problems;
  check_needs(configs, problems);
  CHECK(problems.empty());

  two.needs = "one/1";
  b = testing::loaded(&two, "two");
  configs[1].plugin = b.get();
  CHECK(start_order(configs).empty());
  check_needs(configs, problems);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].message.find("[http:a] needs [http:b] needs [http:a]") != std::string::npos);
}

}  // namespace
}  // namespace Atoll::host
