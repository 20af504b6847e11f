// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/upload_rules.hpp"

#include <cstring>

#include "plugins/api-webdav/preconditions.hpp"

namespace Atoll::webdav {

std::uint32_t wanted_checksums(const Context &context, const std::vector<ExpectedDigest> &expected) {
  std::uint32_t wanted = context.services.checksums;
  for (const ExpectedDigest &one : expected) wanted |= bit_of(one.kind);
  return wanted;
}

Digests Digests::from(const atoll_body_result &got) {
  Digests out;
  out.checksums = got.checksums & kAllChecksums;
  std::memcpy(out.sha1, got.sha1, sizeof out.sha1);
  std::memcpy(out.md5, got.md5, sizeof out.md5);
  out.adler32 = got.adler32;
  return out;
}

bool matches(const ExpectedDigest &expected, const Digests &got) {
  if ((got.checksums & bit_of(expected.kind)) == 0) return false;
  switch (expected.kind) {
    case ExpectedDigest::Kind::Sha1:
      return expected.bytes.size() == 20 && std::memcmp(expected.bytes.data(), got.sha1, 20) == 0;
    case ExpectedDigest::Kind::Md5:
      return expected.bytes.size() == 16 && std::memcmp(expected.bytes.data(), got.md5, 16) == 0;
    case ExpectedDigest::Kind::Adler32: {
      const std::uint8_t bytes[4] = {
          static_cast<std::uint8_t>(got.adler32 >> 24), static_cast<std::uint8_t>(got.adler32 >> 16),
          static_cast<std::uint8_t>(got.adler32 >> 8), static_cast<std::uint8_t>(got.adler32)};
      return expected.bytes.size() == 4 && std::memcmp(expected.bytes.data(), bytes, 4) == 0;
    }
  }
  return false;
}

atoll_upload_commit commit_of(const Digests &digests, std::uint64_t size, std::int64_t mtime_ns) {
  auto commit = sized<atoll_upload_commit>();
  commit.flags = digests.checksums;
  commit.size = size;
  commit.mtime_ns = mtime_ns;
  std::memcpy(commit.sha1, digests.sha1, sizeof commit.sha1);
  std::memcpy(commit.md5, digests.md5, sizeof commit.md5);
  commit.adler32 = digests.adler32;
  return commit;
}

Response refuse_upload(const Context &context, const Target &target, const Error &error) {
  if (error.status == Status::NotFound) return context.fail(409, "The folder above does not exist.");
  if (error.status == Status::FailedPrecondition || error.status == Status::AlreadyExists) {
    OutgoingCall out(context.call.raw());
    const auto there = context.services.files.stat(out, target.ref);
    if (there && there->folder()) return context.fail(405, "There is a folder of this name: a file cannot replace it.");
    return context.fail(Atoll::error(Status::FailedPrecondition, error.message));
  }
  return fail_maybe_locked(context, error, {&target});
}

Response body_failure(const Context &context, const Target &target, const std::optional<Error> &write_failure,
                      const atoll_body_result &got, int too_long, std::string_view limit) {
  if (write_failure) return refuse_upload(context, target, *write_failure);
  switch (static_cast<Status>(got.status)) {
    case Status::Cancelled:
      return context.fail(400, "The body ended before its announced length.");
    case Status::InvalidArgument:
      return context.fail(400, "The body is not encoded as it says.");
    case Status::ResourceExhausted:
      return context.fail(too_long, "The body is longer than " + std::string(limit) + ".");
    case Status::DeadlineExceeded:
      return context.fail(408, "The body stopped coming.");
    default:
      break;
  }
  return context.fail(
      Error{static_cast<Status>(got.status), "the body of an upload could not be stored", got.sys_errno, 0});
}

}  // namespace Atoll::webdav
