// SPDX-License-Identifier: Apache-2.0
#include "core/host/traffic.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "core/host/prometheus_reader.hpp"

namespace Atoll::host {
namespace {

using testing::PrometheusReader;
constexpr const char *kDuration = "atoll_http_request_duration_seconds";

std::string text(const Traffic &traffic) {
  std::string out;
  traffic.append_text(out);
  return out;
}

TEST_CASE("traffic: what never happened has no line") { CHECK(text(Traffic({"/a", "/b"})).empty()); }

TEST_CASE("traffic: routes, methods, classes, bytes and buckets") {
  Traffic traffic({"/dav", "/ocs", "/dav", "we\"ird\\\n"});
  const std::int64_t ms = 1'000'000;
  traffic.record("/dav", "GET", 200, 0, 100, 0);
  traffic.record("/dav", "HEAD", 404, 0, 50, ms);
  traffic.record("/dav", "GET", 200, 0, 7, ms + 1);
  traffic.record("/dav", "PUT", 201, 4096, 10, 60'000 * ms);
  traffic.record("/dav", "PUT", 0, 5, 0, 60'000 * ms + 1);
  traffic.record("/dav", "BREW", 700, 0, 0, -5);
  traffic.record("/nowhere", "PROPFIND", 503, 0, 1, 3 * ms);
  traffic.record("", "MOVE", 100, 0, 1, 3 * ms);
  traffic.record("we\"ird\\\n", "GET", 304, 0, 1, 3 * ms);
  const PrometheusReader read(text(traffic));
  CHECK(read.problems() == "");
  const auto bucket = [&](const char *route, const char *method, const char *le) {
    return read.value(std::string(kDuration) + "_bucket", {{"route", route}, {"method", method}, {"le", le}});
  };
  CHECK(bucket("/dav", "read", "0.001") == 2);
  CHECK(bucket("/dav", "read", "0.0025") == 3);
  CHECK(bucket("/dav", "read", "+Inf") == 3);
  CHECK(bucket("/dav", "write", "30") == 0);
  CHECK(bucket("/dav", "write", "60") == 1);
  CHECK(bucket("/dav", "write", "+Inf") == 2);
  CHECK(bucket("/dav", "other", "0.001") == 1);
  CHECK(bucket("other", "list", "0.005") == 1);
  CHECK(bucket("other", "change", "0.005") == 1);
  CHECK(bucket("we\"ird\\\n", "read", "0.005") == 1);
  CHECK(bucket("/ocs", "read", "0.005") == -1);
  CHECK(read.value(std::string(kDuration) + "_sum", {{"route", "/dav"}, {"method", "read"}}) == 0.002000001);
  const auto answers = [&](const char *route, const char *klass) {
    return read.value("atoll_http_route_responses_total", {{"route", route}, {"class", klass}});
  };
  CHECK(answers("/dav", "2xx") == 3);
  CHECK(answers("/dav", "4xx") == 1);
  CHECK(answers("/dav", "none") == 2);
  CHECK(answers("other", "1xx") == 1);
  CHECK(answers("other", "5xx") == 1);
  CHECK(read.value("atoll_http_route_received_bytes_total", {{"route", "/dav"}}) == 4101);
  CHECK(read.value("atoll_http_route_sent_bytes_total", {{"route", "/dav"}}) == 167);
}

TEST_CASE("traffic: nothing is lost among threads, and each reading is whole") {
  Traffic traffic({"/dav"});
  constexpr int kThreads = 12, kEach = 20'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        traffic.record("/dav", i % 2 ? "GET" : "PUT", 200, 1, 2, std::int64_t{1} << (i + t) % 38);
    });
  for (int i = 0; i < 20; ++i) {
    const std::string now = text(traffic);
    if (!now.empty()) CHECK(PrometheusReader(now).problems() == "");
  }
  for (auto &thread : threads) thread.join();
  const PrometheusReader read(text(traffic));
  CHECK(read.problems() == "");
  CHECK(read.value("atoll_http_route_responses_total", {{"route", "/dav"}, {"class", "2xx"}}) == kThreads * kEach);
  CHECK(read.value("atoll_http_route_sent_bytes_total", {{"route", "/dav"}}) == 2 * kThreads * kEach);
  CHECK(read.value(std::string(kDuration) + "_count", {{"route", "/dav"}, {"method", "read"}}) == kThreads * kEach / 2);
}

TEST_CASE("prometheus reader: finds what is wrong") {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  CHECK(PrometheusReader(head + "a_total 1\n").problems() == "");
  const std::string histogram = "# HELP h x\n# TYPE h histogram\n";
  CHECK(
      PrometheusReader(histogram + "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n").problems() ==
      "");
  for (const std::string &bad :
       {std::string("a_total 1\n"),
        head + "a_total 1",
        head + "a_total\n",
        head + "a_total x\n",
        head + "a_total -1\n",
        head + "a_total 1\na_total 2\n",
        head + head + "a_total 1\n",
        head + "a_total{b=c} 1\n",
        head + "a_total{b=\"c} 1\n",
        head + "a_total{b=\"\\x\"} 1\n",
        head + "a_total{b=\"1\",b=\"2\"} 1\n",
        head + "a_total{} 1\n",
        head + "1a 1\n",
        std::string("# HELP a x\na 1\n"),
        std::string("# TYPE a gauge\na 1\n"),
        std::string("# HELP a x\n# TYPE a counter\na 1\n"),
        std::string("# nothing\n"),
        head + "a_total 1\n# HELP b x\n# TYPE b gauge\nb 1\na_total{c=\"d\"} 1\n",
        histogram + "h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n",
        histogram + "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 3\nh_count 1\n",
        histogram + "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 3\nh_count 1\n",
        histogram + "h_bucket{le=\"+Inf\"} 1\nh_sum 3\nh_count 2\n",
        histogram + "h_bucket{le=\"+Inf\"} 1\nh_count 1\n",
        histogram + "h_sum 3\nh_count 1\n"}) {
    CAPTURE(bad);
    CHECK(PrometheusReader(bad).problems() != "");
  }
}

}  // namespace
}  // namespace Atoll::host
