// SPDX-License-Identifier: Apache-2.0
#include "core/host/server_section.hpp"

#include <unistd.h>

#include <algorithm>

namespace Atoll::host {
namespace {

class Checker {
 public:
  Checker(Configuration &configuration, Problems &problems) : configuration_(configuration), problems_(problems) {}

  void tls() {
    const std::string &wanted = text("tls");
    TlsConfig &tls = configuration_.tls;
    if (wanted == "off") return;
    tls.enabled = true;
    tls.automatic = wanted == "auto";
    tls.files.only_tls_1_3 = text("tls_minimum") == "1.3";
    tls.files.kernel = number("tls_kernel") != 0;
    const std::string certificate = text("tls_certificate"), key = text("tls_key");
    if (!tls.automatic && (certificate.empty() || key.empty()))
      return tell(certificate.empty() && !key.empty() ? "tls_key" : "tls",
                  "tls = files needs tls_certificate and tls_key, the paths of two PEM files; or write tls = auto");
    if (certificate.empty() != key.empty())
      return tell(certificate.empty() ? "tls_key" : "tls_certificate",
                  "set both tls_certificate and tls_key, or neither");
    tls.files.certificate = certificate.empty() ? configuration_.data + "/tls/certificate.pem" : certificate;
    tls.files.key = key.empty() ? configuration_.data + "/tls/key.pem" : key;
  }

  void addresses() {
    configuration_.listen = parse("listen", configuration_.tls.enabled);
    if (configuration_.listen.empty() && problems_.empty())
      tell("listen", "listen: there is no address; write for example 127.0.0.1:9200");
    const std::string &metrics = text("metrics_listen");
    if (metrics != "auto" && metrics != "off") configuration_.metrics_listen = parse("metrics_listen", false);
    auto proxies = Networks::parse(text("trusted_proxies"));
    if (proxies)
      configuration_.trusted_proxies = std::move(*proxies);
    else
      tell("trusted_proxies", "trusted_proxies: " + proxies.error().message);
  }

  void public_url() {
    std::string url = text("public_url");
    while (!url.empty() && url.back() == '/') url.pop_back();
    const std::string_view rest = std::string_view(url).substr(url.compare(0, 8, "https://") == 0  ? 8
                                                               : url.compare(0, 7, "http://") == 0 ? 7
                                                                                                   : url.size());
    if (url.empty() && !text("public_url").empty()) url = "/";
    if (!url.empty() && (rest.empty() || rest.front() == '/' || url.find_first_of(" ?#\"<>\\") != url.npos))
      tell("public_url", "public_url: write https://HOST or http://HOST, with a port or a path behind it where needed");
    configuration_.public_url = url.empty() ? url_of(configuration_.listen) : url;
  }

  void limits() {
    range("workers", 0, 1'000'000);
    range("max_connections", 1, 1'000'000);
    range("max_connections_per_address", 0, 1'000'000);
    range("max_head", 1 << 10, 1 << 20, "a size from 1K to 1M");
    range("max_buffered_body", 64 << 10, std::int64_t{1} << 40, "a size from 64K");
    range("max_answer_bytes", 1 << 20, std::int64_t{1} << 40, "a size from 1M");
    range("min_rate", 0, 1 << 30, "a size from 0 to 1G, in a second");
    for (const char *key : {"head_timeout", "idle_timeout", "body_timeout", "write_timeout", "rate_grace"})
      range(key, 1'000'000, std::int64_t{86400} * 1'000'000'000,
            "a duration from 1ms to 24h; there is no 'never', as "
            "clients that vanished would stay for ever");
    if (number("max_buffered_body") > number("max_buffered_total"))
      tell(set("max_buffered_total") ? "max_buffered_total" : "max_buffered_body",
           "max_buffered_body (" + text("max_buffered_body") + ") does not fit into max_buffered_total (" +
               text("max_buffered_total") + "); raise max_buffered_total");
    if (set("max_connections_per_address") && number("max_connections_per_address") > number("max_connections"))
      tell("max_connections_per_address", "max_connections_per_address (" + text("max_connections_per_address") +
                                              ") is more than max_connections (" + text("max_connections") +
                                              "), so it would limit nothing; write 0 for no limit, or less");
    if (set("rate_grace") && number("min_rate") == 0)
      tell("rate_grace", "rate_grace does nothing with min_rate = 0; remove it, or set min_rate");
  }

 private:
  // Keys without a default may be missing.
  const Value &value(const char *key) const {
    static const Value none;
    const auto found = configuration_.server.find(key);
    return found == configuration_.server.end() ? none : found->second;
  }
  const std::string &text(const char *key) const { return value(key).text; }
  std::int64_t number(const char *key) const { return value(key).integer; }
  bool set(const char *key) const { return value(key).origin.kind != Origin::Kind::Embedded; }
  void tell(const char *key, std::string message) { problems_.push_back({value(key).origin, std::move(message)}); }
  void range(const char *key, std::int64_t least, std::int64_t most, const std::string &words = {}) {
    if (number(key) >= least && number(key) <= most) return;
    tell(key, std::string(key) + ": write " +
                  (words.empty() ? "a number from " + std::to_string(least) + " to " + std::to_string(most) : words));
  }
  std::vector<ListenSpec> parse(const char *key, bool tls) {
    auto specs = parse_listen(text(key), tls);
    if (!specs) {
      tell(key, std::string(key) + ": " + specs.error().message);
      return {};
    }
    for (const auto &spec : *specs) {
      if (spec.tls && !configuration_.tls.enabled)
        tell(key, std::string(key) + ": " + spec.text() + " needs tls = auto or tls = files");
      if (!spec.tls && spec.exposed() && number("plain_http") == 0) tell(key, exposed_plainly(key, spec.address));
    }
    return std::move(*specs);
  }

  // Where a client on this machine, or one that knows its name, gets to the first address.
  static std::string url_of(const std::vector<ListenSpec> &specs) {
    for (const ListenSpec &spec : specs) {
      if (spec.kind != ListenSpec::Kind::Tcp) continue;
      const auto colon = spec.address.rfind(':');
      std::string host = spec.address.substr(0, colon);
      if (host == "0.0.0.0" || host == "[::]" || host == "*") {
        char name[256] = {};
        host = ::gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
      }
      return (spec.tls ? "https://" : "http://") + host +
             (colon == std::string::npos ? "" : spec.address.substr(colon));
    }
    return "http://localhost";
  }

  Configuration &configuration_;
  Problems &problems_;
};

}  // namespace

void check_server(Configuration &configuration, Problems &problems) {
  Checker checker(configuration, problems);
  checker.tls();
  checker.addresses();
  checker.public_url();
  checker.limits();
}

net::Options engine_limits(const Configuration &configuration) {
  const auto count = [&](const char *key) { return static_cast<std::size_t>(configuration.server_integer(key)); };
  const auto time = [&](const char *key) {
    return std::chrono::milliseconds(configuration.server_integer(key) / 1'000'000);
  };
  net::Options options;
  options.workers = static_cast<unsigned>(configuration.server_integer("workers"));
  options.max_connections = count("max_connections");
  options.max_connections_per_address = count("max_connections_per_address");
  options.max_head = count("max_head");
  options.max_target = std::min(options.max_target, options.max_head);
  options.max_buffered_body = count("max_buffered_body");
  options.max_buffered_total = count("max_buffered_total");
  options.max_answer_bytes = count("max_answer_bytes");
  options.min_rate = count("min_rate");
  options.rate_grace = time("rate_grace");
  options.head_timeout = time("head_timeout");
  options.idle_timeout = time("idle_timeout");
  options.body_timeout = time("body_timeout");
  options.write_timeout = time("write_timeout");
  options.compress = configuration.server_integer("compress") != 0;
  return options;
}

}  // namespace Atoll::host
