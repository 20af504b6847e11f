// SPDX-License-Identifier: Apache-2.0
// atoll upload list | clean
#include <cstdio>

#include "core/base/text.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/print.hpp"
#include "core/main/remote.hpp"

namespace Atoll::command {
namespace {

std::string upload_request(const Arguments &arguments, std::string_view verb, std::uint64_t older_than) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("verb", verb);
  if (!arguments.words.empty()) json.field("name", arguments.words[0]);
  if (older_than > 0) json.field("older_than", older_than);
  json.end_object();
  return out;
}

std::string bytes_of(const base::JsonObject &object, const char *name) {
  const auto bytes = base::json_integer(object, name);
  return bytes ? human_size(static_cast<std::uint64_t>(*bytes)) : std::string("?");
}

}  // namespace

int upload_list(const Arguments &arguments) {
  const auto answer = ask_or_do(arguments, upload_request(arguments, "upload.list", 0));
  if (!answer) return report(answer);
  if (arguments.has("--json")) {
    print_json(*answer);
    return kDone;
  }
  const auto uploads = base::json_array(*answer, "uploads");
  Table table({"ID", "SPACE", "PATH", "RECEIVED", "OF", "BEGUN", "EXPIRES", "NOW"});
  for (unsigned i = 0; uploads && i < uploads->size(); ++i) {
    const auto one = uploads->getObject(i);
    const std::string alias = text(one, "alias");
    table.add({text(one, "id"), alias.empty() ? text(one, "space") : alias, text(one, "path"),
               bytes_of(one, "received"), bytes_of(one, "size"), text(one, "begun"), text(one, "expires"),
               base::json_boolean(one, "open").value_or(false) ? "writing" : "waiting"});
  }
  table.print(false);
  return kDone;
}

int upload_clean(const Arguments &arguments) {
  std::uint64_t hours = 0;
  if (arguments.has("--older-than")) {
    const auto given = base::parse_u64(arguments.get("--older-than"));
    if (!given || *given > 1'000'000) {
      complain("--older-than is a number of hours, for example --older-than 24");
      return kUsage;
    }
    hours = *given;
  }
  const auto answer = ask_or_do(arguments, upload_request(arguments, "upload.clean", hours * 3600));
  if (!answer) return report(answer);
  if (arguments.has("--json")) {
    print_json(*answer);
    return kDone;
  }
  std::printf(
      "%s removed, %s left\n",
      counted(static_cast<std::uint64_t>(base::json_integer(*answer, "removed").value_or(0)), "uploads").c_str(),
      text(*answer, "left").c_str());
  return kDone;
}

}  // namespace Atoll::command
