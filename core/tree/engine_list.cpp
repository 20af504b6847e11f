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
  /// `way`: from the root to the folder itself.
  Shown(const SpaceId &space, const LockTable &locks, std::span<const NodeId> way) : space_(space) {
    if (!locks.any(space)) return;
    locks_ = locks.all(space);
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

/// What becomes of a listing that was read to its end. `cache` may be null: nothing.
struct Keep {
  std::shared_ptr<FolderCache> cache;
  SpaceId space;
  std::uint64_t generation = 0;  ///< that the listing shows
};

class OpenListing final : public Listing {
 public:
  OpenListing(std::shared_ptr<ViewPool> pool, std::unique_ptr<Ticket> ticket, IndexState state, Shown shown,
              const NodeId &folder, Keep keep)
      : pool_(std::move(pool)),
        ticket_(std::move(ticket)),
        state_(std::move(state)),
        shown_(std::move(shown)),
        folder_(folder),
        keep_(std::move(keep)),
        rows_(state_.view->children_from(folder_, {}, 0)) {
    if (keep_.cache) read_ = std::make_shared<ChildList>();
  }

  Result<bool> next(FunctionRef<bool(const NodeView &)> sink) override {
    NodeView row;
    while (!ended_) {
      auto more = rows_.next(row);
      ended_ = !more || !*more;
      if (!more) return std::move(more).error();
      if (ended_) break;
      if (read_) {
        read_->add(row);
        if (keep_.cache->too_large(*read_)) read_.reset();
      }
      shown_.complete(row);
      if (!sink(row)) return false;
    }
    if (read_) keep_.cache->keep(keep_.space, folder_, keep_.generation, std::move(read_));
    return true;
  }

 private:
  const std::shared_ptr<ViewPool> pool_;  // the view goes back to it
  const std::unique_ptr<Ticket> ticket_;
  IndexState state_;
  const Shown shown_;
  const NodeId folder_;
  const Keep keep_;
  std::shared_ptr<ChildList> read_;  // null: it is not kept
  IndexView::Children rows_;
  bool ended_ = false;
};

/// Of what was read before.
class KeptListing final : public Listing {
 public:
  KeptListing(std::shared_ptr<const ChildList> children, Shown shown)
      : children_(std::move(children)), shown_(std::move(shown)) {}

  Result<bool> next(FunctionRef<bool(const NodeView &)> sink) override {
    while (at_ < children_->size()) {
      NodeView row = children_->child(at_++);
      shown_.complete(row);
      if (!sink(row)) return false;
    }
    return true;
  }

 private:
  const std::shared_ptr<const ChildList> children_;
  const Shown shown_;
  std::size_t at_ = 0;
};

}  // namespace

Result<void> TreeEngine::list(const Ref &ref, std::string_view after, std::uint64_t limit,
                              FunctionRef<bool(const NodeView &)> sink) {
  return reading_folder(ref, [&](IndexState &state, Located &located) -> Result<void> {
    const Shown shown(ref.space, *locks_, ids_of(located.chain));
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

Result<std::unique_ptr<Listing>> TreeEngine::list_kept(const Ref &ref, std::uint64_t generation) {
  const auto found = places_.find(ref, generation);
  if (!found) return std::unique_ptr<Listing>();
  auto children = folders_->find(ref.space, found->row.id, generation);
  if (!children) return std::unique_ptr<Listing>();
  TRY_ASSIGN(const SpacePtr space, serving(ref.space));
  if (options_.revalidate) {
    const auto same = as_the_truth(*space, found->row, found->path);
    if (!same || !*same) return std::unique_ptr<Listing>();  // the long way says why
  }
  return std::unique_ptr<Listing>(
      std::make_unique<KeptListing>(std::move(children), Shown(ref.space, *locks_, found->way)));
}

Result<std::unique_ptr<Listing>> TreeEngine::list_begin(const Ref &ref) {
  const Generations &generations = index_->generations();
  const std::uint64_t generation = generations.now(ref.space);
  const bool settled = Generations::settled(generation);
  if (settled) {
    TRY_ASSIGN(auto kept, list_kept(ref, generation));
    if (kept) return kept;
  }
  const unsigned most = std::max(1u, options_.readers / 2);
  auto ticket = std::make_unique<Ticket>(listings_);
  if (ticket->number() > most)
    return Error{Status::ResourceExhausted, "as many listings are under way as may be; try again", 0, 1000};
  std::unique_ptr<Listing> listing;
  TRY(reading_folder(ref, [&](IndexState &state, Located &located) -> Result<void> {
    Shown shown(ref.space, *locks_, ids_of(located.chain));
    // Its state was fixed between two looks at the generation: if that is the same one, it is the state of both.
    const bool keeps = settled && generations.now(ref.space) == generation;
    listing = std::make_unique<OpenListing>(views_, std::move(ticket), std::move(state), std::move(shown),
                                            located.row.id, Keep{keeps ? folders_ : nullptr, ref.space, generation});
    return {};
  }));
  return listing;
}

}  // namespace Atoll::tree
