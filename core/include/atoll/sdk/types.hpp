// SPDX-License-Identifier: Apache-2.0
// C++ views of the types of atoll/abi/base.h, and sinks made from lambdas.
#ifndef ATOLL_SDK_TYPES_HPP
#define ATOLL_SDK_TYPES_HPP

#include <atoll/abi/base.h>
#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace Atoll {
inline namespace sdk0 {

inline atoll_str str(std::string_view text) noexcept { return atoll_str{text.data(), text.size()}; }
inline std::string_view view(const atoll_str &text) noexcept {
  return text.ptr ? std::string_view(text.ptr, static_cast<std::size_t>(text.len)) : std::string_view();
}

template <class Tag>
atoll_uuid to_abi(const BasicUuid<Tag> &id) noexcept {
  atoll_uuid out;
  std::memcpy(out.bytes, id.bytes().data(), 16);
  return out;
}
template <class Id>
Id from_abi(const atoll_uuid &id) noexcept {
  return Id::from_bytes(id.bytes);
}

/// A zeroed ABI struct with its struct_size set.
template <class T>
T sized() noexcept {
  T value{};
  value.struct_size = sizeof(T);
  return value;
}

/// A copy of an ABI struct that may be of an older, shorter version: what it lacks is zero.
template <class T>
T copied(const T *from) noexcept {
  T value{};
  if (from) std::memcpy(&value, from, from->struct_size < sizeof(T) ? from->struct_size : sizeof(T));
  value.struct_size = sizeof(T);
  return value;
}

/// A sink of the ABI made from a callable. The callable returns void, or bool where false means "stop". An exception
/// that it throws is held and thrown again by rethrow(), never across the boundary. Lives on the stack of the caller.
template <class Sink, class F>
class LambdaSink {
 public:
  explicit LambdaSink(F f) : f_(std::move(f)) {
    sink_.struct_size = sizeof sink_;
    sink_.context = this;
    sink_.emit = thunk(sink_.emit);
  }
  LambdaSink(const LambdaSink &) = delete;
  LambdaSink &operator=(const LambdaSink &) = delete;

  const Sink *get() const noexcept { return &sink_; }
  void rethrow() const {
    if (failed_) throw std::runtime_error("a sink could not take a record: out of memory?");
  }

 private:
  template <class... A>
  static auto thunk(std::int32_t (*)(void *, A...)) {
    return static_cast<std::int32_t (*)(void *, A...)>(&LambdaSink::template call<A...>);
  }
  template <class... A>
  static std::int32_t call(void *context, A... arguments) noexcept {
    auto *self = static_cast<LambdaSink *>(context);
    try {
      if constexpr (std::is_void_v<decltype(self->f_(arguments...))>) {
        self->f_(arguments...);
        return 0;
      } else {
        return self->f_(arguments...) ? 0 : 1;
      }
    } catch (...) {
      self->failed_ = true;
      return 1;
    }
  }

  F f_;
  Sink sink_{};
  bool failed_ = false;
};

/// make_sink<atoll_stat_sink>([&](const atoll_stat *stat) { ... })
template <class Sink, class F>
LambdaSink<Sink, F> make_sink(F f) {
  return LambdaSink<Sink, F>(std::move(f));
}

/// The driver's end of a sink: call it with a record; false means that the receiver wants no more.
template <class Sink>
class Emitter {
 public:
  explicit Emitter(const Sink *sink) : sink_(sink) {}
  template <class Record>
  bool operator()(const Record &record) const {
    if constexpr (std::is_same_v<Record, atoll_str>)
      return sink_ == nullptr || sink_->emit(sink_->context, record) == 0;
    else
      return sink_ == nullptr || sink_->emit(sink_->context, &record) == 0;
  }
  const Sink *sink() const noexcept { return sink_; }

 private:
  const Sink *sink_;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
