// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/download.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/uri.hpp"

namespace Atoll::webdav {

namespace {

/// What extents point into: the open file, and the texts between its ranges.
struct Owner {
  std::shared_ptr<FileReader> file;
  std::vector<BodyPart> parts;
};

/// Reads the parts one after the other, for drivers without extents.
class Reading {
 public:
  explicit Reading(std::shared_ptr<const Owner> owner) : owner_(std::move(owner)) {}

  std::int32_t pull(void *buffer, std::uint64_t capacity, std::uint64_t *got) {
    while (at_ < owner_->parts.size()) {
      const BodyPart &part = owner_->parts[at_];
      const std::uint64_t length = part.range.length > 0 ? part.range.length : part.text.size();
      if (done_ == length) {
        ++at_;
        done_ = 0;
        continue;
      }
      const std::uint64_t wanted = std::min(capacity, length - done_);
      if (part.range.length == 0) {
        std::memcpy(buffer, part.text.data() + done_, static_cast<std::size_t>(wanted));
        *got = wanted;
      } else {
        OutgoingCall out;
        auto read = owner_->file->read(out, part.range.first + done_, buffer, wanted);
        if (!read || *read == 0) return ATOLL_PULL_FAILED;
        *got = *read;
      }
      done_ += *got;
      return ATOLL_PULL_DATA;
    }
    return ATOLL_PULL_END;
  }

 private:
  std::shared_ptr<const Owner> owner_;
  std::size_t at_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace

std::vector<BodyPart> multipart(const std::vector<ByteRange> &ranges, std::uint64_t size, std::string_view part_type,
                                std::string_view boundary) {
  std::vector<BodyPart> parts;
  for (const ByteRange &range : ranges) {
    std::string head = parts.empty() ? "--" : "\r\n--";
    head.append(boundary).append("\r\nContent-Type: ").append(part_type);
    head.append("\r\nContent-Range: ").append(content_range(range, size)).append("\r\n\r\n");
    parts.push_back({std::move(head), {}});
    parts.push_back({{}, range});
  }
  parts.push_back({"\r\n--" + std::string(boundary) + "--\r\n", {}});
  return parts;
}

std::uint64_t length_of(const std::vector<BodyPart> &parts) {
  std::uint64_t length = 0;
  for (const BodyPart &part : parts) length += part.range.length > 0 ? part.range.length : part.text.size();
  return length;
}

Result<void> set_body(Response &response, const Call &call, std::shared_ptr<FileReader> file,
                      std::vector<BodyPart> parts) {
  auto owner = std::make_shared<Owner>(Owner{std::move(file), std::move(parts)});
  ExtentBody body;
  for (const BodyPart &part : owner->parts) {
    if (part.range.length == 0) {
      if (part.text.empty()) continue;
      auto extent = sized<atoll_extent>();
      extent.kind = ATOLL_EXTENT_MEMORY;
      extent.fd = -1;
      extent.memory = part.text.data();
      extent.length = part.text.size();
      body.extents.push_back(extent);
      continue;
    }
    OutgoingCall out(call.raw());
    auto extents = owner->file->extents(out, part.range.first, part.range.length);
    if (!extents) {
      if (extents.status() != Status::Unimplemented) return std::move(extents).error();
      GeneratorBody generator;
      generator.length = length_of(owner->parts);
      generator.pull = [reading = Reading(owner)](const atoll_waker &, void *buffer, std::uint64_t capacity,
                                                  std::uint64_t *got) mutable {
        return reading.pull(buffer, capacity, got);
      };
      response.body = std::move(generator);
      return {};
    }
    std::uint64_t covered = 0;
    for (const atoll_extent &extent : *extents) covered += extent.length;
    if (covered != part.range.length) {
      return error(Status::Unavailable, "the storage gave fewer bytes of the file than its record says");
    }
    body.extents.insert(body.extents.end(), extents->begin(), extents->end());
  }
  body.owner = std::move(owner);
  response.body = std::move(body);
  return {};
}

bool runs_in_browser(std::string_view media_type) {
  const std::string_view type = media_type.substr(0, media_type.find(';'));
  return type == "text/html" || type == "image/svg+xml" || type.ends_with("/xml") || type.ends_with("+xml") ||
         type.ends_with("javascript") || type == "application/x-shockwave-flash" || type == "application/pdf+html" ||
         type == "text/vtt" || type == "multipart/related" || type == "message/rfc822";
}

std::string attachment(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const bool fine = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
    plain.push_back(fine ? c : '_');
  }
  std::string encoded;
  for (const char c : base::percent_encode_path(name)) {
    // What RFC 8187 does not allow as it is.
    switch (c) {
      case '(':
        encoded += "%28";
        break;
      case ')':
        encoded += "%29";
        break;
      case '*':
        encoded += "%2A";
        break;
      case ',':
        encoded += "%2C";
        break;
      case ';':
        encoded += "%3B";
        break;
      case '=':
        encoded += "%3D";
        break;
      case ':':
        encoded += "%3A";
        break;
      case '@':
        encoded += "%40";
        break;
      case '/':
        encoded += "%2F";
        break;
      default:
        encoded.push_back(c);
    }
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

}  // namespace Atoll::webdav
