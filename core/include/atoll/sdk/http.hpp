// SPDX-License-Identifier: Apache-2.0
// Http<D>: a protocol plugin. Request is the borrowed head, Exchange the host's side of one request.
#ifndef ATOLL_SDK_HTTP_HPP
#define ATOLL_SDK_HTTP_HPP

#include <atoll/abi/http.h>
#include <atoll/sdk/call.hpp>
#include <atoll/sdk/header_list.hpp>

#include <functional>
#include <memory>
#include <variant>

namespace Atoll {
inline namespace sdk0 {

/// The head of a request. Borrowed: valid until the exchange was answered.
class Request {
 public:
  explicit Request(const atoll_request *raw) noexcept : raw_(raw) {}
  const atoll_request *raw() const noexcept { return raw_; }
  std::string_view method() const { return view(raw_->method); }
  std::string_view target() const { return view(raw_->target); }
  std::string_view path() const { return view(raw_->path); }
  std::string_view query() const { return view(raw_->query); }
  std::string_view authority() const { return view(raw_->authority); }
  std::string_view peer() const { return view(raw_->peer); }
  bool secure() const { return (raw_->flags & ATOLL_REQUEST_SECURE) != 0; }
  Status auth_status() const { return static_cast<Status>(raw_->auth_status); }
  std::string_view auth_message() const { return view(raw_->auth_message); }
  /// Bytes of the body; nullopt when it is chunked.
  std::optional<std::uint64_t> content_length() const {
    if (raw_->content_length == ATOLL_SIZE_UNKNOWN) return std::nullopt;
    return raw_->content_length;
  }
  bool has_body() const { return raw_->content_length != 0; }

  /// The first header of that name, in any letter case.
  std::optional<std::string_view> header(std::string_view name) const {
    for (std::uint64_t i = 0; i < raw_->header_count; ++i)
      if (same_name(view(raw_->headers[i].name), name)) return view(raw_->headers[i].value);
    return std::nullopt;
  }
  /// All headers of that name, joined by ", " as RFC 9110 5.3 allows.
  std::optional<std::string> joined_header(std::string_view name) const {
    std::optional<std::string> out;
    for (std::uint64_t i = 0; i < raw_->header_count; ++i) {
      if (!same_name(view(raw_->headers[i].name), name)) continue;
      if (out)
        out->append(", ").append(view(raw_->headers[i].value));
      else
        out = std::string(view(raw_->headers[i].value));
    }
    return out;
  }

 private:
  static bool same_name(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
      if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
  }
  const atoll_request *raw_;
};

/// Extents, and what keeps them alive until they are sent.
struct ExtentBody {
  std::vector<atoll_extent> extents;
  std::shared_ptr<void> owner;
};

/// A body that is pulled. pull gives ATOLL_PULL_*; called on workers, one call at a time.
struct GeneratorBody {
  std::uint64_t length = ATOLL_SIZE_UNKNOWN;
  std::function<std::int32_t(const atoll_waker &, void *buffer, std::uint64_t capacity, std::uint64_t *got)> pull;
};

/// What GET would send, for an answer to HEAD.
struct HeadBody {
  std::uint64_t length = 0;
};

struct Response {
  int status = 200;
  HeaderList headers;
  std::variant<std::monostate, std::string, ExtentBody, GeneratorBody, HeadBody> body;

  Response &header(std::string_view name, std::string_view value) {
    headers.add(name, value);
    return *this;
  }
};

/// What became of a body. Borrowed: valid in the callback.
class BodyResult {
 public:
  explicit BodyResult(const atoll_body_result *raw) : raw_(copied(raw)) {}
  const atoll_body_result &raw() const { return raw_; }
  bool ok() const { return raw_.status == ATOLL_OK; }
  Status status() const { return static_cast<Status>(raw_.status); }
  std::uint32_t retry_after_ms() const { return raw_.retry_after_ms; }
  std::string_view bytes() const {
    return {static_cast<const char *>(raw_.bytes.ptr), raw_.bytes.ptr ? static_cast<std::size_t>(raw_.bytes.len) : 0};
  }

 private:
  atoll_body_result raw_;
};

/// One request on its way. Copy it freely; valid until it was answered.
class Exchange {
 public:
  using Done = std::function<void(const Call &, Exchange, const BodyResult &)>;

  explicit Exchange(const atoll_exchange *raw) noexcept : raw_(raw) {}
  Request request() const { return Request(raw_->request); }

  /// Reads the body into memory, then calls done. An exception from done answers 500.
  void buffer_body(std::uint64_t limit, Done done) const {
    raw_->buffer_body(raw_, limit, std::make_unique<Done>(std::move(done)).release(), &Exchange::finished);
  }
  /// Moves the body to the descriptor (or to write, when fd is -1), from the byte `from` on, then calls done.
  void receive_body(int fd, std::uint64_t limit, std::uint32_t checksums,
                    std::function<std::int32_t(std::uint64_t offset, const void *data, std::uint64_t length)> write,
                    Done done, std::uint64_t from = 0) const {
    auto pending = std::make_unique<Pending>(Pending{std::move(write), std::move(done)});
    auto target = sized<atoll_body_target>();
    target.fd = fd;
    target.offset = from;
    target.limit = limit;
    target.checksums = checksums;
    target.context = pending.get();
    target.write = [](void *context, std::uint64_t offset, const void *data,
                      std::uint64_t length) noexcept -> std::int32_t {
      try {
        return static_cast<Pending *>(context)->write(offset, data, length);
      } catch (...) {
        return ATOLL_INTERNAL;
      }
    };
    raw_->receive_body(raw_, &target, pending.release(), &Exchange::received);
  }

  /// Answers. Exactly once per exchange. [any thread]
  void respond(Response response) const {
    auto owned = std::make_unique<Response>(std::move(response));
    std::vector<atoll_header> headers;
    headers.reserve(owned->headers.size());
    for (const auto [name, value] : owned->headers) headers.push_back(atoll_header{str(name), str(value)});
    auto raw = sized<atoll_response>();
    raw.status = owned->status;
    raw.headers = headers.data();
    raw.header_count = headers.size();
    raw.length = ATOLL_SIZE_UNKNOWN;
    const std::vector<atoll_extent> *extents = nullptr;
    if (const auto *bytes = std::get_if<std::string>(&owned->body)) {
      raw.body = ATOLL_BODY_BYTES;
      raw.bytes = atoll_bytes{bytes->data(), bytes->size()};
    } else if (const auto *body = std::get_if<ExtentBody>(&owned->body)) {
      raw.body = ATOLL_BODY_EXTENTS;
      extents = &body->extents;
      raw.extents = extents->data();
      raw.extent_count = extents->size();
      raw.extent_stride = sizeof(atoll_extent);
    } else if (const auto *generator = std::get_if<GeneratorBody>(&owned->body)) {
      raw.body = ATOLL_BODY_GENERATOR;
      raw.length = generator->length;
      raw.pull = [](void *owner, const atoll_waker *waker, void *buffer, std::uint64_t capacity,
                    std::uint64_t *got) noexcept -> std::int32_t {
        try {
          return std::get<GeneratorBody>(static_cast<Response *>(owner)->body).pull(*waker, buffer, capacity, got);
        } catch (...) {
          return ATOLL_PULL_FAILED;
        }
      };
    } else if (const auto *head = std::get_if<HeadBody>(&owned->body)) {
      raw.body = ATOLL_BODY_NONE;
      raw.length = head->length;
    }
    raw.owner = owned.release();
    raw.release = [](void *owner) noexcept { std::unique_ptr<Response>(static_cast<Response *>(owner)).reset(); };
    raw_->respond(raw_, &raw);
  }

  const atoll_exchange *raw() const noexcept { return raw_; }

 private:
  struct Pending {
    std::function<std::int32_t(std::uint64_t, const void *, std::uint64_t)> write;
    Done done;
  };
  static void call(const Done &done, const atoll_call *call, const atoll_exchange *exchange,
                   const atoll_body_result *result) noexcept {
    try {
      done(Call(call), Exchange(exchange), BodyResult(result));
    } catch (...) {
      try {
        Exchange(exchange).respond(Response{500, {}, std::string("The server failed to answer; its log says why.\n")});
      } catch (...) {  // out of memory twice: the engine answers for an exchange that nobody answered
      }
    }
  }
  static void finished(void *context, const atoll_call *raw_call, const atoll_exchange *exchange,
                       const atoll_body_result *result) noexcept {
    const std::unique_ptr<Done> done(static_cast<Done *>(context));
    call(*done, raw_call, exchange, result);
  }
  static void received(void *context, const atoll_call *raw_call, const atoll_exchange *exchange,
                       const atoll_body_result *result) noexcept {
    const std::unique_ptr<Pending> pending(static_cast<Pending *>(context));
    call(pending->done, raw_call, exchange, result);
  }
  const atoll_exchange *raw_;
};

/// D has `static constexpr std::array<Route, N> routes` and handle(const Call &, const Request &, Exchange).
struct Route {
  const char *prefix;
  std::uint32_t flags = 0;
};

template <class D>
class Http {
 public:
  static constexpr const char *interface_id = ATOLL_HTTP;
  static const atoll_http *table() noexcept {
    static const atoll_http t = [] {
      auto made = sized<atoll_http>();
      made.routes = [](void *, const atoll_route_sink *sink) noexcept -> std::int32_t {
        for (const Route &route : D::routes) {
          auto raw = sized<atoll_route>();
          raw.flags = route.flags;
          raw.prefix = str(route.prefix);
          if (sink->emit(sink->context, &raw) != 0) break;
        }
        return ATOLL_OK;
      };
      made.handle = [](const atoll_call *call, void *self, const atoll_request *request,
                       const atoll_exchange *exchange) noexcept -> std::int32_t {
        return guarded(call, [&]() -> Result<void> {
          static_cast<D *>(self)->handle(Call(call), Request(request), Exchange(exchange));
          return {};
        });
      };
      return made;
    }();
    return &t;
  }
};

/// D has Result<std::string> capabilities(const Call &): a JSON object.
template <class D>
class HttpCapabilities {
 public:
  static constexpr const char *interface_id = ATOLL_HTTP_CAPABILITIES;
  static const atoll_http_capabilities *table() noexcept {
    static const atoll_http_capabilities t = [] {
      auto made = sized<atoll_http_capabilities>();
      made.capabilities = [](const atoll_call *call, void *self, const atoll_text_sink *sink) noexcept {
        return guarded(call, [&]() -> Result<void> {
          auto json = static_cast<D *>(self)->capabilities(Call(call));
          if (!json) return std::move(json).error();
          sink->emit(sink->context, str(*json));
          return {};
        });
      };
      return made;
    }();
    return &t;
  }
};

}  // namespace sdk0
}  // namespace Atoll

#endif
