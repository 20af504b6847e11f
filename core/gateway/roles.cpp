// SPDX-License-Identifier: Apache-2.0
#include "core/gateway/roles.hpp"

#include <array>

namespace Atoll::gateway {
namespace {

constexpr std::uint32_t kView = ATOLL_MAY_STAT | ATOLL_MAY_READ;
constexpr std::uint32_t kUpload = kView | ATOLL_MAY_CREATE;
constexpr std::uint32_t kEdit = kUpload | ATOLL_MAY_WRITE | ATOLL_MAY_DELETE | ATOLL_MAY_MOVE;
constexpr std::uint32_t kSpace = ATOLL_ROLE_ON_SPACE, kFolder = ATOLL_ROLE_ON_FOLDER, kFile = ATOLL_ROLE_ON_FILE;

constexpr std::array kRoles{
    Role{"b1e2218d-eef8-4d4c-b82d-0f1a1b48f3b5", "Can view", "View and download.", kView, kFolder | kFile, true},
    Role{"a8d5fe5e-96e3-418d-825b-534dbdf22b99", "Can view", "View and download.", kView, kSpace, true},
    Role{"1c996275-f1c9-4e71-abdf-a42f6495e960", "Can upload", "View, download and upload.", kUpload, kFolder, true},
    Role{"fb6c3e19-e378-47e5-b277-9732f9de6e21", "Can edit", "View, download, upload, edit, add and delete.", kEdit,
         kFolder, true},
    Role{"2d00ce52-1fc2-4dbc-8b95-a73b73395f5a", "Can edit", "View, download and edit.", kView | ATOLL_MAY_WRITE, kFile,
         true},
    Role{"58c63c02-1d89-4572-916a-870abc5a1b7d", "Can edit",
         "View, download, upload, edit, add and delete, with earlier versions.", kEdit | ATOLL_MAY_VERSIONS, kSpace,
         true},
    Role{kManagerRole, "Can manage", "View, download, upload, edit, add, delete and manage members.", kAllPermissions,
         kSpace, true},
    Role{"aa97fe03-7980-45ac-9e50-b325749fd7e6", "Can view (secure)", "See that it is there, without its contents.",
         ATOLL_MAY_STAT, kSpace | kFolder | kFile, false},
    Role{"3284f2d5-0070-4ad8-ac40-c247f7c1fb27", "Can edit without versions",
         "View, download, upload, edit, add and delete.", kEdit, kSpace, false},
    Role{"63e64e19-8d43-42ec-a738-2b6af2610efa", "Cannot access", "Denies all access.", 0, kFolder, false},
};

}  // namespace

std::span<const Role> roles() { return kRoles; }

const Role *find_role(std::string_view id) {
  for (const Role &role : kRoles)
    if (role.id == id) return &role;
  return nullptr;
}

atoll_role to_abi(const Role &role, std::uint32_t weight) {
  auto raw = sized<atoll_role>();
  raw.permissions = role.permissions;
  raw.on = role.on;
  raw.enabled = role.enabled ? 1 : 0;
  raw.weight = weight;
  raw.id = Atoll::to_abi(Uuid::parse(role.id).value_or(Uuid()));
  raw.name = str(role.name);
  raw.description = str(role.description);
  return raw;
}

}  // namespace Atoll::gateway
