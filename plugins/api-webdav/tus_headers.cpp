// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/tus_headers.hpp"

#include <algorithm>
#include <set>

#include "core/base/path.hpp"
#include "core/base/text.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::size_t kMostPairs = 64;

Error bad(std::string message) { return error(Status::InvalidArgument, std::move(message)); }

bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

Result<std::string> read_filename(std::string_view value) {
  if (value.ends_with('/')) return bad("The filename of Upload-Metadata ends with a slash.");
  const auto names = base::split_path(value);
  if (!names) return bad("The filename of Upload-Metadata cannot be used: " + names.error().message + ".");
  if (names->empty()) return bad("The filename of Upload-Metadata is empty.");
  std::string path;
  for (const std::string_view name : *names) {
    if (!path.empty()) path.push_back('/');
    path.append(name);
  }
  return path;
}

/// `SHA1 hex`, as the desktop client writes it, and `SHA1:hex MD5:hex`.
bool read_checksums(std::string value, std::vector<ExpectedDigest> &out) {
  if (value.find(':') == std::string::npos) {
    const std::size_t blank = value.find(' ');
    if (blank == std::string::npos || value.find(' ', blank + 1) != std::string::npos) return false;
    value[blank] = ':';
  }
  return parse_oc_checksum(base::trim(value), out);
}

}  // namespace

Result<UploadMetadata> parse_upload_metadata(std::string_view value) {
  UploadMetadata out;
  std::set<std::string, std::less<>> seen;
  bool named = false;
  const auto pairs = base::split(value, ',');
  if (pairs.size() > kMostPairs) return bad("Upload-Metadata has more than 64 pairs.");
  for (const std::string_view raw : pairs) {
    const std::string_view pair = base::trim(raw);
    const std::size_t blank = std::min(pair.find(' '), pair.size());
    const std::string_view key = pair.substr(0, blank);
    if (!is_key(key)) return bad("Upload-Metadata has a pair without a key.");
    if (!seen.insert(std::string(key)).second) return bad("Upload-Metadata has a key twice.");
    const auto text = base::base64_decode(pair.substr(std::min(blank + 1, pair.size())));
    if (!text) return bad("Upload-Metadata has a value that is no base64.");
    if (key == "filename") {
      auto path = read_filename(*text);
      if (!path) return std::move(path).error();
      out.path = *std::move(path);
      named = true;
    } else if (key == "mtime" && !text->empty()) {
      out.mtime_ns = parse_mtime(base::trim(*text));
      if (!out.mtime_ns) return bad("The mtime of Upload-Metadata is no time in seconds since 1970.");
    } else if ((key == "checksum" || key == "checksums") && !text->empty()) {
      if (!read_checksums(*text, out.digests)) return bad("The checksum of Upload-Metadata cannot be read.");
    }
  }
  if (!named) return bad("Upload-Metadata has no filename.");
  return out;
}

Result<ExpectedDigest> parse_upload_checksum(std::string_view value) {
  const std::size_t blank = value.find(' ');
  if (blank == std::string_view::npos) return bad("Upload-Checksum is no algorithm with a digest.");
  const auto bytes = base::base64_decode(base::trim(value.substr(blank + 1)));
  if (!bytes) return bad("The digest of Upload-Checksum is no base64.");
  std::string as_oc(value.substr(0, blank));
  as_oc.append(":").append(base::hex_encode(std::string_view(*bytes)));
  std::vector<ExpectedDigest> found;
  if (!parse_oc_checksum(as_oc, found)) return bad("The digest of Upload-Checksum has another length.");
  if (found.size() != 1) return bad("The algorithm of Upload-Checksum is not one of Tus-Checksum-Algorithm.");
  return found.front();
}

std::optional<std::uint64_t> parse_upload_number(std::string_view value) {
  if (value.empty() || value.size() > 19) return std::nullopt;
  return base::parse_u64(value);
}

bool is_offset_octets(std::string_view content_type) {
  return base::iequals(base::trim(content_type.substr(0, content_type.find(';'))), "application/offset+octet-stream");
}

}  // namespace Atoll::webdav
