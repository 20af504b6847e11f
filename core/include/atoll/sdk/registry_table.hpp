// SPDX-License-Identifier: Apache-2.0
// RegistryTable: the caller's side of atoll.registry/1, for registries of any ABI: what a table of an earlier one lacks
// is done with what it has. Each function gives the status to return, as those of the table do.
#ifndef ATOLL_SDK_REGISTRY_TABLE_HPP
#define ATOLL_SDK_REGISTRY_TABLE_HPP

#include <atoll/abi/registry.h>
#include <atoll/sdk/registry.hpp>

namespace Atoll {
inline namespace sdk0 {

/// Members up to `generation` are in every table: those are called through ->.
class RegistryTable {
 public:
  RegistryTable(const atoll_registry *table, void *self) : table_(table), self_(self) {}
  const atoll_registry *operator->() const noexcept { return table_; }
  void *self() const noexcept { return self_; }

  /// Whether it changes a space in one step, and knows all states.
  bool changes() const noexcept { return ATOLL_HAS(table_, atoll_registry, change) && table_->change; }

  std::int32_t change(const atoll_call *call, const SpaceRecord &record, std::uint32_t fields,
                      std::uint32_t expected_state) const noexcept {
    if (changes()) {
      const atoll_space_record raw = record.abi();
      return table_->change(call, self_, &raw, fields, expected_state);
    }
    return guarded(call, [&] { return changed_by_update(Call(call), table_, self_, record, fields, expected_state); });
  }

  std::int32_t get_many(const atoll_call *call, const atoll_uuids &spaces,
                        const atoll_space_record_sink *sink) const noexcept {
    if (ATOLL_HAS(table_, atoll_registry, get_many) && table_->get_many)
      return table_->get_many(call, self_, &spaces, sink);
    for (std::uint64_t i = 0; i < spaces.count; ++i)
      if (const auto status = table_->get(call, self_, &spaces.items[i], sink);
          status != ATOLL_OK && status != ATOLL_NOT_FOUND)
        return status;
    return ATOLL_OK;
  }

  std::int32_t members_many(const atoll_call *call, const atoll_uuids &spaces,
                            const atoll_member_sink *sink) const noexcept {
    if (ATOLL_HAS(table_, atoll_registry, members_many) && table_->members_many)
      return table_->members_many(call, self_, &spaces, sink);
    for (std::uint64_t i = 0; i < spaces.count; ++i) {
      const atoll_uuid &space = spaces.items[i];
      const auto named = make_sink<atoll_member_sink>([&](const atoll_member *raw) {
        atoll_member member = copied(raw);
        member.space = space;
        return sink->emit(sink->context, &member) == 0;
      });
      if (const auto status = table_->members(call, self_, &space, named.get());
          status != ATOLL_OK && status != ATOLL_NOT_FOUND)
        return status;
    }
    return ATOLL_OK;
  }

  std::int32_t list_of_type(const atoll_call *call, std::uint32_t type, const atoll_uuid &after, std::uint64_t limit,
                            const atoll_space_record_sink *sink) const noexcept {
    if (ATOLL_HAS(table_, atoll_registry, list_of_type) && table_->list_of_type)
      return table_->list_of_type(call, self_, type, &after, limit, sink);
    return guarded(call, [&] {
      return listed_by_type(Call(call), table_, self_, type, from_abi<SpaceId>(after), limit, SpaceRecordEmitter(sink));
    });
  }

 private:
  const atoll_registry *table_;
  void *self_;
};

}  // namespace sdk0
}  // namespace Atoll

#endif
