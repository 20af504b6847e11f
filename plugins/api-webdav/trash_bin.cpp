// SPDX-License-Identifier: Apache-2.0
// /dav/trash-bin/{space} and /dav/trash-bin/{user}: PROPFIND lists, MOVE brings an item back, DELETE ends it or all of
// them.
#include "core/base/text.hpp"
#include "plugins/api-webdav/destination.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/trash_listing.hpp"

namespace Atoll::webdav {

namespace {

Response list_bin(const Context &context, SpaceRecord space, const std::optional<Uuid> &item, std::string_view body) {
  PropfindRequest request;
  if (auto refused = read_propfind(context, body, false, request)) return *std::move(refused);
  const auto listing =
      std::make_shared<TrashListing>(context, std::move(space), context.location.href_root, request.plan);
  auto begun = item ? listing->only(*item, request.depth != Depth::Zero) : listing->begin(request.depth != Depth::Zero);
  if (!begun) return context.fail(begun.error());
  Response response = multistatus_response(request);
  if (listing->whole()) {
    response.body = std::move(*listing).take();
  } else {
    listing->keep();
    GeneratorBody generator;
    generator.pull = [listing](const atoll_waker &, void *buffer, std::uint64_t capacity, std::uint64_t *got) {
      return listing->pull(buffer, capacity, got);
    };
    response.body = std::move(generator);
  }
  return response;
}

Response restore_item(const Context &context, const SpaceRecord &space, const Uuid &item) {
  const auto named = context.request.header("Destination");
  if (!named) return context.fail(400, "The Destination header is missing.");
  bool replace = true;
  if (const auto value = context.request.header("Overwrite")) {
    const auto overwrite = parse_overwrite(base::trim(*value));
    if (!overwrite) return context.fail(400, "Overwrite is neither T nor F.");
    replace = *overwrite;
  }
  auto url = parse_url_target(*named, context.request.authority());
  if (!url) return context.fail(url.error());
  if (url->other_host) return context.fail(502, "The destination is on another server.");
  if (url->location.root != Root::Personal && url->location.root != Root::Files && url->location.root != Root::Spaces)
    return context.fail(403, "The destination is no place for files.");
  auto to = context.resolve(url->location);
  if (!to) {
    if (to.status() == Status::NotFound) return context.fail(409, "The space of the destination does not exist.");
    return context.fail(to.error());
  }
  if (to->is_root()) return context.fail(403, "The root of a space cannot be replaced.");
  if (to->ref.space != space.id)
    return context.fail(502, "What was deleted comes back to its own space: restore it there, then move it.");
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *to, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach_tokens(out);
  auto restored = context.services.trash.restore(out, space.id, item, &to->ref, replace ? ATOLL_REPLACE : 0);
  if (!restored) {
    if (restored.status() == Status::AlreadyExists)
      return context.fail(412, "The destination exists, and Overwrite is F.");
    return fail_maybe_locked(context, restored.error(), {&*to});
  }
  Response response;
  response.status = restored->created() ? 201 : 204;
  add_node_headers(response, to->space, *restored);
  return response;
}

Response purge(const Context &context, const SpaceRecord &space, const std::optional<Uuid> &item) {
  OutgoingCall out(context.call.raw());
  const Trash &trash = context.services.trash;
  auto done = item ? trash.purge(out, space.id, *item) : trash.purge_all(out, space.id);
  if (!done) return context.fail(done.error());
  Response response;
  response.status = 204;
  return response;
}

}  // namespace

Response trash_bin(const Context &context, std::string_view body) {
  auto space = context.space_of(context.location);
  if (!space) return context.fail(space.error());
  const std::string_view path = context.location.path;
  std::optional<Uuid> item;
  if (!path.empty()) {
    item = Uuid::parse(path);
    if (!item) return context.fail(404, "There is no such item in the trash.");
  }
  const std::string_view method = context.request.method();
  if (method == "PROPFIND") return list_bin(context, *std::move(space), item, body);
  if (method == "MOVE" && item) return restore_item(context, *space, *item);
  if (method == "DELETE") return purge(context, *space, item);
  Response refused = context.fail(405, "The method " + std::string(method) + " is not served in the trash.");
  refused.header("Allow", item ? "OPTIONS, PROPFIND, MOVE, DELETE" : "OPTIONS, PROPFIND, DELETE");
  return refused;
}

}  // namespace Atoll::webdav
