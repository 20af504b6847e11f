// SPDX-License-Identifier: Apache-2.0
#include "core/host/http_body.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace Atoll::host {
namespace {

// Calls release once, at the end of the body's life.
class Owner {
 public:
  Owner(const atoll_response &raw, std::shared_ptr<Lease> lease)
      : owner_(raw.owner), release_(raw.release), pull_(raw.pull), lease_(std::move(lease)) {}
  ~Owner() {
    if (!release_) return;
    const CallLock lock = lease_->lock();
    release_(owner_);
  }
  Owner(const Owner &) = delete;
  Owner &operator=(const Owner &) = delete;

  Result<net::Pull> pull(const atoll_waker &waker, std::span<char> buffer) const {
    if (!lease_->instance().running()) return error(Status::Unavailable, "the instance is being stopped");
    std::uint64_t got = 0;
    std::int32_t what = 0;
    {
      const CallLock lock = lease_->lock();
      what = pull_(owner_, &waker, buffer.data(), buffer.size(), &got);
    }
    switch (what) {
      case ATOLL_PULL_DATA:
        if (got == 0 || got > buffer.size()) return error(Status::Internal, "a generator gave an impossible length");
        return net::Pull::data(static_cast<std::size_t>(got));
      case ATOLL_PULL_WAIT:
        return net::Pull::again();
      case ATOLL_PULL_END:
        return net::Pull::end();
      default:
        return error(Status::Unavailable, "the body could not be continued");
    }
  }

 private:
  void *owner_;
  void (*release_)(void *);
  std::int32_t (*pull_)(void *, const atoll_waker *, void *, std::uint64_t, std::uint64_t *);
  std::shared_ptr<Lease> lease_;
};

net::Body extents_body(const atoll_response &raw, std::shared_ptr<Owner> owner) {
  net::Extents body;
  const auto *at = reinterpret_cast<const char *>(raw.extents);
  const std::size_t stride = raw.extent_stride != 0 ? raw.extent_stride : sizeof(atoll_extent);
  for (std::uint64_t i = 0; i < raw.extent_count; ++i, at += stride) {
    atoll_extent extent{};
    std::memcpy(&extent, at, std::min(sizeof extent, stride));
    if ((extent.flags & ATOLL_EXTENT_MAY_CHANGE) != 0) body.may_change = true;
    switch (extent.kind) {
      case ATOLL_EXTENT_FD:
        body.parts.push_back(net::Extent::file(extent.fd, extent.offset, extent.length));
        break;
      case ATOLL_EXTENT_MEMORY:
        body.parts.push_back(net::Extent::memory(std::string(static_cast<const char *>(extent.memory), extent.length)));
        break;
      default:
        body.parts.push_back(net::Extent::hole(extent.length));
        break;
    }
  }
  body.owner = std::move(owner);
  return body;
}

net::Body generator_body(const atoll_response &raw, std::shared_ptr<Owner> owner) {
  net::Generator body;
  if (raw.length != ATOLL_SIZE_UNKNOWN) body.length = raw.length;
  body.waker = std::make_shared<net::Waker>();
  auto waker = sized<atoll_waker>();
  waker.host = body.waker.get();
  waker.wake = [](void *host) { static_cast<net::Waker *>(host)->wake(); };
  // The owner goes before the waker: release may still wake.
  body.pull = [keep = body.waker, waker, owner = std::move(owner)](std::span<char> buffer) {
    return owner->pull(waker, buffer);
  };
  return body;
}

}  // namespace

net::Body http_body(const atoll_response &raw, std::shared_ptr<Lease> lease) {
  auto owner = std::make_shared<Owner>(raw, std::move(lease));
  switch (raw.body) {
    case ATOLL_BODY_BYTES:
      return std::string(static_cast<const char *>(raw.bytes.ptr), raw.bytes.ptr ? raw.bytes.len : 0);
    case ATOLL_BODY_EXTENTS:
      return extents_body(raw, std::move(owner));
    case ATOLL_BODY_GENERATOR:
      return generator_body(raw, std::move(owner));
    default:
      return std::monostate();
  }
}

}  // namespace Atoll::host
