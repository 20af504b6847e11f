// SPDX-License-Identifier: Apache-2.0
// Who may do what to spaces.
#include "core/gateway/space_town.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "core/base/file.hpp"

namespace Atoll::gateway {

using namespace town;

TEST_CASE("spaces: who makes one is its manager, nobody else sees it, admins manage it without reaching it") {
  Town w;
  const SpaceId solar = w.make(w.marie, "  Solar Panels ");
  const auto mine = w.mine(w.marie);
  REQUIRE(mine.size() == 2);  // her personal one too
  for (const auto &one : mine) {
    CHECK(one.record.permissions == kAllPermissions);
    CHECK(one.record.root_etag == "fresh");
    CHECK(one.used == 42);
    CHECK_FALSE(one.stale);
    if (one.record.id != solar) continue;
    CHECK(one.record.name == "Solar Panels");
    CHECK(one.record.alias == "project/solar-panels");
    CHECK(one.record.owner == solar.as<AccountTag>());
    CHECK(one.record.state == ATOLL_SPACE_STATE_ACTIVE);
  }
  CHECK_FALSE(w.has(w.einstein, solar));
  CHECK_FALSE(w.has(w.admin, solar));
  CHECK(w.get(w.einstein, solar) == Status::NotFound);
  CHECK(w.get(w.keeper, solar) == Status::Ok);
  CHECK(w.get(w.admin, solar) == Status::Ok);
  CHECK(w.rename(w.einstein, solar, "Mine") == Status::NotFound);
  CHECK(w.rename(w.keeper, solar, "Sun") == Status::Ok);
}

TEST_CASE("spaces: names that would be none are refused, and so are guests") {
  Town w;
  for (const char *name : {"", "   ", "a/b", ".", "..", "bell\x07", "\xff"}) {
    SpaceRecord draft;
    draft.name = name;
    const auto raw = draft.abi();
    CHECK(w.as(w.marie, [&](auto *c) {
             return w.service->create(c, w.service->self, &raw, w.nothing.get());
           }).status() == Status::InvalidArgument);
  }
  SpaceRecord draft;
  draft.name = "x";
  auto raw = draft.abi();
  CHECK(w.as(w.guest, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::PermissionDenied);
  CHECK(w.as(w.guest, [&](auto *c) { return w.service->may_create(c, w.service->self); }).status() ==
        Status::PermissionDenied);
  raw.quota = 1000;
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::PermissionDenied);
  CHECK(w.shelf.spaces.empty());
}

TEST_CASE("spaces: one that its provider cannot make leaves nothing behind") {
  Town w;
  w.disk.refuse_creates = 1;
  SpaceRecord draft;
  draft.name = "x";
  const auto raw = draft.abi();
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::InsufficientStorage);
  CHECK(w.shelf.spaces.empty());
  CHECK(w.disk.quotas.empty());
}

TEST_CASE("spaces: a create that fails half way leaves no record without files, and cleans up after one who has gone") {
  SpaceRecord draft;
  draft.name = "x";
  const auto raw = draft.abi();
  {
    Town w;
    w.shelf.members_until_away = 0;
    CHECK(w.as(w.marie, [&](auto *c) {
             return w.service->create(c, w.service->self, &raw, w.nothing.get());
           }).status() == Status::Unavailable);
    REQUIRE(w.shelf.spaces.size() == 1);
    CHECK(w.disk.quotas.count(w.shelf.spaces.begin()->first) == 1);
  }
  Town w;
  w.disk.refuse_creates = 1;
  const AbiPrincipal principal(w.marie);
  OutgoingCall call;
  call.principal(principal.get());
  atoll_call gone = *call.get();
  gone.cancelled = [](const atoll_call *) -> std::int32_t { return 1; };
  CHECK(w.service->create(&gone, w.service->self, &raw, w.nothing.get()) == ATOLL_INSUFFICIENT_STORAGE);
  CHECK(w.shelf.spaces.empty());
}

TEST_CASE("spaces: disabled, restored and purged, by whom and in which order") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  CHECK(w.put(w.marie, space, w.einstein.account, kEditor) == Status::Ok);
  CHECK(w.purge(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.disable(w.marie, space) == Status::Ok);
  CHECK(w.disable(w.marie, space) == Status::Ok);
  CHECK_FALSE(w.has(w.einstein, space));
  CHECK(w.get(w.einstein, space) == Status::NotFound);
  CHECK(w.has(w.marie, space));
  CHECK(w.restore(w.einstein, space) == Status::NotFound);
  CHECK(w.restore(w.keeper, space) == Status::Ok);
  CHECK(w.has(w.einstein, space));
  CHECK(w.disable(w.marie, space) == Status::Ok);
  w.disk.runs = false;
  CHECK(w.purge(w.marie, space) == Status::Unavailable);
  CHECK(w.shelf.spaces.count(space) == 1);
  w.disk.runs = true;
  CHECK(w.purge(w.marie, space) == Status::Ok);
  CHECK(w.shelf.spaces.count(space) == 0);
  CHECK(w.disk.quotas.count(space) == 0);
  CHECK(w.get(w.admin, space) == Status::NotFound);
}

TEST_CASE("spaces: a disabled one is neither listed nor named to members who do not manage it") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kViewer) == Status::Ok);
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  const auto *files = w.gateway.service();
  const auto listed = [&](const Principal &who) {
    bool found = false;
    const auto sink = make_sink<atoll_space_record_sink>(
        [&](const atoll_space_record *raw) { found |= from_abi<SpaceId>(raw->id) == space; });
    REQUIRE(w.as(who, [&](auto *c) { return files->spaces(c, files->self, sink.get()); }).ok());
    return found;
  };
  CHECK(listed(w.marie));
  CHECK_FALSE(listed(w.einstein));
  const auto said = [&](const Principal &who, const SpaceId &asked) {
    const auto sink = make_sink<atoll_space_record_sink>([](const atoll_space_record *) {});
    const auto id = to_abi(asked);
    return w.as(who, [&](auto *c) { return files->space(c, files->self, &id, sink.get()); }).error().message;
  };
  CHECK(said(w.marie, space) == "This space is disabled.");
  CHECK(said(w.einstein, space) == said(w.einstein, base::random_id<SpaceId>()));
}

TEST_CASE("spaces: one whose files are going or gone is not restored, and one that was never made is made") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  std::vector<Status> meanwhile;
  w.disk.on_remove = [&] {
    meanwhile = {w.restore(w.marie, space), w.purge(w.keeper, space), w.disable(w.marie, space)};
  };
  w.disk.quotas.erase(space);  // an earlier attempt came that far
  CHECK(w.restore(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.shelf.spaces.at(space).record.state == ATOLL_SPACE_STATE_DISABLED);
  w.disk.quotas[space] = 1;
  w.disk.runs = false;
  CHECK(w.restore(w.marie, space) == Status::Unavailable);
  w.disk.runs = true;
  CHECK(w.purge(w.marie, space) == Status::Ok);
  CHECK(meanwhile == std::vector<Status>(3, Status::Unavailable));
  CHECK(w.shelf.spaces.count(space) == 0);

  w.disk.refuse_creates = 1;
  CHECK_FALSE(w.as(w.einstein, [&](auto *c) { return w.service->mine(c, w.service->self, 0, w.nothing.get()); }).ok());
  REQUIRE(w.shelf.spaces.size() == 1);
  const SpaceId own = w.shelf.spaces.begin()->first;
  REQUIRE(w.shelf.spaces.at(own).record.state == ATOLL_SPACE_STATE_CREATING);
  CHECK(w.disable(w.admin, own) == Status::Ok);
  CHECK(w.shelf.spaces.at(own).record.state == ATOLL_SPACE_STATE_DISABLED);
  CHECK(w.restore(w.admin, own) == Status::Ok);
  CHECK(w.disk.quotas.count(own) == 1);
  CHECK(w.has(w.einstein, own));
}

TEST_CASE("spaces: a personal space is its owner's, and only an admin ends it") {
  Town w;
  SpaceId own;
  for (const auto &one : w.mine(w.marie)) own = one.record.id;
  CHECK(w.disable(w.marie, own) == Status::PermissionDenied);
  CHECK(w.get(w.keeper, own) == Status::NotFound);
  CHECK(w.put(w.marie, own, w.einstein.account, kViewer) == Status::FailedPrecondition);
  CHECK(w.drop(w.marie, own, w.marie.account) == Status::FailedPrecondition);
  CHECK(w.rename(w.marie, own, "other") == Status::FailedPrecondition);
  CHECK(w.set_quota(w.marie, own, 1) == Status::PermissionDenied);
  CHECK(w.set_quota(w.admin, own, 1000) == Status::Ok);
  CHECK(w.disk.quotas.at(own) == 1000);
  CHECK(w.disable(w.admin, own) == Status::Ok);
  const SpaceId solar = w.make(w.marie, "Solar");
  CHECK(w.has(w.marie, solar));  // the rest of hers is there as before
}

TEST_CASE("spaces: all of them in pages, for admins only, and space admins see projects only") {
  Town w;
  std::set<SpaceId> made;
  for (int i = 0; i < 25; ++i) made.insert(w.make(w.marie, ("p" + std::to_string(i)).c_str()));
  w.mine(w.einstein);  // his personal one
  const auto page = [&](const Principal &who, std::uint32_t type, const SpaceId &after, std::uint64_t limit) {
    std::vector<SpaceId> out;
    const auto sink =
        make_sink<atoll_space_view_sink>([&](const atoll_space_view *v) { out.push_back(Town::seen(v).record.id); });
    const auto from = to_abi(after);
    REQUIRE(
        w.as(who, [&](auto *c) { return w.service->all(c, w.service->self, type, &from, limit, sink.get()); }).ok());
    return out;
  };
  CHECK(page(w.keeper, 0, {}, 0) == std::vector<SpaceId>(made.begin(), made.end()));
  CHECK(page(w.admin, 0, {}, 0).size() == 26);
  CHECK(page(w.admin, ATOLL_SPACE_PERSONAL, {}, 0).size() == 1);
  std::vector<SpaceId> paged;
  SpaceId last;
  for (;;) {
    const auto some = page(w.keeper, ATOLL_SPACE_PROJECT, last, 10);
    paged.insert(paged.end(), some.begin(), some.end());
    if (some.size() < 10) break;
    last = some.back();
  }
  CHECK(paged == std::vector<SpaceId>(made.begin(), made.end()));
  const atoll_uuid none{};
  CHECK(w.as(w.marie, [&](auto *c) {
           return w.service->all(c, w.service->self, 0, &none, 0, w.nothing.get());
         }).status() == Status::PermissionDenied);
}

TEST_CASE("spaces: a change leaves what others change at the same time as it is, and does not bring back what ended") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  w.shelf.on_change = [&] { CHECK(w.disable(w.keeper, space) == Status::Ok); };
  CHECK(w.rename(w.marie, space, "Sun") == Status::Ok);
  CHECK(w.shelf.spaces.at(space).record.state == ATOLL_SPACE_STATE_DISABLED);
  CHECK(w.shelf.spaces.at(space).record.name == "Sun");
  w.shelf.on_change = [&] { w.shelf.spaces.at(space).record.provider = "storage:archive"; };
  CHECK(w.set_alias(w.marie, space, "project/sun") == Status::Ok);
  CHECK(w.shelf.spaces.at(space).record.provider == "storage:archive");
  w.shelf.spaces.at(space).record.provider = "storage:home";
  // Another server on the same registry was faster.
  w.shelf.on_change = [&] { w.shelf.spaces.at(space).record.state = ATOLL_SPACE_STATE_PURGING; };
  CHECK(w.restore(w.marie, space) == Status::Unavailable);
  CHECK(w.shelf.spaces.at(space).record.state == ATOLL_SPACE_STATE_PURGING);
  const SpaceId gone = w.make(w.marie, "Gone");
  w.shelf.on_change = [&] { w.shelf.spaces.erase(gone); };
  CHECK(w.rename(w.marie, gone, "Back") == Status::NotFound);
  CHECK(w.shelf.spaces.count(gone) == 0);
}

TEST_CASE("spaces: one that is being purged is not restored, and can be purged again") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  REQUIRE(w.put(w.marie, space, w.einstein.account, kEditor) == Status::Ok);
  REQUIRE(w.disable(w.marie, space) == Status::Ok);
  const auto state = [&] { return w.shelf.spaces.at(space).record.state; };
  w.disk.runs = false;
  CHECK(w.purge(w.marie, space) == Status::Unavailable);
  CHECK(state() == ATOLL_SPACE_STATE_DISABLED);  // nothing has begun
  w.disk.runs = true;
  w.disk.removes = false;
  std::uint32_t while_removing = 0;
  w.disk.on_remove = [&] { while_removing = state(); };
  CHECK(w.purge(w.marie, space) == Status::Unavailable);
  CHECK(while_removing == ATOLL_SPACE_STATE_PURGING);
  CHECK(state() == ATOLL_SPACE_STATE_PURGING);
  CHECK(w.restore(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.disable(w.marie, space) == Status::FailedPrecondition);
  CHECK(w.rename(w.marie, space, "Sun") == Status::FailedPrecondition);
  CHECK(w.stat(w.marie, space) == Status::NotFound);
  CHECK(w.get(w.einstein, space) == Status::NotFound);
  CHECK_FALSE(w.has(w.einstein, space));
  CHECK(w.has(w.marie, space));
  w.disk.removes = true;
  CHECK(w.purge(w.marie, space) == Status::Ok);
  CHECK(w.shelf.spaces.count(space) == 0);
  CHECK(w.disk.quotas.count(space) == 0);
}

TEST_CASE("spaces: one that is being made at the first request is not ended meanwhile, and not made after its end") {
  Town w;
  std::vector<Status> meanwhile;
  w.disk.on_create = [&] {
    REQUIRE(w.shelf.spaces.size() == 1);
    const SpaceId own = w.shelf.spaces.begin()->first;
    meanwhile = {w.purge(w.admin, own), w.disable(w.admin, own)};
  };
  CHECK(w.mine(w.einstein).size() == 1);
  CHECK(meanwhile == std::vector<Status>(2, Status::Unavailable));
  CHECK(w.disk.quotas.size() == 1);
  // Found as being made; then it ends before this request gets to it.
  w.disk.refuse_creates = 1;
  CHECK_FALSE(w.list(w.marie) == Status::Ok);
  w.shelf.on_get = [&] {
    std::erase_if(w.shelf.spaces, [&](const auto &one) { return one.second.record.owner == w.marie.account; });
  };
  CHECK(w.list(w.marie) == Status::Ok);
  CHECK(w.disk.quotas.size() == 1);
}

TEST_CASE("spaces: an alias tells what kind of space it is, and names an address") {
  Town w;
  const SpaceId space = w.make(w.marie, "Solar");
  for (const char *bad : {"personal/einstein", "solar", "project/", "project/a/b", "project/..", "project/a b",
                          "project/a?b", "project/a#b", "project/a%2fb", "Project/a", "", "project/\x01"})
    CHECK_MESSAGE(w.set_alias(w.marie, space, bad) == Status::InvalidArgument, bad);
  for (const char *good : {"project/sun", "project/S\xC3\xA9-1_x.y"})
    CHECK_MESSAGE(w.set_alias(w.marie, space, good) == Status::Ok, good);
  SpaceRecord draft;
  draft.name = "x";
  draft.alias = "personal/einstein";
  const auto raw = draft.abi();
  CHECK(w.as(w.marie, [&](auto *c) { return w.service->create(c, w.service->self, &raw, w.nothing.get()); }).status() ==
        Status::InvalidArgument);
  const SpaceId odd = w.make(w.marie, "???");
  CHECK(w.shelf.spaces.at(odd).record.alias == "project/" + odd.text().substr(0, 8));
  for (const auto &one : w.mine(w.marie))
    if (one.record.type == ATOLL_SPACE_PERSONAL) {
      CHECK(w.set_alias(w.marie, one.record.id, "personal/einstein") == Status::FailedPrecondition);
      CHECK(w.set_alias(w.marie, one.record.id, "personal/marie") == Status::Ok);
    }
}

TEST_CASE(
    "spaces: one that is made from a template begins with its folders, files, readme and picture, or not at all") {
  namespace fs = std::filesystem;
  std::string folder = (fs::temp_directory_path() / "atoll-templates-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto put = [&](const std::string &path, const std::string &text) {
    fs::create_directories(fs::path(folder + "/" + path).parent_path());
    REQUIRE(base::write_file_durably(folder + "/" + path, text, 0600).ok());
  };
  put("team/.space/readme.md", "# Team");
  put("team/.space/image.png", "PNG");
  put("team/Minutes/2026/first.txt", "");
  fs::create_directory(folder + "/team/Plans");
  fs::create_symlink("/etc/passwd", folder + "/team/link");
  put("secret.txt", "no template");
  GatewayOptions options = Town::with_url();
  options.space_templates = folder;
  Town w(options);
  const auto make = [&](std::string_view name) {
    SpaceRecord draft;
    draft.name = "x";
    const auto raw = draft.abi();
    return w
        .as(w.marie,
            [&](auto *c) { return w.service->create_from(c, w.service->self, &raw, str(name), w.nothing.get()); })
        .status();
  };
  for (const char *bad : {"none such", "../team", ".", "..", "team/Plans", "secret.txt"})
    CHECK_MESSAGE(make(bad) == Status::InvalidArgument, bad);
  CHECK(w.shelf.spaces.empty());
  REQUIRE(make("team") == Status::Ok);
  using Texts = std::map<std::string, std::string>;
  CHECK(w.disk.texts ==
        Texts{{".space/image.png", "PNG"}, {".space/readme.md", "# Team"}, {"Minutes/2026/first.txt", ""}});
  CHECK(w.disk.nodes.count("Plans") == 1);
  CHECK(w.disk.nodes.count("link") == 0);
  REQUIRE(w.shelf.spaces.size() == 1);
  CHECK(w.shelf.spaces.begin()->second.record.readme == w.disk.nodes.at(".space/readme.md"));
  CHECK(w.shelf.spaces.begin()->second.record.image == w.disk.nodes.at(".space/image.png"));
  w.disk.texts.clear();
  w.disk.room = 2;  // half way
  CHECK(make("team") == Status::InsufficientStorage);
  CHECK(w.shelf.spaces.size() == 1);
  CHECK(w.disk.quotas.size() == 1);
  w.disk.room = 100;
  w.disk.texts.clear();
  CHECK(make("default") == Status::Ok);
  CHECK(w.disk.texts.size() == 1);
  for (const auto &[id, kept] : w.shelf.spaces) CHECK_FALSE(kept.record.readme.none());
  put("default/mine.txt", "x");
  w.disk.texts.clear();
  CHECK(make("default") == Status::Ok);
  CHECK(w.disk.texts == Texts{{"mine.txt", "x"}});
  fs::remove_all(folder);
}

}  // namespace Atoll::gateway
