// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/authenticator.hpp"

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <utility>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/auth-local/app_token.hpp"
#include "plugins/auth-local/names.hpp"

namespace Atoll::auth_local {

namespace {

constexpr int kRounds = 5;
constexpr std::int64_t kNoteAgain = 3'600'000'000'000;  // when a login was noted less than this ago, it is not again

/// How long a login may be believed when it ends at the first of these times; 0: no limit.
std::int64_t until(std::int64_t now, std::initializer_list<std::int64_t> ends) {
  std::int64_t least = 0;
  for (const std::int64_t end : ends)
    if (end != 0)
      least = least == 0 ? std::max<std::int64_t>(end - now, 1) : std::min(least, std::max<std::int64_t>(end - now, 1));
  return least;
}

Error wrong() { return error(Status::Unauthenticated, "wrong name or password"); }

}  // namespace

Login Authenticator::authenticate(std::string_view name, std::string_view password, std::string_view address) {
  // Neither can belong to an account, whoever asks.
  if (name.empty() || name.size() > kMaxNameBytes || !base::valid_utf8(name) || password.empty() ||
      password.size() > kMaxPasswordBytes)
    return wrong();
  const std::string folded_name = folded(name);
  const LoginKey key = cache_.key(folded_name, password);
  if (auto known = remembered(key)) return *std::move(known);
  if (!check_name(name)) return wrong();

  std::shared_ptr<Flight> flight;
  bool joined = false;
  {
    std::unique_lock lock(mutex_);
    const auto found = flights_.find(key);
    if (found == flights_.end()) {
      flight = std::make_shared<Flight>();
      flight->ticket = cache_.ticket();
      flights_.emplace(key, flight);
    } else if (found->second->ticket == cache_.ticket()) {
      const auto other = found->second;
      landed_.wait(lock, [&] { return other->outcome.has_value(); });
      if (!store_.shared()) return *other->outcome;
      joined = true;
    }  // else: it began before a change that this login must already see
  }
  // Another server may have changed the account after that login began.
  if (joined)
    if (auto known = remembered(key)) return *std::move(known);
  if (!flight) return verify_alone(key, folded_name, password, address);
  std::optional<Login> outcome;
  try {
    outcome = verify_alone(key, folded_name, password, address);
  } catch (const std::exception &failure) {
    outcome = error(Status::Unavailable, std::string("the login could not be checked: ") + failure.what());
  }
  {
    const std::lock_guard lock(mutex_);
    flight->outcome = outcome;
    flights_.erase(key);
  }
  landed_.notify_all();
  return *std::move(outcome);
}

std::optional<Login> Authenticator::remembered(const LoginKey &key) {
  std::int64_t stamp = 0;
  auto known = cache_.find(key, base::monotonic_ns(), &stamp);
  if (!known) return std::nullopt;
  if (!store_.shared()) return Login(std::move(known));
  const auto now = store_.stamp(known->account);
  if (!now) return Login(now.error());
  if (*now == stamp) return Login(std::move(known));
  cache_.forget(known->account);
  return std::nullopt;
}

Login Authenticator::verify_alone(const LoginKey &key, const std::string &folded_name, std::string_view password,
                                  std::string_view address) {
  if (auto allowed = limiter_.attempt(folded_name, address, base::monotonic_ns()); !allowed) return allowed.error();
  Login login = verify(key, folded_name, password);
  if (login.ok()) {
    limiter_.succeeded(folded_name, address, base::monotonic_ns());
  } else if (login.status() != Status::Unauthenticated) {
    limiter_.abandoned(folded_name, address);
  }
  return login;
}

Result<std::string> Authenticator::verify_own_password(const Account &account, std::string_view password) {
  const std::string folded_name = folded(account.name), place = "self:" + account.id.text();
  if (password.empty() || password.size() > kMaxPasswordBytes) return wrong();
  if (auto allowed = limiter_.attempt(folded_name, place, base::monotonic_ns()); !allowed) return allowed.error();
  auto checked = [&]() -> Result<std::string> {
    const auto found = store_.credentials(folded_name);
    if (!found) return found.error();
    std::string hash = found->has_value() ? (*found)->password_hash : std::string();
    const auto fits = hasher_.verify(hash, password);
    if (!fits) return fits.error();
    if (!*fits) return wrong();
    return hash;
  }();
  if (checked)
    limiter_.succeeded(folded_name, place, base::monotonic_ns());
  else if (checked.status() != Status::Unauthenticated)
    limiter_.abandoned(folded_name, place);
  return checked;
}

Result<std::shared_ptr<const Principal>> Authenticator::verify_token(const LoginKey &key,
                                                                     const std::string &folded_name,
                                                                     std::string_view password) {
  for (int round = 0;; ++round) {
    const auto ticket = cache_.ticket();
    const auto found = store_.token_credentials(folded_name, token_digest(password));
    if (!found) return found.error();
    if (!found->has_value() || !(*found)->account.enabled) return std::shared_ptr<const Principal>();
    const TokenCredentials &token = **found;
    const std::int64_t now = base::now_unix_ns();
    Principal with_token = token.account.principal;
    with_token.login = ATOLL_LOGIN_TOKEN;
    if (const std::int64_t left = until(now, {token.expires_ns, token.account.expires_ns}); left != 0)
      with_token.login_ends_ns = now + left;
    auto principal = std::make_shared<const Principal>(std::move(with_token));
    if (!cache_.insert(key, principal, ticket, base::monotonic_ns(),
                       until(now, {token.expires_ns, token.account.expires_ns}), token.account.stamp) &&
        round < kRounds)
      continue;
    if (now - token.last_used_ns > kNoteAgain) static_cast<void>(store_.note_token_use(token.token, now));
    note_login(token.account);
    return principal;
  }
}

void Authenticator::note_login(const Credentials &credentials) {
  const std::int64_t now = base::now_unix_ns();
  // A login does not fail because this cannot be written.
  if (now - credentials.last_login_ns > kNoteAgain)
    static_cast<void>(store_.note_login(credentials.principal.account, now));
}

Login Authenticator::verify(const LoginKey &key, const std::string &folded_name, std::string_view password) {
  if (looks_like_token(password)) {
    auto login = verify_token(key, folded_name, password);
    if (!login || *login) return login;
  }
  // An account that changed while the hash was computed may have been this one: it is read again, and the hash is
  // computed again only if it is another one.
  std::optional<std::string> verified_hash;
  for (int round = 0;; ++round) {
    const auto ticket = cache_.ticket();
    const auto found = store_.credentials(folded_name);
    if (!found) return found.error();
    const bool may_log_in = found->has_value() && (*found)->enabled;
    const std::string hash = may_log_in ? (*found)->password_hash : std::string();
    if (!verified_hash || *verified_hash != hash) {
      const auto fits = hasher_.verify(hash, password);
      if (!fits) return fits.error();
      if (!*fits) return wrong();
      verified_hash = hash;
    }
    Principal with_password = (*found)->principal;
    with_password.login = ATOLL_LOGIN_PASSWORD;
    with_password.login_ends_ns = (*found)->expires_ns;
    auto principal = std::make_shared<const Principal>(std::move(with_password));
    if (cache_.insert(key, principal, ticket, base::monotonic_ns(), until(base::now_unix_ns(), {(*found)->expires_ns}),
                      (*found)->stamp) ||
        round == kRounds) {
      renew_hash(**found, password);
      note_login(**found);
      return principal;
    }
  }
}

void Authenticator::renew_hash(const Credentials &credentials, std::string_view password) {
  if (!hasher_.outdated(credentials.password_hash)) return;
  const auto renewed = hasher_.hash(password);
  if (!renewed) return;  // at the next login, then
  static_cast<void>(store_.replace_password_hash(credentials.principal.account, credentials.password_hash, *renewed));
}

}  // namespace Atoll::auth_local
