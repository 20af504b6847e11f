// SPDX-License-Identifier: Apache-2.0
// Pages, app tokens, guests, changes, imports.
#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/time.hpp"
#include "core/sql/test_folder.hpp"
#include "core/sql/test_postgresql.hpp"
#include "plugins/auth-local/app_token.hpp"
#include "plugins/auth-local/auth_local.hpp"

using namespace Atoll;
using namespace Atoll::auth_local;

namespace {

constexpr std::int64_t kMinute = 60'000'000'000;

struct Office {
  sql::TestDatabase database;
  Settings settings;
  std::unique_ptr<AuthLocal> plugin;
  OutgoingCall call;

  Office() {
    settings.database_url = database.url();
    settings.admin_password = "admin password";
    settings.hash = {64, 1, 1};
    open();
  }
  void open() {
    plugin.reset();
    auto opened = AuthLocal::open(settings, Host());
    REQUIRE(opened.ok());
    plugin = std::move(*opened);
  }
  Call context() { return Call(call.get()); }

  Result<Principal> log_in(std::string_view name, std::string_view password) {
    auto credential = sized<atoll_credential>();
    credential.kind = ATOLL_CREDENTIAL_BASIC;
    credential.name = str(name);
    credential.secret = str(password);
    credential.peer = str("10.0.0.1");
    auto login = plugin->authenticate(context(), credential);
    if (!login) return std::move(login).error();
    return **login;
  }
  atoll_account draft(std::string_view name, std::uint32_t kind = ATOLL_ACCOUNT_USER) {
    auto account = sized<atoll_account>();
    account.kind = kind;
    account.app_role = kind == ATOLL_ACCOUNT_USER ? ATOLL_ROLE_USER : ATOLL_ROLE_NONE;
    account.enabled = 1;
    account.name = str(name);
    return account;
  }
  Result<AccountId> make(const atoll_account &account, std::string_view password = "password") {
    AccountId id;
    const auto sink =
        make_sink<atoll_account_sink>([&](const atoll_account *made) { id = from_abi<AccountId>(made->id); });
    auto done = plugin->account_create(context(), account, account.kind == ATOLL_ACCOUNT_USER ? password : "",
                                       AccountEmitter(sink.get()));
    if (!done) return done.error();
    return id;
  }
  AccountId user(std::string_view name, std::string_view display = {}, std::string_view mail = {}) {
    auto account = draft(name);
    account.display_name = str(display);
    account.mail = str(mail);
    auto id = make(account);
    REQUIRE(id.ok());
    return *id;
  }
  AccountId group(std::string_view name) {
    auto id = make(draft(name, ATOLL_ACCOUNT_GROUP));
    REQUIRE(id.ok());
    return *id;
  }
  struct Seen {
    AccountId id;
    std::string name, display;
    bool operator==(const Seen &) const = default;
  };
  std::vector<Seen> page(const atoll_account_query &query) {
    std::vector<Seen> out;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) {
      out.push_back({from_abi<AccountId>(a->id), std::string(view(a->name)), std::string(view(a->display_name))});
    });
    REQUIRE(plugin->account_page(context(), query, AccountEmitter(sink.get())).ok());
    return out;
  }
  static atoll_account_query users(std::string_view text = {}) {
    auto query = sized<atoll_account_query>();
    query.kind = ATOLL_ACCOUNT_USER;
    query.text = str(text);
    return query;
  }
  std::string names(const atoll_account_query &query) {
    std::string out;
    for (const Seen &one : page(query)) out += (out.empty() ? "" : " ") + one.name;
    return out;
  }
  struct Token {
    Uuid id;
    std::string text;
  };
  Result<Token> token(const AccountId &account, std::int64_t expires_ns = 0) {
    Token out;
    const auto sink =
        make_sink<atoll_app_token_sink>([&](const atoll_app_token *made) { out.id = from_abi<Uuid>(made->id); });
    const auto text = make_sink<atoll_text_sink>([&](atoll_str told) { out.text = view(told); });
    auto done = plugin->token_create(context(), account, "laptop", expires_ns, AppTokenEmitter(sink.get()),
                                     Emitter<atoll_text_sink>(text.get()));
    if (!done) return done.error();
    return out;
  }
};

}  // namespace

TEST_CASE("pages: every order, both ways, nothing twice and nothing left out") {
  Office f;
  for (int i = 0; i < 25; ++i)
    f.user("user" + std::to_string(i), "Name " + std::to_string(i % 4), std::to_string(i % 3) + "@example.org");
  for (const std::uint32_t order : {ATOLL_ACCOUNT_BY_NAME, ATOLL_ACCOUNT_BY_DISPLAY_NAME, ATOLL_ACCOUNT_BY_MAIL})
    for (const std::uint32_t down : {0u, ATOLL_ACCOUNT_QUERY_DESCENDING}) {
      auto query = Office::users();
      query.order = order;
      query.flags = down;
      const auto whole = f.page(query);
      CHECK(whole.size() == 26);  // with the admin
      std::vector<Office::Seen> pieces;
      query.limit = 7;
      for (;;) {
        const auto piece = f.page(query);
        pieces.insert(pieces.end(), piece.begin(), piece.end());
        if (piece.size() < 7) break;
        const std::string mail = "admin" == pieces.back().name
                                     ? ""
                                     : std::to_string(std::stoi(pieces.back().name.substr(4)) % 3) + "@example.org";
        static std::string after;
        after = order == ATOLL_ACCOUNT_BY_NAME   ? pieces.back().name
                : order == ATOLL_ACCOUNT_BY_MAIL ? mail
                                                 : pieces.back().display;
        query.after = str(after);
        query.after_id = to_abi(pieces.back().id);
      }
      CHECK(pieces == whole);
      CHECK(std::is_sorted(whole.begin(), whole.end(), [&](const auto &a, const auto &b) {
        if (order != ATOLL_ACCOUNT_BY_DISPLAY_NAME) return false;
        return down ? b.display < a.display : a.display < b.display;
      }));
    }
}

TEST_CASE("searches: any part, any case, and nothing in a text has a meaning") {
  Office f;
  f.user("einstein", "Albert Einstein", "albert@example.org");
  f.user("marie", "Marie Skłodowska", "marie@radium.example");
  f.user("percent_user", "100 \"quoted\" *stars*", "x@y.example");
  for (const auto &[text, wanted] : {std::pair("EINST", "einstein"),
                                     {"ski", ""},
                                     {"SKŁODO", "marie"},
                                     {"ie", "marie"},
                                     {"example", "einstein marie percent_user"},
                                     {"ample.org", "einstein"},
                                     {"\"quot", "percent_user"},
                                     {"*stars*", "percent_user"},
                                     {"t_u", "percent_user"},
                                     {"0 \"", "percent_user"},
                                     {"OR", "einstein"},
                                     {"einstein OR marie", ""},
                                     {"%%%", ""},
                                     {"marie\nmarie", ""},
                                     {"a\\b", ""}})
    CHECK_MESSAGE(f.names(Office::users(text)) == wanted, text);
  auto whole_mail = Office::users("radium");
  whole_mail.flags = ATOLL_ACCOUNT_QUERY_WHOLE_MAIL;
  CHECK(f.names(whole_mail).empty());
  whole_mail.text = str("Marie@Radium.example");
  CHECK(f.names(whole_mail) == "marie");
  // what is searched follows every change
  auto account = f.draft("einstein");
  account.id = to_abi(f.page(Office::users("einstein"))[0].id);
  account.display_name = str("Isaac Newton");
  REQUIRE(f.plugin->account_change(f.context(), account, ATOLL_ACCOUNT_SET_DISPLAY_NAME).ok());
  CHECK(f.names(Office::users("newton")) == "einstein");
  CHECK(f.names(Office::users("bert ein")).empty());
  REQUIRE(f.plugin->account_remove(f.context(), from_abi<AccountId>(account.id)).ok());
  CHECK(f.names(Office::users("newton")).empty());
}

TEST_CASE("filters: role, state, guests, groups, equal texts") {
  Office f;
  const auto marie = f.user("marie", "Marie", "m@x.example"), paul = f.user("paul", "Paul", "p@x.example");
  auto guest = f.draft("");
  guest.guest = 1;
  guest.app_role = ATOLL_ROLE_USER_LIGHT;
  guest.mail = str("guest@elsewhere.example");
  REQUIRE(f.make(guest).ok());
  const auto physics = f.group("physics"), chess = f.group("chess");
  REQUIRE(f.plugin->member_add(f.context(), physics, marie).ok());
  REQUIRE(f.plugin->member_add(f.context(), chess, paul).ok());
  auto query = Office::users();
  query.roles = 1u << ATOLL_ROLE_ADMIN | 1u << ATOLL_ROLE_USER_LIGHT;
  CHECK(f.names(query) == "admin guest@elsewhere.example");
  query = Office::users();
  query.flags = ATOLL_ACCOUNT_QUERY_GUESTS;
  CHECK(f.names(query) == "guest@elsewhere.example");
  query.flags = ATOLL_ACCOUNT_QUERY_MEMBERS;
  CHECK(f.names(query) == "admin marie paul");
  query = Office::users();
  const atoll_uuid both[] = {to_abi(physics), to_abi(chess)};
  query.groups = atoll_uuids{both, 2};
  CHECK(f.names(query) == "marie paul");
  query.groups.count = 1;
  CHECK(f.names(query) == "marie");
  query = Office::users();
  query.mail = str("P@X.example");
  CHECK(f.names(query) == "paul");
  auto off = f.draft("paul");
  off.id = to_abi(paul);
  off.enabled = 0;
  REQUIRE(f.plugin->account_change(f.context(), off, ATOLL_ACCOUNT_SET_ENABLED).ok());
  query = Office::users();
  query.flags = ATOLL_ACCOUNT_QUERY_DISABLED;
  CHECK(f.names(query) == "paul");
  std::string seen;
  const auto sink = make_sink<atoll_membership_sink>([&](const atoll_uuid *of, const atoll_account *account) {
    seen += std::string(view(account->name)) + (from_abi<AccountId>(*of) == physics ? "@physics " : "@chess ");
  });
  REQUIRE(f.plugin->members_of_many(f.context(), {physics, chess}, MembershipEmitter(sink.get())).ok());
  CHECK(seen.find("marie@physics") != seen.npos);
  CHECK(seen.find("paul@chess") != seen.npos);
  CHECK(f.plugin->groups_of_many(f.context(), {}, MembershipEmitter(sink.get())).ok());
}

TEST_CASE("an app token logs in its account, no other, until it is deleted") {
  Office f;
  const auto marie = f.user("marie"), paul = f.user("paul");
  const auto token = f.token(marie);
  REQUIRE(token.ok());
  CHECK(looks_like_token(token->text));
  CHECK_FALSE(looks_like_token("password"));
  REQUIRE(f.log_in("Marie", token->text).ok());
  CHECK(f.log_in("marie", token->text)->account == marie);
  CHECK(f.log_in("paul", token->text).status() == Status::Unauthenticated);
  CHECK(f.plugin->token_remove(f.context(), paul, token->id, {}).status() == Status::NotFound);
  CHECK(f.log_in("marie", "password").ok());
  // only a digest of it is on the disk
  auto database = sql::Sessions::open(f.settings.database_url);
  REQUIRE(database.ok());
  {
    auto lease = (*database)->get();
    REQUIRE(lease.ok());
    std::vector<std::string> kept;
    lease->run("SELECT label || digest || id FROM app_tokens", Poco::Data::Keywords::into(kept));
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].find(token->text) == std::string::npos);
  }
  SUBCASE("deleted by its text") {
    REQUIRE(f.plugin->token_remove(f.context(), marie, Uuid(), token->text).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  }
  SUBCASE("deleted by its id") {
    REQUIRE(f.plugin->token_remove(f.context(), marie, token->id, {}).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  }
  SUBCASE("the account is disabled") {
    auto off = f.draft("marie");
    off.id = to_abi(marie);
    off.enabled = 0;
    REQUIRE(f.plugin->account_change(f.context(), off, ATOLL_ACCOUNT_SET_ENABLED).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  }
  SUBCASE("the account goes") {
    REQUIRE(f.plugin->account_remove(f.context(), marie).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  }
  SUBCASE("the account is disabled and enabled again") {
    auto off = f.draft("marie");
    off.id = to_abi(marie);
    off.enabled = 0;
    REQUIRE(f.plugin->account_change(f.context(), off, ATOLL_ACCOUNT_SET_ENABLED).ok());
    off.enabled = 1;
    REQUIRE(f.plugin->account_change(f.context(), off, ATOLL_ACCOUNT_SET_ENABLED).ok());
    CHECK(f.log_in("marie", token->text).ok());
  }
  SUBCASE("an admin sets a new password") {
    const auto other = f.token(paul);
    REQUIRE(other.ok());
    REQUIRE(f.plugin->account_set_password(f.context(), marie, "other").ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
    CHECK(f.log_in("marie", "password").status() == Status::Unauthenticated);
    CHECK(f.log_in("paul", other->text).ok());
  }
  SUBCASE("one's own new password leaves it, unless it is to go") {
    REQUIRE(f.plugin->account_change_password(f.context(), marie, "password", "next").ok());
    CHECK(f.log_in("marie", token->text).ok());
    CHECK(f.plugin->account_change_password(f.context(), marie, "wrong", "x", ATOLL_PASSWORD_END_TOKENS).status() ==
          Status::Unauthenticated);
    CHECK(f.log_in("marie", token->text).ok());
    REQUIRE(f.plugin->account_change_password(f.context(), marie, "next", "last", ATOLL_PASSWORD_END_TOKENS).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
    CHECK(f.log_in("marie", "last").ok());
  }
  SUBCASE("all of the account are removed") {
    const auto other = f.token(paul);
    REQUIRE(other.ok());
    REQUIRE(f.log_in("paul", other->text).ok());
    REQUIRE(f.plugin->tokens_remove_all(f.context(), marie).ok());
    CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
    CHECK(f.log_in("paul", other->text).ok());
  }
}

TEST_CASE("a login tells what it was proved with, and how long that is good") {
  Office f;
  auto account = f.draft("marie");
  account.expires_ns = base::now_unix_ns() + 10 * kMinute;
  const auto marie = f.make(account);
  REQUIRE(marie.ok());
  const auto by_password = f.log_in("marie", "password");
  REQUIRE(by_password.ok());
  CHECK(by_password->login == ATOLL_LOGIN_PASSWORD);
  CHECK(by_password->login_ends_ns == account.expires_ns);
  const std::int64_t end = base::now_unix_ns() + kMinute;
  const auto token = f.token(*marie, end), endless = f.token(*marie);
  REQUIRE(token.ok());
  REQUIRE(endless.ok());
  for (int again = 0; again < 2; ++again) {  // looked up, and from memory
    const auto login = f.log_in("marie", token->text);
    REQUIRE(login.ok());
    CHECK(login->login == ATOLL_LOGIN_TOKEN);
    CHECK(login->login_ends_ns == end);
  }
  CHECK(f.log_in("marie", endless->text)->login_ends_ns == account.expires_ns);
}

TEST_CASE("a token that has expired logs in no more, also from memory; one in the past is refused") {
  Office f;
  const auto marie = f.user("marie");
  CHECK(f.token(marie, base::now_unix_ns() - 1).status() == Status::InvalidArgument);
  const std::int64_t end = base::now_unix_ns() + 400'000'000;
  const auto token = f.token(marie, end);
  REQUIRE(token.ok());
  static_cast<void>(f.log_in("marie", token->text));
  while (base::now_unix_ns() <= end) {
  }
  CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  for (int i = 0; i < 100; ++i) REQUIRE(f.token(marie).ok());  // the expired one does not count
  CHECK(f.token(marie).status() == Status::FailedPrecondition);
}

TEST_CASE("an account expires; the last admin cannot") {
  Office f;
  auto account = f.draft("late");
  const std::int64_t end = base::now_unix_ns() + 400'000'000;
  account.expires_ns = end;
  REQUIRE(f.make(account).ok());
  static_cast<void>(f.log_in("late", "password"));
  while (base::now_unix_ns() <= end) {
  }
  CHECK(f.log_in("late", "password").status() == Status::Unauthenticated);
  auto admin = f.draft("admin");
  admin.id = to_abi(f.page(Office::users("admin"))[0].id);
  admin.expires_ns = base::now_unix_ns() + kMinute;
  CHECK(f.plugin->account_change(f.context(), admin, ATOLL_ACCOUNT_SET_EXPIRES).status() == Status::FailedPrecondition);
  CHECK(f.log_in("admin", "admin password").ok());
}

TEST_CASE("guests need a mail address and have the least role") {
  Office f;
  auto guest = f.draft("");
  guest.guest = 1;
  guest.app_role = ATOLL_ROLE_USER_LIGHT;
  CHECK(f.make(guest).status() == Status::InvalidArgument);
  guest.mail = str("visitor@elsewhere.example");
  guest.app_role = ATOLL_ROLE_USER;
  CHECK(f.make(guest).status() == Status::InvalidArgument);
  guest.app_role = ATOLL_ROLE_USER_LIGHT;
  const auto id = f.make(guest);
  REQUIRE(id.ok());
  CHECK(f.log_in("Visitor@elsewhere.example", "password")->app_role == ATOLL_ROLE_USER_LIGHT);
  guest.id = to_abi(*id);
  guest.app_role = ATOLL_ROLE_ADMIN;
  CHECK(f.plugin->account_change(f.context(), guest, ATOLL_ACCOUNT_SET_APP_ROLE).status() == Status::InvalidArgument);
}

TEST_CASE("a login is noted; names change, and are free afterwards") {
  Office f;
  const auto marie = f.user("marie");
  const auto times = [&] {
    std::pair<std::int64_t, std::string> out;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) {
      out = {a->last_login_ns, std::string(view(a->issuer))};
    });
    REQUIRE(f.plugin->account_get(f.context(), marie, AccountEmitter(sink.get())).ok());
    return out;
  };
  CHECK(times() == std::pair<std::int64_t, std::string>(0, "local"));
  const std::int64_t before = base::now_unix_ns();
  REQUIRE(f.log_in("marie", "password").ok());
  CHECK(times().first >= before);
  f.user("taken");
  auto renamed = f.draft("taken");
  renamed.id = to_abi(marie);
  CHECK(f.plugin->account_change(f.context(), renamed, ATOLL_ACCOUNT_SET_NAME).status() == Status::AlreadyExists);
  renamed.name = str("curie");
  REQUIRE(f.plugin->account_change(f.context(), renamed, ATOLL_ACCOUNT_SET_NAME).ok());
  CHECK(f.log_in("marie", "password").status() == Status::Unauthenticated);
  CHECK(f.log_in("curie", "password")->account == marie);
  f.user("marie");
}

TEST_CASE("one's own password: the old one counts, an app token is none, guesses are slowed down") {
  Office f;
  const auto marie = f.user("marie");
  const auto token = f.token(marie);
  REQUIRE(token.ok());
  const auto change = [&](std::string_view old_password, std::string_view next) {
    return f.plugin->account_change_password(f.context(), marie, old_password, next).status();
  };
  CHECK(change("wrong", "next") == Status::Unauthenticated);
  CHECK(change(token->text, "next") == Status::Unauthenticated);
  CHECK(change("", "next") == Status::Unauthenticated);
  CHECK(change("password", "next") == Status::Ok);
  CHECK(f.log_in("marie", "next").ok());
  CHECK(f.log_in("marie", "password").status() == Status::Unauthenticated);
  Status last = Status::Ok;
  for (int i = 0; i < 30 && last != Status::ResourceExhausted; ++i) last = change("guess" + std::to_string(i), "x");
  CHECK(last == Status::ResourceExhausted);
}

TEST_CASE("the password policy holds for new passwords, and says what is missing") {
  Office f;
  const auto marie = f.user("marie");
  f.settings.passwords = {10, 1, 1, 2, 1};
  f.open();
  const auto refused = f.plugin->account_set_password(f.context(), marie, "short");
  CHECK(refused.status() == Status::InvalidArgument);
  CHECK(refused.error().message ==
        "the password needs at least 10 characters, 1 upper case letters, 2 digits, 1 other characters");
  CHECK(f.plugin->account_set_password(f.context(), marie, "Long enough 42").ok());
  CHECK(f.make(f.draft("paul"), "password").status() == Status::InvalidArgument);
  CHECK(f.log_in("admin", "admin password").ok());  // as it was
}

TEST_CASE("an import is whole or nothing, and names every entry that is wrong") {
  Office f;
  f.user("there", "Before");
  std::vector<AccountEntry> entries;
  for (const char *name : {"one", "two", "three"}) entries.push_back({f.draft(name), "secret", {"readers"}});
  const auto run = [&](std::uint32_t flags) {
    std::string problems;
    const auto sink = make_sink<atoll_import_sink>([&](std::uint64_t entry, atoll_str why) {
      problems += std::to_string(entry) + ":" + std::string(view(why)) + "\n";
    });
    const auto done = f.plugin->account_import(f.context(), entries, flags, ProblemEmitter(sink.get()));
    return std::pair(done.status(), problems);
  };
  entries.push_back({f.draft("there"), {}, {}});
  entries.push_back({f.draft("a/b"), {}, {}});
  entries.push_back({f.draft("TWO"), {}, {}});
  const auto [status, problems] = run(0);
  CHECK(status == Status::InvalidArgument);
  CHECK(problems.find("3:there is an account named there already") != problems.npos);
  CHECK(problems.find("4:the name holds") != problems.npos);
  CHECK(problems.find("5:the name TWO comes twice") != problems.npos);
  CHECK(f.names(Office::users()) == "admin there");
  CHECK(f.plugin->account_find(f.context(), ATOLL_ACCOUNT_GROUP, "readers", AccountEmitter(nullptr)).status() ==
        Status::NotFound);
  entries.resize(4);
  entries[3].account.display_name = str("After");
  CHECK(run(ATOLL_IMPORT_UPDATE | ATOLL_IMPORT_DRY).first == Status::Ok);
  CHECK(f.names(Office::users()) == "admin there");
  CHECK(run(ATOLL_IMPORT_UPDATE).first == Status::Ok);
  CHECK(f.names(Office::users()) == "admin one there three two");
  CHECK(f.page(Office::users("there"))[0].display == "After");
  CHECK(f.log_in("there", "password").ok());  // no password in the entry: as it was
  CHECK(f.log_in("two", "secret")->groups.size() == 1);
  entries = {{f.draft("admin"), {}, {}}};
  CHECK(run(ATOLL_IMPORT_UPDATE).first == Status::FailedPrecondition);  // would be a plain user
}

TEST_CASE("an import changes what its entries tell, and nothing else") {
  Office f;
  auto account = f.draft("marie");
  account.display_name = str("Marie Curie");
  account.mail = str("m@x.example");
  account.given_name = str("Marie");
  account.surname = str("Curie");
  account.language = str("pl");
  account.app_role = ATOLL_ROLE_SPACE_ADMIN;
  account.enabled = 0;
  account.expires_ns = base::now_unix_ns() + kMinute;
  const auto marie = f.make(account);
  REQUIRE(marie.ok());
  const auto stored = [&] {
    std::string out;
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) {
      for (const atoll_str text : {a->display_name, a->mail, a->given_name, a->surname, a->language})
        out += std::string(view(text)) + "|";
      out += std::to_string(a->app_role) + "|" + std::to_string(a->enabled) + "|" +
             std::to_string(a->expires_ns == account.expires_ns) + "|" + std::to_string(a->guest);
    });
    REQUIRE(f.plugin->account_get(f.context(), *marie, AccountEmitter(sink.get())).ok());
    return out;
  };
  std::string problems;
  const auto sink = make_sink<atoll_import_sink>([&](std::uint64_t entry, atoll_str why) {
    problems += std::to_string(entry) + ": " + std::string(view(why)) + "\n";
  });
  const auto import = [&](const AccountEntry &entry) {
    problems.clear();
    return f.plugin->account_import(f.context(), {entry}, ATOLL_IMPORT_UPDATE, ProblemEmitter(sink.get()));
  };
  const std::string before = stored();
  AccountEntry entry{f.draft("Marie"), "", {}, 0, {}};
  REQUIRE(import(entry).ok());
  CHECK(stored() == before);
  entry.account.mail = str("curie@x.example");
  entry.fields = ATOLL_ACCOUNT_SET_MAIL;
  REQUIRE(import(entry).ok());
  CHECK(stored() == "Marie Curie|curie@x.example|Marie|Curie|pl|3|0|1|0");
  entry.account.guest = 1;
  entry.account.app_role = ATOLL_ROLE_USER_LIGHT;
  entry.fields = ATOLL_ACCOUNT_SET_GUEST;
  CHECK(import(entry).status() == Status::InvalidArgument);
  CHECK(problems == "0: the account Marie is no guest, which an import cannot change\n");
  entry.account.guest = 0;
  REQUIRE(import(entry).ok());
  // a password that somebody else sets takes the account out of other hands
  auto on = f.draft("marie");
  on.id = to_abi(*marie);
  REQUIRE(f.plugin->account_change(f.context(), on, ATOLL_ACCOUNT_SET_ENABLED).ok());
  const auto token = f.token(*marie);
  REQUIRE(f.log_in("marie", token->text).ok());
  AccountEntry reset{f.draft("marie"), "new password", {}, 0, {}};
  REQUIRE(import(reset).ok());
  CHECK(f.log_in("marie", token->text).status() == Status::Unauthenticated);
  CHECK(f.log_in("marie", "new password").ok());
}

TEST_CASE("an import takes people before their groups, groups before their people, and members that are there") {
  for (const bool people_first : {true, false}) {
    Office f;
    f.user("paul");
    std::vector<AccountEntry> entries{{f.draft("marie"), "", {"Physics"}, ~0u, {}},
                                      {f.draft("physics", ATOLL_ACCOUNT_GROUP), "", {}, ~0u, {"Paul", "marie"}}};
    const AccountId given = *AccountId::parse("22222222-2222-4222-8222-222222222222");
    entries[1].account.id = to_abi(given);
    if (!people_first) std::swap(entries[0], entries[1]);
    std::string problems;
    const auto sink = make_sink<atoll_import_sink>([&](std::uint64_t, atoll_str why) { problems += view(why); });
    REQUIRE(f.plugin->account_import(f.context(), entries, 0, ProblemEmitter(sink.get())).ok());
    CHECK(problems.empty());
    std::string members;
    const auto seen = make_sink<atoll_account_sink>([&](const atoll_account *a) { members += view(a->name); });
    REQUIRE(f.plugin->members_of(f.context(), given, AccountEmitter(seen.get())).ok());
    CHECK(members == "mariepaul");
    std::vector<AccountEntry> unknown{{f.draft("chess", ATOLL_ACCOUNT_GROUP), "", {}, ~0u, {"nobody"}}};
    CHECK(f.plugin->account_import(f.context(), unknown, 0, ProblemEmitter(sink.get())).status() ==
          Status::InvalidArgument);
    CHECK(problems == "the member 'nobody' is no user of the file or here");
  }
}

TEST_CASE("accounts of the format before are all there, and found") {
  sql::TestFolder folder;
  const std::string url = "sqlite:" + folder.path() + "/accounts.db";
  {
    auto sessions = sql::Sessions::open(url);
    REQUIRE(sessions.ok());
    auto lease = (*sessions)->get();
    for (const char *statement :
         {"CREATE TABLE atoll_schema(component TEXT PRIMARY KEY, version BIGINT NOT NULL)",
          "INSERT INTO atoll_schema VALUES('auth-local', 1)",
          "CREATE TABLE accounts(id TEXT PRIMARY KEY, kind BIGINT NOT NULL, name TEXT NOT NULL, folded TEXT NOT NULL,"
          " display_name TEXT NOT NULL, mail TEXT NOT NULL, search TEXT NOT NULL, app_role BIGINT NOT NULL,"
          " enabled BIGINT NOT NULL, password TEXT NOT NULL, created_ns BIGINT NOT NULL, UNIQUE(kind, folded))",
          "CREATE TABLE identities(issuer TEXT NOT NULL, subject TEXT NOT NULL,"
          " account TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(issuer, subject))",
          "CREATE TABLE memberships(group_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,"
          " user_id TEXT NOT NULL REFERENCES accounts(id) ON DELETE CASCADE, PRIMARY KEY(group_id, user_id))",
          "INSERT INTO accounts VALUES('11111111-1111-4111-8111-111111111111', 1, 'Ünal', 'ünal', 'Ünal Ö', 'U@x.org',"
          " 'ünal' || char(10) || 'ünal ö' || char(10) || 'u@x.org', 4, 1, '', 5)"})
      lease->run(statement);
  }
  auto store = AccountStore::open(url);
  REQUIRE(store.ok());
  AccountQuery query;
  query.order = ATOLL_ACCOUNT_BY_MAIL;
  query.text = "NAL Ö";
  query.mail = "u@X.ORG";
  query.display_name = "ünal ö";
  const auto found = (*store)->page(query);
  REQUIRE(found.ok());
  REQUIRE(found->size() == 1);
  CHECK(found->front().created_ns == 5);
}
