// SPDX-License-Identifier: Apache-2.0
#include "core/host/upload_verbs.hpp"

#include <atoll/sdk/storage_uploads.hpp>

#include "core/base/time.hpp"
#include "core/host/space_rows.hpp"

namespace Atoll::host {
namespace {

struct UploadsOfSpace {
  Lease lease;
  const atoll_storage_fs_uploads *table = nullptr;  ///< null: its storage keeps no uploads
  std::vector<KeptUpload> uploads;
};

Result<UploadsOfSpace> uploads_of(const Runtime &runtime, const SpaceRow &row) {
  UploadsOfSpace out;
  Instance *instance = runtime.instances.find(row.provider);
  if (!instance)
    return error(Status::Unavailable, "it lives on [" + row.provider + "], which the configuration does not have");
  out.lease = instance->lease();
  if (!out.lease) return error(Status::Unavailable, "[" + row.provider + "] is not running");
  out.table = out.lease.table<atoll_storage_fs_uploads>(ATOLL_STORAGE_FS_UPLOADS);
  if (!out.table) return out;
  auto sink = make_sink<atoll_kept_upload_sink>(
      [&](const atoll_kept_upload *raw) { out.uploads.push_back(KeptUpload::from(raw)); });
  OutgoingCall call;
  const CallLock lock = out.lease.lock();
  const auto status = out.table->list(call.get(), out.lease.self(), &row.raw_id, sink.get());
  sink.rethrow();
  if (status != ATOLL_OK) return call.error(status);
  return out;
}

/// False: somebody writes into it, or it is gone by now.
Result<bool> remove_one(const UploadsOfSpace &at, const SpaceRow &row, const KeptUpload &upload) {
  OutgoingCall call;
  const auto id = to_abi(upload.id);
  const CallLock lock = at.lease.lock();
  const auto status = at.table->remove(call.get(), at.lease.self(), &row.raw_id, &id);
  if (status == ATOLL_LOCKED || status == ATOLL_NOT_FOUND) return false;
  if (status != ATOLL_OK) return call.error(status);
  return true;
}

void append_upload(base::JsonWriter &json, const SpaceRow &row, const KeptUpload &upload) {
  json.begin_object().field("id", upload.id.text()).field("space", row.id).field("alias", row.alias);
  json.field("account", upload.account.none() ? std::string() : upload.account.text()).field("path", upload.path);
  if (upload.size != ATOLL_SIZE_UNKNOWN) json.field("size", upload.size);
  json.field("received", upload.offset).field("open", upload.open);
  json.field("begun", base::iso8601(upload.begun_ns / 1'000'000'000));
  if (upload.expires_ns != 0) json.field("expires", base::iso8601(upload.expires_ns / 1'000'000'000));
  json.end_object();
}

}  // namespace

Result<std::string> run_upload_verb(const Runtime &runtime, std::string_view verb, const base::JsonObject &request) {
  const bool clean = verb == "upload.clean";
  if (!clean && verb != "upload.list")
    return error(Status::InvalidArgument, "this server knows no verb '" + std::string(verb) + "'");
  const auto rows = spaces_named(runtime, base::json_string(request, "name").value_or(""));
  if (!rows) return rows.error();
  const std::int64_t before =
      base::now_unix_ns() - base::json_integer(request, "older_than").value_or(0) * 1'000'000'000;
  std::uint64_t removed = 0, left = 0;
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("uploads").begin_array();
  for (const SpaceRow &row : *rows) {
    if (row.provider.empty()) continue;  // it lives on another server
    const auto at = uploads_of(runtime, row);
    if (!at) return Error{at.status(), shown(row) + ": " + at.error().message, 0, 0};
    for (const KeptUpload &upload : at->uploads) {
      if (clean) {
        const bool old = upload.begun_ns <= before;
        const auto gone = old ? remove_one(*at, row, upload) : Result<bool>(false);
        if (!gone) return Error{gone.status(), shown(row) + ": " + gone.error().message, 0, 0};
        ++(*gone ? removed : left);
        if (!*gone) continue;
      }
      append_upload(json, row, upload);
    }
  }
  json.end_array();
  if (clean) json.field("removed", removed).field("left", left);
  json.end_object();
  return out;
}

}  // namespace Atoll::host
