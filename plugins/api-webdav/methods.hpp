// SPDX-License-Identifier: Apache-2.0
// One function per method. Each makes one answer; PUT answers by itself, since its body comes later. [worker]
#pragma once

#include <memory>
#include <string_view>

#include "plugins/api-webdav/context.hpp"

namespace Atoll::webdav {

inline constexpr std::string_view kAllow =
    "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK";

Response options(const Context &context);
Response get(const Context &context, bool head);
void put(const std::shared_ptr<Context> &context);
Response mkcol(const Context &context);
Response remove(const Context &context);
Response copy_or_move(const Context &context, bool move);
Response propfind(const Context &context, std::string_view body);
Response proppatch(const Context &context, std::string_view body);
Response lock(const Context &context, std::string_view body);
Response unlock(const Context &context);

}  // namespace Atoll::webdav
