// SPDX-License-Identifier: Apache-2.0
#include "core/host/metrics.hpp"

#include <atoll/abi/host.h>

#include <algorithm>
#include <map>

namespace Atoll::host {
namespace {

bool valid_name(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= 100 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), good);
}

// Names that the host itself uses after the same prefix.
bool reserved(std::string_view name) {
  for (const std::string_view prefix : {"http_", "instance_", "uptime_", "events_", "certificate_"})
    if (name.substr(0, prefix.size()) == prefix) return true;
  return false;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += "\\n";
    else if (c == '\\')
      out += "\\\\";
    else
      out += c;
  }
  return out;
}

}  // namespace

struct Metrics::Metric {
  std::string instance, name, help;
  std::uint32_t kind;
  std::atomic<std::int64_t> value{0};
};

Metrics::Metrics() : by_handle_(std::make_unique<std::atomic<Metric *>[]>(kMost + 1)) {}
Metrics::~Metrics() = default;

std::uint64_t Metrics::define(const std::string &instance, std::uint32_t kind, std::string_view name,
                              std::string_view help) {
  if (!valid_name(name) || reserved(name) || (kind != ATOLL_METRIC_COUNTER && kind != ATOLL_METRIC_GAUGE)) return 0;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < owned_.size(); ++i)
    if (owned_[i]->instance == instance && owned_[i]->name == name) return owned_[i]->kind == kind ? i + 1 : 0;
  for (const auto &other : owned_)  // a family has one type
    if (other->name == name && other->kind != kind) return 0;
  if (owned_.size() == kMost) return 0;
  auto metric = std::make_unique<Metric>();
  metric->instance = instance;
  metric->name = std::string(name);
  metric->help = std::string(help);
  metric->kind = kind;
  by_handle_[owned_.size() + 1].store(metric.get(), std::memory_order_release);
  owned_.push_back(std::move(metric));
  return owned_.size();
}

Metrics::Metric *Metrics::find(std::uint64_t handle) const {
  return handle > kMost ? nullptr : by_handle_[handle].load(std::memory_order_acquire);
}

void Metrics::add(std::uint64_t handle, std::int64_t delta) {
  if (Metric *metric = find(handle)) metric->value.fetch_add(delta, std::memory_order_relaxed);
}

void Metrics::set(std::uint64_t handle, std::int64_t value) {
  Metric *metric = find(handle);
  if (metric && metric->kind == ATOLL_METRIC_GAUGE) metric->value.store(value, std::memory_order_relaxed);
}

void Metrics::append_text(std::string &out) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<const Metric *>> families;  // a family's lines must stand together
  for (const auto &metric : owned_) families["atoll_" + metric->name].push_back(metric.get());
  for (const auto &[name, members] : families) {
    out += "# HELP " + name + " " + one_line(members.front()->help) + "\n# TYPE " + name +
           (members.front()->kind == ATOLL_METRIC_COUNTER ? " counter\n" : " gauge\n");
    for (const auto *metric : members)
      out += name + "{instance=\"" + label_value(metric->instance) + "\"} " +
             std::to_string(metric->value.load(std::memory_order_relaxed)) + "\n";
  }
}

void append_metric(std::string &out, std::string_view name, std::string_view type, std::string_view help,
                   std::uint64_t value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
  out.append(type).append("\n").append(name).append(" ").append(std::to_string(value)).append("\n");
}

std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

}  // namespace Atoll::host
