// SPDX-License-Identifier: Apache-2.0
#include "plugins/web/policy.hpp"

#include <algorithm>

#include "core/base/checksum.hpp"
#include "core/base/text.hpp"

namespace Atoll::web {
namespace {

/// Where `needle` (lower case) is in `text`, in any letter case.
std::size_t find_any_case(std::string_view text, std::string_view needle, std::size_t from) {
  const auto found = std::search(text.begin() + static_cast<std::ptrdiff_t>(std::min(from, text.size())), text.end(),
                                 needle.begin(), needle.end(), [](char a, char b) { return base::to_lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

/// The end of a tag, over '>' in quotes; npos when it does not end.
std::size_t end_of_tag(std::string_view html, std::size_t at) {
  char quote = 0;
  for (; at < html.size(); ++at) {
    const char c = html[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at;
    }
  }
  return std::string_view::npos;
}

bool has_src(std::string_view attributes) {
  for (std::size_t at = 0; (at = find_any_case(attributes, "src", at)) != std::string_view::npos; ++at) {
    const bool begins = at == 0 || blank(attributes[at - 1]) || attributes[at - 1] == '"' || attributes[at - 1] == '\'';
    std::size_t after = at + 3;
    while (after < attributes.size() && blank(attributes[after])) ++after;
    if (begins && after < attributes.size() && attributes[after] == '=') return true;
  }
  return false;
}

/// As browsers read it: they turn CR LF and CR into LF before they look at a script.
std::string with_line_feeds(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out.push_back(text[i] == '\r' ? '\n' : text[i]);
  }
  return out;
}

bool is_directive_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

}  // namespace

Policy Policy::for_bundles() {
  Policy out;
  out.directives_ = {
      {"default-src", "'none'"},         {"script-src", "'self'"},       {"style-src", "'self' 'unsafe-inline'"},
      {"img-src", "'self' data: blob:"}, {"font-src", "'self' data:"},   {"connect-src", "'self' blob:"},
      {"media-src", "'self' blob:"},     {"worker-src", "'self' blob:"}, {"frame-src", "'self' blob:"},
      {"manifest-src", "'self'"},        {"object-src", "'none'"},       {"base-uri", "'self'"},
      {"form-action", "'self'"},         {"frame-ancestors", "'self'"}};
  return out;
}

Policy Policy::for_page() {
  Policy out;
  out.directives_ = {
      {"default-src", "'none'"},  {"script-src", "'self'"},      {"style-src", "'self'"},
      {"img-src", "'self'"},      {"connect-src", "'self'"},     {"base-uri", "'none'"},
      {"form-action", "'none'"},  {"frame-ancestors", "'none'"}, {"require-trusted-types-for", "'script'"},
      {"trusted-types", "'none'"}};
  return out;
}

std::string *Policy::find(std::string_view directive) {
  for (auto &[name, value] : directives_)
    if (name == directive) return &value;
  return nullptr;
}

Result<void> Policy::replace(std::string_view directives) {
  for (const std::string_view part : base::split(directives, ';')) {
    const std::string_view directive = base::trim(part);
    if (directive.empty()) continue;
    const std::size_t end = std::min(directive.find_first_of(" \t"), directive.size());
    const std::string name = base::to_lower(directive.substr(0, end));
    const std::string value(base::trim(directive.substr(end)));
    if (!is_directive_name(name) || base::has_control(value) || value.find(',') != std::string::npos)
      return error(Status::InvalidArgument, "'" + std::string(directive) +
                                                "' is no directive of a Content-Security-Policy: write NAME SOURCE "
                                                "SOURCE..., with semicolons between directives");
    if (std::string *there = find(name))
      *there = value;
    else
      directives_.emplace_back(name, value);
  }
  return {};
}

void Policy::allow(std::string_view directive, const std::string &source) {
  std::string *there = find(directive);
  if (!there) {
    directives_.emplace_back(directive, source);
    return;
  }
  if ((" " + *there + " ").find(" " + source + " ") != std::string::npos) return;
  if (*there == "'none'" || there->empty())
    *there = source;
  else
    there->append(" ").append(source);
}

std::string Policy::text(std::string_view html) const {
  std::string out;
  for (const auto &[name, value] : directives_) {
    if (!out.empty()) out += "; ";
    out += name;
    if (!value.empty()) out.append(" ").append(value);
    // A hash beside 'unsafe-inline' would switch that off.
    if (name != "script-src" || value.find("'unsafe-inline'") != std::string::npos) continue;
    for (const std::string_view script : inline_scripts(html)) {
      const auto hash = base::sha256(with_line_feeds(script));
      out.append(" 'sha256-").append(base::base64_encode(base::as_text(hash))).append("'");
    }
  }
  return out;
}

std::vector<std::string_view> inline_scripts(std::string_view html) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string_view::npos;) {
    if (html.substr(at).starts_with("<!--")) {
      const std::size_t end = html.find("-->", at + 4);
      if (end == std::string_view::npos) break;
      at = end + 3;
      continue;
    }
    if (find_any_case(html.substr(at, 8), "<script", 0) != 0 || at + 7 >= html.size() ||
        !(blank(html[at + 7]) || html[at + 7] == '>' || html[at + 7] == '/')) {
      ++at;
      continue;
    }
    const std::size_t begin = end_of_tag(html, at + 7);
    if (begin == std::string_view::npos) break;
    const std::size_t end = find_any_case(html, "</script", begin + 1);
    if (end == std::string_view::npos) break;
    if (!has_src(html.substr(at + 7, begin - at - 7))) out.push_back(html.substr(begin + 1, end - begin - 1));
    at = end + 8;
  }
  return out;
}

void add_security_headers(Response &response, std::string_view policy) {
  response.header("Content-Security-Policy", policy);
  response.header("X-Content-Type-Options", "nosniff");
  response.header("Referrer-Policy", "same-origin");
  response.header("Permissions-Policy",
                  "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
                  "microphone=(), midi=(), payment=(), serial=(), usb=()");
  response.header("Cross-Origin-Opener-Policy", "same-origin-allow-popups");
  response.header("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace Atoll::web
