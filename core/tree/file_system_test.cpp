// SPDX-License-Identifier: Apache-2.0
// What file systems can do, found out on real ones.
#include "core/tree/file_system.hpp"
#include "core/tree/test_engine.hpp"

#include <fcntl.h>

using namespace Atoll;
using namespace Atoll::tree;
namespace fs = std::filesystem;

TEST_CASE("the file system below is tried out, and nothing is left there") {
  test::TempFolder folder;
  const base::Fd at(::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fs::create_directory(folder.path + "/probe");  // an earlier run was killed
  test::write_disk(folder.path + "/probe/file", "x");
  const auto found = probe_file_system(at.get());
  REQUIRE(found.ok());
  CHECK(fs::is_empty(folder.path));
  INFO(found->text());
  // What holds on every file system that the tests run on.
  CHECK_FALSE(found->network);
  CHECK_FALSE(on_network(at.get()));
  CHECK(found->attributes);
  CHECK(found->hard_links);
  CHECK_FALSE(found->folds_case);
  CHECK_FALSE(found->folds_forms);
  CHECK(found->exact_names);
  CHECK(found->name_bytes == 255);
  CHECK(found->durable_rename);
  for (const char *part :
       {"extended attributes", "hard links", "exchange of names", "reflinks", "case", "255", "durable"})
    CHECK(found->text().find(part) != std::string::npos);
}

TEST_CASE("what cannot do something says so") {
  const base::Fd proc(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CHECK_FALSE(probe_file_system(proc.get()).ok());
  FileSystem none;
  CHECK(none.text().find("no extended attributes") != std::string::npos);
  CHECK(none.text().find("no durable renames") != std::string::npos);
}
