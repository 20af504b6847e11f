// SPDX-License-Identifier: Apache-2.0
// Signals, mail, timeouts and the end of a connection. TLS begins in connection_tls.cpp, requests are read in
// connection_request.cpp, answers are sent in connection_response.cpp.
#include "core/net/connection.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "core/base/time.hpp"

namespace Atoll::net {
namespace {

constexpr std::chrono::milliseconds kDrainLinger{1000};  ///< a server that wants to leave is less patient
constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

void watch(int epoll, int fd, std::uint64_t id, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  ::epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

}  // namespace

Connection::Connection(std::shared_ptr<Core> core, std::uint64_t id, base::Fd fd,
                       std::shared_ptr<const ConnectionInfo> info)
    : core_(std::move(core)), id_(id), info_(std::move(info)), transport_(std::move(fd)) {
  if (info_->secure) phase_ = Phase::Handshake;
  since_ = base::monotonic_ns();
  set_deadline();
}

Connection::~Connection() = default;

void Connection::on_events(std::uint32_t epoll_events, Worker &worker) {
  std::uint32_t signals = 0;
  if (epoll_events & EPOLLIN) signals |= Readable;
  if (epoll_events & EPOLLOUT) signals |= Writable;
  if (epoll_events & EPOLLRDHUP) signals |= Readable | Ended;
  if (epoll_events & (EPOLLHUP | EPOLLERR)) signals |= Readable | Writable | Broken;
  if (signals_.fetch_or(signals | Running, std::memory_order_acq_rel) & Running) return;
  run(worker);
}

void Connection::post(std::uint32_t signals) {
  if (signals_.fetch_or(signals | Running, std::memory_order_acq_rel) & Running) return;
  if (core_->enqueue(shared_from_this())) return;
  // The engine has stopped and closed the connection: all that is left is to tell who still hopes for a body.
  std::uint32_t expected = 0;
  do {
    signals_.store(Running, std::memory_order_release);
    cancel_mail();
    expected = Running;
  } while (!signals_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel));
}

void Connection::run(Worker &worker) {
  core_->metrics.workers_busy.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    const auto signals = signals_.exchange(Running, std::memory_order_acq_rel) & ~std::uint32_t{Running};
    if (handle(signals, worker)) {
      if (core_->requeue(shared_from_this())) break;
      continue;
    }
    std::uint32_t expected = Running;
    if (signals_.compare_exchange_strong(expected, 0, std::memory_order_acq_rel)) break;
  }
  core_->metrics.workers_busy.fetch_sub(1, std::memory_order_relaxed);
}

bool Connection::handle(std::uint32_t signals, Worker &worker) {
  if (phase_ == Phase::Closed) {
    cancel_mail();
    return false;
  }
  now_ = base::monotonic_ns();
  served_ = 0;
  if (signals & Writable) {
    if (transport_.holds_output() && transport_.flush().bytes > 0) since_ = now_;
    if (transport_.receive_waits_for_room()) readable_ = true;
  }
  if (signals & Readable) readable_ = true;
  if (signals & Ended) ended_ = true;
  if (signals & Broken) {
    ended_ = true;
    gone_.store(true, std::memory_order_relaxed);
  }
  if (core_->stopping.load(std::memory_order_acquire)) {
    close(true);
    return false;
  }
  rate_.go(now_);
  for (;;) {
    const auto started = now_;
    const auto progress = step(worker);
    if (progress == Progress::More) continue;
    if (progress == Progress::Turn || phase_ == Phase::Closed) return progress == Progress::Turn;
    if (phase_ == Phase::Receive || phase_ == Phase::Drain || (phase_ == Phase::Send && !write_waiting_)) {
      now_ = base::monotonic_ns();  // what a sink or a generator took is not the client's
      if (since_ >= started) since_ = now_;
      rate_.wait(now_);
    }
    set_deadline();
    // What has come meanwhile was looked at first: the workers may have been busy.
    if (!(signals & Timeout) || now_ < deadline()) return false;
    signals &= ~std::uint32_t{Timeout};
    on_timeout(worker);
  }
}

Connection::Progress Connection::step(Worker &worker) {
  switch (phase_) {
    case Phase::Handshake:
      return handshake(worker);
    case Phase::Head:
      return read_head(worker);
    case Phase::Handler:
      return wait_for_handler(worker);
    case Phase::Receive:
      return read_body(worker);
    case Phase::Send:
      return write(worker);
    case Phase::Drain:
      return drain(worker);
    case Phase::Linger:
      return linger(worker);
    case Phase::Closed:
      return Progress::Wait;
  }
  return Progress::Wait;
}

void Connection::set_deadline() {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  const auto &options = core_->options;
  std::chrono::milliseconds limit{0};
  switch (phase_) {
    case Phase::Handshake:
      limit = options.head_timeout;
      break;
    case Phase::Head:
      limit = input_empty() ? options.idle_timeout : options.head_timeout;
      break;
    case Phase::Receive:
    case Phase::Drain:
      limit = options.body_timeout;
      break;
    case Phase::Send:
      if (!write_waiting_) limit = options.write_timeout;
      break;
    case Phase::Linger:
      limit = options.linger_timeout;
      break;
    case Phase::Handler:
    case Phase::Closed:
      break;
  }
  const auto stalled =
      limit.count() > 0 ? since_ + duration_cast<nanoseconds>(limit).count() : std::numeric_limits<std::int64_t>::max();
  deadline_.store(std::min(stalled, rate_.deadline(rate_limit())), std::memory_order_relaxed);
}

RateWatch::Limit Connection::rate_limit() const { return {core_->options.min_rate, core_->options.rate_grace}; }

void Connection::note_too_late() {
  auto &metrics = core_->metrics;
  const bool slow = now_ >= rate_.deadline(rate_limit());
  (slow ? metrics.too_slow : metrics.timeouts).fetch_add(1, std::memory_order_relaxed);
}

void Connection::on_timeout(Worker &worker) {
  if (phase_ == Phase::Send && client_took_more()) return;
  note_too_late();
  switch (phase_) {
    case Phase::Handshake:
      if (transport_.tls() != nullptr) core_->metrics.tls_failed.fetch_add(1, std::memory_order_relaxed);
      close(false);
      break;
    case Phase::Head:
      if (input_empty())
        close(false);
      else
        refuse({408, "The head of the request did not arrive in time."}, worker);
      break;
    case Phase::Receive:
      broken_body_ = true;
      finish_body(error(Status::DeadlineExceeded, "The body of the request stopped arriving."));
      break;
    case Phase::Send:
      close(true);
      break;
    case Phase::Drain:
    case Phase::Linger:
      close(false);
      break;
    case Phase::Handler:
    case Phase::Closed:
      break;
  }
}

void Connection::close(bool reset) {
  if (phase_ == Phase::Closed) return;
  gone_.store(true, std::memory_order_relaxed);
  if (order_) finish_body(error(Status::Cancelled, "The connection was closed while the body was received."));
  if (active_) note_finished(false);
  phase_ = Phase::Closed;
  writer_.reset();
  answer_memory_.release();
  place_.release();
  if (waker_) waker_->bind({});
  waker_.reset();
  if (reset) {
    core_->metrics.connections_reset.fetch_add(1, std::memory_order_relaxed);
    transport_.reset();
  } else {
    transport_.close();
  }
  core_->metrics.connections_open.fetch_sub(1, std::memory_order_relaxed);
  std::string().swap(input_);
  input_at_ = 0;
  cancel_mail();
  core_->connections.erase(id_);  // its caller still holds the connection
}

void Connection::note_finished(bool complete) {
  active_ = false;
  core_->metrics.requests_active.fetch_sub(1, std::memory_order_relaxed);
  if (status_ >= 200)
    core_->metrics.responses[static_cast<std::size_t>(status_ / 100 - 1)].fetch_add(1, std::memory_order_relaxed);
  if (!core_->options.on_finished || !head_) return;
  const std::int64_t started = head_->received_ns;
  core_->options.on_finished({*head_, status_, body_.read(), writer_ ? writer_->sent() : 0,
                              started > 0 ? base::monotonic_ns() - started : 0, complete, route_, user_});
}

void Connection::deliver(std::uint64_t serial, Response response) {
  {
    const std::lock_guard lock(mail_mutex_);
    if (serial != mail_serial_) return;
    mail_response_ = std::move(response);
  }
  post(Mail);
}

void Connection::order_body(std::uint64_t serial, BodyOrder order) {
  {
    const std::lock_guard lock(mail_mutex_);
    if (serial == mail_serial_) {
      mail_order_ = std::move(order);
      order.exchange.reset();
    }
  }
  if (order.exchange) {  // answered long ago
    order.done(*order.exchange, error(Status::Cancelled, "The request was answered before its body was asked for."));
    return;
  }
  post(Mail);
}

bool Connection::cancelled(std::uint64_t serial) const {
  return gone_.load(std::memory_order_relaxed) || core_->stopping.load(std::memory_order_relaxed) ||
         current_serial_.load(std::memory_order_relaxed) != serial;
}

void Connection::take_mail(std::optional<Response> &response, std::optional<BodyOrder> &order) {
  const std::lock_guard lock(mail_mutex_);
  response.swap(mail_response_);
  order.swap(mail_order_);
  if (response) mail_serial_ = 0;  // one answer; what comes now is too late
}

void Connection::cancel_mail() {
  std::optional<Response> response;
  std::optional<BodyOrder> order;
  take_mail(response, order);
  if (order) order->done(*order->exchange, error(Status::Cancelled, "The connection is closed."));
}

IoResult Connection::receive(std::span<char> into) {
  const auto io = transport_.receive(into);
  switch (io.kind) {
    case IoResult::Kind::Moved:
      core_->metrics.bytes_in.fetch_add(io.bytes, std::memory_order_relaxed);
      // The socket is empty, and news will be an event. Not so if the end of the stream was announced before: it may
      // have been behind these bytes.
      if (io.drained && !ended_) readable_ = false;
      break;
    case IoResult::Kind::Blocked:
      readable_ = false;
      break;
    default:
      ended_ = true;
  }
  return io;
}

void Connection::consume_input(std::size_t count) {
  input_at_ += count;
  if (input_at_ < input_.size()) return;
  std::string().swap(input_);  // an idle connection holds no buffer
  input_at_ = 0;
}

void Connection::quiet(bool on) {
  if (quiet_ == on) return;
  quiet_ = on;
  watch(core_->epoll(), fd(), id_, on ? EPOLLONESHOT | EPOLLET : kEdges);
}

void Connection::listen_once() {
  const bool sends = !interim_.empty() || transport_.holds_output();
  watch(core_->epoll(), fd(), id_, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT | (sends ? EPOLLOUT + 0u : 0u));
}

}  // namespace Atoll::net
