// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-account/api_account.hpp"

ATOLL_PLUGIN(Atoll::account::ApiAccount)
