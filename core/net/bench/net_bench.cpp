// SPDX-License-Identifier: Apache-2.0
// A bare engine to measure with wrk, curl and perf: net_bench ADDRESS FILE [WORKERS [CERTIFICATE KEY]]
//   With a certificate the address speaks TLS; both files are made if neither is there.
//   /hello  600 bytes      /file  FILE by extents      PUT /null  a body that is counted and dropped
#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "core/base/file.hpp"
#include "core/net/engine.hpp"

int main(int argc, char **argv) {
  using namespace Atoll;
  if (argc < 3) return 2;
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  net::Options options;
  const bool tls = argc > 5;
  options.listen = {net::ListenAddress(std::string(argv[1]), tls)};
  if (tls) {
    auto made = net::make_self_signed(argv[4], argv[5], {"localhost", "127.0.0.1"});
    auto loaded = net::TlsContext::load({argv[4], argv[5]});
    if (!made || !loaded) {
      std::fprintf(stderr, "%s\n", (made ? loaded.error() : made.error()).message.c_str());
      return 1;
    }
    options.tls = *loaded;
  }
  if (argc > 3) options.workers = static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10));
  net::Engine engine(options);
  const std::string path = argv[2];
  auto started = engine.start([path](std::shared_ptr<net::Exchange> exchange) {
    if (exchange->head().path == "/hello") return exchange->respond(net::Response(200, std::string(600, 'x')));
    if (exchange->head().path == "/file") {
      const auto file = std::make_shared<base::Fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      struct stat status {};
      if (!*file || ::fstat(file->get(), &status) != 0) return exchange->respond(net::Response(404));
      net::Extents extents;
      extents.parts.push_back(net::Extent::file(file->get(), 0, static_cast<std::uint64_t>(status.st_size)));
      extents.owner = file;
      net::Response response(200);
      response.body = std::move(extents);
      return exchange->respond(std::move(response));
    }
    if (exchange->head().method == "PUT")
      return exchange->stream_body([](std::span<const std::byte>) { return Result<void>(); },
                                   [](net::Exchange &self, Result<std::uint64_t> bytes) {
                                     self.respond(net::Response(bytes ? 201 : 500, "done\n"));
                                   });
    exchange->respond(net::Response(404, "no\n"));
  });
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", engine.addresses().front().c_str());
  std::fflush(stdout);
  int signal = 0;
  do sigwait(&signals, &signal);
  while (signal == SIGPIPE);
  engine.stop();
  return 0;
}
