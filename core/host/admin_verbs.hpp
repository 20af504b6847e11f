// SPDX-License-Identifier: Apache-2.0
// What `atoll` asks of a running server, or does itself when none runs: accounts, spaces, instances.
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/host/care_verbs.hpp"
#include "core/host/runtime.hpp"
#include "core/host/supervisor.hpp"

namespace Atoll::host {

/// Runs one verb. `request` is {"verb": "user.add", ...}; the result is JSON. Verbs and their members:
///   instance.list | instance.start name | instance.stop name | instance.restart name
///   user.list | user.add name password [display_name mail admin] | user.passwd name password |
///   user.remove name [purge] | user.tokens name [remove] | user.import format text [dry update] | user.export format
///   space.list, and those of run_care_verb() and run_upload_verb()
/// InvalidArgument for a verb that is none. [any thread]
Result<std::string> run_verb(Runtime &runtime, Supervisor &supervisor, const base::JsonObject &request,
                             const Say &say = {});

/// How long telling the states of instances waits for one whose health hangs.
inline constexpr std::chrono::seconds kLookPatience{2};

/// The interfaces that a verb needs, so that offline only those instances are started.
std::vector<std::string> interfaces_for_verb(std::string_view verb);

/// {"ok": true, "result": ...} or {"ok": false, "status": N, "error": "..."}, and back.
std::string envelope(const Result<std::string> &result);
Result<base::JsonObject> open_envelope(const std::string &line);

/// {"name", "plugin", "state", "reason", ...}
void append_instance(base::JsonWriter &json, const InstanceStatus &status);

}  // namespace Atoll::host
