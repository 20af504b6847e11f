// SPDX-License-Identifier: Apache-2.0
// The call context: Call is what an operation gets, OutgoingCall is what one makes to call another interface.
#ifndef ATOLL_SDK_CALL_HPP
#define ATOLL_SDK_CALL_HPP

#include <atoll/sdk/types.hpp>

#include <exception>
#include <new>
#include <optional>
#include <vector>

namespace Atoll {
inline namespace sdk0 {

/// Who is asking, as a value that outlives the call.
struct Principal {
  std::uint32_t kind = ATOLL_PRINCIPAL_USER;
  std::uint32_t app_role = ATOLL_ROLE_NONE;
  AccountId account;
  std::string issuer, subject, name, display_name, mail;
  std::vector<AccountId> groups;
  std::vector<std::string> scopes;
  std::uint32_t login = ATOLL_LOGIN_UNKNOWN;
  std::int64_t login_ends_ns = 0;

  static Principal from(const atoll_principal &p) {
    Principal out;
    out.kind = p.kind;
    out.app_role = p.app_role;
    out.account = from_abi<AccountId>(p.account);
    out.issuer = view(p.issuer);
    out.subject = view(p.subject);
    out.name = view(p.name);
    out.display_name = view(p.display_name);
    out.mail = view(p.mail);
    for (std::uint64_t i = 0; i < p.groups.count; ++i) out.groups.push_back(from_abi<AccountId>(p.groups.items[i]));
    for (std::uint64_t i = 0; i < p.scopes.count; ++i) out.scopes.emplace_back(view(p.scopes.items[i]));
    if (ATOLL_HAS(&p, atoll_principal, login_ends_ns)) {
      out.login = p.login;
      out.login_ends_ns = p.login_ends_ns;
    }
    return out;
  }
};

/// The ABI form of a Principal, which it must not outlive.
class AbiPrincipal {
 public:
  explicit AbiPrincipal(const Principal &p) {
    for (const auto &group : p.groups) groups_.push_back(to_abi(group));
    for (const auto &scope : p.scopes) scopes_.push_back(str(scope));
    raw_ = sized<atoll_principal>();
    raw_.kind = p.kind;
    raw_.app_role = p.app_role;
    raw_.account = to_abi(p.account);
    raw_.issuer = str(p.issuer);
    raw_.subject = str(p.subject);
    raw_.name = str(p.name);
    raw_.display_name = str(p.display_name);
    raw_.mail = str(p.mail);
    raw_.groups = atoll_uuids{groups_.data(), groups_.size()};
    raw_.scopes = atoll_strs{scopes_.data(), scopes_.size()};
    raw_.login = p.login;
    raw_.login_ends_ns = p.login_ends_ns;
  }
  AbiPrincipal(const AbiPrincipal &) = delete;
  AbiPrincipal &operator=(const AbiPrincipal &) = delete;
  const atoll_principal *get() const noexcept { return &raw_; }

 private:
  std::vector<atoll_uuid> groups_;
  std::vector<atoll_str> scopes_;
  atoll_principal raw_{};
};

/// The context of an operation that is being served. Borrowed: valid for the call only.
class Call {
 public:
  explicit Call(const atoll_call *raw) noexcept : raw_(raw) {}

  const atoll_call *raw() const noexcept { return raw_; }
  const atoll_principal *principal() const noexcept { return raw_ ? raw_->principal : nullptr; }
  const atoll_conditions *conditions() const noexcept { return raw_ ? raw_->conditions : nullptr; }
  std::string_view request_id() const noexcept { return raw_ ? view(raw_->request_id) : std::string_view(); }
  bool cancelled() const { return raw_ && raw_->cancelled && raw_->cancelled(raw_) != 0; }
  std::vector<std::string_view> lock_tokens() const {
    std::vector<std::string_view> out;
    if (raw_)
      for (std::uint64_t i = 0; i < raw_->lock_tokens.count; ++i) out.push_back(view(raw_->lock_tokens.items[i]));
    return out;
  }

  /// Records the error with the caller and gives its code, to be returned across the boundary.
  std::int32_t fail(const Error &error) const noexcept {
    if (raw_ && raw_->fail)
      raw_->fail(raw_, static_cast<std::int32_t>(error.status), error.sys_errno, error.retry_after_ms,
                 str(error.message));
    if (raw_ && error.reason != ATOLL_REASON_NONE && ATOLL_HAS(raw_, atoll_call, explain) && raw_->explain)
      raw_->explain(raw_, error.reason);
    return static_cast<std::int32_t>(error.status);
  }
  template <class T>
  std::int32_t finish(const Result<T> &result) const noexcept {
    return result.ok() ? ATOLL_OK : fail(result.error());
  }

 private:
  const atoll_call *raw_;
};

/// Runs a function that returns a Result and may throw, and gives the status to return across the boundary.
template <class F>
std::int32_t guarded(const atoll_call *raw, F &&f) noexcept {
  const Call call(raw);
  try {
    return call.finish(f());
  } catch (const std::bad_alloc &) {
    return call.fail(Error{Status::ResourceExhausted, "out of memory", 0, 1000});
  } catch (const std::exception &failure) {
    return call.fail(Error{Status::Internal, failure.what(), 0, 0});
  } catch (...) {
    return call.fail(Error{Status::Internal, "an exception of unknown type", 0, 0});
  }
}

/// A call to another interface: keeps what it reports as failure. Not copied; lives on the stack around one call, or
/// around several that follow each other. Inherits principal, request id, deadline and cancellation from `parent`.
class OutgoingCall {
 public:
  explicit OutgoingCall(const atoll_call *parent = nullptr) : parent_(parent) {
    raw_ = sized<atoll_call>();
    if (parent) {
      raw_.principal = parent->principal;
      raw_.request_id = parent->request_id;
      raw_.deadline_ns = parent->deadline_ns;
    }
    raw_.caller = this;
    raw_.cancelled = [](const atoll_call *call) -> std::int32_t {
      const auto *self = static_cast<const OutgoingCall *>(call->caller);
      return self->parent_ && self->parent_->cancelled ? self->parent_->cancelled(self->parent_) : 0;
    };
    raw_.fail = [](const atoll_call *call, std::int32_t status, std::int32_t sys_errno, std::uint32_t retry_after_ms,
                   atoll_str message) {
      auto *self = static_cast<OutgoingCall *>(call->caller);
      try {
        self->failure_ = Error{static_cast<Status>(status), std::string(view(message)), sys_errno, retry_after_ms};
      } catch (...) {
        self->failure_.status = static_cast<Status>(status);
        self->failure_.reason = ATOLL_REASON_NONE;
      }
    };
    raw_.explain = [](const atoll_call *call, std::uint32_t reason) {
      static_cast<OutgoingCall *>(call->caller)->failure_.reason = reason;
    };
  }
  OutgoingCall(const OutgoingCall &) = delete;
  OutgoingCall &operator=(const OutgoingCall &) = delete;

  OutgoingCall &principal(const atoll_principal *principal) {
    raw_.principal = principal;
    return *this;
  }
  OutgoingCall &request_id(std::string_view id) {
    raw_.request_id = str(id);
    return *this;
  }
  /// Borrowed.
  OutgoingCall &conditions(const atoll_conditions *conditions) {
    raw_.conditions = conditions;
    return *this;
  }
  OutgoingCall &lock_tokens(const std::vector<std::string> &tokens) {
    tokens_.clear();
    for (const auto &token : tokens) tokens_.push_back(str(token));
    raw_.lock_tokens = atoll_strs{tokens_.data(), tokens_.size()};
    return *this;
  }

  const atoll_call *get() noexcept {
    failure_ = Error{};
    failure_.message.clear();
    return &raw_;
  }
  /// The result of a call that returned `status`.
  Result<void> result(std::int32_t status) const {
    if (status == ATOLL_OK) return {};
    return error(status);
  }
  Error error(std::int32_t status) const {
    Error out = failure_;
    out.status =
        status >= ATOLL_CANCELLED && status <= ATOLL_TOO_EARLY ? static_cast<Status>(status) : Status::Internal;
    if (out.message.empty()) out.message = "the operation failed and gave no reason";
    return out;
  }

 private:
  const atoll_call *parent_;
  std::vector<atoll_str> tokens_;
  Error failure_;
  atoll_call raw_{};
};

/// Conditions that own their texts.
class Conditions {
 public:
  bool match_any = false, none_match_any = false;
  std::vector<std::string> if_match, if_none_match;

  bool empty() const { return !match_any && !none_match_any && if_match.empty() && if_none_match.empty(); }
  /// Valid until this object changes or goes away.
  const atoll_conditions *get() {
    raw_ = sized<atoll_conditions>();
    raw_.flags = (match_any ? ATOLL_IF_MATCH_ANY : 0u) | (none_match_any ? ATOLL_IF_NONE_MATCH_ANY : 0u);
    match_.clear();
    none_match_.clear();
    for (const auto &etag : if_match) match_.push_back(str(etag));
    for (const auto &etag : if_none_match) none_match_.push_back(str(etag));
    raw_.if_match = atoll_strs{match_.data(), match_.size()};
    raw_.if_none_match = atoll_strs{none_match_.data(), none_match_.size()};
    return &raw_;
  }

 private:
  std::vector<atoll_str> match_, none_match_;
  atoll_conditions raw_{};
};

}  // namespace sdk0
}  // namespace Atoll

#endif
