// SPDX-License-Identifier: Apache-2.0
// What `atoll upload list` and `atoll upload clean` ask of storage drivers.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

/// Verbs and their members; `name` is the id, the alias or the unique name of a space, without it all are meant:
///   upload.list [name] | upload.clean [name older_than]
/// clean removes those that nobody writes into now and that were begun more than `older_than` seconds ago. Unavailable
/// when a storage cannot tell: the list is complete or it fails. [any thread]
Result<std::string> run_upload_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request);

}  // namespace Atoll::host
