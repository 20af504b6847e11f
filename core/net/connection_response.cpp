// SPDX-License-Identifier: Apache-2.0
// The writing half of a connection: answers, refusals, and the careful end.
#include <algorithm>
#include <utility>

#include "core/base/time.hpp"
#include "core/net/compress.hpp"
#include "core/net/connection.hpp"
#include "core/net/response_head.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kWriteTurn = 1024 * 1024;  ///< bytes before others have a turn
constexpr std::size_t kLingerTurn = 1024 * 1024;
constexpr unsigned kRequestsPerTurn = 64;
constexpr std::uint64_t kUncounted = 4 * 1024;  ///< answers up to here are not counted: errors can always be told

Response error_response(int status, std::string text) {
  text += '\n';
  Response response(status, std::move(text));
  if (status == 503) response.with("Retry-After", "5");
  return response;
}

/// Bytes of memory that a body holds until it is sent.
std::uint64_t memory_of(const Body &body) {
  if (const auto *bytes = std::get_if<std::string>(&body)) return bytes->capacity();
  std::uint64_t sum = 0;
  if (const auto *extents = std::get_if<Extents>(&body))
    for (const auto &part : extents->parts) sum += part.bytes.capacity();
  return sum;
}

}  // namespace

Connection::Progress Connection::refuse(const HeadError &problem, Worker &worker) {
  core_->metrics.heads_refused.fetch_add(1, std::memory_order_relaxed);
  if (!head_) head_ = std::make_shared<RequestHead>();
  head_->connection = info_;
  head_->keep_alive = false;
  if (head_->request_id.empty()) head_->request_id = worker.next_request_id();
  body_ = {};
  core_->metrics.requests_active.fetch_add(1, std::memory_order_relaxed);
  active_ = true;
  std::string().swap(input_);
  input_at_ = 0;
  return start_response(error_response(problem.status, problem.reason), worker);
}

Connection::Progress Connection::start_response(Response response, Worker &worker) {
  if (response.status < 200 || response.status > 599)
    response = error_response(500, "The handler gave no valid status.");
  const bool zipped =
      core_->options.compress && compress(response, *head_, {worker.gzip, worker.scratch, core_->answers});
  answer_memory_ = Reservation(core_->answers);
  if (const auto memory = memory_of(response.body);
      memory > kUncounted && head_->method != "HEAD" && !answer_memory_.grow(memory)) {
    core_->metrics.answers_refused.fetch_add(1, std::memory_order_relaxed);
    auto later = error_response(503, "The server holds too many answers in memory now; try again in a moment.");
    later.route = std::move(response.route);
    later.user = std::move(response.user);
    return start_response(std::move(later), worker);
  }
  if (zipped) core_->metrics.compressed.fetch_add(1, std::memory_order_relaxed);
  status_ = response.status;
  route_ = std::move(response.route);
  user_ = std::move(response.user);
  close_after_ = !head_->keep_alive || core_->draining.load(std::memory_order_relaxed) || asks_to_close(response) ||
                 broken_body_ || !body_keeps_connection();

  Framing framing;
  const bool head_only = head_->method == "HEAD";
  auto *generator = std::get_if<Generator>(&response.body);
  if (status_ == 204 || status_ == 304) {
    framing.kind = Framing::Length::None;
  } else if (const auto *bytes = std::get_if<std::string>(&response.body)) {
    framing.length = bytes->size();
  } else if (const auto *extents = std::get_if<Extents>(&response.body)) {
    framing.length = extents->length();
  } else if (generator != nullptr) {
    if (generator->length)
      framing.length = *generator->length;
    else if (head_only)
      framing.kind = Framing::Length::None;
    else if (head_->minor_version >= 1)
      framing.kind = Framing::Length::Chunked;
    else
      framing.kind = Framing::Length::Close;
    if (framing.kind == Framing::Length::Close) close_after_ = true;
  } else if (head_only) {
    framing.kind = Framing::Length::Handler;
  }
  framing.close = close_after_;
  framing.keep_alive = !close_after_ && head_->minor_version == 0;

  auto head = make_response_head(response, framing, worker.date.now(), head_->request_id);
  if (head_only || framing.kind == Framing::Length::None) {
    response.body = std::monostate{};
    generator = nullptr;
  }
  if (generator != nullptr && generator->waker) {
    waker_ = generator->waker;
    waker_->bind([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->post(Wake);
    });
  }
  writer_.emplace(std::move(head), std::move(response.body), framing.kind == Framing::Length::Chunked);
  write_waiting_ = false;
  since_ = now_ = base::monotonic_ns();
  rate_.start();
  taken_ = 0;
  phase_ = Phase::Send;
  return Progress::More;
}

Connection::Progress Connection::write(Worker &worker) {
  if (transport_.holds_output()) {
    const auto io = transport_.flush();
    if (io.bytes > 0) since_ = now_;
    if (io.kind != IoResult::Kind::Moved) {
      if (io.kind != IoResult::Kind::Blocked) close(true);
      return Progress::Wait;
    }
  }
  const auto before = writer_->sent();
  const auto outcome = writer_->write(transport_, worker.scratch, kWriteTurn);
  if (const auto moved = writer_->sent() - before; moved > 0) {
    core_->metrics.bytes_out.fetch_add(moved, std::memory_order_relaxed);
    since_ = now_;
  }
  if (write_waiting_ && outcome != ResponseWriter::Outcome::Waiting) since_ = now_;
  write_waiting_ = outcome == ResponseWriter::Outcome::Waiting && !transport_.holds_output();
  switch (outcome) {
    case ResponseWriter::Outcome::Done:
      if (transport_.holds_output()) return Progress::Wait;
      return finish_response();
    case ResponseWriter::Outcome::Turn:
      return Progress::Turn;
    case ResponseWriter::Outcome::Blocked:
      return Progress::Wait;
    case ResponseWriter::Outcome::Waiting:
      if (!ended_) return Progress::Wait;
      break;  // nobody will read what comes one day
    case ResponseWriter::Outcome::Unsent: {
      const auto status = writer_->failure().status;
      const bool later = status == Status::Unavailable || status == Status::DeadlineExceeded;
      auto instead = error_response(later ? 503 : 500, writer_->failure().message);
      instead.route = std::move(route_);
      instead.user = std::move(user_);
      if (waker_) waker_->bind({});
      waker_.reset();
      return start_response(std::move(instead), worker);
    }
    case ResponseWriter::Outcome::Failed:
      break;
  }
  close(true);
  return Progress::Wait;
}

// What was handed to the kernel may still be on this side: megabytes, when the client takes a kilobyte a second.
bool Connection::client_took_more() {
  const auto taken = writer_->sent() - std::min<std::uint64_t>(writer_->sent(), transport_.unacknowledged());
  if (taken > taken_) {
    taken_ = taken;
    since_ = now_;
    rate_.reached(taken, rate_limit());
  }
  set_deadline();
  return now_ < deadline();
}

Connection::Progress Connection::finish_response() {
  note_finished(true);
  writer_.reset();
  answer_memory_.release();
  if (waker_) waker_->bind({});
  waker_.reset();
  if (close_after_) {
    begin_linger();
    return Progress::More;
  }
  if (!body_.done()) {
    phase_ = Phase::Drain;
    since_ = now_;
    rate_.start();
    rate_from_ = body_.read();
    return Progress::More;
  }
  next_request();
  return ++served_ < kRequestsPerTurn ? Progress::More : Progress::Turn;
}

void Connection::next_request() {
  head_.reset();
  scanner_ = {};
  rate_.start();
  phase_ = Phase::Head;
  since_ = now_;
}

// To close with unread bytes would reset the connection, and the client might never see the answer. So: say that no
// more comes, and read on for a while until the client has closed (RFC 9112 9.6).
void Connection::begin_linger() {
  transport_.end();
  head_.reset();
  std::string().swap(input_);
  input_at_ = 0;
  phase_ = Phase::Linger;
  since_ = now_;
  rate_.start();
}

Connection::Progress Connection::linger(Worker &worker) {
  if (!transport_.ended()) transport_.end();
  std::size_t moved = 0;
  while (readable_) {
    if (moved >= kLingerTurn) return Progress::Turn;
    const auto io = receive(worker.scratch);
    if (io.kind == IoResult::Kind::Blocked) break;
    if (io.kind != IoResult::Kind::Moved) {
      close(false);
      break;
    }
    moved += io.bytes;
  }
  return Progress::Wait;
}

}  // namespace Atoll::net
