// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls_context.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/time.hpp"
#include "core/net/tls_files.hpp"
#include "core/net/tls_insides.hpp"

namespace Atoll::net {
namespace {

constexpr char kCiphers12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";  ///< forward secret and authenticated (RFC 9325 4.2)
constexpr std::string_view kProtocol = "http/1.1";            ///< ALPN (RFC 7301)
constexpr std::size_t kReadAhead = 64 * 1024;                 ///< bytes a read takes from the socket: several records
constexpr long kSessionSeconds = 6 * 3600;

// A client that offers protocols and not ours is told so (RFC 7301 3.2), so that nobody talks past each other.
int choose_protocol(SSL *, const unsigned char **out, unsigned char *out_size, const unsigned char *offered,
                    unsigned int size, void *) {
  for (unsigned int at = 0; at < size;) {
    const unsigned int length = offered[at++];
    if (length > size - at) break;
    if (std::string_view(reinterpret_cast<const char *>(offered + at), length) == kProtocol) {
      *out = offered + at;
      *out_size = static_cast<unsigned char>(length);
      return SSL_TLSEXT_ERR_OK;
    }
    at += length;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool use_ticket_key(const TicketKeys::Key &key, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                    bool encrypt) {
  std::array<char, 7> digest{"SHA256"};
  const OSSL_PARAM settings[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
                                 OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), key.cipher.data(), iv, encrypt ? 1 : 0, nullptr) == 1 &&
         EVP_MAC_init(mac, key.mac.data(), key.mac.size(), settings) == 1;
}

// SSL_CTX_set_tlsext_ticket_key_evp_cb: -1 failure, 0 unknown ticket, 1 good, 2 good but give a new one.
int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
               int encrypt) {
  auto &keys = *static_cast<TicketKeys *>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const auto now = base::monotonic_ns();
  if (encrypt != 0) {
    auto key = keys.newest(now);
    std::copy(key.name.begin(), key.name.end(), name);
    const bool ready =
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 && use_ticket_key(key, iv, cipher, mac, true);
    OPENSSL_cleanse(&key, sizeof key);
    return ready ? 1 : -1;
  }
  auto found = keys.find(std::span<const std::uint8_t, 16>(name, 16), now);
  if (!found) return 0;
  const bool ready = use_ticket_key(found->key, iv, cipher, mac, false);
  OPENSSL_cleanse(&found->key, sizeof found->key);
  return !ready ? -1 : found->newest ? 1 : 2;
}

Result<void> use_credentials(SSL_CTX *context, const TlsFiles &files, const Credentials &credentials) {
  ERR_clear_error();
  bool good = SSL_CTX_use_certificate(context, credentials.certificate.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, credentials.key.get()) == 1;
  for (const auto &link : credentials.chain) good = good && SSL_CTX_add1_chain_cert(context, link.get()) == 1;
  if (!good)
    return error(Status::InvalidArgument, "cannot use the TLS certificate " + files.certificate + " with the key " +
                                              files.key + ": " + openssl_reason());
  // A session goes on only under the certificate that it began with.
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (X509_digest(credentials.certificate.get(), EVP_sha256(), digest.data(), &size) != 1 ||
      SSL_CTX_set_session_id_context(context, digest.data(), std::min(size, 32u)) != 1)
    return error(Status::Internal, "cannot prepare TLS sessions: " + openssl_reason());
  return {};
}

Result<SslContextPtr> make_context(const TlsFiles &files, const Credentials &credentials, TicketKeys &tickets) {
  const SslContextPtr context(SSL_CTX_new(TLS_server_method()), OpensslFree<&SSL_CTX_free>());
  if (!context) return error(Status::Unavailable, "cannot prepare TLS: " + openssl_reason());
  SSL_CTX *const raw = context.get();
  const int oldest = files.only_tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (SSL_CTX_set_min_proto_version(raw, oldest) != 1 || SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphers12) != 1)
    return error(Status::Internal, "cannot prepare TLS: " + openssl_reason());
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_PRIORITIZE_CHACHA |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | (files.kernel ? SSL_OP_ENABLE_KTLS : 0));
  // A record that TlsStream did not get rid of never stays inside OpenSSL, so partial writes have no meaning here.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, kReadAhead);
  SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_alpn_select_cb(raw, &choose_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);  // tickets only: sessions cost the server no memory
  SSL_CTX_set_timeout(raw, kSessionSeconds);
  SSL_CTX_set_app_data(raw, &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(raw, &ticket_key);
  if (auto used = use_credentials(raw, files, credentials); !used) return std::move(used).error();
  return context;
}

}  // namespace

TlsContext::TlsContext(std::unique_ptr<Insides> insides) : insides_(std::move(insides)) {}

TlsContext::~TlsContext() = default;

Result<std::shared_ptr<TlsContext>> TlsContext::load(TlsFiles files) {
  std::shared_ptr<TlsContext> out(new TlsContext(std::make_unique<Insides>(std::move(files))));
  if (auto loaded = out->reload(); !loaded) return std::move(loaded).error();
  return out;
}

Result<void> TlsContext::reload() {
  auto credentials = read_credentials(insides_->files);
  if (!credentials) return std::move(credentials).error();
  auto context = make_context(insides_->files, *credentials, insides_->tickets);
  if (!context) return std::move(context).error();
  const std::lock_guard lock(insides_->mutex);
  insides_->context.swap(*context);
  insides_->not_after = seconds_of(X509_get0_notAfter(credentials->certificate.get()));
  insides_->warnings = std::move(credentials->warnings);
  return {};
}

std::int64_t TlsContext::not_after() const {
  const std::lock_guard lock(insides_->mutex);
  return insides_->not_after;
}

std::vector<std::string> TlsContext::warnings() const {
  const std::lock_guard lock(insides_->mutex);
  return insides_->warnings;
}

}  // namespace Atoll::net
