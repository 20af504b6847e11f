// SPDX-License-Identifier: Apache-2.0
#include "plugins/registry-sql/registry_sql.hpp"

ATOLL_PLUGIN(Atoll::registry_sql::RegistrySql)
