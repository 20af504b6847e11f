// SPDX-License-Identifier: Apache-2.0
// /dav/meta/{id}: what is known of a node by its id, and below `v` the earlier versions of a file. A version is read
// with GET, becomes the content of its file by COPY, and goes with DELETE.
#include <algorithm>
#include <cstring>

#include "plugins/api-webdav/destination.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/multistatus.hpp"
#include "plugins/api-webdav/preconditions.hpp"

namespace Atoll::webdav {

namespace {

/// One request below /dav/meta/{id}.
struct Versioned {
  const Context &context;
  Target target;        ///< the node that is named
  std::string version;  ///< the key after `v/`; empty: all of them

  Response list(std::string_view body) const;
  Response read(bool head) const;
  Response restore() const;
  Response remove() const;
};

Response refuse_here(const Context &context, std::string_view allow) {
  Response response =
      context.fail(405, "The method " + std::string(context.request.method()) + " is not served on this resource.");
  response.header("Allow", allow);
  return response;
}

/// A folder has no versions, which is known.
Response fail_version(const Context &context, const Error &failure) {
  if (failure.status == Status::FailedPrecondition) return context.fail(404, "Folders have no versions.");
  return context.fail(failure);
}

atoll_stat stat_of_version(const Version &version, const Stat &file) {
  auto raw = sized<atoll_stat>();
  raw.type = ATOLL_NODE_FILE;
  raw.flags = version.flags & (ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32);
  raw.space = to_abi(file.space);
  raw.node = to_abi(file.node);
  raw.name = str(version.id);
  raw.etag = str(version.etag);
  raw.size = version.size;
  raw.mtime_ns = version.mtime_ns;
  std::memcpy(raw.sha1, version.sha1.data(), sizeof raw.sha1);
  std::memcpy(raw.md5, version.md5.data(), sizeof raw.md5);
  raw.adler32 = version.adler32;
  return raw;
}

Response Versioned::list(std::string_view body) const {
  PropfindRequest request;
  if (auto refused = read_propfind(context, body, false, request)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  auto file = context.services.files.stat(out, target.ref);
  if (!file) return context.fail(file.error());
  if (file->folder()) return context.fail(404, "Folders have no versions.");
  auto versions = context.services.versions.list(out, target.ref);
  if (!versions) return fail_version(context, versions.error());

  SpaceFacts facts;
  std::memcpy(facts.birth, target.space.birth.bytes().data(), sizeof facts.birth);
  facts.name = target.space.name;
  Multistatus answer(*request.plan, facts);
  const auto add = [&](const std::string &href, const Version &one) {
    Extras extras;
    extras.kind = EntryKind::Version;
    extras.file_name = file->name;
    answer.item(href, stat_of_version(one, *file), extras);
  };
  if (version.empty()) {
    answer.item(context.location.href, file->abi());  // the file as it is now
    if (request.depth != Depth::Zero)
      for (const Version &one : *versions) add(context.location.href + '/' + one.id, one);
  } else {
    const auto found =
        std::find_if(versions->begin(), versions->end(), [&](const Version &one) { return one.id == version; });
    if (found == versions->end()) return context.fail(404, "There is no such version of the file.");
    add(context.location.href, *found);
  }
  answer.finish();
  Response response = multistatus_response(request);
  response.body = std::move(answer).take();
  return response;
}

Response Versioned::read(bool head) const {
  OutgoingCall out(context.call.raw());
  auto opened = context.services.versions.open_read(out, target.ref, version);
  if (!opened) return fail_version(context, opened.error());
  const Stat stat = (*opened)->stat();
  return send_file(context, target.space, stat, head ? nullptr : *std::move(opened));
}

Response Versioned::restore() const {
  // A version can only come back to its own file. Clients name that as the destination; some name none.
  if (const auto named = context.request.header("Destination")) {
    auto url = parse_url_target(*named, context.request.authority());
    if (!url) return context.fail(url.error());
    if (url->other_host) return context.fail(502, "The destination is on another server.");
    auto to = context.resolve(url->location);
    if (!to && to.status() != Status::NotFound) return context.fail(to.error());
    Result<Stat> there = error(Status::NotFound, "");
    if (to) {
      OutgoingCall out(context.call.raw());
      there = context.services.files.stat(out, to->ref);
      if (!there && there.status() != Status::NotFound) return context.fail(there.error());
    }
    if (!there) return context.fail(409, "The file is not at the destination: it was moved or deleted.");
    if (there->space != target.ref.space || there->node != target.ref.node)
      return context.fail(403, "A version can only be restored onto its own file.");
  }
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, target, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);
  auto restored = context.services.versions.restore(out, target.ref, version);
  if (!restored) {
    if (restored.status() == Status::FailedPrecondition) return fail_version(context, restored.error());
    return fail_maybe_locked(context, restored.error(), {&target});
  }
  Response response;
  response.status = 204;
  add_node_headers(response, target.space, *restored);
  return response;
}

Response Versioned::remove() const {
  OutgoingCall out(context.call.raw());
  if (auto done = context.services.versions.remove(out, target.ref, version); !done)
    return fail_version(context, done.error());
  Response response;
  response.status = 204;
  return response;
}

/// The node's path from the root of its space, with a slash before.
Result<std::string> path_for_user(const Context &context, const Target &target) {
  OutgoingCall out(context.call.raw());
  auto line = context.services.files.path_of(out, target.ref.space, target.ref.node);
  if (!line) return std::move(line).error();
  std::string path;
  for (const Stat &stat : *line) {
    if (stat.node != root_of(stat.space)) path.insert(0, "/" + stat.name);
  }
  return path.empty() ? "/" : path;
}

}  // namespace

Response meta(const Context &context, std::string_view body) {
  auto space = context.space_of(context.location);
  if (!space) return context.fail(space.error());
  Target target;
  target.ref = Ref{space->id, context.location.id.node_or_root(), {}};
  target.space = *std::move(space);
  const std::string_view method = context.request.method();
  const std::string_view path = context.location.path;

  if (path.empty()) {
    if (method != "PROPFIND") return refuse_here(context, "OPTIONS, PROPFIND");
    PropfindRequest request;
    if (auto refused = read_propfind(context, body, false, request)) return *std::move(refused);
    request.depth = Depth::Zero;  // it is about this node, and no folder
    auto named = path_for_user(context, target);
    if (!named) return context.fail(named.error());
    return describe(context, request, target, *std::move(named));
  }
  const bool one = path.starts_with("v/");
  if (path != "v" && (!one || path.find('/', 2) != std::string_view::npos))
    return context.fail(404, "There is nothing under this path: versions are below /v.");
  const Versioned versions{context, std::move(target), std::string(one ? path.substr(2) : std::string_view())};
  if (method == "PROPFIND") return versions.list(body);
  if (!one) return refuse_here(context, "OPTIONS, PROPFIND");
  if (method == "GET" || method == "HEAD") return versions.read(method == "HEAD");
  if (method == "COPY") return versions.restore();
  if (method == "DELETE") return versions.remove();
  return refuse_here(context, "OPTIONS, GET, HEAD, PROPFIND, COPY, DELETE");
}

}  // namespace Atoll::webdav
