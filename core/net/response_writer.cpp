// SPDX-License-Identifier: Apache-2.0
#include "core/net/response_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

namespace Atoll::net {
namespace {

constexpr std::size_t kMaxPieces = 16;
constexpr std::size_t kCopyLimit = 32 * 1024;  ///< files up to here are copied: one call with the head
constexpr std::size_t kTail = 64 * 1024;       ///< of a file that may change: copied, then checked, then sent
constexpr std::size_t kChunkRoom = 32;         ///< for a chunk's size line and its end
constexpr std::size_t kMinPull = 4 * 1024;     ///< less room than this is not offered to a generator
constexpr std::size_t kPullRoom = 64 * 1024;   ///< what a generator makes before it is sent; kept for slow readers

constexpr std::array<char, 16 * 1024> kZeros{};

iovec piece(const char *data, std::size_t size) { return {const_cast<char *>(data), size}; }  // NOLINT: iovec

// The whole of [offset, offset+size), or false: the file is shorter or cannot be read.
bool read_exactly(int fd, char *into, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t count = ::pread(fd, into, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

// What a generator throws is its error: a worker must not die of it.
Result<Pull> pull_from(const Generator &generator, std::span<char> room) {
  try {
    return generator.pull(room);
  } catch (const std::exception &problem) {
    return error(Status::Internal, problem.what());
  }
}

}  // namespace

ResponseWriter::ResponseWriter(std::string head, Body body, bool chunked)
    : head_(std::move(head)), body_(std::move(body)), chunked_(chunked) {
  if (const auto *bytes = std::get_if<std::string>(&body_)) left_ = bytes->size();
  if (const auto *generator = std::get_if<Generator>(&body_)) left_ = generator->length.value_or(0);
  const auto *extents = std::get_if<Extents>(&body_);
  if (extents == nullptr) return;
  left_ = extents->length();
  if (!extents->may_change) return;
  for (const auto &part : extents->parts) {
    if (part.kind != Extent::Kind::File) continue;
    Seen seen{part.fd, {}};
    if (::fstat(part.fd, &seen.status) == 0) seen_.push_back(seen);
  }
}

ResponseWriter::Outcome ResponseWriter::write(Transport &transport, std::span<char> scratch, std::size_t budget) {
  if (auto *extents = std::get_if<Extents>(&body_)) return write_extents(transport, scratch, budget, *extents);
  if (auto *generator = std::get_if<Generator>(&body_)) return write_generator(transport, scratch, budget, *generator);
  if (const auto *bytes = std::get_if<std::string>(&body_)) return write_bytes(transport, budget, *bytes);
  return write_bytes(transport, budget, {});
}

ResponseWriter::Outcome ResponseWriter::fail(std::string what) {
  failure_ = error(Status::Internal, std::move(what));
  return sent_ == 0 ? Outcome::Unsent : Outcome::Failed;
}

ResponseWriter::Outcome ResponseWriter::write_bytes(Transport &transport, std::size_t budget, std::string_view body) {
  const auto start = sent_;
  while (head_sent_ < head_.size() || left_ > 0) {
    if (sent_ - start >= budget) return Outcome::Turn;
    std::array<iovec, 2> pieces{};
    std::size_t count = 0;
    if (head_sent_ < head_.size()) pieces[count++] = piece(head_.data() + head_sent_, head_.size() - head_sent_);
    if (left_ > 0) pieces[count++] = piece(body.data() + (body.size() - left_), left_);
    const auto io = transport.send({pieces.data(), count}, false);
    if (io.kind == IoResult::Kind::Blocked) return Outcome::Blocked;
    if (io.kind != IoResult::Kind::Moved) return Outcome::Failed;
    sent_ += io.bytes;
    const auto of_head = std::min(io.bytes, head_.size() - head_sent_);
    head_sent_ += of_head;
    left_ -= io.bytes - of_head;
  }
  return Outcome::Done;
}

bool ResponseWriter::file_unchanged() const {
  return std::all_of(seen_.begin(), seen_.end(), [](const Seen &seen) {
    struct stat now {};
    const auto &then = seen.status;
    return ::fstat(seen.fd, &now) == 0 && now.st_size == then.st_size && now.st_mtim.tv_sec == then.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == then.st_mtim.tv_nsec && now.st_ctim.tv_sec == then.st_ctim.tv_sec &&
           now.st_ctim.tv_nsec == then.st_ctim.tv_nsec;
  });
}

void ResponseWriter::advance(Extents &extents, std::uint64_t count) {
  left_ -= count;
  while (count > 0) {
    const auto step = std::min(count, extents.parts[part_].length - part_at_);
    part_at_ += step;
    count -= step;
    if (part_at_ == extents.parts[part_].length) {
      std::string().swap(extents.parts[part_].bytes);
      ++part_;
      part_at_ = 0;
    }
  }
}

// Fills `pieces` from the head and from what lies next in the extents: memory, zeros, and short pieces of files
// copied into `scratch`. `more`: a file for sendfile follows. Returns npos if a file could not be read.
std::size_t ResponseWriter::gather(Extents &extents, std::span<char> scratch, std::span<iovec> pieces,
                                   std::size_t &count, bool &more) {
  std::size_t bytes = 0, used = 0;
  if (head_sent_ < head_.size()) {
    pieces[count++] = piece(head_.data() + head_sent_, head_.size() - head_sent_);
    bytes += head_.size() - head_sent_;
  }
  std::uint64_t ahead = left_;
  std::uint64_t at = part_at_;
  for (std::size_t index = part_; index < extents.parts.size() && count < pieces.size(); ++index, at = 0) {
    const auto &part = extents.parts[index];
    const auto length = part.length - at;
    if (length == 0) continue;
    if (part.kind == Extent::Kind::Memory) {
      pieces[count++] = piece(part.bytes.data() + at, length);
      bytes += length;
    } else if (part.kind == Extent::Kind::Hole) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length, kZeros.size()));
      pieces[count++] = piece(kZeros.data(), size);
      bytes += size;
      if (size < length) break;
    } else {
      const bool tail = extents.may_change && ahead <= kTail;
      if (!no_sendfile_ && !tail && length > kCopyLimit) {
        more = true;
        break;
      }
      const auto size = std::min<std::size_t>({static_cast<std::size_t>(length), kTail, scratch.size() - used});
      if (size == 0) break;
      if (!read_exactly(part.fd, scratch.data() + used, size, part.offset + at)) return std::string::npos;
      pieces[count++] = piece(scratch.data() + used, size);
      used += size;
      bytes += size;
      if (size < length) break;
    }
    ahead -= length;
  }
  return bytes;
}

ResponseWriter::Outcome ResponseWriter::write_extents(Transport &transport, std::span<char> scratch, std::size_t budget,
                                                      Extents &extents) {
  const auto start = sent_;
  if (!transport.sends_files()) no_sendfile_ = true;
  while (head_sent_ < head_.size() || left_ > 0) {
    if (sent_ - start >= budget) return Outcome::Turn;
    while (part_ < extents.parts.size() && part_at_ == extents.parts[part_].length) ++part_, part_at_ = 0;
    std::array<iovec, kMaxPieces> pieces{};
    std::size_t count = 0;
    bool more = false;
    const auto bytes = gather(extents, scratch, pieces, count, more);
    if (bytes == std::string::npos) return fail("A file became shorter while it was sent, or cannot be read.");
    if (bytes > 0) {
      const bool last = bytes >= left_ + (head_.size() - head_sent_);
      if (last && !file_unchanged()) return fail("A file changed while it was sent.");
      const auto io = transport.send({pieces.data(), count}, more);
      if (io.kind == IoResult::Kind::Blocked) return Outcome::Blocked;
      if (io.kind != IoResult::Kind::Moved) return Outcome::Failed;
      sent_ += io.bytes;
      const auto of_head = std::min(io.bytes, head_.size() - head_sent_);
      head_sent_ += of_head;
      advance(extents, io.bytes - of_head);
      continue;
    }
    const auto &part = extents.parts[part_];
    auto size = std::min<std::uint64_t>(part.length - part_at_, budget - (sent_ - start));
    if (extents.may_change) size = std::min(size, left_ - std::min<std::uint64_t>(left_, kTail));
    const auto io = transport.send_file(part.fd, part.offset + part_at_, static_cast<std::size_t>(size));
    switch (io.kind) {
      case IoResult::Kind::Moved:
        sent_ += io.bytes;
        advance(extents, io.bytes);
        break;
      case IoResult::Kind::Blocked:
        return Outcome::Blocked;
      case IoResult::Kind::Unsupported:
        no_sendfile_ = true;
        break;
      case IoResult::Kind::End:
        return fail("A file became shorter while it was sent.");
      case IoResult::Kind::Failed:
        return fail("A file could not be sent.");
    }
  }
  return Outcome::Done;
}

ResponseWriter::Outcome ResponseWriter::flush_staged(Transport &transport, bool more) {
  while (staged_sent_ < staged_.size()) {
    auto rest = piece(staged_.data() + staged_sent_, staged_.size() - staged_sent_);
    const auto io = transport.send({&rest, 1}, more);
    if (io.kind == IoResult::Kind::Blocked) return Outcome::Blocked;
    if (io.kind != IoResult::Kind::Moved) return Outcome::Failed;
    sent_ += io.bytes;
    staged_sent_ += io.bytes;
  }
  staged_.clear();
  staged_sent_ = 0;
  return Outcome::Done;
}

ResponseWriter::Outcome ResponseWriter::write_generator(Transport &transport, std::span<char> scratch,
                                                        std::size_t budget, Generator &generator) {
  const auto start = sent_;
  for (;;) {
    if (const auto flushed = flush_staged(transport, false); flushed != Outcome::Done) return flushed;
    if (ended_) return Outcome::Done;
    if (sent_ - start >= budget) return Outcome::Turn;

    // Pull until the scratch is full or the generator has nothing more for now.
    char *const data = scratch.data() + kChunkRoom;
    const std::size_t room = std::min(scratch.size(), kPullRoom) - 2 * kChunkRoom;
    std::size_t filled = 0;
    bool waiting = false;
    if (generator.length && left_ == 0) ended_ = true;
    while (!ended_ && !waiting && room - filled >= kMinPull) {
      auto offer = room - filled;
      if (generator.length) offer = static_cast<std::size_t>(std::min<std::uint64_t>(offer, left_));
      auto pulled = pull_from(generator, {data + filled, offer});
      if (!pulled) {
        failure_ = std::move(pulled).error();
        return sent_ == 0 ? Outcome::Unsent : Outcome::Failed;
      }
      if (pulled->kind == Pull::Kind::Again)
        waiting = true;
      else if (pulled->kind == Pull::Kind::End || pulled->bytes == 0)
        ended_ = true;
      else if (pulled->bytes > offer)
        return fail("A generator wrote more than it was offered.");
      else
        filled += pulled->bytes;
      if (generator.length && pulled->kind == Pull::Kind::Data) {
        left_ -= pulled->bytes;
        if (left_ == 0) ended_ = true;
      }
    }
    if (ended_ && generator.length && left_ > 0) return fail("A generator ended before its length.");

    char *first = data;
    std::size_t size = filled;
    if (chunked_) {
      if (filled > 0) {
        std::array<char, kChunkRoom> line{};
        const auto length = static_cast<std::size_t>(std::snprintf(line.data(), line.size(), "%zx\r\n", filled));
        first = data - length;
        std::memcpy(first, line.data(), length);
        size += length;
        std::memcpy(first + size, "\r\n", 2);
        size += 2;
      }
      if (ended_) {
        std::memcpy(first + size, "0\r\n\r\n", 5);
        size += 5;
      }
    }
    std::array<iovec, 2> pieces{};
    std::size_t count = 0;
    if (head_sent_ < head_.size()) pieces[count++] = piece(head_.data() + head_sent_, head_.size() - head_sent_);
    if (size > 0) pieces[count++] = piece(first, size);
    std::size_t taken = 0;
    bool failed = false;
    if (count > 0) {
      const auto io = transport.send({pieces.data(), count}, false);
      failed = io.kind == IoResult::Kind::Failed;
      if (io.kind == IoResult::Kind::Moved) taken = io.bytes;
      sent_ += taken;
    }
    if (failed) return Outcome::Failed;
    const auto of_head = std::min(taken, head_.size() - head_sent_);
    staged_.assign(head_, head_sent_ + of_head);
    head_sent_ = head_.size();
    staged_.append(first + (taken - of_head), size - (taken - of_head));
    if (waiting && staged_.empty()) {
      std::string().swap(staged_);  // it may take hours
      return Outcome::Waiting;
    }
  }
}

}  // namespace Atoll::net
