// SPDX-License-Identifier: Apache-2.0
// The words of the tree: nodes, references, conditions, locks, attributes, spaces.
#pragma once

#include <atoll/sdk/ids.hpp>
#include <atoll/sdk/result.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::tree {

enum class NodeType : std::uint8_t { File = 1, Folder = 2 };

/// Digests of a file's content, as far as they are known. `mask` is a set of base::ChecksumMask.
struct Sums {
  unsigned mask = 0;
  std::array<std::uint8_t, 20> sha1{};
  std::array<std::uint8_t, 16> md5{};
  std::uint32_t adler32 = 0;
};

/// An etag without its quotes: 15 hex digits of the node id, ':', the sequence in hex; 32 characters at most.
class Etag {
 public:
  Etag(const NodeId &node, std::uint64_t sequence) noexcept;
  std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 32> text_{};
  std::uint8_t size_ = 0;
};

/// What is known of a node besides its name.
struct NodeFacts {
  SpaceId space;
  NodeId id;
  NodeId parent;  ///< none for the root
  NodeType type = NodeType::File;
  bool has_attributes = false;
  bool locked = false;     ///< a lock applies to it
  bool created = false;    ///< result of a change: nothing was replaced
  std::uint64_t size = 0;  ///< bytes; of a folder: of all files below it
  std::int64_t mtime_ns = 0;
  std::uint64_t sequence = 0;     ///< of a file: content; of a folder: of the last change anywhere below
  Sums sums;                      ///< of files
  std::uint64_t fingerprint = 0;  ///< of a root that is shown: another one after each restore; 0: never

  bool folder() const noexcept { return type == NodeType::Folder; }
  bool root() const noexcept { return parent.none(); }
  Etag etag() const noexcept { return {id, sequence}; }
};

/// A node in a sink: the name is borrowed for that one call. Empty for the root.
struct NodeView : NodeFacts {
  std::string_view name;
};

/// A node with its own name.
struct Node : NodeFacts {
  std::string name;
};

/// `path` below `node` of `space`; names separated by slashes, empty for the node itself. Borrowed.
struct Ref {
  SpaceId space;
  NodeId node;
  std::string_view path;
};

/// What must hold inside the commit of a change. Borrowed. Etags are texts without quotes (RFC 9110, 13.1).
struct Conditions {
  bool match_any = false;                           ///< If-Match: *
  bool none_match_any = false;                      ///< If-None-Match: *
  std::span<const std::string_view> if_match;       ///< empty: not asked
  std::span<const std::string_view> if_none_match;  ///< empty: not asked
  std::span<const std::string_view> lock_tokens;    ///< presented by the client (RFC 4918, 10.4)
  std::optional<AccountId> account;  ///< who asks: a token counts for the account that took it. Nothing: the server
};

inline constexpr std::uint64_t kNoQuota = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kSizeUnknown = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::int64_t kMtimeNow = std::numeric_limits<std::int64_t>::min();
inline constexpr std::size_t kMaxAttributeBytes = 65536;

enum class SpaceType : std::uint8_t { Personal = 1, Project = 2 };

/// What makes a space.
struct SpaceSpec {
  SpaceId id;
  SpaceType type = SpaceType::Project;
  Uuid birth;                          ///< opaque; none: the id itself
  AccountId owner;                     ///< opaque
  std::string name;                    ///< of a personal space: the login name
  std::optional<std::uint64_t> quota;  ///< bytes or kNoQuota; nothing: the default of the engine
};

/// What is to be done about names in one folder that differ only in case or in the normal form of Unicode. Whatever
/// other programs made is shown as it is: nothing is ever merged.
enum class NameRule : std::uint8_t {
  Exact,   ///< every difference of bytes makes another name
  Unique,  ///< a second such name is refused
};

struct SpaceInfo {
  SpaceId id;
  SpaceType type = SpaceType::Project;
  Uuid birth;
  AccountId owner;
  std::string name;
  std::string folder;  ///< relative to the provider's root
  std::uint64_t quota = kNoQuota;
  std::uint64_t used = 0;           ///< bytes of all files; trash and versions are not part of it
  std::uint64_t trash_used = 0;     ///< bytes in the trash
  std::uint64_t versions_used = 0;  ///< bytes of earlier contents
  std::uint64_t sequence = 0;       ///< of the root
  NameRule names = NameRule::Exact;
  std::uint64_t fingerprint = 0;  ///< another one after each restore; 0: there was none
  Etag root_etag() const noexcept { return {root_of(id), sequence}; }
};

/// Something that was removed and is kept. Times are nanoseconds since 1970.
struct TrashItem {
  Uuid id;  ///< sorts by the time of removal
  SpaceId space;
  NodeId node;
  NodeId parent;     ///< the folder that it was in
  std::string path;  ///< of that folder when it was removed; empty for the root
  std::string name;
  NodeType type = NodeType::File;
  std::uint64_t size = 0;  ///< bytes; of a folder: of all files below it
  std::int64_t mtime_ns = 0;
  std::int64_t removed_ns = 0;
  AccountId account;  ///< who removed it; none: the server
};

/// An earlier content of a file.
struct Version {
  SpaceId space;
  NodeId node;
  std::uint64_t sequence = 0;  ///< names it; it was the content sequence of the node
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;  ///< as it was
  std::int64_t kept_ns = 0;   ///< when other content took its place
  Sums sums;
  Etag etag() const noexcept { return {node, sequence}; }
};

/// What a lock lets others do. None stops reading.
enum class LockKind : std::uint8_t {
  Exclusive = 1,  ///< no other lock applies; its account changes the node, by the token (RFC 4918, 6.2)
  Shared = 2,     ///< beside other shared ones; each account that holds one changes the node, by its token
  Write = 3       ///< no other lock applies; whoever presents the token changes the node: of an application
};

/// A lock on changes (RFC 4918, 6 and 7).
struct Lock {
  std::string token;  ///< "urn:uuid:..."
  SpaceId space;
  NodeId node;  ///< where it was taken
  LockKind kind = LockKind::Exclusive;
  bool deep = false;  ///< Depth: infinity
  std::string owner;  ///< opaque, at most 4096 bytes
  AccountId account;
  std::string account_name;
  std::int64_t expires_ns = 0;  ///< wall clock
};

/// One attribute (dead property). In a patch, no value removes it.
struct AttributeChange {
  std::string_view ns;
  std::string_view name;
  std::optional<std::string_view> value;  ///< opaque, at most 64 KiB
};

/// What a file must be at commit.
struct UploadCommit {
  std::uint64_t size = kSizeUnknown;  ///< bytes written; anything else is refused. kSizeUnknown: not checked
  std::int64_t mtime_ns = kMtimeNow;
  Sums sums;            ///< kept with the file
  bool verify = false;  ///< read the bytes again and refuse them when they do not have these sums
};

/// An unfinished upload that can be gone on with, also after a restart.
struct KeptUpload {
  Uuid id;
  SpaceId space;
  NodeId node;        ///< the target is `path` below it
  AccountId account;  ///< who began it; none: the server
  std::string path;
  std::uint64_t size = kSizeUnknown;  ///< announced
  std::uint64_t offset = 0;           ///< bytes from the start that survive what a change survives
  std::int64_t begun_ns = 0;
  std::int64_t expires_ns = 0;  ///< 0: never
  std::string metadata;         ///< opaque, at most 4096 bytes
  bool open = false;
};

}  // namespace Atoll::tree
