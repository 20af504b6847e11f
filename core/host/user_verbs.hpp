// SPDX-License-Identifier: Apache-2.0
// The verbs on accounts, over atoll.directory/1 and atoll.directory.admin/1.
#pragma once

#include <atoll/abi/directory.h>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/host/instance_set.hpp"

namespace Atoll::host {

/// user.list, user.add, user.passwd, user.remove; see run_verb().
Result<std::string> run_user_verb(const InstanceSet &instances, std::string_view verb, const base::JsonObject &request);

}  // namespace Atoll::host
