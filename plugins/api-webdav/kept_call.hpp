// SPDX-License-Identifier: Apache-2.0
// The call of a request, for an answer that is made after the request's own call has ended.
#pragma once

#include <atoll/sdk/call.hpp>

#include <optional>
#include <string>

namespace Atoll::webdav {

/// Principal and request id as values. Not copied: the call borrows from it.
class KeptCall {
 public:
  KeptCall() = default;
  KeptCall(const KeptCall &) = delete;
  KeptCall &operator=(const KeptCall &) = delete;

  /// Takes what lasts of a call, and gives a call that is valid as long as this object.
  Call keep(const Call &call) {
    if (call.principal() != nullptr) {
      principal_ = Principal::from(*call.principal());
      raw_principal_.emplace(*principal_);
    }
    request_id_ = call.request_id();
    raw_ = sized<atoll_call>();
    raw_.principal = raw_principal_ ? raw_principal_->get() : nullptr;
    raw_.request_id = str(request_id_);
    return Call(&raw_);
  }

 private:
  std::optional<Principal> principal_;
  std::optional<AbiPrincipal> raw_principal_;
  std::string request_id_;
  atoll_call raw_{};
};

}  // namespace Atoll::webdav
