// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/web.hpp"

#include <algorithm>

#include "core/base/path.hpp"
#include "core/base/uri.hpp"
#include "plugins/web/answers.hpp"
#include "plugins/web/names.hpp"
#include "plugins/web/page.hpp"

namespace Atoll::web {
namespace {

constexpr std::size_t kLargestHtml = 4u << 20;
/// How much older a compressed file may be than the file: a bundle is not copied in the order in which it was made.
constexpr std::int64_t kCompressedMayBeOlder = 60;

std::string joined(const std::vector<std::string_view> &names) {
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out.push_back('/');
    out.append(name);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Web>> Web::create(const Call &, Host host) {
  std::unique_ptr<Web> made(new Web(host));
  auto client = ClientConfig::read(host);
  if (!client) return std::move(client).error();
  made->config_json_ = client->json();
  made->config_file_ = host.text("config_file");
  made->theme_ = plain_theme();
  made->theme_path_ = client->theme.substr(1);
  made->api_paths_ = host.text("api_paths", "");
  if (const auto root = host.text("root")) {
    made->site_.emplace(*root);
    if (auto index = made->site_->open("index.html"); !index)
      return error(Status::FailedPrecondition,
                   "root: there is no web client in " + *root + ": " + index.error().message);
    made->policy_ = Policy::for_bundles();
    if (auto done = made->policy_.replace(host.text("csp", "")); !done)
      return error(Status::InvalidArgument, "csp: " + done.error().message);
    if (const auto issuer = origin_of(client->oidc_issuer))
      for (const char *directive : {"connect-src", "frame-src"}) made->policy_.allow(directive, *issuer);
  } else {
    made->policy_ = Policy::for_page();
  }
  made->plain_policy_ = made->policy_.text();
  return made;
}

void Web::handle(const Call &call, const Request &request, Exchange exchange) {
  exchange.respond(answer(call, request));
}

Response Web::answer(const Call &call, const Request &request) const {
  const auto decoded = base::percent_decode(request.path());
  const auto names =
      decoded ? base::split_path(*decoded) : Result<std::vector<std::string_view>>(error(Status::NotFound, ""));
  // Names that begin with a dot are no part of a bundle, whatever lies there.
  if (!names || std::any_of(names->begin(), names->end(), [](std::string_view name) { return name[0] == '.'; }))
    return nothing(request);
  if (!names->empty() && belongs_to_api(names->front(), api_paths_)) return nothing(request);
  if (request.method() != "GET" && request.method() != "HEAD")
    return refusal(request, 405, "This is a page for people: it is read with GET.", plain_policy_);
  if (names->size() == 1 && names->front() == "config.json") return config_json(call, request);
  return site_ ? bundle(call, request, *names) : page(request, *names);
}

Response Web::bundle(const Call &call, const Request &request, const std::vector<std::string_view> &names) const {
  const std::string path = joined(names);
  if (!path.empty()) {
    if (auto found = file(call, request, path)) return *std::move(found);
    if (path == theme_path_) {
      Representation what{"application/json", kRevalidate, {}, false, plain_policy_};
      return answer_with(request, what, theme_);
    }
    // A route inside of the client, when somebody opens or reloads it. A script or a picture that is missing is
    // missing.
    const auto accept = request.joined_header("Accept");
    if (!accept || !wants_page(*accept)) return nothing(request);
  }
  if (auto found = file(call, request, "index.html")) return *std::move(found);
  return unavailable(call, request, error(Status::Unavailable, "index.html is gone from " + site_->root()));
}

std::optional<Response> Web::file(const Call &call, const Request &request, const std::string &path) const {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  auto found = site_->open(path);
  if (!found) {
    if (found.status() == Status::NotFound) return std::nullopt;
    return unavailable(call, request, found.error());
  }
  Representation what;
  what.content_type = content_type(name);
  what.caching = has_hash(name) ? kImmutable : kRevalidate;
  if (what.content_type.starts_with("text/html")) return html(call, request, *found);
  what.policy = plain_policy_;
  what.varies = compressible(what.content_type);
  const auto accepted = what.varies ? request.joined_header("Accept-Encoding") : std::nullopt;
  if (accepted) {
    for (const auto &[coding, ending] : {std::pair("br", ".br"), std::pair("gzip", ".gz")}) {
      if (!takes_coding(*accepted, coding)) continue;
      auto compressed = site_->open(path + ending);
      if (!compressed || compressed->mtime_s + kCompressedMayBeOlder < found->mtime_s) continue;
      what.coding = coding;
      found = std::move(compressed);
      break;
    }
  }
  return answer_with(request, what, *std::move(found));
}

Response Web::html(const Call &call, const Request &request, const SiteFile &file) const {
  // Read whole: the scripts that stand in it become a part of the policy.
  const auto text = file.content(kLargestHtml);
  if (!text) return unavailable(call, request, text.error());
  Representation what{"text/html; charset=utf-8", kRevalidate, {}, false, policy_.text(*text)};
  return answer_with(request, what, *text);
}

Response Web::page(const Request &request, const std::vector<std::string_view> &names) const {
  const std::string_view name = names.empty() ? "index.html" : names.size() == 1 ? names.front() : std::string_view();
  for (const PageFile &file : page_files()) {
    if (file.name != name) continue;
    Representation what{content_type(name), kRevalidate, {}, true, plain_policy_};
    const auto accepted = request.joined_header("Accept-Encoding");
    if (accepted && takes_coding(*accepted, "gzip")) {
      what.coding = "gzip";
      return answer_with(request, what, file.gzip);
    }
    return answer_with(request, what, file.plain);
  }
  return nothing(request);
}

Response Web::config_json(const Call &call, const Request &request) const {
  Representation what{"application/json", kRevalidate, {}, false, plain_policy_};
  if (!config_file_) return answer_with(request, what, config_json_);
  const auto text = base::read_file(*config_file_, kLargestHtml);
  if (!text) return unavailable(call, request, text.error());
  return answer_with(request, what, *text);
}

Response Web::unavailable(const Call &call, const Request &request, const Error &why) const {
  host_.log(ATOLL_LOG_WARNING, why.message, {}, call.raw());
  return refusal(request, 503, "The web client cannot be read now; the server's log says why.", plain_policy_);
}

Response Web::nothing(const Request &request) const {
  return refusal(request, 404, "Nothing is served under this path.", plain_policy_);
}

}  // namespace Atoll::web
