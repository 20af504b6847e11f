// SPDX-License-Identifier: Apache-2.0
// One change of the tree as a line of text: done by an engine in one process, and to a model in another.
#pragma once

#include "core/tree/engine.hpp"
#include "tests/crash/world.hpp"

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
    Revert,      ///< from: a version becomes the content; number: which, counted from the newest, again from there
    Forget,      ///< from: a version is deleted; number
    Rebuild,     ///< the whole space is made anew in the index
    Empty,       ///< everything in the trash is deleted for good
    Rescan,      ///< the whole space is compared with its files
    // What other programs do to the files, followed by a rescan. Over plain files only.
    BesidePut,     ///< from, number, size: written in place, or new
    BesideMove,    ///< from, to, where nothing is
    BesideRemove,  ///< from
    BesideFill,    ///< from: as many files as number says come into that folder
    BesideEmpty,   ///< from: all files go from that folder, and are held back
    Confirm,       ///< of what is held back
    Hurt,          ///< everything that a check finds is done to the space, while it is closed
    Repair,        ///< a check with repair
    Snapshot,      ///< of the space
    SpaceRestore,  ///< the space becomes what the last snapshot holds
    Receive,       ///< from: the id of a space, which moves here from another provider
  };
  Kind kind = Kind::Put;
  std::string from, to = "-";
  std::uint64_t number = 0, size = 0;

  /// "put a/b - 7 100"
  std::string text() const;
  static Operation parse(const std::string &text);
  /// Of names that begin with `owner`, two folders deep at most. `beside`: some are done by other programs.
  static Operation random(std::mt19937 &random, char owner, bool beside = false);

  /// Whether an engine that holds `state` must do it; otherwise it must refuse.
  bool fine(const State &state) const;
  /// What a put writes: made from the number, so that no two have the same.
  std::string content() const;
  /// `begin`: called when everything was looked up and the change itself comes. [any thread]
  Outcome run(tree::Engine &engine, const World &world, const std::function<void()> &begin = {}) const;
  /// What an admin, or the server, does when it was not done to its end. Nothing: all or nothing was done.
  enum class After : std::uint8_t {
    Nothing,
    Look,   ///< a rescan: it is wholly there or not at all then
    Again,  ///< it is done once more, and then it is done
  };
  After after() const;
  /// As after() says. Empty: fine.
  std::string make_up(tree::Engine &engine, const World &world) const;
  /// As if it had been done. `outcome`: the text of Outcome; empty when it is not known, then neither are new ids.
  void apply(State &state, const std::string &outcome) const;
  /// What a stop just before the end may have left besides, after apply(). False: nothing.
  bool apply_nearly(const State &before, State &state) const;
};

/// The attribute that Attribute sets.
inline constexpr std::string_view kAttributeSpace = "urn:proof", kAttributeName = "a";

/// The folder of a path; empty: the root.
std::string parent_of(const std::string &path);

/// Everything that a check looks for, made by hand in a space that is closed. Posix only.
Result<void> hurt_space(const World &world);

}  // namespace Atoll::proof
