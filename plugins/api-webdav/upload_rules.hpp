// SPDX-License-Identifier: Apache-2.0
// What PUT and TUS have in common: the checksums that a client expects, and how a failed upload is answered.
#pragma once

#include <atoll/abi/storage_fs.h>

#include "plugins/api-webdav/context.hpp"

namespace Atoll::webdav {

/// What is computed of a body: also what the server does not compute otherwise, when the client sent it.
std::uint32_t wanted_checksums(const Context &context, const std::vector<ExpectedDigest> &expected);

/// What was computed: `checksums` says which of them.
struct Digests {
  std::uint32_t checksums = 0;  ///< ATOLL_STAT_SHA1 | ...
  std::uint8_t sha1[20] = {};
  std::uint8_t md5[16] = {};
  std::uint32_t adler32 = 0;

  static Digests from(const atoll_body_result &got);
};

bool matches(const ExpectedDigest &expected, const Digests &got);

/// The commit of so many bytes with these checksums.
atoll_upload_commit commit_of(const Digests &digests, std::uint64_t size, std::int64_t mtime_ns);

/// The failure of an operation on the name: what a driver tells apart less finely than HTTP does.
Response refuse_upload(const Context &context, const Target &target, const Error &error);

/// What a body that was not received whole is answered with. `write_failure`: of storing it; `too_long`: the HTTP
/// status of one that is longer than `limit`, which is named to people.
Response body_failure(const Context &context, const Target &target, const std::optional<Error> &write_failure,
                      const atoll_body_result &got, int too_long, std::string_view limit);

}  // namespace Atoll::webdav
