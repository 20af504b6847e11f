// SPDX-License-Identifier: Apache-2.0
// How PostgreSQL is reached through Poco::Data, and what its errors mean.
#pragma once

#include <Poco/Data/Session.h>
#include <Poco/Exception.h>

#include <atoll/sdk/result.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace Atoll::sql {

/// Where a database is: what Poco is told, and what people are told, without the password.
struct PostgresqlTarget {
  std::string connection, shown;
};

/// Reads postgresql://[USER[:PASSWORD]@][HOST[:PORT]][/DATABASE][?KEY=VALUE&...], as libpq does: percent-encoded, the
/// keys those of libpq (`?host=/run/postgresql` for a socket, `?sslmode=verify-full`). What is missing is libpq's
/// default, but for target_session_attrs: a standby that is behind would answer with less than there is, so that a
/// server must take writes (read-write or primary). Of several hosts (`?host=a,b`) the first such one is taken.
/// InvalidArgument with a sentence for the admin. [any thread]
Result<PostgresqlTarget> read_postgresql_url(std::string_view url);

/// Throws what Poco::Data throws. A statement that takes longer than 20 seconds fails.
std::unique_ptr<Poco::Data::Session> connect_postgresql(const PostgresqlTarget &target);

/// Closes a session. Poco leaves what belongs to a connection that has broken.
void close_postgresql(std::unique_ptr<Poco::Data::Session> session) noexcept;

/// The socket of a session's connection; below 0: it has none.
int socket_of(Poco::Data::Session &session) noexcept;

/// The SQLSTATE in what Poco::Data threw; empty where there is none: when the connection broke. Of a statement that was
/// refused before it ran Poco gives the text alone, which holds it since connections are asked for such texts.
std::string sqlstate(const Poco::Exception &failure);

/// Whether PostgreSQL ends the connection with an error of this SQLSTATE.
bool ends_connection(std::string_view sqlstate);

/// The status of what Poco::Data threw about a PostgreSQL database: by SQLSTATE, Unavailable where there is none.
Status postgresql_status(const Poco::Exception &failure);

}  // namespace Atoll::sql
