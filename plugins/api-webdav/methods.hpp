// SPDX-License-Identifier: Apache-2.0
// One function per method. Each makes one answer; PUT answers by itself, since its body comes later. [worker]
#pragma once

#include <memory>
#include <string_view>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/propfind_request.hpp"

namespace Atoll::webdav {

inline constexpr std::string_view kAllow =
    "OPTIONS, GET, HEAD, PUT, POST, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, LOCK, UNLOCK";

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

/// All methods below /dav/meta and /dav/trash-bin. `body`: of a PROPFIND.
Response meta(const Context &context, std::string_view body);
Response trash_bin(const Context &context, std::string_view body);

/// The answer to a GET of the file or version that `stat` describes, with conditions and ranges; to HEAD without
/// `file`.
Response send_file(const Context &context, const SpaceRecord &space, const Stat &stat,
                   std::shared_ptr<FileReader> file);
/// The answer to a PROPFIND of the target. `path_for_user`: oc:meta-path-for-user of the target; empty: none.
Response describe(const Context &context, const PropfindRequest &request, const Target &target,
                  std::string path_for_user);

}  // namespace Atoll::webdav
