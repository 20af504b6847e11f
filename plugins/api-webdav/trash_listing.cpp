// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-webdav/trash_listing.hpp"

#include <cstring>

namespace Atoll::webdav {

namespace {

constexpr std::uint64_t kItemsAtOnce = 200;

/// Clients that ask whether an item can come back or be deleted for good look at its letters.
std::uint32_t permissions_of_items(std::uint32_t may) {
  std::uint32_t out = 0;
  if ((may & ATOLL_MAY_DELETE) && (may & ATOLL_MAY_CREATE)) out |= ATOLL_MAY_MOVE;
  if (may & ATOLL_MAY_PURGE) out |= ATOLL_MAY_DELETE | ATOLL_MAY_PURGE;
  return out;
}

}  // namespace

TrashListing::TrashListing(const Context &context, SpaceRecord space, std::string href,
                           std::shared_ptr<const PropertyPlan> plan)
    : context_(context),
      space_(std::move(space)),
      href_(std::move(href)),
      plan_(std::move(plan)),
      out_(*plan_, facts_) {
  std::memcpy(facts_.birth, space_.birth.bytes().data(), sizeof facts_.birth);
  facts_.name = space_.name;
}

void TrashListing::add(const atoll_trash_item &item) {
  auto stat = sized<atoll_stat>();
  stat.type = item.type;
  stat.permissions = permissions_of_items(space_.permissions);
  stat.space = item.space;
  stat.node = item.node;
  stat.parent = item.parent;
  stat.name = item.name;
  stat.size = item.size;
  stat.mtime_ns = item.mtime_ns;
  Extras extras;
  extras.kind = EntryKind::TrashItem;
  extras.trash = &item;
  out_.item(href_ + '/' + from_abi<Uuid>(item.id).text(), stat, extras);
  last_ = from_abi<Uuid>(item.id);
}

Result<void> TrashListing::page() {
  OutgoingCall out(context_.call.raw());
  std::uint64_t count = 0;
  auto listed = context_.services.trash.list(out, space_.id, last_, kItemsAtOnce, [&](const atoll_trash_item *raw) {
    ++count;
    add(copied(raw));
  });
  if (!listed) return listed;
  if (count >= kItemsAtOnce) return {};
  done_ = true;
  out_.finish();
  return {};
}

Result<void> TrashListing::begin(bool items) {
  auto stat = sized<atoll_stat>();
  stat.type = ATOLL_NODE_FOLDER;
  stat.permissions = permissions_of_items(space_.permissions) & ATOLL_MAY_PURGE;
  stat.space = stat.node = to_abi(space_.id);
  Extras extras;
  extras.kind = EntryKind::TrashBin;
  out_.item(href_, stat, extras);
  if (items) return page();
  // That there is a bin to see is the same question.
  OutgoingCall out(context_.call.raw());
  auto seen = context_.services.trash.list(out, space_.id, Uuid(), 1, [](const atoll_trash_item *) {});
  if (!seen) return seen;
  done_ = true;
  out_.finish();
  return {};
}

Result<void> TrashListing::only(const Uuid &item, bool below) {
  OutgoingCall out(context_.call.raw());
  bool found = false, folder = false;
  auto listed = context_.services.trash.list(out, space_.id, Uuid(), 0, [&](const atoll_trash_item *raw) {
    if (from_abi<Uuid>(raw->id) != item) return true;
    found = true;
    folder = raw->type == ATOLL_NODE_FOLDER;
    add(copied(raw));
    return false;
  });
  if (!listed) return listed;
  if (!found) return error(Status::NotFound, "There is no such item in the trash.");
  if (folder && below)
    return error(Status::Unimplemented, "What is in a deleted folder is not listed: ask with Depth: 0.");
  done_ = true;
  out_.finish();
  return {};
}

std::int32_t TrashListing::pull(void *buffer, std::uint64_t capacity, std::uint64_t *got) {
  if (sent_ == out_.size()) {
    if (done_) return ATOLL_PULL_END;
    out_.clear();
    sent_ = 0;
    if (auto next = page(); !next) {
      context_.services.host.log(ATOLL_LOG_WARNING, "the listing of a trash bin broke off: " + next.error().message,
                                 {{"path", context_.location.href}}, context_.call.raw());
      return ATOLL_PULL_FAILED;
    }
  }
  const auto part = out_.text().substr(sent_, static_cast<std::size_t>(capacity));
  std::memcpy(buffer, part.data(), part.size());
  sent_ += part.size();
  *got = part.size();
  return ATOLL_PULL_DATA;
}

}  // namespace Atoll::webdav
