// SPDX-License-Identifier: Apache-2.0
// One request that brings bytes of an upload, or the last word about it. For tus.cpp.
#pragma once

#include <memory>
#include <optional>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/tus_record.hpp"
#include "plugins/api-webdav/upload_rules.hpp"

namespace Atoll::webdav {

/// An open upload while a request works on it. One thread at a time.
struct TusTransfer {
  Target target;  ///< of the upload: where the file will be
  Uuid id;
  TusRecord record;
  Preconditions preconditions;  ///< of the record, and the lock tokens of this request
  std::uint64_t size = 0;
  std::uint64_t offset = 0;             ///< where this request began
  bool fresh = false;                   ///< made by this request: its URL is not known to anybody
  std::optional<ExpectedDigest> chunk;  ///< Upload-Checksum of this request's body
  std::shared_ptr<Upload> upload;
  std::optional<Error> write_failure;
};

/// Adds the fields that every answer of TUS has, and answers.
void tus_answer(const Context &context, Response response);

/// "https://host/remote.php/dav/uploads/{space}/{upload}"
std::string tus_location(const Context &context, const SpaceId &space, const Uuid &id);

/// Takes the body of the request into the upload, then answers.
void tus_receive(const std::shared_ptr<Context> &context, const std::shared_ptr<TusTransfer> &transfer);

/// The bytes so far are kept; the answer says how many, where, and until when.
Response tus_keep(const Context &context, TusTransfer &transfer, std::uint64_t reached);

/// Upload-Expires, unless it never does.
void add_tus_expiry(Response &response, const KeptUpload &kept);

/// All bytes are there: verifies them and makes the file. `known`: checksums of all of it, if they were computed on the
/// way. A failure that may pass leaves the upload there, whole; after any other one it is gone.
Response tus_complete(const Context &context, TusTransfer &transfer, const Digests *known);

}  // namespace Atoll::webdav
