// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/properties.hpp"

#include <algorithm>
#include <array>

#include "core/base/xml.hpp"

namespace Atoll::webdav {

namespace {

struct Known {
  Property property;
  std::string_view qualified;
  bool in_allprop;  // RFC 4331 keeps the quota properties out of allprop
};

constexpr std::array<Known, 31> kKnown = {{
    {Property::ResourceType, "d:resourcetype", true},
    {Property::GetLastModified, "d:getlastmodified", true},
    {Property::GetContentLength, "d:getcontentlength", true},
    {Property::GetEtag, "d:getetag", true},
    {Property::GetContentType, "d:getcontenttype", true},
    {Property::DisplayName, "d:displayname", true},
    {Property::CreationDate, "d:creationdate", true},
    {Property::SupportedLock, "d:supportedlock", true},
    {Property::LockDiscovery, "d:lockdiscovery", true},
    {Property::QuotaUsedBytes, "d:quota-used-bytes", false},
    {Property::QuotaAvailableBytes, "d:quota-available-bytes", false},
    {Property::Id, "oc:id", true},
    {Property::FileId, "oc:fileid", true},
    {Property::FileParent, "oc:file-parent", true},
    {Property::SpaceId, "oc:spaceid", true},
    {Property::Permissions, "oc:permissions", true},
    {Property::Size, "oc:size", true},
    {Property::Checksums, "oc:checksums", true},
    {Property::Name, "oc:name", true},
    {Property::OwnerId, "oc:owner-id", true},
    {Property::OwnerDisplayName, "oc:owner-display-name", true},
    {Property::Favorite, "oc:favorite", true},
    {Property::ShareTypes, "oc:share-types", true},
    {Property::DownloadUrl, "oc:downloadURL", true},
    {Property::DataFingerprint, "oc:data-fingerprint", true},
    {Property::Tags, "oc:tags", true},
    {Property::MetaPathForUser, "oc:meta-path-for-user", true},
    {Property::TrashFileName, "oc:trashbin-original-filename", true},
    {Property::TrashLocation, "oc:trashbin-original-location", true},
    {Property::TrashDeleteDatetime, "oc:trashbin-delete-datetime", true},
    {Property::TrashDeleteTimestamp, "oc:trashbin-delete-timestamp", true},
}};

std::string_view prefix_for(std::string_view ns) {
  if (ns == kDav) return "d:";
  if (ns == kOwncloud) return "oc:";
  return {};
}

}  // namespace

std::optional<Property> live_property(std::string_view ns, std::string_view name) {
  const std::string_view prefix = prefix_for(ns);
  if (prefix.empty()) return std::nullopt;
  for (const Known &known : kKnown) {
    if (known.qualified.starts_with(prefix) && known.qualified.substr(prefix.size()) == name) return known.property;
  }
  return std::nullopt;
}

std::string_view qualified_name(Property property) { return kKnown[static_cast<std::size_t>(property)].qualified; }

bool settable(Property property) { return property == Property::GetLastModified || property == Property::Favorite; }

bool PropertyPlan::wants(Property property) const {
  return std::find(live.begin(), live.end(), property) != live.end();
}

void append_empty_element(std::string &out, std::string_view ns, std::string_view name) {
  const std::string_view prefix = prefix_for(ns);
  out.push_back('<');
  if (!prefix.empty() || ns.empty()) {
    out.append(prefix).append(name);
  } else {
    out.append("x:").append(name).append(" xmlns:x=\"");
    base::append_xml_escaped(out, ns);
    out.push_back('"');
  }
  out.append("/>");
}

PropertyPlan compile(const PropertyWish &wish, bool minimal) {
  PropertyPlan plan;
  plan.kind = wish.kind;
  plan.minimal = minimal;
  if (wish.kind != PropertyWish::Kind::Some) {
    for (const Known &known : kKnown) {
      if (known.in_allprop) plan.live.push_back(known.property);
    }
  }
  for (const PropertyName &name : wish.names) {
    if (const auto live = live_property(name.ns, name.name)) {
      if (!plan.wants(*live)) plan.live.push_back(*live);
    } else if (std::find(plan.dead.begin(), plan.dead.end(), name) == plan.dead.end()) {
      plan.dead.push_back(name);
      append_empty_element(plan.all_dead_missing, name.ns, name.name);
    }
  }
  return plan;
}

}  // namespace Atoll::webdav
