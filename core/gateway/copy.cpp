// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/copy.hpp"

#include <atoll/sdk/favorites.hpp>

#include "core/base/uuid.hpp"

namespace Atoll::gateway {
namespace {

constexpr std::size_t kBuffer = 1024 * 1024;
constexpr int kDeepest = 512;

/// A call that hands on principal and lock tokens, but no conditions: those are for the target as a whole.
struct Inner : OutgoingCall {
  explicit Inner(const Call &call) : OutgoingCall(call.raw()) {
    for (const auto token : call.lock_tokens()) tokens.emplace_back(token);
    lock_tokens(tokens);
  }
  std::vector<std::string> tokens;
};

Ref below(const Ref &folder, std::string_view name) {
  Ref out = folder;
  if (!out.path.empty()) out.path += '/';
  out.path += name;
  return out;
}

/// What the steps of one copy share.
struct Copier {
  const Call &call;
  const Files &files;
  const Attributes &attributes;

  Result<Stat> file(const Ref &from, const Ref &to) const;
  Result<Stat> folder(const Ref &from, const Ref &to, bool shallow, int depth) const;
  Result<void> properties(const Ref &from, const Ref &to) const;
};

/// A driver that keeps no attributes, at either end, is no reason not to copy the bytes.
Result<void> Copier::properties(const Ref &from, const Ref &to) const {
  Inner inner(call);
  auto all = attributes.get(inner, from);
  if (all.status() == Status::Unimplemented || (all && all->empty())) return {};
  if (!all) return std::move(all).error();
  // Who copies does not mark for others.
  const auto *principal = call.principal();
  const std::string own = principal ? from_abi<AccountId>(principal->account).text() : std::string();
  std::erase_if(*all, [&](const Attribute &one) { return one.ns == kFavoriteNamespace && one.name != own; });
  if (all->empty()) return {};
  auto patched = attributes.patch(inner, to, *all);
  if (patched.status() == Status::Unimplemented) return {};
  return patched;
}

Result<Stat> Copier::file(const Ref &from, const Ref &to) const {
  Inner inner(call);
  auto reader = files.open_read(inner, from);
  if (!reader) return std::move(reader).error();
  const Stat source = (*reader)->stat();
  auto upload = files.upload_begin(inner, to, source.size);
  if (!upload) return std::move(upload).error();
  std::vector<char> buffer(kBuffer);
  for (std::uint64_t at = 0; at < source.size;) {
    if (call.cancelled()) return error(Status::Cancelled, "the client went away during a copy");
    auto got = (*reader)->read(inner, at, buffer.data(), buffer.size());
    if (!got) return std::move(got).error();
    if (*got == 0) return error(Status::Unavailable, "a file became shorter while it was copied");
    if (auto written = (*upload)->write(inner, at, buffer.data(), *got); !written) return std::move(written).error();
    at += *got;
  }
  auto commit = sized<atoll_upload_commit>();
  commit.flags = source.flags & (ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32);
  commit.size = source.size;
  commit.mtime_ns = source.mtime_ns;
  std::memcpy(commit.sha1, source.sha1.data(), 20);
  std::memcpy(commit.md5, source.md5.data(), 16);
  commit.adler32 = source.adler32;
  auto made = (*upload)->commit(inner, commit);
  if (!made) return made;
  if (auto kept = properties(from, to); !kept) return std::move(kept).error();
  return made;
}

Result<Stat> Copier::folder(const Ref &from, const Ref &to, bool shallow, int depth) const {
  if (depth > kDeepest) return error(Status::InvalidArgument, "this tree is too deep to be copied");
  Inner inner(call);
  auto made = files.mkdir(inner, to);
  if (!made) return made;
  if (auto kept = properties(from, to); !kept) return std::move(kept).error();
  if (shallow) return made;
  std::vector<std::pair<std::string, bool>> children;
  auto listed = files.list(inner, from, [&](const atoll_stat *child) {
    children.emplace_back(view(child->name), child->type == ATOLL_NODE_FOLDER);
  });
  if (!listed) return std::move(listed).error();
  for (const auto &[name, is_folder] : children) {
    if (call.cancelled()) return error(Status::Cancelled, "the client went away during a copy");
    auto child = is_folder ? folder(below(from, name), below(to, name), false, depth + 1)
                           : file(below(from, name), below(to, name));
    if (!child) return child;
  }
  return made;
}

}  // namespace

Result<Stat> copy_node(const Call &call, const Files &files, const Attributes &attributes, const Ref &from,
                       const Ref &to, std::uint32_t flags) {
  const Copier copier{call, files, attributes};
  Inner inner(call);
  auto source = files.stat(inner, from);
  if (!source) return source;
  auto target = files.stat(inner, to);
  if (target) {
    if ((flags & ATOLL_REPLACE) == 0)
      return error(Status::AlreadyExists, "There is something at the destination already.");
    if (target->node == source->node) return error(Status::PermissionDenied, "A copy onto itself is not possible.");
  } else if (target.status() != Status::NotFound) {
    return target;
  }
  const bool file_on_file = target.ok() && !source->folder() && !target->folder();
  if (!source->folder() && (!target.ok() || file_on_file)) return copier.file(from, to);

  Ref temporary = to;
  const auto cut = to.path.rfind('/');
  temporary.path = (cut == std::string::npos ? std::string() : to.path.substr(0, cut + 1)) + ".copy-" +
                   base::random_id<Uuid>().text();
  auto made =
      source->folder() ? copier.folder(from, temporary, (flags & ATOLL_SHALLOW) != 0, 0) : copier.file(from, temporary);
  if (made) made = files.rename(inner, temporary, to, flags & ATOLL_REPLACE);
  if (!made) {
    Inner cleanup(call);
    // What matters is the first failure. Not everybody may delete past the trash.
    if (files.remove(cleanup, temporary, ATOLL_PERMANENT).status() == Status::PermissionDenied)
      static_cast<void>(files.remove(cleanup, temporary));
  }
  return made;
}

}  // namespace Atoll::gateway
