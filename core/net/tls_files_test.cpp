// SPDX-License-Identifier: Apache-2.0
// Certificates and keys: what is refused, with which sentence; what is made; the keys of tickets.
#include <doctest/doctest.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <ostream>

#include "core/net/tls_files.hpp"
#include "core/net/tls_test_client.hpp"
#include "core/net/tls_tickets.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;

namespace {

std::string load_refusal(const std::string &certificate, const std::string &key) {
  const auto loaded = TlsContext::load({certificate, key});
  if (loaded.ok()) return "loaded";
  CHECK(loaded.status() == Status::InvalidArgument);
  return loaded.error().message;
}

bool check_contains(const std::string &text, std::string_view part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("files that cannot be used are refused with a sentence") {
  const TlsFolder files;
  const auto certificate = files.certificate(), key = files.key();
  check_contains(load_refusal(files.path("none"), key),
                 "the TLS certificate " + files.path("none") + " does not exist");
  check_contains(load_refusal(certificate, files.path("none")),
                 "the TLS key " + files.path("none") + " does not exist");
  check_contains(load_refusal(files.path(""), key), "is not a regular file");

  files.write("text", "just text\n");
  check_contains(load_refusal(files.path("text"), key), "holds no certificate in PEM form");
  check_contains(load_refusal(certificate, files.path("text")), "holds no private key in PEM form");
  files.write("empty", "");
  check_contains(load_refusal(files.path("empty"), key), "holds no certificate in PEM form");
  check_contains(load_refusal(certificate, files.path("empty")), "holds no private key in PEM form");
  check_contains(load_refusal(key, key), "holds no certificate in PEM form");
  check_contains(load_refusal(certificate, certificate), "can be read or changed by every user");

  auto damaged = files.text(certificate);
  damaged.replace(damaged.size() / 2, 8, "????????");
  files.write("damaged", damaged);
  check_contains(load_refusal(files.path("damaged"), key), "is damaged");
  files.write("second", files.text(certificate) + damaged);
  check_contains(load_refusal(files.path("second"), key), "certificate 2 in");
  files.write("large", std::string(2 << 20, 'x'));
  check_contains(load_refusal(files.path("large"), key), "larger than 1 MiB");

  TlsFolder::make(files.path("other.pem"), files.path("other.key"));
  check_contains(load_refusal(certificate, files.path("other.key")),
                 "does not belong to the certificate " + certificate);

  ::chmod(key.c_str(), 0644);
  check_contains(load_refusal(certificate, key), "run: chmod o= " + key);
  ::chmod(key.c_str(), 0640);
  CHECK(load_refusal(certificate, key) == "loaded");
}

TEST_CASE("a key behind a passphrase is refused without asking for it") {
  const TlsFolder files;
  const auto key = read_private_key(files.key());
  REQUIRE(key.ok());
  const BioPtr out(BIO_new_file(files.path("secret.key").c_str(), "w"));
  unsigned char password[] = "secret";
  REQUIRE(PEM_write_bio_PrivateKey(out.get(), key->get(), EVP_aes_128_cbc(), password, 6, nullptr, nullptr) == 1);
  BIO_flush(out.get());
  ::chmod(files.path("secret.key").c_str(), 0600);
  check_contains(load_refusal(files.certificate(), files.path("secret.key")), "is protected by a passphrase");
}

TEST_CASE("a chain is sent as it is; one in the wrong order is a warning") {
  const TlsFolder files;
  const auto context = files.context();
  CHECK(context->warnings().empty());
  TlsFolder::make(files.path("other.pem"), files.path("other.key"));
  files.write("chain.pem", files.text(files.certificate()) + "# a comment\n" + files.text(files.path("other.pem")));
  auto loaded = TlsContext::load({files.path("chain.pem"), files.key()});
  REQUIRE(loaded.ok());
  CHECK((*loaded)->warnings().empty());  // both are called "localhost", so the order looks right

  const auto made = make_self_signed(files.path("third.pem"), files.path("third.key"), {"elsewhere"});
  REQUIRE(made.ok());
  files.write("chain.pem", files.text(files.certificate()) + files.text(files.path("third.pem")));
  REQUIRE((*loaded)->reload().ok());
  REQUIRE((*loaded)->warnings().size() == 1);
  check_contains((*loaded)->warnings()[0], "did not issue the one before it");

  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(204)); },
                tls_options(*loaded));
  TlsClient client(server.port());
  REQUIRE(client.handshake());
  CHECK(sk_X509_num(SSL_get_peer_cert_chain(client.ssl())) == 2);
}

TEST_CASE("a self-signed certificate has the names, and clients that trust it accept it") {
  const TlsFolder files;
  const auto read = read_credentials({files.certificate(), files.key()});
  REQUIRE(read.ok());
  X509 *certificate = read->certificate.get();
  CHECK(X509_check_host(certificate, "localhost", 0, 0, nullptr) == 1);
  CHECK(X509_check_ip_asc(certificate, "127.0.0.1", 0) == 1);
  CHECK(X509_check_ip_asc(certificate, "::1", 0) == 1);
  CHECK(X509_check_host(certificate, "example.org", 0, 0, nullptr) == 0);
  CHECK(EVP_PKEY_get_bits(read->key.get()) == 256);
  struct stat status {};
  REQUIRE(::stat(files.key().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto days = (files.context()->not_after() - now) / 86400;
  CHECK(days > 3600);
  CHECK(days < 3700);

  Server server([](const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(204)); },
                tls_options(files.context()));
  TlsClient client(server.port());
  X509_STORE_add_cert(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(client.ssl())), certificate);
  SSL_set_verify(client.ssl(), SSL_VERIFY_PEER, nullptr);
  SSL_set1_host(client.ssl(), "localhost");
  CHECK(client.handshake());
}

TEST_CASE("what is there is never made anew; a lone key is used, a lone certificate is an error") {
  const TlsFolder files;
  const auto certificate = files.text(files.certificate()), key = files.text(files.key());
  TlsFolder::make(files.certificate(), files.key());
  CHECK(files.text(files.certificate()) == certificate);
  std::filesystem::remove(files.certificate());
  TlsFolder::make(files.certificate(), files.key());
  CHECK(files.text(files.key()) == key);
  CHECK(files.context());
  std::filesystem::remove(files.key());
  const auto made = make_self_signed(files.certificate(), files.key(), {"localhost"});
  REQUIRE_FALSE(made.ok());
  CHECK(made.status() == Status::FailedPrecondition);
  CHECK_FALSE(std::filesystem::exists(files.key()));
}

TEST_CASE("names that no certificate can have, and places that cannot be written") {
  const TlsFolder files;
  for (const char *name : {"", "a b", "caf\xc3\xa9", "x,DNS:evil.example"}) {
    const auto made = make_self_signed(files.path("n.pem"), files.path("n.key"), {"localhost", name});
    REQUIRE_FALSE(made.ok());
    CHECK(made.status() == Status::InvalidArgument);
    CHECK_FALSE(std::filesystem::exists(files.path("n.key")));
  }
  CHECK_FALSE(make_self_signed(files.path("n.pem"), files.path("n.key"), {}).ok());
  CHECK_FALSE(make_self_signed(files.path("no/n.pem"), files.path("no/n.key"), {"localhost"}).ok());
}

TEST_CASE("ticket keys are replaced, and the one before still counts") {
  TicketKeys keys;
  constexpr auto period = TicketKeys::kPeriodNs;
  const auto first = keys.newest(period);
  CHECK(keys.newest(2 * period - 1).name == first.name);
  auto found = keys.find(first.name, 2 * period - 1);
  REQUIRE(found);
  CHECK(found->newest);
  CHECK(found->key.cipher == first.cipher);
  const auto second = keys.newest(2 * period);
  CHECK(second.name != first.name);
  CHECK(second.cipher != first.cipher);
  CHECK(second.mac != first.mac);
  found = keys.find(first.name, 3 * period - 1);
  REQUIRE(found);
  CHECK_FALSE(found->newest);
  CHECK(found->key.mac == first.mac);
  CHECK_FALSE(keys.find(first.name, 3 * period));
  CHECK(keys.find(second.name, 3 * period));
  CHECK_FALSE(keys.find(second.name, 100 * period));  // nobody asked for a long time: both are stale
  CHECK_FALSE(keys.find(std::array<std::uint8_t, 16>{}, period));
}
