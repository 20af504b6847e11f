// SPDX-License-Identifier: Apache-2.0
#include "core/host/control_socket.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/time.hpp"
#include "core/host/data_folder.hpp"
#include "core/host/log.hpp"

namespace Atoll::host {
namespace {

constexpr const char *kName = "control.sock";
constexpr std::size_t kLongestLine = 64 << 20;  // an import of accounts

// An address below 108 bytes for a socket in any folder: through the folder's own descriptor. `folder` keeps it open.
Result<sockaddr_un> address_in(const std::string &path, base::Fd &folder) {
  folder.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return base::errno_error("cannot open " + path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string name = path + "/" + kName;
  if (name.size() >= sizeof address.sun_path) name = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + kName;
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return address;
}

const sockaddr *generic(const sockaddr_un &address) { return reinterpret_cast<const sockaddr *>(&address); }

bool same_user_or_root(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

bool wait_for(int fd, short what, std::int64_t until_ns) {
  for (;;) {
    const std::int64_t left = (until_ns - base::monotonic_ns()) / 1'000'000;
    pollfd waits{fd, what, 0};
    const int ready = ::poll(&waits, 1, left > 0 ? static_cast<int>(std::min<std::int64_t>(left, 1 << 30)) : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// Lines of a connection, without their ends.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  // False when the peer is gone, too slow or sends too much.
  bool next(std::string &line, std::chrono::milliseconds patience) {
    const std::int64_t until = base::monotonic_ns() + patience.count() * 1'000'000;
    std::size_t looked = 0;
    for (;;) {
      const std::size_t end = held_.find('\n', looked);
      if (end != std::string::npos) {
        line = held_.substr(0, end);
        held_.erase(0, end + 1);
        return true;
      }
      looked = held_.size();
      if (looked > kLongestLine) return false;
      char buffer[65536];
      if (!wait_for(fd_, POLLIN, until)) return false;
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      held_.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  const int fd_;
  std::string held_;
};

bool send_line(int fd, std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t sent = ::send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

Result<void> ControlServer::start(const std::string &data, Handler handler) {
  folder_ = run_folder(data);
  handler_ = std::move(handler);
  base::Fd folder;
  auto address = address_in(folder_, folder);
  if (!address) return std::move(address).error();
  listening_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!listening_ || !wake_) return base::errno_error("cannot make the control socket");
  ::unlink(address->sun_path);
  if (::bind(listening_.get(), generic(*address), sizeof *address) != 0 || ::chmod(address->sun_path, 0600) != 0 ||
      ::listen(listening_.get(), 16) != 0)
    return base::errno_error("cannot make the control socket " + folder_ + "/" + kName);
  pool_.admit(this);
  thread_ = std::thread([this] { accept_all(); });
  return {};
}

void ControlServer::stop() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof one) < 0) return;  // cannot happen: the counter is at zero
  thread_.join();
  leaving_ = true;
  pool_.dismiss(this);
  listening_.reset();
  ::unlink((folder_ + "/" + kName).c_str());
}

void ControlServer::accept_all() {
  for (;;) {
    pollfd waits[2] = {{listening_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    if (waits[1].revents != 0) return;
    if (waits[0].revents == 0) continue;
    base::Fd client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    if (!same_user_or_root(client.get())) {
      log(ATOLL_LOG_WARNING, "control", "a connection of another user was refused");
      continue;
    }
    const auto shared = std::make_shared<base::Fd>(std::move(client));
    pool_.run(this, std::chrono::milliseconds(0), [this, shared] { serve(std::move(*shared)); });
  }
}

void ControlServer::serve(base::Fd client) const {
  std::string line;
  if (!Lines(client.get()).next(line, std::chrono::seconds(10))) return;
  // Who does not read what he asked for shall not hold up a stop.
  const timeval most{30, 0};
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
  const Say say = [&](const std::string &said) { return !leaving_.load() && send_line(client.get(), said); };
  send_line(client.get(), handler_(line, say));
}

Result<std::string> control_request(const std::string &data, std::string_view line, std::chrono::milliseconds patience,
                                    const std::function<void(const std::string &)> &hear) {
  const auto none = [&](const char *why) {
    return error(Status::Unavailable, "no server is running on the data in " + data + " (" + why + ")");
  };
  base::Fd folder;
  const auto address = address_in(run_folder(data), folder);
  if (!address && address.status() == Status::NotFound) return none("it has no run folder");
  if (!address) return address.error();
  const base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return base::errno_error("cannot make a socket");
  if (::connect(fd.get(), generic(*address), sizeof *address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return none("nothing answers on its control socket");
    return base::errno_error("cannot reach the server on the data in " + data);
  }
  const auto silent = [&] {
    return error(Status::DeadlineExceeded, "the server on the data in " + data + " did not answer");
  };
  if (!send_line(fd.get(), std::string(line))) return silent();
  Lines lines(fd.get());
  std::string answer;
  for (;;) {
    if (!lines.next(answer, patience)) return silent();
    if (!answer.starts_with("{\"line\":")) return answer;
    if (hear) hear(answer);
  }
}

}  // namespace Atoll::host
