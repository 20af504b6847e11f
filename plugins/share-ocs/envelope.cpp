// SPDX-License-Identifier: Apache-2.0
#include "plugins/share-ocs/envelope.hpp"

#include <Poco/JSON/Array.h>

#include <algorithm>
#include <sstream>

#include "core/base/json.hpp"
#include "core/base/reason.hpp"
#include "core/base/text.hpp"
#include "core/base/xml.hpp"

namespace Atoll::ocs {

namespace {

int http_of(Version version, const Outcome &outcome) {
  if (outcome.code == 997) return 401;
  if (version == Version::V1 || outcome.ok()) return 200;
  switch (outcome.code) {
    case 998:
      return 404;
    case 996:
      return 500;
    default:
      return outcome.code >= 400 && outcome.code < 600 ? outcome.code : 400;
  }
}

bool xml_name(const std::string &key) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (key.empty() || !letter(key[0])) return false;
  return std::all_of(key.begin(), key.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

void append_element(std::string &out, const std::string &name, const Poco::Dynamic::Var &value) {
  out.append("<").append(name).append(">");
  append_as_xml(out, value);
  out.append("</").append(name).append(">");
}

std::string to_json(const Poco::JSON::Object::Ptr &data) {
  if (data.isNull()) return "[]";
  std::ostringstream out;
  data->stringify(out);
  return out.str();
}

}  // namespace

Outcome outcome_of(const Error &error) {
  switch (error.status) {
    case Status::Unauthenticated:
      return {997, error.message};
    case Status::NotFound:
      return {998, error.message};
    case Status::ResourceExhausted:
      return {429, error.message, {}, error.retry_after_ms};
    case Status::Unavailable:
    case Status::DeadlineExceeded: {
      const std::string_view reason = base::reason_code(error.reason);
      const std::string_view text =
          reason.empty() ? "The server cannot tell now. Try again." : base::reason_text(error.reason);
      return {503, std::string(text), reason, error.retry_after_ms};
    }
    case Status::InvalidArgument:
      return {400, error.message};
    case Status::PermissionDenied:
      return {403, error.message};
    default:
      return {996, "The server failed on this request; its log says why under the request's id."};
  }
}

void append_as_xml(std::string &out, const Poco::Dynamic::Var &value) {
  if (value.isEmpty()) return;
  if (value.type() == typeid(Poco::JSON::Object::Ptr)) {
    const auto &object = value.extract<Poco::JSON::Object::Ptr>();
    for (const auto &[key, member] : *object) {
      if (xml_name(key)) append_element(out, key, member);
    }
  } else if (value.type() == typeid(Poco::JSON::Array::Ptr)) {
    for (const auto &entry : *value.extract<Poco::JSON::Array::Ptr>()) append_element(out, "element", entry);
  } else if (value.isBoolean()) {
    if (value.extract<bool>()) out.append("1");
  } else {
    base::append_xml_escaped(out, value.convert<std::string>());
  }
}

Format format_of(std::string_view query) {
  for (const std::string_view pair : base::split(query, '&')) {
    if (pair == "format=json") return Format::Json;
  }
  return Format::Xml;
}

Answer wrap(Version version, Format format, const Outcome &outcome, const Poco::JSON::Object::Ptr &data) {
  Answer answer;
  answer.http = http_of(version, outcome);
  const int code = version == Version::V2 ? answer.http : outcome.code;
  const std::string status = outcome.ok() ? "ok" : "failure";
  if (format == Format::Json) {
    answer.content_type = "application/json; charset=utf-8";
    base::JsonWriter json(answer.body);
    json.begin_object().key("ocs").begin_object();
    json.key("meta").begin_object();
    json.field("status", status.c_str()).field("statuscode", code).field("message", std::string_view(outcome.message));
    if (!outcome.reason.empty()) json.field("errorcode", outcome.reason);
    json.end_object();
    json.key("data").raw(to_json(data));
    json.end_object().end_object();
    return answer;
  }
  answer.content_type = "application/xml; charset=utf-8";
  answer.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ocs><meta><status>";
  answer.body.append(status).append("</status><statuscode>").append(std::to_string(code));
  answer.body.append("</statuscode><message>");
  base::append_xml_escaped(answer.body, outcome.message);
  answer.body.append("</message>");
  if (!outcome.reason.empty()) answer.body.append("<errorcode>").append(outcome.reason).append("</errorcode>");
  answer.body.append("</meta><data>");
  if (!data.isNull()) append_as_xml(answer.body, data);
  answer.body.append("</data></ocs>\n");
  return answer;
}

}  // namespace Atoll::ocs
