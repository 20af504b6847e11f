// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.x connection: a state machine that runs on whichever worker gets its event, on one at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/net/body_reader.hpp"
#include "core/net/core.hpp"
#include "core/net/exchange.hpp"
#include "core/net/head_parser.hpp"
#include "core/net/rate_watch.hpp"
#include "core/net/response_writer.hpp"
#include "core/net/transport.hpp"

namespace Atoll::net {

class Http1Exchange;

/// What a handler asked to be done with the body.
struct BodyOrder {
  std::shared_ptr<Exchange> exchange;  ///< alive until the callback
  std::uint64_t limit = 0;
  bool buffered = false;  ///< held in memory: refused at once when there is no room
  bool holds = false;     ///< the sink makes use of pieces that can be held, and is told of pauses
  std::function<Result<void>(BodyPiece)> sink;
  Exchange::Received done;
};

/// Whoever sets a signal on a connection that nobody runs has a worker run it; whoever runs it looks for new signals
/// before letting go. So everything below "owner" needs no lock.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Core> core, std::uint64_t id, base::Fd fd, std::shared_ptr<const ConnectionInfo> info);
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  enum Signal : std::uint32_t {
    Running = 1,
    Readable = 2,
    Writable = 4,
    Ended = 8,    ///< the peer sends no more
    Broken = 16,  ///< the peer is gone
    Mail = 32,    ///< an exchange has answered or wants its body
    Wake = 64,    ///< a generator has something
    Timeout = 128,
    Drain = 256,
    Stop = 512
  };

  std::uint64_t id() const { return id_; }
  Core &core() const { return *core_; }
  /// Before anybody runs it: its place among the connections of its address.
  void hold(AddressTable::Slot place) { place_ = std::move(place); }
  int fd() const { return transport_.fd(); }

  void on_events(std::uint32_t epoll_events, Worker &worker);  ///< [worker]
  void post(std::uint32_t signals);                            ///< [any thread]
  void run(Worker &worker);                                    ///< [worker] as owner

  /// [any thread] When a Timeout is to be posted; CLOCK_MONOTONIC, nanoseconds.
  std::int64_t deadline() const { return deadline_.load(std::memory_order_relaxed); }

  // For Http1Exchange. [any thread] `serial` names the request; what comes too late is dropped.
  void deliver(std::uint64_t serial, Response response);
  void order_body(std::uint64_t serial, BodyOrder order);
  bool cancelled(std::uint64_t serial) const;

 private:
  enum class Phase { Handshake, Head, Handler, Receive, Send, Drain, Linger, Closed };
  enum class Progress { More, Wait, Turn };  ///< call again; wait for a signal; let others have a turn

  // All of the following: owner.
  bool handle(std::uint32_t signals, Worker &worker);  ///< true: gave up its turn, and with it the ownership
  Progress step(Worker &worker);
  Progress handshake(Worker &worker);
  Progress fail_handshake();
  Progress read_head(Worker &worker);
  Progress dispatch(Worker &worker);
  Progress fail_body(Error failure);
  Progress wait_for_handler(Worker &worker);
  Progress read_body(Worker &worker);
  Progress write(Worker &worker);
  Progress drain(Worker &worker);
  Progress linger(Worker &worker);

  Progress start_body(BodyOrder order);
  /// `hold`: what keeps `input` in its place, or nothing. True: the order has ended with an error.
  bool feed_body(std::string_view input, std::size_t &consumed, const std::shared_ptr<const void> &hold = {});
  bool give_body(BodyPiece piece);  ///< to the sink; true: the order has ended with an error
  void finish_body(Result<std::uint64_t> result);
  Progress start_response(Response response, Worker &worker);
  Progress finish_response();
  void next_request();
  Progress refuse(const HeadError &problem, Worker &worker);
  bool body_keeps_connection();
  void begin_linger();
  void on_timeout(Worker &worker);
  void note_too_late();
  bool client_took_more();
  RateWatch::Limit rate_limit() const;
  void close(bool reset);
  void note_finished(bool complete);
  bool input_empty() const { return input_at_ == input_.size(); }
  std::string_view input() const { return std::string_view(input_).substr(input_at_); }
  void consume_input(std::size_t count);
  void take_mail(std::optional<Response> &response, std::optional<BodyOrder> &order);
  void cancel_mail();

  IoResult receive(std::span<char> into);
  void quiet(bool on);
  void listen_once();
  void set_deadline();

  const std::shared_ptr<Core> core_;
  const std::uint64_t id_;
  const std::shared_ptr<const ConnectionInfo> info_;
  std::atomic<std::uint32_t> signals_{0};
  std::atomic<std::int64_t> deadline_{0};
  std::atomic<bool> gone_{false};
  std::atomic<std::uint64_t> current_serial_{0};

  std::mutex mail_mutex_;
  std::uint64_t mail_serial_ = 0;  ///< the request whose mail is taken
  std::optional<Response> mail_response_;
  std::optional<BodyOrder> mail_order_;

  // owner:
  Transport transport_;
  Phase phase_ = Phase::Head;
  bool readable_ = false;
  bool ended_ = false;
  bool quiet_ = false;  ///< events come one-shot, so that a fast upload does not wake other workers
  bool asked_continue_ = false;
  bool close_after_ = false;
  bool write_waiting_ = false;  ///< for a waker: no write timeout
  bool active_ = false;         ///< counted in requests_active
  unsigned served_ = 0;         ///< requests in this turn
  bool broken_body_ = false;    ///< the body cannot be read on: close after the answer
  std::int64_t now_ = 0;
  std::int64_t since_ = 0;  ///< start of the phase or last progress, for its timeout
  RateWatch rate_;
  std::uint64_t rate_from_ = 0;  ///< bytes of the body that do not count
  std::uint64_t taken_ = 0;      ///< bytes of the answer that the client is known to have taken
  AddressTable::Slot place_;
  std::string input_;  ///< read, but not yet used: the rest of a head, a body's beginning, pipelined requests
  std::size_t input_at_ = 0;
  HeadScanner scanner_;
  std::shared_ptr<RequestHead> head_;
  BodyReader body_;
  std::optional<BodyOrder> order_;
  std::uint64_t drained_ = 0;
  std::string interim_;  ///< what is left of "100 Continue"
  std::optional<ResponseWriter> writer_;
  Reservation answer_memory_;
  std::shared_ptr<Waker> waker_;
  int status_ = 0;
  std::string route_, user_;  ///< of the answer, for the access log
};

}  // namespace Atoll::net
