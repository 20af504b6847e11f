// SPDX-License-Identifier: Apache-2.0
// Drives: the spaces of libre-graph.
#pragma once

#include <set>

#include "core/base/json.hpp"
#include "plugins/api-graph/members.hpp"
#include "plugins/api-graph/odata.hpp"
#include "plugins/api-graph/spaces.hpp"

namespace Atoll::graph {

/// Endpoints about drives. [worker]
class Drives {
 public:
  explicit Drives(const SpacesClient &spaces) : spaces_(spaces) {}
  /// me/drives, and drives with `everybodys`: for space admins those of all, for others the same as me/drives.
  Answer list(const Call &call, std::string_view query, bool everybodys) const;
  /// The personal one.
  Answer mine(const Call &call, std::string_view query) const;
  /// The personal one of another account, for admins.
  Answer personal_of(const Call &call, const AccountId &owner) const;
  Answer get(const Call &call, const SpaceId &space, std::string_view query) const;
  Answer create(const Call &call, std::string_view query, const base::JsonObject &body) const;
  Answer change(const Call &call, const SpaceId &space, const base::JsonObject &body, bool restore) const;
  Answer remove(const Call &call, const SpaceId &space, bool purge) const;

 private:
  using Fields = std::set<std::string, std::less<>>;
  /// `members` are those of this drive; null: they cannot be told, or nobody asked.
  static void append(base::JsonWriter &json, const Space &space, const Fields &fields,
                     const std::vector<SpaceMember> *members, Names &names);
  /// `changed`: the answer to a change that has been made, which nothing that follows may turn into a failure.
  Answer shown(const Call &call, const Space &space, const Fields &fields, int status = 200,
               bool changed = false) const;

  const SpacesClient &spaces_;
};

}  // namespace Atoll::graph
