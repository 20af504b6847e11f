// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/permissions.hpp"

#include <doctest/doctest.h>

#include <atoll/abi/storage_fs.h>

using namespace Atoll::webdav;

namespace {
std::string letters(std::uint32_t may, NodeShape shape) {
  std::string out;
  append_permissions(out, may, shape);
  return out;
}
}  // namespace

TEST_CASE("permission letters come in the order of the protocol") {
  CHECK(letters(0x3ff, NodeShape::File) == "RDNVWP");
  CHECK(letters(0x3ff, NodeShape::Folder) == "RDNVCKP");
  CHECK(letters(0x3ff, NodeShape::Root) == "RCKP");
}

TEST_CASE("a reader has none") {
  CHECK(letters(ATOLL_MAY_STAT | ATOLL_MAY_READ, NodeShape::File).empty());
  CHECK(letters(ATOLL_MAY_WRITE, NodeShape::Folder).empty());
  CHECK(letters(ATOLL_MAY_CREATE, NodeShape::File).empty());
}
