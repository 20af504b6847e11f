// SPDX-License-Identifier: Apache-2.0
// TLS: versions, ALPN, resumption, reload, and whoever doesn't speak it.
#include <doctest/doctest.h>

#include <ostream>

#include "core/net/tls_test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

namespace {

void tell_secure(const std::shared_ptr<Exchange> &exchange) {
  exchange->respond(Response(200, exchange->head().connection->secure ? "secure" : "plain"));
}

Wish only_version(int version) {
  Wish wish;
  wish.oldest = wish.newest = version;
  return wish;
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 are spoken, 1.1 is refused") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), only_version(version));
    REQUIRE(client.handshake());
    CHECK(SSL_version(client.ssl()) == version);
    CHECK(SSL_CIPHER_is_aead(SSL_get_current_cipher(client.ssl())) == 1);
    for (int turn = 0; turn < 3; ++turn) CHECK(client.ask(get("/")).body == "secure");
  }
  CHECK(server->metrics().tls_handshakes == 2);
  TlsClient old(server.port(), only_version(TLS1_1_VERSION));
  CHECK_FALSE(old.handshake());
  CHECK(old.problem() == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
  CHECK(eventually([&] { return server->metrics().tls_failed == 1; }));
  CHECK(server->metrics().tls_handshakes == 2);
}

TEST_CASE("only TLS 1.3, when that is wanted") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context(true)));
  CHECK(TlsClient(server.port()).ask(get("/")).status == 200);
  CHECK_FALSE(TlsClient(server.port(), only_version(TLS1_2_VERSION)).handshake());
}

TEST_CASE("TLS 1.2 without forward secrecy or authenticated encryption is refused") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  TlsClient client(server.port(), only_version(TLS1_2_VERSION));
  REQUIRE(SSL_set_cipher_list(client.ssl(), "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256:@SECLEVEL=0") == 1);
  CHECK_FALSE(client.handshake());
  CHECK(client.problem() == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
}

TEST_CASE("ALPN: http/1.1 is chosen, an offer without it is refused, no offer is fine") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  Wish both, other;
  both.protocols = {"h2", "http/1.1"};
  other.protocols = {"h2", "http/1.0"};
  TlsClient good(server.port(), both);
  REQUIRE(good.handshake());
  CHECK(good.protocol() == "http/1.1");
  CHECK(good.ask(get("/")).status == 200);
  TlsClient bad(server.port(), other);
  CHECK_FALSE(bad.handshake());
  CHECK(bad.problem() == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
  TlsClient none(server.port());
  REQUIRE(none.handshake());
  CHECK(none.protocol().empty());
}

TEST_CASE("sessions are resumed, also after the same certificate was loaded again, not under another one") {
  const TlsFolder files;
  const auto context = files.context();
  Server server(tell_secure, tls_options(context));
  std::uint64_t resumed = 0;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClient first(server.port(), only_version(version));
    CHECK(first.ask(get("/")).status == 200);
    CHECK_FALSE(first.resumed());
    const auto session = first.session();
    auto wish = only_version(version);
    wish.session = session.get();
    TlsClient second(server.port(), wish);
    CHECK(second.ask(get("/")).status == 200);
    CHECK(second.resumed());
    REQUIRE(context->reload().ok());
    const auto newer = second.session();
    wish.session = newer.get();
    TlsClient third(server.port(), wish);
    CHECK(third.ask(get("/")).status == 200);
    CHECK(third.resumed());
    resumed += 2;
    CHECK(server->metrics().tls_resumed == resumed);
    const auto newest = third.session();
    wish.session = newest.get();
    files.renew();
    REQUIRE(context->reload().ok());
    TlsClient fourth(server.port(), wish);
    CHECK(fourth.ask(get("/")).status == 200);
    CHECK_FALSE(fourth.resumed());
  }
}

TEST_CASE("a reload changes the certificate for new connections, those that are open go on") {
  const TlsFolder files;
  const auto context = files.context();
  Server server(tell_secure, tls_options(context));
  TlsClient before(server.port());
  CHECK(before.ask(get("/")).status == 200);
  files.renew();
  REQUIRE(context->reload().ok());
  TlsClient after(server.port());
  CHECK(after.ask(get("/")).status == 200);
  CHECK(after.peer_serial() != before.peer_serial());
  CHECK(before.ask(get("/")).status == 200);
  files.write("key.pem", "no key");
  CHECK_FALSE(context->reload().ok());  // everything stays as it was
  TlsClient last(server.port());
  CHECK(last.ask(get("/")).status == 200);
  CHECK(last.peer_serial() == after.peer_serial());
}

TEST_CASE("renegotiation is refused") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  TlsClient client(server.port(), only_version(TLS1_2_VERSION));
  CHECK(client.ask(get("/")).status == 200);
  REQUIRE(SSL_renegotiate(client.ssl()) == 1);
  CHECK_FALSE(client.handshake());
  CHECK(client.problem() == SSL_R_NO_RENEGOTIATION);
  CHECK(server->metrics().tls_handshakes == 1);
}

TEST_CASE("keys are updated when the client wants it") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  TlsClient client(server.port(), only_version(TLS1_3_VERSION));
  for (int turn = 0; turn < 10; ++turn) {
    CHECK(client.ask(get("/")).status == 200);
    REQUIRE(SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED) == 1);
  }
  CHECK(client.ask(get("/")).status == 200);
}

TEST_CASE("plain HTTP on a TLS port is told so") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  auto client = server.client();
  const auto answer = client.ask(get("/"));
  CHECK(answer.status == 400);
  CHECK(answer.whole);
  CHECK(answer.body.find("This port speaks HTTPS") != std::string::npos);
  CHECK(answer.header("Connection") == "close");
  CHECK(client.closed());
  CHECK(server->metrics().tls_failed == 1);
  CHECK(server->metrics().tls_handshakes == 0);
}

TEST_CASE("garbage instead of a handshake closes") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  std::uint64_t failures = 0;
  for (const std::string &text :
       {std::string(300, '\0'), std::string(20000, '\xff'), "\x16\x03\x01" + std::string(200, '\x7f'),
        std::string("\x80\x2e\x01\x03\x01", 5) + std::string(100, 'x')}) {
    auto client = server.client();
    client.send(text);
    client.shutdown();
    client.rest();  // perhaps an alert
    ++failures;
    CHECK(eventually([&] { return server->metrics().tls_failed == failures; }));
  }
  CHECK(eventually([&] { return server->metrics().connections_open == 0; }));
  CHECK(TlsClient(server.port()).ask(get("/")).status == 200);
}

TEST_CASE("a handshake that stops half way times out and holds no worker") {
  const TlsFolder files;
  auto options = tls_options(files.context());
  options.workers = 1;
  options.head_timeout = milliseconds(200);
  Server server(tell_secure, options);
  std::vector<std::unique_ptr<TlsClient>> stuck;
  for (int index = 0; index < 20; ++index) {
    auto &client = *stuck.emplace_back(std::make_unique<TlsClient>(server.port()));
    SSL_do_handshake(client.ssl());
    const auto first = client.made();
    REQUIRE(first.size() > 50);
    CHECK(client.raw_send(std::string_view(first).substr(0, first.size() / 2)));
  }
  auto silent = server.client();
  for (int turn = 0; turn < 20; ++turn) CHECK(TlsClient(server.port()).ask(get("/")).status == 200);
  for (auto &client : stuck) CHECK_FALSE(client->more());
  CHECK(silent.closed());
  CHECK(server->metrics().tls_failed == 20);  // who says nothing at all has not failed
  CHECK(server->metrics().timeouts == 21);
}

TEST_CASE("handshake and request byte by byte") {
  const TlsFolder files;
  Server server(tell_secure, tls_options(files.context()));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), only_version(version));
    SSL_do_handshake(client.ssl());
    for (const char byte : client.made()) CHECK(client.raw_send({&byte, 1}));
    REQUIRE(client.handshake());
    for (const char byte : client.seal(get("/"))) CHECK(client.raw_send({&byte, 1}));
    CHECK(client.answer().body == "secure");
  }
}

TEST_CASE("a TLS port over its limit closes at once, a draining one closes idle connections cleanly") {
  const TlsFolder files;
  auto options = tls_options(files.context());
  options.max_connections = 1;
  Server server(tell_secure, options);
  TlsClient client(server.port());
  CHECK(client.ask(get("/")).status == 200);
  TlsClient second(server.port());
  CHECK_FALSE(second.handshake());
  CHECK(server->drain(milliseconds(20'000)));
  CHECK(client.closed());
  CHECK(client.ended_cleanly());
}

TEST_CASE("plain and TLS addresses side by side; TLS without a certificate is an error") {
  const TlsFolder files;
  auto options = tls_options(files.context());
  options.listen.emplace_back("127.0.0.1:0");
  Server server(tell_secure, options);
  REQUIRE(server->addresses().size() == 2);
  const auto plain = server->addresses()[1];
  const auto port = static_cast<std::uint16_t>(std::stoi(plain.substr(plain.rfind(':') + 1)));
  CHECK(Client(port).ask(get("/")).body == "plain");
  CHECK(TlsClient(server.port()).ask(get("/")).body == "secure");

  options.tls = nullptr;
  Engine engine(options);
  const auto started = engine.start(tell_secure);
  REQUIRE_FALSE(started.ok());
  CHECK(started.status() == Status::InvalidArgument);
  CHECK(started.error().message.find("no certificate is loaded") != std::string::npos);
}
