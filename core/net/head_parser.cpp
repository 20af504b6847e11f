// SPDX-License-Identifier: Apache-2.0
#include "core/net/head_parser.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "core/base/text.hpp"

namespace Atoll::net {
namespace {

constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kLineRest = kMaxMethod + 16;  ///< of a request line, besides the target
constexpr std::size_t kMaxLeadingLines = 4;

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto kToken = make_token_table();

bool is_token_char(char c) { return kToken[static_cast<unsigned char>(c)]; }

bool is_digits(std::string_view text) {
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return !text.empty();
}

// Field values: visible bytes, blanks, tabs and everything above ASCII (raw UTF-8 in Destination).
bool is_field_value(std::string_view text) { return !base::has_control(text); }

bool is_target(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f || byte == '#') return false;
  }
  return !text.empty();
}

std::string_view strip_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_port(std::string_view text) { return text.empty() || (text.size() <= 5 && is_digits(text)); }

// host [ ":" port ] of RFC 3986, without user information.
bool is_authority(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : text.substr(1, close - 1)) {
      const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!hex && c != ':' && c != '.') return false;
    }
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && !is_port(text.substr(colon + 1))) return false;
  for (const char c : text.substr(0, colon)) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && std::strchr("-._~%!$&'()*+,;=", c) == nullptr) return false;
    if (c == '\0') return false;
  }
  return true;
}

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alnum && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

template <class Visit>
bool each_list_item(std::string_view list, Visit visit) {
  for (std::size_t at = 0; at <= list.size();) {
    auto comma = list.find(',', at);
    if (comma == std::string_view::npos) comma = list.size();
    if (!visit(strip_blanks(list.substr(at, comma - at)))) return false;
    at = comma + 1;
  }
  return true;
}

// One pass over the parts of a head. Each member takes a part and says what is wrong with it.
class Parser {
 public:
  Parser(RequestHead &head, const HeadLimits &limits) : head_(head), limits_(limits) {}

  std::optional<HeadError> parse() {
    std::string_view rest = head_.buffer;
    if (auto e = request_line(next_line(rest))) return e;
    for (auto line = next_line(rest); !line.empty(); line = next_line(rest))
      if (auto e = field_line(line)) return e;
    return finish();
  }

 private:
  using Problem = std::optional<HeadError>;
  static HeadError bad(std::string reason) { return {400, std::move(reason)}; }

  // The scanner has seen to it that each LF follows a CR.
  static std::string_view next_line(std::string_view &rest) {
    const auto lf = rest.find('\n');
    const auto line = rest.substr(0, lf - 1);
    rest.remove_prefix(lf + 1);
    return line;
  }

  Problem request_line(std::string_view line) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
      return bad("The request line is not \"METHOD target HTTP/1.1\".");
    head_.method = line.substr(0, first);
    head_.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (!is_token(head_.method) || head_.method.size() > kMaxMethod) return bad("The method is not a token.");
    if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || version[6] != '.' ||
        !is_digits(version.substr(5, 1)) || !is_digits(version.substr(7, 1)))
      return bad("The HTTP version cannot be read.");
    if (version[5] != '1') return HeadError{505, "This server speaks HTTP/1.0 and HTTP/1.1."};
    head_.minor_version = version[7] == '0' ? 0 : 1;
    head_.keep_alive = head_.minor_version == 1;
    if (head_.target.size() > limits_.max_target) return HeadError{414, "The request target is too long."};
    if (!is_target(head_.target)) return bad("The request target holds a blank, a control character or '#'.");
    return target();
  }

  Problem target() {
    std::string_view path = head_.target;
    if (head_.method == "CONNECT") return HeadError{501, "CONNECT is not offered."};
    if (path == "*") {
      if (head_.method != "OPTIONS") return bad("The target \"*\" is for OPTIONS only.");
    } else if (path.front() != '/') {
      std::size_t scheme = 0;
      if (path.size() > 7 && base::iequals(path.substr(0, 7), "http://")) scheme = 7;
      if (path.size() > 8 && base::iequals(path.substr(0, 8), "https://")) scheme = 8;
      if (scheme == 0) return bad("The request target is neither a path nor an http URL.");
      path.remove_prefix(scheme);
      const auto slash = std::min(path.find_first_of("/?"), path.size());
      authority_ = path.substr(0, slash);
      if (authority_.empty() || !is_authority(authority_)) return bad("The host in the request target is malformed.");
      path.remove_prefix(slash);
    }
    const auto question = path.find('?');
    head_.path = path.substr(0, question);
    if (question != std::string_view::npos) head_.query = path.substr(question + 1);
    if (head_.path.empty()) head_.path = "/";
    return {};
  }

  Problem field_line(std::string_view line) {
    if (line.front() == ' ' || line.front() == '\t') return bad("A header field is folded over two lines.");
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return bad("A header field has no colon.");
    const Header field{line.substr(0, colon), strip_blanks(line.substr(colon + 1))};
    if (!is_token(field.name)) return bad("A header field's name is not a token, or blanks stand before its colon.");
    if (!is_field_value(field.value)) return bad("A header field's value holds a control character.");
    if (head_.headers.size() >= limits_.max_headers) return HeadError{431, "There are too many header fields."};
    if (head_.headers.empty()) head_.headers.reserve(16);
    head_.headers.push_back(field);
    return known_field(field);
  }

  Problem known_field(const Header &field) {
    switch (field.name.size()) {
      case 4:
        if (base::iequals(field.name, "host")) return host(field.value);
        break;
      case 6:
        if (base::iequals(field.name, "expect")) return expect(field.value);
        break;
      case 10:
        if (base::iequals(field.name, "connection")) return connection(field.value);
        break;
      case 12:
        if (base::iequals(field.name, "x-request-id") && head_.request_id.empty() && is_request_id(field.value))
          head_.request_id = field.value;
        break;
      case 14:
        if (base::iequals(field.name, "content-length")) return content_length(field.value);
        break;
      case 17:
        if (base::iequals(field.name, "transfer-encoding")) return transfer_encoding(field.value);
        break;
      default:
        break;
    }
    return {};
  }

  Problem host(std::string_view value) {
    if (has_host_) return bad("There is more than one Host field.");
    has_host_ = true;
    if (!is_authority(value)) return bad("The Host field is malformed.");
    head_.host = value;
    return {};
  }

  Problem expect(std::string_view value) {
    if (head_.minor_version == 0) return {};  // RFC 9110 10.1.1
    if (!base::iequals(value, "100-continue")) return HeadError{417, "The only expectation met is 100-continue."};
    head_.expects_continue = true;
    return {};
  }

  Problem connection(std::string_view value) {
    each_list_item(value, [this](std::string_view option) {
      if (base::iequals(option, "close")) wants_close_ = true;
      if (base::iequals(option, "keep-alive") && head_.minor_version == 0) head_.keep_alive = true;
      return true;
    });
    return {};
  }

  Problem content_length(std::string_view value) {
    const bool same = each_list_item(value, [this](std::string_view item) {
      if (!is_digits(item)) return false;
      const auto number = base::parse_u64(item);
      if (!number || *number > (std::uint64_t{1} << 62)) return false;
      if (head_.content_length && *head_.content_length != *number) return false;
      head_.content_length = number;
      return true;
    });
    if (!same) return bad("Content-Length is not one number, or there are different ones.");
    return {};
  }

  Problem transfer_encoding(std::string_view value) {
    if (head_.minor_version == 0) return bad("Transfer-Encoding is not for HTTP/1.0.");
    Problem problem;
    each_list_item(value, [&](std::string_view coding) {
      if (!base::iequals(coding, "chunked"))
        problem = is_token(coding) ? HeadError{501, "The only transfer coding understood is chunked."}
                                   : bad("Transfer-Encoding is malformed.");
      else if (head_.chunked)
        problem = bad("The transfer coding chunked is applied twice.");
      head_.chunked = true;
      return !problem;
    });
    return problem;
  }

  Problem finish() {
    if (head_.chunked && head_.content_length) return bad("There are both Transfer-Encoding and Content-Length.");
    if (!has_host_ && head_.minor_version == 1) return bad("HTTP/1.1 asks for a Host field.");
    if (!authority_.empty()) head_.host = authority_;  // RFC 9112 3.2.2
    if (wants_close_) head_.keep_alive = false;
    if (!head_.has_body()) head_.expects_continue = false;
    return {};
  }

  RequestHead &head_;
  const HeadLimits &limits_;
  std::string_view authority_;
  bool has_host_ = false;
  bool wants_close_ = false;
};

}  // namespace

bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}

HeadScanner::State HeadScanner::refuse(int status, std::string reason) {
  refusal_ = {status, std::move(reason)};
  return State::Refused;
}

HeadScanner::State HeadScanner::scan(std::string_view data, const HeadLimits &limits) {
  while (!started_) {
    if (data.size() == begin_) return State::More;
    if (data[begin_] == '\r') {  // RFC 9112 2.2: a few empty lines may come first
      if (data.size() == begin_ + 1) return State::More;
      if (data[begin_ + 1] != '\n' || begin_ / 2 >= kMaxLeadingLines)
        return refuse(400, "The request does not begin with a method.");
      begin_ += 2;
      continue;
    }
    if (!is_token_char(data[begin_])) return refuse(400, "The request does not begin with a method.");
    started_ = true;
    line_ = seen_ = begin_;
  }
  while (seen_ < data.size()) {
    const void *found = std::memchr(data.data() + seen_, '\n', data.size() - seen_);
    if (found == nullptr) break;
    const auto lf = static_cast<std::size_t>(static_cast<const char *>(found) - data.data());
    if (lf - begin_ >= limits.max_head) break;
    if (lf == line_ || data[lf - 1] != '\r') return refuse(400, "A line of the head ends without a carriage return.");
    if (line_ == begin_ && lf - begin_ > limits.max_target + kLineRest)
      return refuse(414, "The request target is too long.");
    seen_ = lf + 1;
    if (lf - 1 == line_) {
      end_ = seen_;
      return State::Complete;
    }
    line_ = seen_;
  }
  if (line_ == begin_ && data.size() - begin_ > limits.max_target + kLineRest)
    return refuse(414, "The request target is too long.");
  if (data.size() - begin_ > limits.max_head) return refuse(431, "The head of the request is too long.");
  seen_ = data.size();
  return State::More;
}

std::optional<HeadError> parse_head(RequestHead &head, const HeadLimits &limits) {
  return Parser(head, limits).parse();
}

}  // namespace Atoll::net
