// SPDX-License-Identifier: Apache-2.0
// Several connections to one SQLite database: a bounded number of readers, and one writer.
#pragma once

#include <atoll/sdk/result.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/sql/database.hpp"

namespace Atoll::sql {

/// Readers see the last commit and never wait for the writer; writers wait for each other in this process instead of in
/// SQLite's sleeping retries. [any thread]
class Pool {
 public:
  /// A borrowed connection; given back at its end. May not outlive the pool.
  class Lease {
   public:
    Lease(Lease &&other) noexcept : pool_(other.pool_), database_(other.database_), writer_(other.writer_) {
      other.pool_ = nullptr;
    }
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    Lease &operator=(Lease &&) = delete;
    ~Lease() {
      if (pool_) pool_->give_back(database_, writer_);
    }
    Database &operator*() const { return *database_; }
    Database *operator->() const { return database_; }

   private:
    friend class Pool;
    Lease(Pool *pool, Database *database, bool writer) noexcept : pool_(pool), database_(database), writer_(writer) {}
    Pool *pool_;
    Database *database_;
    bool writer_;
  };

  /// Opens the writer (which makes and migrates the database) at once and readers when they are first needed.
  static Result<std::unique_ptr<Pool>> open(const std::string &path, std::size_t readers,
                                            std::span<const char *const> migrations, const Options &options = {});

  /// Unavailable when none is free within the wait.
  Result<Lease> read(std::chrono::milliseconds wait = std::chrono::seconds(10));
  Result<Lease> write(std::chrono::milliseconds wait = std::chrono::seconds(10));

  class Private {
    friend class Pool;
    Private() = default;
  };  // only open() makes pools
  Pool(Private, std::string path, std::size_t readers, Options options, Database writer)
      : path_(std::move(path)), limit_(readers), options_(options), writer_(std::move(writer)) {}
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;
  /// All leases must be gone.
  ~Pool() = default;

 private:
  void give_back(Database *database, bool writer) noexcept;

  const std::string path_;
  const std::size_t limit_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Database writer_;
  bool writing_ = false;
  std::vector<std::unique_ptr<Database>> readers_;
  std::vector<Database *> idle_;
  std::size_t opening_ = 0;
};

}  // namespace Atoll::sql
