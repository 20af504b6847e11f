// SPDX-License-Identifier: Apache-2.0
// atoll user add | list | passwd | remove, atoll space list
#include <unistd.h>

#include <cstdio>

#include "core/base/uuid.hpp"
#include "core/main/commands.hpp"
#include "core/main/print.hpp"
#include "core/main/remote.hpp"

namespace Atoll::command {
namespace {

// 20 characters out of 32 that are hard to mistake: 100 bits.
std::string made_up_password() {
  static constexpr char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
  std::array<std::uint8_t, 20> random;
  base::random_bytes(random);
  std::string out;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i > 0 && i % 5 == 0) out += '-';
    out += letters[random[i] % 32];
  }
  return out;
}

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

struct Password {
  std::string text;
  bool made_up = false;
};

Result<Password> password_for(const Arguments &arguments) {
  if (!arguments.has("--password-stdin")) return Password{made_up_password(), true};
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
  const auto answer = ask_or_do(arguments, simple_request("user.remove", arguments.words[0]));
  if (!answer) return report(answer);
  std::printf("Removed the account %s. Its files and its space are still there (atoll space list).\n",
              arguments.words[0].c_str());
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
