// SPDX-License-Identifier: Apache-2.0
// PROPFIND (RFC 4918, section 9.1). Entries go from the driver's sink straight into one string; those that have dead
// properties or locks wait until the listing is done, since a sink may not call back.
#include <deque>

#include "core/base/text.hpp"
#include "core/base/uri.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/lock_view.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/multistatus.hpp"
#include "plugins/api-webdav/request_bodies.hpp"
#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::size_t kMostBytes = std::size_t{256} * 1024 * 1024;

class Listing {
 public:
  Listing(const Context &context, const Target &target, const PropertyPlan &plan)
      : context_(context), target_(target), plan_(plan), out_(plan, facts_) {
    std::memcpy(facts_.birth, target.space.birth.bytes().data(), 16);
    facts_.name = target.space.name;
    if (context.call.principal() != nullptr) {
      append_uuid(facts_.favorite, context.call.principal()->account.bytes);
    }
    wants_dead_ = plan.wants_dead();
    wants_locks_ = plan.wants(Property::LockDiscovery);
  }

  Result<void> run(Depth depth) {
    if (auto done = learn_facts(); !done) return done;
    OutgoingCall out(context_.call.raw());
    auto stat = context_.services.files.stat(out, target_.ref);
    if (!stat) return std::move(stat).error();
    const atoll_stat raw = stat->abi();
    auto extras = extras_of(raw, target_.ref);
    if (!extras) return std::move(extras).error();
    out_.item(context_.location.href, raw, extras->view());
    if (depth == Depth::Zero || !stat->folder()) return {};
    return folder(target_.ref, context_.location.href, depth == Depth::Infinity);
  }

  std::string take() && { return std::move(out_).take(); }

 private:
  struct Fetched {
    std::vector<Attribute> dead;
    std::vector<ShownLock> locks;
    Extras view() const { return {&dead, &locks}; }
  };

  Result<void> learn_facts() {
    if (plan_.wants(Property::OwnerId) || plan_.wants(Property::OwnerDisplayName)) {
      const atoll_gateway_service &gateway = *context_.services.gateway;
      const atoll_uuid owner = to_abi(target_.space.owner);
      auto sink = make_sink<atoll_account_sink>([&](const atoll_account *account) {
        facts_.has_owner = true;
        facts_.owner = view(account->name);
        facts_.owner_display_name = view(account->display_name);
      });
      OutgoingCall out(context_.call.raw());
      const std::int32_t status = gateway.account(out.get(), gateway.self, &owner, sink.get());
      sink.rethrow();
      if (status != ATOLL_OK && status != ATOLL_NOT_FOUND && status != ATOLL_PERMISSION_DENIED)
        return out.error(status);
    }
    if (plan_.wants(Property::QuotaAvailableBytes)) {
      OutgoingCall out(context_.call.raw());
      auto done = context_.services.files.space_get(out, target_.space.id, [&](const atoll_space *space) {
        facts_.has_quota = true;
        facts_.quota = space->quota;
        facts_.used = space->used;
      });
      if (!done) return done;
    }
    return {};
  }

  bool needs_extras(const atoll_stat &stat) const {
    return (wants_dead_ && (stat.flags & ATOLL_STAT_ATTRIBUTES)) || (wants_locks_ && (stat.flags & ATOLL_STAT_LOCKED));
  }

  Result<Fetched> extras_of(const atoll_stat &stat, const Ref &ref) const {
    Fetched fetched;
    OutgoingCall out(context_.call.raw());
    if (wants_dead_ && (stat.flags & ATOLL_STAT_ATTRIBUTES)) {
      auto dead = context_.services.attributes.get(out, ref);
      if (dead) {
        fetched.dead = *std::move(dead);
      } else if (dead.status() != Status::Unimplemented) {
        return std::move(dead).error();
      }
    }
    if (wants_locks_ && (stat.flags & ATOLL_STAT_LOCKED)) {
      auto locks = shown_locks(context_, target_, ref);
      if (!locks) return std::move(locks).error();
      fetched.locks = *std::move(locks);
    }
    return fetched;
  }

  Result<void> folder(const Ref &ref, const std::string &href, bool deep) {
    std::vector<Stat> later;         // entries that need extras
    std::vector<std::string> below;  // names of folders to go on with
    bool too_much = false;
    OutgoingCall out(context_.call.raw());
    auto listed = context_.services.files.list(out, ref, [&](const atoll_stat *raw) {
      const atoll_stat stat = copied(raw);
      if (needs_extras(stat)) {
        later.push_back(Stat::from(&stat));
      } else {
        out_.child(href, stat);
      }
      if (deep && stat.type == ATOLL_NODE_FOLDER) below.emplace_back(view(stat.name));
      too_much = out_.size() > kMostBytes;
      return !too_much;
    });
    if (!listed) return listed;
    if (too_much) {
      return error(Status::PermissionDenied,
                   "The answer would be too long: ask for fewer properties or a smaller depth.");
    }
    for (const Stat &stat : later) {
      const atoll_stat raw = stat.abi();
      auto extras = extras_of(raw, Ref{stat.space, stat.node, {}});
      if (!extras) {
        // Gone since the listing was taken: the listing is what counts.
        if (extras.status() != Status::NotFound) return std::move(extras).error();
        extras = Fetched{};
      }
      out_.child(href, raw, extras->view());
    }
    for (const std::string &name : below) {
      Ref child = ref;
      if (!child.path.empty()) child.path.push_back('/');
      child.path.append(name);
      std::string child_href = href + '/';
      base::append_percent_encoded_path(child_href, name);
      auto done = folder(child, child_href, true);
      if (!done && done.status() != Status::NotFound) return done;
    }
    return {};
  }

  const Context &context_;
  const Target &target_;
  const PropertyPlan &plan_;
  SpaceFacts facts_;
  Multistatus out_;
  bool wants_dead_ = false, wants_locks_ = false;
};

}  // namespace

Response propfind(const Context &context, std::string_view body) {
  Depth depth = Depth::One;  // also without the header: as clients of this family expect, never the whole tree
  if (const auto value = context.request.header("Depth")) {
    const auto parsed = parse_depth(base::trim(*value));
    if (!parsed) return context.fail(400, "Depth is neither 0 nor 1 nor infinity.");
    depth = *parsed;
  }
  if (depth == Depth::Infinity && !context.services.depth_infinity) {
    return context.fail(403, "Depth: infinity is refused here: ask with 0 or 1.", "<d:propfind-finite-depth/>");
  }
  const auto wish = parse_propfind(body);
  if (!wish) return context.fail(wish.error());
  const auto target = context.target();
  if (!target) return context.fail(target.error());
  const auto prefer = context.request.joined_header("Prefer");
  const bool minimal = prefer && prefers_minimal(*prefer);
  const PropertyPlan plan = compile(*wish, minimal);

  Listing listing(context, *target, plan);
  if (auto done = listing.run(depth); !done) return context.fail(done.error());
  Response response;
  response.status = 207;
  response.header("Content-Type", std::string(kMultistatusType));
  response.header("DAV", "1, 2");
  response.header("Vary", "Prefer");
  if (minimal) response.header("Preference-Applied", "return=minimal");
  response.body = std::move(listing).take();
  return response;
}

}  // namespace Atoll::webdav
