// SPDX-License-Identifier: Apache-2.0
// Who sees and who changes whom, and what ends with an account.
#include <doctest/doctest.h>

#include <atoll/sdk/registry.hpp>

#include <algorithm>
#include <map>

#include "core/gateway/gateway.hpp"

namespace Atoll::gateway {
namespace {

AccountId account_id(int n) { return *AccountId::parse("aaaaaaaa-0000-4000-8000-00000000000" + std::to_string(n)); }
SpaceId space_id(int n) { return *SpaceId::parse("bbbbbbbb-0000-4000-8000-00000000000" + std::to_string(n)); }
const AccountId kBoss = account_id(1), kAda = account_id(2), kBob = account_id(3), kVisitor = account_id(4),
                kReaders = account_id(5), kWriters = account_id(6), kNobody = account_id(9);

/// Keeps accounts in memory, without rules.
struct Book : Directory<Book>, DirectoryAdmin<Book>, DirectoryTokens<Book> {
  /// What was done with app tokens, and of whom.
  std::string tokens;
  AccountId tokens_of;
  Result<void> note(const char *what, const AccountId &account) {
    tokens += what;
    tokens_of = account;
    return {};
  }
  Result<void> tokens_list(const Call &, AccountId account, const AppTokenEmitter &) { return note("list ", account); }
  Result<void> token_create(const Call &, AccountId account, std::string_view, std::int64_t, const AppTokenEmitter &,
                            const Emitter<atoll_text_sink> &) {
    return note("create ", account);
  }
  Result<void> token_remove(const Call &, AccountId account, Uuid, std::string_view) {
    return note("remove ", account);
  }
  Result<void> tokens_remove_all(const Call &, AccountId account) { return note("all ", account); }

  struct Row {
    std::uint32_t kind, role;
    std::string name, mail;
    bool enabled = true;
  };
  std::map<AccountId, Row> rows;
  std::vector<std::pair<AccountId, AccountId>> members;  // group, user
  int asked = 0;
  bool fails = false;

  static atoll_account raw(const AccountId &id, const Row &row) {
    auto out = sized<atoll_account>();
    out.id = to_abi(id);
    out.kind = row.kind;
    out.app_role = row.role;
    out.enabled = row.enabled ? 1 : 0;
    out.name = out.display_name = str(row.name);
    out.mail = str(row.mail);
    out.last_login_ns = out.created_ns = 5;
    out.language = str("de");
    out.issuer = str("local");
    return out;
  }
  Result<void> account_get(const Call &, AccountId id, const AccountEmitter &emit) {
    ++asked;
    if (fails) return error(Status::Unavailable, "away");
    const auto at = rows.find(id);
    if (at == rows.end()) return error(Status::NotFound, "no");
    emit(raw(id, at->second));
    return {};
  }
  Result<void> account_find(const Call &, std::uint32_t kind, std::string_view name, const AccountEmitter &emit) {
    ++asked;
    for (const auto &[id, row] : rows)
      if (row.kind == kind && row.name == name) {
        emit(raw(id, row));
        return {};
      }
    return error(Status::NotFound, "no");
  }
  Result<void> account_search(const Call &, std::uint32_t, std::string_view, std::string_view, std::uint64_t,
                              const AccountEmitter &) {
    return {};
  }
  std::uint32_t last_flags = 0;
  Result<void> account_page(const Call &, const atoll_account_query &query, const AccountEmitter &emit) {
    last_flags = query.flags;
    for (const auto &[id, row] : rows)
      if (row.kind == query.kind) emit(raw(id, row));
    return {};
  }
  Result<void> groups_of(const Call &, AccountId, const AccountEmitter &) { return {}; }
  Result<void> members_of(const Call &, AccountId, const AccountEmitter &) { return {}; }
  Result<void> groups_of_many(const Call &, const std::vector<AccountId> &users, const MembershipEmitter &emit) {
    for (const auto &[group, user] : members)
      if (std::count(users.begin(), users.end(), user)) emit(user, raw(group, rows.at(group)));
    return {};
  }
  Result<void> members_of_many(const Call &, const std::vector<AccountId> &groups, const MembershipEmitter &emit) {
    for (const auto &[group, user] : members)
      if (std::count(groups.begin(), groups.end(), group)) emit(group, raw(user, rows.at(user)));
    return {};
  }
  int changes = 0;
  Result<void> account_create(const Call &, const atoll_account &account, std::string_view,
                              const AccountEmitter &emit) {
    ++changes;
    emit(account);
    return {};
  }
  Result<void> account_update(const Call &, const atoll_account &) { return ++changes, Result<void>(); }
  Result<void> account_change(const Call &, const atoll_account &account, std::uint32_t fields) {
    ++changes;
    if (fields & ATOLL_ACCOUNT_SET_ENABLED) rows.at(from_abi<AccountId>(account.id)).enabled = account.enabled != 0;
    return {};
  }
  Result<void> account_set_password(const Call &, AccountId, std::string_view) { return ++changes, Result<void>(); }
  Result<void> account_remove(const Call &, AccountId id) {
    ++changes;
    rows.erase(id);
    return {};
  }
  Result<void> member_add(const Call &, AccountId, AccountId) { return ++changes, Result<void>(); }
  Result<void> member_remove(const Call &, AccountId, AccountId) { return ++changes, Result<void>(); }
  AccountId password_of;
  Result<void> account_change_password(const Call &, AccountId id, std::string_view, std::string_view, std::uint32_t) {
    password_of = id;
    return {};
  }
  Result<void> account_import(const Call &, const std::vector<AccountEntry> &, std::uint32_t, const ProblemEmitter &) {
    return ++changes, Result<void>();
  }
};

/// Spaces with members, each with all permissions.
struct Land : Registry<Land> {
  std::map<SpaceId, SpaceRecord> spaces;
  std::map<SpaceId, std::vector<std::pair<AccountId, std::uint32_t>>> held;  // account, kind
  std::uint64_t now = 1;
  bool away = false;

  bool reaches(const Call &call, const SpaceId &space) {
    const auto *principal = call.principal();
    for (const auto &[account, kind] : held[space]) {
      if (principal && from_abi<AccountId>(principal->account) == account) return true;
      for (std::uint64_t i = 0; principal && i < principal->groups.count; ++i)
        if (from_abi<AccountId>(principal->groups.items[i]) == account) return true;
    }
    return false;
  }
  SpaceRecord seen(const Call &call, SpaceRecord record) {
    record.permissions = reaches(call, record.id) ? 0x3ff : 0;
    return record;
  }
  Result<void> spaces_of(const Call &call, const SpaceRecordEmitter &emit) {
    if (away) return error(Status::Unavailable, "away");
    for (const auto &[id, record] : spaces)
      if (reaches(call, id)) emit(seen(call, record).abi());
    return {};
  }
  Result<void> space_get(const Call &call, const SpaceId &id, const SpaceRecordEmitter &emit) {
    if (spaces.count(id) == 0) return error(Status::NotFound, "no");
    emit(seen(call, spaces[id]).abi());
    return {};
  }
  Result<void> space_list(const Call &, const SpaceId &, std::uint64_t, const SpaceRecordEmitter &) { return {}; }
  Result<void> space_insert(const Call &, const SpaceRecord &record) {
    ++now;
    spaces[record.id] = record;
    return {};
  }
  Result<void> space_update(const Call &call, const SpaceRecord &record) { return space_insert(call, record); }
  Result<void> space_remove(const Call &, const SpaceId &id) {
    ++now;
    spaces.erase(id);
    return {};
  }
  Result<void> personal(const Call &call, const AccountId &owner, const SpaceRecordEmitter &emit) {
    for (const auto &[id, record] : spaces)
      if (record.type == ATOLL_SPACE_PERSONAL && record.owner == owner) {
        emit(seen(call, record).abi());
        return {};
      }
    return error(Status::NotFound, "no");
  }
  Result<void> member_put(const Call &, const SpaceId &, const atoll_member &) { return {}; }
  Result<void> member_remove(const Call &, const SpaceId &id, const AccountId &account) {
    ++now;
    std::erase_if(held[id], [&](const auto &one) { return one.first == account; });
    return {};
  }
  Result<void> members(const Call &, const SpaceId &id, const MemberEmitter &emit) {
    for (const auto &[account, kind] : held[id]) {
      auto raw = sized<atoll_member>();
      raw.kind = kind;
      raw.account = to_abi(account);
      raw.permissions = 0x3ff;
      emit(raw);
    }
    return {};
  }
  Result<std::uint64_t> generation(const Call &) { return now; }
};

struct Table : Instance {
  using Tables = std::map<std::string, const void *, std::less<>>;
  Table(std::string name, void *self, Tables tables)
      : name_(std::move(name)), self_(self), tables_(std::move(tables)) {}
  std::string_view name() const override { return name_; }
  void *self() const override { return self_; }
  const void *query(const char *id) const override {
    const auto at = tables_.find(std::string_view(id));
    return at == tables_.end() ? nullptr : at->second;
  }
  std::unique_lock<std::recursive_mutex> enter() const override { return {}; }
  std::string name_;
  void *self_;
  Tables tables_;
};

struct Place : InstanceLookup {
  Book book, foreign;  // the second cannot be changed
  Land land;
  std::vector<Lease> leases{
      std::make_shared<Table>("auth:local", &book,
                              Table::Tables{{ATOLL_DIRECTORY, Directory<Book>::table()},
                                            {ATOLL_DIRECTORY_ADMIN, DirectoryAdmin<Book>::table()},
                                            {ATOLL_DIRECTORY_TOKENS, DirectoryTokens<Book>::table()}}),
      std::make_shared<Table>("auth:ldap", &foreign, Table::Tables{{ATOLL_DIRECTORY, Directory<Book>::table()}}),
      std::make_shared<Table>("registry:main", &land, Table::Tables{{ATOLL_REGISTRY, Land::table()}})};
  Gateway gateway;
  const atoll_gateway_accounts_service *service = gateway.accounts_service();

  explicit Place(GatewayOptions options = {}) : gateway(*this, std::move(options)) {
    book.rows = {{kBoss, {ATOLL_ACCOUNT_USER, ATOLL_ROLE_ADMIN, "boss", "boss@x"}},
                 {kAda, {ATOLL_ACCOUNT_USER, ATOLL_ROLE_USER, "ada", "ada@x"}},
                 {kVisitor, {ATOLL_ACCOUNT_USER, ATOLL_ROLE_USER_LIGHT, "visitor", "v@y"}},
                 {kReaders, {ATOLL_ACCOUNT_GROUP, ATOLL_ROLE_NONE, "readers", ""}},
                 {kWriters, {ATOLL_ACCOUNT_GROUP, ATOLL_ROLE_NONE, "writers", ""}}};
    foreign.rows = {{kBob, {ATOLL_ACCOUNT_USER, ATOLL_ROLE_USER, "bob", "bob@x"}}};
    book.members = {{kReaders, kAda}, {kWriters, kBoss}};
  }
  void space(int n, std::uint32_t type, const AccountId &owner, std::vector<std::pair<AccountId, std::uint32_t>> who) {
    SpaceRecord record;
    record.id = space_id(n);
    record.type = type;
    record.state = ATOLL_SPACE_STATE_ACTIVE;
    record.owner = owner;
    record.name = "s" + std::to_string(n);
    land.spaces[record.id] = record;
    land.held[record.id] = std::move(who);
    ++land.now;
  }
  Result<Lease> lease(std::string_view name) override {
    for (const Lease &one : leases)
      if (one->name() == name) return one;
    return error(Status::NotFound, "not configured");
  }
  Result<std::vector<Lease>> all(const char *id) override {
    std::vector<Lease> out;
    for (const Lease &one : leases)
      if (one->query(id)) out.push_back(one);
    return out;
  }

  /// f(call) gives a status, as this account with this role and these groups.
  template <class F>
  Status as(const AccountId &who, std::uint32_t role, F f, std::vector<AccountId> groups = {}) {
    Principal principal;
    principal.account = who;
    principal.app_role = role;
    principal.groups = std::move(groups);
    principal.login = login;
    const AbiPrincipal raw(principal);
    OutgoingCall call;
    return static_cast<Status>(f(call.principal(raw.get()).get()));
  }
  std::uint32_t login = ATOLL_LOGIN_UNKNOWN;
  template <class F>
  Status boss(F f) {
    return as(kBoss, ATOLL_ROLE_ADMIN, f);
  }
  template <class F>
  Status ada(F f) {
    return as(kAda, ATOLL_ROLE_USER, f, {kReaders});
  }
  template <class F>
  Status visitor(F f) {
    return as(kVisitor, ATOLL_ROLE_USER_LIGHT, f);
  }
  /// A look at an account; what is told of it is kept.
  std::string mail, language;
  std::uint32_t told_role = 99;
  auto get(const AccountId &id) {
    return [this, id](const atoll_call *call) {
      const atoll_uuid raw = to_abi(id);
      const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *a) {
        mail = view(a->mail);
        language = view(a->language);
        told_role = a->app_role;
      });
      return service->directory->get(call, service->self, &raw, sink.get());
    };
  }
};

}  // namespace

TEST_CASE("accounts: without a login nothing, names for users, everything for admins, oneself for oneself") {
  Place p;
  OutgoingCall anonymous;
  CHECK(p.get(kAda)(anonymous.get()) == ATOLL_UNAUTHENTICATED);
  CHECK(p.ada(p.get(kBoss)) == Status::Ok);
  CHECK(p.mail.empty());
  CHECK(p.language.empty());
  CHECK(p.told_role == ATOLL_ROLE_NONE);
  CHECK(p.ada(p.get(kAda)) == Status::Ok);
  CHECK(p.mail == "ada@x");
  CHECK(p.boss(p.get(kBob)) == Status::Ok);  // of the other directory
  CHECK(p.mail == "bob@x");
  CHECK(p.told_role == ATOLL_ROLE_USER);
  CHECK(p.ada(p.get(kNobody)) == Status::NotFound);
  GatewayOptions open;
  open.show_mail = true;
  Place q(open);
  CHECK(q.ada(q.get(kBoss)) == Status::Ok);
  CHECK(q.mail == "boss@x");
  CHECK(q.language.empty());
}

TEST_CASE("accounts: a directory that cannot tell is no proof that there is no such account") {
  Place p;
  p.book.fails = true;
  CHECK(p.boss(p.get(kBob)) == Status::Unavailable);
}

TEST_CASE("accounts: a guest knows himself and the members of his spaces; for others nobody is even asked") {
  Place p;
  p.space(1, ATOLL_SPACE_PROJECT, {}, {{kVisitor, ATOLL_ACCOUNT_USER}, {kAda, ATOLL_ACCOUNT_USER}});
  CHECK(p.visitor(p.get(kVisitor)) == Status::Ok);
  CHECK(p.visitor(p.get(kAda)) == Status::Ok);
  CHECK(p.mail.empty());
  p.book.asked = 0;
  CHECK(p.visitor(p.get(kBoss)) == Status::NotFound);
  CHECK(p.visitor(p.get(kNobody)) == Status::NotFound);
  CHECK(p.visitor(p.get(kReaders)) == Status::NotFound);
  CHECK(p.book.asked == 0);
  const auto find = [&](std::string_view name) {
    return [&p, name](const atoll_call *call) {
      const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
      return p.service->directory->find(call, p.service->self, ATOLL_ACCOUNT_USER, str(name), sink.get());
    };
  };
  CHECK(p.visitor(find("ada")) == Status::Ok);
  CHECK(p.visitor(find("boss")) == Status::NotFound);
  CHECK(p.visitor(find("nobody")) == Status::NotFound);
  CHECK(p.as(kAda, ATOLL_ROLE_NONE, p.get(kBoss)) == Status::NotFound);
}

TEST_CASE("accounts: searches ask of hidden things for admins only, and guests find nobody") {
  Place p;
  std::size_t found = 0;
  const auto page = [&](auto change) {
    return [&p, &found, change](const atoll_call *call) {
      auto query = sized<atoll_account_query>();
      query.kind = ATOLL_ACCOUNT_USER;
      change(query);
      found = 0;
      const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *) { ++found; });
      return p.service->directory->page(call, p.service->self, &query, sink.get());
    };
  };
  const auto plain = [](atoll_account_query &query) { query.text = str("a"); };
  CHECK(p.ada(page(plain)) == Status::Ok);
  CHECK(found == 4);  // of both directories
  CHECK(p.book.last_flags == (ATOLL_ACCOUNT_QUERY_ENABLED | ATOLL_ACCOUNT_QUERY_WHOLE_MAIL));
  CHECK(p.boss(page(plain)) == Status::Ok);
  CHECK(p.book.last_flags == 0);
  CHECK(p.visitor(page(plain)) == Status::Ok);
  CHECK(found == 0);
  const atoll_uuid readers = to_abi(kReaders), writers = to_abi(kWriters);
  for (const auto &[who, wanted] : {std::pair(&readers, Status::Ok), {&writers, Status::PermissionDenied}}) {
    const atoll_uuid *group = who;
    CHECK(p.ada(page([group](atoll_account_query &query) { query.groups = atoll_uuids{group, 1}; })) == wanted);
    CHECK(p.boss(page([group](atoll_account_query &query) { query.groups = atoll_uuids{group, 1}; })) == Status::Ok);
  }
  for (int hidden = 0; hidden < 4; ++hidden) {
    const auto ask = page([hidden](atoll_account_query &query) {
      if (hidden == 0) query.roles = 2;
      if (hidden == 1) query.mail = str("ada@x");
      if (hidden == 2) query.order = ATOLL_ACCOUNT_BY_MAIL;
      if (hidden == 3) query.flags = ATOLL_ACCOUNT_QUERY_DISABLED;
    });
    CHECK(p.ada(ask) == Status::PermissionDenied);
    CHECK(p.visitor(ask) == Status::PermissionDenied);
    CHECK(p.boss(ask) == Status::Ok);
  }
}

TEST_CASE("accounts: memberships of oneself and of one's own groups") {
  Place p;
  const auto groups_of = [&](const AccountId &id) {
    return [&p, id](const atoll_call *call) {
      const atoll_uuid raw = to_abi(id);
      const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
      return p.service->directory->groups_of(call, p.service->self, &raw, sink.get());
    };
  };
  const auto members_of = [&](const AccountId &id) {
    return [&p, id](const atoll_call *call) {
      const atoll_uuid raw = to_abi(id);
      const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
      return p.service->directory->members_of(call, p.service->self, &raw, sink.get());
    };
  };
  CHECK(p.ada(groups_of(kAda)) == Status::Ok);
  CHECK(p.ada(groups_of(kBoss)) == Status::PermissionDenied);
  CHECK(p.ada(members_of(kReaders)) == Status::Ok);
  CHECK(p.ada(members_of(kWriters)) == Status::PermissionDenied);
  CHECK(p.visitor(members_of(kReaders)) == Status::NotFound);
  CHECK(p.visitor(groups_of(kBoss)) == Status::NotFound);
  CHECK(p.boss(groups_of(kAda)) == Status::Ok);
  CHECK(p.boss(members_of(kWriters)) == Status::Ok);
}

TEST_CASE("accounts: only admins change anything but their own language; what is elsewhere is managed there") {
  Place p;
  const atoll_uuid ada = to_abi(kAda), bob = to_abi(kBob), readers = to_abi(kReaders);
  auto draft = sized<atoll_account>();
  draft.kind = ATOLL_ACCOUNT_USER;
  draft.name = str("new");
  auto change = draft;
  change.id = to_abi(kBoss);
  const auto sink = make_sink<atoll_account_sink>([](const atoll_account *) {});
  const auto *admin = p.service->admin;
  void *self = p.service->self;
  const std::vector<std::function<std::int32_t(const atoll_call *)>> operations{
      [&](const atoll_call *c) { return admin->create(c, self, &draft, str("x"), sink.get()); },
      [&](const atoll_call *c) { return admin->update(c, self, &change); },
      [&](const atoll_call *c) { return admin->change(c, self, &change, ATOLL_ACCOUNT_SET_LANGUAGE); },
      [&](const atoll_call *c) { return admin->set_password(c, self, &ada, str("x")); },
      [&](const atoll_call *c) { return admin->member_add(c, self, &readers, &ada); },
      [&](const atoll_call *c) { return admin->member_remove(c, self, &readers, &ada); },
      [&](const atoll_call *c) { return admin->import_(c, self, nullptr, 0, 0, 0, nullptr); },
      [&](const atoll_call *c) { return admin->remove(c, self, &readers); },
      [&](const atoll_call *c) { return p.service->remove_account(c, self, &ada, 0); }};
  for (const auto &operation : operations) {
    CHECK(p.ada(operation) == Status::PermissionDenied);
    CHECK(p.visitor(operation) == Status::PermissionDenied);
    CHECK(p.as(kAda, ATOLL_ROLE_SPACE_ADMIN, operation) == Status::PermissionDenied);
    OutgoingCall anonymous;
    CHECK(operation(anonymous.get()) == ATOLL_UNAUTHENTICATED);
  }
  CHECK(p.book.changes == 0);
  for (const auto &operation : operations) CHECK(p.boss(operation) == Status::Ok);
  change.id = to_abi(kVisitor);
  CHECK(p.visitor([&](const atoll_call *c) { return admin->change(c, self, &change, ATOLL_ACCOUNT_SET_LANGUAGE); }) ==
        Status::Ok);
  CHECK(p.visitor([&](const atoll_call *c) {
    return admin->change(c, self, &change, ATOLL_ACCOUNT_SET_LANGUAGE | ATOLL_ACCOUNT_SET_MAIL);
  }) == Status::PermissionDenied);
  CHECK(p.boss([&](const atoll_call *c) { return admin->set_password(c, self, &bob, str("x")); }) ==
        Status::FailedPrecondition);
  draft.name = str("bob");
  CHECK(p.boss(operations[0]) == Status::AlreadyExists);
  draft.name = str("late");
  draft.expires_ns = 1;
  CHECK(p.boss(operations[0]) == Status::InvalidArgument);
}

TEST_CASE("accounts: everybody changes his own password, wherever it says to") {
  Place p;
  const auto change = [&](const atoll_call *c) {
    return p.service->change_password(c, p.service->self, str("old"), str("new"));
  };
  CHECK(p.ada(change) == Status::Ok);
  CHECK(p.book.password_of == kAda);
  CHECK(p.as(kBob, ATOLL_ROLE_USER, change) == Status::FailedPrecondition);
  CHECK(p.ada([&](const atoll_call *c) {
    const atoll_uuid boss = to_abi(kBoss);
    return p.service->admin->change_password(c, p.service->self, &boss, str("old"), str("new"));
  }) == Status::Unimplemented);
}

TEST_CASE("accounts: a guest and who has no role are told of those in their groups whom they know anyway") {
  Place p;
  p.book.members = {{kReaders, kAda}, {kReaders, kVisitor}, {kReaders, kBoss}, {kReaders, kNobody}};
  p.book.rows[kNobody] = {ATOLL_ACCOUNT_USER, ATOLL_ROLE_NONE, "nobody", ""};
  p.space(1, ATOLL_SPACE_PROJECT, {}, {{kVisitor, ATOLL_ACCOUNT_USER}, {kAda, ATOLL_ACCOUNT_USER}});
  std::vector<AccountId> seen;
  const auto members = [&](const atoll_call *call) {
    seen.clear();
    const atoll_uuid raw = to_abi(kReaders);
    const atoll_uuids groups{&raw, 1};
    const auto sink = make_sink<atoll_membership_sink>(
        [&](const atoll_uuid *, const atoll_account *a) { seen.push_back(from_abi<AccountId>(a->id)); });
    return p.service->directory->members_of_many(call, p.service->self, &groups, sink.get());
  };
  CHECK(p.as(kVisitor, ATOLL_ROLE_USER_LIGHT, members, {kReaders}) == Status::Ok);
  CHECK(seen == std::vector<AccountId>{kAda, kVisitor});
  CHECK(p.as(kNobody, ATOLL_ROLE_NONE, members, {kReaders}) == Status::Ok);
  CHECK(seen == std::vector<AccountId>{kNobody});
  CHECK(p.as(kAda, ATOLL_ROLE_USER, members, {kReaders}) == Status::Ok);
  CHECK(seen.size() == 4);
}

TEST_CASE("accounts: app tokens are made by their owner; admins list and remove those of others") {
  Place p;
  const atoll_uuid own{}, ada = to_abi(kAda), boss = to_abi(kBoss), some = to_abi(space_id(1)), none{};
  const auto *tokens = p.service->tokens;
  void *self = p.service->self;
  const auto sink = make_sink<atoll_app_token_sink>([](const atoll_app_token *) {});
  const auto secret = make_sink<atoll_text_sink>([](atoll_str) {});
  using Operation = std::function<std::int32_t(const atoll_call *)>;
  const auto list = [&](const atoll_uuid *of) -> Operation {
    return [&, of](const atoll_call *c) { return tokens->list(c, self, of, sink.get()); };
  };
  const auto create = [&](const atoll_uuid *of) -> Operation {
    return [&, of](const atoll_call *c) { return tokens->create(c, self, of, str("x"), 0, sink.get(), secret.get()); };
  };
  const auto remove = [&](const atoll_uuid *of, const atoll_uuid *id) -> Operation {
    return [&, of, id](const atoll_call *c) { return tokens->remove(c, self, of, id, str("text")); };
  };
  const auto all = [&](const atoll_uuid *of) -> Operation {
    return [&, of](const atoll_call *c) { return tokens->remove_all(c, self, of); };
  };
  for (const auto &mine : {list(&own), create(&own), remove(&own, &some), remove(&own, &none), all(&own)}) {
    CHECK(p.ada(mine) == Status::Ok);
    CHECK(p.book.tokens_of == kAda);
    OutgoingCall anonymous;
    CHECK(mine(anonymous.get()) == ATOLL_UNAUTHENTICATED);
  }
  p.book.tokens.clear();
  for (const auto &theirs : {list(&boss), create(&boss), remove(&boss, &some), remove(&boss, &none), all(&boss)}) {
    CHECK(p.ada(theirs) == Status::PermissionDenied);
    CHECK(p.as(kAda, ATOLL_ROLE_SPACE_ADMIN, theirs) == Status::PermissionDenied);
  }
  CHECK(p.boss(create(&ada)) == Status::PermissionDenied);
  CHECK(p.book.tokens.empty());
  for (const auto &theirs : {list(&ada), remove(&ada, &some), all(&ada)}) {
    CHECK(p.boss(theirs) == Status::Ok);
    CHECK(p.book.tokens_of == kAda);
  }
}

TEST_CASE("accounts: an app token gives nothing that outlives it or is more than it") {
  Place p;
  p.login = ATOLL_LOGIN_TOKEN;
  const atoll_uuid own{}, ada = to_abi(kAda), boss = to_abi(kBoss), some = to_abi(space_id(1)), none{};
  const auto *admin = p.service->admin;
  const auto *tokens = p.service->tokens;
  void *self = p.service->self;
  const auto accounts = make_sink<atoll_account_sink>([](const atoll_account *) {});
  const auto sink = make_sink<atoll_app_token_sink>([](const atoll_app_token *) {});
  const auto secret = make_sink<atoll_text_sink>([](atoll_str) {});
  auto draft = sized<atoll_account>();
  draft.kind = ATOLL_ACCOUNT_USER;
  draft.name = str("new");
  draft.app_role = ATOLL_ROLE_SPACE_ADMIN;
  auto raised = draft;
  raised.id = ada;
  using Operation = std::function<std::int32_t(const atoll_call *)>;
  const std::vector<Operation> refused{
      [&](const atoll_call *c) { return tokens->create(c, self, &own, str("x"), 0, sink.get(), secret.get()); },
      [&](const atoll_call *c) { return tokens->remove(c, self, &own, &some, str("")); },
      [&](const atoll_call *c) { return tokens->remove(c, self, &ada, &some, str("")); },
      [&](const atoll_call *c) { return tokens->remove_all(c, self, &own); },
      [&](const atoll_call *c) { return tokens->remove_all(c, self, &ada); },
      [&](const atoll_call *c) { return admin->set_password(c, self, &boss, str("x")); },
      [&](const atoll_call *c) { return admin->set_password(c, self, &ada, str("x")); },
      [&](const atoll_call *c) { return p.service->change_password(c, self, str("old"), str("new")); },
      [&](const atoll_call *c) {
        return p.service->change_password_with(c, self, str("old"), str("new"), ATOLL_PASSWORD_END_TOKENS);
      },
      [&](const atoll_call *c) { return admin->create(c, self, &draft, str("x"), accounts.get()); },
      [&](const atoll_call *c) { return admin->change(c, self, &raised, ATOLL_ACCOUNT_SET_APP_ROLE); },
      [&](const atoll_call *c) { return admin->import_(c, self, nullptr, 0, 0, 0, nullptr); }};
  for (std::size_t i = 0; i < refused.size(); ++i) {
    CAPTURE(i);
    CHECK(p.boss(refused[i]) == Status::PermissionDenied);
  }
  CHECK(p.book.changes == 0);
  CHECK(p.book.tokens.empty());
  // its own end, and the work of every day
  CHECK(p.ada([&](const atoll_call *c) { return tokens->remove(c, self, &own, &none, str("its text")); }) ==
        Status::Ok);
  raised.app_role = draft.app_role = ATOLL_ROLE_USER;
  CHECK(p.boss([&](const atoll_call *c) { return admin->create(c, self, &draft, str("x"), accounts.get()); }) ==
        Status::Ok);
  CHECK(p.boss([&](const atoll_call *c) { return admin->change(c, self, &raised, ATOLL_ACCOUNT_SET_APP_ROLE); }) ==
        Status::Ok);
  // the same with a password
  p.login = ATOLL_LOGIN_PASSWORD;
  for (std::size_t i = 0; i < refused.size(); ++i) {
    CAPTURE(i);
    CHECK(p.boss(refused[i]) == Status::Ok);
  }
}

TEST_CASE("accounts: the end of one ends memberships and disables the personal space, once all of it can be done") {
  Place p;
  p.space(1, ATOLL_SPACE_PROJECT, {}, {{kAda, ATOLL_ACCOUNT_USER}, {kBob, ATOLL_ACCOUNT_USER}});
  p.space(2, ATOLL_SPACE_PERSONAL, kAda, {{kAda, ATOLL_ACCOUNT_USER}});
  p.space(3, ATOLL_SPACE_PROJECT, {}, {{kReaders, ATOLL_ACCOUNT_GROUP}, {kBob, ATOLL_ACCOUNT_USER}});
  const auto remove = [&](const AccountId &id) {
    return [&p, id](const atoll_call *c) {
      const atoll_uuid raw = to_abi(id);
      return p.service->remove_account(c, p.service->self, &raw, 0);
    };
  };
  p.land.away = true;
  CHECK(p.boss(remove(kAda)) == Status::Unavailable);
  CHECK_FALSE(p.book.rows.at(kAda).enabled);
  p.land.away = false;
  CHECK(p.boss(remove(kAda)) == Status::Ok);
  CHECK(p.book.rows.count(kAda) == 0);
  CHECK(p.land.held[space_id(1)].size() == 1);
  CHECK(p.land.spaces.at(space_id(2)).state == ATOLL_SPACE_STATE_DISABLED);
  CHECK(p.boss(remove(kAda)) == Status::NotFound);
  CHECK(p.boss(remove(kReaders)) == Status::Ok);
  CHECK(p.land.held[space_id(3)].size() == 1);
  CHECK(p.boss(remove(kBob)) == Status::FailedPrecondition);
  CHECK(p.land.held[space_id(3)].size() == 1);
}

}  // namespace Atoll::gateway
