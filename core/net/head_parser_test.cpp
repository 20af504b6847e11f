// SPDX-License-Identifier: Apache-2.0
#include "core/net/head_parser.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <string>

using namespace Atoll::net;

namespace {

// Scans and parses; 0 if the head is taken, -1 if it is not complete, else the status of the refusal.
int verdict(const std::string &text, RequestHead &head, const HeadLimits &limits = {}) {
  HeadScanner scanner;
  switch (scanner.scan(text, limits)) {
    case HeadScanner::State::More:
      return -1;
    case HeadScanner::State::Refused:
      return scanner.refusal().status;
    case HeadScanner::State::Complete:
      break;
  }
  head.buffer = text.substr(scanner.begin(), scanner.end() - scanner.begin());
  const auto problem = parse_head(head, limits);
  if (problem) CHECK_FALSE(problem->reason.empty());
  return problem ? problem->status : 0;
}

int verdict(const std::string &text) {
  RequestHead head;
  return verdict(text, head);
}

const std::string kHost = "Host: a\r\n";

}  // namespace

TEST_CASE("a head is taken apart and not decoded") {
  RequestHead head;
  REQUIRE(verdict("PUT /a%20b/../c?x=1&y=%zz HTTP/1.1\r\nHost: example.org:9200\r\nX-One:  two words \t\r\n"
                  "Destination: /\xc3\xa4\r\nEmpty:\r\nContent-Length: 12\r\nX-Request-ID: abc-1.2_Z\r\n\r\n",
                  head) == 0);
  CHECK(head.method == "PUT");
  CHECK(head.target == "/a%20b/../c?x=1&y=%zz");
  CHECK(head.path == "/a%20b/../c");
  CHECK(head.query == "x=1&y=%zz");
  CHECK(head.host == "example.org:9200");
  CHECK(head.minor_version == 1);
  CHECK(head.keep_alive);
  CHECK(head.header("x-ONE") == "two words");
  CHECK(head.header("destination") == "/\xc3\xa4");
  CHECK(head.header("empty") == "");
  CHECK_FALSE(head.header("absent"));
  CHECK(head.content_length == 12);
  CHECK_FALSE(head.chunked);
  CHECK(head.has_body());
  CHECK(head.request_id == "abc-1.2_Z");
}

TEST_CASE("fields of one name are joined") {
  RequestHead head;
  REQUIRE(verdict("GET / HTTP/1.1\r\nHost: a\r\nIf: (<1>)\r\nX: y\r\nIF: (<2>)\r\n\r\n", head) == 0);
  CHECK(head.joined("if") == "(<1>), (<2>)");
  CHECK_FALSE(head.joined("nope"));
}

TEST_CASE("HTTP/1.0 and Connection decide on keep-alive") {
  struct {
    const char *text;
    bool keep;
  } const rows[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: TE , Close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
      {"GET / HTTP/1.7\r\nHost: a\r\n\r\n", true},
  };
  for (const auto &row : rows) {
    RequestHead head;
    CAPTURE(row.text);
    REQUIRE(verdict(row.text, head) == 0);
    CHECK(head.keep_alive == row.keep);
  }
}

TEST_CASE("the forms of a request target") {
  struct {
    const char *line;
    const char *path, *query, *host;
  } const rows[] = {
      {"GET / HTTP/1.1", "/", "", "a"},
      {"GET //b/c HTTP/1.1", "//b/c", "", "a"},
      {"GET /?q HTTP/1.1", "/", "q", "a"},
      {"GET /p?q?r HTTP/1.1", "/p", "q?r", "a"},
      {"OPTIONS * HTTP/1.1", "*", "", "a"},
      {"GET http://b.example:81/x?y HTTP/1.1", "/x", "y", "b.example:81"},
      {"GET HTTPS://b.example HTTP/1.1", "/", "", "b.example"},
      {"GET http://b.example?y HTTP/1.1", "/", "y", "b.example"},
      {"GET http://[::1]:9200/x HTTP/1.1", "/x", "", "[::1]:9200"},
      {"VERSION-CONTROL /x HTTP/1.1", "/x", "", "a"},
  };
  for (const auto &row : rows) {
    RequestHead head;
    CAPTURE(row.line);
    REQUIRE(verdict(std::string(row.line) + "\r\n" + kHost + "\r\n", head) == 0);
    CHECK(head.path == row.path);
    CHECK(head.query == row.query);
    CHECK(head.host == row.host);
  }
}

TEST_CASE("hostile and broken heads are refused") {
  struct {
    int status;
    std::string text;
  } const rows[] = {
      // request line
      {400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
      {400, "GET /\r\nHost: a\r\n\r\n"},
      {400, "GET\r\n\r\n"},
      {400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, std::string(33, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.1.1\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/11\r\nHost: a\r\n\r\n"},
      {400, "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
      {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET foo HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET http://a:123456/ HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {400, std::string("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 31)},
      {400, "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n"},
      {501, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"},
      {400, "\x16\x03\x01\x02"},  // a TLS client on the plain port
      {400, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      // line ends
      {400, "GET / HTTP/1.1\nHost: a\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\rZ: w\r\n\r\n"},
      {400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
      // fields
      {400, "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 3\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX[]: v\r\n\r\n"},
      {400, std::string("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 36)},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n"},
      // host
      {400, "GET / HTTP/1.1\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
      {400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {400, "GET http://b/ HTTP/1.1\r\n\r\n"},
      // length and coding
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3,\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 4\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"},
      {501, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
      {501, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"},
      {501, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {400,
       "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
       "chunked\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"},
      {400, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"},
      {400, "PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {417, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 200-ok\r\n\r\n"},
  };
  for (const auto &row : rows) {
    CAPTURE(row.text);
    CHECK(verdict(row.text) == row.status);
  }
}

TEST_CASE("what is allowed though it looks odd") {
  RequestHead head;
  CHECK(verdict("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\n", head) == 0);
  CHECK(head.content_length == 3);
  CHECK(verdict("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
  CHECK(verdict("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 0);
  CHECK(verdict("GET / HTTP/1.1\r\nhOST:a\r\n\r\n") == 0);
  CHECK(verdict("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n") == 0);
}

TEST_CASE("a request id that is not sane is not taken") {
  for (const std::string id : {"", "a b", "a/b", "<x>", "\xc3\xa4"}) {
    RequestHead head;
    REQUIRE(verdict("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: " + id + "\r\n\r\n", head) == 0);
    CHECK(head.request_id.empty());
  }
  RequestHead head;
  REQUIRE(verdict("GET / HTTP/1.1\r\nHost: a\r\nX-Request-ID: " + std::string(65, 'a') + "\r\n\r\n", head) == 0);
  CHECK(head.request_id.empty());
}

TEST_CASE("limits: 414 and 431, also when the end never comes") {
  const HeadLimits limits{2048, 512, 5};
  RequestHead head;
  CHECK(verdict("GET /" + std::string(600, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", head, limits) == 414);
  CHECK(verdict("GET /" + std::string(600, 'a'), head, limits) == 414);
  RequestHead second;
  CHECK(verdict("GET / HTTP/1.1\r\nX: " + std::string(3000, 'a'), second, limits) == 431);
  CHECK(verdict("GET / HTTP/1.1\r\nX: " + std::string(2000, 'a'), second, limits) == -1);
  CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'a') + "\r\n\r\n", second, limits) == 431);
  RequestHead third;
  CHECK(verdict("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", third, limits) == 431);
}

TEST_CASE("a head that comes byte by byte is seen once, and the same") {
  const std::string text = "\r\nGET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nGET ";
  HeadScanner scanner;
  const HeadLimits limits;
  for (std::size_t size = 0; size < text.size() - 4; ++size)
    CHECK(scanner.scan(std::string_view(text).substr(0, size), limits) == HeadScanner::State::More);
  CHECK(scanner.scan(std::string_view(text).substr(0, text.size() - 4), limits) == HeadScanner::State::Complete);
  CHECK(scanner.begin() == 2);
  CHECK(scanner.end() == text.size() - 4);
}
