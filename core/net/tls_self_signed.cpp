// SPDX-License-Identifier: Apache-2.0
// make_self_signed() of tls_context.hpp: a certificate (RFC 5280) to begin with, until there is a real one.
#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/base/file.hpp"
#include "core/net/tls_context.hpp"
#include "core/net/tls_files.hpp"

namespace Atoll::net {
namespace {

constexpr int kDays = 3650;
constexpr std::size_t kMaxCommonName = 64;  ///< RFC 5280 appendix A, ub-common-name

using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<&GENERAL_NAMES_free>>;
using GeneralNamePtr = std::unique_ptr<GENERAL_NAME, OpensslFree<&GENERAL_NAME_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, OpensslFree<&BN_free>>;

Error failed(const std::string &what) {
  return error(Status::Internal, "cannot make a self-signed certificate: " + what + ": " + openssl_reason());
}

Result<bool> exists(const std::string &path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return base::errno_error("cannot look at " + path);
}

bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == '*';
  });
}

// An address as its 4 or 16 bytes, else nothing.
std::string address_bytes(const std::string &name) {
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
  return {};
}

Result<GeneralNamePtr> general_name(const std::string &name) {
  const auto address = address_bytes(name);
  if (address.empty() && !is_dns_name(name))
    return error(Status::InvalidArgument, "cannot make a certificate for \"" + name +
                                              "\": that is neither a DNS name nor an address; write a name outside of "
                                              "ASCII in its xn-- form");
  GeneralNamePtr out(GENERAL_NAME_new());
  const auto &bytes = address.empty() ? name : address;
  ASN1_STRING *value = address.empty() ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
  if (!out || value == nullptr || ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) != 1) {
    ASN1_STRING_free(value);
    return failed("names");
  }
  GENERAL_NAME_set0_value(out.get(), address.empty() ? GEN_DNS : GEN_IPADD, value);
  return out;
}

Result<void> add_names(X509 *certificate, const std::vector<std::string> &names) {
  const NamesPtr all(GENERAL_NAMES_new());
  for (const auto &name : names) {
    auto one = general_name(name);
    if (!one) return std::move(one).error();
    if (sk_GENERAL_NAME_push(all.get(), one->get()) <= 0) return failed("names");
    [[maybe_unused]] const auto *owned_by_all = one->release();
  }
  if (X509_add1_ext_i2d(certificate, NID_subject_alt_name, all.get(), 0, 0) != 1) return failed("names");
  return {};
}

bool add_extension(X509 *certificate, int id, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_serial(X509 *certificate) {
  const NumberPtr number(BN_new());
  return number && BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

Result<CertificatePtr> make_certificate(EVP_PKEY *key, const std::vector<std::string> &names) {
  if (names.empty()) return error(Status::InvalidArgument, "cannot make a certificate for no name at all");
  CertificatePtr out(X509_new());
  if (!out || X509_set_version(out.get(), X509_VERSION_3) != 1 || !set_serial(out.get()))
    return failed("serial number");
  X509_NAME *subject = X509_get_subject_name(out.get());
  const auto common = names.front().substr(0, kMaxCommonName);
  const auto *text = reinterpret_cast<const unsigned char *>(common.c_str());
  // A day back, for clocks that are late.
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) != 1 ||
      X509_set_issuer_name(out.get(), subject) != 1 ||
      X509_gmtime_adj(X509_getm_notBefore(out.get()), -24L * 3600) == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(out.get()), kDays, 0, nullptr) == nullptr ||
      X509_set_pubkey(out.get(), key) != 1)
    return failed("fields");
  if (auto added = add_names(out.get(), names); !added) return std::move(added).error();
  if (!add_extension(out.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(out.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(out.get(), NID_ext_key_usage, "serverAuth") ||
      !add_extension(out.get(), NID_subject_key_identifier, "hash") || X509_sign(out.get(), key, EVP_sha256()) == 0)
    return failed("signature");
  return out;
}

std::string text_of(const BioPtr &bio) {
  char *data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Result<KeyPtr> make_key(const std::string &path) {
  KeyPtr key(EVP_EC_gen("P-256"));
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  if (!key || !bio || PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed("key");
  auto text = text_of(bio);
  auto written = base::write_file_durably(path, text, 0600);
  OPENSSL_cleanse(text.data(), text.size());
  if (!written) return std::move(written).error();
  return key;
}

}  // namespace

Result<void> make_self_signed(const std::string &certificate, const std::string &key,
                              const std::vector<std::string> &names) {
  const auto has_certificate = exists(certificate);
  if (!has_certificate) return has_certificate.error();
  const auto has_key = exists(key);
  if (!has_key) return has_key.error();
  if (*has_certificate && *has_key) return {};
  if (*has_certificate)
    return error(Status::FailedPrecondition, "the certificate " + certificate + " is there, but its key " + key +
                                                 " is not; bring the key back, or remove the certificate to have both "
                                                 "made anew");
  for (const auto &name : names)
    if (auto checked = general_name(name); !checked) return std::move(checked).error();
  auto pair = *has_key ? read_private_key(key) : make_key(key);
  if (!pair) return std::move(pair).error();
  auto made = make_certificate(pair->get(), names);
  if (!made) return std::move(made).error();
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_X509(bio.get(), made->get()) != 1) return failed("certificate");
  return base::write_file_durably(certificate, text_of(bio), 0644);
}

}  // namespace Atoll::net
