// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "core/base/mime.hpp"
#include "core/base/uuid.hpp"

using namespace Atoll::base;
using Atoll::Status;

namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "atoll-base-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
};

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_CASE("Fd closes once") {
  int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Fd a(raw);
    Fd b(std::move(a));
    CHECK_FALSE(a);
    CHECK(b.get() == raw);
    a = std::move(b);
    CHECK(a.get() == raw);
    CHECK(is_open(raw));
  }
  CHECK_FALSE(is_open(raw));
  raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  Fd kept(raw);
  CHECK(kept.release() == raw);
  CHECK(is_open(raw));
  ::close(raw);
}

TEST_CASE("a file is written as a whole or not at all") {
  const Folder folder;
  const std::string path = folder.path + "/f";
  REQUIRE(write_file_durably(path, "one", 0640).ok());
  CHECK(*read_file(path) == "one");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
  REQUIRE(write_file_durably(path, std::string("t\0o", 3), 0600).ok());
  CHECK(*read_file(path) == std::string("t\0o", 3));
  CHECK(read_file(path, 2).status() == Status::OutOfRange);
  CHECK(read_file(folder.path + "/none").status() == Status::NotFound);
  CHECK(write_file_durably(folder.path + "/none/f", "x", 0600).status() == Status::NotFound);
  std::filesystem::create_directory(folder.path + "/d");
  CHECK(write_file_durably(folder.path + "/d", "x", 0600).status() == Status::FailedPrecondition);
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder.path)) ++entries;
  CHECK(entries == 2);  // no temporary file is left behind
}

TEST_CASE("a full disk is told apart") {
  Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full) return;
  const auto written = write_all(full.get(), "x");
  CHECK(written.status() == Status::InsufficientStorage);
  CHECK(written.error().sys_errno == ENOSPC);
}

TEST_CASE("errno becomes a status") {
  CHECK(errno_error("x", EIO).status == Status::Unavailable);
  CHECK(errno_error("x", ESTALE).status == Status::Unavailable);
  CHECK(errno_error("x", EACCES).status == Status::PermissionDenied);
  CHECK(errno_error("x", EEXIST).status == Status::AlreadyExists);
  CHECK(errno_error("open f", ENOENT).message == "open f: No such file or directory");
}

TEST_CASE("random ids are version 4 and differ") {
  const auto a = random_id<Atoll::NodeId>();
  const auto b = random_id<Atoll::NodeId>();
  CHECK(a != b);
  CHECK(a.text()[14] == '4');
  CHECK(std::string("89ab").find(a.text()[19]) != std::string::npos);
  CHECK(Atoll::NodeId::parse(a.text()) == a);
}

TEST_CASE("media types") {
  CHECK(mime_type("a.TXT") == "text/plain");
  CHECK(mime_type("archive.tar.gz") == "application/gzip");
  CHECK(mime_type("photo.jpeg") == "image/jpeg");
  for (const char *unknown : {"", ".", "a", "a.", "a.unknown", "a.averylongending"}) {
    CHECK(mime_type(unknown) == "application/octet-stream");
  }
}
