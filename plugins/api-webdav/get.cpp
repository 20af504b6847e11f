// SPDX-License-Identifier: Apache-2.0
// GET and HEAD (RFC 9110, sections 9.3, 13 and 14).
#include "core/base/mime.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "plugins/api-webdav/download.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/preconditions.hpp"

namespace Atoll::webdav {

namespace {

/// Everything but the body and what depends on the range.
void add_headers(Response &response, const SpaceRecord &space, const Stat &stat, std::string_view media_type) {
  response.headers.reserve(14, 768);
  add_node_headers(response, space, stat);
  response.header("Accept-Ranges", "bytes");
  if (stat.flags & ATOLL_STAT_SHA1) response.header("OC-Checksum", "SHA1:" + base::hex_encode(stat.sha1));
  response.header("X-Content-Type-Options", "nosniff");
  response.header("Content-Security-Policy", "default-src 'none'; sandbox");
  response.header("Cache-Control", "private, no-cache");
  if (runs_in_browser(media_type)) response.header("Content-Disposition", attachment(stat.name));
}

Response folder_refused(const Context &context) {
  Response response = context.fail(405, "This is a folder: ask for its contents with PROPFIND.");
  response.header("Allow", "OPTIONS, HEAD, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, DELETE, LOCK, UNLOCK");
  return response;
}

}  // namespace

Response send_file(const Context &context, const SpaceRecord &space, const Stat &stat,
                   std::shared_ptr<FileReader> file) {
  if (stat.flags & ATOLL_STAT_PROCESSING) return context.fail(425, "The file is still being processed.");

  const ConditionalFields fields = context.conditional_fields();
  const std::int64_t mtime = mtime_seconds(stat);
  const std::string media_type(base::mime_type(stat.name));
  Response response;
  switch (evaluate_read(fields, stat.etag, mtime)) {
    case Verdict::Malformed:
      return context.fail(400, "If-Match or If-None-Match is no list of etags.");
    case Verdict::PreconditionFailed:
      return context.fail(412, "The file is not as the request's conditions want it.");
    case Verdict::NotModified:
      response.status = 304;
      response.header("ETag", quoted(stat.etag));
      response.header("OC-ETag", quoted(stat.etag));
      response.header("Last-Modified", base::http_date(mtime));
      response.header("Cache-Control", "private, no-cache");
      return response;
    case Verdict::Perform:
      break;
  }

  add_headers(response, space, stat, media_type);
  if (!file) {
    response.header("Content-Type", media_type);
    response.body = HeadBody{stat.size};
    return response;
  }
  RangeWish wish;
  const auto range = context.request.joined_header("Range");
  if (range && range_applies(fields, stat.etag, mtime)) wish = parse_range(*range, stat.size);

  std::vector<BodyPart> parts;
  if (wish.kind == RangeWish::Kind::Unsatisfiable) {
    Response refused = context.fail(416, "No byte of the file lies in that range.");
    refused.header("Content-Range", "bytes */" + std::to_string(stat.size));
    return refused;
  }
  if (wish.kind == RangeWish::Kind::Whole) {
    response.header("Content-Type", media_type);
    if (stat.size > 0) parts.push_back({{}, ByteRange{0, stat.size}});
  } else if (wish.parts.size() == 1) {
    response.status = 206;
    response.header("Content-Type", media_type);
    response.header("Content-Range", content_range(wish.parts[0], stat.size));
    parts.push_back({{}, wish.parts[0]});
  } else {
    const std::string boundary = base::random_id<Uuid>().text();
    response.status = 206;
    response.header("Content-Type", "multipart/byteranges; boundary=" + boundary);
    parts = multipart(wish.parts, stat.size, media_type, boundary);
  }
  if (parts.empty()) {
    response.body = std::string();
    return response;
  }
  if (auto done = set_body(response, context.call, std::move(file), std::move(parts)); !done) {
    return context.fail(done.error());
  }
  return response;
}

Response get(const Context &context, bool head) {
  auto target = context.target();
  if (!target) return context.fail(target.error());
  if (context.request.header("If")) {
    Preconditions preconditions;
    if (auto refused = read_preconditions(context, *target, preconditions)) return *std::move(refused);
  }
  const Files &files = context.services.files;
  OutgoingCall out(context.call.raw());
  std::shared_ptr<FileReader> file;
  Stat stat;
  if (head) {
    auto found = files.stat(out, target->ref);
    if (!found) return context.fail(found.error());
    stat = *std::move(found);
    // As GET is refused: the headers tell what the contents are.
    if (!stat.folder() && (target->space.permissions & ATOLL_MAY_READ) == 0)
      return context.fail(403, "You may see this, but not read it.");
  } else {
    auto opened = files.open_read(out, target->ref);
    if (!opened) {
      // A driver may say in its own way that this is a folder.
      if (opened.status() == Status::FailedPrecondition || opened.status() == Status::InvalidArgument) {
        auto found = files.stat(out, target->ref);
        if (found && found->folder()) return folder_refused(context);
      }
      return context.fail(opened.error());
    }
    file = *std::move(opened);
    stat = file->stat();
  }
  if (stat.folder()) return folder_refused(context);
  return send_file(context, target->space, stat, std::move(file));
}

}  // namespace Atoll::webdav
