// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/headers.hpp"

#include <limits>

#include "core/base/text.hpp"

namespace Atoll::webdav {

namespace {

using Kind = ExpectedDigest::Kind;

std::size_t size_of(Kind kind) { return kind == Kind::Sha1 ? 20 : kind == Kind::Md5 ? 16 : 4; }

std::optional<Kind> kind_of(std::string_view name) {
  if (base::iequals(name, "sha1") || base::iequals(name, "sha")) return Kind::Sha1;
  if (base::iequals(name, "md5")) return Kind::Md5;
  if (base::iequals(name, "adler32")) return Kind::Adler32;
  return std::nullopt;
}

bool add(Kind kind, std::optional<std::string> bytes, std::vector<ExpectedDigest> &out) {
  if (!bytes || bytes->size() != size_of(kind)) return false;
  out.push_back({kind, std::move(*bytes)});
  return true;
}

}  // namespace

std::optional<Depth> parse_depth(std::string_view value) {
  if (value.empty() || value == "1") return Depth::One;
  if (value == "0") return Depth::Zero;
  if (base::iequals(value, "infinity")) return Depth::Infinity;
  return std::nullopt;
}

std::optional<bool> parse_overwrite(std::string_view value) {
  if (base::iequals(value, "T")) return true;
  if (base::iequals(value, "F")) return false;
  return std::nullopt;
}

std::uint64_t parse_timeout(std::string_view value) {
  for (const std::string_view part : base::split(value, ',')) {
    std::string_view wish = base::trim(part);
    if (base::iequals(wish, "Infinite")) return std::numeric_limits<std::uint64_t>::max();
    constexpr std::string_view kSecond = "second-";
    if (wish.size() <= kSecond.size() || !base::iequals(wish.substr(0, kSecond.size()), kSecond)) continue;
    if (const auto seconds = base::parse_u64(wish.substr(kSecond.size()))) return *seconds;
  }
  return 0;
}

std::optional<std::string_view> parse_lock_token(std::string_view value) {
  if (value.size() < 3 || value.front() != '<' || value.back() != '>') return std::nullopt;
  const std::string_view token = value.substr(1, value.size() - 2);
  if (token.find_first_of("<> \t") != std::string_view::npos) return std::nullopt;
  return token;
}

std::optional<std::int64_t> parse_mtime(std::string_view value) {
  const bool negative = value.starts_with('-');
  if (negative) value.remove_prefix(1);
  const std::size_t point = value.find('.');
  const auto seconds = base::parse_u64(value.substr(0, point));
  constexpr std::uint64_t kMost = 9'223'372'035;
  if (!seconds || *seconds > kMost) return std::nullopt;
  std::int64_t nanoseconds = static_cast<std::int64_t>(*seconds) * 1'000'000'000;
  if (point != std::string_view::npos) {
    const std::string_view fraction = value.substr(point + 1);
    if (fraction.empty()) return std::nullopt;
    std::int64_t unit = 100'000'000;
    for (const char digit : fraction) {
      if (digit < '0' || digit > '9') return std::nullopt;
      nanoseconds += unit * (digit - '0');
      unit /= 10;
    }
  }
  return negative ? -nanoseconds : nanoseconds;
}

bool prefers_minimal(std::string_view value) {
  for (const std::string_view part : base::split(value, ',')) {
    const std::string_view preference = base::trim(part.substr(0, part.find(';')));
    const std::size_t equals = preference.find('=');
    if (equals == std::string_view::npos || !base::iequals(base::trim(preference.substr(0, equals)), "return"))
      continue;
    std::string_view wanted = base::trim(preference.substr(equals + 1));
    if (wanted.size() >= 2 && wanted.front() == '"' && wanted.back() == '"')
      wanted = wanted.substr(1, wanted.size() - 2);
    return base::iequals(wanted, "minimal");
  }
  return false;
}

std::uint32_t bit_of(ExpectedDigest::Kind kind) {
  return kind == Kind::Sha1 ? ATOLL_STAT_SHA1 : kind == Kind::Md5 ? ATOLL_STAT_MD5 : ATOLL_STAT_ADLER32;
}

Result<std::uint32_t> parse_checksum_kinds(std::string_view text) {
  std::uint32_t kinds = 0;
  for (const std::string_view part : base::split(text, ' ')) {
    const std::string_view name = base::trim(part);
    if (name.empty()) continue;
    const auto kind = kind_of(name);
    if (!kind) {
      return error(Status::InvalidArgument,
                   "checksums: there is no \"" + std::string(name) + "\"; there are sha1, md5 and adler32");
    }
    kinds |= bit_of(*kind);
  }
  if ((kinds & ATOLL_STAT_SHA1) == 0) return error(Status::InvalidArgument, "checksums must hold sha1");
  return kinds;
}

bool parse_oc_checksum(std::string_view value, std::vector<ExpectedDigest> &out) {
  for (const std::string_view part : base::split(value, ' ')) {
    const std::string_view item = base::trim(part);
    if (item.empty()) continue;
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos) return false;
    const auto kind = kind_of(item.substr(0, colon));
    if (kind && !add(*kind, base::hex_decode(item.substr(colon + 1)), out)) return false;
  }
  return true;
}

bool parse_content_md5(std::string_view value, std::vector<ExpectedDigest> &out) {
  return add(Kind::Md5, base::base64_decode(value), out);
}

bool parse_digest(std::string_view value, std::vector<ExpectedDigest> &out) {
  for (const std::string_view part : base::split(value, ',')) {
    const std::string_view item = base::trim(part);
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return false;
    const auto kind = kind_of(item.substr(0, equals));
    if (!kind) continue;
    const std::string_view digest = item.substr(equals + 1);
    if (!add(*kind, *kind == Kind::Adler32 ? base::hex_decode(digest) : base::base64_decode(digest), out)) return false;
  }
  return true;
}

}  // namespace Atoll::webdav
