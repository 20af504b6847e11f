// SPDX-License-Identifier: Apache-2.0
// The order in which the parts of a server go away.
#include <atoll/abi/events.h>
#include <atoll/abi/storage_changes.h>
#include <doctest/doctest.h>
#include <atoll/sdk/call.hpp>

#include <atomic>
#include <thread>

#include "core/host/server.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {

TEST_CASE("core: an event that is being delivered when it ends still finds the gateway") {
  testing::Folder folder;
  Configuration configuration;
  configuration.data = folder.path() + "/data";
  for (const char *key : {"workers", "stale_listings", "personal_quota", "project_quota", "show_mail"})
    configuration.server[key].integer = 1;
  configuration.server["project_creators"].text = "users";
  auto core = Core::open(configuration, {});
  REQUIRE(core.ok());

  struct Delivery {
    std::atomic<bool> inside{false}, go_on{false};
  } delivery;
  auto watcher = sized<atoll_space_watcher>();
  watcher.context = &delivery;
  watcher.changed = [](void *context) {
    auto &here = *static_cast<Delivery *>(context);
    here.inside = true;
    while (!here.go_on) std::this_thread::yield();
  };
  const auto *spaces = (*core)->runtime().gateway_spaces;
  void *handles[2] = {};
  for (void *&handle : handles) {
    OutgoingCall call;
    REQUIRE(spaces->watch(call.get(), spaces->self, &watcher, &handle) == ATOLL_OK);
  }
  auto event = sized<atoll_event>();
  event.kind = str(ATOLL_EVENT_SPACE_CHANGED);
  (*core)->runtime().events.publish(event);
  REQUIRE(testing::eventually([&] { return delivery.inside.load(); }));
  // The gateway goes only when the delivery is done; else this thread would be the first to be through with it.
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    delivery.go_on = true;
  });
  core->reset();
  CHECK(delivery.go_on);
  late.join();
}

}  // namespace Atoll::host
