// SPDX-License-Identifier: Apache-2.0
// Moves between spaces. A driver renames inside a space only, so this is a copy and a removal: the source goes when the
// copy is durable, and only if it is still what was copied. Whatever fails, and wherever it stops, one whole tree is
// there.
#include "core/gateway/files_drive.hpp"

#include <algorithm>

namespace Atoll::gateway {
namespace {

/// A call of its own for one step: with who asks and his lock tokens, and with conditions that are not the client's.
class Step {
 public:
  Step(const Call &call, const std::string &if_match) : out_(call.raw()) {
    for (const auto token : call.lock_tokens()) tokens_.emplace_back(token);
    out_.lock_tokens(tokens_);
    if (if_match.empty()) return;
    conditions_.if_match.push_back(if_match);
    out_.conditions(conditions_.get());
  }
  Step(const Step &) = delete;
  Step &operator=(const Step &) = delete;
  Call call() { return Call(out_.get()); }

 private:
  OutgoingCall out_;
  Conditions conditions_;
  std::vector<std::string> tokens_;
};

bool meets(const atoll_conditions *wanted, const Stat &stat) {
  if (!wanted) return true;
  const auto has = [&](const atoll_strs &etags) {
    return std::any_of(etags.items, etags.items + etags.count, [&](atoll_str etag) { return view(etag) == stat.etag; });
  };
  if (wanted->if_match.count > 0 && !has(wanted->if_match)) return false;
  return (wanted->flags & ATOLL_IF_NONE_MATCH_ANY) == 0 && !has(wanted->if_none_match);
}

/// Says that the source is still there and has not been touched.
bool kept_the_source(Status status) {
  return status == Status::Locked || status == Status::Aborted || status == Status::PermissionDenied ||
         status == Status::FailedPrecondition || status == Status::InsufficientStorage;
}

constexpr int kDeepestMove = 512;

RefView view_of(const SpaceId &space, const NodeId &node, std::string_view path = {}) {
  RefView out;
  out.space = space;
  out.node = node;
  out.path = path;
  return out;
}

}  // namespace

Result<void> GatewayFiles::may_leave(const Call &call, const Ref &ref, const Stat &stat, int depth) {
  const RefView at = view_of(ref.space, ref.node, ref.path);
  if (stat.flags & ATOLL_STAT_LOCKED) {
    const auto tokens = call.lock_tokens();
    bool held = true, shared = false, shared_held = false;
    auto sink = make_sink<atoll_lock_sink>([&](const atoll_lock *raw) {
      const Lock lock = Lock::from(raw);
      const bool presented = std::find(tokens.begin(), tokens.end(), lock.token) != tokens.end();
      if (lock.kind == ATOLL_LOCK_SHARED) {
        shared = true;
        shared_held = shared_held || presented;
      } else {
        held = held && presented;
      }
    });
    auto listed = locks(call, at, LockEmitter(sink.get()));
    if (!listed && listed.status() != Status::Unimplemented) return listed;
    if (!held || (shared && !shared_held)) return error(Status::Locked, "The source is locked.");
  }
  if (!stat.folder()) return {};
  if (depth > kDeepestMove) return error(Status::InvalidArgument, "this tree is too deep to be moved");
  std::vector<Stat> below;
  auto sink = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) {
    if (raw->type == ATOLL_NODE_FOLDER || (raw->flags & ATOLL_STAT_LOCKED)) below.push_back(Stat::from(raw));
  });
  if (auto listed = list(call, at, {}, 0, StatEmitter(sink.get())); !listed) return listed;
  sink.rethrow();
  for (const Stat &child : below) {
    if (call.cancelled()) return error(Status::Cancelled, "the client went away during a move");
    if (auto may = may_leave(call, Ref{child.space, child.node, {}}, child, depth + 1); !may) return may;
  }
  return {};
}

Result<void> GatewayFiles::move_between(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                                        const StatEmitter &emit) {
  // What would keep the source from going is asked before anything is copied.
  Step look(call, {});
  const Ref source_ref{from.space, from.node, std::string(from.path)};
  std::optional<Stat> source, made;
  auto seen = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { source = Stat::from(raw); });
  if (auto found = stat(look.call(), from, StatEmitter(seen.get())); !found) return found;
  seen.rethrow();
  if (!source) return error(Status::Internal, "the driver answered OK and gave no record");
  if (!meets(call.conditions(), *source)) return error(Status::Aborted, "The source is not as the request wants it.");
  if (source->etag.empty()) return unimplemented("moving between spaces from a storage without etags");
  Step asking(call, {});
  if (auto may = may_leave(asking.call(), source_ref, *source, 0); !may) return may;

  Step copying(call, {});
  auto result = make_sink<atoll_stat_sink>([&](const atoll_stat *raw) { made = Stat::from(raw); });
  // What was looked at, and no other that has its name meanwhile.
  if (auto copied = copy(copying.call(), view_of(source->space, source->node), to, flags & ATOLL_REPLACE,
                         StatEmitter(result.get()));
      !copied)
    return copied;
  result.rethrow();
  if (!made) return error(Status::Internal, "the copy of a move gave no record");

  Step removing(call, source->etag);
  auto removed = remove(removing.call(), view_of(source->space, source->node), 0);
  if (removed || removed.status() == Status::NotFound) {  // or somebody else has deleted it meanwhile
    emit(made->abi());
    return {};
  }
  Error why = std::move(removed).error();
  if (kept_the_source(why.status)) {
    if (why.status == Status::Aborted) why.message = "The source was changed while it was moved; it stays where it is.";
    // Only what is new at its name, and as long as nobody has touched it: what was replaced would be missing.
    if (!made->created()) return why;
    Step undoing(call, made->etag);
    if (auto undone = remove(undoing.call(), view_of(made->space, made->node), 0); undone) return why;
  }
  why.message += " The copy at the destination is whole; the source is still there as well.";
  return why;
}

}  // namespace Atoll::gateway
