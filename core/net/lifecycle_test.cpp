// SPDX-License-Identifier: Apache-2.0
// Many connections, time limits, drain and stop, addresses.
#include <doctest/doctest.h>
#include <sys/un.h>

#include <atomic>
#include <future>
#include <ostream>

#include "core/net/test_client.hpp"

using namespace Atoll;
using namespace Atoll::net;
using namespace Atoll::net::test;
using std::chrono::milliseconds;

namespace {

void hello(const std::shared_ptr<Exchange> &exchange) { exchange->respond(Response(200, "hello")); }

}  // namespace

TEST_CASE("500 idle connections hold no worker of two") {
  Server server(hello);
  std::vector<Client> idle;
  for (int index = 0; index < 500; ++index) {
    idle.push_back(server.client());
    if (index % 2 == 0) CHECK(idle.back().ask(get("/")).status == 200);  // the others never say a word
  }
  CHECK(eventually([&] { return server->metrics().connections_open == 500; }));
  auto busy = server.client();
  for (int turn = 0; turn < 500; ++turn) CHECK(busy.ask(get("/")).body == "hello");
  CHECK(eventually([&] { return server->metrics().workers_busy == 0; }));
  for (auto &client : idle) CHECK(client.ask(get("/")).body == "hello");
}

TEST_CASE("slow uploads hold no worker") {
  Options options;
  options.workers = 1;
  Server server(
      [](const std::shared_ptr<Exchange> &exchange) {
        exchange->buffer_body(1 << 20, [](Exchange &self, Result<std::string> body) {
          self.respond(Response(200, std::to_string(body ? body->size() : 0)));
        });
      },
      options);
  std::vector<Client> slow;
  for (int index = 0; index < 50; ++index) {
    slow.push_back(server.client());
    slow.back().send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nxxx");
  }
  auto quick = server.client();
  for (int turn = 0; turn < 100; ++turn) CHECK(quick.ask(get("/")).body == "0");
  CHECK(eventually([&] { return server->metrics().requests_active == 50; }));
  for (auto &client : slow) client.send(std::string(499997, 'x'));
  for (auto &client : slow) CHECK(client.answer().body == "500000");
}

TEST_CASE("connections over the limit are refused and counted") {
  Options options;
  options.max_connections = 3;
  Server server(hello, options);
  std::vector<Client> clients;
  for (int index = 0; index < 3; ++index) {
    clients.push_back(server.client());
    CHECK(clients.back().ask(get("/")).status == 200);
  }
  auto fourth = server.client();
  const auto answer = fourth.answer();
  CHECK(answer.status == 503);
  CHECK(answer.whole);
  CHECK(server->metrics().connections_refused == 1);
  clients.pop_back();
  CHECK(eventually([&] { return server->metrics().connections_open == 2; }));
  CHECK(server.client().ask(get("/")).status == 200);
}

TEST_CASE("idle connections, stuck bodies and stuck readers end at their deadline") {
  Options options;
  options.idle_timeout = options.body_timeout = options.write_timeout = milliseconds(100);
  const std::string big(50'000'000, 'x');
  Server server(
      [&](const std::shared_ptr<Exchange> &exchange) {
        if (exchange->head().path == "/big") return exchange->respond(Response(200, big));
        exchange->buffer_body(1000, [](Exchange &self, Result<std::string> body) {
          self.respond(Response(body ? 200 : body.status() == Status::DeadlineExceeded ? 408 : 500, "end"));
        });
      },
      options);
  auto idle = server.client();
  CHECK(idle.ask(get("/")).status == 200);
  CHECK(idle.closed());
  auto silent = server.client();
  CHECK(silent.closed());
  auto stuck = server.client();
  stuck.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(stuck.answer().status == 408);
  CHECK(stuck.closed());
  auto reader = server.client(4096);
  reader.send(get("/big"));
  CHECK(eventually([&] { return server->metrics().connections_reset == 1; }));
  CHECK_FALSE(reader.answer().whole);
}

TEST_CASE("drain lets running requests finish and closes idle connections") {
  std::promise<std::shared_ptr<Exchange>> handed;
  Server server([&](const std::shared_ptr<Exchange> &exchange) {
    if (exchange->head().path == "/wait")
      handed.set_value(exchange);
    else
      hello(exchange);
  });
  auto idle = server.client();
  CHECK(idle.ask(get("/")).status == 200);
  auto running = server.client();
  running.send(get("/wait"));
  auto exchange = handed.get_future().get();
  auto drained = std::async(std::launch::async, [&] { return server->drain(milliseconds(20'000)); });
  CHECK(idle.closed());
  CHECK(eventually([&] { return !server.client().connected(); }));
  hello(exchange);
  const auto answer = running.answer();
  CHECK(answer.body == "hello");
  CHECK(answer.header("Connection") == "close");
  CHECK(running.closed());
  running.close();
  CHECK(drained.get());
}

TEST_CASE("stop gives up on a handler that hangs, and can be called again") {
  std::promise<void> entered, let_go;
  Server server([&, go = let_go.get_future().share()](const std::shared_ptr<Exchange> &exchange) {
    entered.set_value();
    go.wait();
    hello(exchange);
  });
  auto client = server.client();
  client.send(get("/"));
  entered.get_future().wait();
  CHECK_FALSE(server->stop(milliseconds(1)));
  CHECK_FALSE(server->stop(milliseconds(1)));
  let_go.set_value();
  CHECK(server->stop());
  CHECK(server->metrics().connections_open == 0);
}

TEST_CASE("drain gives up in time, stop resets what is left, and late answers do no harm") {
  std::shared_ptr<Exchange> kept;
  std::promise<void> handed;
  std::promise<Status> body;
  {
    Server server([&](const std::shared_ptr<Exchange> &exchange) {
      kept = exchange;
      handed.set_value();
    });
    auto client = server.client();
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    handed.get_future().get();
    CHECK_FALSE(server->drain(milliseconds(10)));
    server->stop();
    CHECK_FALSE(client.answer().whole);
    CHECK(client.was_reset());
    CHECK(server->metrics().connections_open == 0);
  }
  CHECK(kept->cancelled());
  CHECK(kept->head().method == "PUT");
  kept->buffer_body(10, [&](Exchange &, Result<std::string> result) { body.set_value(result.status()); });
  CHECK(body.get_future().get() == Status::Cancelled);
  hello(kept);
}

TEST_CASE("stop while uploads, downloads and requests run") {
  const std::string big(20'000'000, 'x');
  std::atomic<int> callbacks{0}, orders{0};
  auto server = std::make_unique<Server>([&](const std::shared_ptr<Exchange> &exchange) {
    if (exchange->head().path == "/big") return exchange->respond(Response(200, big));
    ++orders;
    exchange->buffer_body(1 << 30, [&](Exchange &self, Result<std::string>) {
      ++callbacks;
      self.respond(Response(200));
    });
  });
  const auto port = server->port();
  std::atomic<bool> go_on{true};
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index)
    threads.emplace_back([&, index] {
      while (go_on) {
        Client client(port, 4096);
        if (!client.connected()) break;
        if (index % 2 == 0) {
          client.send(get("/big"));
          client.more();
        } else {
          client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(50000, 'x'));
        }
      }
    });
  CHECK(eventually([&] { return (*server)->metrics().requests > 50; }));
  (*server)->stop();
  go_on = false;
  for (auto &thread : threads) thread.join();
  server.reset();
  CHECK(callbacks == orders);
}

TEST_CASE("a unix socket") {
  const std::string path = "/tmp/atoll-net-test-" + std::to_string(::getpid()) + ".sock";
  const auto ask = [&] {
    const base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0) return std::string("refused");
    CHECK(base::write_all(fd.get(), get("/", "Connection: close\r\n")).ok());
    std::string out(65536, '\0');
    std::size_t size = 0;
    for (ssize_t count; (count = ::recv(fd.get(), out.data() + size, out.size() - size, 0)) > 0;)
      size += static_cast<std::size_t>(count);
    return out.substr(0, size);
  };
  Options options;
  options.listen = {"unix:" + path};
  options.workers = 2;
  for (int turn = 0; turn < 2; ++turn) {  // the second finds no trace of the first
    Engine engine(options);
    REQUIRE(engine
                .start([](const std::shared_ptr<Exchange> &exchange) {
                  exchange->respond(Response(200, exchange->head().connection->peer.text()));
                })
                .ok());
    CHECK(engine.addresses() == std::vector<std::string>{"unix:" + path});
    CHECK(ask().find("\r\n\r\nunix") != std::string::npos);
    Engine second(options);
    const auto refused = second.start(hello);
    CHECK(refused.status() == Status::AlreadyExists);
  }
  CHECK(ask() == "refused");
}

TEST_CASE("addresses that cannot be listened on say why") {
  Options options;
  for (const char *address : {"", "nonsense", "127.0.0.1", ":80", "127.0.0.1:99999", "unix:relative", "unix:"}) {
    CAPTURE(address);
    options.listen = {address};
    Engine engine(options);
    const auto started = engine.start(hello);
    CHECK(started.status() == Status::InvalidArgument);
    CHECK(started.error().message.find(address) != std::string::npos);
  }
  Server server(hello);
  options.listen = {"127.0.0.1:" + std::to_string(server.port())};
  Engine engine(options);
  CHECK(engine.start(hello).status() == Status::AlreadyExists);
}

TEST_CASE("several addresses, and IPv6 where there is one") {
  Options options;
  options.listen = {"127.0.0.1:0", "127.0.0.1:0"};
  Server server(hello, options);
  const auto addresses = server->addresses();
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0] != addresses[1]);
  CHECK(addresses[0].rfind("127.0.0.1:", 0) == 0);
  options.listen = {"[::1]:0"};
  Engine six(options);
  if (six.start(hello)) CHECK(six.addresses()[0].rfind("[::1]:", 0) == 0);
}
