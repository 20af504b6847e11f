// SPDX-License-Identifier: Apache-2.0
#include "core/host/user_verbs.hpp"

#include <atoll/sdk/call.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "core/host/account_file.hpp"

namespace Atoll::host {
namespace {

struct Account {
  atoll_uuid raw_id{};
  std::string id, name, display_name, mail;
  std::uint32_t app_role = ATOLL_ROLE_NONE;
  bool enabled = true;

  static Account from(const atoll_account &raw) {
    Account out;
    out.raw_id = raw.id;
    out.id = from_abi<AccountId>(raw.id).text();
    out.name = view(raw.name);
    out.display_name = view(raw.display_name);
    out.mail = view(raw.mail);
    out.app_role = raw.app_role;
    out.enabled = raw.enabled != 0;
    return out;
  }
};

std::string_view role_name(std::uint32_t role) {
  switch (role) {
    case ATOLL_ROLE_ADMIN:
      return "admin";
    case ATOLL_ROLE_SPACE_ADMIN:
      return "space admin";
    case ATOLL_ROLE_USER:
      return "user";
    case ATOLL_ROLE_USER_LIGHT:
      return "user light";
    default:
      return "none";
  }
}

void append_account(base::JsonWriter &json, const Account &account, std::string_view instance) {
  json.begin_object().field("id", account.id).field("name", account.name).field("display_name", account.display_name);
  json.field("mail", account.mail).field("role", role_name(account.app_role)).field("enabled", account.enabled);
  json.field("directory", instance).end_object();
}

Result<std::vector<Account>> list(const Lease &lease) {
  constexpr std::uint64_t kPage = 1000;
  std::vector<Account> out;
  const auto *table = lease.table<atoll_directory>(ATOLL_DIRECTORY);
  if (!table) return error(Status::Unimplemented, "[" + lease.instance().name() + "] cannot list its accounts");
  for (;;) {
    const std::string after = out.empty() ? "" : out.back().name;
    std::uint64_t count = 0;
    OutgoingCall call;
    auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) {
      out.push_back(Account::from(*raw));
      ++count;
    });
    const CallLock lock = lease.lock();
    const auto done = call.result(
        table->search(call.get(), lease.self(), ATOLL_ACCOUNT_USER, str(""), str(after), kPage, sink.get()));
    sink.rethrow();
    if (!done) return done.error();
    if (count < kPage) return out;
  }
}

Result<Account> find(const Lease &lease, const std::string &name) {
  const auto *table = lease.table<atoll_directory>(ATOLL_DIRECTORY);
  if (!table) return error(Status::Unimplemented, "[" + lease.instance().name() + "] cannot find accounts by name");
  std::optional<Account> found;
  OutgoingCall call;
  auto sink = make_sink<atoll_account_sink>([&](const atoll_account *raw) { found = Account::from(*raw); });
  const CallLock lock = lease.lock();
  const auto done = call.result(table->find(call.get(), lease.self(), ATOLL_ACCOUNT_USER, str(name), sink.get()));
  sink.rethrow();
  if (!done) return done.error();
  if (!found) return error(Status::NotFound, "no such account");
  return std::move(*found);
}

class UserVerbs {
 public:
  UserVerbs(const Runtime &runtime, const base::JsonObject &request)
      : runtime_(runtime), instances_(runtime.instances), request_(request) {}

  Result<std::string> list_all() {
    std::string out;
    base::JsonWriter json(out);
    json.begin_object().key("users").begin_array();
    auto done = each([&](const Lease &lease) -> Result<bool> {
      auto accounts = list(lease);
      if (!accounts) return std::move(accounts).error();
      for (const auto &account : *accounts) append_account(json, account, lease.instance().name());
      return true;
    });
    if (!done) return std::move(done).error();
    json.end_array().end_object();
    return out;
  }

  Result<std::string> add() {
    const std::string name = text("name"), display_name = text("display_name"), mail = text("mail");
    const std::string password = text("password");
    if (name.empty()) return error(Status::InvalidArgument, "a new account needs a name");
    auto account = sized<atoll_account>();
    account.kind = ATOLL_ACCOUNT_USER;
    account.app_role = base::json_boolean(request_, "admin").value_or(false) ? ATOLL_ROLE_ADMIN : ATOLL_ROLE_USER;
    account.enabled = 1;
    account.name = str(name);
    account.display_name = str(display_name.empty() ? name : display_name);
    account.mail = str(mail);
    // The first directory that can takes it; the gateway sees to it that no other one has the name.
    std::string directory, out;
    auto first = each([&](const Lease &lease) -> Result<bool> {
      directory = lease.instance().name();
      return false;
    });
    if (!first) return std::move(first).error();
    const auto sink = make_sink<atoll_account_sink>([&](const atoll_account *made) {
      base::JsonWriter json(out);
      append_account(json, Account::from(*made), directory);
    });
    const auto done = as_admin([&](const atoll_call *call) {
      return runtime_.gateway_accounts->admin->create(call, runtime_.gateway_accounts->self, &account, str(password),
                                                      sink.get());
    });
    sink.rethrow();
    if (!done) return done.error();
    return out.empty() ? "{}" : out;
  }

  Result<std::string> set_password() {
    const std::string password = text("password");
    if (password.empty()) return error(Status::InvalidArgument, "the new password is empty");
    return on_account([&](const Lease &lease, const Account &account, OutgoingCall &call) {
      return admin(lease)->set_password(call.get(), lease.self(), &account.raw_id, str(password));
    });
  }

  /// Through the gateway: his spaces and memberships end with him.
  Result<std::string> remove() {
    const auto *accounts = runtime_.gateway_accounts;
    std::optional<atoll_uuid> id;
    auto found = on_account([&](const Lease &, const Account &account, OutgoingCall &) {
      id = account.raw_id;
      return ATOLL_OK;
    });
    if (!found || !id) return found;
    const auto done = as_admin([&](const atoll_call *call) {
      return accounts->remove_account(call, accounts->self, &*id,
                                      base::json_boolean(request_, "purge").value_or(false) ? 1 : 0);
    });
    if (!done) return done.error();
    return std::string("{}");
  }

  /// {"entries": N}, or {"problems": [{"line", "text"}]} when nothing was changed.
  Result<std::string> import() {
    auto file = read_account_file(text("format"), text("text"));
    if (!file) return std::move(file).error();
    std::vector<AccountProblem> problems = std::move(file->problems);
    const auto *admin_table = runtime_.gateway_accounts->admin;
    if (problems.empty()) {
      const AbiAccountEntries entries(file->entries);
      const auto sink = make_sink<atoll_import_sink>([&](std::uint64_t entry, atoll_str why) {
        const bool known = entry < file->entries.size();
        problems.push_back({known ? file->entries[static_cast<std::size_t>(entry)].line : 0, std::string(view(why))});
      });
      const std::uint32_t flags = (base::json_boolean(request_, "dry").value_or(false) ? ATOLL_IMPORT_DRY : 0u) |
                                  (base::json_boolean(request_, "update").value_or(false) ? ATOLL_IMPORT_UPDATE : 0u);
      const auto done = as_admin([&](const atoll_call *call) {
        return admin_table->import_(call, runtime_.gateway_accounts->self, entries.data(), entries.size(),
                                    sizeof(atoll_account_entry), flags, sink.get());
      });
      sink.rethrow();
      if (!done && problems.empty()) return done.error();
      std::stable_sort(problems.begin(), problems.end(),
                       [](const AccountProblem &a, const AccountProblem &b) { return a.line < b.line; });
    }
    std::string out;
    base::JsonWriter json(out);
    json.begin_object().field("entries", std::uint64_t{file->entries.size()}).key("problems").begin_array();
    for (const AccountProblem &problem : problems)
      json.begin_object().field("line", std::uint64_t{problem.line}).field("text", problem.text).end_object();
    json.end_array().end_object();
    return out;
  }

  /// {"tokens": [{"id", "label", "created", "expires", "last_used"}]}, seconds since 1970; with `remove` (an id, or
  /// all) these end instead.
  Result<std::string> tokens() {
    const auto *accounts = runtime_.gateway_accounts;
    std::optional<atoll_uuid> account;
    auto found = on_account([&](const Lease &, const Account &one, OutgoingCall &) {
      account = one.raw_id;
      return ATOLL_OK;
    });
    if (!found || !account) return found;
    const std::string removed = text("remove");
    if (!removed.empty()) {
      const auto token = removed == "all" ? Uuid() : Uuid::parse(removed);
      if (!token) return error(Status::InvalidArgument, "'" + removed + "' is no id of an app token, and not all");
      const atoll_uuid id = to_abi(*token);
      const auto done = as_admin([&](const atoll_call *call) {
        return removed == "all" ? accounts->tokens->remove_all(call, accounts->self, &*account)
                                : accounts->tokens->remove(call, accounts->self, &*account, &id, str(""));
      });
      if (!done) return done.error();
      return std::string("{}");
    }
    std::string out;
    base::JsonWriter json(out);
    json.begin_object().key("tokens").begin_array();
    const auto sink = make_sink<atoll_app_token_sink>([&](const atoll_app_token *raw) {
      constexpr std::int64_t second = 1'000'000'000;
      json.begin_object().field("id", from_abi<Uuid>(raw->id).text()).field("label", view(raw->label));
      json.field("created", raw->created_ns / second).field("expires", raw->expires_ns / second);
      json.field("last_used", raw->last_used_ns / second).end_object();
    });
    const auto done = as_admin(
        [&](const atoll_call *call) { return accounts->tokens->list(call, accounts->self, &*account, sink.get()); });
    sink.rethrow();
    if (!done) return done.error();
    json.end_array().end_object();
    return out;
  }

  /// {"text": all users and groups}
  Result<std::string> export_all() {
    std::vector<FileAccount> all;
    for (const std::uint32_t kind : {ATOLL_ACCOUNT_GROUP, ATOLL_ACCOUNT_USER})
      if (auto read = read_all(kind, all); !read) return std::move(read).error();
    auto written = write_account_file(text("format"), all);
    if (!written) return std::move(written).error();
    std::string out;
    base::JsonWriter json(out);
    json.begin_object().field("text", *written).end_object();
    return out;
  }

 private:
  /// A call of the server itself, which may everything: f(call) gives its status.
  template <class F>
  static Result<void> as_admin(F f) {
    auto principal = sized<atoll_principal>();
    principal.kind = ATOLL_PRINCIPAL_SERVICE;
    principal.app_role = ATOLL_ROLE_ADMIN;
    principal.issuer = principal.name = principal.subject = str("control");
    OutgoingCall call;
    return call.result(f(call.principal(&principal).get()));
  }

  /// All accounts of a kind with the names of the groups of users, a page at a time.
  Result<void> read_all(std::uint32_t kind, std::vector<FileAccount> &out) {
    const auto *accounts = runtime_.gateway_accounts;
    constexpr std::uint64_t kPage = 500;
    std::string after;
    auto query = sized<atoll_account_query>();
    query.kind = kind;
    query.limit = kPage;
    for (;;) {
      const std::size_t first = out.size();
      const auto sink =
          make_sink<atoll_account_sink>([&](const atoll_account *raw) { out.push_back(FileAccount(*raw)); });
      auto done = as_admin(
          [&](const atoll_call *call) { return accounts->directory->page(call, accounts->self, &query, sink.get()); });
      sink.rethrow();
      if (!done) return done;
      if (kind == ATOLL_ACCOUNT_USER && out.size() > first) {
        std::vector<atoll_uuid> ids;
        std::map<AccountId, std::size_t> places;
        for (std::size_t i = first; i < out.size(); ++i) {
          ids.push_back(to_abi(out[i].id));
          places[out[i].id] = i;
        }
        const atoll_uuids users{ids.data(), ids.size()};
        const auto groups = make_sink<atoll_membership_sink>([&](const atoll_uuid *of, const atoll_account *group) {
          out[places.at(from_abi<AccountId>(*of))].groups.emplace_back(view(group->name));
        });
        done = as_admin([&](const atoll_call *call) {
          return accounts->directory->groups_of_many(call, accounts->self, &users, groups.get());
        });
        groups.rethrow();
        if (!done) return done;
      }
      if (out.size() - first < kPage) return {};
      after = out.back().name;
      query.after = str(after);
      query.after_id = to_abi(out.back().id);
    }
  }

  std::string text(const char *key) const { return base::json_string(request_, key).value_or(""); }
  static const atoll_directory_admin *admin(const Lease &lease) {
    return lease.table<atoll_directory_admin>(ATOLL_DIRECTORY_ADMIN);
  }

  // Calls f for each directory that can be changed; false stops.
  template <class F>
  Result<void> each(F f) {
    std::optional<Error> failed;
    auto asked = instances_.each(ATOLL_DIRECTORY_ADMIN, [&](const Lease &lease) {
      Result<bool> more = f(lease);
      if (more) return *more;
      failed = std::move(more).error();
      return false;
    });
    if (failed) return std::move(*failed);
    if (!asked && asked.status() == Status::NotFound)
      return error(Status::Unimplemented,
                   "no section has a plugin that manages accounts; add [auth:local] plugin = "
                   "auth-local, or manage them where they come from");
    return asked;
  }

  template <class F>
  Result<std::string> on_account(F f) {
    const std::string name = text("name");
    bool done = false;
    auto asked = each([&](const Lease &lease) -> Result<bool> {
      auto account = find(lease, name);
      if (!account && account.status() == Status::NotFound) return true;
      if (!account) return std::move(account).error();
      OutgoingCall call;
      const CallLock lock = lease.lock();
      auto result = call.result(f(lease, *account, call));
      if (!result) return std::move(result).error();
      done = true;
      return false;
    });
    if (!asked) return std::move(asked).error();
    if (!done) return error(Status::NotFound, "there is no account '" + name + "'; atoll user list shows all");
    return std::string("{}");
  }

  const Runtime &runtime_;
  const InstanceSet &instances_;
  const base::JsonObject &request_;
};

}  // namespace

Result<std::string> run_user_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request) {
  UserVerbs verbs(runtime, request);
  if (verb == "user.list") return verbs.list_all();
  if (verb == "user.add") return verbs.add();
  if (verb == "user.passwd") return verbs.set_password();
  if (verb == "user.remove") return verbs.remove();
  if (verb == "user.tokens") return verbs.tokens();
  if (verb == "user.import") return verbs.import();
  if (verb == "user.export") return verbs.export_all();
  return error(Status::InvalidArgument, "there is no verb '" + std::string(verb) + "'");
}

}  // namespace Atoll::host
