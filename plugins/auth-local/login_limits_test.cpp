// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "core/base/uuid.hpp"
#include "plugins/auth-local/failure_limiter.hpp"
#include "plugins/auth-local/login_cache.hpp"
#include "plugins/auth-local/password_hasher.hpp"

using namespace Atoll;
using namespace Atoll::auth_local;

namespace {

std::string numbered(const char *text, auto number) { return std::string(text).append(std::to_string(number)); }

constexpr std::int64_t kSecond = 1'000'000'000;

std::shared_ptr<const Principal> principal_of(const AccountId &account) {
  auto principal = std::make_shared<Principal>();
  principal->account = account;
  return principal;
}

}  // namespace

TEST_CASE("the cache finds by name and password, and forgets with time") {
  LoginCache cache(10, 5);
  const AccountId id = base::random_id<AccountId>();
  const LoginKey key = cache.key("einstein", "secret");
  CHECK(key == cache.key("einstein", "secret"));
  CHECK(key != cache.key("einstein", "Secret"));
  CHECK(key != cache.key("einsteins", "ecret"));
  CHECK(key != LoginCache(10, 5).key("einstein", "secret"));  // another process has another key
  CHECK(cache.find(key, 0) == nullptr);
  CHECK(cache.insert(key, principal_of(id), cache.ticket(), 0));
  REQUIRE(cache.find(key, 4) != nullptr);
  CHECK(cache.find(key, 4)->account == id);
  CHECK(cache.find(key, 5) == nullptr);
  CHECK(cache.size() == 0);
}

TEST_CASE("the cache is bounded, and the one that was not used goes first") {
  LoginCache cache(3, 1000);
  const AccountId id = base::random_id<AccountId>();
  const auto key = [&](int i) { return cache.key("u", std::to_string(i)); };
  for (int i = 0; i < 3; ++i) CHECK(cache.insert(key(i), principal_of(id), cache.ticket(), 0));
  CHECK(cache.find(key(0), 1) != nullptr);
  CHECK(cache.insert(key(3), principal_of(id), cache.ticket(), 1));
  CHECK(cache.size() == 3);
  CHECK(cache.find(key(1), 1) == nullptr);
  CHECK(cache.find(key(0), 1) != nullptr);
  CHECK(cache.insert(key(0), principal_of(id), cache.ticket(), 1));
  CHECK(cache.size() == 3);
  LoginCache off(0, 1000);
  CHECK(off.insert(key(0), principal_of(id), off.ticket(), 0));
  CHECK(off.size() == 0);
}

TEST_CASE("a changed account is forgotten, and a login that was under way is not kept") {
  LoginCache cache(10, 1000);
  const AccountId one = base::random_id<AccountId>(), two = base::random_id<AccountId>();
  const LoginKey a = cache.key("a", "x"), b = cache.key("b", "x");
  REQUIRE(cache.insert(a, principal_of(one), cache.ticket(), 0));
  REQUIRE(cache.insert(b, principal_of(two), cache.ticket(), 0));
  const auto ticket = cache.ticket();
  cache.forget(one);
  CHECK(cache.find(a, 1) == nullptr);
  CHECK(cache.find(b, 1) != nullptr);
  CHECK_FALSE(cache.insert(a, principal_of(one), ticket, 1));
  cache.forget_all();
  CHECK(cache.size() == 0);
}

TEST_CASE("failures to one account are slowed, longer each time, and forgotten later") {
  FailureLimits limits;
  limits.account_failures = 3;
  FailureLimiter limiter(limits);
  std::int64_t now = 1000 * kSecond;
  for (int i = 0; i < 4; ++i) CHECK(limiter.attempt("a", numbered("10.0.0.", i), now).ok());
  const auto refused = limiter.attempt("a", "10.0.0.9", now);
  CHECK(refused.status() == Status::ResourceExhausted);
  CHECK(refused.error().retry_after_ms == 1000);
  CHECK(limiter.attempt("b", "10.0.0.9", now).ok());
  now += kSecond;
  CHECK(limiter.attempt("a", "10.0.0.9", now).ok());
  CHECK(limiter.attempt("a", "10.0.0.8", now).error().retry_after_ms == 2000);
  for (int i = 0; i < 40; ++i) {
    now += 60 * kSecond;
    CHECK(limiter.attempt("a", numbered("10.0.1.", i), now).ok());
  }
  CHECK(limiter.attempt("a", "10.0.0.7", now).error().retry_after_ms == 60'000);  // never longer
  now += limits.forget_ns + kSecond;
  CHECK(limiter.attempt("a", "10.0.0.7", now).ok());
  CHECK(limiter.attempt("a", "10.0.0.7", now).ok());
}

TEST_CASE("failures from one address are slowed whatever the account; IPv6 by /64") {
  FailureLimits limits;
  limits.address_failures = 5;
  FailureLimiter limiter(limits);
  for (int i = 0; i < 6; ++i) CHECK(limiter.attempt(numbered("u", i), numbered("2001:db8::", i), 1).ok());
  CHECK(limiter.attempt("x", "2001:db8::ffff:1", 1).status() == Status::ResourceExhausted);
  CHECK(limiter.attempt("x", "2001:db8:0:1::1", 1).ok());
  CHECK(limiter.attempt("x", "192.0.2.1", 1).ok());
  CHECK(limiter.attempt("x", "", 1).ok());
  CHECK(limiter.attempt("x", std::string(5000, 'f'), 1).ok());
}

TEST_CASE("who guesses from elsewhere cannot keep the owner out") {
  FailureLimits limits;
  limits.account_failures = 3;
  FailureLimiter limiter(limits);
  REQUIRE(limiter.attempt("owner", "10.0.0.1", 1).ok());
  limiter.succeeded("owner", "10.0.0.1", 1);
  for (int i = 0; i < 100; ++i) static_cast<void>(limiter.attempt("owner", numbered("10.6.6.", i), 2));
  CHECK_FALSE(limiter.attempt("owner", "10.9.9.9", 2).ok());
  CHECK(limiter.attempt("owner", "10.0.0.1", 2).ok());
  // Guessing from the owner's address is slowed all the same.
  for (int i = 0; i < 10; ++i) static_cast<void>(limiter.attempt("owner", "10.0.0.1", 2));
  CHECK_FALSE(limiter.attempt("owner", "10.0.0.1", 2).ok());
}

TEST_CASE("a login of one's own does not wipe out guesses at others") {
  FailureLimits limits;
  limits.address_failures = 5;
  FailureLimiter limiter(limits);
  bool refused = false;
  for (int i = 0; i < 20 && !refused; ++i) {
    if (limiter.attempt("own", "10.0.0.1", 1).ok()) limiter.succeeded("own", "10.0.0.1", 1);
    refused = !limiter.attempt(numbered("victim", i), "10.0.0.1", 1).ok();
  }
  CHECK(refused);
}

TEST_CASE("what came to no end is not counted") {
  FailureLimits limits;
  limits.account_failures = 3;
  FailureLimiter limiter(limits);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(limiter.attempt("a", "10.0.0.1", 1).ok());
    limiter.abandoned("a", "10.0.0.1");
  }
}

TEST_CASE("a flood of names and addresses does not grow memory") {
  FailureLimits limits;
  limits.entries = 100;
  FailureLimiter limiter(limits);
  for (int i = 0; i < 10'000; ++i) {
    const std::string text = std::to_string(i);
    REQUIRE(limiter.attempt(std::string("u").append(text), std::string("a").append(text), 1).ok());
    if (i % 2 == 0) limiter.succeeded(std::string("u").append(text), std::string("a").append(text), 1);
  }
  CHECK(limiter.size() <= 300);
}

TEST_CASE("the limiter stands many threads") {
  FailureLimits limits;
  limits.entries = 8;
  FailureLimiter limiter(limits);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string name = numbered("u", (i + t) % 20);
        if (!limiter.attempt(name, name, i).ok()) continue;
        if (i % 3 == 0) limiter.succeeded(name, name, i);
        if (i % 3 == 1) limiter.abandoned(name, name);
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(limiter.size() <= 24);
}

TEST_CASE("hashes verify, differ, and keep their parameters") {
  PasswordHasher hasher({64, 1, 1}, {});
  const auto one = hasher.hash("secret");
  const auto two = hasher.hash("secret");
  REQUIRE((one.ok() && two.ok()));
  CHECK(*one != *two);
  CHECK(one->starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
  CHECK(*hasher.verify(*one, "secret"));
  CHECK_FALSE(*hasher.verify(*one, "Secret"));
  CHECK_FALSE(*hasher.verify("", "secret"));
  CHECK_FALSE(hasher.outdated(*one));
  PasswordHasher stronger({128, 2, 1}, {});
  CHECK(stronger.outdated(*one));
  CHECK(*stronger.verify(*one, "secret"));
  for (const char *damaged : {"x", "$argon2id$", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", "$2y$10$abc"}) {
    CHECK(hasher.verify(damaged, "secret").status() == Status::DataLoss);
  }
}

TEST_CASE("over slots and queue the hasher says to come back") {
  HashLimits limits;
  limits.slots = 1;
  limits.queue = 1;
  limits.patience = std::chrono::milliseconds(60'000);
  PasswordHasher hasher({4096, 1, 1}, limits);
  std::atomic<int> done{0}, refused{0}, other{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const auto result = hasher.verify("", "x");
        if (result.ok()) {
          ++done;
        } else if (result.status() == Status::ResourceExhausted && result.error().retry_after_ms > 0) {
          ++refused;
        } else {
          ++other;
        }
        if (done > 0 && refused > 0) stop = true;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(done > 0);
  CHECK(refused > 0);
  CHECK(other == 0);
}
