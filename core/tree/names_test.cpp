// SPDX-License-Identifier: Apache-2.0
// Names that differ only in case or in the normal form of Unicode.
#include "core/tree/invariants_test.hpp"

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
