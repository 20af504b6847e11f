// SPDX-License-Identifier: Apache-2.0
// PROPFIND (RFC 4918, section 9.1). Entries go from the driver's sink straight into one string. A listing in steps is
// sent as it comes: the string holds what the client has not taken yet, and the entries are those of one moment,
// however long that takes. Entries that have dead properties or locks wait for the end of a step, since a sink may not
// call back.
#include <atomic>
#include <chrono>
#include <cstring>

#include "core/base/uri.hpp"
#include "plugins/api-webdav/kept_call.hpp"
#include "plugins/api-webdav/lock_view.hpp"
#include "plugins/api-webdav/methods.hpp"
#include "plugins/api-webdav/multistatus.hpp"
#include "plugins/api-webdav/propfind_request.hpp"
#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::size_t kMostBytes = std::size_t{256} * 1024 * 1024;  ///< of an answer that is made before it is sent
constexpr std::size_t kAtOnce = std::size_t{64} * 1024;             ///< longer answers are sent in steps of this size
/// A driver keeps the moment of an open listing; after this long the rest is read for a client that is slower.
constexpr std::chrono::seconds kPatience{10};

/// Bytes that answers to slow clients hold.
std::atomic<std::size_t> held_for_slow_clients{0};

class PropfindAnswer {
 public:
  PropfindAnswer(const Context &context, Target target, std::shared_ptr<const PropertyPlan> plan,
                 std::string path_for_user)
      : context_(context), target_(std::move(target)), held_plan_(std::move(plan)), out_(plan_, facts_) {
    std::memcpy(facts_.birth, target_.space.birth.bytes().data(), 16);
    facts_.name = target_.space.name;
    facts_.path_for_user = std::move(path_for_user);
    if (context.call.principal() != nullptr) {
      append_uuid(facts_.favorite, context.call.principal()->account.bytes);
    }
    wants_dead_ = plan_.wants_dead();
    wants_locks_ = plan_.wants(Property::LockDiscovery);
  }
  PropfindAnswer(const PropfindAnswer &) = delete;
  PropfindAnswer &operator=(const PropfindAnswer &) = delete;
  ~PropfindAnswer() { held_for_slow_clients.fetch_sub(held_); }

  /// Everything, or what there is at once; see whole().
  Result<void> run(Depth depth) {
    if (auto done = learn_facts(); !done) return done;
    OutgoingCall out(context_.call.raw());
    auto stat = context_.services.files.stat(out, target_.ref);
    if (!stat) return std::move(stat).error();
    const atoll_stat raw = stat->abi();
    auto extras = extras_of(raw, target_.ref);
    if (!extras) return std::move(extras).error();
    out_.item(context_.location.href, raw, extras->view());
    if (depth != Depth::Zero && stat->folder()) {
      auto listing = depth == Depth::One ? context_.services.listings.open(out, target_.ref)
                                         : error(Status::Unimplemented, "one folder at a time");
      if (listing) {
        listing_ = *std::move(listing);
        opened_ = std::chrono::steady_clock::now();
        return step(kAtOnce);
      }
      if (listing.status() != Status::Unimplemented && listing.status() != Status::ResourceExhausted)
        return std::move(listing).error();
      if (auto done = folder(target_.ref, context_.location.href, depth == Depth::Infinity); !done) return done;
    }
    out_.finish();
    return {};
  }

  /// Whether text() is all of it. If not, keep() and then pull() for it and the rest.
  bool whole() const { return listing_ == nullptr; }
  std::string take() && { return std::move(out_).take(); }

  /// Makes it last longer than the request.
  void keep() { context_.call = kept_.keep(context_.call); }

  std::int32_t pull(void *buffer, std::uint64_t capacity, std::uint64_t *got) {
    if (sent_ == out_.size()) {
      out_.clear();
      sent_ = 0;
      if (listing_ == nullptr) return ATOLL_PULL_END;
      if (auto done = refill(); !done) {
        context_.services.host.log(ATOLL_LOG_WARNING, "a listing broke off: " + done.error().message,
                                   {{"path", context_.location.href}}, context_.call.raw());
        return ATOLL_PULL_FAILED;
      }
    }
    const auto part = out_.text().substr(sent_, static_cast<std::size_t>(capacity));
    std::memcpy(buffer, part.data(), part.size());
    sent_ += part.size();
    *got = part.size();
    return ATOLL_PULL_DATA;
  }

 private:
  struct Fetched {
    std::vector<Attribute> dead;
    std::vector<ShownLock> locks;
    Extras view() const {
      Extras extras;
      extras.dead = &dead;
      extras.locks = &locks;
      return extras;
    }
  };

  Result<void> refill() {
    if (std::chrono::steady_clock::now() - opened_ < kPatience) return step(kAtOnce);
    while (listing_ != nullptr) {
      const auto before = out_.size();
      if (auto done = step(before + kAtOnce); !done) return done;
      held_ += out_.size() - before;
      if (held_for_slow_clients.fetch_add(out_.size() - before) > kMostBytes)
        return error(Status::ResourceExhausted, "too many clients take long listings slowly");
    }
    return {};
  }

  /// Goes on until there are `size` bytes or all of it.
  Result<void> step(std::size_t size) {
    OutgoingCall out(context_.call.raw());
    std::vector<Stat> later;
    auto end = listing_->next(out, [&](const atoll_stat *raw) {
      const atoll_stat stat = copied(raw);
      if (needs_extras(stat)) {
        later.push_back(Stat::from(&stat));
      } else {
        out_.child(context_.location.href, stat);
      }
      return out_.size() < size && later.size() < kMostLater;
    });
    if (!end) return std::move(end).error();
    if (auto done = with_extras(context_.location.href, later); !done) return done;
    if (!*end) return {};
    listing_.reset();
    out_.finish();
    return {};
  }

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
      if (done.status() == Status::Unimplemented) {
        facts_.has_quota = facts_.quota_unknown = true;
      } else if (!done) {
        return done;
      }
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

  Result<void> with_extras(const std::string &href, const std::vector<Stat> &entries) {
    for (const Stat &stat : entries) {
      const atoll_stat raw = stat.abi();
      auto extras = extras_of(raw, Ref{stat.space, stat.node, {}});
      if (!extras) {
        // Gone since the listing was taken: the listing is what counts.
        if (extras.status() != Status::NotFound) return std::move(extras).error();
        extras = Fetched{};
      }
      out_.child(href, raw, extras->view());
    }
    return {};
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
    if (auto done = with_extras(href, later); !done) return done;
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

  static constexpr std::size_t kMostLater = 256;

  Context context_;  // a copy: only services, call and location count once the request was answered
  const Target target_;
  const std::shared_ptr<const PropertyPlan> held_plan_;
  const PropertyPlan &plan_ = *held_plan_;
  SpaceFacts facts_;
  Multistatus out_;
  bool wants_dead_ = false, wants_locks_ = false;
  KeptCall kept_;
  std::unique_ptr<Atoll::Listing> listing_;  // null: nothing more comes
  std::chrono::steady_clock::time_point opened_;
  std::size_t sent_ = 0;  // of out_
  std::size_t held_ = 0;  // in held_for_slow_clients
};

}  // namespace

Response describe(const Context &context, const PropfindRequest &request, const Target &target,
                  std::string path_for_user) {
  const auto answer = std::make_shared<PropfindAnswer>(context, target, request.plan, std::move(path_for_user));
  if (auto done = answer->run(request.depth); !done) return context.fail(done.error());
  Response response = multistatus_response(request);
  if (answer->whole()) {
    response.body = std::move(*answer).take();
  } else {
    answer->keep();
    GeneratorBody generator;
    generator.pull = [answer](const atoll_waker &, void *buffer, std::uint64_t capacity, std::uint64_t *got) {
      return answer->pull(buffer, capacity, got);
    };
    response.body = std::move(generator);
  }
  return response;
}

Response propfind(const Context &context, std::string_view body) {
  PropfindRequest request;
  if (auto refused = read_propfind(context, body, true, request)) return *std::move(refused);
  const auto target = context.target();
  if (!target) return context.fail(target.error());
  return describe(context, request, *target, {});
}

}  // namespace Atoll::webdav
