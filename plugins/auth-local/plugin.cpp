// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/auth_local.hpp"

ATOLL_PLUGIN(Atoll::auth_local::AuthLocal)
