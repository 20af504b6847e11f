// SPDX-License-Identifier: Apache-2.0
#include "core/host/access_log.hpp"

#include <string>

#include "core/host/forwarded.hpp"
#include "core/host/log.hpp"

namespace Atoll::host {

void log_access(const net::Finished &done, const Networks &trusted_proxies) {
  if (!log_enabled(ATOLL_LOG_INFO)) return;
  const Client client = find_client(done.head, trusted_proxies);
  const std::string status = std::to_string(done.status), in = std::to_string(done.bytes_in),
                    out = std::to_string(done.bytes_out), micros = std::to_string(done.duration_ns / 1000);
  const std::string &peer = client.address.empty() ? done.head.connection->peer.host : client.address;
  log(ATOLL_LOG_INFO, "http", done.complete ? "request" : "request cut off",
      {{"method", done.head.method},
       {"path", done.head.path},
       {"route", done.route},
       {"status", status, true},
       {"bytes_in", in, true},
       {"bytes_out", out, true},
       {"microseconds", micros, true},
       {"user", done.user},
       {"peer", peer},
       {"tls", client.secure ? "yes" : "no"}},
      done.head.request_id);
}

}  // namespace Atoll::host
