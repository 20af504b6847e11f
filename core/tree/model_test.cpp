// SPDX-License-Identifier: Apache-2.0
// Random operations against a simple model: the same answers, the same tree, and etags that change up to the root and
// never come back.
#include "core/tree/failing_namespace_test.hpp"
#include "core/tree/tree_model_test.hpp"

#include <climits>
#include <random>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
using test::Model;

namespace {

/// Expected status of a move or copy.
Status transfer(const Model &m, const std::string &from, const std::string &to, bool replace) {
  if (!m.there(from)) return Status::NotFound;
  if (!m.folder(Model::parent(to))) return Status::FailedPrecondition;
  if (from == to) return Status::PermissionDenied;
  if (Model::below(to, from) && (m.folder(from))) return Status::FailedPrecondition;
  if (m.there(to) && Model::below(from, to)) return Status::FailedPrecondition;
  if (m.there(to) && !replace) return Status::AlreadyExists;
  return Status::Ok;
}

/// `f`: with an engine that has nothing in it yet.
void agree_with_a_model(Fixture &f, int steps) {
  const char *fixed = std::getenv("ATOLL_TEST_SEED");
  const unsigned seed = fixed ? static_cast<unsigned>(std::strtoul(fixed, nullptr, 10)) : std::random_device{}();
  CAPTURE(seed);
  INFO("ATOLL_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  Model model;
  std::map<NodeId, std::set<std::string>> etags;  // of each node, in order of appearance
  std::map<NodeId, std::string> last;

  auto path = [&] {
    static constexpr const char *kNames[] = {"a", "b", "c", "\xc3\xa4", "long name"};
    std::string text = kNames[below(5)];
    for (unsigned depth = below(4); depth > 0; --depth) text += std::string("/") + kNames[below(5)];
    return text;
  };
  auto see = [&](const Node &node) {
    const std::string etag(node.etag().view());
    std::string &before = last[node.id];
    if (etag == before) return;
    CHECK_MESSAGE(etags[node.id].insert(etag).second, "an etag came back: ", etag);
    before = etag;
  };

  for (int step = 0; step < steps; ++step) {
    const std::string a = path(), b = path();
    CAPTURE(step);
    CAPTURE(a);
    CAPTURE(b);
    const std::string root = f.etag("");
    bool changed = true;
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const std::string content(below(200), static_cast<char>('a' + below(26)));
        const bool fine = model.folder(Model::parent(a)) && !model.folder(a);
        const auto put = f.try_put(a, content);
        CHECK(put.status() == (fine ? Status::Ok : Status::FailedPrecondition));
        if (fine) {
          CHECK(put->created == !model.file(a));
          model.all[a] = content;
        }
        changed = fine;
        break;
      }
      case 4:
      case 5:
      case 6: {
        const Status want = model.there(a) ? (model.folder(Model::parent(a)) ? Status::AlreadyExists : Status::Internal)
                            : model.folder(Model::parent(a)) ? Status::Ok
                                                             : Status::FailedPrecondition;
        CHECK(f.engine->mkdir(f.at(a), {}).status() == want);
        changed = want == Status::Ok;
        if (changed) model.all[a + "/"] = "";
        break;
      }
      case 7: {
        const Status want = model.there(a) ? Status::Ok : Status::NotFound;
        CHECK(f.engine->remove(f.at(a), {}).status() == want);
        changed = want == Status::Ok;
        model.erase(a);
        break;
      }
      case 8:
      case 9: {
        const bool replace = below(2) != 0;
        const Status want = transfer(model, a, b, replace);
        CHECK(f.engine->rename(f.at(a), f.at(b), replace, {}).status() == want);
        changed = want == Status::Ok;
        if (changed) {
          model.copy(a, b, false);
          model.erase(a);
        }
        break;
      }
      case 10: {
        const bool replace = below(2) != 0, shallow = below(3) == 0;
        const Status want = transfer(model, a, b, replace);
        CHECK(f.engine->copy(f.at(a), f.at(b), replace, shallow, {}).status() == want);
        changed = want == Status::Ok;
        if (changed) model.copy(a, b, shallow);
        break;
      }
      default: {
        const Status want = model.there(a) ? Status::Ok : Status::NotFound;
        CHECK(f.engine->set_mtime(f.at(a), static_cast<std::int64_t>(below(1000)) * 1'000'000'000, {}).status() ==
              want);
        changed = want == Status::Ok;
        break;
      }
    }
    CHECK((f.etag("") != root) == changed);
    see(f.stat(""));
    if (model.there(a)) {
      std::string up = a;
      for (;;) {
        see(f.stat(up));
        if (up.empty()) break;
        up = Model::parent(up);
      }
    } else {
      CHECK(f.status(a) == Status::NotFound);
    }
    if (step % 100 == 99) {
      CHECK(test::check_space(f) == model.all);
      if (below(2) == 0) f.restart();
      CHECK(test::check_space(f) == model.all);
    }
  }
}

}  // namespace

TEST_CASE("random operations agree with a model") {
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;  // durability has tests of its own
  f.start();
  agree_with_a_model(f, 1500);
}

TEST_CASE("random operations agree with a model where names cannot be exchanged") {
  test::FailingFixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  SUBCASE("with a trash") {}
  SUBCASE("without one") { f.provider.options.trash.keep = false; }
  SUBCASE("durably") { f.provider.options.durability = Durability::PowerCut; }
  const int steps = f.provider.options.durability == Durability::None ? 800 : 200;
  f.failures.exchange = INT_MAX;
  f.start();
  agree_with_a_model(f, steps);
  CHECK(f.failures.exchange < INT_MAX);
}
