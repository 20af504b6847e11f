// SPDX-License-Identifier: Apache-2.0
#include "core/base/time.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace Atoll::base {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  int year = 0, weekday = 0;  // weekday: 0 is Sunday
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

Civil civil_of(std::int64_t unix_seconds) {
  using namespace std::chrono;
  constexpr std::int64_t first = -62167219200;  // 0000-01-01
  constexpr std::int64_t last = 253402300799;   // 9999-12-31T23:59:59
  const sys_seconds time{seconds{std::clamp(unix_seconds, first, last)}};
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const auto rest = static_cast<unsigned>((time - day).count());
  Civil civil;
  civil.year = static_cast<int>(date.year());
  civil.month = static_cast<unsigned>(date.month());
  civil.day = static_cast<unsigned>(date.day());
  civil.weekday = static_cast<int>(weekday{day}.c_encoding());
  civil.hour = rest / 3600;
  civil.minute = rest / 60 % 60;
  civil.second = rest % 60;
  return civil;
}

std::optional<std::int64_t> unix_of(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                                    unsigned second) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const auto days_since = sys_days{date}.time_since_epoch().count();
  return std::int64_t{days_since} * 86400 + hour * 3600 + minute * 60 + second;
}

void put2(char *at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10 % 10);
  at[1] = static_cast<char>('0' + value % 10);
}

void put4(char *at, unsigned value) {
  put2(at, value / 100);
  put2(at + 2, value % 100);
}

/// Takes pieces off the front of a date; the first mismatch makes the rest fail too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  Scanner &literal(std::string_view expected) {
    if (ok_ && rest_.starts_with(expected)) {
      rest_.remove_prefix(expected.size());
    } else {
      ok_ = false;
    }
    return *this;
  }

  /// `count` digits; a leading blank stands for a zero where `padded` (asctime).
  unsigned digits(std::size_t count, bool padded = false) {
    unsigned value = 0;
    if (!ok_ || rest_.size() < count) return fail();
    for (std::size_t i = 0; i < count; ++i) {
      const char c = rest_[i];
      if (padded && i == 0 && c == ' ') continue;
      if (c < '0' || c > '9') return fail();
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  template <std::size_t N>
  unsigned one_of(const std::array<std::string_view, N> &words) {
    if (!ok_) return fail();
    for (std::size_t i = 0; i < N; ++i) {
      if (rest_.starts_with(words[i])) {
        rest_.remove_prefix(words[i].size());
        return static_cast<unsigned>(i);
      }
    }
    return fail();
  }

  bool finished() const { return ok_ && rest_.empty(); }

 private:
  unsigned fail() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

struct Clock {
  unsigned hour, minute, second;
};

Clock scan_clock(Scanner &in) {
  Clock clock{};
  clock.hour = in.digits(2);
  clock.minute = in.literal(":").digits(2);
  clock.second = in.literal(":").digits(2);
  return clock;
}

std::optional<std::int64_t> parse_imf_fixdate(std::string_view text) {
  Scanner in(text);
  in.one_of(kDays);
  const unsigned day = in.literal(", ").digits(2);
  const unsigned month = in.literal(" ").one_of(kMonths) + 1;
  const unsigned year = in.literal(" ").digits(4);
  const Clock clock = scan_clock(in.literal(" "));
  if (!in.literal(" GMT").finished()) return std::nullopt;
  return unix_of(static_cast<int>(year), month, day, clock.hour, clock.minute, clock.second);
}

std::optional<std::int64_t> parse_rfc850(std::string_view text) {
  Scanner in(text);
  in.one_of(kLongDays);
  const unsigned day = in.literal(", ").digits(2);
  const unsigned month = in.literal("-").one_of(kMonths) + 1;
  const unsigned short_year = in.literal("-").digits(2);
  const Clock clock = scan_clock(in.literal(" "));
  if (!in.literal(" GMT").finished()) return std::nullopt;
  // A year that seems more than 50 years in the future is the most recent one with the same two digits.
  const int this_year = civil_of(now_unix_ns() / 1'000'000'000).year;
  int year = this_year - this_year % 100 + static_cast<int>(short_year);
  if (year > this_year + 50) year -= 100;
  return unix_of(year, month, day, clock.hour, clock.minute, clock.second);
}

std::optional<std::int64_t> parse_asctime(std::string_view text) {
  Scanner in(text);
  in.one_of(kDays);
  const unsigned month = in.literal(" ").one_of(kMonths) + 1;
  const unsigned day = in.literal(" ").digits(2, true);
  const Clock clock = scan_clock(in.literal(" "));
  const unsigned year = in.literal(" ").digits(4);
  if (!in.finished()) return std::nullopt;
  return unix_of(static_cast<int>(year), month, day, clock.hour, clock.minute, clock.second);
}

}  // namespace

std::int64_t now_unix_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

std::int64_t monotonic_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

void append_http_date(std::string &out, std::int64_t unix_seconds) {
  const Civil civil = civil_of(unix_seconds);
  char text[] = "Sun, 00 Jan 0000 00:00:00 GMT";
  kDays[static_cast<std::size_t>(civil.weekday)].copy(text, 3);
  put2(text + 5, civil.day);
  kMonths[civil.month - 1].copy(text + 8, 3);
  put4(text + 12, static_cast<unsigned>(civil.year));
  put2(text + 17, civil.hour);
  put2(text + 20, civil.minute);
  put2(text + 23, civil.second);
  out.append(text, sizeof text - 1);
}

std::string http_date(std::int64_t unix_seconds) {
  std::string out;
  append_http_date(out, unix_seconds);
  return out;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  if (auto time = parse_imf_fixdate(text)) return time;
  if (auto time = parse_rfc850(text)) return time;
  return parse_asctime(text);
}

void append_iso8601(std::string &out, std::int64_t unix_seconds) {
  const Civil civil = civil_of(unix_seconds);
  char text[] = "0000-00-00T00:00:00Z";
  put4(text, static_cast<unsigned>(civil.year));
  put2(text + 5, civil.month);
  put2(text + 8, civil.day);
  put2(text + 11, civil.hour);
  put2(text + 14, civil.minute);
  put2(text + 17, civil.second);
  out.append(text, sizeof text - 1);
}

std::string iso8601(std::int64_t unix_seconds) {
  std::string out;
  append_iso8601(out, unix_seconds);
  return out;
}

}  // namespace Atoll::base
