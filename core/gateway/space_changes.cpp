// SPDX-License-Identifier: Apache-2.0
// Learning of changes without listing all spaces again.
#include "core/gateway/space_admin.hpp"
#include "core/gateway/space_rules.hpp"

#include <charconv>
#include <unordered_set>

namespace Atoll::gateway {
namespace {

/// Differs when a listing would show other spaces, or show them with another name, state or permissions, or one that
/// lives elsewhere with another etag.
std::uint64_t shape_of(const std::vector<Spaces::Reached> &spaces) {
  std::uint64_t sum = 0;  // registries may tell them in any order
  for (const auto &[record, stale] : spaces) {
    std::uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](std::uint64_t part) { hash = (hash ^ part) * 0x9e3779b97f4a7c15 + (hash >> 29); };
    for (const std::string *text : {&record.name, &record.alias, &record.description, &record.endpoint})
      add(std::hash<std::string>()(*text));
    add(std::hash<SpaceId>()(record.id));
    add(std::hash<NodeId>()(record.image) ^ std::hash<NodeId>()(record.readme) << 1);
    add(std::uint64_t{record.permissions} << 32 | record.state);
    add(record.quota);
    if (record.remote()) add(std::hash<std::string>()(record.root_etag));  // nobody else tells of it
    sum += hash ^ hash >> 31;
  }
  return sum;
}

}  // namespace

Result<SpaceAdmin::Changes> SpaceAdmin::changed(const Call &call, std::string_view token,
                                                const SpaceViewEmitter &emit) {
  if (!call.principal()) return unauthenticated();
  std::uint64_t shape_then = 0;
  RootLog::Since since;
  if (token.empty()) {
    since.token = log_.token();
  } else {
    const auto dot = token.rfind('.');
    const auto digits = token.substr(dot == token.npos ? token.size() : dot + 1);
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), shape_then, 16);
    const bool read = problem == std::errc() && end == token.data() + token.size();
    auto found = log_.since(token.substr(0, read ? dot : 0));
    if (!found) return std::move(found).error();
    since = *std::move(found);
  }
  // After the look at the log: what changes from here on comes with the next token.
  auto spaces = reached(call, 0);
  if (!spaces) return std::move(spaces).error();
  const std::uint64_t shape = shape_of(*spaces);
  char digits[17];
  const auto written = std::to_chars(digits, digits + sizeof digits, shape, 16);
  Changes out{since.token + '.' + std::string(digits, written.ptr), !token.empty() && shape != shape_then};
  if (since.spaces.empty()) return out;
  const std::unordered_set<SpaceId> wanted(since.spaces.begin(), since.spaces.end());
  std::erase_if(*spaces, [&](const Spaces::Reached &one) { return wanted.count(one.record.id) == 0; });
  bool untold = false;
  const auto sink = make_sink<atoll_space_view_sink>([&](const atoll_space_view *one) {
    untold |= (one->flags & ATOLL_SPACE_STALE) != 0;
    return emit(*one);
  });
  auto shown = show(call, *std::move(spaces), SpaceViewEmitter(sink.get()));
  sink.rethrow();
  if (!shown) return std::move(shown).error();
  // What has changed is not known yet: it comes again.
  if (untold) out.token = std::string(token.substr(0, token.rfind('.'))) + out.token.substr(out.token.rfind('.'));
  return out;
}

Result<void> SpaceAdmin::watch(const atoll_space_watcher &watcher, void **handle) {
  const std::uint64_t number = log_.watch([watcher] { watcher.changed(watcher.context); });
  *handle = reinterpret_cast<void *>(static_cast<std::uintptr_t>(number));  // NOLINT(performance-no-int-to-ptr)
  return {};
}

void SpaceAdmin::unwatch(void *handle) { log_.unwatch(reinterpret_cast<std::uintptr_t>(handle)); }

}  // namespace Atoll::gateway
