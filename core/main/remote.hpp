// SPDX-License-Identifier: Apache-2.0
// Verbs that a server does: asked of the running one, or done here on locked data.
#pragma once

#include <atoll/sdk/result.hpp>

#include <functional>
#include <string>

#include "core/base/json.hpp"
#include "core/main/arguments.hpp"

namespace Atoll::command {

/// Sends {"verb": ...} to the running server. Unavailable when none runs.
Result<base::JsonObject> ask(const Arguments &arguments, const std::string &request);
/// The same, but without a server the work is done here.
Result<base::JsonObject> ask_or_do(const Arguments &arguments, const std::string &request);
/// The same for work that may take hours; `hear` gets what it says meanwhile.
Result<base::JsonObject> ask_or_do_long(const Arguments &arguments, const std::string &request,
                                        const std::function<void(const base::JsonObject &)> &hear);

/// {"verb": verb, "name": name}
std::string simple_request(std::string_view verb, std::string_view name = {});
/// Complains when it failed; gives the exit code.
template <class T>
int report(const Result<T> &result);

}  // namespace Atoll::command

#include "core/main/exit_code.hpp"
#include "core/main/program.hpp"

namespace Atoll::command {
template <class T>
int report(const Result<T> &result) {
  if (result) return kDone;
  complain(result.error().message);
  return exit_code(result.status());
}
}  // namespace Atoll::command
