// SPDX-License-Identifier: Apache-2.0
// What a handler answers. The engine sends it; a handler never sees a socket.
#pragma once

#include <atoll/sdk/header_list.hpp>
#include <atoll/sdk/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace Atoll::net {

/// A piece of a body: part of a file, bytes in memory, or zeros.
struct Extent {
  enum class Kind { File, Memory, Hole };
  Kind kind = Kind::Hole;
  int fd = -1;               ///< File: borrowed; Extents::owner keeps it open
  std::uint64_t offset = 0;  ///< File: first byte
  std::uint64_t length = 0;  ///< bytes
  std::string bytes;         ///< Memory: length == bytes.size()

  static Extent file(int fd, std::uint64_t offset, std::uint64_t length) {
    return {Kind::File, fd, offset, length, {}};
  }
  static Extent memory(std::string text) {
    const std::uint64_t length = text.size();
    return {Kind::Memory, -1, 0, length, std::move(text)};
  }
  static Extent hole(std::uint64_t length) { return {Kind::Hole, -1, 0, length, {}}; }
};

/// A body of known length made of pieces. A file that turns out shorter than said resets the connection.
struct Extents {
  std::vector<Extent> parts;
  std::shared_ptr<void> owner;  ///< released once the last byte was handed to the kernel, or on failure; [worker]
  bool may_change = false;      ///< another writer may change the files: they are looked at again before the end

  std::uint64_t length() const;
};

/// Tells the engine that a generator which had nothing now may have something.
/// Made by the producer, put into Generator::waker, kept by both. Waking too often does no harm.
class Waker {
 public:
  /// [any thread] Never blocks, never calls the generator itself.
  void wake();
  /// For engines: what to do on wake(). Runs at once if there was a wake() before. Empty unbinds.
  void bind(std::function<void()> action);

 private:
  std::mutex mutex_;
  std::function<void()> action_;
  bool pending_ = false;
};

/// What one pull of a generator gave.
struct Pull {
  enum class Kind {
    Data,   ///< `bytes` > 0 bytes were written
    Again,  ///< nothing now; Generator::waker will be woken
    End     ///< nothing more
  };
  Kind kind = Kind::End;
  std::size_t bytes = 0;

  static Pull data(std::size_t count) { return {Kind::Data, count}; }
  static Pull again() { return {Kind::Again, 0}; }
  static Pull end() { return {Kind::End, 0}; }
};

/// A body made while it is sent. Without a length it is chunked on HTTP/1.1 and ends by close on HTTP/1.0.
/// An error, or a length that is not met, resets the connection, so that no client takes the body for complete.
struct Generator {
  std::optional<std::uint64_t> length;
  /// [worker] One call at a time; may block as a handler may. What it throws is an error like one that it returns.
  std::function<Result<Pull>(std::span<char>)> pull;
  std::shared_ptr<Waker> waker;  ///< needed if pull ever returns Again
};

/// No body, bytes, extents or a generator.
using Body = std::variant<std::monostate, std::string, Extents, Generator>;

/// An answer. The engine adds Date, X-Request-ID, Content-Length or Transfer-Encoding, and Connection; a handler's
/// own of these are dropped, except "Connection: close", which closes, and Content-Length in an answer to HEAD.
struct Response {
  int status = 200;
  HeaderList headers;
  Body body;
  std::string route;  ///< for the access log and the metrics: which part of the server answered; few different values
  std::string user;   ///< for the access log: id of the account, empty for nobody

  Response() = default;
  explicit Response(int code) : status(code) {}
  Response(int code, std::string text, std::string_view content_type = "text/plain; charset=utf-8")
      : status(code), body(std::move(text)) {
    headers.add("Content-Type", content_type);
  }
  Response &with(std::string_view name, std::string_view value) {
    headers.add(name, value);
    return *this;
  }
};

}  // namespace Atoll::net
