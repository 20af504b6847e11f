// SPDX-License-Identifier: Apache-2.0
// The live properties, and a request for properties compiled into what a listing needs. [any thread]
#pragma once

#include <atoll/sdk/favorites.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::webdav {

inline constexpr std::string_view kDav = "DAV:";
inline constexpr std::string_view kOwncloud = "http://owncloud.org/ns";
inline constexpr std::string_view kSabre = "http://sabredav.org/ns";

enum class Property : std::uint8_t {
  ResourceType,
  GetLastModified,
  GetContentLength,
  GetEtag,
  GetContentType,
  DisplayName,
  CreationDate,
  SupportedLock,
  LockDiscovery,
  QuotaUsedBytes,
  QuotaAvailableBytes,
  Id,
  FileId,
  FileParent,
  SpaceId,
  Permissions,
  Size,
  Checksums,
  Name,
  OwnerId,
  OwnerDisplayName,
  Favorite,
  ShareTypes,
  DownloadUrl,
  DataFingerprint,
  Tags,
  MetaPathForUser,  ///< below /dav/meta only
  TrashFileName,    ///< this and the following: of items in the trash
  TrashLocation,
  TrashDeleteDatetime,
  TrashDeleteTimestamp,
};

/// A property's name.
struct PropertyName {
  std::string ns;
  std::string name;
  friend bool operator==(const PropertyName &, const PropertyName &) = default;
};

std::optional<Property> live_property(std::string_view ns, std::string_view name);
/// "d:getetag", as it is written. Never dies.
std::string_view qualified_name(Property property);
/// Whether PROPPATCH may change it: DAV:getlastmodified and oc:favorite.
bool settable(Property property);

/// What a PROPFIND asks for.
struct PropertyWish {
  enum class Kind : std::uint8_t { All, Names, Some };
  Kind kind = Kind::All;
  std::vector<PropertyName> names;  ///< of Some; of All: what `include` adds
};

/// The wish, compiled once per request.
struct PropertyPlan {
  PropertyWish::Kind kind = PropertyWish::Kind::All;
  bool minimal = false;            ///< Prefer: return=minimal
  std::vector<Property> live;      ///< in the order asked, each once
  std::vector<PropertyName> dead;  ///< of Some: names that may be dead properties
  std::string all_dead_missing;    ///< the elements for the 404 propstat when none of them is there

  bool wants_dead() const { return kind != PropertyWish::Kind::Some || !dead.empty() || wants(Property::Favorite); }
  bool wants(Property property) const;
};

PropertyPlan compile(const PropertyWish &wish, bool minimal);

/// Appends `<x:name xmlns:x="ns"/>`, with the prefixes d and oc where they fit.
void append_empty_element(std::string &out, std::string_view ns, std::string_view name);

/// DAV clients never see attributes of these namespaces. A favourite is one of them.
inline bool hidden_namespace(std::string_view ns) { return ns.substr(0, 10) == "urn:atoll:"; }

}  // namespace Atoll::webdav
