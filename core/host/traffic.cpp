// SPDX-License-Identifier: Apache-2.0
#include "core/host/traffic.hpp"

#include <algorithm>
#include <utility>

#include "core/host/metrics.hpp"

namespace Atoll::host {
namespace {

constexpr std::size_t kShards = 8;  // of each counter; a thread keeps to one
constexpr std::array<std::string_view, 5> kMethods{"read", "list", "write", "change", "other"};
// By the first digit of the status; 0: the client was gone before there was an answer.
constexpr std::array<std::string_view, 6> kClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, Traffic::kBuckets.size() + 1> kEnds{
    "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
    "0.5",   "1",      "2.5",   "5",    "10",    "30",   "60",  "+Inf"};

std::size_t method_class(std::string_view method) {
  if (method == "GET" || method == "HEAD") return 0;
  if (method == "PROPFIND" || method == "REPORT" || method == "SEARCH") return 1;
  if (method == "PUT" || method == "POST" || method == "PATCH") return 2;
  for (const std::string_view one :
       {"DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "UNLOCK", "MKCALENDAR", "ACL"})
    if (method == one) return 3;
  return 4;
}

using Counter = std::atomic<std::uint64_t>;

void add(Counter &counter, std::uint64_t value) { counter.fetch_add(value, std::memory_order_relaxed); }

std::size_t my_shard() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return mine;
}

std::string seconds(std::uint64_t ns) {
  std::string rest = std::to_string(ns % 1'000'000'000);
  rest.insert(0, 9 - rest.size(), '0');
  return std::to_string(ns / 1'000'000'000) + "." + rest;
}

void head(std::string &out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
  out.append(type).append("\n");
}

void line(std::string &out, std::string_view name,
          std::initializer_list<std::pair<std::string_view, std::string_view>> labels, std::string_view value) {
  out.append(name).append("{");
  const char *between = "";
  for (const auto &[label, text] : labels) {
    out.append(between).append(label).append("=\"").append(label_value(text)).append("\"");
    between = ",";
  }
  out.append("} ").append(value).append("\n");
}

}  // namespace

// The counters of one route for the threads of one shard.
struct alignas(64) Traffic::Shard {
  struct Histogram {
    std::array<Counter, kBuckets.size() + 1> buckets{};
    Counter sum_ns{0};
  };
  std::array<Histogram, kMethods.size()> durations{};
  std::array<Counter, kClasses.size()> classes{};
  Counter bytes_in{0}, bytes_out{0};
};

// The same over all shards.
struct Traffic::Sum {
  struct Histogram {
    std::array<std::uint64_t, kBuckets.size() + 1> buckets{};
    std::uint64_t sum_ns = 0, count = 0;
  };
  std::array<Histogram, kMethods.size()> durations{};
  std::array<std::uint64_t, kClasses.size()> classes{};
  std::uint64_t bytes_in = 0, bytes_out = 0, count = 0;
};

Traffic::Traffic(std::vector<std::string> routes)
    : routes_([&] {
        std::sort(routes.begin(), routes.end());
        routes.erase(std::unique(routes.begin(), routes.end()), routes.end());
        routes.emplace_back("other");
        return std::move(routes);
      }()) {
  for (std::size_t i = 0; i < routes_.size(); ++i) shards_.push_back(std::make_unique<Shard[]>(kShards));
}

Traffic::~Traffic() = default;

std::size_t Traffic::find(std::string_view route) const {
  const auto end = routes_.end() - 1;
  const auto found = std::lower_bound(routes_.begin(), end, route);
  return static_cast<std::size_t>((found != end && *found == route ? found : end) - routes_.begin());
}

void Traffic::record(const net::Finished &done) {
  record(done.route, done.head.method, done.status, done.bytes_in, done.bytes_out, done.duration_ns);
}

void Traffic::record(std::string_view route, std::string_view method, int status, std::uint64_t bytes_in,
                     std::uint64_t bytes_out, std::int64_t duration_ns) {
  Shard &shard = shards_[find(route)][my_shard()];
  auto &histogram = shard.durations[method_class(method)];
  const auto bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), duration_ns) - kBuckets.begin();
  add(histogram.buckets[static_cast<std::size_t>(bucket)], 1);
  add(histogram.sum_ns, static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration_ns)));
  add(shard.classes[status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0], 1);
  if (bytes_in > 0) add(shard.bytes_in, bytes_in);
  add(shard.bytes_out, bytes_out);
}

Traffic::Sum Traffic::sum(std::size_t route) const {
  Sum out;
  const auto get = [](const Counter &counter) { return counter.load(std::memory_order_relaxed); };
  for (std::size_t at = 0; at < kShards; ++at) {
    const Shard &shard = shards_[route][at];
    for (std::size_t method = 0; method < kMethods.size(); ++method) {
      auto &histogram = out.durations[method];
      for (std::size_t i = 0; i <= kBuckets.size(); ++i) {
        const auto value = get(shard.durations[method].buckets[i]);
        histogram.buckets[i] += value;
        histogram.count += value;
        out.count += value;
      }
      histogram.sum_ns += get(shard.durations[method].sum_ns);
    }
    for (std::size_t i = 0; i < kClasses.size(); ++i) out.classes[i] += get(shard.classes[i]);
    out.bytes_in += get(shard.bytes_in);
    out.bytes_out += get(shard.bytes_out);
  }
  return out;
}

void Traffic::append_text(std::string &out) const {
  std::vector<std::pair<std::string_view, Sum>> used;
  for (std::size_t i = 0; i < routes_.size(); ++i)
    if (auto one = sum(i); one.count > 0) used.emplace_back(routes_[i], one);
  if (used.empty()) return;

  constexpr std::string_view kDuration = "atoll_http_request_duration_seconds";
  head(out, kDuration, "histogram", "From the complete head of a request to the last byte of its answer.");
  for (const auto &[route, one] : used)
    for (std::size_t method = 0; method < kMethods.size(); ++method) {
      const auto &histogram = one.durations[method];
      if (histogram.count == 0) continue;
      std::uint64_t below = 0;
      for (std::size_t i = 0; i < kEnds.size(); ++i) {
        below += histogram.buckets[i];
        line(out, std::string(kDuration) + "_bucket",
             {{"route", route}, {"method", kMethods[method]}, {"le", kEnds[i]}}, std::to_string(below));
      }
      line(out, std::string(kDuration) + "_sum", {{"route", route}, {"method", kMethods[method]}},
           seconds(histogram.sum_ns));
      line(out, std::string(kDuration) + "_count", {{"route", route}, {"method", kMethods[method]}},
           std::to_string(histogram.count));
    }

  head(out, "atoll_http_route_responses_total", "counter", "Answers by route and class of status.");
  for (const auto &[route, one] : used)
    for (std::size_t i = 0; i < kClasses.size(); ++i)
      if (one.classes[i] > 0)
        line(out, "atoll_http_route_responses_total", {{"route", route}, {"class", kClasses[i]}},
             std::to_string(one.classes[i]));
  head(out, "atoll_http_route_received_bytes_total", "counter", "Bytes of request bodies by route.");
  for (const auto &[route, one] : used)
    line(out, "atoll_http_route_received_bytes_total", {{"route", route}}, std::to_string(one.bytes_in));
  head(out, "atoll_http_route_sent_bytes_total", "counter", "Bytes of answers by route.");
  for (const auto &[route, one] : used)
    line(out, "atoll_http_route_sent_bytes_total", {{"route", route}}, std::to_string(one.bytes_out));
}

}  // namespace Atoll::host
