// SPDX-License-Identifier: Apache-2.0
// LOCK and UNLOCK (RFC 4918, sections 6, 7, 9.10 and 9.11).
#include "core/base/text.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/lock_view.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/multistatus.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/request_bodies.hpp"

namespace Atoll::webdav {

namespace {

Response lock_response(const Context &context, const Target &target, Lock lock, int status, bool with_token) {
  auto href = href_of(context, target, lock.node);
  if (!href) return context.fail(href.error());
  Response response;
  response.status = status;
  response.header("Content-Type", std::string(kMultistatusType));
  if (with_token) response.header("Lock-Token", '<' + lock.token + '>');
  response.body = lock_answer({std::move(lock), *std::move(href)});
  return response;
}

Response refresh(const Context &context, const Target &target, std::uint64_t timeout_s) {
  const auto value = context.request.joined_header("If");
  const auto header = value ? parse_if(*value) : std::nullopt;
  if (!header) return context.fail(400, "A LOCK without a body refreshes the lock whose token stands in an If header.");
  const auto tokens = header->submitted_tokens();
  if (tokens.size() != 1) return context.fail(400, "A refresh names exactly one lock token in its If header.");
  OutgoingCall out(context.call.raw());
  out.lock_tokens(tokens);
  auto lock = context.services.locks.refresh(out, target.ref, tokens[0], timeout_s);
  if (!lock) {
    if (lock.status() == Status::Aborted || lock.status() == Status::FailedPrecondition) {
      return context.fail(412, "There is no lock of this token here.", "<d:lock-token-matches-request-uri/>");
    }
    return fail_maybe_locked(context, lock.error(), {&target});
  }
  return lock_response(context, target, *std::move(lock), 200, false);
}

/// Makes the empty file that a LOCK of a free name leaves (RFC 4918, 7.3).
Result<Stat> make_empty(const Context &context, const Target &target, Preconditions preconditions) {
  preconditions.conditions = {};
  preconditions.conditions.none_match_any = true;
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);
  auto upload = context.services.files.upload_begin(out, target.ref, 0);
  if (!upload) return std::move(upload).error();
  static constexpr std::uint8_t kSha1[20] = {0xda, 0x39, 0xa3, 0xee, 0x5e, 0x6b, 0x4b, 0x0d, 0x32, 0x55,
                                             0xbf, 0xef, 0x95, 0x60, 0x18, 0x90, 0xaf, 0xd8, 0x07, 0x09};
  static constexpr std::uint8_t kMd5[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
                                            0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};
  auto commit = sized<atoll_upload_commit>();
  commit.flags = ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32;
  commit.mtime_ns = ATOLL_MTIME_NOW;
  std::copy(std::begin(kSha1), std::end(kSha1), commit.sha1);
  std::copy(std::begin(kMd5), std::end(kMd5), commit.md5);
  commit.adler32 = 1;
  return (*upload)->commit(out, commit);
}

Response refuse_new(const Context &context, const Target &target, const Error &error) {
  if (error.status == Status::NotFound) return context.fail(409, "The folder above does not exist.");
  Response response = fail_maybe_locked(context, error, {&target});
  if (error.status != Status::Locked) return response;
  if (auto *body = std::get_if<std::string>(&response.body)) {
    const std::size_t at = body->rfind("</d:error>");
    if (at != std::string::npos) body->insert(at, "<d:no-conflicting-lock/>");
  }
  return response;
}

}  // namespace

Response lock(const Context &context, std::string_view body) {
  Depth depth = Depth::Infinity;
  if (const auto value = context.request.header("Depth")) {
    const auto parsed = parse_depth(base::trim(*value));
    if (!parsed || *parsed == Depth::One) return context.fail(400, "Depth of a LOCK is 0 or infinity.");
    depth = *parsed;
  }
  const auto wanted_timeout = context.request.header("Timeout");
  const std::uint64_t timeout_s = wanted_timeout ? parse_timeout(*wanted_timeout) : 0;
  const auto target = context.target();
  if (!target) return context.fail(target.error());
  if (base::trim(body).empty()) return refresh(context, *target, timeout_s);

  auto wish = parse_lockinfo(body);
  if (!wish) return context.fail(wish.error());
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *target, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);

  Lock wanted;
  wanted.kind = wish->exclusive ? ATOLL_LOCK_EXCLUSIVE : ATOLL_LOCK_SHARED;
  wanted.deep = depth == Depth::Infinity;
  wanted.owner = std::move(wish->owner);
  wanted.timeout_s = timeout_s;
  if (const atoll_principal *principal = context.call.principal()) {
    wanted.account = from_abi<AccountId>(principal->account);
    wanted.account_name = view(principal->name);
  }
  bool created = false;
  auto stat = context.services.files.stat(out, target->ref);
  if (!stat) {
    if (stat.status() != Status::NotFound) return context.fail(stat.error());
    if (context.location.folder_form) return context.fail(409, "There is no folder of this name.");
    // Nothing is left by a request that is refused.
    if ((target->space.permissions & ATOLL_MAY_WRITE) == 0)
      return context.fail(403, "You may add files here, but not lock them.");
    auto made = make_empty(context, *target, preconditions);
    if (!made) return refuse_new(context, *target, made.error());
    created = true;
    preconditions.conditions = {};
  }
  OutgoingCall locking(context.call.raw());
  preconditions.attach(locking);
  auto locked = context.services.locks.lock(locking, target->ref, wanted);
  if (!locked) return refuse_new(context, *target, locked.error());
  return lock_response(context, *target, *std::move(locked), created ? 201 : 200, true);
}

Response unlock(const Context &context) {
  const auto value = context.request.header("Lock-Token");
  if (!value) return context.fail(400, "The Lock-Token header is missing.");
  const auto token = parse_lock_token(base::trim(*value));
  if (!token) return context.fail(400, "Lock-Token is no token in angle brackets.");
  const auto target = context.target();
  if (!target) return context.fail(target.error());
  OutgoingCall out(context.call.raw());
  const std::vector<std::string> tokens{std::string(*token)};
  out.lock_tokens(tokens);
  auto done = context.services.locks.unlock(out, target->ref, *token);
  if (!done) {
    if (done.status() == Status::FailedPrecondition || done.status() == Status::Aborted) {
      return context.fail(409, "There is no lock of this token here.", "<d:lock-token-matches-request-uri/>");
    }
    return context.fail(done.error());
  }
  Response response;
  response.status = 204;
  return response;
}

}  // namespace Atoll::webdav
