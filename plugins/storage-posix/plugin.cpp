// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage-posix/storage_posix.hpp"

ATOLL_PLUGIN(Atoll::storage_posix::StoragePosix)
