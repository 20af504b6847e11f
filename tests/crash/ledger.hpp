// SPDX-License-Identifier: Apache-2.0
// What a process said before and after each of its changes, and what must be there once it has stopped.
#pragma once

#include "tests/crash/operation.hpp"

namespace Atoll::proof {

/// Lines: "T ? OPERATION" before, "T + ID ETAG" or "T - STATUS" after, where T is the letter that the names of one
/// thread begin with, so that the threads do not get into each other's way.
class Ledger {
 public:
  /// Adds to the problems what should not have been refused, or not have been done.
  /// `lenient`: the disk failed, and what was refused may have been done all the same.
  void feed(const std::string &line, std::string &problems, bool lenient = false);
  explicit Ledger(bool keeps_trash = true) { state_.keeps_trash = keeps_trash; }
  /// Everything acknowledged must be there, and what was under way wholly or not at all. Goes on from `got`.
  void judge(const State &got, std::string &problems);

  /// What was under way, by the letter of its names.
  const std::map<char, Operation> &unfinished() const noexcept { return open_; }
  /// A file that was restored once more has its content among its versions, too.
  void spare_copies(const State &got);
  /// Everything in the trash was purged.
  void trash_emptied() { state_.trash.clear(); }
  const State &state() const noexcept { return state_; }
  std::size_t acknowledged() const noexcept { return acknowledged_; }
  Reader &reader() noexcept { return reader_; }

 private:
  State state_;
  std::map<char, Operation> open_;
  std::size_t acknowledged_ = 0;
  Reader reader_;
};

}  // namespace Atoll::proof
