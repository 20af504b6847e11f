// SPDX-License-Identifier: Apache-2.0
// Drive items: the files and folders of a space, to be looked at.
#pragma once

#include <atoll/sdk/files.hpp>
#include <atoll/sdk/host.hpp>

#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "plugins/api-graph/odata.hpp"
#include "plugins/api-graph/spaces.hpp"

namespace Atoll::graph {

/// Endpoints about items. What cannot be told is 503; a list is whole, or comes in pages that say so. [worker]
class Items {
 public:
  Items(const Host &host, const SpacesClient &spaces) : host_(host), spaces_(spaces) {}

  /// drives/{id}/root and drives/{id}/items/{item}
  Answer get(const Call &call, const SpaceId &space, const NodeId &node, std::string_view query) const;
  /// What is in a folder, sorted by the bytes of the names: all of it, or $top at a time with an @odata.nextLink.
  /// `path` is that of the request. A folder that changes between two pages has no next one (410): the list begins
  /// anew.
  Answer children(const Call &call, const SpaceId &space, const NodeId &node, std::string_view path,
                  std::string_view query) const;
  /// The personal space of who asks.
  Result<SpaceId> own(const Call &call) const;

 private:
  Files files() const;
  void append(base::JsonWriter &json, const Space &space, const Stat &stat) const;

  const Host &host_;
  const SpacesClient &spaces_;
};

/// Where a list of children goes on: behind a name, as long as the folder has this etag. A text for addresses.
struct ItemPlace {
  std::string etag, name;
  std::string text() const;
  static std::optional<ItemPlace> read(std::string_view text);
};

}  // namespace Atoll::graph
