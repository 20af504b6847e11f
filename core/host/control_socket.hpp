// SPDX-License-Identifier: Apache-2.0
// The control socket: one line of JSON in, one line of JSON out, for the same user and root only. Long work says lines
// that begin with {"line": before its answer.
#pragma once

#include <atoll/sdk/result.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "core/base/file.hpp"
#include "core/host/task_pool.hpp"

namespace Atoll::host {

/// Serves DATA/run/control.sock (mode 0600). The address may be longer than sockaddr_un allows.
class ControlServer {
 public:
  /// Sends a line (without its end) before the answer. False: nobody wants it any more, or the server stops.
  using Say = std::function<bool(const std::string &)>;
  /// Gets a line without its end, gives a line without its end. [any thread], several at a time.
  using Handler = std::function<std::string(const std::string &, const Say &)>;

  ControlServer() = default;
  ~ControlServer() { stop(); }
  ControlServer(const ControlServer &) = delete;
  ControlServer &operator=(const ControlServer &) = delete;

  /// Replaces a socket that is there: the caller holds the lock on the data. [start-up]
  Result<void> start(const std::string &data, Handler handler);
  void stop();

 private:
  void accept_all();
  void serve(base::Fd client) const;

  std::string folder_;
  Handler handler_;
  base::Fd listening_, wake_;
  std::atomic<bool> leaving_{false};
  TaskPool pool_{8};
  std::thread thread_;
};

/// Sends one request to the server that runs on this data folder and gives its answer. Unavailable: none runs there.
/// `patience`: with each line. `hear` gets what long work says before its answer. [any thread]
Result<std::string> control_request(const std::string &data, std::string_view line, std::chrono::milliseconds patience,
                                    const std::function<void(const std::string &)> &hear = {});

}  // namespace Atoll::host
