// SPDX-License-Identifier: Apache-2.0
#include "core/host/plugin_inspect.hpp"

#include <atoll/abi/auth.h>
#include <atoll/abi/directory.h>
#include <atoll/abi/events.h>
#include <atoll/abi/http.h>
#include <atoll/abi/registry.h>
#include <atoll/abi/storage_care.h>
#include <atoll/abi/storage_changes.h>
#include <atoll/abi/storage_fs.h>
#include <atoll/abi/storage_trash.h>
#include <atoll/abi/storage_versions.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/time.hpp"
#include "core/host/admin_verbs.hpp"
#include "core/host/plugin_loader.hpp"

namespace Atoll::host {
namespace {

constexpr uid_t kNobody = 65534;

// What a dynamic loader and constructors need, and nothing that changes anything outside of the process.
constexpr int kAllowed[] = {SCMP_SYS(read),
                            SCMP_SYS(pread64),
                            SCMP_SYS(readv),
                            SCMP_SYS(write),
                            SCMP_SYS(writev),
                            SCMP_SYS(close),
                            SCMP_SYS(fstat),
                            SCMP_SYS(newfstatat),
                            SCMP_SYS(statx),
                            SCMP_SYS(stat),
                            SCMP_SYS(lstat),
                            SCMP_SYS(lseek),
                            SCMP_SYS(mmap),
                            SCMP_SYS(mprotect),
                            SCMP_SYS(munmap),
                            SCMP_SYS(mremap),
                            SCMP_SYS(brk),
                            SCMP_SYS(madvise),
                            SCMP_SYS(futex),
                            SCMP_SYS(rt_sigaction),
                            SCMP_SYS(rt_sigprocmask),
                            SCMP_SYS(rt_sigreturn),
                            SCMP_SYS(sigaltstack),
                            SCMP_SYS(exit),
                            SCMP_SYS(exit_group),
                            SCMP_SYS(getrandom),
                            SCMP_SYS(clock_gettime),
                            SCMP_SYS(clock_getres),
                            SCMP_SYS(gettimeofday),
                            SCMP_SYS(time),
                            SCMP_SYS(getpid),
                            SCMP_SYS(gettid),
                            SCMP_SYS(getuid),
                            SCMP_SYS(geteuid),
                            SCMP_SYS(getgid),
                            SCMP_SYS(getegid),
                            SCMP_SYS(sched_getaffinity),
                            SCMP_SYS(sched_yield),
                            SCMP_SYS(getrlimit),
                            SCMP_SYS(uname),
                            SCMP_SYS(sysinfo),
                            SCMP_SYS(arch_prctl),
                            SCMP_SYS(set_robust_list),
                            SCMP_SYS(rseq),
                            SCMP_SYS(access),
                            SCMP_SYS(faccessat),
                            SCMP_SYS(faccessat2),
                            SCMP_SYS(readlink),
                            SCMP_SYS(readlinkat),
                            SCMP_SYS(getcwd),
                            SCMP_SYS(getdents64),
                            SCMP_SYS(tgkill),
                            SCMP_SYS(clock_nanosleep),
                            SCMP_SYS(nanosleep),
                            SCMP_SYS(getcpu)};

bool allow_only_these() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (!filter) return false;
  bool good = true;
  for (const int call : kAllowed) good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0;
  // Files may be opened to be read.
  const scmp_datum_t forbidden = O_ACCMODE | O_CREAT | O_TRUNC;
  good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                           SCMP_A2(SCMP_CMP_MASKED_EQ, forbidden, O_RDONLY)) == 0;
  good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                           SCMP_A1(SCMP_CMP_MASKED_EQ, forbidden, O_RDONLY)) == 0;
  // Its own limits may be read, nobody's set.
  good &= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)) == 0;
  good = good && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return good;
}

void limit(int what, rlim_t most) {
  const rlimit value{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(what), &value);
}

bool enter_sandbox() {
  limit(RLIMIT_CPU, 5);
  limit(RLIMIT_FSIZE, 1 << 20);  // of the pipe nothing is counted; core files are off
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, 64);
#ifndef ATOLL_SANITIZED
  limit(RLIMIT_AS, 1ull << 30);
#endif
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
                           ::setresuid(kNobody, kNobody, kNobody) != 0))
    return false;
  // After a change of user /proc/self is root's, but the plugin is opened through it.
  if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return allow_only_these();
}

std::string_view thread_model(std::uint32_t model) {
  switch (model) {
    case ATOLL_THREADS_SERIAL:
      return "serial";
    case ATOLL_THREADS_PER_INSTANCE:
      return "per instance";
    case ATOLL_THREADS_PER_HANDLE:
      return "per handle";
    default:
      return "parallel";
  }
}

Result<std::string> describe(const std::string &file) {
  auto opened = open_plugin(file);
  if (!opened) return std::move(opened).error();
  const atoll_plugin &plugin = **opened;
  auto keys = schema_of(plugin);
  if (!keys) return std::move(keys).error();
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("id", plugin.id).field("version", plugin.version);
  json.field("licence", plugin.licence ? plugin.licence : "").field("summary", plugin.summary ? plugin.summary : "");
  json.field("abi", std::to_string(plugin.abi_major) + "." + std::to_string(plugin.abi_minor_built));
  json.field("abi_required", std::to_string(plugin.abi_major) + "." + std::to_string(plugin.abi_minor_required));
  json.field("thread_model", thread_model(plugin.thread_model)).key("interfaces").begin_array();
  for (const char *id : {ATOLL_STORAGE_FS, ATOLL_STORAGE_FS_ATTRIBUTES, ATOLL_STORAGE_FS_LOCKS, ATOLL_STORAGE_FS_TRASH,
                         ATOLL_STORAGE_FS_VERSIONS, ATOLL_STORAGE_FS_CHANGES, ATOLL_STORAGE_FS_CARE,
                         "atoll.storage.blob/1", ATOLL_AUTH, ATOLL_DIRECTORY, ATOLL_DIRECTORY_ADMIN, ATOLL_REGISTRY,
                         "atoll.share/1", ATOLL_HTTP, ATOLL_HTTP_CAPABILITIES, ATOLL_EVENTS})
    if (plugin.query(id)) json.string(id);
  json.end_array().field("needs", plugin.needs ? plugin.needs : "").key("keys").begin_array();
  for (const auto &key : *keys) {
    json.begin_object().field("name", key.name).field("type", type_name(key.type));
    json.field("required", key.has(ATOLL_CONFIG_REQUIRED)).field("secret", key.has(ATOLL_CONFIG_SECRET));
    json.field("reloadable", key.has(ATOLL_CONFIG_RELOADABLE));
    if (key.default_text) json.field("default", *key.default_text);
    json.field("description", key.description).end_object();
  }
  json.end_array().end_object();
  return out;
}

[[noreturn]] void child(int plugin_fd, int answer_fd, const std::string &file) {
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3 && null >= 0; ++fd) ::dup2(null, fd);
  // Everything but the two descriptors is closed: the sandbox shall have nothing of ours.
  ::dup2(plugin_fd, 3) < 0 ? ::_exit(70) : void();
  ::dup2(answer_fd, 4) < 0 ? ::_exit(70) : void();
  ::close_range(5, ~0u, 0);
  if (!enter_sandbox()) {
    if (const auto told = base::write_all(4, envelope(error(Status::Internal, "the sandbox could not be set up")));
        !told)
      ::_exit(70);
    ::_exit(0);
  }
  Result<std::string> result = error(Status::Internal, "no answer");
  try {
    result = describe("/proc/self/fd/3");
  } catch (const std::exception &failure) {
    result = error(Status::Internal, failure.what());
  }
  if (!result) {
    Error named = result.error();
    if (const auto at = named.message.find("/proc/self/fd/3"); at != named.message.npos)
      named.message.replace(at, 15, file);
    result = std::move(named);
  }
  if (const auto told = base::write_all(4, envelope(result)); !told) ::_exit(70);
  ::_exit(0);
}

std::string read_all(int fd, std::chrono::milliseconds patience) {
  const std::int64_t until = base::monotonic_ns() + patience.count() * 1'000'000;
  std::string out;
  while (out.size() < (16u << 20)) {
    pollfd waits{fd, POLLIN, 0};
    const auto left = (until - base::monotonic_ns()) / 1'000'000;
    if (left <= 0 || ::poll(&waits, 1, static_cast<int>(left)) <= 0) break;
    char buffer[65536];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got <= 0) break;
    out.append(buffer, static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace

Result<base::JsonObject> inspect_plugin(const std::string &file, std::chrono::milliseconds patience) {
  base::Fd plugin(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!plugin) return base::errno_error("cannot open plugin " + file);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return base::errno_error("cannot make a pipe");
  const base::Fd reading(ends[0]);
  base::Fd writing(ends[1]);
  // The numbers 3 and 4 are overwritten in the child: what is meant for them must not be there.
  plugin.reset(::fcntl(plugin.get(), F_DUPFD_CLOEXEC, 10));
  writing.reset(::fcntl(writing.get(), F_DUPFD_CLOEXEC, 10));
  if (!plugin || !writing) return base::errno_error("cannot set up the sandbox");
  const pid_t pid = ::fork();
  if (pid < 0) return base::errno_error("cannot start the sandbox");
  if (pid == 0) child(plugin.get(), writing.get(), file);
  writing.reset();
  const std::string answer = read_all(reading.get(), patience);
  ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (answer.empty())
    return error(Status::Unavailable, "plugin " + file + " ended or hung while it was being loaded; do not use it");
  if (!base::parse_json_object(answer, 16u << 20))
    return error(Status::Unavailable, "plugin " + file + " disturbed its own inspection; do not use it");
  return open_envelope(answer);
}

}  // namespace Atoll::host
