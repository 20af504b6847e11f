// SPDX-License-Identifier: Apache-2.0
#include "core/host/data_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/base/text.hpp"

namespace Atoll::host {
namespace {

constexpr std::uint64_t kFormat = 1;
constexpr std::string_view kFormatWord = "atoll-data ";

Result<void> make_folder(const std::string &path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno == ENOENT) {
    std::error_code failed;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
    if (!failed && (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST)) return {};
    if (failed) errno = failed.value();
  }
  auto why = base::errno_error("cannot make the folder " + path);
  why.message += "; name another one with --data DIR or make it for user " + std::to_string(::geteuid());
  return why;
}

Result<base::Fd> take_lock(const std::string &path) {
  const std::string file = path + "/lock";
  base::Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return base::errno_error("cannot open " + file);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return base::errno_error("cannot lock " + file);
    const auto holder = base::read_file(file, 64);
    std::string who = holder ? std::string(base::trim(*holder)) : std::string();
    if (!who.empty()) who = " (process " + who + ")";
    return error(Status::Aborted,
                 "the data in " + path + " is in use by another atoll" + who + "; stop that one first");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0) return base::errno_error("cannot write " + file);
  if (auto written = base::write_all(fd.get(), pid); !written) return std::move(written).error();
  return fd;
}

Result<void> check_format(const std::string &path) {
  const std::string file = path + "/format";
  const auto text = base::read_file(file, 256);
  if (!text) {
    if (text.status() != Status::NotFound) return text.error();
    return base::write_file_durably(file, std::string(kFormatWord) + std::to_string(kFormat) + "\n", 0640);
  }
  const auto line = base::trim(*text);
  const auto version = line.compare(0, kFormatWord.size(), kFormatWord) == 0
                           ? base::parse_u64(line.substr(kFormatWord.size()))
                           : std::nullopt;
  if (!version)
    return error(Status::DataLoss, file + " is damaged: it should hold 'atoll-data " + std::to_string(kFormat) + "'");
  if (*version > kFormat)
    return error(Status::FailedPrecondition, "the data in " + path + " was written by a newer atoll (format " +
                                                 std::to_string(*version) + ", this one knows " +
                                                 std::to_string(kFormat) + "); update this server");
  return {};
}

}  // namespace

std::string run_folder(const std::string &data) { return data + "/run"; }

Result<DataFolder> DataFolder::open(const std::string &path) {
  if (auto made = make_folder(path, 0750); !made) return std::move(made).error();
  auto lock = take_lock(path);
  if (!lock) return std::move(lock).error();
  if (auto good = check_format(path); !good) return std::move(good).error();
  if (auto made = make_folder(run_folder(path), 0700); !made) return std::move(made).error();
  const std::string tmp = path + "/tmp";
  std::error_code failed;
  std::filesystem::remove_all(tmp, failed);
  if (failed) return error(Status::Unavailable, "cannot empty " + tmp + ": " + failed.message());
  if (auto made = make_folder(tmp, 0700); !made) return std::move(made).error();
  return DataFolder(path, std::move(*lock));
}

}  // namespace Atoll::host
