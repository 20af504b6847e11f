// SPDX-License-Identifier: Apache-2.0
// The plugin as a whole, through the ABI, over a gateway in memory.
#include <doctest/doctest.h>

#include <chrono>

#include "core/base/xml.hpp"
#include "plugins/api-webdav/fake_gateway.hpp"
#include "plugins/api-webdav/headers.hpp"

using namespace Atoll;
using namespace Atoll::webdav;
using fake::Server;

namespace {

constexpr std::string_view kDesktop =
    "<d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop><d:resourcetype/><d:getlastmodified/>"
    "<d:getcontentlength/><d:getetag/><oc:id/><oc:downloadURL/><oc:dDC/><oc:permissions/><oc:checksums/>"
    "<oc:share-types/></d:prop></d:propfind>";

}  // namespace

TEST_CASE("put, get, ranges and conditions") {
  Server server;
  const auto made = server.send("PUT", "/remote.php/webdav/a%20b.txt", {{"X-OC-Mtime", "1500000000"}}, "0123456789");
  CHECK(made.status == 201);
  CHECK(made.header("X-OC-MTime") == "accepted");
  CHECK(made.header("OC-FileId").starts_with(fake::kBirth.text() + "$" + fake::kSpace.text() + "!"));
  CHECK(made.header("OC-Perm") == "RDNVWP");
  CHECK(made.header("ETag") == made.header("OC-ETag"));
  const auto whole = server.send("GET", "/dav/files/einstein/a%20b.txt");
  CHECK(whole.status == 200);
  CHECK(whole.body == "0123456789");
  CHECK(whole.header("ETag") == made.header("ETag"));
  CHECK(whole.header("Last-Modified") == "Fri, 14 Jul 2017 02:40:00 GMT");
  CHECK(whole.header("OC-Checksum").starts_with("SHA1:"));
  const auto part = server.send("GET", "/webdav/a%20b.txt", {{"Range", "bytes=2-4"}});
  CHECK(part.status == 206);
  CHECK(part.body == "234");
  CHECK(part.header("Content-Range") == "bytes 2-4/10");
  const auto parts = server.send("GET", "/webdav/a%20b.txt", {{"Range", "bytes=0-1,-2"}});
  CHECK(parts.status == 206);
  CHECK(parts.header("Content-Type").starts_with("multipart/byteranges; boundary="));
  CHECK(parts.has("\r\n\r\n01\r\n--"));
  CHECK(parts.has("\r\n\r\n89\r\n--"));
  CHECK(server.send("GET", "/webdav/a%20b.txt", {{"Range", "bytes=10-"}}).status == 416);
  CHECK(server.send("GET", "/webdav/a%20b.txt", {{"If-None-Match", made.header("ETag")}}).status == 304);
  CHECK(server.send("GET", "/webdav/a%20b.txt", {{"If-Match", "\"x\""}}).status == 412);
  CHECK(server.send("PUT", "/webdav/a%20b.txt", {}, "x").status == 204);
  CHECK(server.send("PUT", "/webdav/a%20b.txt", {{"If-None-Match", "*"}}, "x").status == 412);
}

TEST_CASE("what PUT refuses stores nothing") {
  Server server;
  const auto put = [&](const Server::Headers &headers, std::string_view path = "/webdav/a") {
    const auto answer = server.send("PUT", path, headers, "hello");
    CHECK(answer.has("<s:exception>Sabre\\DAV\\Exception\\"));
    return answer.status;
  };
  CHECK(put({{"OC-Checksum", "SHA1:0000000000000000000000000000000000000000"}}) == 400);
  CHECK(put({{"OC-Checksum", "SHA1"}}) == 400);
  CHECK(put({{"X-OC-Mtime", "now"}}) == 400);
  CHECK(put({{"OC-Total-Length", "6"}}) == 400);
  CHECK(put({{"Content-Range", "bytes 0-4/10"}}) == 400);
  CHECK(put({{"If", "("}}) == 400);
  CHECK(put({{"If", "(<DAV:no-lock>)"}}) == 412);
  CHECK(put({}, "/webdav/no/a") == 409);
  CHECK(put({}, "/webdav/a/") == 405);
  CHECK(put({}, "/webdav/") == 405);
  CHECK(put({}, "/webdav/../a") == 400);
  CHECK(server.space.entries.size() == 1);
  const auto right =
      server.send("PUT", "/webdav/a", {{"OC-Checksum", "SHA1:aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"}}, "hello");
  CHECK(right.status == 201);
}

TEST_CASE("the checksums that are computed, offered, and verified in any case") {
  constexpr std::string_view kRight = "MD5:5d41402abc4b2a76b9719d911017c592";
  constexpr std::string_view kWrong = "MD5:00000000000000000000000000000000";
  const auto put = [](Server &server, std::string_view sum) {
    Server::Headers headers;
    if (!sum.empty()) headers.emplace_back("OC-Checksum", sum);
    return server.send("PUT", "/webdav/a", headers, "hello").status;
  };
  Server all;
  CHECK(put(all, {}) == 201);
  CHECK(all.asked_checksums == kAllChecksums);
  CHECK(all.capabilities().find(R"("supportedTypes":["SHA1","MD5","ADLER32"])") != std::string::npos);
  Server one("sha1");
  CHECK(put(one, {}) == 201);
  CHECK(one.asked_checksums == ATOLL_STAT_SHA1);
  CHECK(one.capabilities().find(R"("supportedTypes":["SHA1"])") != std::string::npos);
  CHECK(put(one, kWrong) == 400);
  CHECK(put(one, kRight) == 204);
  CHECK(one.asked_checksums == (ATOLL_STAT_SHA1 | ATOLL_STAT_MD5));
  for (const char *bad : {"md5", "sha1 sha256", "sha1,md5"}) {
    const Server server(bad);
    CHECK(server.created == ATOLL_INVALID_ARGUMENT);
  }
}

TEST_CASE("a listing that fails is never sent in part") {
  Server server;
  for (int i = 0; i < 10; ++i) server.space.put(std::string("f") + std::to_string(i), false, "x");
  server.space.list_failure = Status::Unavailable;
  const auto broken = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, kDesktop);
  CHECK(broken.status == 503);
  CHECK(broken.has("Sabre\\DAV\\Exception\\ServiceUnavailable"));
  CHECK(!broken.header("Retry-After").empty());
  CHECK(!broken.has("d:response"));
}

TEST_CASE("a long listing comes in steps, the same as at once") {
  Server server;
  for (int i = 0; i < 700; ++i) server.space.put("file <" + std::to_string(i) + ">", i % 9 == 0, "x");
  server.space.put("file <333>", false, "y").attributes.push_back({"urn:z", "color", "red", false});
  for (const std::string_view body : {kDesktop, std::string_view()}) {
    server.space.steps = false;
    const auto whole = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, body);
    CHECK_FALSE(whole.in_steps);
    server.space.steps = true;
    const auto steps = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, body);
    CHECK(steps.in_steps);
    CHECK_FALSE(steps.broken);
    CHECK(steps.status == 207);
    CHECK(steps.headers == whole.headers);
    // Entries with dead properties stand elsewhere, but all are there.
    const auto sorted = [](std::string text) {
      std::vector<std::string> parts;
      for (std::size_t at = 0; at != text.npos;) {
        const auto next = text.find("<d:response>", at + 1);
        parts.push_back(text.substr(at, next == text.npos ? next : next - at));
        at = next;
      }
      parts.back().resize(parts.back().find("</d:multistatus>"));
      std::sort(parts.begin(), parts.end());
      return parts;
    };
    CHECK(whole.body.ends_with("</d:multistatus>\n"));
    CHECK(steps.body.ends_with("</d:multistatus>\n"));
    CHECK(sorted(steps.body) == sorted(whole.body));
  }
  // A short one is sent at once, with its length.
  server.space.entries.erase(std::next(server.space.entries.begin(), 20), server.space.entries.end());
  CHECK_FALSE(server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, kDesktop).in_steps);
}

TEST_CASE("a listing that fails in the middle breaks off and never ends well") {
  Server server;
  for (int i = 0; i < 2000; ++i) server.space.put("file " + std::to_string(i), false, "x");
  server.space.steps = true;
  server.space.list_failure = Status::Unavailable;
  const auto broken = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, kDesktop);
  CHECK(broken.status == 207);
  CHECK(broken.broken);
  CHECK_FALSE(broken.has("</d:multistatus>"));
  // One that fails before anything was sent is an error like any other.
  server.space.entries.erase(std::next(server.space.entries.begin(), 20), server.space.entries.end());
  const auto early = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, kDesktop);
  CHECK(early.status == 503);
  CHECK_FALSE(early.has("d:response"));
}

TEST_CASE("cannot tell is 503 everywhere, and names no path of the server") {
  Server server;
  server.space.put("a", false, "x");
  server.space.failure = Status::Unavailable;
  for (const char *method : {"GET", "HEAD", "PUT", "DELETE", "MKCOL", "PROPFIND", "UNLOCK"}) {
    CAPTURE(method);
    const auto answer = server.send(method, "/webdav/a", {{"Lock-Token", "<urn:x>"}});
    CHECK(answer.status == 503);
    CHECK(!answer.header("Retry-After").empty());
    CHECK(!answer.has("/srv"));
  }
  CHECK(server.send("MOVE", "/webdav/a", {{"Destination", "/webdav/b"}}).status == 503);
  CHECK(server.send("PUT", "/webdav/a", {{"If", "(<urn:x>)"}}, "x").status == 503);
  CHECK(!server.send("GET", "/webdav/a").has("errorcode"));
  server.space.reason = ATOLL_REASON_HELD_BACK;
  for (const char *method : {"GET", "PUT", "PROPFIND"}) {
    CAPTURE(method);
    const auto held = server.send(method, "/webdav/a");
    CHECK(held.status == 503);
    CHECK(held.has("</s:message><s:errorcode>ERR_FILES_HELD_BACK</s:errorcode></d:error>"));
    CHECK(held.has("held back"));
    CHECK(held.has("atoll space confirm"));
  }
  server.space.reason = 4'000'000;  // of a newer host
  CHECK(!server.send("GET", "/webdav/a").has("errorcode"));
  server.space.failure = Status::Internal;
  const auto internal = server.send("GET", "/webdav/a");
  CHECK(internal.status == 500);
  CHECK(!internal.has("/srv"));
}

TEST_CASE("who is not logged in gets the reason, whatever he asks") {
  Server server;
  CHECK(server.send("PROPFIND", "/webdav/", {}, {}, ATOLL_UNAUTHENTICATED).status == 401);
  CHECK(server.send("OPTIONS", "/webdav/", {}, {}, ATOLL_UNAUTHENTICATED).status == 401);
  CHECK(server.send("GET", "/webdav/a", {}, {}, ATOLL_UNAVAILABLE).status == 503);
  CHECK(server.send("GET", "/webdav/a", {}, {}, ATOLL_RESOURCE_EXHAUSTED).status == 429);
  const auto status = server.send("GET", "/status.php", {}, {}, ATOLL_UNAUTHENTICATED);
  CHECK(status.status == 200);
  CHECK(status.has("\"installed\":true"));
}

TEST_CASE("PROPFIND as the desktop client sends it") {
  Server server;
  server.space.put("dir", true, "");
  server.space.put("dir/\xC3\xA4 & b.txt", false, "abc");
  const auto listed = server.send("PROPFIND", "/remote.php/dav/files/einstein/dir",
                                  {{"Depth", "1"}, {"Prefer", "return=minimal"}}, kDesktop);
  CHECK(listed.status == 207);
  CHECK(listed.header("Content-Type") == "application/xml; charset=utf-8");
  const auto parsed = base::parse_xml(listed.body);
  REQUIRE(parsed.ok());
  REQUIRE(parsed->children.size() == 2);
  CHECK(parsed->children[0].find("DAV:", "href")->text == "/remote.php/dav/files/einstein/dir/");
  CHECK(parsed->children[1].find("DAV:", "href")->text == "/remote.php/dav/files/einstein/dir/%C3%A4%20%26%20b.txt");
  CHECK(!listed.has("404 Not Found"));
  CHECK(listed.has("<oc:checksum>SHA1:a9993e364706816aba3e25717850c26c9cd0d89d</oc:checksum>"));
  CHECK(server.send("PROPFIND", "/webdav/dir", {{"Depth", "0"}}, kDesktop).has("404 Not Found"));
  CHECK(server.send("PROPFIND", "/webdav/", {{"Depth", "infinity"}}).status == 403);
  CHECK(server.send("PROPFIND", "/webdav/", {{"Depth", "2"}}).status == 400);
  CHECK(server.send("PROPFIND", "/webdav/none").status == 404);
  CHECK(server.send("PROPFIND", "/webdav/", {}, "<x").status == 400);
}

TEST_CASE("a thousand entries") {
  Server server;
  for (int i = 0; i < 1000; ++i) server.space.put(std::string("file number ") + std::to_string(i) + ".txt", false, "x");
  const auto start = std::chrono::steady_clock::now();
  const auto listed = server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}, kDesktop);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  MESSAGE("1,000 entries, " << listed.body.size() << " bytes, the fake driver included: " << took.count() << " us");
  CHECK(listed.status == 207);
  const auto parsed = base::parse_xml(listed.body, {.bytes = 16u << 20, .elements = 100'000});
  REQUIRE(parsed.ok());
  CHECK(parsed->children.size() == 1001);
}

TEST_CASE("dead properties, all or nothing") {
  Server server;
  server.space.put("a", false, "x");
  const auto patch = [&](std::string_view inner) {
    std::string body =
        "<d:propertyupdate xmlns:d='DAV:' xmlns:z='urn:z' xmlns:oc='http://owncloud.org/ns'><d:set>"
        "<d:prop>";
    body.append(inner).append("</d:prop></d:set></d:propertyupdate>");
    return server.send("PROPPATCH", "/webdav/a", {}, body);
  };
  CHECK(patch("<z:color>r<b/>ed</z:color>").has("HTTP/1.1 200 OK"));
  const auto all = server.send("PROPFIND", "/webdav/a", {{"Depth", "0"}});
  CHECK(all.has("<z:color"));
  CHECK(all.has("r<b/>ed"));
  CHECK(server.send("PROPFIND", "/webdav/", {{"Depth", "1"}}).has("<z:color"));
  const auto refused = patch("<z:other>1</z:other><d:getetag>x</d:getetag>");
  CHECK(refused.status == 207);
  CHECK(refused.has("424 Failed Dependency"));
  CHECK(refused.has("403 Forbidden"));
  CHECK(server.space.entries.at("a").attributes.size() == 1);
  CHECK(patch("<d:getlastmodified>Fri, 14 Jul 2017 02:40:00 GMT</d:getlastmodified>").has("200 OK"));
  CHECK(server.space.entries.at("a").mtime_ns == 1'500'000'000'000'000'000);
  CHECK(patch("<oc:favorite>1</oc:favorite>").has("200 OK"));
  const auto favorite = server.send("PROPFIND", "/webdav/a", {{"Depth", "0"}});
  CHECK(favorite.has("<oc:favorite>1</oc:favorite>"));
  CHECK(!favorite.has("urn:atoll"));
  CHECK(patch("<x:mine xmlns:x='urn:atoll:favorite'>1</x:mine>").has("403 Forbidden"));
}

TEST_CASE("locks") {
  Server server;
  constexpr std::string_view body =
      "<lockinfo "
      "xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>me</owner></lockinfo>";
  const auto locked = server.send("LOCK", "/webdav/new.txt", {{"Timeout", "Second-60"}}, body);
  CHECK(locked.status == 201);
  const std::string token = locked.header("Lock-Token");
  CHECK(token.starts_with("<urn:uuid:"));
  CHECK(locked.has("<d:lockroot><d:href>/webdav/new.txt</d:href></d:lockroot>"));
  const auto refused = server.send("PUT", "/webdav/new.txt", {}, "x");
  CHECK(refused.status == 423);
  CHECK(refused.has("locked by einstein"));
  CHECK(refused.has("Sabre\\DAV\\Exception\\Locked"));
  CHECK(server.send("LOCK", "/webdav/new.txt", {}, body).has("<d:no-conflicting-lock/>"));
  CHECK(server.send("PUT", "/webdav/new.txt", {{"If", "(" + token + ")"}}, "x").status == 204);
  CHECK(server.send("PUT", "/webdav/new.txt", {{"If", "<http://localhost:9200/webdav/new.txt> (" + token + ")"}}, "x")
            .status == 204);
  CHECK(server.send("PUT", "/webdav/new.txt", {{"If", "(<urn:other>)"}}, "x").status == 412);
  CHECK(server.send("LOCK", "/webdav/new.txt", {{"If", "(" + token + ")"}, {"Timeout", "Second-90"}}).status == 200);
  CHECK(server.send("LOCK", "/webdav/new.txt", {{"If", "(<urn:other>)"}}).status == 412);
  CHECK(server.send("PROPFIND", "/webdav/new.txt", {{"Depth", "0"}}).has("<d:timeout>Second-90</d:timeout>"));
  CHECK(server.send("UNLOCK", "/webdav/new.txt", {{"Lock-Token", "<urn:other>"}}).status == 409);
  CHECK(server.send("UNLOCK", "/webdav/new.txt").status == 400);
  CHECK(server.send("UNLOCK", "/webdav/new.txt", {{"Lock-Token", token}}).status == 204);
}

TEST_CASE("the lock of an application is shown as an exclusive one, and its token to nobody") {
  Server server;
  auto &entry = server.space.put("a", false, "x");
  Lock lock;
  lock.kind = ATOLL_LOCK_WRITE;
  lock.node = entry.id;
  lock.token = "urn:uuid:secret";
  lock.account_name = "office";
  lock.timeout_s = 60;
  entry.locks.push_back(lock);
  const auto shown = server.send("PROPFIND", "/webdav/a", {{"Depth", "0"}},
                                 "<propfind xmlns='DAV:'><prop><lockdiscovery/></prop></propfind>");
  CHECK(shown.status == 207);
  CHECK(shown.has("<d:locktype><d:write/></d:locktype><d:lockscope><d:exclusive/></d:lockscope>"));
  CHECK(shown.has("<d:lockroot><d:href>/webdav/a</d:href></d:lockroot>"));
  CHECK(!shown.has("secret"));
  const auto refused = server.send("PUT", "/webdav/a", {}, "y");
  CHECK(refused.status == 423);
  CHECK(!refused.has("secret"));
  entry.locks[0].kind = ATOLL_LOCK_SHARED;
  const auto shared = server.send("PROPFIND", "/webdav/a", {{"Depth", "0"}},
                                  "<propfind xmlns='DAV:'><prop><lockdiscovery/></prop></propfind>");
  CHECK(shared.has("<d:lockscope><d:shared/></d:lockscope>"));
  CHECK(shared.has("<d:locktoken><d:href>urn:uuid:secret</d:href></d:locktoken>"));
}

TEST_CASE("MOVE") {
  Server server;
  server.space.put("a", false, "x");
  server.space.put("d", true, "");
  const auto move = [&](std::string_view from, std::string_view to, std::string_view overwrite = "T") {
    return server.send("MOVE", from, {{"Destination", std::string(to)}, {"Overwrite", std::string(overwrite)}}).status;
  };
  CHECK(move("/webdav/a", "http://elsewhere/webdav/b") == 502);
  CHECK(move("/webdav/a", "/webdav/a") == 403);
  CHECK(move("/webdav/d", "/webdav/d/e") == 403);
  CHECK(move("/webdav/a", "/webdav/no/b") == 409);
  CHECK(move("/webdav/a", "/somewhere") == 403);
  CHECK(move("/webdav/", "/webdav/b") == 403);
  CHECK(move("/webdav/none", "/webdav/b") == 404);
  CHECK(move("/webdav/a", "/webdav/d", "F") == 412);
  CHECK(move("/webdav/a", "/webdav/b", "maybe") == 400);
  const std::string space = fake::kBirth.text() + "$" + fake::kSpace.text();
  const std::string folder = "/dav/spaces/" + space + "!" + server.space.entries.at("d").id.text();
  CHECK(move("/dav/spaces/" + space + "/d", folder + "/x") == 403);
  CHECK(move("/webdav/a", "http://localhost:9200/dav/files/einstein/d/b c") == 201);
  CHECK(server.space.entries.count("d/b c") == 1);
  CHECK(server.send("GET", folder + "/b%20c").body == "x");
}

TEST_CASE("roots and methods that are not served") {
  Server server;
  CHECK(server.send("PROPFIND", "/dav/files/marie/").status == 404);
  CHECK(server.send("PROPFIND", "/dav/public-files/x").status == 501);
  CHECK(server.send("PROPFIND", "/dav/nonsense").status == 404);
  CHECK(server.send("PROPFIND", "/dav/spaces/nonsense/").status == 400);
  CHECK(server.send("FROBNICATE", "/webdav/").status == 501);
  CHECK(server.send("POST", "/webdav/").status == 405);
  CHECK(server.send("GET", "/webdav/").status == 405);
  CHECK(server.send("DELETE", "/webdav/").status == 403);
  CHECK(server.send("MKCOL", "/webdav/").status == 405);
  CHECK(server.send("MKCOL", "/webdav/x", {}, "body").status == 415);
  const auto options = server.send("OPTIONS", "/webdav/");
  CHECK(options.header("DAV") == "1, 2");
  CHECK(options.header("Allow").find("PROPFIND") != std::string::npos);
}

TEST_CASE("a body too long is 413, one that finds no room now is 503 with a time to come back") {
  Server server;
  const auto ask = [&](std::string_view method, std::string_view body) {
    return server.send(method, "/webdav/", {{"Depth", "0"}}, body);
  };
  for (const char *method : {"PROPFIND", "PROPPATCH", "LOCK"}) {
    CAPTURE(method);
    server.no_room = false;
    const auto large = ask(method, std::string(256 * 1024 + 1, ' '));
    CHECK(large.status == 413);
    CHECK(large.header("Retry-After").empty());
    server.no_room = true;
    const auto busy = ask(method, kDesktop);
    CHECK(busy.status == 503);
    CHECK(busy.header("Retry-After") == "3");
    CHECK(busy.has("<s:exception>Sabre\\DAV\\Exception\\ServiceUnavailable</s:exception>"));
    CHECK_FALSE(busy.has("storage"));
  }
  server.no_room = false;
  CHECK(ask("PROPFIND", kDesktop).status == 207);
}
