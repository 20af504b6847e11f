// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/tus_transfer.hpp"

#include <algorithm>

#include "core/base/checksum.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-webdav/tus_headers.hpp"

namespace Atoll::webdav {

namespace {

constexpr int kChecksumMismatch = 460;

/// Nothing is left of it afterwards.
void drop(const Context &context, TusTransfer &transfer) {
  transfer.upload->abort();
  if (transfer.fresh) return;
  OutgoingCall out(context.call.raw());
  auto done = context.services.uploads.remove(out, transfer.target.space.id, transfer.id);
  if (!done && done.status() != Status::NotFound) {
    context.services.host.log(ATOLL_LOG_WARNING, "an upload could not be removed: " + done.error().message, {},
                              context.call.raw());
  }
}

/// What was written by this request is taken back.
void take_back(const Context &context, TusTransfer &transfer) {
  if (transfer.fresh) {
    transfer.upload->abort();
    return;
  }
  OutgoingCall out(context.call.raw());
  if (auto done = context.services.uploads.cut(out, *transfer.upload, transfer.offset); !done) {
    drop(context, transfer);  // rather none than mixed bytes
    return;
  }
  transfer.upload->abort();
}

/// Checksums of all that was written.
Result<Digests> read_again(const Context &context, const TusTransfer &transfer) {
  const std::uint32_t wanted = wanted_checksums(context, transfer.record.digests);
  base::Checksums sums(wanted & base::kAllChecksums);
  std::vector<std::uint8_t> buffer(1u << 18);
  std::uint64_t at = 0;
  while (at < transfer.size) {
    OutgoingCall out(context.call.raw());
    const std::uint64_t ask = std::min<std::uint64_t>(buffer.size(), transfer.size - at);
    auto got = context.services.uploads.read(out, *transfer.upload, at, buffer.data(), ask);
    if (!got) return std::move(got).error();
    if (*got == 0) return error(Status::Unavailable, "an upload became shorter while it was read");
    sums.update(std::span<const std::uint8_t>(buffer.data(), static_cast<std::size_t>(*got)));
    at += *got;
  }
  const auto values = sums.finish();
  Digests digests;
  digests.checksums = wanted;
  std::copy(values.sha1.begin(), values.sha1.end(), digests.sha1);
  std::copy(values.md5.begin(), values.md5.end(), digests.md5);
  digests.adler32 = values.adler32;
  return digests;
}

}  // namespace

Response tus_keep(const Context &context, TusTransfer &transfer, std::uint64_t reached) {
  OutgoingCall out(context.call.raw());
  if (auto kept = transfer.upload->suspend(out); !kept) return refuse_upload(context, transfer.target, kept.error());
  Response response;
  response.status = transfer.fresh ? 201 : 204;
  response.header("Upload-Offset", std::to_string(reached));
  if (transfer.fresh) response.header("Location", tus_location(context, transfer.target.space.id, transfer.id));
  // When it ends is known to the driver alone, once it is kept.
  auto upload = context.services.uploads.reopen(out, transfer.target.space.id, transfer.id);
  if (upload) {
    const auto kept = context.services.uploads.info(out, **upload);
    if (kept) add_tus_expiry(response, *kept);
  }
  return response;
}

namespace {

Response finish(const Context &context, TusTransfer &transfer, const atoll_body_result &got) {
  if (got.status != ATOLL_OK) {
    const bool whole_or_nothing = transfer.fresh || transfer.chunk ||
                                  static_cast<Status>(got.status) == Status::ResourceExhausted ||
                                  static_cast<Status>(got.status) == Status::InvalidArgument;
    if (whole_or_nothing) {
      take_back(context, transfer);
    } else {
      OutgoingCall out(context.call.raw());
      if (auto kept = transfer.upload->suspend(out); !kept) (void)context.fail(kept.error());  // logs it
    }
    return body_failure(context, transfer.target, transfer.write_failure, got, 413, "what is left of Upload-Length");
  }
  const Digests digests = Digests::from(got);
  if (transfer.chunk && !matches(*transfer.chunk, digests)) {
    take_back(context, transfer);
    return context.fail(kChecksumMismatch, "The checksum of the body is not the one of Upload-Checksum.");
  }
  const std::uint64_t reached = transfer.offset + got.length;
  if (reached < transfer.size) return tus_keep(context, transfer, reached);
  return tus_complete(context, transfer, transfer.offset == 0 ? &digests : nullptr);
}

}  // namespace

void add_tus_expiry(Response &response, const KeptUpload &kept) {
  if (kept.expires_ns != 0) response.header("Upload-Expires", base::http_date(kept.expires_ns / 1'000'000'000));
}

void tus_answer(const Context &context, Response response) {
  response.header("Tus-Resumable", "1.0.0");
  if (context.request.header("Origin")) {
    response.header("Access-Control-Expose-Headers",
                    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, "
                    "Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, OC-FileId, OC-ETag, ETag, OC-Perm");
  }
  context.exchange.respond(std::move(response));
}

std::string tus_location(const Context &context, const SpaceId &space, const Uuid &id) {
  std::string out;
  if (!context.request.authority().empty()) {
    out.append(context.request.secure() ? "https://" : "http://").append(context.request.authority());
  }
  if (context.location.href.starts_with("/remote.php/")) out.append("/remote.php");
  return out.append("/dav/uploads/").append(space.text()).append("/").append(id.text());
}

void tus_receive(const std::shared_ptr<Context> &context, const std::shared_ptr<TusTransfer> &transfer) {
  const auto write = [context, transfer](std::uint64_t offset, const void *data, std::uint64_t length) -> std::int32_t {
    OutgoingCall writing(context->call.raw());
    auto written = transfer->upload->write(writing, offset, data, length);
    if (written) return ATOLL_OK;
    transfer->write_failure = written.error();
    return static_cast<std::int32_t>(written.status());
  };
  std::uint32_t sums = transfer->chunk ? bit_of(transfer->chunk->kind) : 0;
  const auto length = context->request.content_length();
  const std::uint64_t left = transfer->size - transfer->offset;
  if (transfer->offset == 0 && (!length || *length == left))
    sums |= wanted_checksums(*context, transfer->record.digests);
  OutgoingCall out(context->call.raw());
  if (transfer->chunk && !transfer->fresh) {
    // Bytes whose checksum nobody has seen yet do not count, whatever becomes of this request.
    if (auto marked = context->services.uploads.cut(out, *transfer->upload, transfer->offset); !marked) {
      transfer->upload->abort();
      return tus_answer(*context, refuse_upload(*context, transfer->target, marked.error()));
    }
  }
  const int fd = transfer->upload->fd(out);
  context->exchange.receive_body(
      fd, left, sums, write,
      [context, transfer](const Call &, Exchange, const BodyResult &result) {
        Response response = finish(*context, *transfer, result.raw());
        transfer->upload->abort();  // nothing of a new one is left that was neither kept nor made
        tus_answer(*context, std::move(response));
      },
      transfer->offset);
}

Response tus_complete(const Context &context, TusTransfer &transfer, const Digests *known) {
  Digests digests;
  if (known != nullptr) {
    digests = *known;
  } else {
    auto again = read_again(context, transfer);
    if (!again) return refuse_upload(context, transfer.target, again.error());
    digests = *again;
  }
  for (const ExpectedDigest &expected : transfer.record.digests) {
    if (matches(expected, digests)) continue;
    drop(context, transfer);
    return context.fail(kChecksumMismatch, "The checksum of the upload is not the one announced: nothing was stored.");
  }
  const auto commit = commit_of(digests, transfer.size, transfer.record.mtime_ns);
  OutgoingCall out(context.call.raw());
  transfer.preconditions.attach(out);
  auto done = transfer.upload->commit(out, commit);
  if (!done) {
    if (done.status() == Status::InvalidArgument) {
      return context.fail(kChecksumMismatch, "The checksum of what was stored is not that of what was sent.");
    }
    return refuse_upload(context, transfer.target, done.error());
  }
  Response response;
  response.status = transfer.fresh ? 201 : 204;
  response.header("Upload-Offset", std::to_string(transfer.size));
  if (transfer.fresh) response.header("Location", tus_location(context, transfer.target.space.id, transfer.id));
  add_node_headers(response, transfer.target.space, *done);
  if (transfer.record.mtime_ns != ATOLL_MTIME_NOW) response.header("X-OC-MTime", "accepted");
  return response;
}

}  // namespace Atoll::webdav
