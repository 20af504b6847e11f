// SPDX-License-Identifier: Apache-2.0
// For tests: a strict reader of Prometheus' text format (version 0.0.4).
#pragma once

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host::testing {

class PrometheusReader {
 public:
  using Labels = std::map<std::string, std::string>;
  struct Sample {
    std::string name;
    Labels labels;
    double value = 0;
  };

  explicit PrometheusReader(std::string_view text) { read(text); }

  /// What is wrong, a line each; empty when the text is valid.
  const std::string &problems() const { return problems_; }
  const std::vector<Sample> &samples() const { return samples_; }
  /// The value of a sample, or -1.
  double value(const std::string &name, const Labels &labels = {}) const {
    for (const auto &sample : samples_)
      if (sample.name == name && sample.labels == labels) return sample.value;
    return -1;
  }

 private:
  struct Family {
    std::string type;
    bool help = false, closed = false;
  };

  void wrong(std::string_view line, const char *why) { problems_.append(why).append(": ").append(line).append("\n"); }

  static bool name_char(char c, bool first) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
  }
  static std::string take_name(std::string_view &rest) {
    std::string out;
    while (!rest.empty() && name_char(rest[0], out.empty())) {
      out += rest[0];
      rest.remove_prefix(1);
    }
    return out;
  }
  static bool take(std::string_view &rest, std::string_view what) {
    if (rest.substr(0, what.size()) != what) return false;
    rest.remove_prefix(what.size());
    return true;
  }
  static bool number(std::string_view text, double &out) {
    if (text == "+Inf") {
      out = HUGE_VAL;
      return true;
    }
    const auto end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, out);
    return !text.empty() && result.ec == std::errc() && result.ptr == end;
  }

  void read(std::string_view text) {
    if (text.empty() || text.back() != '\n') wrong("", "the text does not end with a line end");
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto line = text.substr(0, end);
      text.remove_prefix(end == text.npos ? text.size() : end + 1);
      if (line.empty()) continue;
      if (line[0] == '#')
        comment(line);
      else
        sample(line);
    }
    for (const auto &[name, family] : families_) {
      if (!family.help || family.type.empty()) wrong(name, "a family without HELP or TYPE");
      if (family.type == "histogram") histogram(name);
    }
  }

  void comment(std::string_view line) {
    std::string_view rest = line;
    const bool help = take(rest, "# HELP ");
    if (!help && !take(rest, "# TYPE ")) return wrong(line, "a comment that is neither HELP nor TYPE");
    const std::string name = take_name(rest);
    if (name.empty() || !take(rest, " ")) return wrong(line, "no name");
    open(name, line);
    auto &family = families_[name];
    if (help) {
      if (family.help) wrong(line, "a second HELP");
      family.help = true;
      for (std::size_t i = 0; i < rest.size(); ++i)
        if (rest[i] == '\\' && (++i == rest.size() || (rest[i] != '\\' && rest[i] != 'n'))) wrong(line, "a bad escape");
      return;
    }
    if (!family.type.empty()) wrong(line, "a second TYPE");
    family.type = rest;
    if (rest != "counter" && rest != "gauge" && rest != "histogram") wrong(line, "no type");
    if (rest == "counter" && (name.size() < 7 || name.substr(name.size() - 6) != "_total"))
      wrong(line, "a counter that does not end in _total");
  }

  // All lines of a family stand together.
  void open(const std::string &name, std::string_view line) {
    if (name == current_) return;
    if (families_.count(name)) wrong(line, "a family in two places");
    current_ = name;
  }

  void sample(std::string_view line) {
    std::string_view rest = line;
    Sample out;
    out.name = take_name(rest);
    if (out.name.empty()) return wrong(line, "no name");
    if (take(rest, "{") && !labels(rest, out.labels)) return wrong(line, "bad labels");
    if (!take(rest, " ") || !number(rest, out.value)) return wrong(line, "no value");
    std::string family = out.name;
    for (const std::string_view tail : {"_bucket", "_sum", "_count"})
      if (family.size() > tail.size() && family.substr(family.size() - tail.size()) == tail &&
          families_.count(family.substr(0, family.size() - tail.size())))
        family.resize(family.size() - tail.size());
    const auto found = families_.find(family);
    if (found == families_.end() || found->second.type.empty()) return wrong(line, "a sample before its TYPE");
    if (family != current_) wrong(line, "a sample outside of its family");
    if (found->second.type != "histogram" && family != out.name) wrong(line, "a bucket of what is no histogram");
    if (found->second.type == "counter" && !(out.value >= 0)) wrong(line, "a negative counter");
    if (!seen_.insert({out.name, out.labels}).second) wrong(line, "a sample twice");
    samples_.push_back(std::move(out));
  }

  static bool labels(std::string_view &rest, Labels &out) {
    for (;;) {
      const std::string name = take_name(rest);
      if (name.empty() || name.find(':') != name.npos || !take(rest, "=\"")) return false;
      std::string value;
      for (;;) {
        if (rest.empty()) return false;
        char c = rest[0];
        rest.remove_prefix(1);
        if (c == '"') break;
        if (c == '\\') {
          if (rest.empty() || (rest[0] != '\\' && rest[0] != '"' && rest[0] != 'n')) return false;
          c = rest[0] == 'n' ? '\n' : rest[0];
          rest.remove_prefix(1);
        }
        value += c;
      }
      if (!out.emplace(name, value).second) return false;
      if (take(rest, "}")) return true;
      if (!take(rest, ",")) return false;
    }
  }

  void histogram(const std::string &name) {
    std::map<Labels, std::vector<std::pair<double, double>>> series;
    for (const auto &sample : samples_) {
      if (sample.name != name + "_bucket") continue;
      Labels labels = sample.labels;
      double le = 0;
      if (!labels.count("le") || !number(labels["le"], le)) wrong(name, "a bucket without le");
      labels.erase("le");
      series[labels].emplace_back(le, sample.value);
    }
    if (series.empty()) wrong(name, "a histogram without buckets");
    for (const auto &[labels, buckets] : series) {
      for (std::size_t i = 1; i < buckets.size(); ++i) {
        if (buckets[i].first <= buckets[i - 1].first) wrong(name, "buckets out of order");
        if (buckets[i].second < buckets[i - 1].second) wrong(name, "buckets that are not cumulative");
      }
      if (!std::isinf(buckets.back().first)) wrong(name, "no bucket +Inf");
      if (buckets.back().second != value(name + "_count", labels)) wrong(name, "+Inf differs from the count");
      if (value(name + "_sum", labels) < 0) wrong(name, "no sum");
    }
    for (const auto &sample : samples_)
      if ((sample.name == name + "_count" || sample.name == name + "_sum") && !series.count(sample.labels))
        wrong(name, "a count or a sum without buckets");
  }

  std::map<std::string, Family> families_;
  std::set<std::pair<std::string, Labels>> seen_;
  std::vector<Sample> samples_;
  std::string current_, problems_;
};

}  // namespace Atoll::host::testing
