// SPDX-License-Identifier: Apache-2.0
// One change of the tree as a line of text: done by an engine in one process, and to a model in another.
#pragma once

#include "core/tree/engine.hpp"
#include "tests/crash/state.hpp"

#include <functional>
#include <random>

namespace Atoll::proof {

/// How an engine answered.
struct Outcome {
  bool done = false;
  std::string text;  ///< "+ ID ETAG", or "- STATUS"; one line without its end
};

/// Names and numbers only, no blanks in paths.
struct Operation {
  enum class Kind : std::uint8_t {
    Put,         ///< from, size
    Mkdir,       ///< from
    Remove,      ///< from
    Rename,      ///< from, to; replaces
    Copy,        ///< from, to; replaces
    Shallow,     ///< the same without what is below
    Mtime,       ///< from, number: seconds
    Attribute,   ///< from, number: 0 removes it, else the value
    Lock,        ///< from
    Refresh,     ///< from
    Unlock,      ///< from
    SpaceAdd,    ///< from: the id of a space
    SpaceDrop,   ///< from
    SpaceQuota,  ///< from, number
    Restore,     ///< from: what was removed there last comes back; number 1: to that path, 2: replaces what is there
    Purge,       ///< from: it is deleted for good
    Erase,       ///< from: removed for good at once
    Revert,      ///< from: the newest version becomes the content
    Forget,      ///< from: the newest version is deleted
    Rebuild,     ///< the whole space is made anew in the index
  };
  Kind kind = Kind::Put;
  std::string from, to = "-";
  std::uint64_t number = 0, size = 0;

  /// "put a/b - 7 100"
  std::string text() const;
  static Operation parse(const std::string &text);
  /// Of names that begin with `owner`, two folders deep at most.
  static Operation random(std::mt19937 &random, char owner);

  /// Whether an engine that holds `state` must do it; otherwise it must refuse.
  bool fine(const State &state) const;
  /// What a put writes: made from the number, so that no two have the same.
  std::string content() const;
  /// `begin`: called when everything was looked up and the change itself comes. [any thread]
  Outcome run(tree::Engine &engine, const SpaceId &space, const std::function<void()> &begin = {}) const;
  /// As if it had been done. `outcome`: the text of Outcome; empty when it is not known, then neither are new ids.
  void apply(State &state, const std::string &outcome) const;
};

}  // namespace Atoll::proof
