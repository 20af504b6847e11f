// SPDX-License-Identifier: Apache-2.0
// Request smuggling: each attack is sent whole and byte by byte. What is ambiguous is refused and the connection
// closed; what is not has one meaning; the request that was hidden never reaches a handler.
#include <doctest/doctest.h>

#include <ostream>

#include "core/net/attack_support.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using namespace std::string_literals;

namespace {

struct SmugglingRow {
  std::string what;
  std::string bytes;
  std::string expected;  ///< statuses of all answers, then the connection is at its end
};

std::string smuggling_post(const std::string &fields, const std::string &rest, const std::string &path = "/x") {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + rest;
}

std::string smuggling_hex(std::size_t value) {
  char text[20];
  return {text, static_cast<std::size_t>(std::snprintf(text, sizeof text, "%zx", value))};
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";
const std::string kNext = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";

void play_smuggling(const std::vector<SmugglingRow> &rows) {
  Witness witness;
  for (const auto &row : rows) {
    for (const bool bytewise : {false, true}) {
      CAPTURE(row.what);
      CAPTURE(bytewise);
      auto client = witness.server.client();
      if (!bytewise) client.send(row.bytes);
      for (std::size_t at = 0; bytewise && at < row.bytes.size(); ++at)
        if (!client.send(std::string_view(row.bytes).substr(at, 1))) break;
      client.shutdown();
      CHECK(statuses(client) == row.expected);
      CHECK(witness.smuggled == 0);
    }
  }
  // and the server is as before
  CHECK(witness.server.client().ask(smuggling_post("Content-Length: 2\r\n", "ok")).body == "ok");
  CHECK(eventually([&] { return witness.server->metrics().requests_active == 0; }));
}

}  // namespace

TEST_CASE("smuggling: Content-Length against Transfer-Encoding") {
  const auto zero = "0\r\n\r\n" + kSmuggled;
  play_smuggling({
      {"CL.TE", smuggling_post("Content-Length: 6\r\n" + kChunked, zero), "400"},
      {"TE.CL", smuggling_post(kChunked + "Content-Length: 4\r\n", zero), "400"},
      {"TE.CL of nothing", smuggling_post(kChunked + "Content-Length: 0\r\n", zero), "400"},
      {"CL.0 chunked", smuggling_post("Content-Length: 0\r\n" + kChunked, kSmuggled), "400"},
      {"TE in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\n" + kChunked + "\r\n" + zero, "400"},
      {"TE in HTTP/1.0 with keep-alive and a length",
       "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n" + kChunked + "\r\n" + zero, "400"},
      {"chunked body of a GET",
       "GET /x HTTP/1.1\r\nHost: a\r\n" + kChunked + "\r\n" + smuggling_hex(kSmuggled.size()) + "\r\n" + kSmuggled +
           "\r\n0\r\n\r\n" + kNext,
       "200 200"},
      {"sized body of a GET",
       "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kSmuggled.size()) + "\r\n\r\n" + kSmuggled +
           kNext,
       "200 200"},
  });
}

TEST_CASE("smuggling: disguises of Transfer-Encoding") {
  const auto zero = "0\r\n\r\n" + kSmuggled;
  std::vector<SmugglingRow> rows;
  for (const auto &line :
       {"Transfer-Encoding: xchunked"s, "Transfer-Encoding: identity"s, "Transfer-Encoding: gzip, chunked"s,
        "Transfer-Encoding: chunked, identity"s, "Transfer-Encoding: identity, chunked"s, "Transfer-Encoding: cow"s,
        "Transfer-Encoding: chunked-x"s, "Transfer-Encoding: x\r\nTransfer-Encoding: chunked"s})
    rows.push_back({line, smuggling_post(line + "\r\n", zero), "501"});
  for (const auto &line : {"Transfer-Encoding : chunked"s,
                           "Transfer-Encoding\t: chunked"s,
                           " Transfer-Encoding: chunked"s,
                           "\tTransfer-Encoding: chunked"s,
                           "Transfer-Encoding: \x0b"s + "chunked"s,
                           "Transfer-Encoding: chunked\x0b"s,
                           "Transfer-Encoding: chunked\0"s,
                           "Transfer-Encoding: \0chunked"s,
                           "Transfer-Encoding: chunked\r"s,
                           "Transfer-Encoding:\r\n chunked"s,
                           "Transfer-Encoding\r\n: chunked"s,
                           "X: x\nTransfer-Encoding: chunked"s,
                           "X: x\rTransfer-Encoding: chunked"s,
                           "X: x\r\rTransfer-Encoding: chunked"s,
                           "Transfer-Encoding: \"chunked\""s,
                           "Transfer-Encoding: 'chunked' x"s,
                           "Transfer-Encoding: chunked;q=1"s,
                           "Transfer-Encoding: chunked,"s,
                           "Transfer-Encoding: ,chunked"s,
                           "Transfer-Encoding:"s,
                           "Transfer-Encoding: chunked, chunked"s,
                           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"s,
                           "Transfer-Encoding: \xc2\xa0"s + "chunked"s,
                           "Transfer\xc2\xad"s + "Encoding: chunked",
                           "\x01Transfer-Encoding: chunked"s,
                           "Transfer-Encoding"s,
                           ": chunked"s,
                           "Transfer Encoding: chunked"s})
    rows.push_back({line, smuggling_post(line + "\r\n", zero), "400"});
  // Written oddly, but with one meaning.
  for (const auto &line : {"Transfer-Encoding:chunked"s, "transfer-ENCODING: \t chUNKed \t"s})
    rows.push_back({line, smuggling_post(line + "\r\n", "5\r\nhello\r\n0\r\n\r\n" + kNext), "200 200"});
  play_smuggling(rows);
}

TEST_CASE("smuggling: what Content-Length may say") {
  const auto size = std::to_string(kSmuggled.size());
  std::vector<SmugglingRow> rows;
  for (const auto &value : {"+5"s,
                            "-5"s,
                            "-0"s,
                            "0x5"s,
                            "5 5"s,
                            "5,"s,
                            ",5"s,
                            "5,6"s,
                            "5, "s,
                            ""s,
                            " "s,
                            "5\x0b"s,
                            "5\0"s,
                            "5.0"s,
                            "1e1"s,
                            "5;x"s,
                            "\"5\""s,
                            "5\xd9\xa5"s,
                            "18446744073709551621"s,
                            "18446744073709551615"s,
                            "9223372036854775808"s,
                            std::string(400, '9'),
                            "5\r\n 6"s,
                            "0\r\nContent-Length: "s + size,
                            size + "\r\nContent-Length: 0"s,
                            "0, " + size,
                            "5\rX: y"s})
    rows.push_back({"Content-Length: " + value, smuggling_post("Content-Length: " + value + "\r\n", kSmuggled), "400"});
  rows.push_back({"blank before the colon", smuggling_post("Content-Length : " + size + "\r\n", kSmuggled), "400"});
  rows.push_back({"a bare CR", smuggling_post("X: y\rContent-Length: " + size + "\r\n", kSmuggled), "400"});
  // One meaning: the body is exactly so long, and what follows is the next request.
  for (const auto &value : {"5"s, " 5\t"s, "0000000000000000000000000000005"s, "5, 5"s, "5\r\nContent-Length: 5"s})
    rows.push_back(
        {"Content-Length: " + value, smuggling_post("Content-Length: " + value + "\r\n", "hello" + kNext), "200 200"});
  // More than a 32 bit reader can count: nothing of what follows is a request, however much of it comes.
  for (const auto &value : {"4294967301"s, "2147483653"s})
    rows.push_back(
        {"Content-Length: " + value, smuggling_post("Content-Length: " + value + "\r\n", "hello" + kSmuggled), "400"});
  play_smuggling(rows);
}

TEST_CASE("smuggling: chunks that two readers would cut differently") {
  const auto hidden = smuggling_hex(kSmuggled.size());
  std::vector<SmugglingRow> rows;
  for (const auto &body :
       {"5\nhello\r\n0\r\n\r\n"s, "5\r\nhello\n0\r\n\r\n"s, "5\rhello\r\n0\r\n\r\n"s, "5\r\r\nhello\r\n0\r\n\r\n"s,
        "5 \r\nhello\r\n0\r\n\r\n"s, " 5\r\nhello\r\n0\r\n\r\n"s, "\t5\r\nhello\r\n0\r\n\r\n"s,
        "0x5\r\nhello\r\n0\r\n\r\n"s, "+5\r\nhello\r\n0\r\n\r\n"s, "-5\r\nhello\r\n0\r\n\r\n"s, "-0\r\n\r\n"s,
        "5h\r\nhello\r\n0\r\n\r\n"s, "5_\r\nhello\r\n0\r\n\r\n"s, "\r\nhello\r\n0\r\n\r\n"s,
        "5\0\r\nhello\r\n0\r\n\r\n"s, "4\r\nhello\r\n0\r\n\r\n"s, "6\r\nhello\r\n0\r\n\r\n"s, "5\r\nhelloXX0\r\n\r\n"s,
        // sizes that wrap around
        "100000000000000005\r\nhello\r\n0\r\n\r\n"s, "10000000000000000\r\n\r\n"s, "ffffffffffffffff\r\n"s,
        "fffffffffffffffe\r\nhello\r\n0\r\n\r\n"s, "0000000000000005\r\nhello\r\n0\r\n\r\n"s,
        // a line feed that ends an extension for some, with a chunk or an end hidden behind it
        "5;\nhello\r\n0\r\n\r\n"s, "5;a\nb\r\nhello\r\n0\r\n\r\n"s, "0;\n\r\n"s, "2;\r\rxx\r\n0\r\n\r\n"s,
        "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"s, "5;a\0\r\nhello\r\n0\r\n\r\n"s, "5;a\x7f\r\nhello\r\n0\r\n\r\n"s,
        // ends
        "0\n\n"s, "0\r\n\n"s, "0\r\r\n\r\n"s, "0\r\n\rX"s, "0\n\r\n"s,
        // trailers
        "0\r\nX: y\n\r\n"s, "0\r\nX: y\r\r\n\r\n"s, "0\r\n X: y\r\n\r\n"s, "0\r\nX: y\r\n z\r\n\r\n"s,
        "0\r\nX : y\r\n\r\n"s, "0\r\n: y\r\n\r\n"s, "0\r\nX\r\n\r\n"s, "0\r\nX: a\0b\r\n\r\n"s, "0\r\nX: y\r\n\nz"s})
    rows.push_back({body, smuggling_post(kChunked, body + kSmuggled), "400"});
  // A request where some expect a trailer and others the next request.
  rows.push_back({"request for a trailer", smuggling_post(kChunked, "0\r\n" + kSmuggled), "400"});
  // One meaning.
  for (const auto &body :
       {"5\r\nhello\r\n0\r\n\r\n"s, "000000000000005\r\nhello\r\n000\r\n\r\n"s,
        "5;a;b=c;d=\"e\"\r\nhello\r\n0;x\r\n\r\n"s, hidden + "\r\n" + kSmuggled + "\r\n0\r\n\r\n",
        // framing in a trailer says nothing
        "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\nConnection: close\r\n\r\n"s})
    rows.push_back({body, smuggling_post(kChunked, body + kNext), "200 200"});
  play_smuggling(rows);
}

TEST_CASE("smuggling: floods inside of a chunked body are bounded") {
  const std::string much(1 << 20, '0');
  Witness witness;
  for (const auto &body : {much, "5;" + much, "5" + std::string(20'000, ';') + "\r\nhello\r\n0\r\n\r\n",
                           "0\r\nX: " + much, "0\r\n" + much + ": x\r\n\r\n"}) {
    CAPTURE(body.substr(0, 10));
    auto client = witness.server.client();
    client.send(smuggling_post(kChunked, body));
    CHECK(client.answer().status == 400);
  }
  std::string many = "0\r\n";
  for (int index = 0; index < 10'000; ++index) many += "X: y\r\n";
  auto trailers = witness.server.client();
  trailers.send(smuggling_post(kChunked, many + "\r\n"));
  CHECK(trailers.answer().status == 400);
  std::string extensions;
  for (int index = 0; index < 10'000; ++index) extensions += "1;abc\r\nx\r\n";
  auto chunks = witness.server.client();
  chunks.send(smuggling_post(kChunked, extensions + "0\r\n\r\n"));
  CHECK(chunks.answer().status == 400);
  CHECK(witness.bodies == 0);
  // Chunks of one byte are a waste, but a body.
  std::string tiny;
  for (int index = 0; index < 50'000; ++index) tiny += "1\r\nx\r\n";
  CHECK(witness.server.client().ask(smuggling_post(kChunked, tiny + "0\r\n\r\n")).body == std::string(50'000, 'x'));
}

TEST_CASE("smuggling: lines, names, hosts and targets") {
  const auto with = [](const std::string &fields) { return "GET /x HTTP/1.1\r\n" + fields + "\r\n" + kSmuggled; };
  play_smuggling({
      {"fold", with("Host: a\r\nX: y\r\n z\r\n"), "400"},
      {"fold at once", with(" Host: a\r\n"), "400"},
      {"a line of blanks", with("Host: a\r\n \r\n"), "400"},
      {"bare LF", with("Host: a\nX: y\r\n"), "400"},
      {"LF LF", "GET /x HTTP/1.1\nHost: a\n\n" + kSmuggled, "400"},
      {"CR LF LF", "GET /x HTTP/1.1\r\nHost: a\r\n\n" + kSmuggled, "400"},
      {"bare CR", with("Host: a\r\nX: y\rz\r\n"), "400"},
      {"NUL in a value", with("Host: a\r\nX: y\0z\r\n"s), "400"},
      {"NUL in a name", with("Host: a\r\nX\0: y\r\n"s), "400"},
      {"NUL in the target", "GET /x\0 HTTP/1.1\r\nHost: a\r\n\r\n"s + kSmuggled, "400"},
      {"eight bits in a name", with("Host: a\r\nX\xc3\xbc: y\r\n"), "400"},
      {"no host", with(""), "400"},
      {"two hosts", with("Host: a\r\nHost: b\r\n"), "400"},
      {"the same host twice", with("Host: a\r\nHost: a\r\n"), "400"},
      {"hosts in a list", with("Host: a, b\r\n"), "400"},
      {"a host with a path", with("Host: a/b\r\n"), "400"},
      {"a host with a user", with("Host: u@a\r\n"), "400"},
      {"a host with a blank", with("Host: a b\r\n"), "400"},
      {"a blank before the host's colon", with("Host : a\r\n"), "400"},
      {"HTTP/0.9", "GET /smuggled\r\n", ""},
      {"HTTP/0.9 with an empty line", "GET /smuggled\r\n\r\n", "400"},
      {"HTTP/0.9 by number", "GET /smuggled HTTP/0.9\r\nHost: a\r\n\r\n", "505"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + kSmuggled, "505"},
      {"HTTP/1.1 in lower case", "GET /smuggled http/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a blank after the version", "GET /smuggled HTTP/1.1 \r\nHost: a\r\n\r\n", "400"},
      {"blanks in the target", "GET /smuggled x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a tab for a blank", "GET\t/smuggled\tHTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a request inside of a target", "GET /x%20HTTP/1.1%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n", "200"},
      {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + kSmuggled, "501"},
      {"another scheme", "GET ftp://a/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"no host in the target", "GET http:///smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a user in the target", "GET http://u@a/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a backslash for a host", "GET http://a\\@b/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a name for a target", "GET smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"a TLS handshake", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"s + kSmuggled, "400"},
  });
}

TEST_CASE("smuggling: the host of an absolute target is the one that counts") {
  Witness witness;
  auto client = witness.server.client();
  CHECK(client.ask("GET http://b:8080/x HTTP/1.1\r\nHost: a\r\n\r\n").status == 200);
  CHECK(witness.host() == "b:8080");
  CHECK(client.ask("GET /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: c\r\nX-Host: d\r\n\r\n").status == 200);
  CHECK(witness.host() == "a");
}

TEST_CASE("smuggling: a request behind a body that nobody reads") {
  const auto size = std::to_string(kSmuggled.size());
  const auto chunk = smuggling_hex(kSmuggled.size()) + "\r\n" + kSmuggled + "\r\n";
  Witness witness;
  const auto unread = [](const std::string &fields, const std::string &rest) {
    return smuggling_post(fields, rest, "/unread");
  };
  {
    auto client = witness.server.client();  // all of it was there: the connection goes on behind it
    client.send(unread(kChunked, chunk + "0\r\n\r\n") + unread("Content-Length: " + size + "\r\n", kSmuggled) + kNext);
    client.shutdown();
    CHECK(statuses(client) == "200 200 200");
  }
  {
    auto client = witness.server.client();  // chunks that come after the answer: it said that it closes
    client.send(unread(kChunked, ""));
    CHECK(client.answer().header("Connection") == "close");
    client.send(chunk + "0\r\n\r\n" + kNext);
    client.shutdown();
    CHECK(statuses(client).empty());
  }
  {
    auto client = witness.server.client();  // broken chunks
    client.send(unread(kChunked, "5\nhello\n0\n\n" + kSmuggled));
    client.shutdown();
    CHECK(statuses(client) == "200");
  }
  {
    auto client = witness.server.client();  // bytes that come after the answer, and then the next request
    client.send(unread("Content-Length: " + size + "\r\n", ""));
    CHECK(client.answer().status == 200);
    client.send(kSmuggled + kNext);
    client.shutdown();
    CHECK(statuses(client) == "200");
  }
  {
    auto client = witness.server.client();  // more than is dropped
    client.send(unread("Content-Length: 1000000\r\n", kSmuggled));
    CHECK(client.answer().header("Connection") == "close");
    client.send(kSmuggled);
    client.shutdown();
    CHECK(statuses(client).empty());
  }
  CHECK(witness.smuggled == 0);
}

TEST_CASE("smuggling: games with Expect") {
  const auto size = "Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n";
  const std::string expect = "Expect: 100-continue\r\n";
  play_smuggling({
      {"other expectation", smuggling_post("Expect: 200-ok\r\n" + size, kSmuggled), "417"},
      {"a list of expectations", smuggling_post("Expect: 100-continue, x\r\n" + size, kSmuggled), "417"},
      {"no body to go on with", "GET /x HTTP/1.1\r\nHost: a\r\n" + expect + "\r\n" + kNext, "200 200"},
      {"an empty body", smuggling_post(expect + "Content-Length: 0\r\n", kNext), "200 200"},
      {"HTTP/1.0", "POST /x HTTP/1.0\r\n" + expect + "Content-Length: 2\r\n\r\nab", "200"},
  });
  Witness witness;
  {
    auto client = witness.server.client();  // did not wait, and nobody wanted the body: it is not a request
    client.send(smuggling_post(expect + size, kSmuggled, "/unread") + kNext);
    client.shutdown();
    CHECK(statuses(client) == "200 200");
  }
  {
    auto client = witness.server.client();  // waits; is told to close; sends the body all the same
    client.send(smuggling_post(expect + size, "", "/unread"));
    const auto refused = client.answer();
    CHECK(refused.status == 200);
    CHECK(refused.header("Connection") == "close");
    client.send(kSmuggled);
    client.shutdown();
    CHECK(statuses(client).empty());
  }
  {
    auto client = witness.server.client();  // waits, is told to go on, and sends what was announced and more
    client.send(smuggling_post(expect + expect + size, ""));
    CHECK(client.answer().status == 100);
    client.send(kSmuggled + kNext);
    CHECK(client.answer().body == kSmuggled);
    client.shutdown();
    CHECK(statuses(client) == "200");
  }
  CHECK(witness.smuggled == 0);
}

TEST_CASE("smuggling: nothing is read behind a request that closes") {
  play_smuggling({
      {"Connection: close", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + kSmuggled, "200"},
      {"close in a list", "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE\r\n\r\n" + kSmuggled, "200"},
      {"close in a second field",
       "GET /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n" + kSmuggled, "200"},
      {"close with a body", smuggling_post("Connection: close\r\nContent-Length: 2\r\n", "ab" + kSmuggled), "200"},
      {"HTTP/1.0", "GET /x HTTP/1.0\r\n\r\n" + kSmuggled, "200"},
      {"a refused head", "GET /x HTTP/1.1\r\n\r\n" + kSmuggled, "400"},
  });
}

TEST_CASE("smuggling: upgrades are not taken") {
  const std::string h2c =
      "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
  play_smuggling({
      {"h2c", h2c + kNext, "200 200"},
      {"h2c and its preface", h2c + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + kSmuggled, "200 505"},
      {"websocket",
       "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
           kNext,
       "200 200"},
      {"TLS within HTTP", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n" + kNext,
       "200 200"},
  });
}
