// SPDX-License-Identifier: Apache-2.0
#include "core/host/log.hpp"

#include <doctest/doctest.h>

namespace Atoll::host {
namespace {

TEST_CASE("log: text lines cannot be broken or forged") {
  const LogField fields[] = {{"path", "/a b"}, {"user", "x\ny"}, {"Password", "hunter2"}, {"n", "1"}};
  CHECK(format_log_line(LogFormat::Text, 1'000'000'000'123'456'789, ATOLL_LOG_WARNING, "http", "a\r\nb\x1b[2J", fields,
                        "r1") ==
        "2001-09-09T01:46:40.123Z warning http: a\\x0d\\x0ab\\x1b[2J path=\"/a b\" user=\"x\\ny\" Password=*** n=1 "
        "request=r1");
}

TEST_CASE("log: JSON") {
  const LogField fields[] = {{"token", "t"}, {"n", "a\"b"}};
  CHECK(
      format_log_line(LogFormat::Json, 5'000'000, ATOLL_LOG_ERROR, "storage:home", "x", fields, "") ==
      R"({"time":"1970-01-01T00:00:00.005Z","level":"error","source":"storage:home","message":"x","token":"***","n":"a\"b"})");
}

TEST_CASE("log: numbers are numbers in JSON and plain in text") {
  const LogField fields[] = {{"status", "201", true}, {"path", "201"}};
  const auto line = [&](LogFormat format) {
    return format_log_line(format, 0, ATOLL_LOG_INFO, "http", "request", fields, "r");
  };
  CHECK(line(LogFormat::Json).find(R"("status":201,"path":"201"})") != std::string::npos);
  CHECK(line(LogFormat::Text).find(" status=201 path=201 request=r") != std::string::npos);
}

}  // namespace
}  // namespace Atoll::host
