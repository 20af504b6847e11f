// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/about.hpp"

#include <atoll/abi/storage_fs.h>

#include "core/base/json.hpp"
#include "plugins/api-webdav/tus.hpp"

namespace Atoll::webdav {

namespace {

void write_status(base::JsonWriter &json) {
  json.begin_object();
  json.field("installed", true).field("maintenance", false).field("needsDbUpgrade", false);
  json.field("version", "10.11.0.0").field("versionstring", "10.11.0").field("edition", "Community");
  json.field("productname", "Atoll").field("product", "Atoll").field("productversion", "0.1.0");
  json.end_object();
}

}  // namespace

std::string status_json() {
  std::string out;
  base::JsonWriter json(out);
  write_status(json);
  return out;
}

std::string capabilities_json(std::uint32_t checksums, bool uploads) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object();
  json.key("core").begin_object();
  json.field("pollinterval", 30000);  // milliseconds; clients ignore 5000 and less
  json.field("webdav-root", "remote.php/webdav");
  json.key("status");
  write_status(json);
  json.field("support-url-signing", false).field("support-sse", false);
  json.end_object();
  json.key("checksums").begin_object();
  json.key("supportedTypes").begin_array();
  if (checksums & ATOLL_STAT_SHA1) json.string("SHA1");
  if (checksums & ATOLL_STAT_MD5) json.string("MD5");
  if (checksums & ATOLL_STAT_ADLER32) json.string("ADLER32");
  json.end_array();
  json.field("preferredUploadType", "SHA1");
  json.end_object();
  json.key("files").begin_object();
  json.field("bigfilechunking", false).field("undelete", true).field("versioning", true);
  json.field("privateLinks", false).field("permanent_deletion", true);
  json.key("blacklisted_files").begin_array().end_array();
  if (uploads) {
    json.key("tus_support").begin_object();
    json.field("version", "1.0.0").field("resumable", "1.0.0").field("extension", kTusExtensions);
    // Larger files come in parts of so many bytes; a new upload that is cut off in its first part begins again.
    json.field("max_chunk_size", 100'000'000).field("http_method_override", "");
    json.end_object();
  }
  json.end_object();
  json.key("dav").begin_object();
  json.key("reports").begin_array().end_array();
  json.field("chunking", "").field("trashbin", "1.0");
  json.end_object();
  json.end_object();
  return out;
}

}  // namespace Atoll::webdav
