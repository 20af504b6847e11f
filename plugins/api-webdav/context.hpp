// SPDX-License-Identifier: Apache-2.0
// What a method handler works with: the services, the request, and the thing that its path names.
#pragma once

#include <atoll/abi/gateway.h>
#include <atoll/sdk/files.hpp>
#include <atoll/sdk/host.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/kept.hpp>
#include <atoll/sdk/registry.hpp>
#include <atoll/sdk/storage_uploads.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "plugins/api-webdav/etags.hpp"
#include "plugins/api-webdav/faults.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/location.hpp"
#include "plugins/api-webdav/plan_cache.hpp"

namespace Atoll::webdav {

/// Of the instance; immutable while it serves, but for what a reload may change.
struct Services {
  Host host;
  const atoll_gateway_service *gateway = nullptr;
  Files files;
  Listings listings;
  Attributes attributes;
  Locks locks;
  Versions versions;
  Trash trash;
  Uploads uploads;
  mutable PlanCache plans;
  std::atomic<bool> depth_infinity{false};
  std::atomic<std::uint32_t> checksums{kAllChecksums};  ///< computed of every upload: ATOLL_STAT_SHA1 and others
};

/// A place in a space.
struct Target {
  SpaceRecord space;
  Ref ref;

  bool is_root() const { return ref.path.empty() && ref.node == root_of(ref.space); }
};

/// One request. Made by dispatch, shared with the callbacks of its body; used by one thread at a time.
struct Context {
  const Services &services;
  Call call;
  Request request;
  Exchange exchange;
  Location location;

  /// The space of a location, under the principal of the call. NotFound when he does not reach it.
  Result<SpaceRecord> space_of(const Location &where) const;
  /// The same with the node, for the roots that hold files.
  Result<Target> resolve(const Location &where) const;
  /// The target of the request.
  Result<Target> target() const { return resolve(location); }
  ConditionalFields conditional_fields() const;
  /// The failure as an answer; what happened inside the server is logged with the request's id.
  Response fail(const Error &error) const;
  Response fail(int http, std::string message, std::string condition = {}) const {
    return to_response(fault(http, std::move(message), std::move(condition)));
  }
};

/// The ref of a target's parent folder, when its path has one.
Ref parent_of(const Target &target);

/// "birth$space!node"
std::string node_id(const SpaceRecord &space, const Stat &stat);
/// ETag with its quotes.
std::string quoted(const std::string &etag);
/// OC-FileId, OC-ETag, ETag, OC-Perm and Last-Modified, as clients want them after a change.
void add_node_headers(Response &response, const SpaceRecord &space, const Stat &stat);
/// Whole seconds, rounded down.
std::int64_t mtime_seconds(const Stat &stat);

}  // namespace Atoll::webdav
