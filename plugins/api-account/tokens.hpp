// SPDX-License-Identifier: Apache-2.0
// /auth-app/tokens: the app passwords of whoever asks. [worker]
#pragma once

#include <atoll/sdk/gateway_accounts.hpp>
#include <atoll/sdk/http.hpp>

#include "plugins/api-account/answer.hpp"

namespace Atoll::account {

/// GET lists them; POST ?expiry=72h[&label=TEXT] makes one, whose text is told this once; DELETE ?token=TEXT or its id.
Answer tokens(const AccountsClient &accounts, const Call &call, const Request &request);

}  // namespace Atoll::account
