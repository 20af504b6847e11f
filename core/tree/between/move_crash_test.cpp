// SPDX-License-Identifier: Apache-2.0
// A server that is killed at each step of a move: the space is whole afterwards, on the provider that the list of
// spaces names, and on no other.
#include "core/tree/fault_point.hpp"
#include "core/tree/move_fixture_test.hpp"

#include <sys/wait.h>

#include <atomic>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
using test::Goal;
namespace fs = std::filesystem;

namespace {

std::atomic<int> left{0};

/// Ends the process at one of the next points of moves and of removed spaces.
void kill_at(const char *name) {
  const std::string_view point(name);
  if (!point.starts_with("move.") && !point.starts_with("space.")) return;
  if (--left == 0) ::_exit(9);
}

/// In a process of its own: the move, with the list of spaces in a file. True: it came to its end.
bool move_and_die(Fixture &f, Goal &goal, const std::string &list, int at) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto from = f.provider.try_open(), to = goal.provider.try_open();
    if (!from || !to) ::_exit(1);
    (*from)->settle();
    left = at;
    set_fault_handler(kill_at);
    if (!Care(**to).receive(f.space, **from, [](const CareLine &) { return true; })) ::_exit(2);
    test::write_disk(list + ".new", "goal");
    fs::rename(list + ".new", list);
    if (!Care(**from).settle_move(f.space, false) || !Care(**to).settle_move(f.space, true)) ::_exit(3);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  const int code = WEXITSTATUS(status);
  CHECK_MESSAGE((code == 0 || code == 9), "the process ended with " << code);
  return code == 0;
}

void settle(Fixture &f, Engine &engine, bool here) {
  for (const SpaceId &space : Fixture::value(Care(engine).unsettled_moves())) {
    CHECK(space == f.space);
    const auto settled = Care(engine).settle_move(space, here);
    CHECK_MESSAGE(settled.ok(), settled.error().message);
  }
}

}  // namespace

TEST_CASE("a move that is killed at any step leaves the space whole in one place") {
  Fixture f;
  Goal goal;
  test::fill(f);
  const auto before = test::all_of(f);
  f.engine.reset();
  goal.engine.reset();
  const std::string list = f.folder.path + "/list";
  int at = 1, stayed = 0, went = 0;
  for (bool done = false; !done && at < 500; ++at) {
    INFO("killed at point " << at);
    test::write_disk(list, "here");
    const std::string stray = "link-" + std::to_string(at);  // can be no node, and must not be lost
    fs::create_symlink("nowhere", f.disk(stray));
    done = move_and_die(f, goal, list, at);
    f.engine = f.provider.open();
    goal.engine = goal.provider.open();
    f.engine->settle();
    goal.engine->settle();
    const bool gone = test::read_disk(list) == "goal";
    ++(gone ? went : stayed);
    settle(f, *f.engine, !gone);
    settle(f, *goal.engine, gone);
    if (gone) goal.become(f);
    REQUIRE(test::all_of(f) == before);
    CHECK(goal.engine->space_get(f.space).status() != Status::Ok);
    CHECK(goal.clean(f.space));
    int strays = 0;
    for (const std::string &root : {f.provider.root, goal.provider.root})
      for (const auto &entry : fs::recursive_directory_iterator(root)) strays += entry.path().filename() == stray;
    CHECK(strays == 1);
    CHECK(fs::is_symlink(f.disk(stray)) == !gone);
    fs::remove(f.disk(stray));
    test::check_space(f);
    CHECK(Fixture::value(Care(*f.engine).check(f.space, {}, [](const CareLine &) { return true; })).findings == 0);
    f.engine.reset();
    goal.engine.reset();
  }
  CHECK(stayed > 8);
  CHECK(went > 4);
}
