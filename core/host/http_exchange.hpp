// SPDX-License-Identifier: Apache-2.0
// One request as a protocol plugin sees it: atoll_request, atoll_call and atoll_exchange over a net::Exchange.
#pragma once

#include <atoll/abi/http.h>
#include <atoll/sdk/call.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/host/forwarded.hpp"
#include "core/host/instance.hpp"
#include "core/host/side_work.hpp"
#include "core/net/exchange.hpp"

namespace Atoll::host {

/// What every 401 carries: two WWW-Authenticate fields, Bearer first. Clients that call themselves scripts get no
/// Basic, so that browsers open no dialog.
void add_challenges(net::Response &response, const net::RequestHead &head, const std::string &realm);

/// Lives until it was answered and no function of the plugin runs for it; holds the instance as long.
class HttpExchange : public std::enable_shared_from_this<HttpExchange> {
 public:
  /// `route` names the route in log and metrics. It, `realm` and `helpers` live as long as the host.
  HttpExchange(std::shared_ptr<net::Exchange> exchange, Lease lease, const std::string &realm, std::string_view route,
               Client client, SideWork &helpers);
  ~HttpExchange();
  HttpExchange(const HttpExchange &) = delete;
  HttpExchange &operator=(const HttpExchange &) = delete;

  /// Before handle(): the outcome of the login.
  void set_principal(Principal principal);
  void set_refusal(Error why);
  const atoll_call *call() const { return &call_; }
  std::string_view peer() const { return view(request_.peer); }  ///< the client's address

  /// Calls the plugin. [worker]
  void handle();

 private:
  struct Functions;
  friend struct Functions;
  using Done = atoll_body_done;

  void respond(const atoll_response &raw);
  void fail(std::int32_t status);
  void send(net::Response response);
  void body_done(Done done, void *context, const atoll_body_result &result);
  void finish_call();
  net::Response translate(const atoll_response &raw);

  const std::shared_ptr<net::Exchange> exchange_;
  const std::shared_ptr<Lease> lease_;  // shared with bodies that are still being sent
  const std::string &realm_;
  const std::string_view route_;
  const Client client_;
  SideWork &helpers_;
  std::vector<atoll_header> headers_;
  struct Login {
    explicit Login(Principal who) : principal(std::move(who)), raw(principal) {}
    const Principal principal;
    const AbiPrincipal raw;
  };
  std::unique_ptr<const Login> login_;  // of its own: larger objects than this one are slow to make
  std::string refusal_message_;
  atoll_request request_{};
  atoll_call call_{};
  atoll_exchange raw_{};

  std::mutex mutex_;
  std::shared_ptr<HttpExchange> keep_;  // itself, until answered and no function of the plugin runs
  unsigned running_ = 0;
  bool answered_ = false;

  Error failure_;
};

}  // namespace Atoll::host
