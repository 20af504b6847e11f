// SPDX-License-Identifier: Apache-2.0
// Versions and trash over DAV when storage fails, and with bins of many items.
#include <doctest/doctest.h>

#include "plugins/api-webdav/fake_gateway.hpp"

using namespace Atoll;
using namespace Atoll::webdav;
using fake::Server;

namespace {

const std::string kSpaceId = fake::kBirth.text() + "$" + fake::kSpace.text();
const std::string kBin = "/dav/trash-bin/" + kSpaceId;

/// A server with a trash and versions, and a file "a" with one version.
struct Town {
  Server server{"", true};
  fake::Space &kept = server.space;
  std::string versions;  // of "a"

  Town() {
    server.space.put("a", false, "now");
    versions = "/dav/meta/" + kSpaceId + "!" + server.space.entries.at("a").id.text() + "/v";
  }
  void fill(std::size_t count) {
    for (std::size_t i = count; i > 0; --i) {
      std::string digits = std::to_string(i);
      digits.insert(0, 12 - digits.size(), '0');
      kept.items.push_back({*Uuid::parse("01890000-0000-7000-8000-" + digits), "n" + std::to_string(i), i % 2 == 0});
    }
  }
  std::string item(std::size_t index) const { return kBin + "/" + kept.items.at(index).id.text(); }
};

std::size_t responses(std::string_view body) {
  std::size_t count = 0;
  for (auto at = body.find("<d:response>"); at != body.npos; at = body.find("<d:response>", at + 1)) ++count;
  return body.ends_with("</d:multistatus>\n") ? count : 0;
}

}  // namespace

TEST_CASE("a bin of many items is sent in pages, and each item once") {
  Town town;
  for (const std::size_t count : {0u, 1u, 199u, 200u, 201u, 1000u}) {
    CAPTURE(count);
    town.kept.items.clear();
    town.fill(count);
    const auto answer = town.server.send("PROPFIND", kBin, {{"Depth", "1"}});
    CHECK(answer.status == 207);
    CHECK_FALSE(answer.broken);
    CHECK(responses(answer.body) == count + 1);
    CHECK(town.kept.most_at_once <= 200);
    for (const std::size_t i : {std::size_t{0}, count / 2, count - 1}) {
      if (i < count) CHECK(answer.has(town.item(i)));
    }
  }
}

TEST_CASE("a bin that cannot be read is 503 at its start and no whole answer later") {
  Town town;
  town.fill(1000);
  town.kept.fails_after = 0;
  const auto none = town.server.send("PROPFIND", kBin, {{"Depth", "1"}});
  CHECK(none.status == 503);
  CHECK_FALSE(none.has("d:response"));
  CHECK(town.server.send("PROPFIND", kBin, {{"Depth", "0"}}).status == 503);
  CHECK(town.server.send("PROPFIND", town.item(0), {{"Depth", "0"}}).status == 503);
  town.kept.fails_after = 3;
  const auto part = town.server.send("PROPFIND", kBin, {{"Depth", "1"}});
  CHECK(part.broken);
  CHECK_FALSE(part.has("</d:multistatus>"));
}

TEST_CASE("failures of trash and versions are told by their status, and without what the driver said") {
  Town town;
  town.fill(2);
  struct Row {
    Status status;
    int http;
  };
  for (const Row row : {Row{Status::Unavailable, 503}, Row{Status::DeadlineExceeded, 503}, Row{Status::Internal, 500},
                        Row{Status::InsufficientStorage, 507}, Row{Status::PermissionDenied, 403},
                        Row{Status::NotFound, 404}, Row{Status::Unimplemented, 501}}) {
    CAPTURE(row.http);
    town.kept.kept_failure = row.status;
    const auto check = [&](std::string_view method, const std::string &path, const Server::Headers &headers = {}) {
      CAPTURE(method);
      const auto answer = town.server.send(method, path, headers);
      CHECK(answer.status == row.http);
      if (row.http == 503 || row.http == 500) CHECK_FALSE(answer.has("/srv/secret"));
      CHECK_FALSE(answer.has("d:response"));
    };
    check("PROPFIND", kBin, {{"Depth", "1"}});
    check("PROPFIND", town.item(0), {{"Depth", "0"}});
    check("MOVE", town.item(0), {{"Destination", "/webdav/b"}});
    check("DELETE", town.item(0));
    check("DELETE", kBin);
    check("PROPFIND", town.versions, {{"Depth", "1"}});
    check("GET", town.versions + "/1");
    check("COPY", town.versions + "/1", {{"Destination", "/webdav/a"}});
    check("DELETE", town.versions + "/1");
  }
  town.kept.kept_failure = Status::AlreadyExists;
  CHECK(town.server.send("MOVE", town.item(0), {{"Destination", "/webdav/b"}, {"Overwrite", "F"}}).status == 412);
  town.kept.kept_failure = Status::FailedPrecondition;
  CHECK(town.server.send("MOVE", town.item(0), {{"Destination", "/webdav/none/b"}}).status == 409);
}

TEST_CASE("space that cannot be told is no space that is not there") {
  Town town;
  town.server.space.failure = Status::Unavailable;
  CHECK(town.server.send("PROPFIND", town.versions, {{"Depth", "1"}}).status == 503);
  CHECK(town.server.send("COPY", town.versions + "/1", {{"Destination", "/webdav/a"}}).status == 503);
  CHECK(town.server.send("PROPFIND", town.versions.substr(0, town.versions.size() - 2)).status == 503);
}

TEST_CASE("restore hands the destination on, and says what became of it") {
  Town town;
  town.fill(1);
  const auto made = town.server.send("MOVE", town.item(0), {{"Destination", "/webdav/d/b"}, {"Overwrite", "F"}});
  CHECK(made.status == 201);
  CHECK(made.header("OC-FileId") == kSpaceId + "!" + town.kept.items[0].id.text());
  CHECK(town.kept.restored_to == "d/b");
  CHECK(town.server.send("MOVE", town.item(0), {{"Destination", "/webdav/d/b"}}).status == 204);
}

TEST_CASE("a driver without trash and versions") {
  Server server;
  CHECK(server.send("PROPFIND", kBin, {{"Depth", "1"}}).status == 501);
  CHECK(server.send("DELETE", kBin).status == 501);
  server.space.put("a", false, "x");
  CHECK(server.send("PROPFIND", "/dav/meta/" + kSpaceId + "!" + server.space.entries.at("a").id.text() + "/v").status ==
        501);
}
