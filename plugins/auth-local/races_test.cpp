// SPDX-License-Identifier: Apache-2.0
// Changes of the same accounts at the same time, by two servers on one database.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/sql/test_postgresql.hpp"
#include "plugins/auth-local/auth_local.hpp"

using namespace Atoll;
using namespace Atoll::auth_local;

namespace {

struct Servers {
  sql::TestDatabase database;
  Settings settings;
  std::array<std::unique_ptr<AuthLocal>, 2> both;

  Servers() {
    settings.database_url = database.url();
    settings.admin_password = "admin password";
    settings.hash = {64, 1, 1};
    for (auto &one : both) {
      auto opened = AuthLocal::open(settings, Host());
      REQUIRE(opened.ok());
      one = std::move(*opened);
    }
  }
  AuthLocal &of(int thread) { return *both[static_cast<std::size_t>(thread) % 2]; }

  static atoll_account draft(std::string_view name, std::uint32_t kind = ATOLL_ACCOUNT_USER) {
    auto account = sized<atoll_account>();
    account.kind = kind;
    account.app_role = kind == ATOLL_ACCOUNT_USER ? ATOLL_ROLE_USER : ATOLL_ROLE_NONE;
    account.enabled = 1;
    account.name = str(name);
    return account;
  }
  Result<AccountId> make(int thread, const atoll_account &account) {
    AccountId id;
    const auto sink =
        make_sink<atoll_account_sink>([&](const atoll_account *made) { id = from_abi<AccountId>(made->id); });
    OutgoingCall call;
    auto done = of(thread).account_create(
        Call(call.get()), account, account.kind == ATOLL_ACCOUNT_USER ? "password" : "", AccountEmitter(sink.get()));
    if (!done) return done.error();
    return id;
  }
  Result<Principal> log_in(int thread, std::string_view name, std::string_view password) {
    auto credential = sized<atoll_credential>();
    credential.kind = ATOLL_CREDENTIAL_BASIC;
    credential.name = str(name);
    credential.secret = str(password);
    credential.peer = str("10.0.0.1");
    OutgoingCall call;
    auto login = of(thread).authenticate(Call(call.get()), credential);
    if (!login) return std::move(login).error();
    return **login;
  }
};

/// f(number) in that many threads that begin together.
template <class F>
void together(int threads, F f) {
  std::atomic<int> ready{0};
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&, i] {
      ++ready;
      while (ready < threads) std::this_thread::yield();
      f(i);
    });
  for (auto &one : running) one.join();
}

}  // namespace

TEST_CASE("races: of many that make one name one does, and all numbers stay apart") {
  Servers s;
  std::atomic<int> made{0}, taken{0}, other{0};
  together(6, [&](int i) {
    for (int round = 0; round < 5; ++round) {
      const std::string name = std::string(i % 2 ? "SAME" : "same") + std::to_string(round);
      const Status status = s.make(i, Servers::draft(name)).status();
      ++(status == Status::Ok ? made : status == Status::AlreadyExists ? taken : other);
      const std::string own = "own" + std::to_string(i) + "-" + std::to_string(round);
      if (!s.make(i, Servers::draft(own)).ok()) ++other;
    }
  });
  CHECK(made == 5);
  CHECK(taken == 25);
  CHECK(other == 0);
}

TEST_CASE("races: of two admins that end each other one stays") {
  Servers s;
  const AccountId first = s.log_in(0, "admin", "admin password")->account;
  for (int round = 0; round < 10; ++round) {
    const std::string name = "second" + std::to_string(round);
    auto draft = Servers::draft(name);
    draft.app_role = ATOLL_ROLE_ADMIN;
    const auto second = s.make(0, draft);
    REQUIRE(second.ok());
    std::array<Status, 2> ended{};
    together(2, [&](int i) {
      OutgoingCall call;
      auto change = sized<atoll_account>();
      change.kind = ATOLL_ACCOUNT_USER;
      change.id = to_abi(i == 0 ? *second : first);
      change.app_role = ATOLL_ROLE_USER;
      change.expires_ns = 9'000'000'000'000'000'000;
      auto &plugin = s.of(i);
      ended[static_cast<std::size_t>(i)] =
          (round % 4 == 0   ? plugin.account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_ENABLED)
           : round % 4 == 1 ? plugin.account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_APP_ROLE)
           : round % 4 == 2 ? plugin.account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_EXPIRES)
           : i == 0         ? plugin.account_remove(Call(call.get()), *second)
                            : plugin.account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_ENABLED))
              .status();
    });
    CAPTURE(round);
    CHECK(std::count(ended.begin(), ended.end(), Status::Ok) == 1);
    CHECK(std::count(ended.begin(), ended.end(), Status::FailedPrecondition) == 1);
    // the first one is the one again
    OutgoingCall call;
    auto restore = sized<atoll_account>();
    restore.kind = ATOLL_ACCOUNT_USER;
    restore.id = to_abi(first);
    restore.app_role = ATOLL_ROLE_ADMIN;
    restore.enabled = 1;
    REQUIRE(s.of(0)
                .account_change(Call(call.get()), restore,
                                ATOLL_ACCOUNT_SET_ENABLED | ATOLL_ACCOUNT_SET_APP_ROLE | ATOLL_ACCOUNT_SET_EXPIRES)
                .ok());
    if (ended[0] != Status::Ok) REQUIRE(s.of(0).account_remove(Call(call.get()), *second).ok());
    CHECK(s.log_in(0, "admin", "admin password")->app_role == ATOLL_ROLE_ADMIN);
  }
}

TEST_CASE("races: an admin who cannot log in is no last one, and a change that leaves the last one an admin is free") {
  Servers s;
  OutgoingCall call;
  const AccountId admin = s.log_in(0, "admin", "admin password")->account;
  auto mute = Servers::draft("mute");
  mute.app_role = ATOLL_ROLE_ADMIN;
  const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
  REQUIRE(s.of(0).account_create(Call(call.get()), mute, "", AccountEmitter(sink.get())).ok());
  auto change = sized<atoll_account>();
  change.id = to_abi(admin);
  change.kind = ATOLL_ACCOUNT_USER;
  change.mail = str("a@x.example");
  CHECK(s.of(0).account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_ENABLED).status() ==
        Status::FailedPrecondition);
  CHECK(s.of(0).account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_MAIL).ok());
}

TEST_CASE("races: members are added to a group that goes") {
  Servers s;
  std::vector<AccountId> users;
  for (int i = 0; i < 8; ++i) users.push_back(*s.make(0, Servers::draft("user" + std::to_string(i))));
  for (int round = 0; round < 5; ++round) {
    const auto group = s.make(0, Servers::draft("group" + std::to_string(round), ATOLL_ACCOUNT_GROUP));
    REQUIRE(group.ok());
    std::atomic<int> odd{0};
    together(3, [&](int i) {
      OutgoingCall call;
      if (i == 2) {
        if (!s.of(i).account_remove(Call(call.get()), *group)) ++odd;
        return;
      }
      for (const AccountId &user : users) {
        const Status status = s.of(i).member_add(Call(call.get()), *group, user).status();
        if (status != Status::Ok && status != Status::NotFound) ++odd;
      }
    });
    CHECK(odd == 0);
    for (const AccountId &user : users) {
      int groups = 0;
      OutgoingCall call;
      const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *) { ++groups; });
      REQUIRE(s.of(0).groups_of(Call(call.get()), user, AccountEmitter(sink.get())).ok());
      CHECK(groups == 0);
    }
    for (int i = 0; i < 8; ++i) CHECK(s.log_in(1, "user" + std::to_string(i), "password")->groups.empty());
  }
}

TEST_CASE("races: whoever logs in after his end does not get in, from memory either") {
  Servers s;
  for (int round = 0; round < 4; ++round) {
    const auto id = s.make(0, Servers::draft("short"));
    REQUIRE(id.ok());
    std::atomic<bool> gone{false};
    std::atomic<int> wrong{0};
    together(3, [&](int i) {
      if (i == 0) {
        OutgoingCall call;
        if (!s.of(0).account_remove(Call(call.get()), *id)) ++wrong;
        gone = true;
        return;
      }
      for (int after = 0; after < 3;) {
        const bool before = gone;
        const auto login = s.log_in(0, "short", "password");
        if (before && login.ok()) ++wrong;
        if (before) ++after;
      }
    });
    CHECK(wrong == 0);
  }
}

TEST_CASE("races: logins do not wait for an import that takes long") {
  // If each of them waited for the lock, this would not end in the time that a test has.
  Servers s;
  constexpr int kUsers = 60;
  std::vector<AccountId> users;
  for (int i = 0; i < kUsers; ++i) users.push_back(*s.make(0, Servers::draft("user" + std::to_string(i))));
  const auto last_login = [&](int i) {
    std::int64_t at = -1;
    OutgoingCall call;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) { at = a->last_login_ns; });
    REQUIRE(s.of(0).account_get(Call(call.get()), users[static_cast<std::size_t>(i)], AccountEmitter(sink.get())).ok());
    return at;
  };
  auto sessions = sql::Sessions::open(s.settings.database_url);
  REQUIRE(sessions.ok());
  {
    auto import = (*sessions)->get();
    REQUIRE(import.ok());
    import->begin();
    import->run("UPDATE accounts SET mail = 'x@y.example'");
    for (int i = 0; i < kUsers; ++i) CHECK(s.log_in(0, "user" + std::to_string(i), "password").ok());
  }
  CHECK(last_login(0) == 0);
  s.both[0].reset();
  s.both[0] = std::move(*AuthLocal::open(s.settings, Host()));  // remembers no login
  CHECK(s.log_in(0, "user0", "password").ok());
  CHECK(last_login(0) > 0);
}

TEST_CASE("races: one's own new password does not undo a reset") {
  Servers s;
  const auto id = s.make(0, Servers::draft("marie"));
  REQUIRE(id.ok());
  auto store = AccountStore::open(s.settings.database_url);
  REQUIRE(store.ok());
  const std::string checked = (*(*store)->credentials("marie"))->password_hash;
  OutgoingCall call;
  REQUIRE(s.of(0).account_set_password(Call(call.get()), *id, "reset").ok());
  CHECK((*store)->change_password_hash(*id, checked, "stale", true).status() == Status::Aborted);
  CHECK(s.log_in(0, "marie", "reset").ok());
  CHECK((*store)->change_password_hash(base::random_id<AccountId>(), checked, "x", true).status() == Status::Aborted);
}

TEST_CASE("texts that no account can hold are found nowhere") {
  Servers s;
  OutgoingCall call;
  const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
  for (const std::string_view name : {std::string_view("admin\0x", 7), std::string_view("admin\0", 6),
                                      std::string_view("admin\n"), std::string_view("admin\xFF")}) {
    CHECK(s.of(0).account_find(Call(call.get()), ATOLL_ACCOUNT_USER, name, AccountEmitter(sink.get())).status() ==
          Status::NotFound);
    for (atoll_str atoll_account_query::*field : {&atoll_account_query::text, &atoll_account_query::name,
                                                  &atoll_account_query::display_name, &atoll_account_query::mail}) {
      auto query = sized<atoll_account_query>();
      query.kind = ATOLL_ACCOUNT_USER;
      query.*field = str(name);
      int found = 0;
      const auto seen = make_sink<atoll_account_sink>([&](const atoll_account *) { ++found; });
      CHECK(s.of(0).account_page(Call(call.get()), query, AccountEmitter(seen.get())).ok());
      CHECK(found == 0);
    }
  }
}

TEST_CASE("two servers on PostgreSQL: what one changes the other knows at its next login") {
  if (!sql::on_postgresql()) return;  // nobody shares an SQLite file
  Servers s;
  OutgoingCall call;
  const auto marie = s.make(0, Servers::draft("marie")), paul = s.make(0, Servers::draft("paul"));
  const auto group = s.make(0, Servers::draft("physics", ATOLL_ACCOUNT_GROUP));
  REQUIRE((marie.ok() && paul.ok() && group.ok()));
  REQUIRE(s.log_in(1, "paul", "password").ok());
  REQUIRE(s.log_in(1, "marie", "password").ok());
  REQUIRE(s.of(0).member_add(Call(call.get()), *group, *marie).ok());
  CHECK(s.log_in(1, "marie", "password")->groups.size() == 1);
  REQUIRE(s.of(0).account_remove(Call(call.get()), *group).ok());
  CHECK(s.log_in(1, "marie", "password")->groups.empty());
  std::string token;
  const auto ignore = make_sink<atoll_app_token_sink>([](const atoll_app_token *) {});
  const auto text = make_sink<atoll_text_sink>([&](atoll_str told) { token = view(told); });
  REQUIRE(s.of(0)
              .token_create(Call(call.get()), *marie, "x", 0, AppTokenEmitter(ignore.get()),
                            Emitter<atoll_text_sink>(text.get()))
              .ok());
  REQUIRE(s.log_in(1, "marie", token).ok());
  REQUIRE(s.of(0).tokens_remove_all(Call(call.get()), *marie).ok());
  CHECK(s.log_in(1, "marie", token).status() == Status::Unauthenticated);
  REQUIRE(s.of(0).account_set_password(Call(call.get()), *marie, "other").ok());
  CHECK(s.log_in(1, "marie", "password").status() == Status::Unauthenticated);
  CHECK(s.log_in(1, "marie", "other").ok());
  auto change = Servers::draft("marie");
  change.id = to_abi(*marie);
  change.app_role = ATOLL_ROLE_SPACE_ADMIN;
  REQUIRE(s.of(0).account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_APP_ROLE).ok());
  CHECK(s.log_in(1, "marie", "other")->app_role == ATOLL_ROLE_SPACE_ADMIN);
  change.enabled = 0;
  REQUIRE(s.of(0).account_change(Call(call.get()), change, ATOLL_ACCOUNT_SET_ENABLED).ok());
  CHECK(s.log_in(1, "marie", "other").status() == Status::Unauthenticated);
  REQUIRE(s.of(0).account_remove(Call(call.get()), *paul).ok());
  CHECK(s.log_in(1, "paul", "password").status() == Status::Unauthenticated);
}

TEST_CASE("another database does not begin empty while the file before it holds accounts") {
  sql::TestFolder folder;
  Settings settings;
  settings.hash = {64, 1, 1};
  settings.admin_password = "admin password";
  settings.previous = folder.path() + "/accounts.db";
  settings.database_url = "sqlite:" + settings.previous;
  REQUIRE(AuthLocal::open(settings, Host()).ok());  // the file itself
  REQUIRE(AuthLocal::open(settings, Host()).ok());
  const sql::TestDatabase database;
  settings.database_url = database.url();
  const auto refused = AuthLocal::open(settings, Host());
  CHECK(refused.status() == Status::FailedPrecondition);
  CHECK(refused.error().message.find(settings.previous) != std::string::npos);
  const std::string file = std::exchange(settings.previous, "");  // start_empty
  REQUIRE(AuthLocal::open(settings, Host()).ok());
  settings.previous = file;
  CHECK(AuthLocal::open(settings, Host()).ok());
}
