// SPDX-License-Identifier: Apache-2.0
// ATOLL_MAY_* as the letters of oc:permissions and OC-Perm. [any thread]
#pragma once

#include <cstdint>
#include <string>

namespace Atoll::webdav {

/// What a node is, as far as its letters depend on it.
enum class NodeShape : std::uint8_t { File, Folder, Root };

/// Appends the letters in the order `R D NV W CK P`. W stands only on files, CK only on folders; the root of a space
/// can neither be deleted nor renamed over DAV. S, M, Z and X belong to shares and are not used yet.
void append_permissions(std::string &out, std::uint32_t may, NodeShape shape);

}  // namespace Atoll::webdav
