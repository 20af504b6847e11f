// SPDX-License-Identifier: Apache-2.0
// atoll user add | list | passwd | remove | tokens | import | export, atoll space list
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/base/file.hpp"
#include "core/base/password.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/main/commands.hpp"
#include "core/main/print.hpp"
#include "core/main/remote.hpp"

namespace Atoll::command {
namespace {

// All of standard input, without the line end.
Result<std::string> password_from_input() {
  std::string out;
  char buffer[1024];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0) return error(Status::InvalidArgument, "standard input cannot be read");
    if (got == 0) break;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > 4096) return error(Status::InvalidArgument, "the password is longer than 4096 bytes");
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  if (!out.empty() && out.back() == '\r') out.pop_back();
  if (out.empty()) return error(Status::InvalidArgument, "no password came on standard input");
  return out;
}

/// Fits all but the strictest policy: this program does not know it.
constexpr base::PasswordNeeds kMadeUp{24, 6, 4, 4, 4};

struct Password {
  std::string text;
  bool made_up = false;
};

Result<Password> password_for(const Arguments &arguments) {
  if (!arguments.has("--password-stdin")) return Password{base::made_up_password(kMadeUp), true};
  auto given = password_from_input();
  if (!given) return std::move(given).error();
  return Password{std::move(*given), false};
}

void print_password(const Password &password, const std::string &name) {
  if (password.made_up) std::printf("Password of %s: %s\n", name.c_str(), password.text.c_str());
}

}  // namespace

int user_add(const Arguments &arguments) {
  const auto password = password_for(arguments);
  if (!password) return report(password);
  const std::string &name = arguments.words[0];
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.add").field("name", name).field("password", password->text);
  json.field("display_name", arguments.get("--display-name")).field("mail", arguments.get("--mail"));
  json.field("admin", arguments.has("--admin")).end_object();
  const auto answer = ask_or_do(arguments, request);
  if (!answer) return report(answer);
  std::printf("Made the account %s (%s).\n", name.c_str(), text(*answer, "id").c_str());
  print_password(*password, name);
  return kDone;
}

int user_passwd(const Arguments &arguments) {
  const auto password = password_for(arguments);
  if (!password) return report(password);
  const std::string &name = arguments.words[0];
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.passwd").field("name", name).field("password", password->text).end_object();
  const auto answer = ask_or_do(arguments, request);
  if (!answer) return report(answer);
  std::printf("The password of %s was changed.\n", name.c_str());
  print_password(*password, name);
  return kDone;
}

int user_remove(const Arguments &arguments) {
  const std::string &name = arguments.words[0];
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.remove").field("name", name);
  json.field("purge", arguments.has("--purge")).end_object();
  const auto answer = ask_or_do(arguments, request);
  if (!answer) return report(answer);
  std::printf(arguments.has("--purge") ? "Removed the account %s with its personal space.\n"
                                       : "Removed the account %s. Its personal space is disabled, with all files; an "
                                         "admin restores or purges it.\n",
              name.c_str());
  return kDone;
}

namespace {

constexpr std::size_t kLargestImport = 32 << 20;

/// "csv" or "ldif", as the option or the end of the file's name says; empty: neither.
std::string format_for(const Arguments &arguments, const std::string &file) {
  const std::string given = arguments.get("--format");
  if (!given.empty()) return given;
  const auto dot = file.rfind('.');
  const std::string end = dot == std::string::npos ? "" : file.substr(dot + 1);
  return end == "csv" || end == "ldif" ? end : "";
}

Result<std::string> all_of(const std::string &file) {
  const bool input = file == "-";
  const base::Fd opened(input ? -1 : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input && !opened) return base::errno_error("cannot open " + file);
  std::string out;
  char buffer[65536];
  for (;;) {
    const ssize_t got = ::read(input ? STDIN_FILENO : opened.get(), buffer, sizeof buffer);
    if (got < 0) return base::errno_error("cannot read " + file);
    if (got == 0) return out;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > kLargestImport)
      return error(Status::InvalidArgument, file + " is larger than 32 MiB: import it in parts");
  }
}

}  // namespace

int user_import(const Arguments &arguments) {
  const std::string &file = arguments.words[0];
  const std::string format = format_for(arguments, file);
  if (format != "csv" && format != "ldif") {
    complain("name the format with --format csv or --format ldif");
    return kUsage;
  }
  const auto content = all_of(file);
  if (!content) return report(content);
  if (!base::valid_utf8(*content)) {  // JSON could not carry it: find the line here
    std::size_t line = 1;
    for (const auto part : base::split(*content, '\n')) {
      if (!base::valid_utf8(part)) break;
      ++line;
    }
    complain(file + ":" + std::to_string(line) + ": this is no valid UTF-8 text");
    return kBadData;
  }
  const bool dry = arguments.has("--dry-run");
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.import").field("format", format).field("text", *content);
  json.field("dry", dry).field("update", arguments.has("--update")).end_object();
  const auto answer = ask_or_do_long(arguments, request, [](const base::JsonObject &) {});
  if (!answer) return report(answer);
  const auto problems = base::json_array(*answer, "problems");
  for (unsigned i = 0; problems && i < problems->size(); ++i) {
    const auto one = problems->getObject(i);
    const auto line = base::json_integer(one, "line").value_or(0);
    complain(file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + text(one, "text"));
  }
  if (problems && problems->size() > 0) {
    complain("nothing was changed");
    return kBadData;
  }
  std::printf("%s %s entries.\n", dry ? "All is well with" : "Imported", text(*answer, "entries").c_str());
  return kDone;
}

int user_export(const Arguments &arguments) {
  const std::string file = arguments.words.empty() ? "-" : arguments.words[0];
  std::string format = format_for(arguments, file);
  if (format.empty()) format = "csv";
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.export").field("format", format).end_object();
  const auto answer = ask_or_do(arguments, request);
  if (!answer) return report(answer);
  const std::string content = base::json_string(*answer, "text").value_or("");
  const bool output = file == "-";
  const base::Fd made(output ? -1 : ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!output && !made) return report(Result<void>(base::errno_error("cannot make " + file)));
  std::string_view rest = content;
  while (!rest.empty()) {
    const ssize_t put = ::write(output ? STDOUT_FILENO : made.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const auto failed = base::errno_error("cannot write " + file);
      if (!output) ::unlink(file.c_str());  // half of an export looks like a whole one
      return report(Result<void>(failed));
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  return kDone;
}

int user_tokens(const Arguments &arguments) {
  const std::string removed = arguments.get("--remove");
  std::string request;
  base::JsonWriter json(request);
  json.begin_object().field("verb", "user.tokens").field("name", arguments.words[0]);
  json.field("remove", removed).end_object();
  const auto answer = ask_or_do(arguments, request);
  if (!answer) return report(answer);
  if (!removed.empty()) {
    std::printf(removed == "all" ? "Removed all app tokens of %s.\n" : "Removed an app token of %s.\n",
                arguments.words[0].c_str());
    return kDone;
  }
  if (arguments.has("--json")) {
    print_json(*answer);
    return kDone;
  }
  Table table({"ID", "LABEL", "MADE", "LAST USED", "ENDS"});
  const auto tokens = base::json_array(*answer, "tokens");
  for (unsigned i = 0; tokens && i < tokens->size(); ++i) {
    const auto token = tokens->getObject(i);
    const auto time = [&](const char *key) {
      const auto at = base::json_integer(token, key).value_or(0);
      return at > 0 ? base::iso8601(at) : std::string("never");
    };
    table.add({text(token, "id"), text(token, "label"), time("created"), time("last_used"), time("expires")});
  }
  table.print(false);
  return kDone;
}

int user_list(const Arguments &arguments) {
  const auto answer = ask_or_do(arguments, simple_request("user.list"));
  if (!answer) return report(answer);
  if (arguments.has("--json")) {
    print_json(*answer);
    return kDone;
  }
  Table table({"NAME", "ROLE", "ENABLED", "DISPLAY NAME", "MAIL", "ID"});
  const auto users = base::json_array(*answer, "users");
  for (unsigned i = 0; users && i < users->size(); ++i) {
    const auto user = users->getObject(i);
    table.add({text(user, "name"), text(user, "role"), text(user, "enabled") == "true" ? "yes" : "no",
               text(user, "display_name"), text(user, "mail"), text(user, "id")});
  }
  table.print(false);
  return kDone;
}

int space_list(const Arguments &arguments) {
  const auto answer = ask_or_do(arguments, simple_request("space.list"));
  if (!answer) return report(answer);
  if (arguments.has("--json")) {
    print_json(*answer);
    return kDone;
  }
  Table table({"ALIAS", "TYPE", "STATE", "USED", "QUOTA", "NAMES", "PROVIDER", "ID"});
  const auto spaces = base::json_array(*answer, "spaces");
  for (unsigned i = 0; spaces && i < spaces->size(); ++i) {
    const auto space = spaces->getObject(i);
    const auto size = [&](const char *key, const char *none) {
      const auto value = base::json_integer(space, key);
      return value && *value >= 0 ? human_size(static_cast<std::uint64_t>(*value)) : std::string(none);
    };
    const std::string where = text(space, "provider"), names = text(space, "names");
    table.add({text(space, "alias"), text(space, "type"), text(space, "state"), size("used", "unknown"),
               size("quota", "none"), names.empty() ? "unknown" : names,
               where.empty() ? text(space, "endpoint") : where, text(space, "id")});
  }
  table.print(false);
  return kDone;
}

}  // namespace Atoll::command
