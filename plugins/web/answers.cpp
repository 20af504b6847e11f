// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/answers.hpp"

#include <memory>
#include <span>

#include "core/base/byte_ranges.hpp"
#include "core/base/checksum.hpp"
#include "core/base/conditional.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "plugins/web/policy.hpp"

namespace Atoll::web {
namespace {

base::ConditionalFields conditional_fields(const Request &request) {
  base::ConditionalFields out;
  out.if_match = request.header("If-Match");
  out.if_none_match = request.header("If-None-Match");
  out.if_modified_since = request.header("If-Modified-Since");
  out.if_unmodified_since = request.header("If-Unmodified-Since");
  out.if_range = request.header("If-Range");
  return out;
}

/// The head of an answer, and the part of the content that goes into it.
struct Plan {
  Response response;
  bool body = false;  ///< whether `part` is to be set as the body; else it is set already
  base::ByteRange part;
};

Plan plan(const Request &request, const Representation &what, std::string_view etag, std::int64_t mtime_s,
          std::uint64_t size) {
  Plan out;
  Response &response = out.response;
  response.headers.reserve(14, 1024);
  const base::ConditionalFields fields = conditional_fields(request);
  const base::Verdict verdict = base::evaluate_read(fields, etag, mtime_s);
  if (verdict == base::Verdict::Malformed) {
    response = refusal(request, 400, "If-Match or If-None-Match is no list of etags.", what.policy);
    return out;
  }
  if (verdict == base::Verdict::PreconditionFailed) {
    response = refusal(request, 412, "The file is not as the request's conditions want it.", what.policy);
    return out;
  }
  response.header("ETag", "\"" + std::string(etag) + "\"");
  response.header("Cache-Control", what.caching);
  if (what.varies) response.header("Vary", "Accept-Encoding");
  if (mtime_s != 0) response.header("Last-Modified", base::http_date(mtime_s));
  if (verdict == base::Verdict::NotModified) {
    response.status = 304;
    return out;
  }
  response.header("Content-Type", what.content_type);
  if (!what.coding.empty()) response.header("Content-Encoding", what.coding);
  response.header("Accept-Ranges", "bytes");
  add_security_headers(response, what.policy);
  if (request.method() == "HEAD") {
    response.body = HeadBody{size};
    return out;
  }
  out.body = true;
  out.part = {0, size};
  const auto range = request.joined_header("Range");
  if (!range || !base::range_applies(fields, etag, mtime_s)) return out;
  const base::RangeWish wish = base::parse_range(*range, size);
  if (wish.kind == base::RangeWish::Kind::Unsatisfiable) {
    out.body = false;
    response = refusal(request, 416, "No byte of the file lies in that range.", what.policy);
    response.header("Content-Range", "bytes */" + std::to_string(size));
  } else if (wish.kind == base::RangeWish::Kind::Parts && wish.parts.size() == 1) {
    // Several at once are answered with everything, as RFC 9110, 14.2 allows: nobody asks for parts of a bundle.
    response.status = 206;
    out.part = wish.parts[0];
    response.header("Content-Range", base::content_range(out.part, size));
  }
  return out;
}

}  // namespace

Response answer_with(const Request &request, const Representation &what, SiteFile file) {
  Plan made = plan(request, what, file.etag, file.mtime_s, file.size);
  if (!made.body) return std::move(made.response);
  if (made.part.length == 0) {
    made.response.body = std::string();
    return std::move(made.response);
  }
  const auto owner = std::make_shared<base::Fd>(std::move(file.fd));
  auto extent = sized<atoll_extent>();
  extent.kind = ATOLL_EXTENT_FD;
  extent.flags = ATOLL_EXTENT_MAY_CHANGE;
  extent.fd = owner->get();
  extent.offset = made.part.first;
  extent.length = made.part.length;
  made.response.body = ExtentBody{{extent}, owner};
  return std::move(made.response);
}

Response answer_with(const Request &request, const Representation &what, std::string_view bytes) {
  // With the policy in it: a browser keeps the one that came with what it has.
  const auto sum = base::sha256(what.policy + "\n" + std::string(bytes));
  const std::string etag = base::hex_encode(std::span(sum).first(12));
  Plan made = plan(request, what, etag, 0, bytes.size());
  if (made.body)
    made.response.body = std::string(
        bytes.substr(static_cast<std::size_t>(made.part.first), static_cast<std::size_t>(made.part.length)));
  return std::move(made.response);
}

Response refusal(const Request &request, int status, std::string_view sentence, std::string_view policy) {
  Response response;
  response.status = status;
  response.header("Content-Type", "text/plain; charset=utf-8").header("Cache-Control", "no-store");
  if (status == 503) response.header("Retry-After", "5");
  if (status == 405) response.header("Allow", "GET, HEAD");
  add_security_headers(response, policy);
  if (request.method() == "HEAD")
    response.body = HeadBody{sentence.size() + 1};
  else
    response.body = std::string(sentence) + "\n";
  return response;
}

}  // namespace Atoll::web
