// SPDX-License-Identifier: Apache-2.0
// The listing of a trash bin, sent while it is read: a bin may hold any number of items.
#pragma once

#include <memory>
#include <string>

#include "plugins/api-webdav/context.hpp"
#include "plugins/api-webdav/kept_call.hpp"
#include "plugins/api-webdav/multistatus.hpp"

namespace Atoll::webdav {

/// Holds one page of items and what the client has not taken yet. Items that are deleted or restored meanwhile may be
/// missing, others never are. One thread at a time.
class TrashListing {
 public:
  /// `href`: of the bin, without a slash at its end.
  TrashListing(const Context &context, SpaceRecord space, std::string href, std::shared_ptr<const PropertyPlan> plan);

  /// The bin itself, and with `items` the first page. After a failure nothing was sent.
  Result<void> begin(bool items);
  /// One item alone. NotFound: it is not in the bin. Unimplemented: a folder of which what is below it is wanted, too.
  Result<void> only(const Uuid &item, bool below);
  /// Whether text() is all of it. If not, keep() and then pull() for it and the rest.
  bool whole() const { return done_; }
  std::string take() && { return std::move(out_).take(); }

  /// Makes it last longer than the request.
  void keep() { context_.call = kept_.keep(context_.call); }
  std::int32_t pull(void *buffer, std::uint64_t capacity, std::uint64_t *got);

 private:
  Result<void> page();
  void add(const atoll_trash_item &item);

  Context context_;  // a copy: only services, call and location count once the request was answered
  const SpaceRecord space_;
  const std::string href_;
  const std::shared_ptr<const PropertyPlan> plan_;
  SpaceFacts facts_;
  Multistatus out_;
  KeptCall kept_;
  Uuid last_;  // the oldest item so far
  bool done_ = false;
  std::size_t sent_ = 0;  // of out_
};

}  // namespace Atoll::webdav
