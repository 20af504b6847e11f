// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atoll/sdk/result.hpp>

#include <string>

namespace Atoll::sql {

/// Makes the file of a database, with mode 0600, unless it is there: SQLite itself would follow the umask, and accounts
/// and names are nobody else's business. A file that is there is not opened, since closing it again would drop the
/// locks that connections of this process hold on it (fcntl(2): locks belong to the process, not to the descriptor).
/// Unavailable when there is no such folder. [any thread]
Result<void> make_private(const std::string &path);

}  // namespace Atoll::sql
