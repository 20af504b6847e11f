// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/tus.hpp"

#include <utility>

#include "core/base/path.hpp"
#include "core/base/text.hpp"
#include "plugins/api-webdav/tus_headers.hpp"
#include "plugins/api-webdav/tus_transfer.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::string_view kVersion = "1.0.0";
constexpr std::string_view kAllowUpload = "OPTIONS, HEAD, PATCH, DELETE, POST";

Response other_version(const Context &context) {
  Response response = context.fail(412, "Tus-Resumable must be 1.0.0.");
  response.header("Tus-Version", kVersion);
  return response;
}

bool speaks_version(const Context &context) {
  const auto version = context.request.header("Tus-Resumable");
  return version && base::trim(*version) == kVersion;
}

/// Upload-Length, Upload-Metadata, X-OC-Mtime and the conditions of a request that makes an upload.
std::optional<Response> read_creation(const Context &context, TusTransfer &out, std::string &path) {
  const Request &request = context.request;
  if (!speaks_version(context)) return other_version(context);
  if (request.header("Upload-Defer-Length")) {
    return context.fail(400, "Upload-Defer-Length is not served: announce Upload-Length.");
  }
  const auto length = request.header("Upload-Length");
  if (!length) return context.fail(400, "Upload-Length is missing.");
  const auto size = parse_upload_number(base::trim(*length));
  if (!size) return context.fail(400, "Upload-Length is no number of bytes.");
  if (*size > kMostUploadBytes) return context.fail(413, "Upload-Length is more than Tus-Max-Size.");
  out.size = *size;
  if (const auto offset = request.header("Upload-Offset")) {
    if (parse_upload_number(base::trim(*offset)) != 0)
      return context.fail(400, "A new upload begins at Upload-Offset 0.");
  }
  const auto metadata = request.joined_header("Upload-Metadata");
  if (!metadata) return context.fail(400, "Upload-Metadata with a filename is missing.");
  auto parsed = parse_upload_metadata(*metadata);
  if (!parsed) return context.fail(parsed.error());
  path = std::move(parsed->path);
  out.record.metadata = *metadata;
  out.record.digests = std::move(parsed->digests);
  if (parsed->mtime_ns) {
    out.record.mtime_ns = *parsed->mtime_ns;
  } else if (const auto value = request.header("X-OC-Mtime")) {
    const auto mtime = parse_mtime(base::trim(*value));
    if (!mtime) return context.fail(400, "X-OC-Mtime is no time in seconds since 1970.");
    out.record.mtime_ns = *mtime;
  }
  return std::nullopt;
}

/// What a request with bytes says of them.
std::optional<Response> read_body_head(const Context &context, TusTransfer &out) {
  const auto type = context.request.header("Content-Type");
  if (!type || !is_offset_octets(*type)) {
    return context.fail(415, "The bytes of an upload have the type application/offset+octet-stream.");
  }
  const auto length = context.request.content_length();
  if (length && *length > out.size - out.offset) {
    return context.fail(413, "The body is longer than what is left of Upload-Length.");
  }
  if (const auto checksum = context.request.header("Upload-Checksum")) {
    auto digest = parse_upload_checksum(base::trim(*checksum));
    if (!digest) return context.fail(digest.error());
    out.chunk = *std::move(digest);
  }
  return std::nullopt;
}

/// `{space}/{upload}` of the URL.
std::optional<std::pair<SpaceId, Uuid>> upload_named(const Location &location) {
  const std::string_view path = location.path;
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto space = SpaceId::parse(path.substr(0, slash));
  const auto id = Uuid::parse(path.substr(slash + 1));
  if (!space || !id) return std::nullopt;
  return std::pair(*space, *id);
}

/// Opens the upload of the URL for this request.
std::optional<Response> open_upload(const Context &context, TusTransfer &out, KeptUpload &kept) {
  const auto named = upload_named(context.location);
  if (!named) return context.fail(404, "There is no such upload; begin a new one.");
  Location space;
  space.root = Root::Spaces;
  space.id.space = named->first;
  auto target = context.resolve(space);
  if (!target) return context.fail(target.error());
  out.target = *std::move(target);
  out.id = named->second;
  OutgoingCall call(context.call.raw());
  auto upload = context.services.uploads.reopen(call, named->first, named->second);
  if (!upload) return context.fail(upload.error());
  out.upload = *std::move(upload);
  auto found = context.services.uploads.info(call, *out.upload);
  if (!found) return context.fail(found.error());
  kept = *std::move(found);
  auto record = read_tus_record(kept.metadata);
  if (!record) return context.fail(404, "There is no such upload; begin a new one.");
  out.record = *std::move(record);
  out.target.ref = Ref{kept.space, kept.node, kept.path};
  out.size = kept.size;
  out.offset = kept.offset;
  if (auto refused = read_preconditions(context, out.target, out.preconditions)) return refused;
  out.preconditions.conditions = out.record.conditions;
  auto &tokens = out.preconditions.tokens;
  tokens.insert(tokens.end(), out.record.tokens.begin(), out.record.tokens.end());
  return std::nullopt;
}

void head(const std::shared_ptr<Context> &context) {
  TusTransfer transfer;
  KeptUpload kept;
  if (auto refused = open_upload(*context, transfer, kept)) return tus_answer(*context, *std::move(refused));
  Response response;
  if (transfer.offset == transfer.size) {
    // Its last answer was lost, or never given. Whoever reads this offset takes the file for made.
    response = tus_complete(*context, transfer, nullptr);
    if (response.status != 204) return tus_answer(*context, std::move(response));
    response.status = 200;
  } else {
    transfer.upload->abort();
    response.header("Upload-Offset", std::to_string(transfer.offset));
    add_tus_expiry(response, kept);
  }
  response.header("Upload-Length", std::to_string(transfer.size));
  if (!transfer.record.metadata.empty()) response.header("Upload-Metadata", transfer.record.metadata);
  response.header("Cache-Control", "no-store");
  tus_answer(*context, std::move(response));
}

void patch(const std::shared_ptr<Context> &context) {
  const auto value = context->request.header("Upload-Offset");
  const auto offset = value ? parse_upload_number(base::trim(*value)) : std::nullopt;
  if (!offset) return tus_answer(*context, context->fail(400, "Upload-Offset is no number of bytes."));
  auto transfer = std::make_shared<TusTransfer>();
  KeptUpload kept;
  if (auto refused = open_upload(*context, *transfer, kept)) return tus_answer(*context, *std::move(refused));
  const auto refuse = [&](Response response) {
    transfer->upload->abort();  // closes it: what was there stays
    tus_answer(*context, std::move(response));
  };
  if (*offset != transfer->offset) {
    Response conflict = context->fail(409, "Upload-Offset is not where this upload stands.");
    conflict.header("Upload-Offset", std::to_string(transfer->offset));
    return refuse(std::move(conflict));
  }
  if (auto refused = read_body_head(*context, *transfer)) return refuse(*std::move(refused));
  tus_receive(context, transfer);
}

void terminate(const std::shared_ptr<Context> &context) {
  const auto named = upload_named(context->location);
  if (!named) return tus_answer(*context, context->fail(404, "There is no such upload."));
  OutgoingCall out(context->call.raw());
  auto done = context->services.uploads.remove(out, named->first, named->second);
  if (!done) return tus_answer(*context, context->fail(done.error()));
  Response response;
  response.status = 204;
  tus_answer(*context, std::move(response));
}

}  // namespace

void add_tus_options(const Context &context, Response &response) {
  if (!context.services.uploads) return;
  response.header("Tus-Resumable", kVersion);
  response.header("Tus-Version", kVersion);
  response.header("Tus-Extension", kTusExtensions);
  response.header("Tus-Max-Size", std::to_string(kMostUploadBytes));
  response.header("Tus-Checksum-Algorithm", "sha1,md5,adler32");
}

void tus_create(const std::shared_ptr<Context> &context) {
  const auto answer = [&](Response response) { tus_answer(*context, std::move(response)); };
  if (!context->services.uploads) return answer(context->fail(501, "Uploads cannot be resumed here."));
  auto transfer = std::make_shared<TusTransfer>();
  transfer->fresh = true;
  std::string path;
  if (auto refused = read_creation(*context, *transfer, path)) return answer(*std::move(refused));
  const bool with_upload = context->request.has_body();
  if (with_upload) {
    if (auto refused = read_body_head(*context, *transfer)) return answer(*std::move(refused));
  }
  auto target = context->target();
  if (!target) return answer(context->fail(target.error()));
  transfer->target = *std::move(target);
  std::string &full = transfer->target.ref.path;
  if (!full.empty()) full.push_back('/');
  full.append(path);
  if (!base::split_path(full)) return answer(context->fail(400, "The path of the file is too deep."));
  if (auto refused = read_preconditions(*context, transfer->target, transfer->preconditions)) {
    return answer(*std::move(refused));
  }
  transfer->record.conditions = transfer->preconditions.conditions;
  transfer->record.tokens = transfer->preconditions.tokens;
  const auto record = write_tus_record(transfer->record);
  if (!record) return answer(context->fail(record.error()));

  OutgoingCall out(context->call.raw());
  transfer->preconditions.attach(out);
  auto upload = context->services.files.upload_begin(out, transfer->target.ref, transfer->size, *record);
  if (!upload) return answer(refuse_upload(*context, transfer->target, upload.error()));
  transfer->upload = *std::move(upload);
  const auto begun = context->services.uploads.info(out, *transfer->upload);
  // A driver that keeps no uploads can still take one that comes whole.
  const bool whole = transfer->size == 0 || (with_upload && context->request.content_length() == transfer->size);
  if (!begun && !(whole && begun.status() == Status::Unimplemented)) return answer(context->fail(begun.error()));
  if (begun) transfer->id = begun->id;
  if (with_upload) return tus_receive(context, transfer);
  if (transfer->size == 0) {
    Response response = tus_complete(*context, *transfer, nullptr);
    transfer->upload->abort();
    return answer(std::move(response));
  }
  answer(tus_keep(*context, *transfer, 0));
}

void tus_upload(const std::shared_ptr<Context> &context) {
  std::string_view method = context->request.method();
  if (method == "POST") {
    method = base::trim(context->request.header("X-HTTP-Method-Override").value_or(""));
    if (method != "PATCH" && method != "DELETE" && method != "HEAD") method = "POST";
  }
  if (!context->services.uploads) {
    return tus_answer(*context, context->fail(501, "Uploads cannot be resumed here."));
  }
  if (method == "HEAD") return head(context);  // resuming clients send it without Tus-Resumable
  if (method == "PATCH" || method == "DELETE") {
    if (!speaks_version(*context)) return tus_answer(*context, other_version(*context));
    return method == "PATCH" ? patch(context) : terminate(context);
  }
  Response refused = context->fail(405, "An upload is asked about with HEAD, gone on with by PATCH, ended by DELETE.");
  refused.header("Allow", kAllowUpload);
  tus_answer(*context, std::move(refused));
}

}  // namespace Atoll::webdav
