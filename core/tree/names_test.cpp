// SPDX-License-Identifier: Apache-2.0
// Names that differ only in case or in the normal form of Unicode.
#include "core/base/name_key.hpp"
#include "core/sql/database.hpp"
#include "core/tree/index_view.hpp"
#include "core/tree/invariants_test.hpp"

#include <random>

using namespace Atoll;
using namespace Atoll::tree;
using test::Fixture;
namespace fs = std::filesystem;

namespace {

const std::string kComposed = "caf\xc3\xa9", kDecomposed = "cafe\xcc\x81";

}  // namespace

TEST_CASE("exact: every difference makes another name, and none is merged") {
  Fixture f;
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Exact);
  for (const std::string &name : {std::string("readme"), std::string("ReadMe"), kComposed, kDecomposed})
    f.put(name, name);
  for (const std::string &name : {std::string("readme"), std::string("ReadMe"), kComposed, kDecomposed})
    CHECK(f.get(name) == name);
  test::write_disk(f.disk("README"), "beside");
  CHECK(f.list("").size() == 5);
  CHECK(f.status("READme") == Status::NotFound);
  test::check_space(f);
}

TEST_CASE("unique: a second name is refused in every way it could come, and nothing is lost") {
  Fixture f;
  REQUIRE(f.engine->space_set_names(f.space, NameRule::Unique).ok());
  f.restart();
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Unique);
  f.put("readme", "1");
  f.mkdir(kComposed);
  f.put(kComposed + "/x", "22");
  f.mkdir("other");
  f.put("other/README", "333");
  f.mkdir("other/" + kDecomposed);
  const Ref upper = f.at("README"), decomposed = f.at(kDecomposed);
  CHECK(f.engine->upload_begin(upper, 1 << 20, {}).status() == Status::PermissionDenied);
  CHECK(f.try_put("README", "x").status() == Status::PermissionDenied);
  CHECK(f.engine->mkdir(upper, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->mkdir(decomposed, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->rename(f.at("other/README"), upper, true, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->rename(f.at("other/" + kDecomposed), decomposed, true, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->copy(f.at("other/README"), upper, true, false, {}).status() == Status::PermissionDenied);
  CHECK(f.engine->copy(f.at("other"), decomposed, true, false, {}).status() == Status::PermissionDenied);
  const auto refused = f.try_put("Readme", "x");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("readme") != std::string::npos);
  // Out of the trash, too; to another place it comes back.
  const Node gone = f.put("gone", "4444");
  REQUIRE(f.engine->remove(f.at("gone"), {}, false).ok());
  f.put("GONE", "5");
  Uuid item;
  REQUIRE(f.engine
              ->trash_list(f.space, {}, 1,
                           [&](const TrashItem &found) {
                             item = found.id;
                             return true;
                           })
              .ok());
  CHECK(f.engine->trash_restore(f.space, item, std::nullopt, false, {}).status() == Status::PermissionDenied);
  CHECK(Fixture::value(f.engine->trash_restore(f.space, item, f.at("back"), false, {})).id == gone.id);
  // The name of a node itself may change its case, and be written to again.
  const Node moved = Fixture::value(f.engine->rename(f.at("readme"), upper, false, {}));
  CHECK(moved.name == "README");
  f.put("README", "66");
  CHECK(f.names("") == "GONE README back " + kComposed + " other");
  CHECK(f.get("README") == "66");
  CHECK(f.status(kDecomposed) == Status::NotFound);
  // What other programs make is shown as it is.
  test::write_disk(f.disk("readme"), "beside");
  CHECK(f.get("readme") == "beside");
  CHECK(f.get("README") == "66");
  f.put("readme", "ours");
  CHECK(f.get("README") == "66");
  test::check_space(f);
  REQUIRE(f.engine->space_set_names(f.space, NameRule::Exact).ok());
  f.put("ReadME", "7");
}

TEST_CASE("a space that has such names is not set to unique, and says which") {
  Fixture f;
  f.mkdir("a");
  f.mkdir("a/b");
  f.put("a/b/x", "1");
  f.put("a/x", "1");
  f.put("X", "1");
  f.put("a/b/X", "2");
  f.put("a/" + kComposed, "3");
  f.put("a/" + kDecomposed, "4");
  const auto refused = f.engine->space_set_names(f.space, NameRule::Unique);
  CHECK(refused.status() == Status::FailedPrecondition);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("a/b/X and a/b/x") != std::string::npos);
  CHECK(refused.error().message.find("a/" + kDecomposed + " and a/" + kComposed) != std::string::npos);
  CHECK(refused.error().message.find("more") == std::string::npos);
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Exact);
  f.put("a/B", "5");
  for (int i = 0; i < 10; ++i)
    for (const char *name : {"n", "N"}) f.put(name + std::to_string(i), "6");
  const auto many = f.engine->space_set_names(f.space, NameRule::Unique);
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().message.find(", and 8 more") != std::string::npos);
  f.restart();
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Exact);
  for (const std::string &path : {std::string("a/b/X"), "a/" + kDecomposed, std::string("a/B")})
    REQUIRE(f.engine->remove(f.at(path), {}).ok());
  for (int i = 0; i < 10; ++i) REQUIRE(f.engine->remove(f.at("N" + std::to_string(i)), {}).ok());
  CHECK(f.engine->space_set_names(f.space, NameRule::Unique).ok());
  CHECK(f.try_put("a/b/X", "1").status() == Status::PermissionDenied);
}

TEST_CASE("a copy brings no names that are alike into a space that is unique") {
  Fixture f;
  f.mkdir("d");
  f.mkdir("d/e");
  f.put("d/e/x", "1");
  f.put("d/e/X", "2");
  SpaceSpec spec;
  spec.id = base::random_id<SpaceId>();
  spec.name = "unique";
  REQUIRE(f.engine->space_create(spec).ok());
  REQUIRE(f.engine->space_set_names(spec.id, NameRule::Unique).ok());
  const Ref goal{spec.id, root_of(spec.id), "d"};
  const auto refused = f.engine->copy(f.at("d"), goal, false, false, {});
  CHECK(refused.status() == Status::PermissionDenied);
  CHECK(f.engine->stat(goal).status() == Status::NotFound);
  REQUIRE(f.engine->remove(f.at("d/e/X"), {}).ok());
  CHECK(f.engine->copy(f.at("d"), goal, false, false, {}).ok());
}

TEST_CASE("names that are alike are found by their keys, whatever has become of them") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  Fixture f;
  f.engine.reset();
  f.provider.options.durability = Durability::None;
  f.start();
  const std::vector<std::string> names = {"a",
                                          "A",
                                          "b",
                                          "B",
                                          kComposed,
                                          kDecomposed,
                                          "Caf\xc3\xa9",
                                          "stra\xc3\x9f"
                                          "e",
                                          "STRASSE",
                                          "strasse",
                                          "\xce\xa3",
                                          "\xcf\x83",
                                          "\xcf\x82",
                                          "1"};
  auto name = [&] { return (random() % 2 == 0 ? "d/" : "e/") + names[random() % names.size()]; };
  auto alike = [&](const std::string &folder, const std::string &wanted) {
    std::set<std::string> by_list, by_key;
    for (const Node &node : f.list(folder))
      if (base::name_key(node.name) == base::name_key(wanted)) by_list.insert(node.name);
    const auto view = Fixture::value(IndexView::open(f.provider.state + "/index.db"));
    REQUIRE(view->alike(f.stat(folder).id, wanted, [&](const Row &row) {
      CHECK(by_key.insert(row.name).second);
      return true;
    }));
    CHECK(by_list == by_key);
  };
  f.mkdir("d");
  f.mkdir("e");
  for (int step = 0; step < 300; ++step) {
    const std::string a = name(), b = name();
    switch (random() % 5) {
      case 0:
        static_cast<void>(f.try_put(a, "1"));
        break;
      case 1:
        static_cast<void>(f.engine->rename(f.at(a), f.at(b), true, {}));
        break;
      case 2:
        static_cast<void>(f.engine->remove(f.at(a), {}));
        break;
      case 3:
        static_cast<void>(f.engine->mkdir(f.at(a), {}));
        break;
      default:
        static_cast<void>(f.engine->copy(f.at(a), f.at(b), true, false, {}));
        break;
    }
    alike(a.substr(0, 1), a.substr(2));
  }
  // An index of another version of the keys, or from before there were any.
  f.engine.reset();
  {
    sql::Database index = Fixture::value(sql::Database::open(f.provider.state + "/index.db"));
    REQUIRE(index.exec("UPDATE node SET fold=4711; UPDATE fact SET value='0' WHERE name='fold'"));
  }
  f.start();
  for (const std::string &one : names)
    for (const char *folder : {"d", "e"}) alike(folder, one);
  f.engine.reset();
  {
    sql::Database index = Fixture::value(sql::Database::open(f.provider.state + "/index.db"));
    REQUIRE(
        index.exec("DROP INDEX node_fold; ALTER TABLE node DROP COLUMN fold; DELETE FROM fact WHERE name='fold';"
                   "PRAGMA user_version=4"));
  }
  f.start();
  for (const std::string &one : names)
    for (const char *folder : {"d", "e"}) alike(folder, one);
  test::check_space(f);
}

TEST_CASE("a space keeps the rule that it was made with") {
  Fixture f;
  f.engine.reset();
  f.provider.options.names = NameRule::Unique;
  f.start();
  SpaceSpec spec;
  spec.id = base::random_id<SpaceId>();
  spec.name = "new";
  REQUIRE(f.engine->space_create(spec).ok());
  f.engine.reset();
  f.provider.options.names = NameRule::Exact;
  f.start();
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Exact);
  CHECK(Fixture::value(f.engine->space_get(spec.id)).names == NameRule::Unique);
  int unique = 0;
  REQUIRE(f.engine->space_list([&](const SpaceInfo &info) {
    unique += info.names == NameRule::Unique ? 1 : 0;
    return true;
  }));
  CHECK(unique == 1);
}

namespace {

/// Claims that names fold. Real ones cannot be had everywhere; lookups then check the exact name.
class FoldingNamespace final : public PosixNamespace {
 public:
  using PosixNamespace::PosixNamespace;
  bool folds_names() const override { return true; }
};

}  // namespace

TEST_CASE("a file system that folds names makes every space unique") {
  Fixture f;
  f.put("a", "1");
  f.engine.reset();
  f.provider.names = [](std::shared_ptr<PosixRoot> root) {
    root->assume_folding();
    return std::make_unique<FoldingNamespace>(std::move(root));
  };
  f.start();
  CHECK(Fixture::value(f.engine->space_get(f.space)).names == NameRule::Unique);
  CHECK(f.engine->space_set_names(f.space, NameRule::Exact).status() == Status::FailedPrecondition);
  CHECK(f.try_put("A", "x").status() == Status::PermissionDenied);
  CHECK(f.get("a") == "1");
  CHECK(f.status("A") == Status::NotFound);
  CHECK(Fixture::value(f.engine->rename(f.at("a"), f.at("A"), false, {})).name == "A");
  f.mkdir("folder");
  f.put("folder/x", "22");
  CHECK(f.names("") == "A folder");
  CHECK(f.engine->remove(f.at("folder"), {}, false).ok());
  test::check_space(f);
}
