// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of its own for a test program, and the choice of the database that tests run on.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/sql/session.hpp"
#include "core/sql/test_folder.hpp"

namespace Atoll::sql {

/// Whether this run is the one on PostgreSQL: ATOLL_TEST_DATABASE=postgresql.
inline bool on_postgresql() {
  const char *wanted = std::getenv("ATOLL_TEST_DATABASE");
  return wanted && std::string_view(wanted) == "postgresql";
}

/// Listens on a unix socket in a folder of its own only, and ends with the program, however that ends.
class TestPostgresql {
 public:
  /// The one of this program, started when it is first asked for. Without the programs of PostgreSQL the run ends as
  /// skipped (77).
  static TestPostgresql &instance() {
    static TestPostgresql server;
    return server;
  }
  TestPostgresql(const TestPostgresql &) = delete;
  TestPostgresql &operator=(const TestPostgresql &) = delete;
  ~TestPostgresql() { stop(); }

  /// The URL of a new, empty database.
  std::string new_database() {
    const std::string name = "t" + std::to_string(++databases_);
    auto sessions = Sessions::open(url("postgres"), 1);
    if (!sessions) broken("it does not answer: " + sessions.error().message);
    const auto made = guarded("make a database", [&]() -> Result<void> {
      auto lease = (*sessions)->get();
      if (!lease) return lease.error();
      lease->run("CREATE DATABASE " + name);
      return {};
    });
    if (!made) broken(made.error().message);
    return url(name);
  }
  std::string url(const std::string &database) const {
    return "postgresql://postgres@/" + database + "?host=" + folder_.path();
  }
  void stop() {
    if (server_ <= 0) return;
    ::kill(server_, SIGQUIT);
    int status = 0;
    ::waitpid(server_, &status, 0);
    server_ = 0;
  }
  void start() {
    server_ = spawn({programs_ + "/postgres", "-D", folder_.path() + "/data", "-c", "listen_addresses=", "-c",
                     "unix_socket_directories=" + folder_.path(), "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c",
                     "max_connections=50"});
    for (int i = 0; i < 3000; ++i) {
      if (Sessions::open(url("postgres"), 1).ok()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    broken("it did not start; see the end of " + folder_.path() + "/log");
  }

 private:
  TestPostgresql() {
    std::vector<std::string> found;
    std::error_code none;
    for (const auto &entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none))
      if (std::filesystem::exists(entry.path() / "bin/initdb")) found.push_back(entry.path().string() + "/bin");
    if (found.empty()) {
      std::puts("skipped: there is no PostgreSQL below /usr/lib/postgresql (package postgresql-15)");
      std::fflush(stdout);
      std::_Exit(77);
    }
    programs_ = *std::max_element(found.begin(), found.end());
    if (::geteuid() == 0) {  // which PostgreSQL refuses to run as
      const passwd *user = ::getpwnam("postgres");
      if (!user) broken("there is no user postgres");
      user_ = user->pw_uid;
      group_ = user->pw_gid;
      if (::chown(folder_.path().c_str(), user_, group_) != 0) broken("its folder cannot be given to it");
    }
    int status = 0;
    const pid_t made = spawn({programs_ + "/initdb", "-D", folder_.path() + "/data", "-U", "postgres", "--auth=trust",
                              "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"});
    if (::waitpid(made, &status, 0) != made || status != 0) broken("initdb failed");
    start();
  }

  pid_t spawn(const std::vector<std::string> &words) const {
    std::vector<char *> arguments;
    for (const std::string &word : words) arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string log = folder_.path() + "/log";
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user_ != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) ::_exit(1);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), in = ::open("/dev/null", O_RDONLY);
    if (::chdir("/") != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(1);
    ::execv(arguments[0], arguments.data());
    ::_exit(1);
  }
  [[noreturn]] static void broken(const std::string &why) {
    std::fprintf(stderr, "the PostgreSQL server of this test: %s\n", why.c_str());
    std::_Exit(1);
  }

  TestFolder folder_;
  std::string programs_;
  uid_t user_ = 0;
  gid_t group_ = 0;
  pid_t server_ = 0;
  int databases_ = 0;
};

/// A database for one test, of the kind that this run is about.
class TestDatabase {
 public:
  TestDatabase() : url_(on_postgresql() ? TestPostgresql::instance().new_database() : "sqlite:" + path()) {}
  const std::string &url() const { return url_; }
  std::string path() const { return folder_.path() + "/test.db"; }

 private:
  TestFolder folder_;
  std::string url_;
};

}  // namespace Atoll::sql
