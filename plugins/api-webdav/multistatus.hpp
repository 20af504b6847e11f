// SPDX-License-Identifier: Apache-2.0
// Writes the 207 of PROPFIND and PROPPATCH. One string grows; nothing else is allocated per entry.
#pragma once

#include <atoll/abi/storage_fs.h>
#include <atoll/abi/storage_trash.h>
#include <atoll/sdk/files.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "plugins/api-webdav/lock_xml.hpp"
#include "plugins/api-webdav/properties.hpp"

namespace Atoll::webdav {

/// What every entry of a listing needs to know of its space. Borrowed by Multistatus.
struct SpaceFacts {
  std::uint8_t birth[16] = {};
  std::string name;        ///< of the space: the name of its root
  bool has_owner = false;  ///< owner and owner_display_name are known
  std::string owner, owner_display_name;
  bool has_quota = false;      ///< quota and used are known, or `quota_unknown`
  bool quota_unknown = false;  ///< the storage does not know them
  std::uint64_t quota = ATOLL_QUOTA_NONE, used = 0;
  std::string favorite;  ///< name of the attribute that marks a favourite of the caller
  std::string
      path_for_user;  ///< of the one node that the request is about: its path from the root, with a slash before
};

/// What an entry is. All but nodes have only some of the properties.
enum class EntryKind : std::uint8_t { Node, Version, TrashBin, TrashItem };

/// What a listing does not carry and has to be fetched for the entries that have it. Pointers may be null.
struct Extras {
  const std::vector<Attribute> *dead = nullptr;
  const std::vector<ShownLock> *locks = nullptr;
  EntryKind kind = EntryKind::Node;
  std::string_view file_name;               ///< of a Version: of its file, while the record has the name of the version
  const atoll_trash_item *trash = nullptr;  ///< of a TrashItem
};

class Multistatus {
 public:
  Multistatus(const PropertyPlan &plan, const SpaceFacts &space);

  /// The item at `href` (percent-encoded, without a slash at its end; folders get one).
  void item(std::string_view href, const atoll_stat &stat, const Extras &extras = {});
  /// A child of the folder at `href`.
  void child(std::string_view href, const atoll_stat &stat, const Extras &extras = {});
  /// The end of the document.
  void finish();
  /// What was written since the start or the last clear().
  std::string_view text() const { return out_; }
  std::size_t size() const { return out_.size(); }
  void clear() { out_.clear(); }
  std::string take() && { return std::move(out_); }

 private:
  void response(const atoll_stat &stat, const Extras &extras);
  /// False when this entry does not have it.
  bool value(Property property, const atoll_stat &stat, const Extras &extras);
  void append_id(const atoll_stat &stat);
  void some(const atoll_stat &stat, const Extras &extras);
  void names(const atoll_stat &stat, const Extras &extras);

  const PropertyPlan &plan_;
  const SpaceFacts &space_;
  std::string out_;
  std::string missing_;    // reused by each entry
  std::string id_prefix_;  // what the ids of all nodes of id_space_ begin with
  std::uint8_t id_space_[16]{};
};

/// The 207 of a PROPPATCH: each property with its status.
struct PropertyOutcome {
  PropertyName name;
  int status = 200;  ///< 200, 403, 409, 424, 507
};
std::string proppatch_answer(std::string_view href, const std::vector<PropertyOutcome> &outcomes);

inline constexpr std::string_view kMultistatusType = "application/xml; charset=utf-8";

}  // namespace Atoll::webdav
