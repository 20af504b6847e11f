// SPDX-License-Identifier: Apache-2.0
// TUS 1.0.0 (tus.io/protocols/resumable-upload): creation, creation-with-upload, checksum, expiration, termination.
// A POST to a folder makes an upload, whose URL is /dav/uploads/{space}/{upload}. [worker]
#pragma once

#include <memory>

#include "plugins/api-webdav/context.hpp"

namespace Atoll::webdav {

inline constexpr std::string_view kTusExtensions = "creation,creation-with-upload,checksum,expiration,termination";

/// What OPTIONS says of it; nothing where uploads cannot be kept.
void add_tus_options(const Context &context, Response &response);

/// POST to a folder.
void tus_create(const std::shared_ptr<Context> &context);

/// HEAD, PATCH and DELETE of an upload, also by POST with X-HTTP-Method-Override.
void tus_upload(const std::shared_ptr<Context> &context);

}  // namespace Atoll::webdav
