// SPDX-License-Identifier: Apache-2.0
// Bodies of GET: a whole file, one range, or several of them.
#pragma once

#include <atoll/sdk/files.hpp>
#include <atoll/sdk/http.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/byte_ranges.hpp"

namespace Atoll::webdav {

using base::ByteRange;
using base::content_range;
using base::parse_range;
using base::RangeWish;

/// A part of a body: bytes of its own, or of the file.
struct BodyPart {
  std::string text;  ///< sent when `range` is empty
  ByteRange range{};
};

/// The parts of multipart/byteranges (RFC 9110, 14.6), and its Content-Type.
std::vector<BodyPart> multipart(const std::vector<ByteRange> &ranges, std::uint64_t size, std::string_view part_type,
                                std::string_view boundary);
std::uint64_t length_of(const std::vector<BodyPart> &parts);

/// Sets the body: extents where the driver has them, else a generator that reads. Keeps the file open until it was
/// sent.
Result<void> set_body(Response &response, const Call &call, std::shared_ptr<FileReader> file,
                      std::vector<BodyPart> parts);

/// Whether a browser would run this type when it is opened from the server's origin.
bool runs_in_browser(std::string_view media_type);
/// `attachment` with the name in both forms of RFC 6266.
std::string attachment(std::string_view name);

}  // namespace Atoll::webdav
