// SPDX-License-Identifier: Apache-2.0
// PROPPATCH (RFC 4918, section 9.2): all or nothing.
#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/multistatus.hpp"
#include "plugins/api-webdav/preconditions.hpp"
#include "plugins/api-webdav/request_bodies.hpp"
#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

namespace {

/// What has to be done, in the order of the request.
struct Work {
  std::vector<Attribute> attributes;
  std::optional<std::int64_t> mtime_ns;
  std::vector<PropertyOutcome> outcomes;
  bool refused = false;
};

std::optional<std::int64_t> time_of(std::string_view text) {
  text = base::trim(text);
  if (const auto date = base::parse_http_date(text)) return *date * 1'000'000'000;
  return parse_mtime(text);
}

void plan_live(Work &work, const PropertyChange &change, Property property, const std::string &account) {
  int status = 200;
  if (property == Property::GetLastModified && !change.remove) {
    const auto mtime = time_of(change.text);
    if (mtime) {
      work.mtime_ns = mtime;
    } else {
      status = 409;
    }
  } else if (property == Property::Favorite) {
    // A favourite belongs to the account that marks it.
    const std::string_view text = base::trim(change.text);
    if (!change.remove && text != "0" && text != "1") {
      status = 409;
    } else {
      work.attributes.push_back({std::string(kFavoriteNamespace), account, "1", change.remove || text == "0"});
    }
  } else {
    status = 403;
  }
  work.refused = work.refused || status != 200;
  work.outcomes.push_back({change.name, status});
}

Work plan_changes(const std::vector<PropertyChange> &changes, const std::string &account) {
  Work work;
  for (const PropertyChange &change : changes) {
    // Clients also send oc:lastmodified.
    const bool lastmodified = change.name.name == "lastmodified" && change.name.ns == kDav;
    const auto live = lastmodified ? Property::GetLastModified : live_property(change.name.ns, change.name.name);
    if (live) {
      plan_live(work, change, *live, account);
    } else if (hidden_namespace(change.name.ns) || (!change.remove && change.xml.size() > 65536)) {
      work.refused = true;
      work.outcomes.push_back({change.name, change.xml.size() > 65536 ? 507 : 403});
    } else {
      work.attributes.push_back({change.name.ns, change.name.name, change.xml, change.remove});
      work.outcomes.push_back({change.name, 200});
    }
  }
  if (work.refused) {
    for (PropertyOutcome &outcome : work.outcomes) {
      if (outcome.status == 200) outcome.status = 424;
    }
  }
  return work;
}

}  // namespace

Response proppatch(const Context &context, std::string_view body) {
  const auto changes = parse_proppatch(body);
  if (!changes) return context.fail(changes.error());
  auto target = context.target();
  if (!target) return context.fail(target.error());
  Preconditions preconditions;
  if (auto refused = read_preconditions(context, *target, preconditions)) return *std::move(refused);
  OutgoingCall out(context.call.raw());
  preconditions.attach(out);
  auto stat = context.services.files.stat(out, target->ref);
  if (!stat) return context.fail(stat.error());

  std::string account;
  if (context.call.principal() != nullptr) append_uuid(account, context.call.principal()->account.bytes);
  Work work = plan_changes(*changes, account);
  if (!work.refused && !work.attributes.empty()) {
    if (auto done = context.services.attributes.patch(out, target->ref, work.attributes); !done) {
      return fail_maybe_locked(context, done.error(), {&*target});
    }
  }
  if (!work.refused && work.mtime_ns) {
    if (!work.attributes.empty()) preconditions.conditions = {};  // they held; the etag may be another one now
    OutgoingCall second(context.call.raw());
    preconditions.attach(second);
    if (auto done = context.services.files.set_mtime(second, target->ref, *work.mtime_ns); !done) {
      return fail_maybe_locked(context, done.error(), {&*target});
    }
  }
  Response response;
  response.status = 207;
  response.header("Content-Type", std::string(kMultistatusType));
  const std::string href = context.location.href + (stat->folder() ? "/" : "");
  response.body = proppatch_answer(href, work.outcomes);
  return response;
}

}  // namespace Atoll::webdav
