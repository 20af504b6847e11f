// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls_files.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/base/file.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kMaxFile = 1024 * 1024;  ///< bytes; no chain comes near

Error unusable(std::string sentence) { return error(Status::InvalidArgument, std::move(sentence)); }

/// A file's text, overwritten when it goes: it may be a key.
struct Secret {
  std::string text;
  Secret() = default;
  Secret(Secret &&) = default;
  Secret &operator=(Secret &&) = default;
  ~Secret() { OPENSSL_cleanse(text.data(), text.size()); }
};

// `what`: "certificate" or "key". A key must not be readable by everybody.
Result<Secret> read_pem(const std::string &path, const std::string &what) {
  const std::string named = "the TLS " + what + " " + path;
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) return unusable(named + " does not exist; name an existing PEM file");
    return unusable("cannot open " + named + ": " + std::strerror(errno) + "; let the server's user read it");
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return unusable(named + " is not a regular file");
  if (what == "key" && (status.st_mode & S_IRWXO) != 0)
    return unusable(named + " can be read or changed by every user of this machine; run: chmod o= " + path);
  Secret out;
  out.text.resize(kMaxFile);
  std::size_t size = 0;
  while (size < kMaxFile) {
    const ssize_t count = ::read(fd.get(), out.text.data() + size, kMaxFile - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return unusable("cannot read " + named + ": " + std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size == kMaxFile) return unusable(named + " is larger than 1 MiB; it should hold PEM text only");
  out.text.resize(size);
  return out;
}

BioPtr memory(const Secret &secret) {
  return BioPtr(BIO_new_mem_buf(secret.text.data(), static_cast<int>(secret.text.size())));
}

// True if the reader only found no (further) block of PEM; empties the error queue then.
bool no_more_blocks() {
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE) return false;
  ERR_clear_error();
  return true;
}

int note_encrypted(char *, int, int, void *asked) {
  *static_cast<bool *>(asked) = true;
  return -1;
}

Result<void> read_chain(const std::string &path, Credentials &out) {
  auto text = read_pem(path, "certificate");
  if (!text) return std::move(text).error();
  const auto bio = memory(*text);
  ERR_clear_error();
  out.certificate.reset(PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
  if (!out.certificate) {
    if (no_more_blocks())
      return unusable("the TLS certificate " + path +
                      " holds no certificate in PEM form (\"-----BEGIN CERTIFICATE-----\"); convert one in DER form " +
                      "with: openssl x509 -inform der -in FILE -out " + path);
    return unusable("the TLS certificate " + path + " is damaged: " + openssl_reason());
  }
  for (;;) {
    CertificatePtr next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    const X509 *before = out.chain.empty() ? out.certificate.get() : out.chain.back().get();
    if (X509_NAME_cmp(X509_get_issuer_name(before), X509_get_subject_name(next.get())) != 0)
      out.warnings.push_back("certificate " + std::to_string(out.chain.size() + 2) + " in " + path +
                             " did not issue the one before it; clients may not trust the chain");
    out.chain.push_back(std::move(next));
  }
  if (!no_more_blocks())
    return unusable("certificate " + std::to_string(out.chain.size() + 2) + " in " + path +
                    " is damaged: " + openssl_reason());
  return {};
}

void note_dates(const std::string &path, Credentials &out) {
  if (X509_cmp_current_time(X509_get0_notAfter(out.certificate.get())) < 0)
    out.warnings.push_back("the TLS certificate " + path + " has expired; clients will refuse it");
  if (X509_cmp_current_time(X509_get0_notBefore(out.certificate.get())) > 0)
    out.warnings.push_back("the TLS certificate " + path + " is not valid yet; clients will refuse it");
}

}  // namespace

Result<KeyPtr> read_private_key(const std::string &path) {
  auto text = read_pem(path, "key");
  if (!text) return std::move(text).error();
  const auto bio = memory(*text);
  ERR_clear_error();
  bool encrypted = false;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &note_encrypted, &encrypted));
  if (key) return key;
  if (encrypted) {
    ERR_clear_error();
    return unusable("the TLS key " + path + " is protected by a passphrase; remove it with: openssl pkey -in " + path +
                    " -out FILE");
  }
  if (no_more_blocks() || ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_UNSUPPORTED)
    return unusable("the TLS key " + path + " holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
  return unusable("the TLS key " + path + " is damaged: " + openssl_reason());
}

Result<Credentials> read_credentials(const TlsFiles &files) {
  Credentials out;
  if (auto read = read_chain(files.certificate, out); !read) return std::move(read).error();
  auto key = read_private_key(files.key);
  if (!key) return std::move(key).error();
  out.key = std::move(*key);
  if (X509_check_private_key(out.certificate.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return unusable("the TLS key " + files.key + " does not belong to the certificate " + files.certificate +
                    "; the server's own certificate must come first in its file");
  }
  note_dates(files.certificate, out);
  return out;
}

std::int64_t seconds_of(const ASN1_TIME *time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace Atoll::net
