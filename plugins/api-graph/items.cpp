// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/items.hpp"

#include <charconv>

#include "core/base/mime.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-graph/wire.hpp"

namespace Atoll::graph {
namespace {

/// More children than this come in pages only: an answer is made in memory.
constexpr std::uint64_t kMostUnpaged = 100'000, kMostInPage = 1000;

std::string quoted(std::string_view etag) { return '"' + std::string(etag) + '"'; }

Answer gone_on() {
  return failure(410, "resyncRequired", "The folder has changed since the list began: list it again from the start.");
}

Result<std::uint64_t> read_top(const std::string &text) {
  if (text.empty()) return 0;
  std::uint64_t top = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), top);
  if (problem != std::errc() || end != text.data() + text.size() || top == 0 || top > kMostInPage)
    return invalid("$top is a number from 1 to " + std::to_string(kMostInPage) + ".");
  return top;
}

/// The part of a space's WebDAV address before the id.
std::string_view dav_of(const Space &space) {
  const std::string_view url = space.web_dav_url;
  return url.substr(0, url.rfind('/') + 1);
}

}  // namespace

std::string ItemPlace::text() const { return base::hex_encode(etag + '/' + name); }

std::optional<ItemPlace> ItemPlace::read(std::string_view text) {
  const auto plain = base::hex_decode(text);
  if (!plain || !base::valid_utf8(*plain)) return std::nullopt;
  const auto slash = plain->find('/');
  if (slash == 0 || slash == plain->npos || slash + 1 == plain->size()) return std::nullopt;
  return ItemPlace{plain->substr(0, slash), plain->substr(slash + 1)};
}

Files Items::files() const {
  const auto *gateway = host_.gateway();
  return {gateway->files, gateway->files_self};
}

Result<SpaceId> Items::own(const Call &call) const {
  const auto spaces = spaces_.mine(call, ATOLL_SPACE_PERSONAL);
  if (!spaces) return spaces.error();
  const atoll_principal *principal = call.principal();
  for (const Space &space : *spaces)
    if (!space.record.remote() && principal && space.record.owner == from_abi<AccountId>(principal->account))
      return space.record.id;
  return error(Status::NotFound, "This account has no personal space.");
}

void Items::append(base::JsonWriter &json, const Space &space, const Stat &stat) const {
  const SpaceRecord &record = space.record;
  const bool root = stat.node == root_of(record.id);
  const std::string id = item_id(record.birth, record.id, stat.node);
  json.begin_object().field("id", id).field("name", root ? record.name : stat.name);
  json.field("eTag", quoted(stat.etag)).field("size", stat.size);
  json.field("lastModifiedDateTime", base::iso8601(stat.mtime_ns / 1'000'000'000));
  if (stat.created_ns > 0) json.field("createdDateTime", base::iso8601(stat.created_ns / 1'000'000'000));
  json.field("webDavUrl", root ? space.web_dav_url : std::string(dav_of(space)) + id);
  if (!root) {
    json.key("parentReference").begin_object().field("driveId", drive_id(record.birth, record.id));
    json.field("driveType", record.type == ATOLL_SPACE_PERSONAL ? "personal" : "project");
    json.field("id", item_id(record.birth, record.id, stat.parent)).end_object();
  }
  if (stat.folder()) {
    json.key("folder").begin_object().end_object();
    if (root) json.key("root").begin_object().end_object();
  } else {
    json.field("cTag", quoted(stat.etag)).key("file").begin_object().field("mimeType", base::mime_type(stat.name));
    if ((stat.flags & ATOLL_STAT_SHA1) != 0 && (stat.permissions & ATOLL_MAY_READ) != 0)
      json.key("hashes").begin_object().field("sha1Hash", base::hex_encode(stat.sha1)).end_object();
    json.end_object();
  }
  json.end_object();
}

Answer Items::get(const Call &call, const SpaceId &id, const NodeId &node, std::string_view query) const {
  if (const auto options = Query::read(query, {}); !options) return failure(options.error());
  const auto space = spaces_.get(call, id);
  if (!space) return failure(space.error());
  OutgoingCall out(call.raw());
  const auto stat = files().stat(out, {id, node, {}});
  if (!stat) return failure(stat.error());
  Answer answer;
  base::JsonWriter json(answer.json);
  append(json, *space, *stat);
  return answer;
}

Answer Items::children(const Call &call, const SpaceId &id, const NodeId &node, std::string_view path,
                       std::string_view query) const {
  const auto options = Query::read(query, {"$top", "$skiptoken"});
  if (!options) return failure(options.error());
  const auto top = read_top(options->get("$top"));
  if (!top) return failure(top.error());
  ItemPlace place;
  if (const std::string &token = options->get("$skiptoken"); !token.empty()) {
    auto read = ItemPlace::read(token);
    if (!read || *top == 0) return failure(invalid("$skiptoken is the one of an @odata.nextLink, with its $top."));
    place = *std::move(read);
  }
  const auto space = spaces_.get(call, id);
  if (!space) return failure(space.error());
  const Files files = this->files();
  OutgoingCall out(call.raw());
  const auto folder = files.stat(out, {id, node, {}});
  if (!folder) return failure(folder.error());
  if (!folder->folder()) return failure(invalid("This is a file: it has no children."));
  if (!place.etag.empty() && place.etag != folder->etag) return gone_on();
  // One more than is shown tells whether there is more.
  const std::uint64_t most = *top != 0 ? *top : kMostUnpaged;
  std::vector<Stat> found;
  const auto listed = files.list(
      out, {id, node, {}}, [&](const atoll_stat *raw) { found.push_back(Stat::from(raw)); }, place.name, most + 1);
  if (!listed) return failure(listed.error());
  const bool more = found.size() > most;
  if (more && *top == 0)
    return failure(invalid("There are more than " + std::to_string(kMostUnpaged) + " items: list them with $top."));
  if (more) found.pop_back();
  if (!place.etag.empty() || more) {  // the pages belong together only while nothing changes
    const auto now = files.stat(out, {id, node, {}});
    if (!now) return failure(now.error());
    if (!place.etag.empty() && now->etag != place.etag) return gone_on();
  }
  Answer answer;
  base::JsonWriter json(answer.json);
  json.begin_object();
  if (more)
    json.field("@odata.nextLink", next_link(host_.public_url().value_or(""), path, query,
                                            ItemPlace{folder->etag, found.back().name}.text()));
  json.key("value").begin_array();
  for (const Stat &stat : found) append(json, *space, stat);
  json.end_array().end_object();
  return answer;
}

}  // namespace Atoll::graph
