// SPDX-License-Identifier: Apache-2.0
// Write locks as RFC 4918, 6 and 7 want them, enforced inside the commit.
#include "core/base/time.hpp"
#include "core/tree/lock_table.hpp"
#include "core/tree/test_engine.hpp"

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;

namespace {

struct Held {
  Lock lock;
  std::string_view tokens[1];
  Conditions conditions;

  explicit Held(Lock taken) : lock(std::move(taken)) {
    tokens[0] = lock.token;
    conditions.lock_tokens = tokens;
    if (!lock.account.none()) conditions.account = lock.account;
  }
  Held(const Held &) = delete;
  Held &operator=(const Held &) = delete;
};

Lock wanted(bool deep = false, LockKind kind = LockKind::Exclusive, AccountId account = {}) {
  Lock lock;
  lock.deep = deep;
  lock.kind = kind;
  lock.owner = "<d:href>me</d:href>";
  lock.account = account;
  lock.account_name = "einstein";
  return lock;
}

Result<Lock> take(Fixture &f, std::string_view path, const Lock &lock, std::uint64_t timeout_s = 60) {
  return f.engine->lock(f.at(path), lock, timeout_s, {});
}

}  // namespace

TEST_CASE("a locked file is changed with the token only") {
  Fixture f;
  f.put("x", "1");
  const Held held(f.value(take(f, "x", wanted())));
  CHECK(held.lock.token.starts_with("urn:uuid:"));
  CHECK(f.stat("x").locked);
  CHECK(f.list("")[0].locked);
  const AttributeChange set{"urn:x", "a", "b"};
  CHECK(f.try_put("x", "2").status() == Status::Locked);
  CHECK(f.engine->remove(f.at("x"), {}).status() == Status::Locked);
  CHECK(f.engine->rename(f.at("x"), f.at("y"), false, {}).status() == Status::Locked);
  CHECK(f.engine->set_mtime(f.at("x"), 1, {}).status() == Status::Locked);
  CHECK(f.engine->attributes_patch(f.at("x"), {&set, 1}, {}).status() == Status::Locked);
  f.put("other", "3");
  CHECK(f.engine->rename(f.at("other"), f.at("x"), true, {}).status() == Status::Locked);
  CHECK(f.engine->copy(f.at("other"), f.at("x"), true, false, {}).status() == Status::Locked);
  CHECK(f.get("x") == "1");
  CHECK(f.value(f.engine->copy(f.at("x"), f.at("copy"), false, false, {})).locked == false);

  CHECK(f.try_put("x", "2", held.conditions).ok());
  CHECK(f.engine->attributes_patch(f.at("x"), {&set, 1}, held.conditions).ok());
  CHECK(f.engine->copy(f.at("other"), f.at("x"), true, false, held.conditions).ok());
  CHECK(f.stat("x").locked);
  CHECK(f.engine->unlock(f.at("x"), held.lock.token, std::nullopt).ok());
  CHECK_FALSE(f.stat("x").locked);
  CHECK(f.try_put("x", "4").ok());
  CHECK(f.engine->unlock(f.at("x"), held.lock.token, std::nullopt).status() == Status::FailedPrecondition);
}

TEST_CASE("locks survive a restart and end with removal and move") {
  Fixture f;
  f.mkdir("d");
  f.put("d/x", "1");
  f.put("d/y", "1");
  const Held x(f.value(take(f, "d/x", wanted())));
  const Held y(f.value(take(f, "d/y", wanted())));
  f.restart();
  CHECK(f.try_put("d/x", "2").status() == Status::Locked);
  CHECK(f.engine->remove(f.at("d"), {}).status() == Status::Locked);
  CHECK(f.engine->rename(f.at("d"), f.at("e"), false, x.conditions).status() == Status::Locked);
  CHECK(f.engine->rename(f.at("d/x"), f.at("d/z"), false, x.conditions).ok());
  CHECK_FALSE(f.stat("d/z").locked);
  CHECK(f.try_put("d/z", "free").ok());
  CHECK(f.engine->remove(f.at("d"), y.conditions).ok());
  f.mkdir("d");
  CHECK(f.put("d/y", "new").locked == false);
  f.restart();
  CHECK(f.value(f.engine->locks(f.at("d/y"))).empty());
}

TEST_CASE("a deep lock covers all below, a shallow one the members") {
  Fixture f;
  f.mkdir("deep");
  f.put("deep/x", "1");
  f.mkdir("flat");
  f.put("flat/x", "1");
  const Held deep(f.value(take(f, "deep", wanted(true))));
  const Held flat(f.value(take(f, "flat", wanted(false))));
  CHECK(f.try_put("deep/x", "2").status() == Status::Locked);
  CHECK(f.try_put("deep/new", "2").status() == Status::Locked);
  CHECK(f.engine->mkdir(f.at("deep/d"), {}).status() == Status::Locked);
  CHECK(f.stat("deep/x").locked);
  CHECK(f.list("deep")[0].locked);
  CHECK(f.engine->mkdir(f.at("deep/d"), deep.conditions).ok());
  CHECK(f.engine->mkdir(f.at("deep/d/e"), {}).status() == Status::Locked);
  CHECK(f.value(f.engine->locks(f.at("deep/d"))).size() == 1);

  CHECK(f.try_put("flat/x", "2").ok());
  CHECK_FALSE(f.stat("flat/x").locked);
  CHECK(f.try_put("flat/new", "2").status() == Status::Locked);
  CHECK(f.engine->remove(f.at("flat/x"), {}).status() == Status::Locked);
  CHECK(f.engine->remove(f.at("flat/x"), flat.conditions).ok());
  f.put("loose", "1");
  CHECK(f.engine->rename(f.at("loose"), f.at("flat/loose"), false, {}).status() == Status::Locked);
  CHECK(f.engine->rename(f.at("loose"), f.at("flat/loose"), false, flat.conditions).ok());
  CHECK(f.engine->unlock(f.at("deep/d"), deep.lock.token, std::nullopt).ok());
  CHECK(f.try_put("deep/new", "2").ok());
}

TEST_CASE("conflicts") {
  Fixture f;
  f.mkdir("d");
  f.put("d/x", "1");
  {
    const Held inner(f.value(take(f, "d/x", wanted())));
    CHECK(take(f, "d/x", wanted()).status() == Status::Locked);
    CHECK(take(f, "d/x", wanted(false, LockKind::Shared)).status() == Status::Locked);
    CHECK(take(f, "d", wanted(true)).status() == Status::Locked);
    const Held flat(f.value(take(f, "d", wanted(false))));
    CHECK(f.engine->unlock(f.at("d"), flat.lock.token, std::nullopt).ok());
    CHECK(f.engine->unlock(f.at("d/x"), inner.lock.token, std::nullopt).ok());
  }
  const Held one(f.value(take(f, "d/x", wanted(false, LockKind::Shared))));
  const Held two(f.value(take(f, "d/x", wanted(false, LockKind::Shared))));
  CHECK(take(f, "d/x", wanted()).status() == Status::Locked);
  CHECK(f.try_put("d/x", "2").status() == Status::Locked);
  CHECK(f.try_put("d/x", "2", one.conditions).ok());
  CHECK(f.try_put("d/x", "2", two.conditions).ok());
  CHECK(take(f, "nope", wanted()).status() == Status::NotFound);
}

TEST_CASE("a token counts for the account that took it") {
  Fixture f;
  f.put("x", "1");
  const auto mine = base::random_id<AccountId>(), other = base::random_id<AccountId>();
  const Held held(f.value(take(f, "x", wanted(false, LockKind::Exclusive, mine))));
  CHECK(f.try_put("x", "2", held.conditions).ok());
  Conditions stolen = held.conditions;
  stolen.account = other;
  CHECK(f.try_put("x", "3", stolen).status() == Status::Locked);
  CHECK(f.engine->unlock(f.at("x"), held.lock.token, other).status() == Status::PermissionDenied);
  CHECK(f.engine->lock_refresh(f.at("x"), held.lock.token, 60, other).status() == Status::PermissionDenied);
  CHECK(f.engine->lock_refresh(f.at("x"), held.lock.token, 600, mine).ok());
  CHECK(f.engine->lock_refresh(f.at("x"), "urn:uuid:other", 600, mine).status() == Status::Aborted);
  CHECK(f.engine->unlock(f.at("x"), held.lock.token, mine).ok());
}

TEST_CASE("a refresh moves the end of a lock, forwards and backwards, also over a restart") {
  Fixture f;
  f.put("x", "1");
  constexpr std::int64_t second = 1'000'000'000;
  const auto taken = f.value(take(f, "x", wanted(), 60));
  const auto ends = [&] {
    const auto held = f.value(f.engine->locks(f.at("x")));
    REQUIRE(held.size() == 1);
    CHECK(held[0].token == taken.token);
    return held[0].expires_ns;
  };
  CHECK(ends() == taken.expires_ns);
  for (const std::uint64_t timeout : {600u, 30u}) {
    const std::int64_t before = base::now_unix_ns();
    const auto renewed = f.value(f.engine->lock_refresh(f.at("x"), taken.token, timeout, std::nullopt));
    const std::int64_t after = base::now_unix_ns(), left = static_cast<std::int64_t>(timeout) * second;
    CHECK(renewed.token == taken.token);
    CHECK(renewed.expires_ns >= before + left);
    CHECK(renewed.expires_ns <= after + left);
    CHECK(ends() == renewed.expires_ns);
    f.restart();
    CHECK(ends() == renewed.expires_ns);
  }
}

TEST_CASE("a write lock is the one lock of a node, and its token counts for any account") {
  Fixture f;
  f.mkdir("d");
  f.put("d/x", "1");
  const auto opener = base::random_id<AccountId>(), editor = base::random_id<AccountId>();
  const auto of = [](const Lock &lock, const AccountId &account, std::string_view(&token)[1]) {
    Conditions conditions;
    token[0] = lock.token;
    conditions.lock_tokens = token;
    conditions.account = account;
    return conditions;
  };
  std::string_view token[1];
  const auto lock = f.value(take(f, "d/x", wanted(false, LockKind::Write, opener)));
  CHECK(f.get("d/x") == "1");  // reading goes on
  CHECK(f.try_put("d/x", "2").status() == Status::Locked);
  CHECK(f.engine->remove(f.at("d"), {}).status() == Status::Locked);
  for (const LockKind other : {LockKind::Exclusive, LockKind::Shared, LockKind::Write}) {
    CHECK(take(f, "d/x", wanted(false, other, opener)).status() == Status::Locked);
    CHECK(take(f, "d", wanted(true, other, opener)).status() == Status::Locked);
  }
  CHECK(f.try_put("d/x", "2", of(lock, opener, token)).ok());
  CHECK(f.try_put("d/x", "3", of(lock, editor, token)).ok());
  f.restart();
  CHECK(f.value(f.engine->locks(f.at("d/x")))[0].kind == LockKind::Write);
  CHECK(f.try_put("d/x", "4").status() == Status::Locked);
  CHECK(f.try_put("d/x", "4", of(lock, editor, token)).ok());
  CHECK(f.engine->lock_refresh(f.at("d/x"), lock.token, 600, editor).ok());
  CHECK(f.engine->lock_refresh(f.at("d/x"), "urn:uuid:other", 600, opener).status() == Status::Aborted);
  CHECK(f.engine->unlock(f.at("d/x"), lock.token, editor).ok());
  for (const LockKind other : {LockKind::Exclusive, LockKind::Shared}) {
    const auto held = f.value(take(f, "d/x", wanted(false, other, opener)));
    CHECK(take(f, "d/x", wanted(false, LockKind::Write, opener)).status() == Status::Locked);
    CHECK(f.try_put("d/x", "5", of(held, editor, token)).status() == Status::Locked);
    CHECK(f.engine->unlock(f.at("d/x"), held.token, opener).ok());
  }
}

TEST_CASE("expired locks count nowhere") {
  test::TempFolder folder;
  auto meta = Fixture::value(Meta::open(folder.path + "/meta.db", base::random_id<Uuid>()));
  LockTable table(*meta, 3600);
  Lock lock = wanted();
  lock.space = base::random_id<SpaceId>();
  lock.node = base::random_id<NodeId>();
  lock.token = "urn:uuid:old";
  lock.expires_ns = 1;
  REQUIRE(meta->put_lock(lock).ok());
  REQUIRE(table.load().ok());
  CHECK(table.any(lock.space));
  CHECK(table.applying(lock.space, {&lock.node, 1}).empty());
  CHECK(table.all(lock.space).empty());
  CHECK(table.expire().ok());
  CHECK_FALSE(table.any(lock.space));
  CHECK(Fixture::value(meta->locks()).empty());
}

TEST_CASE("timeouts are cut to the longest allowed") {
  Fixture f;
  f.engine.reset();
  f.provider.options.max_lock_seconds = 100;
  f.start();
  f.put("x", "1");
  const std::int64_t before = base::now_unix_ns();
  const Lock lock = f.value(take(f, "x", wanted(), 1'000'000));
  CHECK(lock.expires_ns >= before + 99'000'000'000);
  CHECK(lock.expires_ns <= base::now_unix_ns() + 100'000'000'000);
}

TEST_CASE("a copy that fails does not take the locks of what it would have replaced") {
  Fixture f;
  f.mkdir("from");
  f.put("from/x", "1");
  f.mkdir("to");
  const Lock lock = Fixture::value(f.engine->lock(f.at("to"), Lock(), 0, {}));
  const std::string_view token = lock.token;
  Conditions holds;
  holds.lock_tokens = {&token, 1};
  f.provider.reserve = std::uint64_t{1} << 60;  // no room for any copy
  f.restart();
  CHECK(f.engine->copy(f.at("from"), f.at("to"), true, false, holds).status() == Status::InsufficientStorage);
  CHECK(Fixture::value(f.engine->locks(f.at("to"))).size() == 1);
}
