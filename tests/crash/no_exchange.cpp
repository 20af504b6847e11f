// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/no_exchange.hpp"

#include <fcntl.h>

#include <cerrno>

namespace Atoll::proof {
namespace {

using namespace Atoll::tree;

class NoExchangeFolder final : public PosixFolder {
 public:
  using PosixFolder::PosixFolder;
  Result<void> move(std::string_view name, Folder &to, std::string_view to_name, Onto onto) override {
    if (onto == Onto::Exchange) return base::errno_error("exchange " + std::string(name), EINVAL);
    return PosixFolder::move(name, to, to_name, onto);
  }
  Result<void> place(Staged &staged, std::string_view name, Onto onto) override {
    if (onto == Onto::Exchange) return base::errno_error("exchange " + std::string(name), EINVAL);
    return PosixFolder::place(staged, name, onto);
  }
};

}  // namespace

Result<std::unique_ptr<Folder>> NoExchangeNamespace::without(Result<std::unique_ptr<Folder>> opened) {
  if (!opened) return opened;
  base::Fd fd(::fcntl(static_cast<PosixFolder &>(**opened).fd(), F_DUPFD_CLOEXEC, 3));
  if (!fd) return base::errno_error("open a folder once more");
  return std::unique_ptr<Folder>(std::make_unique<NoExchangeFolder>(own_root_, std::move(fd)));
}

Result<std::unique_ptr<Folder>> NoExchangeNamespace::open(std::string_view base, std::string_view path) {
  return without(PosixNamespace::open(base, path));
}

Result<std::unique_ptr<Folder>> NoExchangeNamespace::kept(const SpaceId &space, std::string_view path, bool make) {
  return without(PosixNamespace::kept(space, path, make));
}

}  // namespace Atoll::proof
