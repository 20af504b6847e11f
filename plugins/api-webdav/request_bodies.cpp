// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/request_bodies.hpp"

#include "core/base/text.hpp"
#include "core/base/xml.hpp"

namespace Atoll::webdav {

namespace {

using base::XmlElement;

Error malformed(std::string why) { return error(Status::InvalidArgument, "The request body " + std::move(why) + "."); }

Result<XmlElement> parse_root(std::string_view body, std::string_view name) {
  base::xml::Limits limits;
  limits.bytes = kMostBodyBytes;
  auto root = base::parse_xml(body, limits);
  if (!root) {
    return Atoll::error(Status::InvalidArgument, "The request body cannot be read: " + root.error().message + ".");
  }
  if (!root->is(kDav, name)) return malformed("is no DAV:" + std::string(name));
  return root;
}

Result<void> collect(const XmlElement &from, std::vector<PropertyName> &names) {
  for (const XmlElement &child : from.children) {
    if (names.size() == kMostProperties) {
      return malformed("names more than " + std::to_string(kMostProperties) + " properties");
    }
    names.push_back({child.ns, child.name});
  }
  return {};
}

}  // namespace

Result<PropertyWish> parse_propfind(std::string_view body) {
  PropertyWish wish;
  if (base::trim(body).empty()) return wish;
  auto root = parse_root(body, "propfind");
  if (!root) return std::move(root).error();
  const XmlElement *all = root->find(kDav, "allprop");
  const XmlElement *names = root->find(kDav, "propname");
  const XmlElement *some = root->find(kDav, "prop");
  if ((all != nullptr) + (names != nullptr) + (some != nullptr) != 1) {
    return malformed("must hold one of DAV:prop, DAV:allprop and DAV:propname");
  }
  if (names != nullptr) {
    wish.kind = PropertyWish::Kind::Names;
    return wish;
  }
  if (some != nullptr) {
    wish.kind = PropertyWish::Kind::Some;
    if (auto done = collect(*some, wish.names); !done) return std::move(done).error();
    return wish;
  }
  if (const XmlElement *include = root->find(kDav, "include")) {
    if (auto done = collect(*include, wish.names); !done) return std::move(done).error();
  }
  return wish;
}

Result<std::vector<PropertyChange>> parse_proppatch(std::string_view body) {
  auto root = parse_root(body, "propertyupdate");
  if (!root) return std::move(root).error();
  std::vector<PropertyChange> changes;
  for (const XmlElement &instruction : root->children) {
    const bool remove = instruction.is(kDav, "remove");
    if (!remove && !instruction.is(kDav, "set")) continue;
    const XmlElement *prop = instruction.find(kDav, "prop");
    if (prop == nullptr) return malformed("has a DAV:set or DAV:remove without DAV:prop");
    for (const XmlElement &child : prop->children) {
      if (changes.size() == kMostProperties) {
        return malformed("changes more than " + std::to_string(kMostProperties) + " properties");
      }
      PropertyChange change;
      change.name = {child.ns, child.name};
      change.remove = remove;
      if (!remove) {
        base::append_xml(change.xml, child);
        change.text = child.all_text();
      }
      changes.push_back(std::move(change));
    }
  }
  if (changes.empty()) return malformed("changes no property");
  return changes;
}

Result<LockWish> parse_lockinfo(std::string_view body) {
  auto root = parse_root(body, "lockinfo");
  if (!root) return std::move(root).error();
  const XmlElement *scope = root->find(kDav, "lockscope");
  const XmlElement *type = root->find(kDav, "locktype");
  if (scope == nullptr || type == nullptr || type->find(kDav, "write") == nullptr) {
    return malformed("must hold DAV:lockscope and DAV:locktype with DAV:write");
  }
  LockWish wish;
  if (scope->find(kDav, "shared") != nullptr) {
    wish.exclusive = false;
  } else if (scope->find(kDav, "exclusive") == nullptr) {
    return malformed("has a DAV:lockscope that is neither exclusive nor shared");
  }
  if (const XmlElement *owner = root->find(kDav, "owner")) {
    base::append_inner_xml(wish.owner, *owner);
    if (wish.owner.size() > 4096) return malformed("has a DAV:owner of more than 4096 bytes");
  }
  return wish;
}

}  // namespace Atoll::webdav
