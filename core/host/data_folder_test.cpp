// SPDX-License-Identifier: Apache-2.0
#include "core/host/data_folder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "core/host/control_socket.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

TEST_CASE("data folder: one at a time") {
  const testing::Folder folder;
  const std::string path = folder.path() + "/a/b";
  auto first = DataFolder::open(path);
  REQUIRE(first.ok());
  const auto second = DataFolder::open(path);
  CHECK(second.status() == Status::Aborted);
  CHECK(second.error().message.find("process " + std::to_string(::getpid())) != std::string::npos);
  { const DataFolder gone = std::move(*first); }
  CHECK(DataFolder::open(path).ok());
}

TEST_CASE("data folder: formats") {
  const testing::Folder folder;
  REQUIRE(DataFolder::open(folder.path()).ok());
  CHECK(*base::read_file(folder.path() + "/format") == "atoll-data 1\n");
  folder.write("format", "atoll-data 2\n");
  CHECK(DataFolder::open(folder.path()).status() == Status::FailedPrecondition);
  folder.write("format", "");
  CHECK(DataFolder::open(folder.path()).status() == Status::DataLoss);
}

TEST_CASE("data folder: tmp is emptied") {
  const testing::Folder folder;
  REQUIRE(DataFolder::open(folder.path()).ok());
  const auto left = folder.write("tmp/auth-local/x", "old");
  REQUIRE(DataFolder::open(folder.path()).ok());
  CHECK(::access(left.c_str(), F_OK) != 0);
}

TEST_CASE("control socket: a line in, a line out, also below a long path") {
  const testing::Folder folder;
  const std::string data = folder.path() + "/" + std::string(150, 'x');
  REQUIRE(DataFolder::open(data).ok());
  CHECK(control_request(data, "hello", std::chrono::seconds(1)).status() == Status::Unavailable);
  {
    ControlServer server;
    REQUIRE(server
                .start(data,
                       [](const std::string &line, const ControlServer::Say &say) {
                         if (line == "long")
                           return say("{\"line\":1}") && say("{\"line\":2}") ? std::string("done")
                                                                             : std::string("nobody");
                         return "got " + line;
                       })
                .ok());
    struct stat info {};
    REQUIRE(::stat((run_folder(data) + "/control.sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(*control_request(data, "hello", std::chrono::seconds(20)) == "got hello");
    std::string heard;
    const auto hear = [&](const std::string &said) { heard += said; };
    CHECK(*control_request(data, "long", std::chrono::seconds(20), hear) == "done");
    CHECK(heard == "{\"line\":1}{\"line\":2}");
    const std::string large(200'000, 'y');
    CHECK(control_request(data, large, std::chrono::seconds(20))->size() == 200'004);
  }
  CHECK(control_request(data, "hello", std::chrono::seconds(1)).status() == Status::Unavailable);
  CHECK(control_request("/nonexistent", "hello", std::chrono::seconds(1)).status() == Status::Unavailable);
}

}  // namespace
}  // namespace Atoll::host
