// SPDX-License-Identifier: Apache-2.0
// Encodings, dates and the small fields of WebDAV: what is read was meant, and is written back the same.
#include <algorithm>

#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/api-webdav/headers.hpp"
#include "plugins/api-webdav/wire_id.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace Atoll;

namespace {

void check_encodings(std::string_view text) {
  FUZZ_CHECK(base::base64_decode(base::base64_encode(text)) == text);
  FUZZ_CHECK(base::hex_decode(base::hex_encode(text)) == text);
  if (const auto bytes = base::base64_decode(text)) {
    auto plain = std::string(text);
    std::replace(plain.begin(), plain.end(), '-', '+');
    std::replace(plain.begin(), plain.end(), '_', '/');
    plain.erase(std::min(plain.find('='), plain.size()));
    auto again = base::base64_encode(*bytes);
    again.erase(std::min(again.find('='), again.size()));
    FUZZ_CHECK(again == plain);  // one text for each value: no stray bits, no letters in between
  }
  if (const auto bytes = base::hex_decode(text)) FUZZ_CHECK(base::hex_encode(*bytes) == base::to_lower(text));
  if (const auto number = base::parse_u64(text)) {
    const auto digits = text.substr(std::min(text.find_first_not_of('0'), text.size() - 1));
    FUZZ_CHECK(std::to_string(*number) == digits);
  }
}

void check_dates(std::string_view text) {
  if (const auto seconds = base::parse_http_date(text)) {
    const auto written = base::http_date(*seconds);
    FUZZ_CHECK(written.size() == 29 && base::parse_http_date(written) == seconds);
  }
}

void check_fields(std::string_view text) {
  using namespace webdav;
  (void)parse_depth(text);
  (void)parse_overwrite(text);
  (void)parse_timeout(text);
  (void)parse_mtime(text);
  (void)prefers_minimal(text);
  if (const auto token = parse_lock_token(text))
    FUZZ_CHECK(fuzz::inside(*token, text) && token->find('>') == std::string_view::npos);
  std::vector<ExpectedDigest> digests;
  if (parse_oc_checksum(text, digests) && parse_content_md5(text, digests)) (void)parse_digest(text, digests);
  for (const auto &digest : digests) {
    const std::size_t wanted = digest.kind == ExpectedDigest::Kind::Sha1  ? 20
                               : digest.kind == ExpectedDigest::Kind::Md5 ? 16
                                                                          : 4;
    FUZZ_CHECK(digest.bytes.size() == wanted);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  check_encodings(text);
  check_dates(text);
  check_fields(text);
  return 0;
}
