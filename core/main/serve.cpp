// SPDX-License-Identifier: Apache-2.0
// atoll serve
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "core/host/log.hpp"
#include "core/host/server.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/program.hpp"

namespace Atoll::command {
namespace {

// Blocked before any thread is made, so that all of them inherit it and only wait() sees the signals.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    for (const int one : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set_, one);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  /// The next signal, or 0 after `most`.
  int wait(std::chrono::seconds most) const {
    timespec left{};
    left.tv_sec = most.count();
    for (;;) {
      const int one = ::sigtimedwait(&set_, nullptr, &left);
      if (one > 0) return one;
      if (errno == EAGAIN) return 0;
    }
  }

 private:
  sigset_t set_{};
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void show_password(std::string_view name, std::string_view password) {
  std::printf(
      "\n  First start: log in as %.*s with the password %.*s\n"
      "  It is shown this once; change it with: atoll user passwd %.*s\n\n",
      static_cast<int>(name.size()), name.data(), static_cast<int>(password.size()), password.data(),
      static_cast<int>(name.size()), name.data());
  std::fflush(stdout);
}

}  // namespace

int serve(const Arguments &arguments) {
  const Signals signals;
  auto activation = host::Activation::take();
  if (!activation) {
    complain(activation.error().message);
    return kConfig;
  }
  raise_descriptor_limit();
  ::umask(027);
  auto from = sources(arguments);
  const auto loader = std::make_unique<host::PluginLoader>(plugin_path(arguments));
  host::Problems problems;
  auto configuration = host::read_configuration(from, *loader, problems);
  if (!problems.empty()) {
    for (const auto &problem : problems) complain(problem.text());
    return kConfig;
  }
  host::Server server(std::move(configuration), std::move(from), *loader, std::string(version()),
                      std::move(*activation));
  if (auto started = server.start(show_password); !started) {
    complain(started.error().message);
    if (!server.stop()) std::_Exit(kFailed);
    if (started.status() == Status::AlreadyExists) return kFailed;
    return started.status() == Status::InvalidArgument ? static_cast<int>(kConfig) : exit_code(started.status());
  }
  for (const auto &address : server.addresses())
    host::log(ATOLL_LOG_INFO, "server", "Atoll is at " + address, {{"version", version()}});
  for (const auto &address : server.metrics_addresses())
    host::log(ATOLL_LOG_INFO, "server", "health and metrics are at " + address);

  for (;;) {
    const int signal = signals.wait(std::chrono::hours(12));
    if (signal == 0) {
      server.look_after_certificate();
      continue;
    }
    if (signal == SIGHUP) {
      server.reload();
      continue;
    }
    host::log(ATOLL_LOG_INFO, "server", "stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
    const bool clean = server.stop();
    host::log(ATOLL_LOG_INFO, "server", clean ? "stopped" : "stopped, but something hung and was cut off");
    if (!clean) std::_Exit(kFailed);
    return kDone;
  }
}

}  // namespace Atoll::command
