// SPDX-License-Identifier: Apache-2.0
// The reading half of a connection: heads, bodies, and what nobody wanted to read.
#include <algorithm>
#include <exception>
#include <utility>

#include "core/base/time.hpp"
#include "core/net/body_buffer.hpp"
#include "core/net/connection.hpp"
#include "core/net/http1_exchange.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kHeadRead = 16 * 1024;      ///< asked of the socket while a head is expected
constexpr std::uint64_t kQuietFrom = 256 * 1024;  ///< bodies from here on switch the events to one-shot
constexpr std::uint64_t kBlockFrom =
    512 * 1024;  ///< bodies from here on come in blocks, if who takes them can hold them
constexpr std::size_t kBodyTurn = 4 * 1024 * 1024;  ///< bytes before others have a turn
constexpr char kContinue[] = "HTTP/1.1 100 Continue\r\n\r\n";

std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte *>(text.data()), text.size()};
}

}  // namespace

Connection::Progress Connection::read_head(Worker &worker) {
  const HeadLimits limits{core_->options.max_head, core_->options.max_target, core_->options.max_headers};
  for (;;) {
    if (!input_empty()) {
      const auto have = input();
      const auto state = scanner_.scan(have, limits);
      if (state == HeadScanner::State::Refused) return refuse(scanner_.refusal(), worker);
      if (state == HeadScanner::State::Complete) {
        auto head = std::make_shared<RequestHead>();
        head->buffer.assign(have.substr(scanner_.begin(), scanner_.end() - scanner_.begin()));
        consume_input(scanner_.end());
        head_ = std::move(head);
        return dispatch(worker);
      }
    }
    if (!readable_) {
      if (input_empty() && core_->draining.load(std::memory_order_relaxed)) close(false);
      return Progress::Wait;
    }
    const auto io = receive({worker.scratch.data(), kHeadRead});
    if (io.kind == IoResult::Kind::Blocked) continue;
    if (io.kind != IoResult::Kind::Moved) {
      close(false);
      return Progress::Wait;
    }
    const std::string_view fresh(worker.scratch.data(), io.bytes);
    if (!input_empty()) {
      input_.erase(0, input_at_);  // else requests that overlap reads would pile up
      input_at_ = 0;
      input_.append(fresh);
      continue;
    }
    since_ = now_;
    const auto state = scanner_.scan(fresh, limits);  // the usual case: a whole head, and no copy of the rest
    if (state == HeadScanner::State::Refused) return refuse(scanner_.refusal(), worker);
    if (state == HeadScanner::State::More) {
      input_.assign(fresh);
      input_at_ = 0;
      continue;
    }
    auto head = std::make_shared<RequestHead>();
    head->buffer.assign(fresh.substr(scanner_.begin(), scanner_.end() - scanner_.begin()));
    input_.assign(fresh.substr(scanner_.end()));
    input_at_ = 0;
    head_ = std::move(head);
    return dispatch(worker);
  }
}

Connection::Progress Connection::dispatch(Worker &worker) {
  const HeadLimits limits{core_->options.max_head, core_->options.max_target, core_->options.max_headers};
  scanner_ = {};
  const auto problem = parse_head(*head_, limits);
  head_->connection = info_;
  head_->received_ns = now_;
  if (problem) return refuse(*problem, worker);
  if (head_->request_id.empty()) head_->request_id = worker.next_request_id();
  core_->metrics.requests.fetch_add(1, std::memory_order_relaxed);
  core_->metrics.requests_active.fetch_add(1, std::memory_order_relaxed);
  active_ = true;
  body_ = BodyReader(*head_);
  asked_continue_ = false;
  broken_body_ = false;
  drained_ = 0;
  status_ = 0;
  route_.clear();
  user_.clear();
  const auto serial = current_serial_.load(std::memory_order_relaxed) + 1;
  current_serial_.store(serial, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mail_mutex_);
    mail_serial_ = serial;
  }
  phase_ = Phase::Handler;
  const auto patience = std::chrono::duration_cast<std::chrono::nanoseconds>(core_->options.request_timeout).count();
  try {
    core_->handler(
        std::make_shared<Http1Exchange>(shared_from_this(), serial, head_, patience > 0 ? now_ + patience : 0));
  } catch (const std::exception &) {  // the exchange is gone with the handler's stack: it has answered 500
  }
  now_ = base::monotonic_ns();
  return Progress::More;
}

Connection::Progress Connection::wait_for_handler(Worker &worker) {
  std::optional<Response> response;
  std::optional<BodyOrder> order;
  take_mail(response, order);
  if (response) {
    if (order)
      order->done(*order->exchange, error(Status::Cancelled, "The request was answered before its body was read."));
    return start_response(std::move(*response), worker);
  }
  if (order) return start_body(std::move(*order));
  return Progress::Wait;
}

Connection::Progress Connection::start_body(BodyOrder order) {
  order_ = std::move(order);
  phase_ = Phase::Receive;
  since_ = now_;
  rate_.start();
  rate_from_ = body_.read();
  if (!body_.chunked() && body_.left() > order_->limit)
    return fail_body(error(Status::ResourceExhausted, "The body of " + std::to_string(body_.left()) +
                                                          " bytes is over the limit of " +
                                                          std::to_string(order_->limit) + "."));
  if (order_->buffered && !core_->buffered.has(body_.left())) return fail_body(no_room_for_body());
  if (head_->expects_continue && !asked_continue_ && !body_.done() && input_empty()) {
    interim_ = kContinue;
    core_->metrics.responses[0].fetch_add(1, std::memory_order_relaxed);
  }
  asked_continue_ = true;
  if (body_.chunked() || body_.left() > kQuietFrom) quiet(true);
  return Progress::More;
}

Connection::Progress Connection::fail_body(Error failure) {
  finish_body(std::move(failure));
  return Progress::More;
}

void Connection::finish_body(Result<std::uint64_t> result) {
  if (transport_.open()) quiet(false);
  interim_.clear();
  auto order = std::move(*order_);
  order_.reset();
  phase_ = Phase::Handler;
  try {
    order.done(*order.exchange, std::move(result));
  } catch (const std::exception &) {  // unanswered, the exchange answers 500 when the order lets it go
  }
  now_ = base::monotonic_ns();
}

// Gives the body bytes at the front of `input` to the sink, up to the body's end.
bool Connection::feed_body(std::string_view bytes, std::size_t &consumed, const std::shared_ptr<const void> &hold) {
  consumed = 0;
  while (consumed < bytes.size() && !body_.done()) {
    auto part = body_.next(bytes.substr(consumed));
    if (!part) {
      broken_body_ = true;
      finish_body(std::move(part).error());
      return true;
    }
    consumed += part->consumed;
    if (part->data.empty()) continue;
    if (body_.read() > order_->limit) {
      finish_body(error(Status::ResourceExhausted,
                        "The body is over the limit of " + std::to_string(order_->limit) + " bytes."));
      return true;
    }
    if (give_body({as_bytes(part->data), hold})) return true;
  }
  return false;
}

bool Connection::give_body(BodyPiece piece) {
  Result<void> taken;
  try {
    taken = order_->sink(std::move(piece));
  } catch (const std::exception &problem) {
    taken = error(Status::Internal, problem.what());
  }
  if (taken) return false;
  finish_body(std::move(taken).error());
  return true;
}

Connection::Progress Connection::read_body(Worker &worker) {
  std::optional<Response> response;
  std::optional<BodyOrder> second;
  take_mail(response, second);
  if (response) {
    finish_body(error(Status::Cancelled, "The request was answered while its body was received."));
    return start_response(std::move(*response), worker);
  }
  while (!interim_.empty()) {
    iovec piece{interim_.data(), interim_.size()};
    const auto io = transport_.send({&piece, 1}, false);
    if (io.kind == IoResult::Kind::Blocked) break;
    if (io.kind != IoResult::Kind::Moved)
      interim_.clear();
    else
      interim_.erase(0, io.bytes);
  }
  std::size_t moved = 0;
  for (;;) {
    std::size_t consumed = 0;
    if (!input_empty() && !body_.done()) {
      const bool failed = feed_body(input(), consumed);
      consume_input(consumed);
      rate_.reached(body_.read() - rate_from_, rate_limit());
      if (failed) return Progress::More;
    }
    if (body_.done()) {
      finish_body(body_.read());
      return Progress::More;
    }
    if (moved >= kBodyTurn) return Progress::Turn;
    if (!readable_) {
      if (moved > 0 && order_->holds && give_body({})) return Progress::More;
      if (quiet_) listen_once();
      return Progress::Wait;
    }
    // Not much more than what is of the body for sure: what follows it would have to be kept.
    std::span<char> room(worker.scratch);
    std::shared_ptr<char> block;
    if (order_->holds && (body_.left() >= kBlockFrom || body_.read() >= kBlockFrom)) block = core_->blocks.take();
    if (block) room = {block.get(), BlockPool::kBlock};
    const auto sure = body_.left() + (body_.chunked() ? kHeadRead : 0);
    if (sure < room.size()) room = room.first(static_cast<std::size_t>(sure));
    const auto io = receive(room);
    if (io.kind == IoResult::Kind::Blocked) continue;
    if (io.kind != IoResult::Kind::Moved) {
      broken_body_ = true;
      gone_.store(true, std::memory_order_relaxed);
      return fail_body(error(Status::Cancelled, "The client went away after " + std::to_string(body_.read()) +
                                                    " bytes of the body; more were announced."));
    }
    since_ = now_;
    moved += io.bytes;
    const std::string_view fresh(room.data(), io.bytes);
    const bool failed = feed_body(fresh, consumed, block);
    rate_.reached(body_.read() - rate_from_, rate_limit());
    if (consumed < fresh.size()) {
      input_.assign(fresh.substr(consumed));
      input_at_ = 0;
    }
    if (failed) return Progress::More;
  }
}

bool Connection::body_keeps_connection() {
  while (!input_empty() && !body_.done()) {
    const auto part = body_.next(input());
    if (!part) return false;
    consume_input(part->consumed);
  }
  if (body_.done()) return true;
  if (body_.chunked()) return false;
  if (head_->expects_continue && !asked_continue_) return false;  // will it send the body or not? Nobody can tell
  return body_.left() <= core_->options.drain_limit;
}

Connection::Progress Connection::drain(Worker &worker) {
  while (!body_.done()) {
    if (!readable_) return Progress::Wait;
    const auto room = std::min<std::uint64_t>(worker.scratch.size(), body_.left());
    const auto io = receive({worker.scratch.data(), static_cast<std::size_t>(room)});
    if (io.kind == IoResult::Kind::Blocked) continue;
    if (io.kind != IoResult::Kind::Moved) {
      close(false);
      return Progress::Wait;
    }
    since_ = now_;
    rate_.reached(body_.read() + io.bytes - rate_from_, rate_limit());
    if (!body_.next({worker.scratch.data(), io.bytes})) {
      close(true);
      return Progress::Wait;
    }
  }
  next_request();
  return Progress::More;
}

}  // namespace Atoll::net
