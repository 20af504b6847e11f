// SPDX-License-Identifier: Apache-2.0
// OPTIONS, MKCOL and DELETE.
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/tus.hpp"

namespace Atoll::webdav {

Response options(const Context &context) {
  Response response;
  add_tus_options(context, response);
  response.header("DAV", "1, 2");
  response.header("Allow", std::string(kAllow));
  response.header("MS-Author-Via", "DAV");
  return response;
}

Response mkcol(const Context &context) {
  if (context.request.has_body()) return context.fail(415, "MKCOL takes no body.");
  auto target = context.target();
  if (!target) return context.fail(target.error());
  if (target->is_root()) return context.fail(405, "The root of a space is there already.");
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *target, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);
  auto made = context.services.files.mkdir(out, target->ref);
  if (!made) {
    if (made.status() == Status::AlreadyExists) {
      return context.fail(405, "The resource you tried to create already exists.");
    }
    if (made.status() == Status::NotFound) return context.fail(409, "The folder above does not exist.");
    return fail_maybe_locked(context, made.error(), {&*target});
  }
  Response response;
  response.status = 201;
  add_node_headers(response, target->space, *made);
  return response;
}

Response remove(const Context &context) {
  auto target = context.target();
  if (!target) return context.fail(target.error());
  if (target->is_root()) return context.fail(403, "The root of a space cannot be deleted.");
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *target, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);
  if (auto done = context.services.files.remove(out, target->ref); !done) {
    return fail_maybe_locked(context, done.error(), {&*target});
  }
  Response response;
  response.status = 204;
  return response;
}

}  // namespace Atoll::webdav
