// SPDX-License-Identifier: Apache-2.0
#include "core/main/remote.hpp"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "core/base/file.hpp"
#include "core/host/admin_verbs.hpp"
#include "core/host/control_socket.hpp"
#include "core/host/log.hpp"
#include "core/host/server.hpp"

namespace Atoll::command {
namespace {

// Until the server is found not to run: what a slow stop of an instance may take.
constexpr std::chrono::minutes kPatience{2};
// One file of any size may lie between two lines of long work; a server that dies closes the socket.
constexpr std::chrono::hours kLongPatience{240};

// Root that works on the data of a service user would leave files behind that the server cannot open: be that user.
Result<void> become_owner_of(const std::string &data) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(data.c_str(), &info) != 0 || info.st_uid == 0) return {};
  if (::setgroups(0, nullptr) == 0 && ::setresgid(info.st_gid, info.st_gid, info.st_gid) == 0 &&
      ::setresuid(info.st_uid, info.st_uid, info.st_uid) == 0)
    return {};
  return base::errno_error("cannot become user " + std::to_string(info.st_uid) + ", who owns " + data);
}

}  // namespace

std::string simple_request(std::string_view verb, std::string_view name) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("verb", verb);
  if (!name.empty()) json.field("name", name);
  json.end_object();
  return out;
}

Result<base::JsonObject> ask(const Arguments &arguments, const std::string &request) {
  const auto answer = host::control_request(data_folder(arguments), request, kPatience);
  if (!answer) return answer.error();
  return host::open_envelope(*answer);
}

namespace {

Result<base::JsonObject> ask_or_do(const Arguments &arguments, const std::string &request,
                                   std::chrono::milliseconds patience,
                                   const std::function<void(const std::string &)> &hear) {
  const auto answer = host::control_request(data_folder(arguments), request, patience, hear);
  if (answer) return host::open_envelope(*answer);
  if (answer.status() != Status::Unavailable) return answer.error();
  if (hear) {
    // What is not there yet has no spaces that could be looked after; it is most likely the wrong folder.
    if (::access((data_folder(arguments) + "/format").c_str(), F_OK) != 0 && errno == ENOENT)
      return error(Status::Unavailable, "no server is running on " + data_folder(arguments) +
                                            ", and there are no data of one; name the folder with --data or --config");
    const std::string &file = sources(arguments).file;
    const bool any = !file.empty() && ::access(file.c_str(), F_OK) == 0;
    std::fprintf(stderr, "atoll: no server is running on %s; working on the data itself with %s\n",
                 data_folder(arguments).c_str(),
                 any ? ("the configuration " + file).c_str()
                     : "the built-in configuration (--config names the one that the server has)");
  }
  if (auto done = become_owner_of(data_folder(arguments)); !done) return std::move(done).error();

  // Never destroyed: plugins stay in use until the process ends.
  static host::PluginLoader *const loader = std::make_unique<host::PluginLoader>(plugin_path(arguments)).release();
  host::Problems problems;
  const auto configuration = host::read_configuration(sources(arguments), *loader, problems);
  if (!problems.empty()) {
    for (const auto &problem : problems) complain(problem.text());
    return error(Status::FailedPrecondition, "the configuration has errors");
  }
  host::redirect_log([](const std::string &line) { std::fputs(line.c_str(), stderr); });
  host::configure_log(ATOLL_LOG_WARNING, host::LogFormat::Text);
  const auto parsed = base::parse_json_object(request, 64u << 20);
  if (!parsed) return parsed.error();
  const auto show = [](std::string_view name, std::string_view password) {
    std::printf("The account %.*s was made with the password %.*s\n", static_cast<int>(name.size()), name.data(),
                static_cast<int>(password.size()), password.data());
  };
  const auto say = [&](const std::string &line) {
    if (hear) hear(line);
    return true;
  };
  const auto result = host::run_verb_offline(configuration, *parsed, show, say);
  return host::open_envelope(host::envelope(result));
}

}  // namespace

Result<base::JsonObject> ask_or_do(const Arguments &arguments, const std::string &request) {
  return ask_or_do(arguments, request, kPatience, {});
}

Result<base::JsonObject> ask_or_do_long(const Arguments &arguments, const std::string &request,
                                        const std::function<void(const base::JsonObject &)> &hear) {
  return ask_or_do(arguments, request, kLongPatience, [&](const std::string &line) {
    if (const auto said = base::parse_json_object(line)) hear(base::json_object(*said, "line"));
  });
}

}  // namespace Atoll::command
