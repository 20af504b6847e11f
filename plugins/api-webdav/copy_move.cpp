// SPDX-License-Identifier: Apache-2.0
// COPY and MOVE (RFC 4918, sections 9.8 and 9.9).
#include <algorithm>

#include "core/base/text.hpp"
#include "plugins/api-webdav/destination.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/preconditions.hpp"

namespace Atoll::webdav {

namespace {

/// Whether `to` is `from` or lies below it. Paths tell where both start at the same node; else the ids of the folders
/// above `to` do.
Result<bool> inside(const Context &context, const Target &from, const Target &to) {
  if (from.ref.space != to.ref.space) return false;
  if (from.ref.node == to.ref.node) {
    if (from.ref.path.empty() || to.ref.path == from.ref.path) return true;
    return to.ref.path.starts_with(from.ref.path) && to.ref.path[from.ref.path.size()] == '/';
  }
  OutgoingCall out(context.call.raw());
  auto source = context.services.files.stat(out, from.ref);
  if (!source) return std::move(source).error();
  Target at = to;
  while (true) {
    auto node = context.services.files.stat(out, at.ref);
    if (!node) {
      if (node.status() != Status::NotFound) return std::move(node).error();
      if (at.ref.path.empty()) return false;
      at.ref = parent_of(at);
      continue;
    }
    auto line = context.services.files.path_of(out, at.ref.space, node->node);
    if (!line) return std::move(line).error();
    return std::any_of(line->begin(), line->end(), [&](const Stat &stat) { return stat.node == source->node; });
  }
}

}  // namespace

Response copy_or_move(const Context &context, bool move) {
  const auto named = context.request.header("Destination");
  if (!named) return context.fail(400, "The Destination header is missing.");
  bool replace = true, shallow = false;
  if (const auto value = context.request.header("Overwrite")) {
    const auto overwrite = parse_overwrite(base::trim(*value));
    if (!overwrite) return context.fail(400, "Overwrite is neither T nor F.");
    replace = *overwrite;
  }
  if (const auto value = context.request.header("Depth")) {
    const auto depth = parse_depth(base::trim(*value));
    if (!depth || *depth == Depth::One || (move && *depth != Depth::Infinity)) {
      return context.fail(400, move ? "Depth of a MOVE is infinity." : "Depth of a COPY is 0 or infinity.");
    }
    shallow = *depth == Depth::Zero;
  }
  auto url = parse_url_target(*named, context.request.authority());
  if (!url) return context.fail(url.error());
  if (url->other_host) return context.fail(502, "The destination is on another server.");
  switch (url->location.root) {
    case Root::Personal:
    case Root::Files:
    case Root::Spaces:
      break;
    default:
      return context.fail(403, "The destination is no place for files.");
  }

  auto from = context.target();
  if (!from) return context.fail(from.error());
  if (move && from->is_root()) return context.fail(403, "The root of a space cannot be moved.");
  auto to = context.resolve(url->location);
  if (!to) {
    if (to.status() == Status::NotFound) return context.fail(409, "The space of the destination does not exist.");
    return context.fail(to.error());
  }
  if (to->is_root()) return context.fail(403, "The root of a space cannot be replaced.");
  auto within = inside(context, *from, *to);
  if (!within) return context.fail(within.error());
  if (*within)
    return context.fail(403, "Source and destination are the same, or the destination lies below the source.");

  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *from, preconditions)) return *std::move(refused);
  auto holds = hold_now(context, preconditions.conditions, from->ref);
  if (!holds) return context.fail(holds.error());
  if (!*holds) return context.fail(412, "The source is not as If-Match or If-None-Match wants it.");

  OutgoingCall out(context.call.raw());
  if (from->ref.space == to->ref.space) {
    preconditions.attach(out);  // looked at again in the commit
  } else {
    preconditions.attach_tokens(out);
  }
  std::uint32_t flags = replace ? ATOLL_REPLACE : 0;
  if (shallow) flags |= ATOLL_SHALLOW;
  const Files &files = context.services.files;
  auto done = move ? files.rename(out, from->ref, to->ref, flags) : files.copy(out, from->ref, to->ref, flags);
  if (!done) {
    if (done.status() == Status::AlreadyExists) {
      return context.fail(412, "The destination exists, and Overwrite is F.");
    }
    return fail_maybe_locked(context, done.error(), {&*from, &*to});
  }
  Response response;
  response.status = done->created() ? 201 : 204;
  add_node_headers(response, to->space, *done);
  return response;
}

}  // namespace Atoll::webdav
