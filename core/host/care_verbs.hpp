// SPDX-License-Identifier: Apache-2.0
// What `atoll space check` and its like ask of a storage driver.
#pragma once

#include <atoll/sdk/result.hpp>

#include <functional>
#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

/// Takes a line while long work goes on: {"line": {"kind": "finding" | "progress", "space", ...}}. False: stop. May be
/// empty.
using Say = std::function<bool(const std::string &)>;

/// Verbs and their members; `name` is the id, the alias or the unique name of a space:
///   space.check [name repair rate] | space.rebuild name | space.snapshot name folder | space.restore name folder
///   [path] | space.confirm name | space.move name provider
/// Without a name space.check looks at all spaces. At most four at a time: Aborted. [any thread]
Result<std::string> run_care_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request,
                                  const Say &say);

}  // namespace Atoll::host
