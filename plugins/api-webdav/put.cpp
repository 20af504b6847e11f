// SPDX-License-Identifier: Apache-2.0
// PUT: everything that can be refused is refused before the body is asked for; then the body flows into the upload, and
// the commit is the one point where something changes.
#include "core/base/text.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/upload_rules.hpp"

namespace Atoll::webdav {

namespace {

/// What the head says of the body.
struct Announced {
  std::uint64_t size = ATOLL_SIZE_UNKNOWN;
  std::int64_t mtime_ns = ATOLL_MTIME_NOW;
  std::vector<ExpectedDigest> digests;
};

/// An upload between its head and its commit.
struct Pending {
  Target target;
  Announced announced;
  Preconditions preconditions;
  std::shared_ptr<Upload> upload;
  std::optional<Error> write_failure;
};

std::optional<Response> read_head(const Context &context, Announced &out) {
  const Request &request = context.request;
  if (request.header("Content-Range")) {
    return context.fail(400, "A PUT with Content-Range is refused: send the whole file.");
  }
  const auto length = request.content_length();
  if (length) out.size = *length;
  if (const auto value = request.header("OC-Total-Length")) {
    const auto total = base::parse_u64(base::trim(*value));
    if (!total) return context.fail(400, "OC-Total-Length is no number of bytes.");
    if (length && *total != *length) return context.fail(400, "OC-Total-Length and Content-Length differ.");
    out.size = *total;
  }
  if (const auto value = request.header("X-OC-Mtime")) {
    const auto mtime = parse_mtime(base::trim(*value));
    if (!mtime) return context.fail(400, "X-OC-Mtime is no time in seconds since 1970.");
    out.mtime_ns = *mtime;
  }
  const auto oc = request.joined_header("OC-Checksum");
  const auto md5 = request.header("Content-MD5");
  const auto digest = request.joined_header("Digest");
  if ((oc && !parse_oc_checksum(base::trim(*oc), out.digests)) ||
      (md5 && !parse_content_md5(base::trim(*md5), out.digests)) || (digest && !parse_digest(*digest, out.digests))) {
    return context.fail(400, "The checksum of the request cannot be read.");
  }
  return std::nullopt;
}

Response finish(const Context &context, Pending &pending, const atoll_body_result &got) {
  if (got.status != ATOLL_OK)
    return body_failure(context, pending.target, pending.write_failure, got, 400, "OC-Total-Length");
  if (pending.announced.size != ATOLL_SIZE_UNKNOWN && pending.announced.size != got.length) {
    return context.fail(400, "The body is shorter than OC-Total-Length.");
  }
  const Digests digests = Digests::from(got);
  for (const ExpectedDigest &expected : pending.announced.digests) {
    if (!matches(expected, digests)) {
      return context.fail(400, "The checksum of the body is not the one that was sent: nothing was stored.");
    }
  }
  const auto commit = commit_of(digests, got.length, pending.announced.mtime_ns);
  OutgoingCall out(context.call.raw());
  pending.preconditions.attach(out);
  auto done = pending.upload->commit(out, commit);
  if (!done) return refuse_upload(context, pending.target, done.error());
  Response response;
  response.status = done->created() ? 201 : 204;
  add_node_headers(response, pending.target.space, *done);
  if (pending.announced.mtime_ns != ATOLL_MTIME_NOW) response.header("X-OC-MTime", "accepted");
  return response;
}

}  // namespace

void put(const std::shared_ptr<Context> &context) {
  const auto answer = [&](Response response) { context->exchange.respond(std::move(response)); };
  auto pending = std::make_shared<Pending>();
  if (auto refused = read_head(*context, pending->announced)) return answer(*std::move(refused));
  if (context->location.folder_form) {
    return answer(context->fail(405, "The name ends with a slash: a folder is made with MKCOL."));
  }
  auto target = context->target();
  if (!target) return answer(context->fail(target.error()));
  if (target->is_root()) return answer(context->fail(405, "A file cannot replace the root of a space."));
  pending->target = *std::move(target);
  if (pending->target.ref.path.empty()) {  // a file named by its id: it is written at its name
    OutgoingCall asking(context->call.raw());
    auto line = context->services.files.path_of(asking, pending->target.ref.space, pending->target.ref.node);
    if (!line) return answer(context->fail(line.error()));
    if (line->size() > 1 && !line->front().folder()) {
      pending->target.ref.node = (*line)[1].node;
      pending->target.ref.path = line->front().name;
    }
  }
  if (auto refused = read_preconditions(*context, pending->target, pending->preconditions)) {
    return answer(*std::move(refused));
  }
  OutgoingCall out(context->call.raw());
  pending->preconditions.attach(out);
  auto upload = context->services.files.upload_begin(out, pending->target.ref, pending->announced.size);
  if (!upload) return answer(refuse_upload(*context, pending->target, upload.error()));
  pending->upload = *std::move(upload);

  const auto write = [context, pending](std::uint64_t offset, const void *data, std::uint64_t length) -> std::int32_t {
    OutgoingCall writing(context->call.raw());
    auto written = pending->upload->write(writing, offset, data, length);
    if (written) return ATOLL_OK;
    pending->write_failure = written.error();
    return static_cast<std::int32_t>(written.status());
  };
  const int fd = pending->upload->fd(out);
  context->exchange.receive_body(
      fd, pending->announced.size, wanted_checksums(*context, pending->announced.digests), write,
      [context, pending](const Call &, Exchange exchange, const BodyResult &result) {
        Response response = finish(*context, *pending, result.raw());
        pending->upload->abort();  // nothing left of it when it was not committed, before the client hears of it
        exchange.respond(std::move(response));
      });
}

}  // namespace Atoll::webdav
