// SPDX-License-Identifier: Apache-2.0
// A real engine, a protocol plugin and an authenticator, over real sockets.
#include "core/host/http_host.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atoll/sdk/accounts.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/plugin.hpp>

#include <atomic>
#include <mutex>

#include "core/base/file.hpp"
#include "core/base/text.hpp"
#include "core/host/admin_http.hpp"
#include "core/host/authenticator.hpp"
#include "core/host/log.hpp"
#include "core/host/prometheus_reader.hpp"
#include "core/host/runtime.hpp"
#include "core/host/supervisor.hpp"
#include "core/host/test_support.hpp"
#include "core/net/engine.hpp"

namespace Atoll::host {
namespace {

std::atomic<int> released{0}, write_calls{0};
std::atomic<bool> auth_down{false};

struct Echo : Plugin<Echo>, Http<Echo> {
  static constexpr PluginInfo info{"org.example.echo", "1", "Apache-2.0", "x", ATOLL_THREADS_SERIAL};
  using Offers = Interfaces<Http<Echo>>;
  static constexpr std::array<Atoll::Route, 3> routes{
      {{"/echo"}, {"/echo/open", ATOLL_ROUTE_ANONYMOUS}, {"/p\xc3\xa4th"}}};

  static Result<std::unique_ptr<Echo>> create(const Call &, Host) { return std::make_unique<Echo>(); }

  void handle(const Call &call, const Request &request, Exchange exchange) {
    const std::string path(request.path());
    const auto ends = [&](std::string_view tail) {
      return path.size() >= tail.size() && path.compare(path.size() - tail.size(), tail.size(), tail) == 0;
    };
    if (ends("/open/fail")) throw std::runtime_error("kaputt");
    if (ends("/open/refuse")) {
      call.fail(error(Status::PermissionDenied, "Not for you."));
      return exchange.respond(Response{403, {{"X-Bad", "a\r\nSet-Cookie: b"}}, std::string("no\n")});
    }
    if (ends("/open/401")) return exchange.respond(Response{401, {{"WWW-Authenticate", "Mine"}}, {}});
    if (ends("/open/buffer")) {
      return exchange.buffer_body(8, [](const Call &, Exchange e, const BodyResult &body) {
        const bool busy = body.status() == Status::Unavailable;
        const auto later = std::to_string(body.retry_after_ms());
        e.respond(Response{body.ok() ? 200 : busy ? 503 : 413, {}, "<" + std::string(body.bytes()) + ">" + later});
      });
    }
    if (ends("/open/receive") || ends("/open/fd")) {
      const int fd = ends("/open/fd") ? ::open("/tmp", O_TMPFILE | O_RDWR, 0600) : -1;
      auto got = std::make_shared<std::string>();
      return exchange.receive_body(
          fd, 1 << 20, ATOLL_STAT_SHA1 | ATOLL_STAT_ADLER32,
          [got](std::uint64_t, const void *data, std::uint64_t length) {
            ++write_calls;
            got->append(static_cast<const char *>(data), length);
            return ATOLL_OK;
          },
          [got, fd](const Call &, Exchange e, const BodyResult &body) {
            if (fd >= 0) {
              got->resize(body.raw().length);
              if (::pread(fd, got->data(), got->size(), 0) < 0) got->clear();
              ::close(fd);
            }
            e.respond(Response{
                200,
                {},
                *got + " " + base::hex_encode(std::span(body.raw().sha1)) + " " + std::to_string(body.raw().adler32)});
          });
    }
    if (ends("/open/extents")) {
      ExtentBody body;
      auto bytes = std::shared_ptr<std::string>(new std::string("hello "), [](std::string *s) {
        ++released;
        const std::unique_ptr<std::string> end(s);
      });
      auto piece = sized<atoll_extent>();
      piece.kind = ATOLL_EXTENT_MEMORY;
      piece.memory = bytes->data();
      piece.length = bytes->size();
      body.extents.push_back(piece);
      piece.kind = ATOLL_EXTENT_HOLE;
      piece.length = 3;
      body.extents.push_back(piece);
      body.owner = bytes;
      return exchange.respond(Response{200, {{"Content-Length", "999"}}, std::move(body)});
    }
    if (ends("/open/generator")) {
      GeneratorBody body;
      auto round = std::make_shared<int>(0);
      auto waiter = std::make_shared<std::jthread>();
      body.pull = [round, waiter](const atoll_waker &waker, void *buffer, std::uint64_t, std::uint64_t *got) {
        if (waiter->joinable()) waiter->join();
        switch ((*round)++) {
          case 1:
            *waiter = std::jthread([waker] { waker.wake(waker.host); });
            return ATOLL_PULL_WAIT;
          case 3:
            return ATOLL_PULL_END;
          default:
            std::memcpy(buffer, "piece", 5);
            *got = 5;
            return ATOLL_PULL_DATA;
        }
      };
      return exchange.respond(Response{200, {}, std::move(body)});
    }
    if (ends("/open/client"))
      return exchange.respond(Response{200,
                                       {},
                                       "client " + std::string(view(request.raw()->peer)) + " " +
                                           std::string(view(request.raw()->authority)) +
                                           ((request.raw()->flags & ATOLL_REQUEST_SECURE) ? " https" : " http")});
    if (ends("/open/late")) {
      std::thread([exchange] { exchange.respond(Response{202, {}, std::string("late\n")}); }).detach();
      return;
    }
    if (request.method() == "HEAD") return exchange.respond(Response{200, {}, HeadBody{12345}});
    std::string who = request.auth_status() == Status::Ok ? "user " + std::string(view(call.principal()->name))
                                                          : "nobody: " + std::string(request.auth_message());
    int status = 200;
    if (request.auth_status() == Status::Unauthenticated && !ends("open")) status = 401;
    if (request.auth_status() == Status::Unavailable) status = 503;
    exchange.respond(Response{status, {}, path + " " + who + " " + std::string(call.request_id())});
  }
};

// Knows one password and one token.
struct Gatekeeper : Plugin<Gatekeeper>, Auth<Gatekeeper> {
  static constexpr PluginInfo info{"org.example.gatekeeper", "1", "Apache-2.0", "x"};
  using Offers = Interfaces<Auth<Gatekeeper>>;
  static Result<std::unique_ptr<Gatekeeper>> create(const Call &, Host) { return std::make_unique<Gatekeeper>(); }
  Result<Principal> authenticate(const Call &, const atoll_credential &credential) {
    if (auth_down) return error(Status::Unavailable, "The database is down.");
    Principal out;
    if (credential.kind == ATOLL_CREDENTIAL_BEARER) {
      if (view(credential.secret) != "token1") return error(Status::Unimplemented, "not mine");
      out.name = "robot";
      return out;
    }
    if (view(credential.name) != "marie" || view(credential.secret) != "radio:activity")
      return error(Status::Unauthenticated, "The name or the password is wrong.");
    out.name = "marie";
    out.account = *AccountId::parse("0b6b2c3a-93d1-4b2f-8c55-6f1d5e0a7c11");
    return out;
  }
};

base::Fd connected(std::uint16_t port) {
  base::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
  return fd;
}

// Sends bytes and reads until the server closes.
std::string raw(std::uint16_t port, const std::string &bytes) {
  const auto fd = connected(port);
  REQUIRE(base::write_all(fd.get(), bytes).ok());
  std::string out;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(got));
  return out;
}

struct Site {
  std::unique_ptr<LoadedPlugin> echo = testing::loaded(Echo::descriptor(), "echo");
  std::unique_ptr<LoadedPlugin> gatekeeper = testing::loaded(Gatekeeper::descriptor(), "gatekeeper");
  Runtime runtime;
  std::unique_ptr<Supervisor> supervisor;
  Router router;
  std::unique_ptr<HttpHost> host;
  Traffic traffic{{"/healthz", "/echo", "/echo/open"}};
  std::mutex mutex;
  std::vector<std::string> finished;  // "STATUS METHOD ROUTE USER CLIENT"
  std::unique_ptr<AdminHttp> admin;
  std::unique_ptr<net::Engine> engine, admin_engine;

  explicit Site(std::string_view trusted = "") {
    auth_down = false;
    runtime.instances.add(InstanceConfig{"http:echo", {}, echo.get(), {}}, runtime);
    runtime.instances.add(InstanceConfig{"auth:keeper", {}, gatekeeper.get(), {}}, runtime);
    Problems problems;
    router = make_router(runtime.instances, problems);
    REQUIRE(problems.empty());
    supervisor = std::make_unique<Supervisor>(runtime.instances, Supervisor::Options{});
    supervisor->start();
    REQUIRE(supervisor->wait_settled(std::chrono::seconds(20)));
    host = std::make_unique<HttpHost>(runtime.instances, router, supervisor.get(), "Atoll",
                                      std::move(*Networks::parse(trusted)));
    net::Options options;
    options.listen = {"127.0.0.1:0"};
    options.workers = 2;
    options.max_buffered_total = 10;
    net::Options main = options;
    main.on_finished = [this](const net::Finished &done) {
      traffic.record(done);
      const std::lock_guard lock(mutex);
      finished.push_back(std::to_string(done.status) + " " + std::string(done.head.method) + " " +
                         std::string(done.route) + " " + std::string(done.user));
    };
    engine = std::make_unique<net::Engine>(std::move(main));
    REQUIRE(engine->start([this](std::shared_ptr<net::Exchange> e) { host->handle(std::move(e)); }).ok());
    admin = std::make_unique<AdminHttp>(runtime, *supervisor, engine.get(), &traffic);
    admin->all_is_open();
    admin_engine = std::make_unique<net::Engine>(options);
    REQUIRE(admin_engine->start([this](const std::shared_ptr<net::Exchange> &e) { admin->handle(*e); }).ok());
  }
  ~Site() {
    engine->stop();
    admin_engine->stop();
  }
  std::string get(const std::string &path, const std::string &headers = "", const std::string &method = "GET") {
    return raw(engine->port(),
               method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n");
  }
  std::string put(const std::string &path, const std::string &body) {
    return raw(engine->port(), "PUT " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string ask_admin(const std::string &path) {
    return raw(admin_engine->port(), "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }
};

std::string last(Site &site) {
  const std::lock_guard lock(site.mutex);
  return site.finished.empty() ? "" : site.finished.back();
}

bool holds(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }
bool begins(const std::string &text, std::string_view part) { return text.compare(0, part.size(), part) == 0; }

TEST_CASE("http host: routes") {
  Site site;
  CHECK(begins(site.get("/healthz"), "HTTP/1.1 200 "));
  CHECK(begins(site.get("/nothing"), "HTTP/1.1 404 "));
  CHECK(begins(site.get("/echoes"), "HTTP/1.1 404 "));
  CHECK(begins(site.get("/%zz"), "HTTP/1.1 400 "));
  CHECK(begins(site.get("*", "", "OPTIONS"), "HTTP/1.1 204 "));
  CHECK(holds(site.get("//echo///open"), "//echo///open nobody"));  // the plugin gets it as it was sent
  CHECK(begins(site.get("/p%C3%A4th/x", "Authorization: Bearer token1\r\n"), "HTTP/1.1 200 "));
  CHECK(holds(site.get("/echo/open", "X-Request-ID: abc-1\r\n"), " abc-1"));
}

TEST_CASE("http host: logins") {
  Site site;
  const std::string basic = base::base64_encode("marie:radio:activity");
  CHECK(holds(site.get("/echo", "Authorization: Basic " + basic + "\r\n"), "user marie"));
  CHECK(holds(site.get("/echo", "Authorization: bAsIc " + basic + "\r\n"), "user marie"));
  CHECK(holds(site.get("/echo", "Authorization: BEARER token1\r\n"), "user robot"));
  CHECK(holds(site.get("/echo/open", "Authorization: Basic " + basic + "\r\n"), "nobody"));  // not looked at

  for (const std::string &header :
       {std::string(), std::string("Authorization: Basic !!\r\n"),
        "Authorization: Basic " + base::base64_encode("marie:wrong") + "\r\n",
        std::string("Authorization: Bearer other\r\n"), std::string("Authorization: Digest x\r\n"),
        std::string("Authorization: Basic\r\n")}) {
    CAPTURE(header);
    const std::string answer = site.get("/echo", header);
    CHECK(begins(answer, "HTTP/1.1 401 "));
    const auto bearer = answer.find("WWW-Authenticate: Bearer realm=\"Atoll\"\r\n");
    const auto dialog = answer.find("WWW-Authenticate: Basic realm=\"Atoll\", charset=\"UTF-8\"\r\n");
    CHECK(bearer != answer.npos);
    CHECK(dialog != answer.npos);
    CHECK(bearer < dialog);
  }
  const std::string script = site.get("/echo", "X-Requested-With: XMLHttpRequest\r\n");
  CHECK(holds(script, "Bearer realm"));
  CHECK_FALSE(holds(script, "Basic realm"));
  const std::string own = site.get("/echo/open/401");
  CHECK(holds(own, "Bearer realm"));
  CHECK_FALSE(holds(own, "Mine"));

  auth_down = true;
  CHECK(begins(site.get("/echo", "Authorization: Basic " + basic + "\r\n"), "HTTP/1.1 503 "));
}

TEST_CASE("http host: bodies of requests") {
  Site site;
  CHECK(holds(site.put("/echo/open/buffer", "12345678"), "<12345678>"));
  CHECK(begins(site.put("/echo/open/buffer", "123456789"), "HTTP/1.1 413 "));
  // sha1("abc"), adler32("abc")
  const char *sums = "abc a9993e364706816aba3e25717850c26c9cd0d89d 38600999";
  CHECK(holds(site.put("/echo/open/fd", "abc"), sums));
  CHECK(holds(site.put("/echo/open/receive", "abc"), sums));
  CHECK(write_calls > 0);
}

TEST_CASE("http host: bodies of answers") {
  Site site;
  const int before = released;
  const std::string extents = site.get("/echo/open/extents");
  CHECK(holds(extents, "Content-Length: 9\r\n"));
  CHECK_FALSE(holds(extents, "999"));
  CHECK(holds(extents, std::string("hello \0\0\0", 9)));
  CHECK(testing::eventually([&] { return released == before + 1; }));
  const std::string generated = site.get("/echo/open/generator");
  CHECK(holds(generated, "Transfer-Encoding: chunked"));
  CHECK(holds(generated, "5\r\npiece\r\n5\r\npiece\r\n0\r\n\r\n"));
  CHECK(holds(site.get("/echo/open/late"), "late\n"));
  CHECK(holds(site.get("/echo/open", "", "HEAD"), "Content-Length: 12345\r\n"));
}

TEST_CASE("http host: plugins that misbehave") {
  Site site;
  redirect_log([](const std::string &) {});
  const std::string failed = site.get("/echo/open/fail");
  CHECK(begins(failed, "HTTP/1.1 500 "));
  CHECK_FALSE(holds(failed, "kaputt"));
  const std::string refused = site.get("/echo/open/refuse");
  CHECK(begins(refused, "HTTP/1.1 403 "));
  CHECK_FALSE(holds(refused, "Set-Cookie"));
  redirect_log({});
}

TEST_CASE("http host: a stopped instance answers 503 and the rest goes on") {
  Site site;
  CHECK(holds(site.ask_admin("/readyz"), "\"ready\":true"));
  REQUIRE(site.supervisor->stop_instance("http:echo").ok());
  const std::string answer = site.get("/echo/open");
  CHECK(begins(answer, "HTTP/1.1 503 "));
  CHECK(holds(answer, "Retry-After: 1\r\n"));
  CHECK(begins(site.get("/healthz"), "HTTP/1.1 200 "));
  const std::string ready = site.ask_admin("/readyz");
  CHECK(begins(ready, "HTTP/1.1 503 "));
  CHECK(holds(ready, R"("name":"http:echo","plugin":"echo","state":"stopped")"));
  REQUIRE(site.supervisor->start_instance("http:echo").ok());
  CHECK(begins(site.get("/echo/open"), "HTTP/1.1 200 "));
  REQUIRE(site.supervisor->stop_instance("auth:keeper").ok());
  CHECK(begins(site.get("/echo", "Authorization: Bearer token1\r\n"), "HTTP/1.1 503 "));
}

TEST_CASE("http host: metrics") {
  Site site;
  const auto handle = site.runtime.metrics.define("http:echo", ATOLL_METRIC_COUNTER, "things_total", "Things.\nTwo");
  site.runtime.metrics.add(handle, 3);
  CHECK(site.runtime.metrics.define("http:echo", ATOLL_METRIC_COUNTER, "things_total", "x") == handle);
  CHECK(site.runtime.metrics.define("http:echo", ATOLL_METRIC_COUNTER, "Bad Name", "x") == 0);
  CHECK(site.runtime.metrics.define("auth:keeper", ATOLL_METRIC_GAUGE, "things_total", "x") == 0);
  CHECK(site.runtime.metrics.define("auth:keeper", ATOLL_METRIC_COUNTER, "http_requests_total", "x") == 0);
  site.runtime.metrics.add(site.runtime.metrics.define("auth:keeper", ATOLL_METRIC_COUNTER, "things_total", "x"), 1);
  site.runtime.metrics.add(999999, 1);
  site.get("/healthz");
  site.put("/echo/open/buffer", "12345678");
  site.get("/nothing");
  const std::string text = site.ask_admin("/metrics");
  const testing::PrometheusReader read(std::string_view(text).substr(text.find("\r\n\r\n") + 4));
  CHECK(read.problems() == "");
  CHECK(read.value("atoll_http_request_duration_seconds_count", {{"route", "/healthz"}, {"method", "read"}}) == 1);
  CHECK(read.value("atoll_http_request_duration_seconds_count", {{"route", "/echo/open"}, {"method", "write"}}) == 1);
  CHECK(read.value("atoll_http_route_responses_total", {{"route", "other"}, {"class", "4xx"}}) == 1);
  CHECK(read.value("atoll_http_route_received_bytes_total", {{"route", "/echo/open"}}) == 8);
  CHECK(read.value("atoll_http_responses_total", {{"class", "2xx"}}) == 2);
  for (const char *reason : {"connections", "address", "head", "body", "answer"})
    CHECK(read.value("atoll_http_refused_total", {{"reason", reason}}) == 0);
  CHECK(holds(text,
              "# HELP atoll_things_total Things.\\nTwo\n# TYPE atoll_things_total counter\n"
              "atoll_things_total{instance=\"http:echo\"} 3\n"));
  CHECK(holds(text, "atoll_http_requests_total 3\n"));
  CHECK(holds(text, "atoll_instance_up{instance=\"auth:keeper\",plugin=\"gatekeeper\",state=\"running\"} 1\n"));
  CHECK(holds(text, "process_resident_memory_bytes "));
  CHECK(begins(site.ask_admin("/other"), "HTTP/1.1 404 "));
}

TEST_CASE("http host: a body that finds no room is told apart from one that is too long") {
  Site site;
  const auto &metrics = site.engine->metrics();
  const auto settles = [&](std::uint64_t bytes) {
    for (int turn = 0; turn < 20'000 && metrics.buffered_bytes != bytes; ++turn) ::usleep(1'000);
    return metrics.buffered_bytes == bytes;
  };
  {
    const auto slow = connected(site.engine->port());
    REQUIRE(
        base::write_all(slow.get(), "PUT /echo/open/buffer HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n123").ok());
    CHECK(settles(8));
    const auto busy = site.put("/echo/open/buffer", "12345678");
    CHECK(begins(busy, "HTTP/1.1 503 "));
    CHECK(holds(busy, "<>5000"));
    CHECK(begins(site.put("/echo/open/buffer", "123456789"), "HTTP/1.1 413 "));
    CHECK(holds(site.put("/echo/open/buffer", "12"), "<12>0"));
  }
  CHECK(settles(0));
  CHECK(holds(site.put("/echo/open/buffer", "12345678"), "<12345678>0"));
}

TEST_CASE("http host: what a proxy says reaches plugins only when it is trusted") {
  const std::string headers =
      "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: c.example\r\n";
  Site unknown;
  CHECK(holds(unknown.get("/echo/open/client", headers), "client 127.0.0.1 x http"));
  Site known("127.0.0.0/8");
  CHECK(holds(known.get("/echo/open/client", headers), "client 203.0.113.9 c.example https"));
  CHECK(holds(known.get("/echo/open/client", "Forwarded: for=\"[2001:db8::1]:80\"\r\n"), "client 2001:db8::1 x http"));
  CHECK(holds(known.get("/echo/open/client", headers + "Forwarded: for=\r\n"), "client 127.0.0.1 x http"));
  CHECK(holds(known.get("/echo/open/client"), "client 127.0.0.1 x http"));
}

TEST_CASE("http host: each answer tells its route and its user") {
  Site site;
  const auto after = [&](const std::string &line) { return testing::eventually([&] { return last(site) == line; }); };
  const std::string basic = "Authorization: Basic " + base::base64_encode("marie:radio:activity") + "\r\n";
  site.get("/echo", basic);
  CHECK(after("200 GET /echo 0b6b2c3a-93d1-4b2f-8c55-6f1d5e0a7c11"));
  site.get("/echo/open/fail", basic);
  CHECK(after("500 GET /echo/open "));
  site.get("/echo", "Authorization: Basic eDp5\r\n");
  CHECK(after("401 GET /echo "));
  site.get("/nothing", basic);
  CHECK(after("404 GET  "));
  site.get("/healthz");
  CHECK(after("200 GET /healthz "));
  REQUIRE(site.supervisor->stop_instance("http:echo").ok());
  site.get("/echo/open/x");
  CHECK(after("503 GET /echo/open "));
}

TEST_CASE("http host: an instance is not stopped under a body that is still sent") {
  Site site;
  for (int i = 0; i < 20; ++i) {
    std::thread client([&] { site.get("/echo/open/generator"); });
    CHECK(site.supervisor->restart_instance("http:echo").ok());
    client.join();
  }
}

TEST_CASE("router: prefixes") {
  Router router;
  router.add({"/a", false, nullptr});
  router.add({"/a/b", true, nullptr});
  router.add({"", false, nullptr});
  CHECK(router.find("/a/b/c")->prefix == "/a/b");
  CHECK(router.find("/a/bc")->prefix == "/a");
  CHECK(router.find("/ab")->prefix.empty());
  CHECK(*normalise_path("//a///b%2fc/") == "/a/b/c/");
  CHECK_FALSE(normalise_path("a"));
  CHECK_FALSE(normalise_path("/%4"));
}

TEST_CASE("authenticator: reading the header") {
  CHECK(parse_authorization("Basic " + base::base64_encode("a:b:c"))->secret == "b:c");
  CHECK(parse_authorization("Basic " + base::base64_encode(":"))->name.empty());
  CHECK(parse_authorization("bearer  x")->secret == "x");
  for (const char *bad : {"", "Basic", "Basic YQ==", "Bearer", "Bearer ", "Negotiate x"})
    CHECK(parse_authorization(bad).status() == Status::Unauthenticated);
}

}  // namespace
}  // namespace Atoll::host
