// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/multistatus.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "core/base/mime.hpp"
#include "core/base/time.hpp"
#include "core/base/uri.hpp"
#include "core/base/xml.hpp"
#include "plugins/api-webdav/permissions.hpp"
#include "plugins/api-webdav/wire_id.hpp"

namespace Atoll::webdav {

using namespace std::string_view_literals;  // a length at run time costs five percent of a listing

namespace {

constexpr std::string_view kHead =
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:multistatus xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\" "
    "xmlns:s=\"http://sabredav.org/ns\">";

void append_number(std::string &out, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, static_cast<std::size_t>(end.ptr - digits));
}

void append_hex(std::string &out, const std::uint8_t *bytes, std::size_t count) {
  static constexpr char digits[] = "0123456789abcdef";
  char text[40];
  for (std::size_t i = 0; i < count; ++i) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  out.append(text, 2 * count);
}

std::int64_t seconds(std::int64_t nanoseconds) {
  const std::int64_t whole = nanoseconds / 1'000'000'000;
  return nanoseconds % 1'000'000'000 < 0 ? whole - 1 : whole;
}

bool same(const std::uint8_t (&a)[16], const std::uint8_t (&b)[16]) { return std::memcmp(a, b, 16) == 0; }

bool is_root(const atoll_stat &stat) { return same(stat.node.bytes, stat.space.bytes); }

bool append_trash(std::string &out, Property property, const atoll_trash_item &item) {
  out.append("<"sv).append(qualified_name(property)).push_back('>');
  if (property == Property::TrashFileName) {
    base::append_xml_escaped(out, view(item.name));
  } else if (property == Property::TrashLocation) {
    base::append_xml_escaped(out, view(item.path));
    if (item.path.len > 0) out.push_back('/');
    base::append_xml_escaped(out, view(item.name));
  } else if (property == Property::TrashDeleteDatetime) {
    base::append_http_date(out, seconds(item.removed_ns));
  } else {
    out.append(std::to_string(seconds(item.removed_ns)));
  }
  out.append("</"sv).append(qualified_name(property)).push_back('>');
  return true;
}

void append_value_of(std::string &out, const Attribute &attribute) {
  if (attribute.value.starts_with('<')) {
    out.append(attribute.value);
    return;
  }
  // Set by something else than PROPPATCH: plain text.
  std::string element;
  append_empty_element(element, attribute.ns, attribute.name);
  element.resize(element.size() - 2);  // without "/>"
  out.append(element).push_back('>');
  base::append_xml_escaped(out, attribute.value);
  out.append("</"sv).append(element.substr(1, element.find(' ') - 1)).push_back('>');
}

/// Whether an entry of this kind has the property.
bool has(EntryKind kind, Property property) {
  switch (property) {
    case Property::TrashFileName:
    case Property::TrashLocation:
    case Property::TrashDeleteDatetime:
    case Property::TrashDeleteTimestamp:
    case Property::FileParent:
      return kind == EntryKind::TrashItem || (kind == EntryKind::Node && property == Property::FileParent);
    case Property::ResourceType:
    case Property::Permissions:
    case Property::SpaceId:
      return true;
    case Property::GetLastModified:
    case Property::GetContentLength:
    case Property::GetContentType:
    case Property::DisplayName:
    case Property::Name:
    case Property::Size:
    case Property::Id:
    case Property::FileId:
      return kind != EntryKind::TrashBin;
    case Property::GetEtag:
    case Property::Checksums:
      return kind == EntryKind::Node || kind == EntryKind::Version;
    default:
      return kind == EntryKind::Node;
  }
}

std::string_view status_line(int status) {
  switch (status) {
    case 200:
      return "HTTP/1.1 200 OK";
    case 403:
      return "HTTP/1.1 403 Forbidden";
    case 404:
      return "HTTP/1.1 404 Not Found";
    case 409:
      return "HTTP/1.1 409 Conflict";
    case 423:
      return "HTTP/1.1 423 Locked";
    case 424:
      return "HTTP/1.1 424 Failed Dependency";
    case 425:
      return "HTTP/1.1 425 Too Early";
    case 507:
      return "HTTP/1.1 507 Insufficient Storage";
    default:
      return "HTTP/1.1 500 Internal Server Error";
  }
}

}  // namespace

Multistatus::Multistatus(const PropertyPlan &plan, const SpaceFacts &space) : plan_(plan), space_(space) {
  out_.append(kHead);
}

void Multistatus::finish() { out_.append("</d:multistatus>\n"sv); }

void Multistatus::item(std::string_view href, const atoll_stat &stat, const Extras &extras) {
  out_.append("<d:response><d:href>"sv).append(href);
  response(stat, extras);
}

void Multistatus::child(std::string_view href, const atoll_stat &stat, const Extras &extras) {
  out_.append("<d:response><d:href>"sv).append(href).push_back('/');
  base::append_percent_encoded_path(out_, view(stat.name));
  response(stat, extras);
}

void Multistatus::response(const atoll_stat &stat, const Extras &extras) {
  if (stat.type == ATOLL_NODE_FOLDER) out_.push_back('/');
  out_.append("</d:href><d:propstat><d:prop>"sv);
  missing_.clear();
  if (plan_.kind == PropertyWish::Kind::Names) {
    names(stat, extras);
  } else {
    some(stat, extras);
  }
  const bool early = (stat.flags & ATOLL_STAT_PROCESSING) != 0;
  out_.append(early ? "</d:prop><d:status>HTTP/1.1 425 Too Early</d:status></d:propstat>"sv
                    : "</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"sv);
  if (!missing_.empty() && !plan_.minimal) {
    out_.append("<d:propstat><d:prop>"sv).append(missing_);
    out_.append("</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"sv);
  }
  out_.append("</d:response>"sv);
}

void Multistatus::some(const atoll_stat &stat, const Extras &extras) {
  for (const Property property : plan_.live) {
    const std::size_t before = out_.size();
    if (value(property, stat, extras)) continue;
    out_.resize(before);
    if (plan_.kind == PropertyWish::Kind::Some) {
      missing_.push_back('<');
      missing_.append(qualified_name(property)).append("/>"sv);
    }
  }
  const bool no_dead = extras.dead == nullptr || extras.dead->empty();
  if (plan_.kind == PropertyWish::Kind::All) {
    if (no_dead) return;
    for (const Attribute &attribute : *extras.dead) {
      if (!hidden_namespace(attribute.ns)) append_value_of(out_, attribute);
    }
    return;
  }
  if (no_dead) {
    missing_.append(plan_.all_dead_missing);
    return;
  }
  for (const PropertyName &name : plan_.dead) {
    const auto found = std::find_if(extras.dead->begin(), extras.dead->end(), [&](const Attribute &attribute) {
      return attribute.name == name.name && attribute.ns == name.ns && !hidden_namespace(attribute.ns);
    });
    if (found == extras.dead->end()) {
      append_empty_element(missing_, name.ns, name.name);
    } else {
      append_value_of(out_, *found);
    }
  }
}

void Multistatus::names(const atoll_stat &stat, const Extras &extras) {
  for (const Property property : plan_.live) {
    const std::size_t before = out_.size();
    const bool there = value(property, stat, extras);
    out_.resize(before);
    if (there) out_.append("<"sv).append(qualified_name(property)).append("/>"sv);
  }
  if (extras.dead == nullptr) return;
  for (const Attribute &attribute : *extras.dead) {
    if (!hidden_namespace(attribute.ns)) append_empty_element(out_, attribute.ns, attribute.name);
  }
}

void Multistatus::append_id(const atoll_stat &stat) {
  // All nodes of a listing are of one space.
  if (id_prefix_.empty() || !same(id_space_, stat.space.bytes)) {
    std::memcpy(id_space_, stat.space.bytes, sizeof id_space_);
    id_prefix_.clear();
    append_space_id(id_prefix_, space_.birth, stat.space.bytes);
    id_prefix_.push_back('!');
  }
  out_.append(id_prefix_);
  append_uuid(out_, stat.node.bytes);
}

bool Multistatus::value(Property property, const atoll_stat &stat, const Extras &extras) {
  if (!has(extras.kind, property)) return false;
  const bool folder = stat.type == ATOLL_NODE_FOLDER;
  std::string &out = out_;
  switch (property) {
    case Property::ResourceType:
      out.append(folder ? "<d:resourcetype><d:collection/></d:resourcetype>"sv : "<d:resourcetype/>"sv);
      return true;
    case Property::GetLastModified:
      out.append("<d:getlastmodified>"sv);
      base::append_http_date(out, seconds(stat.mtime_ns));
      out.append("</d:getlastmodified>"sv);
      return true;
    case Property::GetContentLength:
      if (folder) return false;
      out.append("<d:getcontentlength>"sv);
      append_number(out, stat.size);
      out.append("</d:getcontentlength>"sv);
      return true;
    case Property::GetEtag:
      out.append("<d:getetag>\""sv).append(view(stat.etag)).append("\"</d:getetag>"sv);
      return true;
    case Property::GetContentType:
      out.append("<d:getcontenttype>"sv);
      out.append(folder ? std::string_view("httpd/unix-directory")
                        : base::mime_type(extras.kind == EntryKind::Version ? extras.file_name : view(stat.name)));
      out.append("</d:getcontenttype>"sv);
      return true;
    case Property::DisplayName:
      out.append("<d:displayname>"sv);
      base::append_xml_escaped(out, is_root(stat) ? std::string_view(space_.name) : view(stat.name));
      out.append("</d:displayname>"sv);
      return true;
    case Property::CreationDate:
      if (stat.created_ns == 0) return false;
      out.append("<d:creationdate>"sv);
      base::append_iso8601(out, seconds(stat.created_ns));
      out.append("</d:creationdate>"sv);
      return true;
    case Property::SupportedLock:
      out.append("<d:supportedlock>"sv).append(kSupportedLock).append("</d:supportedlock>"sv);
      return true;
    case Property::LockDiscovery:
      out.append("<d:lockdiscovery>"sv);
      if (extras.locks != nullptr) {
        for (const ShownLock &lock : *extras.locks) append_activelock(out, lock);
      }
      out.append("</d:lockdiscovery>"sv);
      return true;
    case Property::QuotaUsedBytes:
      if (!folder) return false;
      out.append("<d:quota-used-bytes>"sv);
      append_number(out, stat.size);
      out.append("</d:quota-used-bytes>"sv);
      return true;
    case Property::QuotaAvailableBytes:
      if (!folder || !space_.has_quota) return false;
      out.append("<d:quota-available-bytes>"sv);
      if (space_.quota_unknown) {
        out.append("-2"sv);
      } else if (space_.quota == ATOLL_QUOTA_NONE) {
        out.append("-3"sv);  // no limit, in the words of the sync clients
      } else {
        append_number(out, space_.quota > space_.used ? space_.quota - space_.used : 0);
      }
      out.append("</d:quota-available-bytes>"sv);
      return true;
    case Property::Id:
    case Property::FileId:
      out.append(property == Property::Id ? "<oc:id>"sv : "<oc:fileid>"sv);
      append_id(stat);
      if (extras.kind == EntryKind::Version) out.append("@"sv).append(view(stat.name));
      out.append(property == Property::Id ? "</oc:id>"sv : "</oc:fileid>"sv);
      return true;
    case Property::FileParent:
      if (is_root(stat)) return false;
      out.append("<oc:file-parent>"sv);
      append_node_id(out, space_.birth, stat.space.bytes, stat.parent.bytes);
      out.append("</oc:file-parent>"sv);
      return true;
    case Property::SpaceId:
      out.append("<oc:spaceid>"sv);
      append_space_id(out, space_.birth, stat.space.bytes);
      out.append("</oc:spaceid>"sv);
      return true;
    case Property::Permissions:
      out.append("<oc:permissions>"sv);
      append_permissions(out, stat.permissions,
                         is_root(stat) ? NodeShape::Root
                         : folder      ? NodeShape::Folder
                                       : NodeShape::File);
      out.append("</oc:permissions>"sv);
      return true;
    case Property::Size:
      out.append("<oc:size>"sv);
      append_number(out, stat.size);
      out.append("</oc:size>"sv);
      return true;
    case Property::Checksums: {
      constexpr std::uint32_t kAny = ATOLL_STAT_SHA1 | ATOLL_STAT_MD5 | ATOLL_STAT_ADLER32;
      if (folder || (stat.flags & kAny) == 0) return false;
      out.append("<oc:checksums><oc:checksum>"sv);
      std::string_view blank;
      if (stat.flags & ATOLL_STAT_SHA1) {
        out.append("SHA1:"sv);
        append_hex(out, stat.sha1, 20);
        blank = " ";
      }
      if (stat.flags & ATOLL_STAT_MD5) {
        out.append(blank).append("MD5:"sv);
        append_hex(out, stat.md5, 16);
        blank = " ";
      }
      if (stat.flags & ATOLL_STAT_ADLER32) {
        const std::uint32_t sum = stat.adler32;
        const std::uint8_t bytes[4] = {static_cast<std::uint8_t>(sum >> 24), static_cast<std::uint8_t>(sum >> 16),
                                       static_cast<std::uint8_t>(sum >> 8), static_cast<std::uint8_t>(sum)};
        out.append(blank).append("ADLER32:"sv);
        append_hex(out, bytes, 4);
      }
      out.append("</oc:checksum></oc:checksums>"sv);
      return true;
    }
    case Property::Name:
      out.append("<oc:name>"sv);
      base::append_xml_escaped(out, is_root(stat) ? std::string_view(space_.name) : view(stat.name));
      out.append("</oc:name>"sv);
      return true;
    case Property::OwnerId:
    case Property::OwnerDisplayName: {
      if (!space_.has_owner) return false;
      const bool id = property == Property::OwnerId;
      out.append(id ? "<oc:owner-id>"sv : "<oc:owner-display-name>"sv);
      base::append_xml_escaped(out, id ? space_.owner : space_.owner_display_name);
      out.append(id ? "</oc:owner-id>"sv : "</oc:owner-display-name>"sv);
      return true;
    }
    case Property::Favorite: {
      const bool marked =
          extras.dead != nullptr &&
          std::any_of(extras.dead->begin(), extras.dead->end(), [&](const Attribute &attribute) {
            return attribute.ns == kFavoriteNamespace && attribute.name == space_.favorite && attribute.value == "1";
          });
      out.append(marked ? "<oc:favorite>1</oc:favorite>"sv : "<oc:favorite>0</oc:favorite>"sv);
      return true;
    }
    case Property::ShareTypes:
      out.append("<oc:share-types/>"sv);
      return true;
    case Property::DownloadUrl:
      out.append("<oc:downloadURL/>"sv);
      return true;
    case Property::DataFingerprint:
      if (!is_root(stat)) return false;
      if (!ATOLL_HAS(&stat, atoll_stat, fingerprint) || stat.fingerprint == 0) {
        out.append("<oc:data-fingerprint/>"sv);
      } else {
        out.append("<oc:data-fingerprint>"sv)
            .append(std::to_string(stat.fingerprint))
            .append("</oc:data-fingerprint>"sv);
      }
      return true;
    case Property::Tags:
      out.append("<oc:tags/>"sv);
      return true;
    case Property::MetaPathForUser:
      if (space_.path_for_user.empty()) return false;
      out.append("<oc:meta-path-for-user>"sv);
      base::append_xml_escaped(out, space_.path_for_user);
      out.append("</oc:meta-path-for-user>"sv);
      return true;
    case Property::TrashFileName:
    case Property::TrashLocation:
    case Property::TrashDeleteDatetime:
    case Property::TrashDeleteTimestamp:
      return extras.trash != nullptr && append_trash(out, property, *extras.trash);
  }
  return false;
}

std::string proppatch_answer(std::string_view href, const std::vector<PropertyOutcome> &outcomes) {
  std::string out(kHead);
  out.append("<d:response><d:href>"sv).append(href).append("</d:href>"sv);
  std::vector<int> done;
  for (const PropertyOutcome &first : outcomes) {
    if (std::find(done.begin(), done.end(), first.status) != done.end()) continue;
    done.push_back(first.status);
    out.append("<d:propstat><d:prop>"sv);
    for (const PropertyOutcome &outcome : outcomes) {
      if (outcome.status == first.status) append_empty_element(out, outcome.name.ns, outcome.name.name);
    }
    out.append("</d:prop><d:status>"sv).append(status_line(first.status)).append("</d:status></d:propstat>"sv);
  }
  out.append("</d:response></d:multistatus>\n"sv);
  return out;
}

}  // namespace Atoll::webdav
