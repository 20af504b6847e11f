// SPDX-License-Identifier: Apache-2.0
#include "core/sql/postgresql.hpp"

#include <Poco/Data/DataException.h>
#include <Poco/Data/PostgreSQL/Connector.h>
#include <Poco/Data/PostgreSQL/SessionHandle.h>
#include <Poco/Data/PostgreSQL/Utility.h>

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "core/base/uri.hpp"

namespace Atoll::sql {
namespace {

constexpr std::string_view kScheme = "postgresql://";

Error bad_url(const std::string &why) {
  return error(Status::InvalidArgument,
               "the database url " + why + "; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
}

/// A value of a connection string; Poco splits that at blanks, whatever stands around them.
Result<std::string> value_of(std::string_view key, std::string_view encoded) {
  const auto plain = base::percent_decode(encoded);
  const bool usable = plain && std::none_of(plain->begin(), plain->end(),
                                            [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
  if (!usable)
    return bad_url(
        "has a " + std::string(key) +
        " with blanks, control characters or a bad percent sign; a password with blanks can stand in a .pgpass "
        "file");
  std::string out;
  for (const char c : *plain) {
    if (c == '\'' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace

Result<PostgresqlTarget> read_postgresql_url(std::string_view url) {
  if (!url.starts_with(kScheme)) return bad_url("does not begin with postgresql://");
  url.remove_prefix(kScheme.size());
  std::map<std::string, std::string, std::less<>> parts = {{"application_name", "atoll"},
                                                           {"connect_timeout", "5"},
                                                           {"keepalives_idle", "30"},
                                                           {"target_session_attrs", "read-write"},
                                                           {"tcp_user_timeout", "20000"}};
  const auto set = [&](const std::string &key, std::string_view encoded) -> Result<void> {
    auto value = value_of(key, encoded);
    if (!value) return std::move(value).error();
    parts[key] = *std::move(value);
    return {};
  };
  const std::size_t query = url.find('?');
  std::string_view options = query == url.npos ? std::string_view() : url.substr(query + 1);
  url = url.substr(0, query);
  const std::size_t slash = url.find('/');
  const std::string_view database = slash == url.npos ? std::string_view() : url.substr(slash + 1);
  std::string_view server = url.substr(0, slash);
  if (const std::size_t at = server.rfind('@'); at != server.npos) {
    const std::string_view login = server.substr(0, at);
    const std::size_t colon = login.find(':');
    if (auto done = set("user", login.substr(0, colon)); !done) return std::move(done).error();
    if (colon != login.npos)
      if (auto done = set("password", login.substr(colon + 1)); !done) return std::move(done).error();
    server.remove_prefix(at + 1);
  }
  std::string_view port;
  if (const std::size_t colon = server.rfind(':'); colon != server.npos && server.find(']', colon) == server.npos) {
    port = server.substr(colon + 1);
    server = server.substr(0, colon);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos)
      return bad_url("has no good port");
  }
  if (server.size() > 2 && server.front() == '[' && server.back() == ']') server = server.substr(1, server.size() - 2);
  for (const auto &[key, text] : {std::pair("host", server), std::pair("port", port), std::pair("dbname", database)})
    if (!text.empty())
      if (auto done = set(key, text); !done) return std::move(done).error();
  while (!options.empty()) {
    const std::string_view one = options.substr(0, options.find('&'));
    options.remove_prefix(std::min(options.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    const std::string key(one.substr(0, equals));
    if (equals == one.npos || key.empty() || key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != key.npos)
      return bad_url("has a bad '" + key + "' behind its question mark");
    if (auto done = set(key, one.substr(equals + 1)); !done) return std::move(done).error();
  }
  if (server.find(',') != server.npos)
    return bad_url("has several hosts; they can stand behind it, as ?host=a,b&port=5432,5433");
  if (const std::string &wanted = parts["target_session_attrs"]; wanted != "read-write" && wanted != "primary")
    return bad_url(
        "has target_session_attrs=" + wanted +
        ", which may lead to a standby that lacks the newest changes; only read-write and primary are taken");
  PostgresqlTarget out;
  for (const auto &[key, value] : parts)
    if (!value.empty()) out.connection += (out.connection.empty() ? "" : " ") + key + "=" + value;
  const auto part = [&](const char *key) { return parts.count(key) != 0 ? parts[key] : std::string(); };
  out.shown =
      std::string(kScheme) + part("host") + (part("port").empty() ? "" : ":" + part("port")) + "/" + part("dbname");
  return out;
}

std::unique_ptr<Poco::Data::Session> connect_postgresql(const PostgresqlTarget &target) {
  namespace postgresql = Poco::Data::PostgreSQL;
  using Poco::Data::Keywords::now;
  {  // Poco never frees a connection that could not be made: it is tried without it first.
    const std::unique_ptr<PGconn, decltype(&PQfinish)> tried(PQconnectdb(target.connection.c_str()), &PQfinish);
    if (PQstatus(tried.get()) != CONNECTION_OK)
      throw Poco::Data::ConnectionFailedException(std::string(base::trim(PQerrorMessage(tried.get()))));
  }
  postgresql::Connector::registerConnector();
  auto session = std::make_unique<Poco::Data::Session>(postgresql::Connector::KEY, target.connection);
  if (PGconn *connection = *postgresql::Utility::handle(*session))
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);  // with the SQLSTATE
  *session << "SET client_encoding = 'UTF8'", now;
  *session << "SET client_min_messages = warning", now;  // libpq writes notices to stderr
  *session << "SET statement_timeout = 20000", now;
  *session << "SET synchronous_commit = on", now;
  return session;
}

void close_postgresql(std::unique_ptr<Poco::Data::Session> session) noexcept {
  PGconn *broken = nullptr;
  try {
    PGconn *connection = *Poco::Data::PostgreSQL::Utility::handle(*session);
    if (connection && PQstatus(connection) != CONNECTION_OK) broken = connection;
  } catch (...) {  // it has none
  }
  session.reset();
  if (broken) PQfinish(broken);
}

int socket_of(Poco::Data::Session &session) noexcept {
  try {
    PGconn *connection = *Poco::Data::PostgreSQL::Utility::handle(session);
    return connection ? PQsocket(connection) : -1;
  } catch (...) {
    return -1;
  }
}

std::string sqlstate(const Poco::Exception &failure) {
  const std::string text = failure.displayText();
  const auto state_at = [&](std::size_t at) {
    std::string state = text.substr(std::min(at, text.size()), 5);
    const bool good = state.size() == 5 && std::all_of(state.begin(), state.end(), [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                      });
    return good ? state : std::string();
  };
  // As Poco writes it, and as libpq does: "ERROR:  42703: column ...", the first word in the language of the server.
  constexpr std::string_view poco = " State: ", libpq = ":  ";
  if (const std::size_t at = text.rfind(poco); at != std::string::npos)
    if (std::string state = state_at(at + poco.size()); !state.empty()) return state;
  for (std::size_t at = 0; (at = text.find(libpq, at)) != std::string::npos; at += libpq.size())
    if (std::string state = state_at(at + libpq.size());
        !state.empty() && text.compare(at + libpq.size() + 5, 2, ": ") == 0)
      return state;
  return {};
}

bool ends_connection(std::string_view sqlstate) {
  return sqlstate.substr(0, 2) == "08" || sqlstate.substr(0, 3) == "57P";
}

Status postgresql_status(const Poco::Exception &failure) {
  const std::string state = sqlstate(failure);
  const std::string kind = state.substr(0, 2);
  if (state == "23505") return Status::AlreadyExists;
  if (state == "53100") return Status::InsufficientStorage;
  if (kind == "23") return Status::FailedPrecondition;
  if (kind == "22") return Status::InvalidArgument;
  if (kind == "42") return Status::Internal;
  return Status::Unavailable;
}

}  // namespace Atoll::sql
