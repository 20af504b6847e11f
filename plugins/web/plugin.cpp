// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/web.hpp"

ATOLL_PLUGIN(Atoll::web::Web)
