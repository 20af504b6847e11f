// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage-posix/convert.hpp"

#include "core/base/time.hpp"

#include <algorithm>

namespace Atoll::storage_posix {

bool emit(const StatEmitter &sink, const tree::NodeFacts &facts, std::string_view name) {
  const tree::Etag etag = facts.etag();
  auto stat = sized<atoll_stat>();
  stat.type = facts.folder() ? ATOLL_NODE_FOLDER : ATOLL_NODE_FILE;
  // base::ChecksumMask has the bits of ATOLL_STAT_SHA1, _MD5 and _ADLER32.
  stat.flags = facts.sums.mask | (facts.created ? ATOLL_STAT_CREATED : 0) | (facts.locked ? ATOLL_STAT_LOCKED : 0) |
               (facts.has_attributes ? ATOLL_STAT_ATTRIBUTES : 0);
  stat.space = to_abi(facts.space);
  stat.node = to_abi(facts.id);
  stat.parent = to_abi(facts.parent);
  stat.name = str(name);
  stat.etag = str(etag.view());
  stat.size = facts.size;
  stat.mtime_ns = facts.mtime_ns;
  stat.fingerprint = facts.fingerprint;
  if (facts.sums.mask != 0) {
    std::copy(facts.sums.sha1.begin(), facts.sums.sha1.end(), stat.sha1);
    std::copy(facts.sums.md5.begin(), facts.sums.md5.end(), stat.md5);
    stat.adler32 = facts.sums.adler32;
  }
  return sink(stat);
}

bool emit(const SpaceEmitter &sink, const tree::SpaceInfo &info) {
  const tree::Etag etag = info.root_etag();
  auto space = sized<atoll_space>();
  space.type = info.type == tree::SpaceType::Personal ? ATOLL_SPACE_PERSONAL : ATOLL_SPACE_PROJECT;
  space.id = to_abi(info.id);
  space.birth = to_abi(info.birth);
  space.owner = to_abi(info.owner);
  space.name = str(info.name);
  space.quota = info.quota;
  space.used = info.used;
  space.root_etag = str(etag.view());
  return sink(space);
}

bool emit(const LockEmitter &sink, const tree::Lock &lock) {
  auto record = sized<atoll_lock>();
  record.kind = static_cast<std::uint32_t>(lock.kind);
  record.deep = lock.deep ? 1 : 0;
  record.token = str(lock.token);
  record.owner = str(lock.owner);
  record.account = to_abi(lock.account);
  record.account_name = str(lock.account_name);
  const std::int64_t left = (lock.expires_ns - base::now_unix_ns() + 999'999'999) / 1'000'000'000;
  record.timeout_s = left > 0 ? static_cast<std::uint64_t>(left) : 0;
  record.node = to_abi(lock.node);
  return sink(record);
}

CallConditions::CallConditions(const Call &call) : tokens_(call.lock_tokens()) {
  conditions_.lock_tokens = tokens_;
  conditions_.account = account_of(call);
  const atoll_conditions *raw = call.conditions();
  if (raw == nullptr) return;
  conditions_.match_any = (raw->flags & ATOLL_IF_MATCH_ANY) != 0;
  conditions_.none_match_any = (raw->flags & ATOLL_IF_NONE_MATCH_ANY) != 0;
  for (std::uint64_t i = 0; i < raw->if_match.count; ++i) match_.push_back(view(raw->if_match.items[i]));
  for (std::uint64_t i = 0; i < raw->if_none_match.count; ++i) none_match_.push_back(view(raw->if_none_match.items[i]));
  conditions_.if_match = match_;
  conditions_.if_none_match = none_match_;
}

std::optional<AccountId> account_of(const Call &call) {
  const atoll_principal *principal = call.principal();
  if (principal == nullptr || principal->kind == ATOLL_PRINCIPAL_SERVICE) return std::nullopt;
  return from_abi<AccountId>(principal->account);
}

}  // namespace Atoll::storage_posix
