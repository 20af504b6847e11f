// SPDX-License-Identifier: Apache-2.0
// What a browser is told that pages may do: Content-Security-Policy and its kin.
#pragma once

#include <atoll/sdk/http.hpp>
#include <atoll/sdk/result.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace Atoll::web {

/// A Content-Security-Policy (W3C CSP Level 3) by directive.
class Policy {
 public:
  /// For bundles: what is needed comes from the server itself, no inline scripts, no eval; frames of the same origin
  /// only.
  static Policy for_bundles();
  /// For the built-in page, which needs less.
  static Policy for_page();

  /// Directives with semicolons between; each takes the place of the one with that name. InvalidArgument names the word
  /// that is none. [start-up]
  Result<void> replace(std::string_view directives);
  /// Adds a source to a directive, unless it is there already.
  void allow(std::string_view directive, const std::string &source);

  /// The value of the header field. With the scripts that stand in `html` itself allowed by their hashes, unless the
  /// policy allows all of them. [any thread]
  std::string text(std::string_view html = {}) const;

 private:
  std::string *find(std::string_view directive);
  std::vector<std::pair<std::string, std::string>> directives_;
};

/// The contents of all <script> elements without src, as they stand in the text.
std::vector<std::string_view> inline_scripts(std::string_view html);

/// The fields that all answers carry besides the policy itself.
void add_security_headers(Response &response, std::string_view policy);

}  // namespace Atoll::web
