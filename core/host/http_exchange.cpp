// SPDX-License-Identifier: Apache-2.0
#include "core/host/http_exchange.hpp"

#include <algorithm>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/host/body_sums.hpp"
#include "core/host/http_body.hpp"
#include "core/host/http_status.hpp"
#include "core/host/log.hpp"

namespace Atoll::host {
namespace {

bool is_host_header(std::string_view name) {
  switch (name.size()) {
    case 4:
      return base::iequals(name, "date");
    case 10:
      return base::iequals(name, "connection") || base::iequals(name, "keep-alive");
    case 14:
      return base::iequals(name, "content-length");
    case 16:
      return base::iequals(name, "www-authenticate");
    case 17:
      return base::iequals(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace

void add_challenges(net::Response &response, const net::RequestHead &head, const std::string &realm) {
  response.headers.remove_if([](const auto &header) { return base::iequals(header.name, "WWW-Authenticate"); });
  response.with("WWW-Authenticate", "Bearer realm=\"" + realm + "\"");
  const auto script = head.header("X-Requested-With");
  if (!script || !base::iequals(*script, "XMLHttpRequest"))
    response.with("WWW-Authenticate", "Basic realm=\"" + realm + "\", charset=\"UTF-8\"");
}

// The functions of the ABI records; each finds its object in the record's own pointer.
struct HttpExchange::Functions {
  static HttpExchange &of(const atoll_exchange *exchange) { return *static_cast<HttpExchange *>(exchange->host); }

  static std::int32_t cancelled(const atoll_call *call) noexcept {
    return static_cast<HttpExchange *>(call->caller)->exchange_->cancelled() ? 1 : 0;
  }
  static void fail(const atoll_call *call, std::int32_t status, std::int32_t sys_errno, std::uint32_t retry_after_ms,
                   atoll_str message) noexcept try {
    auto *self = static_cast<HttpExchange *>(call->caller);
    const std::lock_guard lock(self->mutex_);
    self->failure_ = Error{static_cast<Status>(status), std::string(view(message)), sys_errno, retry_after_ms};
  } catch (...) {
  }

  static void buffer_body(const atoll_exchange *exchange, std::uint64_t limit, void *context, Done done) noexcept {
    const auto self = of(exchange).shared_from_this();
    self->exchange_->buffer_body(limit, [self, context, done](net::Exchange &, Result<std::string> body) {
      auto result = sized<atoll_body_result>();
      result.status = static_cast<std::int32_t>(body.status());
      if (body) {
        result.bytes = atoll_bytes{body->data(), body->size()};
        result.length = body->size();
      } else {
        result.retry_after_ms = body.error().retry_after_ms;
      }
      self->body_done(done, context, result);
    });
  }

  static void receive_body(const atoll_exchange *exchange, const atoll_body_target *raw, void *context,
                           Done done) noexcept {
    const auto self = of(exchange).shared_from_this();
    const atoll_body_target target = copied(raw);
    const auto sums = std::make_shared<BodySums>(target.checksums & base::kAllChecksums, self->helpers_);
    net::BodyTarget to;
    to.offset = target.offset;
    to.max_bytes = target.limit;
    to.take = [self, sums, target](std::uint64_t offset, net::BodyPiece taken) {
      const auto piece = taken.bytes;
      return sums->take(std::move(taken), [&]() -> Result<void> {
        if (target.fd >= 0)
          return base::write_all_at(target.fd, offset, {reinterpret_cast<const char *>(piece.data()), piece.size()});
        const CallLock lock = self->lease_->lock();
        const auto status = target.write(target.context, offset, piece.data(), piece.size());
        if (status == ATOLL_OK) return {};
        return error(static_cast<Status>(status), "the target of the body refused it");
      });
    };
    self->exchange_->receive_body(std::move(to),
                                  [self, sums, context, done](net::Exchange &, Result<std::uint64_t> got) {
                                    auto result = sized<atoll_body_result>();
                                    result.status = static_cast<std::int32_t>(got.status());
                                    if (got) {
                                      result.length = *got;
                                      const auto values = sums->values();
                                      result.checksums = sums->mask();
                                      result.adler32 = values.adler32;
                                      std::copy(values.sha1.begin(), values.sha1.end(), result.sha1);
                                      std::copy(values.md5.begin(), values.md5.end(), result.md5);
                                    } else {
                                      result.sys_errno = got.error().sys_errno;
                                    }
                                    self->body_done(done, context, result);
                                  });
  }

  static void respond(const atoll_exchange *exchange, const atoll_response *response) noexcept {
    of(exchange).respond(copied(response));
  }
};

HttpExchange::HttpExchange(std::shared_ptr<net::Exchange> exchange, Lease lease, const std::string &realm,
                           std::string_view route, Client client, SideWork &helpers)
    : exchange_(std::move(exchange)),
      lease_(std::make_shared<Lease>(std::move(lease))),
      realm_(realm),
      route_(route),
      client_(std::move(client)),
      helpers_(helpers) {
  const net::RequestHead &head = exchange_->head();
  headers_.reserve(head.headers.size());
  for (const auto &header : head.headers) headers_.push_back(atoll_header{str(header.name), str(header.value)});

  call_ = sized<atoll_call>();
  call_.request_id = str(head.request_id);
  call_.deadline_ns = static_cast<std::uint64_t>(exchange_->deadline_ns());
  call_.caller = this;
  call_.cancelled = &Functions::cancelled;
  call_.fail = &Functions::fail;

  request_ = sized<atoll_request>();
  request_.flags = (client_.secure ? ATOLL_REQUEST_SECURE : 0u) | (head.chunked ? ATOLL_REQUEST_CHUNKED : 0u);
  request_.auth_status = ATOLL_UNAUTHENTICATED;
  request_.method = str(head.method);
  request_.target = str(head.target);
  request_.path = str(head.path);
  request_.query = str(head.query);
  request_.authority = str(client_.authority.empty() ? head.host : std::string_view(client_.authority));
  request_.peer = str(client_.address.empty() ? head.connection->peer.host : client_.address);
  request_.headers = headers_.data();
  request_.header_count = headers_.size();
  request_.content_length = head.chunked ? ATOLL_SIZE_UNKNOWN : head.content_length.value_or(0);

  raw_ = sized<atoll_exchange>();
  raw_.host = this;
  raw_.request = &request_;
  raw_.buffer_body = &Functions::buffer_body;
  raw_.receive_body = &Functions::receive_body;
  raw_.respond = &Functions::respond;
}

HttpExchange::~HttpExchange() = default;

void HttpExchange::set_principal(Principal principal) {
  login_ = std::make_unique<const Login>(std::move(principal));
  call_.principal = login_->raw.get();
  request_.auth_status = ATOLL_OK;
}

void HttpExchange::set_refusal(Error why) {
  refusal_message_ = std::move(why.message);
  request_.auth_status = static_cast<std::int32_t>(why.status);
  request_.retry_after_ms = why.retry_after_ms;
  request_.auth_message = str(refusal_message_);
}

void HttpExchange::handle() {
  {
    const std::lock_guard lock(mutex_);
    keep_ = shared_from_this();
    ++running_;
  }
  std::int32_t status = ATOLL_OK;
  {
    const CallLock lock = lease_->lock();
    status = lease_->table<atoll_http>(ATOLL_HTTP)->handle(&call_, lease_->self(), &request_, &raw_);
  }
  if (status != ATOLL_OK) fail(status);
  finish_call();
}

void HttpExchange::body_done(Done done, void *context, const atoll_body_result &result) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  {
    const CallLock lock = lease_->lock();
    done(context, &call_, &raw_, &result);
  }
  finish_call();
}

void HttpExchange::finish_call() {
  std::shared_ptr<HttpExchange> last;  // may be the last one: gone only after the lock
  const std::lock_guard lock(mutex_);
  if (--running_ == 0 && answered_) last = std::move(keep_);
}

void HttpExchange::respond(const atoll_response &raw) {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    if (answered_) {
      log(ATOLL_LOG_ERROR, lease_->instance().name(), "answered a request twice; the second answer is dropped", {},
          view(call_.request_id));
      if (raw.release) raw.release(raw.owner);
      return;
    }
    answered_ = true;
  }
  send(translate(raw));
  const std::lock_guard lock(mutex_);
  if (running_ == 0) keep_.reset();
}

net::Response HttpExchange::translate(const atoll_response &raw) {
  net::Response out(raw.status);
  const net::RequestHead &head = exchange_->head();
  std::size_t bytes = 64;
  for (std::uint64_t i = 0; i < raw.header_count; ++i) bytes += raw.headers[i].name.len + raw.headers[i].value.len;
  out.headers.reserve(static_cast<std::size_t>(raw.header_count) + 2, bytes);
  for (std::uint64_t i = 0; i < raw.header_count; ++i) {
    const auto name = view(raw.headers[i].name), value = view(raw.headers[i].value);
    if (is_host_header(name)) continue;
    if (name.empty() || base::has_control(name) || base::has_control(value)) {
      log(ATOLL_LOG_ERROR, lease_->instance().name(), "an answer's header holds control characters and is left out",
          {{"header", name}}, view(call_.request_id));
      continue;
    }
    out.headers.add(name, value);
  }
  if (raw.status == 401) add_challenges(out, head, realm_);
  const bool is_head = head.method == "HEAD";
  if (is_head && raw.body == ATOLL_BODY_NONE && raw.length != ATOLL_SIZE_UNKNOWN)
    out.with("Content-Length", std::to_string(raw.length));
  out.body = http_body(raw, lease_);
  return out;
}

void HttpExchange::fail(std::int32_t status) {
  Error why;
  {
    const std::lock_guard lock(mutex_);
    if (answered_) return;
    why = failure_;
    answered_ = true;
  }
  const int code = http_status(status);
  if (code >= 500)
    log(ATOLL_LOG_WARNING, lease_->instance().name(), why.message.empty() ? "request failed" : why.message,
        {{"status", std::to_string(code)}, {"path", exchange_->head().path}}, view(call_.request_id));
  std::string text = why.message.empty() ? "The server could not answer this request." : why.message;
  if (code == 500) text = "The server failed to answer this request; its log says why.";
  net::Response out(code, text + "\n");
  if (code == 401) add_challenges(out, exchange_->head(), realm_);
  if (code == 429 || code == 503)
    out.with("Retry-After", std::to_string(std::max(1u, (why.retry_after_ms + 999) / 1000)));
  send(std::move(out));
}

void HttpExchange::send(net::Response response) {
  response.route = route_;
  if (login_) response.user = login_->principal.account.text();
  exchange_->respond(std::move(response));
}

}  // namespace Atoll::host
