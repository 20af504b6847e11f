// SPDX-License-Identifier: Apache-2.0
// For the tests of TLS: a client that speaks it, and files to serve with.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/net/test_client.hpp"
#include "core/net/tls_openssl.hpp"

namespace Atoll::net::test {

using SessionPtr = std::unique_ptr<SSL_SESSION, OpensslFree<&SSL_SESSION_free>>;

/// A folder that is gone with all its files at the end, with a certificate and its key.
class TlsFolder {
 public:
  TlsFolder() {
    REQUIRE(::mkdtemp(folder_.data()) != nullptr);
    make(certificate(), key());
  }
  ~TlsFolder() { std::filesystem::remove_all(folder_); }
  TlsFolder(const TlsFolder &) = delete;
  TlsFolder &operator=(const TlsFolder &) = delete;

  std::string path(const std::string &name) const { return folder_ + "/" + name; }
  std::string certificate() const { return path("cert.pem"); }
  std::string key() const { return path("key.pem"); }
  static void make(const std::string &certificate, const std::string &key) {
    const auto made = make_self_signed(certificate, key, {"localhost", "127.0.0.1", "::1"});
    REQUIRE_MESSAGE(made.ok(), made.error().message);
  }
  /// Other files under the same names.
  void renew() const {
    std::filesystem::remove(certificate());
    std::filesystem::remove(key());
    make(certificate(), key());
  }
  void write(const std::string &name, std::string_view text, mode_t mode = 0600) const {
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
  }
  std::string text(const std::string &file) const {
    auto read = base::read_file(file);
    REQUIRE(read.ok());
    return *read;
  }
  std::shared_ptr<TlsContext> context(bool only_tls_1_3 = false) const {
    auto loaded = TlsContext::load({certificate(), key(), only_tls_1_3});
    REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().message));
    return *loaded;
  }

 private:
  std::string folder_ = "/tmp/atoll-tls-test-XXXXXX";
};

/// Options of an engine that speaks TLS on a free port.
inline Options tls_options(std::shared_ptr<TlsContext> context) {
  Options options;
  options.listen = {ListenAddress("127.0.0.1:0", true)};
  options.tls = std::move(context);
  return options;
}

struct Wish {
  int oldest = TLS1_2_VERSION;
  int newest = TLS1_3_VERSION;
  std::vector<std::string> protocols;  ///< ALPN; none: not offered
  SSL_SESSION *session = nullptr;      ///< borrowed; to resume
  int receive_buffer = 0;
};

/// TLS between Client and its socket, through memory, so that tests can hold records back and take them apart.
class TlsClient : public Client {
 public:
  explicit TlsClient(std::uint16_t port, const Wish &wish = {}) : Client(port, wish.receive_buffer) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(context_.get(), 0);  // so that old versions can be tried at all
    REQUIRE(SSL_CTX_set_min_proto_version(context_.get(), wish.oldest) == 1);
    REQUIRE(SSL_CTX_set_max_proto_version(context_.get(), wish.newest) == 1);
    ssl_.reset(SSL_new(context_.get()));
    REQUIRE(ssl_);
    std::string offered;
    for (const auto &name : wish.protocols) offered += static_cast<char>(name.size()) + name;
    if (!offered.empty())
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char *>(offered.data()),
                          static_cast<unsigned>(offered.size()));
    if (wish.session != nullptr) SSL_set_session(ssl_.get(), wish.session);
    from_ = BIO_new(BIO_s_mem());
    to_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(from_, -1);
    SSL_set_bio(ssl_.get(), from_, to_);
    SSL_set_connect_state(ssl_.get());
  }

  SSL *ssl() { return ssl_.get(); }

  /// False after a failure; problem() says which.
  bool handshake() {
    for (;;) {
      ERR_clear_error();
      const int result = SSL_do_handshake(ssl_.get());
      const int kind = SSL_get_error(ssl_.get(), result);
      const bool sent = raw_send(made());
      if (result == 1) return sent;
      if (kind != SSL_ERROR_WANT_READ) {
        problem_ = ERR_GET_REASON(ERR_peek_last_error());
        return false;
      }
      if (!feed()) return false;
    }
  }
  int problem() const { return problem_; }  ///< SSL_R_...
  bool resumed() { return SSL_session_reused(ssl_.get()) == 1; }
  SessionPtr session() { return SessionPtr(SSL_get1_session(ssl_.get())); }
  std::string protocol() {
    const unsigned char *name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char *>(name), size};
  }
  std::string peer_serial() {
    const CertificatePtr peer(SSL_get1_peer_certificate(ssl_.get()));
    REQUIRE(peer);
    const auto *serial = X509_get0_serialNumber(peer.get());
    return {reinterpret_cast<const char *>(ASN1_STRING_get0_data(serial)),
            static_cast<std::size_t>(ASN1_STRING_length(serial))};
  }

  /// The records that carry `text`; for raw_send.
  std::string seal(std::string_view text) {
    if (!text.empty()) REQUIRE(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0);
    return made();
  }
  /// What OpenSSL wants to send.
  std::string made() {
    char *data = nullptr;
    const long size = BIO_get_mem_data(to_, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_reset(to_);
    return out;
  }
  bool raw_send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = Client::write_some(bytes);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  /// Says that no more comes.
  void notify_close() {
    SSL_shutdown(ssl_.get());
    raw_send(made());
  }
  /// Whether the last end was a close_notify and not just an end of the stream.
  bool ended_cleanly() { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 protected:
  ssize_t write_some(std::string_view text) override {
    if (!SSL_is_init_finished(ssl_.get()) && !handshake()) return -1;
    const auto size = std::min<std::size_t>(text.size(), 1 << 20);
    return raw_send(seal(text.substr(0, size))) ? static_cast<ssize_t>(size) : -1;
  }
  ssize_t read_some(char *into, std::size_t size) override {
    for (;;) {
      ERR_clear_error();
      const int count = SSL_read(ssl_.get(), into, static_cast<int>(size));
      if (count > 0) return count;
      const int kind = SSL_get_error(ssl_.get(), count);
      if (kind == SSL_ERROR_ZERO_RETURN) return 0;
      if (const auto reply = made(); !reply.empty()) raw_send(reply);
      if (kind != SSL_ERROR_WANT_READ) {
        problem_ = ERR_GET_REASON(ERR_peek_last_error());
        errno = ECONNRESET;
        return -1;
      }
      if (!feed()) return -1;
    }
  }

 private:
  // An end without close_notify counts as a reset: what came may be cut short.
  bool feed() {
    char piece[65536];
    const ssize_t count = Client::read_some(piece, sizeof piece);
    if (count == 0) errno = ECONNRESET;
    if (count <= 0) return false;
    BIO_write(from_, piece, static_cast<int>(count));
    return true;
  }

  std::unique_ptr<SSL_CTX, OpensslFree<&SSL_CTX_free>> context_;
  std::unique_ptr<SSL, OpensslFree<&SSL_free>> ssl_;
  BIO *from_ = nullptr, *to_ = nullptr;  ///< ssl_'s
  int problem_ = 0;
};

}  // namespace Atoll::net::test
