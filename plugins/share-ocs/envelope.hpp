// SPDX-License-Identifier: Apache-2.0
// The OCS envelope: meta and data, as XML or JSON, and the two ways that its versions report failure. [any thread]
#pragma once

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Object.h>

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

  bool ok() const { return code == 100; }
};

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
