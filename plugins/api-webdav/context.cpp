// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/context.hpp"

#include <optional>

#include "core/base/time.hpp"
#include "plugins/api-webdav/permissions.hpp"
#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

Result<SpaceRecord> Context::space_of(const Location &where) const {
  std::optional<SpaceRecord> record;
  auto sink =
      make_sink<atoll_space_record_sink>([&](const atoll_space_record *raw) { record = SpaceRecord::from(raw); });
  OutgoingCall out(call.raw());
  const atoll_gateway_service &gateway = *services.gateway;
  std::int32_t status = ATOLL_NOT_FOUND;
  const auto by_name = [&](std::string_view name) {
    return gateway.personal_space(out.get(), gateway.self, str(name), sink.get());
  };
  switch (where.root) {
    case Root::Personal:
      if (call.principal() == nullptr) return error(Status::Unauthenticated, "Log in first.");
      status = by_name(view(call.principal()->name));
      break;
    case Root::Files:
      status = by_name(where.user);
      break;
    case Root::Trash:
      if (!where.user.empty()) {
        status = by_name(where.user);
        break;
      }
      [[fallthrough]];
    case Root::Spaces:
    case Root::Meta: {
      const atoll_uuid id = to_abi(where.id.space);
      status = gateway.space(out.get(), gateway.self, &id, sink.get());
      break;
    }
    case Root::Foreign:
    case Root::Status:
    case Root::Top:
    case Root::Uploads:
    case Root::Later:
      return error(Status::NotFound, "There are no files under this path.");
  }
  sink.rethrow();
  if (status == ATOLL_NOT_FOUND) {
    return error(Status::NotFound, "There is no such space, or you have no access to it.");
  }
  if (status != ATOLL_OK) return out.error(status);
  if (!record) return error(Status::Internal, "the gateway answered OK and gave no space");
  return *std::move(record);
}

Result<Target> Context::resolve(const Location &where) const {
  if (where.root == Root::Meta || where.root == Root::Trash)
    return error(Status::NotFound, "There are no files under this path.");
  auto space = space_of(where);
  if (!space) return std::move(space).error();
  const NodeId node = where.root == Root::Spaces ? where.id.node_or_root() : NodeId();
  Target target;
  target.space = *std::move(space);
  target.ref = Ref{target.space.id, node.none() ? root_of(target.space.id) : node, where.path};
  return target;
}

ConditionalFields Context::conditional_fields() const {
  ConditionalFields fields;
  fields.if_match = request.header("If-Match");
  fields.if_none_match = request.header("If-None-Match");
  fields.if_modified_since = request.header("If-Modified-Since");
  fields.if_unmodified_since = request.header("If-Unmodified-Since");
  fields.if_range = request.header("If-Range");
  return fields;
}

Response Context::fail(const Error &error) const {
  const Fault told = fault_of(error);
  if (told.http >= 500) {
    services.host.log(told.http == 500 ? ATOLL_LOG_ERROR : ATOLL_LOG_WARNING, error.message,
                      {{"method", request.method()}, {"path", location.href}}, call.raw());
  }
  return to_response(told);
}

Ref parent_of(const Target &target) {
  Ref parent = target.ref;
  const std::size_t slash = parent.path.rfind('/');
  parent.path.resize(slash == std::string::npos ? 0 : slash);
  return parent;
}

std::string node_id(const SpaceRecord &space, const Stat &stat) {
  std::string out;
  append_node_id(out, space.birth.bytes().data(), stat.space.bytes().data(), stat.node.bytes().data());
  return out;
}

std::string quoted(const std::string &etag) { return '"' + etag + '"'; }

std::int64_t mtime_seconds(const Stat &stat) {
  const std::int64_t whole = stat.mtime_ns / 1'000'000'000;
  return stat.mtime_ns % 1'000'000'000 < 0 ? whole - 1 : whole;
}

void add_node_headers(Response &response, const SpaceRecord &space, const Stat &stat) {
  response.header("OC-FileId", node_id(space, stat));
  const std::string etag = quoted(stat.etag);
  response.header("OC-ETag", etag);
  response.header("ETag", etag);
  std::string letters;
  append_permissions(letters, stat.permissions,
                     stat.node == root_of(stat.space) ? NodeShape::Root
                     : stat.folder()                  ? NodeShape::Folder
                                                      : NodeShape::File);
  response.header("OC-Perm", letters);
  response.header("Last-Modified", base::http_date(mtime_seconds(stat)));
}

}  // namespace Atoll::webdav
