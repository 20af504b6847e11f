// SPDX-License-Identifier: Apache-2.0
// Counters and gauges of the instances, and Prometheus' text format.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll::host {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics &) = delete;
  Metrics &operator=(const Metrics &) = delete;

  /// A handle greater than 0; the same one when it is defined again, 0 when the name is none, is one of the host's, is
  /// known as another kind, or there are too many.
  /// [any thread]
  std::uint64_t define(const std::string &instance, std::uint32_t kind, std::string_view name, std::string_view help);
  /// Handles that were never given out are ignored. [any thread] Lock-free.
  void add(std::uint64_t handle, std::int64_t delta);
  void set(std::uint64_t handle, std::int64_t value);

  /// All of them in Prometheus' text format (version 0.0.4). [any thread]
  void append_text(std::string &out) const;

 private:
  struct Metric;
  static constexpr std::size_t kMost = 4096;
  Metric *find(std::uint64_t handle) const;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Metric>> owned_;
  std::unique_ptr<std::atomic<Metric *>[]> by_handle_;
};

/// Appends "# HELP", "# TYPE" and one value.
void append_metric(std::string &out, std::string_view name, std::string_view type, std::string_view help,
                   std::uint64_t value);
/// A label value with backslash, quote and line end escaped.
std::string label_value(std::string_view text);

}  // namespace Atoll::host
