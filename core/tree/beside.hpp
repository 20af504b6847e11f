// SPDX-License-Identifier: Apache-2.0
// Finds what other programs do to the files: at once by watching folders, in the end by looking at all of them.
#pragma once

#include "core/tree/crawl.hpp"
#include "core/tree/watch.hpp"

#include <map>
#include <set>

namespace Atoll::tree {

class TreeEngine;

/// One thread beside the requests. It
/// - hears of changes in watched folders, waits until a burst of them is over, and takes over the names it heard of;
/// - walks once over all folders at the start, and after notices were lost, to watch them and to compare their times;
///   again and again where folders cannot all be watched;
/// - crawls: compares every entry of every folder, at a bounded rate, going on after a restart where it was.
/// What it finds gone is removed when all folders of a burst, or a good part of a crawl, were looked at, so that what
/// was moved keeps its id.
class Beside {
 public:
  /// `watch` may be null: then there is only the walk and the crawl. [start-up only]
  Beside(TreeEngine &engine, std::unique_ptr<Watch> watch);
  Beside(const Beside &) = delete;
  Beside &operator=(const Beside &) = delete;
  ~Beside();

  /// Begins, not before the engine is ready for calls.
  void start();
  /// Ends; what was heard of and not taken over yet is found by the next walk.
  void stop();

  /// Before a folder is compared, so that nothing is missed after that. [any thread]
  void watch(const NodeId &node, Folder &folder);
  /// A folder was listed. [any thread]
  void used(const NodeId &node, Folder &folder);
  /// The server made the folder, or brought it back with all below it: all of them are to be watched. Before the
  /// commit, under the writer lock.
  void arrived(const NodeId &folder) { ask(folder, Ask::Below); }
  /// The folder was compared, and has files that may still be written: that does not change the folder, so that where
  /// it is not heard of somebody has to look again. [any thread]
  void young(const NodeId &folder);
  /// Anything may have changed anywhere. [any thread]
  void doubt();

 private:
  using Clock = std::chrono::steady_clock;
  /// A folder that is to be looked at.
  struct Dirty {
    std::set<std::string> names;
    bool whole = false, deep = false;  // deep: with all below it
    Clock::time_point not_before{};
  };

  /// What other threads ask for.
  enum class Ask : std::uint8_t {
    Below,  ///< watch it with all below it
    Whole,  ///< compare it
    Young   ///< compare it again after the poll interval
  };
  void ask(const NodeId &folder, Ask what);
  void asked();
  void again(const NodeId &folder, Clock::time_point due, bool anyway);

  void run();
  Clock::time_point next() const;
  void hear();
  void heard(const Notice &notice);
  void lost();
  /// Takes over what was heard of.
  void changes();
  void take_over(const SpaceId &space, std::map<NodeId, Dirty> folders);
  void retry(const NodeId &folder, Dirty dirty, const Error &why);
  void later();
  void walk();
  void walk_anew();
  enum class Below : std::uint8_t {
    No,
    New,  ///< unless the folder was watched already
    Yes
  };
  /// Watches a folder, and notes it when its time is not that of the index, or so young that this says nothing.
  Result<void> look(const NodeId &folder, Below below);
  Dirty &note_whole(const NodeId &folder);
  void full();
  void wake();
  void complain(const Error &failure);

  TreeEngine &engine_;
  const std::unique_ptr<Watch> watch_;
  base::Fd wake_;
  std::atomic<bool> stop_{false}, full_{false}, full_told_{false}, doubt_{false};
  // Folders that were changed later may have changed again since they were looked at. Wall clock.
  std::atomic<std::int64_t> young_since_ns_;
  std::thread thread_;
  std::mutex asked_mutex_;
  std::vector<std::pair<NodeId, Ask>> asked_;  // guarded by asked_mutex_

  // Of the thread alone.
  std::map<NodeId, Dirty> dirty_;
  std::size_t dirty_names_ = 0;
  Clock::time_point first_heard_{}, last_heard_{};
  struct Later {
    Clock::time_point due;
    bool anyway = false;  // also when its time says that nothing has changed
  };
  std::map<NodeId, Later> later_;               // changed a moment ago: compared once they are quiet
  std::deque<std::pair<NodeId, Below>> below_;  // to look at
  bool walking_ = true;
  NodeId walked_;
  std::int64_t walk_began_ns_ = 0;  // wall clock
  Clock::time_point next_walk_{};
  Crawl crawl_;
  std::string complaint_;
  Clock::time_point complained_{};
};

}  // namespace Atoll::tree
