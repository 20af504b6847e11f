// SPDX-License-Identifier: Apache-2.0
// What is kept with an unfinished upload, as the opaque metadata of the driver: what its commit needs, whenever that
// will be. [any thread]
#pragma once

#include <atoll/abi/storage_fs.h>
#include <atoll/sdk/call.hpp>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "plugins/api-webdav/headers.hpp"

namespace Atoll::webdav {

struct TusRecord {
  std::int64_t mtime_ns = ATOLL_MTIME_NOW;
  std::vector<ExpectedDigest> digests;  ///< of the whole file
  Conditions conditions;                ///< If-Match and If-None-Match of the request that made it
  std::vector<std::string> tokens;      ///< of locks that it submitted
  std::string metadata;                 ///< Upload-Metadata, to be shown again; empty when it was too long
};

/// At most 4096 bytes; InvalidArgument when it takes more even without what is only to be shown.
Result<std::string> write_tus_record(const TusRecord &record);
/// InvalidArgument for anything that was not written by the function above.
Result<TusRecord> read_tus_record(std::string_view text);

}  // namespace Atoll::webdav
