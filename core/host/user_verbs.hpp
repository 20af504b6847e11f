// SPDX-License-Identifier: Apache-2.0
// The verbs on accounts, over atoll.directory/1 and atoll.directory.admin/1.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

/// user.list, user.add, user.passwd, user.remove, user.tokens, user.import, user.export; see run_verb().
Result<std::string> run_user_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request);

}  // namespace Atoll::host
