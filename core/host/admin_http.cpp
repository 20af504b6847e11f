// SPDX-License-Identifier: Apache-2.0
#include "core/host/admin_http.hpp"

#include <dirent.h>
#include <unistd.h>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/host/admin_verbs.hpp"

namespace Atoll::host {
namespace {

std::uint64_t resident_bytes() {
  const auto text = base::read_file("/proc/self/statm", 256);
  const auto fields = base::split(text ? std::string_view(*text) : std::string_view(), ' ');
  const auto pages = fields.size() > 1 ? base::parse_u64(fields[1]) : std::nullopt;
  return pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t open_descriptors() {
  DIR *folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (const dirent *entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count > 0 ? count - 1 : 0;  // without the one just used
}

void append_engine(std::string &out, const net::Metrics &m) {
  const auto counter = [&](const char *name, const char *help, const std::atomic<std::uint64_t> &value) {
    append_metric(out, std::string("atoll_http_") + name, "counter", help, value.load(std::memory_order_relaxed));
  };
  const auto gauge = [&](const char *name, const char *help, const std::atomic<std::uint64_t> &value) {
    append_metric(out, std::string("atoll_http_") + name, "gauge", help, value.load(std::memory_order_relaxed));
  };
  // One family with a label that tells the members apart.
  using Member = std::pair<const char *, const std::atomic<std::uint64_t> &>;
  const auto family = [&](const char *name, const char *help, const char *label,
                          std::initializer_list<Member> members) {
    const std::string full = std::string("atoll_http_") + name;
    out += "# HELP " + full + " " + help + "\n# TYPE " + full + " counter\n";
    for (const auto &[text, value] : members)
      out += full + "{" + label + "=\"" + text + "\"} " + std::to_string(value.load(std::memory_order_relaxed)) + "\n";
  };
  gauge("connections_open", "Client connections now.", m.connections_open);
  counter("connections_accepted_total", "Client connections.", m.connections_accepted);
  family("refused_total",
         "What a limit refused: connections (max_connections, or no descriptor left), address "
         "(max_connections_per_address), head (malformed or too large), body (max_buffered_body, max_buffered_total), "
         "answer (max_answer_bytes).",
         "reason",
         {{"connections", m.connections_refused},
          {"address", m.connections_refused_address},
          {"head", m.heads_refused},
          {"body", m.bodies_refused},
          {"answer", m.answers_refused}});
  counter("connections_reset_total", "Connections reset by the server.", m.connections_reset);
  counter("timeouts_total", "Clients that stood still for too long.", m.timeouts);
  counter("too_slow_total", "Transfers cut off for min_rate.", m.too_slow);
  counter("requests_total", "Requests.", m.requests);
  gauge("requests_active", "Requests not yet answered in full.", m.requests_active);
  gauge("workers_busy", "Threads that run a handler.", m.workers_busy);
  gauge("buffered_bytes", "Memory of request bodies being buffered.", m.buffered_bytes);
  counter("tls_handshakes_total", "TLS handshakes that succeeded.", m.tls_handshakes);
  counter("tls_resumed_total", "Those of them that resumed a session.", m.tls_resumed);
  counter("tls_failed_total", "TLS handshakes that failed.", m.tls_failed);
  gauge("answer_bytes", "Memory of answers being sent.", m.answer_bytes);
  counter("compressed_total", "Answers sent with gzip.", m.compressed);
  counter("received_bytes_total", "Bytes received.", m.bytes_in);
  counter("sent_bytes_total", "Bytes sent.", m.bytes_out);
  family("responses_total", "Answers by class of status.", "class",
         {{"1xx", m.responses[0]},
          {"2xx", m.responses[1]},
          {"3xx", m.responses[2]},
          {"4xx", m.responses[3]},
          {"5xx", m.responses[4]}});
}

}  // namespace

AdminHttp::AdminHttp(const Runtime &runtime, const Supervisor &supervisor, const net::Engine *main,
                     const Traffic *traffic)
    : runtime_(runtime), supervisor_(supervisor), main_(main), traffic_(traffic), started_ns_(base::monotonic_ns()) {}

std::string AdminHttp::readiness(bool &ready) const {
  ready = open_.load(std::memory_order_acquire) && supervisor_.ready();
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("ready", ready).key("instances").begin_array();
  for (const auto &status : supervisor_.status()) append_instance(json, status);
  json.end_array().end_object();
  return out + "\n";
}

std::string AdminHttp::metrics() const {
  std::string out;
  append_metric(out, "atoll_uptime_seconds", "gauge", "Seconds since the start.",
                static_cast<std::uint64_t>((base::monotonic_ns() - started_ns_) / 1'000'000'000));
  append_metric(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  append_metric(out, "process_open_fds", "gauge", "Open file descriptors.", open_descriptors());
  append_metric(out, "atoll_events_dropped_total", "counter", "Events that found the queue full.",
                runtime_.events.dropped());
  if (main_) append_engine(out, main_->metrics());
  if (traffic_) traffic_->append_text(out);

  const auto all = supervisor_.status();
  out += "# HELP atoll_instance_up Whether an instance is running.\n# TYPE atoll_instance_up gauge\n";
  for (const auto &status : all)
    out += "atoll_instance_up{instance=\"" + label_value(status.name) + "\",plugin=\"" + label_value(status.plugin) +
           "\",state=\"" + std::string(state_name(status.state)) + "\"} " +
           (status.state == State::Running ? "1" : "0") + "\n";
  out += "# HELP atoll_instance_starts_total Successful starts.\n# TYPE atoll_instance_starts_total counter\n";
  for (const auto &status : all)
    out += "atoll_instance_starts_total{instance=\"" + label_value(status.name) + "\"} " +
           std::to_string(status.starts) + "\n";
  runtime_.metrics.append_text(out);
  return out;
}

void AdminHttp::handle(net::Exchange &exchange) const {
  const net::RequestHead &head = exchange.head();
  if (head.method != "GET" && head.method != "HEAD")
    return exchange.respond(net::Response(405, "Only GET is known here.\n").with("Allow", "GET, HEAD"));
  net::Response out(404, "There are /healthz, /readyz and /metrics here.\n");
  if (head.path == "/healthz") out = net::Response(200, "ok\n");
  if (head.path == "/readyz") {
    bool ready = false;
    std::string text = readiness(ready);
    out = net::Response(ready ? 200 : 503, std::move(text), "application/json");
    if (!ready) out.with("Retry-After", "1");
  }
  if (head.path == "/metrics") out = net::Response(200, metrics(), "text/plain; version=0.0.4; charset=utf-8");
  exchange.respond(out.with("Cache-Control", "no-store"));
}

}  // namespace Atoll::host
