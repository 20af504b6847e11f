// SPDX-License-Identifier: Apache-2.0
// What the tests of moves share: two providers and a space that has something of everything.
#pragma once

#include "core/tree/care.hpp"
#include "core/tree/invariants_test.hpp"

namespace Atoll::tree::test {

/// The provider that a space is moved to: with a space of its own.
struct Goal {
  Goal() : provider(folder.path) {
    engine = provider.open();
    SpaceSpec spec;
    spec.id = own;
    spec.name = "curie";
    spec.type = SpaceType::Personal;
    CHECK(engine->space_create(spec).ok());
    CHECK(engine->mkdir(Ref{own, root_of(own), "own"}, {}).ok());
  }
  /// From now on the fixture's space is looked for here, and this is where it was.
  void become(Fixture &f) {
    f.engine.swap(engine);
    std::swap(f.provider.root, provider.root);
    std::swap(f.provider.state, provider.state);
  }
  bool clean(const SpaceId &space) {
    engine->settle();
    const std::string kept = provider.root + "/.atoll/spaces/" + space.text();
    std::size_t files = 0;
    if (std::filesystem::exists(kept))
      for (const auto &entry : std::filesystem::recursive_directory_iterator(kept))
        files += entry.is_regular_file() ? 1 : 0;
    return files == 0 && !std::filesystem::exists(provider.root + "/personal/einstein");
  }
  TempFolder folder;
  Provider provider;
  SpaceId own = base::random_id<SpaceId>();
  std::unique_ptr<Engine> engine;
};

/// Path -> id, etag, time, size, sums; of folders too.
inline std::map<std::string, std::string> all_of(Fixture &f) {
  std::map<std::string, std::string> all;
  auto walk = [&](auto &self, const std::string &path) -> void {
    for (const Node &node : f.list(path)) {
      const std::string inner = path.empty() ? node.name : path + "/" + node.name;
      all[inner] = node.id.text() + " " + std::string(node.etag().view()) + " " + std::to_string(node.mtime_ns) + " " +
                   std::to_string(node.size) + " " + std::to_string(node.sums.mask) + " " +
                   std::to_string(node.sums.adler32) + (node.has_attributes ? " a" : "") + (node.locked ? " l" : "");
      if (node.folder()) self(self, inner);
    }
  };
  walk(walk, "");
  all[""] = f.etag("");
  return all;
}

/// Files, folders, versions, trash, attributes and a lock.
inline std::string fill(Fixture &f) {
  f.mkdir("a");
  f.mkdir("a/b");
  f.put("a/b/deep", "deep");
  f.put("a/x", "first");
  f.put("a/x", "second");
  f.put("a/x", "third!");
  UploadCommit commit;
  commit.sums.mask = 4;
  commit.sums.adler32 = 4711;
  commit.mtime_ns = 1'500'000'000'123'456'789;
  Fixture::value(f.try_put(f.at("dated"), "1", {}, commit));
  f.mkdir("gone");
  f.mkdir("gone/inner");
  f.put("gone/inner/y", "in the trash");
  f.put("gone/z", "as well");
  CHECK(f.engine->remove(f.at("gone"), {}).ok());
  f.put("single", "one file in the trash");
  CHECK(f.engine->remove(f.at("single"), {}).ok());
  const AttributeChange colour{"urn:x", "colour", std::string_view("bl\0e", 4)};
  CHECK(f.engine->attributes_patch(f.at("a/x"), {&colour, 1}, {}).ok());
  CHECK(f.engine->attributes_patch(f.at("a"), {&colour, 1}, {}).ok());
  CHECK(f.engine->space_set_quota(f.space, 123456789).ok());
  Lock wanted;
  wanted.deep = true;
  wanted.owner = "somebody";
  return Fixture::value(f.engine->lock(f.at("a/b"), wanted, 3600, {})).token;
}

}  // namespace Atoll::tree::test
