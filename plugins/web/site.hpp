// SPDX-License-Identifier: Apache-2.0
// The folder of a web bundle, as it is on the disk now.
#pragma once

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <string>

#include "core/base/file.hpp"

namespace Atoll::web {

/// An open regular file.
struct SiteFile {
  base::Fd fd;
  std::uint64_t size = 0;    ///< bytes
  std::int64_t mtime_s = 0;  ///< seconds since 1970
  std::string etag;          ///< without quotes; another one for each content that the file has had

  /// All of it. OutOfRange beyond `limit` bytes, Unavailable when it cannot be read. [any thread]
  Result<std::string> content(std::size_t limit) const;
};

class Site {
 public:
  explicit Site(std::string root) : root_(std::move(root)) {}

  /// Opens a file by its path below the folder, without a slash at its begin. Links are followed inside of the folder
  /// only. NotFound: no such regular file in it; Unavailable: it cannot be told. The folder itself is opened anew each
  /// time, so it may be replaced while it is served. [any thread]
  Result<SiteFile> open(const std::string &path) const;

  const std::string &root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace Atoll::web
