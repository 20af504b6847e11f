// SPDX-License-Identifier: Apache-2.0
// check: compares disk, index and records.
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/tree/care.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace Atoll::tree {
namespace {

constexpr std::uint64_t kTrashPage = 500;
constexpr std::size_t kMostUnmarked = 10'000;
constexpr auto kSayEvery = std::chrono::seconds(1);

Error stopped() { return error(Status::Cancelled, "the check was stopped"); }

/// The state before a repair, one line of JSON each, durable before the repair is made.
class UndoLog {
 public:
  UndoLog(std::string folder, const SpaceId &space)
      : folder_(std::move(folder)), path_(folder_ + "/" + std::to_string(base::now_unix_ns()) + "-" + space.text()) {}

  const std::string &path() const noexcept { return path_; }
  bool begun() const noexcept { return static_cast<bool>(fd_); }

  Result<void> add(std::string line) {
    if (!fd_) {
      if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) return base::errno_error("make " + folder_);
      fd_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600));
      if (!fd_) return base::errno_error("make the undo log " + path_);
    }
    line.push_back('\n');
    TRY(base::write_all(fd_.get(), line));
    if (::fsync(fd_.get()) != 0) return base::errno_error("write the undo log " + path_);
    ATOLL_FAULT_POINT("check.undo_noted");
    return {};
  }

 private:
  const std::string folder_, path_;
  base::Fd fd_;
};

void append_row(base::JsonWriter &json, const Row &row) {
  json.field("node", row.id.text()).field("parent", row.parent.text()).field("name", row.name);
  json.field("type", row.folder() ? "folder" : "file").field("size", row.size).field("mtime_ns", row.mtime_ns);
  json.field("sequence", row.sequence).field("inode", row.inode);
}

class Checker {
 public:
  Checker(TreeEngine &engine, SpacePtr space, const CheckOptions &options, CareSink sink)
      : engine_(engine),
        space_(std::move(space)),
        steady_(*space_),
        id_(space_->info.id),
        options_(options),
        sink_(sink),
        undo_(engine.state_.path() + "/undo", id_) {}

  Result<CheckResult> run() {
    TRY(engine_.names_->prove(true));
    TRY_ASSIGN(hidden_, engine_.any_in_trash(id_));
    std::vector<NodeId> todo{root_of(id_)};
    while (!todo.empty()) {
      const NodeId next = todo.back();
      todo.pop_back();
      TRY(folder(next, todo));
    }
    TRY(identities());
    TRY(trash());
    TRY(attributes());
    TRY(locks());
    // What went away, was held back or made anew meanwhile proves nothing.
    TRY(engine_.names_->prove(true));
    TRY(engine_.serving(id_));
    TRY(steady_.holds());
    if (undo_.begun()) result_.undo_log = undo_.path();
    return result_;
  }

 private:
  struct Difference {
    const char *code;
    std::string name, text;
    std::optional<Row> row;
  };
  struct Unmarked {
    NodeId parent, node;
    std::string name, path;
  };

  Result<void> found(const char *code, const std::string &path, const NodeId &node, const std::string &text,
                     bool repaired) {
    ++result_.findings;
    if (repaired) ++result_.repaired;
    CareLine line;
    line.code = code;
    line.path = path;
    line.node = node;
    line.text = text;
    line.repaired = repaired;
    return sink_(line) ? Result<void>() : stopped();
  }

  Result<void> pace(std::uint64_t nodes) {
    result_.nodes += nodes;
    for (;;) {
      const auto now = Clock::now();
      if (now - said_ >= kSayEvery) {
        said_ = now;
        CareLine line;
        line.kind = CareLine::Kind::Progress;
        line.done = result_.nodes;
        if (!sink_(line)) return stopped();
      }
      if (options_.entries_per_second == 0) return {};
      const std::chrono::duration<double> pause(static_cast<double>(result_.nodes) /
                                                static_cast<double>(options_.entries_per_second));
      const auto due = began_ + std::chrono::duration_cast<Clock::duration>(pause);
      if (now >= due) return {};
      std::this_thread::sleep_until(std::min(due, said_ + kSayEvery));
    }
  }

  /// One look at a folder: what differs, its subfolders and its path. False: it is not there any more.
  Result<bool> look(const NodeId &folder, std::vector<Difference> &differences, std::vector<NodeId> &inside,
                    std::string &path, std::uint64_t &nodes) {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(auto row, view->by_id(folder));
    TRY(steady_.holds());
    TRY_ASSIGN(auto chain, view->chain(id_, folder));
    if (!row || !chain) return false;
    Located located{*row, *chain};
    path = located.path();
    auto opened = engine_.names_->open(space_->info.folder, path);
    if (!opened) {
      // The folder above tells, unless this is the root.
      if (opened.error().sys_errno == ENOENT || opened.error().sys_errno == ENOTDIR) {
        TRY(engine_.names_->prove(true));
        if (located.chain.size() > 1) return false;
      }
      Error failure = std::move(opened).error();
      failure.status = Status::Unavailable;
      return failure;
    }
    std::vector<std::pair<std::string, Entry>> entries;
    TRY((*opened)->scan([&](std::string_view name, const Entry &entry) { entries.emplace_back(name, entry); }));
    std::sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    auto entry = entries.begin();
    auto only_on_disk = [&](const std::string &name) {
      differences.push_back({"missing-row", name, "it is on the disk and not in the index", std::nullopt});
    };
    std::uint64_t sum = 0;
    std::vector<std::pair<Row, bool>> rows;  // and whether it is on the disk as the index says
    TRY(view->children(folder, {}, 0, [&](const NodeView &child, std::uint64_t inode) {
      Row one;
      static_cast<NodeFacts &>(one) = child;
      one.name = child.name;
      one.inode = inode;
      sum += child.size;
      while (entry != entries.end() && entry->first < child.name) only_on_disk((entry++)->first);
      if (entry == entries.end() || entry->first != child.name) {
        differences.push_back({"missing-on-disk", one.name, "it is in the index and not on the disk", one});
        return true;
      }
      const Entry &disk = (entry++)->second;
      std::string text;
      if ((disk.kind == EntryKind::Folder) != child.folder())
        text = "one is a folder, the other a file";
      else if (disk.inode != inode)
        text = "the disk has another file of this name than the index";
      else if (!child.folder() && disk.size != child.size)
        text = "it has " + std::to_string(disk.size) + " bytes, in the index " + std::to_string(child.size);
      else if (!child.folder() && disk.mtime_ns != child.mtime_ns)
        text = "its time is another one than in the index";
      if (!text.empty()) differences.push_back({"differs", one.name, text, one});
      rows.emplace_back(std::move(one), text.empty());
      return true;
    }));
    for (; entry != entries.end(); ++entry) only_on_disk(entry->first);
    if (sum != row->size)
      differences.push_back(
          {"wrong-size", "",
           "the folder counts " + std::to_string(row->size) + " bytes, what is in it " + std::to_string(sum), *row});
    nodes = rows.size();
    for (const auto &[child, same] : rows) {
      if (child.folder()) inside.push_back(child.id);
      if (!same) continue;
      const auto identity = (*opened)->identity(child.name);
      if (!identity) continue;  // gone meanwhile, or not to be read
      if (!*identity) {
        if (unmarked_.size() < kMostUnmarked)
          unmarked_.push_back({folder, child.id, child.name, join(path, child.name)});
      } else if ((*identity)->id != child.id) {
        differences.push_back(
            {"wrong-identity", child.name, "on the disk it carries the id " + (*identity)->id.text(), child});
      } else {
        marked_ = true;
      }
    }
    return true;
  }

  static std::string join(const std::string &path, const std::string &name) {
    return path.empty() || name.empty() ? path + name : path + "/" + name;
  }

  Result<void> folder(const NodeId &id, std::vector<NodeId> &todo) {
    std::vector<Difference> differences;
    std::vector<NodeId> inside;
    std::string path;
    std::uint64_t nodes = 0;
    const std::size_t unmarked = unmarked_.size();
    TRY_ASSIGN(bool there, look(id, differences, inside, path, nodes));
    if (there && !differences.empty()) {
      // Again while nothing changes it: a change that was under way is no finding.
      differences.clear();
      inside.clear();
      unmarked_.resize(std::min(unmarked, unmarked_.size()));
      const std::lock_guard guard(engine_.writer_);
      TRY_ASSIGN(there, look(id, differences, inside, path, nodes));
    }
    if (!there) return {};
    todo.insert(todo.end(), inside.begin(), inside.end());
    std::vector<Difference> left = differences;
    if (options_.repair && !differences.empty()) {
      TRY(repair(id, path, differences));
      // What was asked for is not taken for what was done.
      const std::size_t before = unmarked_.size();
      std::vector<NodeId> same_inside;
      std::string same_path;
      std::uint64_t same_nodes = 0;
      left.clear();
      const std::lock_guard guard(engine_.writer_);
      TRY_ASSIGN([[maybe_unused]] const bool still, look(id, left, same_inside, same_path, same_nodes));
      unmarked_.resize(std::min(before, unmarked_.size()));
    }
    for (const Difference &one : differences) {
      const bool repaired = std::none_of(left.begin(), left.end(), [&](const Difference &other) {
        return other.name == one.name && std::string_view(other.code) == one.code;
      });
      TRY(found(one.code, join(path, one.name), one.row ? one.row->id : NodeId(), one.text, repaired));
    }
    return pace(nodes + 1);
  }

  Result<void> repair(const NodeId &folder, const std::string &path, const std::vector<Difference> &differences) {
    bool reconcile = false, count = false;
    for (const Difference &one : differences) {
      std::string line;
      base::JsonWriter json(line);
      json.begin_object().field("repair", one.code).field("path", join(path, one.name)).field("folder", folder.text());
      if (one.row) {
        json.key("row").begin_object();
        append_row(json, *one.row);
        json.end_object();
      }
      json.field("found", one.text).end_object();
      TRY(undo_.add(std::move(line)));
      const std::string_view code = one.code;
      if (code == "wrong-size") {
        count = true;
      } else if (code == "wrong-identity") {
        // One that cannot be written to stays as it is, and is reported so.
        if (auto done = identify(path, one.name, *one.row); !done) engine_.log(true, done.error().message);
      } else {
        reconcile = true;
      }
    }
    if (reconcile) TRY(engine_.reconcile(space_, folder, false));
    ATOLL_FAULT_POINT("check.reconciled");
    return count ? count_again(folder) : Result<void>();
  }

  /// Sets the sizes of a folder and of all above it to the sums of what they hold.
  Result<void> count_again(const NodeId &folder) {
    const std::lock_guard guard(engine_.writer_);
    Index &index = *engine_.index_;
    TRY_ASSIGN(auto transaction, index.begin_write(id_));
    TRY_ASSIGN(const auto chain, index.chain(id_, folder));
    if (!chain) return {};
    TRY_ASSIGN(const std::uint64_t sequence, engine_.sequences_->next());
    for (auto step = chain->rbegin(); step != chain->rend(); ++step) {
      std::uint64_t sum = 0;
      TRY(index.children(step->id, {}, 0, [&](const NodeView &child, std::uint64_t) {
        sum += child.size;
        return true;
      }));
      TRY_ASSIGN(auto row, index.by_id(step->id));
      if (!row) return error(Status::DataLoss, "the index lacks a folder");
      row->size = sum;
      row->sequence = sequence;
      TRY(index.update(*row));
    }
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("check.counted");
    return {};
  }

  Result<void> identify(const std::string &path, const std::string &name, const Row &row) {
    const std::lock_guard guard(engine_.writer_);
    TRY_ASSIGN(const auto now, engine_.index_->child(row.parent, name));
    if (!now || now->id != row.id) return {};
    TRY_ASSIGN(const auto folder, engine_.names_->open(space_->info.folder, path));
    TRY(folder->identify(name, now->id, now->folder() ? 0 : now->sequence));
    ATOLL_FAULT_POINT("check.identified");
    return {};
  }

  /// Where the file system keeps identities, everything has one.
  Result<void> identities() {
    if (!marked_) return {};
    for (const Unmarked &one : unmarked_) {
      TRY_ASSIGN(auto view, engine_.views_->lease());
      TRY_ASSIGN(const auto row, view->by_id(one.node));
      if (!row || row->parent != one.parent || row->name != one.name) continue;
      const std::size_t cut = one.path.size() - one.name.size();
      const std::string parent = one.path.substr(0, cut == 0 ? 0 : cut - 1);
      bool repaired = false;
      if (options_.repair) {
        std::string line;
        base::JsonWriter json(line);
        json.begin_object().field("repair", "no-identity").field("path", one.path).field("node", one.node.text());
        json.end_object();
        TRY(undo_.add(std::move(line)));
        const auto done = identify(parent, one.name, *row);
        repaired = done.ok();
        if (!done) engine_.log(true, done.error().message);
      }
      TRY(found("no-identity", one.path, one.node, "on the disk it carries no id", repaired));
    }
    return {};
  }

  Result<void> trash() {
    auto kept = engine_.names_->kept(id_, "trash", false);
    std::vector<std::string> names;
    if (kept) {
      TRY((*kept)->scan([&](std::string_view name, const Entry &) { names.emplace_back(name); }));
    } else if (kept.status() != Status::NotFound) {
      return std::move(kept).error();
    }
    for (const std::string &name : names) {
      const auto id = Uuid::parse(name);
      bool known = false;
      if (id) {
        const std::lock_guard guard(engine_.writer_);
        TRY_ASSIGN(const auto record, engine_.meta_->trash(*id));
        TRY_ASSIGN(const auto still, (*kept)->look(name));
        known = record || !still;
      }
      if (!known) TRY(found("orphan-in-trash", name, {}, "no record says what it was; look at it yourself", false));
    }
    Uuid before;
    for (;;) {
      TRY_ASSIGN(const auto page, engine_.meta_->list_trash(id_, before, kTrashPage));
      for (const TrashRecord &record : page) {
        const std::string name = record.id.text();
        bool there = std::find(names.begin(), names.end(), name) != names.end();
        if (!there) {
          const std::lock_guard guard(engine_.writer_);
          TRY_ASSIGN(const auto still, engine_.meta_->trash(record.id));
          there = !still || still->state != TrashState::Kept;
          if (!there) {
            if (!kept) kept = engine_.names_->kept(id_, "trash", false);
            if (kept) {
              TRY_ASSIGN(const auto entry, (*kept)->look(name));
              there = entry.has_value();
            }
          }
        }
        if (!there) TRY(found("trash-without-content", record.name, record.node, "its content is gone", false));
      }
      if (page.size() < kTrashPage) break;
      before = page.back().id;
    }
    return {};
  }

  Result<void> attributes() {
    TRY_ASSIGN(const auto nodes, engine_.meta_->nodes_with_attributes(id_));
    for (const NodeId &node : nodes) {
      std::optional<Row> row;
      TRY_ASSIGN(const bool wrong, attributes_of(node, row));
      if (!wrong) continue;
      TRY(found(row ? "unmarked-attributes" : "dangling-attributes", row ? row->name : std::string(), node,
                row ? "the index does not know that it has attributes" : "attributes of a node that is gone",
                options_.repair));
    }
    return {};
  }

  /// True: something is wrong, and put right if that was asked for.
  Result<bool> attributes_of(const NodeId &node, std::optional<Row> &row) {
    const std::lock_guard guard(engine_.writer_);
    TRY(steady_.holds());
    TRY_ASSIGN(row, engine_.index_->by_id(node));
    std::string line;
    base::JsonWriter json(line);
    json.begin_object().field("repair", row ? "unmarked-attributes" : "dangling-attributes");
    json.field("node", node.text()).key("attributes").begin_array();
    std::uint64_t held = 0;
    TRY(engine_.meta_->attributes(node, [&](std::string_view ns, std::string_view name, std::string_view value) {
      json.begin_object().field("ns", ns).field("name", name);
      json.field("value_base64", base::base64_encode(value)).end_object();
      ++held;
      return true;
    }));
    json.end_array().end_object();
    if (held == 0 || (row && row->has_attributes) || (!row && hidden_)) return false;
    if (!row) {
      TRY_ASSIGN(const bool hidden, engine_.any_in_trash(id_));
      if (hidden) return false;
    }
    if (!options_.repair) return true;
    TRY(undo_.add(std::move(line)));
    if (!row) {
      TRY(engine_.meta_->remove_attributes({&node, 1}));
      ATOLL_FAULT_POINT("check.attributes_removed");
      return true;
    }
    TRY_ASSIGN(auto transaction, engine_.index_->begin_write(id_));
    TRY(engine_.index_->set_flag_attributes(node, true));
    TRY(transaction.commit());
    ATOLL_FAULT_POINT("check.attributes_marked");
    return true;
  }

  Result<void> locks() {
    for (const Lock &lock : engine_.locks_->all(id_)) {
      TRY_ASSIGN(const bool wrong, dangling(lock));
      if (!wrong) continue;
      TRY(found("dangling-lock", "", lock.node, "a lock of " + lock.account_name + " on a node that is gone",
                options_.repair));
    }
    return {};
  }

  /// As attributes_of().
  Result<bool> dangling(const Lock &lock) {
    const std::lock_guard guard(engine_.writer_);
    TRY(steady_.holds());
    TRY_ASSIGN(const auto chain, engine_.index_->chain(id_, lock.node));
    const auto all = engine_.locks_->all(id_);
    const bool still = std::any_of(all.begin(), all.end(), [&](const Lock &one) { return one.token == lock.token; });
    if (chain || !still) return false;
    // What vanished beside the server may still turn up somewhere else.
    TRY_ASSIGN(const Hold hold, engine_.index_->hold_of(lock.node));
    if (hold.kind == Hold::Kind::Missing) return false;
    if (!options_.repair) return true;
    std::string line;
    base::JsonWriter json(line);
    json.begin_object().field("repair", "dangling-lock").field("node", lock.node.text());
    json.field("token", lock.token).field("owner", lock.owner).field("account", lock.account.text());
    json.field("expires_ns", lock.expires_ns).end_object();
    TRY(undo_.add(std::move(line)));
    TRY(engine_.locks_->remove(id_, {&lock.token, 1}));
    ATOLL_FAULT_POINT("check.lock_removed");
    return true;
  }

  using Clock = std::chrono::steady_clock;

  TreeEngine &engine_;
  const SpacePtr space_;
  const Steady steady_;
  const SpaceId id_;
  const CheckOptions options_;
  CareSink sink_;
  UndoLog undo_;
  CheckResult result_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point said_ = began_;
  std::vector<Unmarked> unmarked_;
  bool marked_ = false;  // some entry carries its id
  bool hidden_ = false;  // nodes may have been in the trash, unknown to the index, when the check began
};

}  // namespace

Care::Care(Engine &engine) noexcept : engine_(static_cast<TreeEngine &>(engine)) {}

Result<CheckResult> Care::check(const SpaceId &space, const CheckOptions &options, CareSink sink) {
  TRY_ASSIGN(const SpacePtr served, engine_.serving(space));
  std::optional<Caring> caring;
  if (options.repair) {
    caring.emplace(served);
    TRY(caring->mine());
  }
  return Checker(engine_, served, options, sink).run();
}

Result<void> Care::rebuild(const SpaceId &space, CareSink sink) {
  TRY_ASSIGN(const SpacePtr served, engine_.serving(space));
  const Caring caring(served);
  TRY(caring.mine());
  return engine_.rebuild_space(space, sink);
}

}  // namespace Atoll::tree
