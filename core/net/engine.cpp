// SPDX-License-Identifier: Apache-2.0
#include "core/net/engine.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "core/base/time.hpp"
#include "core/net/connection.hpp"
#include "core/net/core.hpp"
#include "core/net/listener.hpp"

namespace Atoll::net {
namespace {

constexpr unsigned kAcceptsPerTurn = 64;
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 42\r\n\r\n"
    "Too many connections are open. Come later\n";
constexpr std::string_view kCrowded =
    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 56\r\n\r\n"
    "Too many connections from this address. Come back later\n";

unsigned default_workers() { return std::max(24u, 4 * std::thread::hardware_concurrency()); }

std::chrono::milliseconds tick_for(const Options &options) {
  auto tick = std::min({options.head_timeout, options.idle_timeout, options.body_timeout, options.write_timeout,
                        options.linger_timeout, options.min_rate > 0 ? options.rate_grace : options.linger_timeout}) /
              4;
  return std::clamp(tick, std::chrono::milliseconds(10), std::chrono::milliseconds(500));
}

// A refusal before the first byte. Within TLS nobody could read it. What the client has sent already is taken, as
// closing over it would reset the connection and with it the refusal.
void turn_away(const Listener::Accepted &accepted, std::string_view answer) {
  if (accepted.info->secure) return;
  const int fd = accepted.fd.get();
  [[maybe_unused]] const auto sent = ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  ::shutdown(fd, SHUT_WR);
  std::array<char, 4096> dropped{};
  for (int turn = 0; turn < 16 && ::recv(fd, dropped.data(), dropped.size(), MSG_DONTWAIT) > 0; ++turn) {
  }
}

}  // namespace

struct Engine::Insides {
  explicit Insides(Options options) : core(std::make_shared<Core>(std::move(options))) {}

  void accept(std::uint64_t listener_id);
  void admit(Listener::Accepted accepted);
  bool find_place(const ConnectionInfo &info, AddressTable::Slot &place);
  bool shed(const Listener &listener);
  void watch_time();
  void stop_accepting();
  Result<void> listen();

  std::shared_ptr<Core> core;
  std::vector<Listener> listeners;
  std::vector<std::thread> threads;
  std::thread timer;
  std::mutex mutex;  ///< state below
  std::condition_variable timer_wake;
  bool started = false;
  bool timer_exit = false;
  bool accepting = false;
  bool stopped = false;
  std::mutex spare_mutex;
  base::Fd spare;  ///< given up for a moment to refuse a connection when descriptors have run out
};

void Engine::Insides::accept(std::uint64_t listener_id) {
  if (listener_id == 0 || listener_id > listeners.size()) return;
  const auto &listener = listeners[listener_id - 1];
  for (unsigned count = 0; count < kAcceptsPerTurn; ++count) {
    auto accepted = listener.accept();
    if (accepted.fd) {
      admit(std::move(accepted));
    } else if (accepted.error_number == EMFILE || accepted.error_number == ENFILE) {
      if (!shed(listener)) return;
    } else {
      return;
    }
  }
  epoll_event event{};  // others may be waiting: have the event again, behind what else is ready
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = listener_id;
  ::epoll_ctl(core->epoll(), EPOLL_CTL_MOD, listener.fd(), &event);
}

bool Engine::Insides::shed(const Listener &listener) {
  const std::lock_guard lock(spare_mutex);
  spare.reset();
  const bool one = static_cast<bool>(listener.accept().fd);
  spare.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (one) core->metrics.connections_refused.fetch_add(1, std::memory_order_relaxed);
  return one;
}

// False: its address has too many connections.
bool Engine::Insides::find_place(const ConnectionInfo &info, AddressTable::Slot &place) {
  const auto limit = core->options.max_connections_per_address;
  if (limit == 0 || info.unix_socket) return true;
  const auto key = AddressKey::of(info.peer.host);
  if (!key || (key->loopback && core->options.exempt_loopback)) return true;
  if (core->options.exempt && core->options.exempt(info.peer.host)) return true;
  auto taken = core->addresses.take(*key, limit);
  if (taken) place = std::move(*taken);
  return taken.has_value();
}

void Engine::Insides::admit(Listener::Accepted accepted) {
  auto &metrics = core->metrics;
  if (core->connections.size() >= core->options.max_connections || core->stopping.load()) {
    metrics.connections_refused.fetch_add(1, std::memory_order_relaxed);
    turn_away(accepted, kFull);
    return;
  }
  AddressTable::Slot place;
  if (!find_place(*accepted.info, place)) {
    metrics.connections_refused_address.fetch_add(1, std::memory_order_relaxed);
    turn_away(accepted, kCrowded);
    return;
  }
  metrics.connections_accepted.fetch_add(1, std::memory_order_relaxed);
  metrics.connections_open.fetch_add(1, std::memory_order_relaxed);
  const auto id = core->next_id();
  const int fd = accepted.fd.get();
  const auto connection = std::make_shared<Connection>(core, id, std::move(accepted.fd), std::move(accepted.info));
  connection->hold(std::move(place));
  core->connections.insert(id, connection);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = id;
  const bool watched = ::epoll_ctl(core->epoll(), EPOLL_CTL_ADD, fd, &event) == 0;
  if (!watched) connection->post(Connection::Broken | Connection::Readable);
  if (core->stopping.load()) connection->post(Connection::Stop);
}

void Engine::Insides::watch_time() {
  const auto tick = tick_for(core->options);
  std::unique_lock lock(mutex);
  while (!timer_exit) {
    timer_wake.wait_for(lock, tick);
    if (timer_exit) return;
    lock.unlock();
    const auto now = base::monotonic_ns();
    core->connections.for_each([now](Connection &connection) {
      if (connection.deadline() <= now) connection.post(Connection::Timeout);
    });
    lock.lock();
  }
}

void Engine::Insides::stop_accepting() {
  const std::lock_guard lock(mutex);
  if (!accepting) return;
  accepting = false;
  for (auto &listener : listeners) {
    ::epoll_ctl(core->epoll(), EPOLL_CTL_DEL, listener.fd(), nullptr);
    listener.shut();
  }
}

// Opens all addresses; on an error the descriptors that were handed over are closed, too.
Result<void> Engine::Insides::listen() {
  Result<void> out;
  for (const auto &where : core->options.listen) {
    if (!out) {
      if (where.fd >= 0) ::close(where.fd);
      continue;
    }
    auto listener = Listener::open(where, core->options.unix_mode);
    if (!listener)
      out = std::move(listener).error();
    else if (where.tls && !core->options.tls)
      out = error(Status::InvalidArgument, "cannot listen on " + listener->address() +
                                               " with TLS: no certificate is loaded; name a certificate and a key");
    else
      listeners.push_back(std::move(*listener));
  }
  return out;
}

Engine::Engine(Options options) : insides_(std::make_unique<Insides>(std::move(options))) {}

Engine::~Engine() { stop(); }

Result<void> Engine::start(Handler handler) {
  auto &in = *insides_;
  auto &core = *in.core;
  if (in.started) return error(Status::FailedPrecondition, "the HTTP engine was started twice");
  if (auto opened = core.open(); !opened) return opened;
  if (auto listening = in.listen(); !listening) {
    in.listeners.clear();
    return listening;
  }
  core.handler = std::move(handler);
  in.spare.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  in.started = in.accepting = true;
  const unsigned count = core.options.workers > 0 ? core.options.workers : default_workers();
  for (unsigned index = 0; index < count; ++index)
    in.threads.emplace_back([&in] { in.core->work([&in](std::uint64_t id) { in.accept(id); }); });
  in.timer = std::thread([&in] { in.watch_time(); });
  for (std::size_t index = 0; index < in.listeners.size(); ++index) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = index + 1;
    if (::epoll_ctl(core.epoll(), EPOLL_CTL_ADD, in.listeners[index].fd(), &event) != 0)
      return base::errno_error("cannot watch " + in.listeners[index].address());
  }
  return {};
}

std::vector<std::string> Engine::addresses() const {
  std::vector<std::string> out;
  for (const auto &listener : insides_->listeners) out.push_back(listener.address());
  return out;
}

std::uint16_t Engine::port() const {
  for (const auto &listener : insides_->listeners)
    if (listener.port() != 0) return listener.port();
  return 0;
}

void Engine::stop_accepting() { insides_->stop_accepting(); }

bool Engine::drain(std::chrono::milliseconds patience) {
  auto &core = *insides_->core;
  insides_->stop_accepting();
  core.draining.store(true);
  core.connections.for_each([](Connection &connection) { connection.post(Connection::Drain); });
  return core.connections.wait_empty(std::chrono::steady_clock::now() + patience);
}

bool Engine::stop(std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  auto &in = *insides_;
  auto &core = *in.core;
  in.stop_accepting();
  {
    const std::lock_guard lock(in.mutex);
    if (!in.started || in.stopped) return true;
    in.timer_exit = true;
  }
  in.timer_wake.notify_all();
  if (in.timer.joinable()) in.timer.join();
  core.stopping.store(true);
  core.connections.for_each([](Connection &connection) { connection.post(Connection::Stop); });
  const bool for_ever = patience == std::chrono::milliseconds::max();
  if (!core.connections.wait_empty(for_ever ? Clock::time_point::max() : Clock::now() + patience)) return false;
  in.stopped = true;
  core.exit_workers();
  for (auto &thread : in.threads) thread.join();
  core.handler = nullptr;
  return true;
}

const Metrics &Engine::metrics() const { return insides_->core->metrics; }

}  // namespace Atoll::net
