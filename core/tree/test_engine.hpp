// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: a provider in a temporary folder.
#pragma once

#include "core/base/uuid.hpp"
#include "core/tree/engine.hpp"
#include "core/tree/posix_store.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace Atoll::tree::test {

/// A folder that is gone afterwards.
class TempFolder {
 public:
  TempFolder() {
    const char *base = std::getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/atoll-tree-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;
  std::string path;
};

/// A provider that can be opened again and again on the same folders.
struct Provider {
  explicit Provider(std::string folder) : root(folder + "/root"), state(folder + "/state") {
    std::filesystem::create_directories(root);
  }

  Result<std::unique_ptr<Engine>> try_open() const {
    auto dir = StateDir::open(state);
    if (!dir) return std::move(dir).error();
    dir->keep_free(reserve);
    PosixOptions posix;
    posix.root = root;
    posix.reserve = reserve;
    auto opened = PosixRoot::open(posix, *dir);
    if (!opened) return std::move(opened).error();
    return Engine::open(options, std::move(*dir), names(*opened), std::make_unique<PosixStore>(*opened));
  }
  std::unique_ptr<Engine> open() const {
    auto engine = try_open();
    if (!engine) FAIL(engine.error().message);
    return std::move(*engine);
  }

  std::string root, state;
  std::uint64_t reserve = 0;
  EngineOptions options;
  std::function<std::unique_ptr<Namespace>(std::shared_ptr<PosixRoot>)> names = [](std::shared_ptr<PosixRoot> opened) {
    return std::make_unique<PosixNamespace>(std::move(opened));
  };
};

/// A provider with one space, served.
struct Fixture {
  /// `prepare`: gets the storage root before anything is in it.
  explicit Fixture(const std::function<void(const std::string &root)> &prepare = {}) : provider(folder.path) {
    if (prepare) prepare(provider.root);
    start();
  }
  void start() {
    engine = provider.open();
    SpaceSpec spec;
    spec.id = space;
    spec.type = SpaceType::Personal;
    spec.name = "einstein";
    const auto made = engine->space_create(spec);
    if (!made) FAIL(made.error().message);
    engine->settle();
  }
  void restart() {
    engine.reset();
    start();
  }

  Ref at(std::string_view path) const { return Ref{space, root_of(space), path}; }
  Ref at(const NodeId &node, std::string_view path = {}) const { return Ref{space, node, path}; }
  std::string disk(const std::string &path) const { return provider.root + "/personal/einstein/" + path; }

  Result<Node> try_put(const Ref &ref, std::string_view bytes, const Conditions &conditions = {},
                       UploadCommit commit = {}) {
    auto upload = engine->upload_begin(ref, bytes.size(), conditions);
    if (!upload) return std::move(upload).error();
    if (auto written = (*upload)->write(0, bytes); !written) return std::move(written).error();
    commit.size = bytes.size();
    return (*upload)->commit(commit, conditions);
  }
  Result<Node> try_put(std::string_view path, std::string_view bytes, const Conditions &conditions = {}) {
    return try_put(at(path), bytes, conditions);
  }
  Node put(std::string_view path, std::string_view bytes) { return value(try_put(path, bytes)); }
  Node mkdir(std::string_view path) { return value(engine->mkdir(at(path), {})); }
  Node stat(std::string_view path) { return value(engine->stat(at(path))); }
  Status status(std::string_view path) { return engine->stat(at(path)).status(); }

  std::string get(std::string_view path) {
    auto open = value(engine->open_read(at(path)));
    std::string text;
    char buffer[65536];
    for (off_t at = 0;;) {
      const ssize_t got = ::pread(open.fd.get(), buffer, sizeof buffer, at);
      if (got <= 0) break;
      text.append(buffer, static_cast<std::size_t>(got));
      at += got;
    }
    CHECK(text.size() == open.node.size);
    return text;
  }
  std::vector<Node> list(std::string_view path) {
    std::vector<Node> nodes;
    const auto listed = engine->list(at(path), {}, 0, [&](const NodeView &view) {
      Node node;
      static_cast<NodeFacts &>(node) = view;
      node.name = view.name;
      nodes.push_back(std::move(node));
      return true;
    });
    if (!listed) FAIL(listed.error().message);
    return nodes;
  }
  std::string names(std::string_view path) {
    std::string text;
    for (const Node &node : list(path)) text += (text.empty() ? "" : " ") + node.name;
    return text;
  }
  std::uint64_t used() { return value(engine->space_get(space)).used; }
  std::string etag(std::string_view path) { return std::string(stat(path).etag().view()); }

  template <class T>
  static T value(Result<T> result) {
    if (!result) FAIL("status " << static_cast<int>(result.status()) << ": " << result.error().message);
    return std::move(*result);
  }

  TempFolder folder;
  Provider provider;
  SpaceId space = base::random_id<SpaceId>();
  std::unique_ptr<Engine> engine;
};

inline std::string read_disk(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
inline void write_disk(const std::string &path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace Atoll::tree::test
