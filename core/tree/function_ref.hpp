// SPDX-License-Identifier: Apache-2.0
// A borrowed callable: what a sink parameter is.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace Atoll::tree {

template <class Signature>
class FunctionRef;

/// Refers to a callable for the length of one call; never stored, never allocates.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F &&callable) noexcept  // NOLINT(google-explicit-constructor)
      : object_(const_cast<void *>(static_cast<const void *>(std::addressof(callable)))),
        call_([](void *object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F> *>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void *object_;
  R (*call_)(void *, Args...);
};

}  // namespace Atoll::tree
