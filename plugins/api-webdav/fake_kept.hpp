// SPDX-License-Identifier: Apache-2.0
// For tests only: the versions and the trash of the Space of fake_gateway.hpp.
#pragma once

#include <atoll/sdk/storage_trash.hpp>
#include <atoll/sdk/storage_versions.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace Atoll::webdav::fake {

inline const SpaceId kSpace = *SpaceId::parse("4c510ada-c86b-4815-8820-42cdf82c3d51");

class Kept {
 public:
  struct Item {
    Uuid id;
    std::string name;
    bool folder = false;
  };
  Status kept_failure = Status::Ok;    ///< of every operation on trash and versions
  std::size_t fails_after = SIZE_MAX;  ///< lists of the trash that work before they fail
  std::vector<Item> items;             ///< the newest first, in descending order of their ids
  std::size_t most_at_once = 0;        ///< items that one list was asked for
  std::string restored_to;

  Result<void> trash_list(const Call &, const SpaceId &, const Uuid &before, std::uint64_t limit,
                          const TrashEmitter &emit) {
    if (kept_failure != Status::Ok) return told();
    if (fails_after == 0) return error(Status::Unavailable, "told to fail");
    --fails_after;
    std::size_t emitted = 0;
    for (const Item &item : items) {
      if (!before.none() && !(item.id < before)) continue;
      if (limit != 0 && emitted == limit) break;
      ++emitted;
      auto raw = sized<atoll_trash_item>();
      raw.type = item.folder ? ATOLL_NODE_FOLDER : ATOLL_NODE_FILE;
      raw.id = to_abi(item.id);
      raw.space = to_abi(kSpace);
      raw.node = to_abi(item.id);
      raw.name = str(item.name);
      raw.path = str("d");
      raw.size = 5;
      if (!emit(raw)) break;
    }
    most_at_once = std::max(most_at_once, emitted);
    return {};
  }
  Result<void> trash_restore(const Call &, const SpaceId &, const Uuid &item, const RefView *to, std::uint32_t flags,
                             const StatEmitter &emit) {
    if (kept_failure != Status::Ok) return told();
    restored_to = to ? std::string(to->path) : "its place";
    auto stat = sized<atoll_stat>();
    stat.type = ATOLL_NODE_FILE;
    stat.flags = (flags & ATOLL_REPLACE) != 0 ? 0 : ATOLL_STAT_CREATED;
    stat.space = to_abi(kSpace);
    stat.node = to_abi(item);
    stat.etag = str("e:1");
    emit(stat);
    return {};
  }
  Result<void> trash_purge(const Call &, const SpaceId &, const Uuid &) { return told(); }
  Result<void> trash_purge_all(const Call &, const SpaceId &) { return told(); }
  Result<std::uint64_t> trash_usage(const Call &, const SpaceId &) { return std::uint64_t{0}; }

  Result<void> versions(const Call &, const RefView &, const VersionEmitter &emit) {
    if (kept_failure != Status::Ok) return told();
    auto raw = sized<atoll_version>();
    raw.id = str("1");
    raw.etag = str("e:0");
    raw.size = 3;
    emit(raw);
    return {};
  }
  Result<std::unique_ptr<ReadHandle>> version_open(const Call &, const RefView &, std::string_view,
                                                   const StatEmitter &) {
    return told().error();
  }
  Result<void> version_restore(const Call &, const RefView &, std::string_view, const StatEmitter &) { return told(); }
  Result<void> version_remove(const Call &, const RefView &, std::string_view) { return told(); }
  Result<std::uint64_t> versions_usage(const Call &, const SpaceId &) { return std::uint64_t{0}; }

 private:
  Result<void> told() const {
    if (kept_failure == Status::Ok) return {};
    return error(kept_failure, "told to fail: /srv/secret");
  }
};

}  // namespace Atoll::webdav::fake
