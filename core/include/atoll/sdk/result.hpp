// SPDX-License-Identifier: Apache-2.0
// Error and Result<T>: the one vocabulary of failure, in plugins and inside the server alike.
#ifndef ATOLL_SDK_RESULT_HPP
#define ATOLL_SDK_RESULT_HPP

#include <atoll/abi/status.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace Atoll {
inline namespace sdk0 {

/// A status code of atoll/abi/status.h. Never Status{0}.
enum class Status : std::int32_t {
  Ok = ATOLL_OK,
  Cancelled = ATOLL_CANCELLED,
  Unknown = ATOLL_UNKNOWN,
  InvalidArgument = ATOLL_INVALID_ARGUMENT,
  DeadlineExceeded = ATOLL_DEADLINE_EXCEEDED,
  NotFound = ATOLL_NOT_FOUND,
  AlreadyExists = ATOLL_ALREADY_EXISTS,
  PermissionDenied = ATOLL_PERMISSION_DENIED,
  ResourceExhausted = ATOLL_RESOURCE_EXHAUSTED,
  FailedPrecondition = ATOLL_FAILED_PRECONDITION,
  Aborted = ATOLL_ABORTED,
  OutOfRange = ATOLL_OUT_OF_RANGE,
  Unimplemented = ATOLL_UNIMPLEMENTED,
  Internal = ATOLL_INTERNAL,
  Unavailable = ATOLL_UNAVAILABLE,
  DataLoss = ATOLL_DATA_LOSS,
  Unauthenticated = ATOLL_UNAUTHENTICATED,
  Redirection = ATOLL_REDIRECTION,
  InsufficientStorage = ATOLL_INSUFFICIENT_STORAGE,
  Locked = ATOLL_LOCKED,
  TooEarly = ATOLL_TOO_EARLY,
};

/// What went wrong: a code, and a sentence that says what was tried, on what, and what to do next.
struct [[nodiscard]] Error {
  Status status = Status::Internal;
  std::string message;
  std::int32_t sys_errno = 0;        ///< errno of the system call that failed, or 0
  std::uint32_t retry_after_ms = 0;  ///< a hint for 429 and 503, or 0
  std::uint32_t reason = ATOLL_REASON_NONE;
};

inline Error error(Status status, std::string message) { return Error{status, std::move(message), 0, 0}; }

/// A value, or the Error that kept it from being made.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Error failure) : state_(std::in_place_index<1>, std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T &operator*() & { return *std::get_if<0>(&state_); }
  const T &operator*() const & { return *std::get_if<0>(&state_); }
  T &&operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T *operator->() { return std::get_if<0>(&state_); }
  const T *operator->() const { return std::get_if<0>(&state_); }

  const Error &error() const & { return *std::get_if<1>(&state_); }
  Error &&error() && { return std::move(*std::get_if<1>(&state_)); }
  Status status() const noexcept { return ok() ? Status::Ok : std::get_if<1>(&state_)->status; }

 private:
  std::variant<T, Error> state_;
};

/// Success, or the Error that prevented it.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error failure) : failed_(true), failure_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return ok(); }
  const Error &error() const & { return failure_; }
  Error &&error() && { return std::move(failure_); }
  Status status() const noexcept { return ok() ? Status::Ok : failure_.status; }

 private:
  bool failed_ = false;
  Error failure_{};
};

}  // namespace sdk0
}  // namespace Atoll

#endif
