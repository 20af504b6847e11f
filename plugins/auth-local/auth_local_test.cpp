// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/auth_local.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "core/base/text.hpp"
#include "core/base/uuid.hpp"
#include "core/sql/test_folder.hpp"
#include "core/sql/test_postgresql.hpp"

using namespace Atoll;
using namespace Atoll::auth_local;

namespace {

std::string numbered(const char *text, auto number) { return std::string(text).append(std::to_string(number)); }

/// A host that only keeps log lines.
struct LoggingHost {
  std::string lines;
  atoll_log_service log = sized<atoll_log_service>();
  atoll_host raw = sized<atoll_host>();
  LoggingHost() {
    log.write = [](void *context, const atoll_call *, std::uint32_t, atoll_str message, const atoll_field *fields,
                   std::uint64_t count) {
      auto &out = static_cast<LoggingHost *>(context)->lines;
      out.append(view(message));
      for (std::uint64_t i = 0; i < count; ++i)
        out.append(" ").append(view(fields[i].name)).append("=").append(view(fields[i].value));
      out.append("\n");
    };
    raw.context = this;
    raw.query = [](void *context, const char *id) -> const void * {
      return std::string_view(id) == ATOLL_SERVICE_LOG ? &static_cast<LoggingHost *>(context)->log : nullptr;
    };
  }
  LoggingHost(const LoggingHost &) = delete;
  LoggingHost &operator=(const LoggingHost &) = delete;
};

struct Fixture {
  sql::TestDatabase database;
  LoggingHost host;
  Settings settings;
  std::unique_ptr<AuthLocal> plugin;
  OutgoingCall call;

  explicit Fixture(const char *admin_password = "admin password") {
    settings.database_url = database.url();
    settings.admin_password = admin_password;
    settings.hash = {64, 1, 1};
    reopen();
  }
  void reopen() {
    plugin.reset();
    auto opened = AuthLocal::open(settings, Host(&host.raw));
    REQUIRE(opened.ok());
    plugin = std::move(*opened);
  }
  Call context() { return Call(call.get()); }

  Result<Principal> log_in(std::string_view name, std::string_view password, std::string_view peer = "10.0.0.1") {
    auto credential = sized<atoll_credential>();
    credential.kind = ATOLL_CREDENTIAL_BASIC;
    credential.name = str(name);
    credential.secret = str(password);
    credential.peer = str(peer);
    auto login = plugin->authenticate(context(), credential);
    if (!login) return std::move(login).error();
    return **login;
  }

  Result<AccountId> add(std::string_view name, std::string_view password, std::uint32_t kind = ATOLL_ACCOUNT_USER,
                        std::uint32_t role = ATOLL_ROLE_USER) {
    auto account = sized<atoll_account>();
    account.kind = kind;
    account.app_role = role;
    account.enabled = 1;
    account.name = str(name);
    AccountId id;
    auto sink = make_sink<atoll_account_sink>([&](const atoll_account *made) { id = from_abi<AccountId>(made->id); });
    auto created = plugin->account_create(context(), account, password, AccountEmitter(sink.get()));
    if (!created) return created.error();
    return id;
  }

  std::vector<std::string> names(Result<void> (AuthLocal::*list)(const Call &, AccountId, AccountEmitter),
                                 const AccountId &id) {
    std::vector<std::string> out;
    auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) { out.emplace_back(view(a->name)); });
    REQUIRE((plugin.get()->*list)(context(), id, AccountEmitter(sink.get())).ok());
    return out;
  }

  Result<std::vector<std::string>> search(std::string_view text, std::string_view after = {}, std::uint64_t limit = 0) {
    std::vector<std::string> out;
    auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) { out.emplace_back(view(a->name)); });
    auto done = plugin->account_search(context(), ATOLL_ACCOUNT_USER, text, after, limit, AccountEmitter(sink.get()));
    if (!done) return done.error();
    return out;
  }

  atoll_account read(const AccountId &id) {
    auto copy = sized<atoll_account>();
    auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) { copy = *a; });
    REQUIRE(plugin->account_get(context(), id, AccountEmitter(sink.get())).ok());
    copy.name = copy.display_name = copy.mail = atoll_str{nullptr, 0};
    return copy;
  }
};

}  // namespace

TEST_CASE("the first start makes the admin, the second does not") {
  Fixture f;
  const auto admin = f.log_in("admin", "admin password");
  REQUIRE(admin.ok());
  CHECK(admin->app_role == ATOLL_ROLE_ADMIN);
  CHECK(admin->issuer == "local");
  CHECK(admin->subject == admin->account.text());
  CHECK(admin->name == "admin");
  CHECK(f.host.lines.find("admin password") == std::string::npos);
  f.settings.admin_password = "another";
  f.reopen();
  CHECK(f.log_in("ADMIN", "admin password").ok());
  CHECK(f.log_in("admin", "another").status() == Status::Unauthenticated);
}

TEST_CASE("a generated password is shown once") {
  Fixture f("");
  const std::size_t at = f.host.lines.find("password=");
  REQUIRE(at != std::string::npos);
  const std::string password = f.host.lines.substr(at + 9, 20);
  CHECK(f.log_in("admin", password).ok());
  f.host.lines.clear();
  f.reopen();
  CHECK(f.host.lines.empty());
  CHECK(f.log_in("admin", password).ok());
}

TEST_CASE("a strict policy: the generated password fits, a given one that does not is told so") {
  sql::TestFolder folder;
  Settings settings;
  settings.database_url = "sqlite:" + folder.path() + "/accounts.db";
  settings.hash = {64, 1, 1};
  settings.passwords = {30, 8, 8, 8, 6};
  settings.admin_password = "admin password";
  const auto refused = AuthLocal::open(settings, Host());
  CHECK(refused.status() == Status::InvalidArgument);
  CHECK(refused.error().message.find("ATOLL_ADMIN_PASSWORD") != std::string::npos);
  CHECK(refused.error().message.find("8 upper case letters") != std::string::npos);
  CHECK(refused.error().message.find("admin password") == std::string::npos);
  settings.admin_password.clear();
  CHECK(AuthLocal::open(settings, Host()).ok());
  settings.admin_password = "admin password";  // is not looked at any more
  CHECK(AuthLocal::open(settings, Host()).ok());
}

TEST_CASE("wrong, unknown, disabled, without password: one answer") {
  Fixture f;
  const auto id = f.add("einstein", "relativity");
  REQUIRE(id.ok());
  REQUIRE(f.add("nopassword", "").ok());
  const auto disabled = f.add("disabled", "secret");
  REQUIRE(disabled.ok());
  auto change = f.read(*disabled);
  change.enabled = 0;
  REQUIRE(f.plugin->account_update(f.context(), change).ok());
  CHECK(f.log_in("einstein", "relativity").ok());
  CHECK(f.log_in("EINSTEIN", "relativity").ok());
  const std::string text = f.log_in("einstein", "wrong").error().message;
  const std::string control("a\nb");
  for (const auto &[name, password] :
       std::initializer_list<std::pair<std::string, std::string>>{{"einstein", ""},
                                                                  {"nobody", "relativity"},
                                                                  {"nopassword", ""},
                                                                  {"nopassword", "x"},
                                                                  {"disabled", "secret"},
                                                                  {"", ""},
                                                                  {control, "x"},
                                                                  {"../admin", "x"},
                                                                  {"\xFF", "\xFF"},
                                                                  {std::string(5000, 'a'), "x"},
                                                                  {"einstein", std::string(100'000, 'x')},
                                                                  {"einstein' OR '1'='1", "x"},
                                                                  {id->text(), "relativity"}}) {
    const auto refused = f.log_in(name, password, numbered("10.1.1.", name.size() % 250));
    CHECK(refused.status() == Status::Unauthenticated);
    CHECK(refused.error().message == text);
  }
  auto bearer = sized<atoll_credential>();
  bearer.kind = ATOLL_CREDENTIAL_BEARER;
  bearer.secret = str("token");
  CHECK(f.plugin->authenticate(f.context(), bearer).status() == Status::Unimplemented);
}

TEST_CASE("a changed password, state, role or group is in force at once") {
  Fixture f;
  const auto id = f.add("marie", "radium");
  REQUIRE(id.ok());
  REQUIRE(f.log_in("marie", "radium").ok());
  REQUIRE(f.plugin->account_set_password(f.context(), *id, "polonium").ok());
  CHECK(f.log_in("marie", "radium").status() == Status::Unauthenticated);
  REQUIRE(f.log_in("marie", "polonium").ok());
  const auto group = f.add("physicists", "", ATOLL_ACCOUNT_GROUP);
  REQUIRE(group.ok());
  REQUIRE(f.plugin->member_add(f.context(), *group, *id).ok());
  CHECK(f.log_in("marie", "polonium")->groups == std::vector<AccountId>{*group});
  REQUIRE(f.plugin->member_remove(f.context(), *group, *id).ok());
  CHECK(f.log_in("marie", "polonium")->groups.empty());
  REQUIRE(f.plugin->member_add(f.context(), *group, *id).ok());
  REQUIRE(f.log_in("marie", "polonium").ok());
  REQUIRE(f.plugin->account_remove(f.context(), *group).ok());
  CHECK(f.log_in("marie", "polonium")->groups.empty());
  auto change = f.read(*id);
  change.app_role = ATOLL_ROLE_USER_LIGHT;
  REQUIRE(f.plugin->account_update(f.context(), change).ok());
  CHECK(f.log_in("marie", "polonium")->app_role == ATOLL_ROLE_USER_LIGHT);
  change.enabled = 0;
  REQUIRE(f.plugin->account_update(f.context(), change).ok());
  CHECK(f.log_in("marie", "polonium").status() == Status::Unauthenticated);
  change.enabled = 1;
  REQUIRE(f.plugin->account_update(f.context(), change).ok());
  CHECK(f.log_in("marie", "polonium").ok());
  REQUIRE(f.plugin->account_remove(f.context(), *id).ok());
  CHECK(f.log_in("marie", "polonium").status() == Status::Unauthenticated);
  const auto again = f.add("marie", "polonium");
  REQUIRE(again.ok());
  CHECK(*again != *id);  // a name may come back, a subject does not
}

TEST_CASE("a login under other parameters is hashed anew") {
  Fixture f;
  const auto hash = [&] {
    auto store = AccountStore::open(f.settings.database_url);
    REQUIRE(store.ok());
    return (*(*store)->credentials("admin"))->password_hash;
  };
  const std::string before = hash();
  f.settings.hash = {128, 1, 1};
  f.reopen();
  REQUIRE(f.log_in("admin", "admin password").ok());
  const std::string after = hash();
  CHECK(before != after);
  CHECK(after.find("m=128,") != std::string::npos);
  f.reopen();
  REQUIRE(f.log_in("admin", "admin password").ok());
  CHECK(hash() == after);
}

TEST_CASE("guesses are slowed before a hash, and a cached login is not") {
  Fixture f;
  f.settings.failures.account_failures = 5;
  f.reopen();
  REQUIRE(f.add("einstein", "relativity").ok());
  REQUIRE(f.log_in("einstein", "relativity", "10.0.0.1").ok());
  Status last = Status::Ok;
  for (int i = 0; i < 10; ++i) {
    const auto refused = f.log_in("einstein", numbered("guess", i), "10.6.6.6");
    last = refused.status();
    if (last == Status::ResourceExhausted) CHECK(refused.error().retry_after_ms > 0);
  }
  CHECK(last == Status::ResourceExhausted);
  CHECK(f.log_in("einstein", "relativity", "10.6.6.6").ok());  // cached
  CHECK(f.log_in("einstein", "relativity", "10.0.0.1").ok());
  // A name that does not exist is treated the same.
  for (int i = 0; i < 10; ++i) last = f.log_in("nobody", numbered("guess", i), "10.7.7.7").status();
  CHECK(last == Status::ResourceExhausted);
}

TEST_CASE("names: clear errors, no second account in other letters") {
  Fixture f;
  REQUIRE(f.add("J\xC3\xBCrgen@example.org", "x").ok());
  CHECK(f.add("j\xC3\x9CRGEN@EXAMPLE.ORG", "y").status() == Status::AlreadyExists);
  CHECK(f.add("a/b", "y").status() == Status::InvalidArgument);
  CHECK(f.add("a", "bad\npassword").status() == Status::InvalidArgument);
  CHECK(f.add("group", "password", ATOLL_ACCOUNT_GROUP).status() == Status::InvalidArgument);
  CHECK(f.add("a", "x", 9).status() == Status::InvalidArgument);
  CHECK(f.add("a", "x", ATOLL_ACCOUNT_USER, 9).status() == Status::InvalidArgument);
  CHECK(f.add("admin", "", ATOLL_ACCOUNT_GROUP).ok());  // groups have names of their own
}

TEST_CASE("the last admin stays") {
  Fixture f;
  const AccountId admin = f.log_in("admin", "admin password")->account;
  CHECK(f.plugin->account_remove(f.context(), admin).status() == Status::FailedPrecondition);
  auto change = f.read(admin);
  change.app_role = ATOLL_ROLE_USER;
  CHECK(f.plugin->account_update(f.context(), change).status() == Status::FailedPrecondition);
  change.app_role = ATOLL_ROLE_ADMIN;
  change.enabled = 0;
  CHECK(f.plugin->account_update(f.context(), change).status() == Status::FailedPrecondition);
  CHECK(f.log_in("admin", "admin password")->app_role == ATOLL_ROLE_ADMIN);
  REQUIRE(f.add("root2", "x", ATOLL_ACCOUNT_USER, ATOLL_ROLE_ADMIN).ok());
  CHECK(f.plugin->account_remove(f.context(), admin).ok());
}

TEST_CASE("search, pages, groups and members") {
  Fixture f;
  for (const char *name : {"Bohr", "curie", "Dirac", "einstein", "100%"}) {
    if (!f.add(name, "").ok()) CHECK(std::string_view(name) == "100%");
  }
  CHECK(*f.search("") == std::vector<std::string>{"admin", "Bohr", "curie", "Dirac", "einstein"});
  CHECK(*f.search("I") == std::vector<std::string>{"admin", "curie", "Dirac", "einstein"});
  CHECK(f.search("%")->empty());
  CHECK(f.search("_")->empty());
  CHECK(f.search("\\")->empty());
  CHECK(*f.search("", "bohr", 2) == std::vector<std::string>{"curie", "Dirac"});
  const auto bohr = f.add("niels", "");
  const auto group = f.add("quantum", "", ATOLL_ACCOUNT_GROUP);
  REQUIRE(f.plugin->member_add(f.context(), *group, *bohr).ok());
  REQUIRE(f.plugin->member_add(f.context(), *group, *bohr).ok());
  CHECK(f.names(&AuthLocal::groups_of, *bohr) == std::vector<std::string>{"quantum"});
  CHECK(f.names(&AuthLocal::members_of, *group) == std::vector<std::string>{"niels"});
  CHECK(f.plugin->member_add(f.context(), *bohr, *group).status() == Status::NotFound);
  CHECK(f.plugin->member_remove(f.context(), *group, base::random_id<AccountId>()).status() == Status::NotFound);
  auto ignore = make_sink<atoll_account_sink>([](const atoll_account *) {});
  CHECK(f.plugin->account_get(f.context(), base::random_id<AccountId>(), AccountEmitter(ignore.get())).status() ==
        Status::NotFound);
  CHECK(f.plugin->account_find(f.context(), ATOLL_ACCOUNT_USER, "quantum", AccountEmitter(ignore.get())).status() ==
        Status::NotFound);
  CHECK(f.plugin->account_find(f.context(), ATOLL_ACCOUNT_USER, "BOHR", AccountEmitter(ignore.get())).ok());
}

TEST_CASE("an account may have several identities") {
  Fixture f;
  auto store = AccountStore::open(f.settings.database_url);
  REQUIRE(store.ok());
  const auto id = f.add("einstein", "x");
  REQUIRE(id.ok());
  REQUIRE((*store)->identity_add(*id, {"https://idp.example", "sub-1"}).ok());
  CHECK((*store)->identity_add(*id, {"https://idp.example", "sub-1"}).status() == Status::AlreadyExists);
  CHECK(*(*store)->account_of({"https://idp.example", "sub-1"}) == *id);
  CHECK(*(*store)->account_of({"local", id->text()}) == *id);
  CHECK((*store)->account_of({"other", "sub-1"}).status() == Status::NotFound);
  CHECK((*store)->identities_of(*id)->size() == 2);
}

TEST_CASE("a database in trouble is neither a wrong password nor a missing account") {
  Fixture f;
  {
    auto sessions = sql::Sessions::open(f.settings.database_url);
    REQUIRE(sessions.ok());
    auto lease = (*sessions)->get();
    REQUIRE(lease.ok());
    lease->run("ALTER TABLE accounts RENAME TO gone");
  }
  const Status status = f.log_in("admin", "admin password").status();
  CHECK(status != Status::Ok);
  CHECK(status != Status::Unauthenticated);
  CHECK(status != Status::NotFound);
  CHECK_FALSE(f.search("").ok());
}

TEST_CASE("logins, changes and lookups from many threads at the same time") {
  Fixture f;
  std::vector<AccountId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(*f.add(numbered("u", i), "p0"));
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = numbered("u", t);
      OutgoingCall call;
      for (int round = 1; round <= 10; ++round) {
        const std::string before = numbered("p", round - 1), after = numbered("p", round);
        if (!f.plugin->account_set_password(Call(call.get()), ids[static_cast<std::size_t>(t)], after)) ++failures;
        auto credential = sized<atoll_credential>();
        credential.kind = ATOLL_CREDENTIAL_BASIC;
        credential.name = str(name);
        credential.peer = str(name);
        credential.secret = str(before);
        if (f.plugin->authenticate(Call(call.get()), credential).ok()) ++failures;
        credential.secret = str(after);
        for (int i = 0; i < 20; ++i) {
          const auto result = f.plugin->authenticate(Call(call.get()), credential);
          if (!result.ok() && result.status() != Status::ResourceExhausted) ++failures;
        }
      }
    });
  }
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      OutgoingCall call;
      for (int i = 0; i < 50; ++i) {
        auto credential = sized<atoll_credential>();
        credential.kind = ATOLL_CREDENTIAL_BASIC;
        credential.name = str("admin");
        credential.secret = str("admin password");
        if (!f.plugin->authenticate(Call(call.get()), credential).ok()) ++failures;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(failures == 0);
}

TEST_CASE("through the ABI") {
  Fixture f;
  const auto *plugin = AuthLocal::descriptor();
  const auto *auth = static_cast<const atoll_auth *>(plugin->query(ATOLL_AUTH));
  const auto *directory = static_cast<const atoll_directory *>(plugin->query(ATOLL_DIRECTORY));
  const auto *admin = static_cast<const atoll_directory_admin *>(plugin->query(ATOLL_DIRECTORY_ADMIN));
  REQUIRE((auth && directory && admin));
  auto credential = sized<atoll_credential>();
  credential.kind = ATOLL_CREDENTIAL_BASIC;
  credential.name = str("admin");
  credential.secret = str("wrong");
  auto sink = make_sink<atoll_principal_sink>([](const atoll_principal *) {});
  CHECK(auth->authenticate(f.call.get(), f.plugin.get(), &credential, sink.get()) == ATOLL_UNAUTHENTICATED);
  CHECK(f.call.error(ATOLL_UNAUTHENTICATED).message == "wrong name or password");
  int found = 0;
  auto accounts = make_sink<atoll_account_sink>([&](const atoll_account *) { ++found; });
  CHECK(directory->find(f.call.get(), f.plugin.get(), ATOLL_ACCOUNT_USER, str("Admin"), accounts.get()) == ATOLL_OK);
  CHECK(found == 1);
}
