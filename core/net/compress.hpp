// SPDX-License-Identifier: Apache-2.0
// Which answers are compressed, and how (RFC 9110 8.4, 12.5.3).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "core/net/byte_budget.hpp"
#include "core/net/gzip.hpp"
#include "core/net/request.hpp"
#include "core/net/response.hpp"

namespace Atoll::net {

/// Whether a client that sent this Accept-Encoding wants gzip rather than nothing: its weight is not 0 and not below
/// that of identity. A weight that is none counts as 0.
bool accepts_gzip(std::string_view accept_encoding);

/// text/* but event streams, JSON, XML, JavaScript.
bool compressible_type(std::string_view content_type);

/// Whether gzip may stand for this answer's body: 200 or 207, a compressible type, bytes worth it or a generator
/// without a length; and nothing in its header that names these very bytes (ETag, Content-Range, a digest) or forbids
/// it. `head_only`: the answer is to HEAD, whose body's length may be in Content-Length alone.
bool may_compress(const Response &response, bool head_only);

/// Adds the name to Vary unless it is there.
void add_vary(Response &response, std::string_view name);

/// What compression needs besides the answer.
struct Compressor {
  std::unique_ptr<Gzip> &whole;  ///< of the worker; made when first needed
  std::span<char> scratch;
  ByteBudget &memory;  ///< streams hold memory of it as long as they are sent
};

/// Replaces the body by its gzip form if it may and the client wants it, and sets Content-Encoding; what could have
/// been compressed varies by Accept-Encoding in any case. HEAD gets the same fields and loses the length, which nobody
/// knows. True: the body is gzip now. [worker]
bool compress(Response &response, const RequestHead &head, const Compressor &with);

}  // namespace Atoll::net
