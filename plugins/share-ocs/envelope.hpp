// SPDX-License-Identifier: Apache-2.0
// The OCS envelope: meta and data, as XML or JSON, and the two ways that its versions report failure. [any thread]
#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Object.h>

#include <atoll/sdk/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace Atoll::ocs {

enum class Version : std::uint8_t { V1, V2 };
enum class Format : std::uint8_t { Xml, Json };

/// The outcome of an endpoint, apart from its data. `code` is that of OCS v1: 100 is success, 997 not logged in, 998
/// not found, 996 a failure of the server; 4xx as HTTP.
struct Outcome {
  int code = 100;
  std::string message = "OK";
  std::string_view reason{};         ///< a word for programs (meta/errorcode), static; may be empty
  std::uint32_t retry_after_ms = 0;  ///< with 503 and 429: when to come back; 0: the server does not know

  bool ok() const { return code == 100; }
};

/// The one table from status codes to OCS. Messages of failures inside the server are replaced, since they may name its
/// paths; of a known reason by what it means.
Outcome outcome_of(const Error &error);

/// An answer on its way out.
struct Answer {
  int http = 200;
  std::string content_type;
  std::string body;
};

/// v1 answers 200 (401 without login, so that clients ask for one); v2 has the HTTP status in both places.
Answer wrap(Version version, Format format, const Outcome &outcome, const Poco::JSON::Object::Ptr &data);

/// The value of `format` in a query; XML unless it is json.
Format format_of(std::string_view query);

/// JSON as XML: objects are elements, entries of arrays `element`s, true is 1 and false and null are empty, as clients
/// of OCS know it. Keys that are no XML names are left out.
void append_as_xml(std::string &out, const Poco::Dynamic::Var &value);

}  // namespace Atoll::ocs
