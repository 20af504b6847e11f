// SPDX-License-Identifier: Apache-2.0
#include "core/host/care_verbs.hpp"

#include <atoll/abi/storage_care.h>
#include <atoll/sdk/call.hpp>

#include <atomic>
#include <map>

#include "core/host/move_verb.hpp"
#include "core/host/space_rows.hpp"

namespace Atoll::host {
namespace {

constexpr int kMostAtOnce = 4;

/// A place among the long verbs that may run at a time.
class Place {
 public:
  Place() : taken_(running().fetch_add(1) < kMostAtOnce) {}
  ~Place() { running().fetch_sub(1); }
  Place(const Place &) = delete;
  Place &operator=(const Place &) = delete;
  explicit operator bool() const noexcept { return taken_; }

 private:
  static std::atomic<int> &running() {
    static std::atomic<int> count{0};
    return count;
  }
  const bool taken_;
};

class CareVerb {
 public:
  CareVerb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request, const Say &say)
      : runtime_(runtime), verb_(verb), request_(request), say_(say) {}

  Result<std::string> run() {
    const std::string name = text("name");
    if (name.empty() && verb_ != "space.check")
      return error(Status::InvalidArgument, "which space? Give its id or alias");
    auto rows = spaces_named(runtime_, name);
    if (!rows) return std::move(rows).error();
    std::string out;
    base::JsonWriter json(out);
    json.begin_object().key("spaces").begin_array();
    for (const SpaceRow &row : *rows) {
      if (row.provider.empty()) continue;  // it lives on another server
      auto done = one(row);
      // Of several spaces one that cannot tell does not hide the others.
      const bool stopped = !done && done.status() == Status::Cancelled;
      if (!done && (stopped || !name.empty()))
        return Error{done.status(), shown(row) + ": " + done.error().message, 0, 0};
      json.begin_object().field("id", row.id).field("alias", row.alias);
      if (!done) json.field("error", done.error().message);
      for (const auto &[code, count] : counts_) json.field(code, count);
      for (const auto &[code, said] : texts_) json.field(code, said);
      json.end_object();
    }
    json.end_array().end_object();
    return out;
  }

 private:
  std::string text(const char *key) const { return base::json_string(request_, key).value_or(""); }

  Result<void> one(const SpaceRow &row) {
    counts_.clear();
    texts_.clear();
    Instance *instance = runtime_.instances.find(row.provider);
    const Lease lease = instance ? instance->lease() : Lease();
    if (!instance)
      return error(Status::Unavailable, "it lives on [" + row.provider + "], which the configuration does not have");
    if (!lease) return error(Status::Unavailable, "[" + row.provider + "] is not running");
    const auto *table = lease.table<atoll_storage_fs_care>(ATOLL_STORAGE_FS_CARE);
    if (!table) return error(Status::Unimplemented, "the storage [" + row.provider + "] has no such thing");
    auto sink = make_sink<atoll_care_sink>([&](const atoll_care_record *raw) { return take(row, *raw); });
    OutgoingCall call;
    const std::string folder = text("folder"), path = text("path");
    const CallLock lock = lease.lock();
    std::int32_t status = ATOLL_UNIMPLEMENTED;
    if (verb_ == "space.check") {
      const std::uint32_t flags = base::json_boolean(request_, "repair").value_or(false) ? ATOLL_CARE_REPAIR : 0;
      const auto rate = static_cast<std::uint64_t>(base::json_integer(request_, "rate").value_or(0));
      status = table->check(call.get(), lease.self(), &row.raw_id, flags, rate, sink.get());
    } else if (verb_ == "space.rebuild") {
      status = table->rebuild(call.get(), lease.self(), &row.raw_id, sink.get());
    } else if (verb_ == "space.snapshot") {
      status = table->snapshot(call.get(), lease.self(), &row.raw_id, str(folder), sink.get());
    } else if (verb_ == "space.restore") {
      status = table->restore(call.get(), lease.self(), &row.raw_id, str(folder), str(path), sink.get());
    } else if (verb_ == "space.confirm") {
      status = table->confirm(call.get(), lease.self(), &row.raw_id);
    } else if (verb_ == "space.names" && ATOLL_HAS(table, atoll_storage_fs_care, names)) {
      const std::string rule = text("rule");
      status = table->names(call.get(), lease.self(), &row.raw_id, str(rule), sink.get());
    } else if (verb_ == "space.names") {
      return error(Status::Unimplemented, "the storage [" + row.provider + "] has no rule of names");
    } else {
      return error(Status::InvalidArgument, "this server knows no verb '" + std::string(verb_) + "'");
    }
    sink.rethrow();
    return call.result(status);
  }

  /// True: go on.
  bool take(const SpaceRow &row, const atoll_care_record &record) {
    if (record.kind == ATOLL_CARE_RESULT) {
      if (record.text.len > 0)
        texts_[std::string(view(record.code))] = view(record.text);
      else
        counts_[std::string(view(record.code))] = record.done;
      return true;
    }
    if (!say_) return true;
    std::string line;
    base::JsonWriter json(line);
    const bool finding = record.kind == ATOLL_CARE_FINDING;
    json.begin_object().key("line").begin_object().field("kind", finding ? "finding" : "progress");
    json.field("space", shown(row));
    if (finding) {
      json.field("code", view(record.code)).field("path", view(record.path)).field("text", view(record.text));
      const Uuid node = from_abi<Uuid>(record.node);
      if (!node.none()) json.field("node", node.text());
      json.field("repaired", record.repaired != 0);
    } else {
      json.field("done", record.done);
    }
    json.end_object().end_object();
    return say_(line);
  }

  const Runtime &runtime_;
  const std::string_view verb_;
  const base::JsonObject &request_;
  const Say &say_;
  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::string> texts_;
};

}  // namespace

Result<std::string> run_care_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request,
                                  const Say &say) {
  const Place place;
  if (!place) return error(Status::Aborted, "four such commands are running already; try again when one is done");
  if (verb == "space.move") return move_space(runtime, request, say);
  return CareVerb(runtime, verb, request, say).run();
}

}  // namespace Atoll::host
