// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/tus_record.hpp"

#include "core/base/json.hpp"
#include "core/base/text.hpp"

namespace Atoll::webdav {

namespace {

constexpr std::size_t kMostRecordBytes = 4096;  // what a driver keeps

const char *name_of(ExpectedDigest::Kind kind) {
  switch (kind) {
    case ExpectedDigest::Kind::Sha1:
      return "SHA1:";
    case ExpectedDigest::Kind::Md5:
      return "MD5:";
    case ExpectedDigest::Kind::Adler32:
      return "ADLER32:";
  }
  return "";
}

void write_texts(base::JsonWriter &json, const char *name, const std::vector<std::string> &texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string &text : texts) json.string(text);
  json.end_array();
}

bool read_texts(const base::JsonObject &json, const char *name, std::vector<std::string> &out) {
  const auto texts = base::json_array(json, name);
  if (!texts) return true;
  for (unsigned i = 0; i < texts->size(); ++i) {
    const auto value = texts->get(i);
    if (!value.isString()) return false;
    out.push_back(value.extract<std::string>());
  }
  return true;
}

std::string text_of(const TusRecord &record, bool shown) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("tus", 1);
  if (record.mtime_ns != ATOLL_MTIME_NOW) json.field("mtime", record.mtime_ns);
  std::string sums;
  for (const ExpectedDigest &digest : record.digests) {
    if (!sums.empty()) sums.push_back(' ');
    sums.append(name_of(digest.kind)).append(base::hex_encode(std::string_view(digest.bytes)));
  }
  if (!sums.empty()) json.field("sums", sums);
  if (record.conditions.match_any) json.field("match_any", true);
  if (record.conditions.none_match_any) json.field("none_match_any", true);
  write_texts(json, "match", record.conditions.if_match);
  write_texts(json, "none_match", record.conditions.if_none_match);
  write_texts(json, "tokens", record.tokens);
  if (shown && !record.metadata.empty()) json.field("metadata", record.metadata);
  json.end_object();
  return out;
}

}  // namespace

Result<std::string> write_tus_record(const TusRecord &record) {
  std::string out = text_of(record, true);
  if (out.size() > kMostRecordBytes) out = text_of(record, false);
  if (out.size() > kMostRecordBytes)
    return error(Status::InvalidArgument, "The conditions of this upload are too long.");
  return out;
}

Result<TusRecord> read_tus_record(std::string_view text) {
  const auto broken = [] { return error(Status::InvalidArgument, "This is no upload of TUS."); };
  const auto json = base::parse_json_object(text, kMostRecordBytes);
  if (!json || base::json_integer(*json, "tus") != 1) return broken();
  TusRecord record;
  record.mtime_ns = base::json_integer(*json, "mtime").value_or(ATOLL_MTIME_NOW);
  if (!parse_oc_checksum(base::json_string(*json, "sums").value_or(""), record.digests)) return broken();
  record.conditions.match_any = base::json_boolean(*json, "match_any").value_or(false);
  record.conditions.none_match_any = base::json_boolean(*json, "none_match_any").value_or(false);
  if (!read_texts(*json, "match", record.conditions.if_match) ||
      !read_texts(*json, "none_match", record.conditions.if_none_match) ||
      !read_texts(*json, "tokens", record.tokens)) {
    return broken();
  }
  record.metadata = base::json_string(*json, "metadata").value_or("");
  return record;
}

}  // namespace Atoll::webdav
