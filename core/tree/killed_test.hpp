// SPDX-License-Identifier: Apache-2.0
// For tests of what a server leaves that did not end by itself.
#pragma once

#include "core/tree/test_engine.hpp"

#include <signal.h>
#include <sys/wait.h>

namespace Atoll::tree::test {

/// Does `work` in another process, with an engine that is killed after it. None is open here then.
inline void killed_after(Fixture &f, const std::function<bool()> &work) {
  f.engine.reset();
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto opened = f.provider.try_open();
    if (!opened) ::_exit(3);
    f.engine = std::move(*opened);
    f.engine->settle();  // the round at its start is over: what follows stays open
    if (!work()) ::_exit(4);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace Atoll::tree::test
