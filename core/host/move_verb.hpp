// SPDX-License-Identifier: Apache-2.0
// Moving a space to another storage: what `atoll space move` does.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>

#include "core/base/json.hpp"
#include "core/host/care_verbs.hpp"
#include "core/host/runtime.hpp"

namespace Atoll::host {

/// space.move name provider: the storage copies the space, the registry names the new one, the old one forgets it. The
/// registry is the truth: a crash before or after it is settled by settle_moves(). [any thread]
Result<std::string> move_space(const Runtime &runtime, const base::JsonObject &request, const Say &say);

/// Settles moves that a crash interrupted, as far as storages and registries can tell now: a copy goes when the
/// registry names another storage and that one has the space. Failures are logged. [any thread]
void settle_moves(const Runtime &runtime);

}  // namespace Atoll::host
