// SPDX-License-Identifier: Apache-2.0
// The plugin: which spaces there are, in a database of our own.
#pragma once

#include <atoll/sdk/plugin.hpp>
#include <atoll/sdk/registry.hpp>

#include <memory>
#include <string>

#include "plugins/registry-sql/space_record_store.hpp"

namespace Atoll::registry_sql {

/// atoll.registry/1. [any thread] after create().
class RegistrySql : public Plugin<RegistrySql>, public Registry<RegistrySql> {
 public:
  static constexpr PluginInfo info{"atoll.registry-sql", "0.1", "Apache-2.0",
                                   "Spaces and their members in a database of its own"};
  using Offers = Interfaces<Registry<RegistrySql>>;

  static constexpr std::array config{
      config_key(
          "database", ATOLL_CONFIG_DATABASE, "registry.db",
          "The database with spaces and members: an SQLite file, or postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
          "which several servers may share.",
          ATOLL_CONFIG_SECRET),
      config_key("previous", ATOLL_CONFIG_PATH, "registry.db",
                 "The SQLite file that held the spaces before database was set. While it holds some and database none, "
                 "the registry does not start: clients would be shown no spaces, and delete what they have of them."),
      config_key(
          "connections", ATOLL_CONFIG_INTEGER, "8",
          "How many connections to the database at most, 1 to 1000; with PostgreSQL its max_connections is for all "
          "servers together. A request that gets none in time is answered 503."),
      config_key("start_empty", ATOLL_CONFIG_BOOLEAN, "no",
                 "Whether it starts nevertheless, without the spaces of previous: they are another registry's, or no "
                 "longer wanted."),
  };

  static Result<std::unique_ptr<RegistrySql>> create(const Call &call, Host host);
  /// What create() does, without the host's configuration. previous: the file of that key, or empty to start anyway.
  static Result<std::unique_ptr<RegistrySql>> open(const std::string &url, const std::string &previous = {},
                                                   std::size_t connections = 8);

  class Private {
    friend class RegistrySql;
    Private() = default;
  };  // only open() makes instances
  RegistrySql(Private, std::unique_ptr<SpaceRecordStore> store) : store_(std::move(store)) {}

  Result<void> spaces_of(const Call &call, SpaceRecordEmitter emit);
  Result<void> space_get(const Call &call, SpaceId id, SpaceRecordEmitter emit);
  Result<void> space_list(const Call &call, SpaceId after, std::uint64_t limit, SpaceRecordEmitter emit);
  Result<void> space_insert(const Call &call, SpaceRecord record);
  Result<void> space_update(const Call &call, const SpaceRecord &record);
  Result<void> space_change(const Call &call, const SpaceRecord &record, std::uint32_t fields,
                            std::uint32_t expected_state);
  Result<void> space_list_of_type(const Call &call, std::uint32_t type, SpaceId after, std::uint64_t limit,
                                  SpaceRecordEmitter emit);
  Result<void> space_remove(const Call &call, SpaceId id);
  Result<void> personal(const Call &call, AccountId owner, SpaceRecordEmitter emit);
  Result<void> member_put(const Call &call, SpaceId space, const atoll_member &member);
  Result<void> member_remove(const Call &call, SpaceId space, AccountId account);
  Result<void> members(const Call &call, SpaceId space, MemberEmitter emit);
  Result<void> space_get_many(const Call &call, const std::vector<SpaceId> &spaces, SpaceRecordEmitter emit);
  Result<void> members_many(const Call &call, const std::vector<SpaceId> &spaces, MemberEmitter emit);
  Result<std::uint64_t> generation(const Call &call);

 private:
  std::unique_ptr<SpaceRecordStore> store_;
};

}  // namespace Atoll::registry_sql
