// SPDX-License-Identifier: Apache-2.0
// atoll instance list | start | stop | restart, atoll status, atoll version
#include <cstdio>

#include "core/main/commands.hpp"
#include "core/main/print.hpp"
#include "core/main/remote.hpp"

namespace Atoll::command {
namespace {

void print_instances(const base::JsonArray &instances) {
  Table table({"NAME", "STATE", "DURABILITY", "PLUGIN", "REASON"});
  for (unsigned i = 0; instances && i < instances->size(); ++i) {
    const auto one = instances->getObject(i);
    table.add(
        {text(one, "name"), text(one, "state"), text(one, "durability"), text(one, "plugin"), text(one, "reason")});
  }
  table.print(false);
}

int change(const Arguments &arguments, std::string_view verb, const char *state) {
  const auto answer = ask(arguments, simple_request(verb, arguments.words[0]));
  if (answer) std::printf("%s is %s.\n", arguments.words[0].c_str(), state);
  return report(answer);
}

std::string joined(const base::JsonArray &list) {
  std::string out;
  for (unsigned i = 0; list && i < list->size(); ++i) out += (i ? " " : "") + list->getElement<std::string>(i);
  return out;
}

}  // namespace

int instance_list(const Arguments &arguments) {
  const auto answer = ask(arguments, simple_request("instance.list"));
  if (!answer) return report(answer);
  if (arguments.has("--json"))
    print_json(*answer);
  else
    print_instances(base::json_array(*answer, "instances"));
  return kDone;
}

int instance_start(const Arguments &arguments) { return change(arguments, "instance.start", "running"); }
int instance_stop(const Arguments &arguments) { return change(arguments, "instance.stop", "stopped"); }
int instance_restart(const Arguments &arguments) { return change(arguments, "instance.restart", "running"); }

int status(const Arguments &arguments) {
  const auto answer = ask(arguments, simple_request("status"));
  if (!answer) return report(answer);
  const bool ready = base::json_boolean(*answer, "ready").value_or(false);
  if (arguments.has("--json")) {
    print_json(*answer);
    return ready ? kDone : kFailed;
  }
  std::printf("Atoll %s, process %s, up for %s s, %s\n", text(*answer, "version").c_str(), text(*answer, "pid").c_str(),
              text(*answer, "uptime_s").c_str(), ready ? "ready" : "NOT READY");
  std::printf("data     %s\nlisten   %s\nmetrics  %s\n", text(*answer, "data").c_str(),
              joined(base::json_array(*answer, "listen")).c_str(),
              joined(base::json_array(*answer, "metrics_listen")).c_str());
  if (const auto tls = base::json_object(*answer, "tls"))
    std::printf("TLS      %s, until %s\n", text(tls, "certificate").c_str(), text(tls, "ends").c_str());
  std::printf("\n");
  print_instances(base::json_array(*answer, "instances"));
  return ready ? kDone : kFailed;
}

int print_version(const Arguments &) {
  std::printf("atoll %s\n", std::string(version()).c_str());
  return kDone;
}

}  // namespace Atoll::command
