// SPDX-License-Identifier: Apache-2.0
// Listings: all at once, and in steps.
#include "core/tree/change.hpp"
#include "core/tree/try.hpp"

#include <algorithm>

namespace Atoll::tree {
namespace {

/// What a row of the index lacks for being shown as a child of one folder.
class Shown {
 public:
  Shown(const SpaceId &space, const LockTable &locks, const Located &folder) : space_(space) {
    if (!locks.any(space)) return;
    locks_ = locks.all(space);
    const auto way = ids_of(folder.chain);
    all_ = std::any_of(locks_.begin(), locks_.end(), [&](const Lock &lock) {
      return lock.deep && std::find(way.begin(), way.end(), lock.node) != way.end();
    });
  }

  void complete(NodeView &child) const {
    child.space = space_;
    child.locked =
        all_ || std::any_of(locks_.begin(), locks_.end(), [&](const Lock &lock) { return lock.node == child.id; });
  }

 private:
  SpaceId space_;
  std::vector<Lock> locks_;
  bool all_ = false;
};

/// One of the listings that may be open.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<std::atomic<unsigned>> count)
      : count_(std::move(count)), number_(count_->fetch_add(1) + 1) {}
  Ticket(const Ticket &) = delete;
  Ticket &operator=(const Ticket &) = delete;
  ~Ticket() { count_->fetch_sub(1); }
  unsigned number() const { return number_; }  ///< how many were open when it was given

 private:
  const std::shared_ptr<std::atomic<unsigned>> count_;
  const unsigned number_;
};

class OpenListing final : public Listing {
 public:
  OpenListing(std::shared_ptr<ViewPool> pool, std::unique_ptr<Ticket> ticket, IndexState state, Shown shown,
              const NodeId &folder)
      : pool_(std::move(pool)),
        ticket_(std::move(ticket)),
        state_(std::move(state)),
        shown_(std::move(shown)),
        folder_(folder),
        rows_(state_.view->children_from(folder_, {}, 0)) {}

  Result<bool> next(FunctionRef<bool(const NodeView &)> sink) override {
    NodeView row;
    while (!ended_) {
      auto more = rows_.next(row);
      ended_ = !more || !*more;
      if (!more) return std::move(more).error();
      if (ended_) break;
      shown_.complete(row);
      if (!sink(row)) return false;
    }
    return true;
  }

 private:
  const std::shared_ptr<ViewPool> pool_;  // the view goes back to it
  const std::unique_ptr<Ticket> ticket_;
  IndexState state_;
  const Shown shown_;
  const NodeId folder_;
  IndexView::Children rows_;
  bool ended_ = false;
};

}  // namespace

Result<void> TreeEngine::list(const Ref &ref, std::string_view after, std::uint64_t limit,
                              FunctionRef<bool(const NodeView &)> sink) {
  return reading_folder(ref, [&](IndexState &state, Located &located) -> Result<void> {
    const Shown shown(ref.space, *locks_, located);
    auto rows = state.view->children_from(located.row.id, after, limit);
    NodeView row;
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next(row));
      if (!more) return {};
      shown.complete(row);
      if (!sink(row)) return {};
    }
  });
}

Result<std::unique_ptr<Listing>> TreeEngine::list_begin(const Ref &ref) {
  const unsigned most = std::max(1u, options_.readers / 2);
  auto ticket = std::make_unique<Ticket>(listings_);
  if (ticket->number() > most)
    return Error{Status::ResourceExhausted, "as many listings are under way as may be; try again", 0, 1000};
  std::unique_ptr<Listing> listing;
  TRY(reading_folder(ref, [&](IndexState &state, Located &located) -> Result<void> {
    Shown shown(ref.space, *locks_, located);
    listing =
        std::make_unique<OpenListing>(views_, std::move(ticket), std::move(state), std::move(shown), located.row.id);
    return {};
  }));
  return listing;
}

}  // namespace Atoll::tree
