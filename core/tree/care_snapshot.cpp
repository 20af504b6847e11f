// SPDX-License-Identifier: Apache-2.0
// snapshot: one state of a space, while it is served.
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/care.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/posix_root.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

namespace Atoll::tree {
namespace {

// The first passes copy what they come across; the next ones want all files of one state; the last ones hold the lock.
constexpr int kPasses = 12, kPassesLoose = 4, kPassesUnlocked = 7;
constexpr std::uint64_t kFewCopied = 100;
constexpr std::uint64_t kMostLocked = 64 << 20;  // bytes copied under the lock in one pass
constexpr std::size_t kMostMissed = 1000;
constexpr std::size_t kSnapshotPiece = 4000;
constexpr auto kSayWhileCopying = std::chrono::seconds(1);
constexpr const char *kContents = "/.contents";  // files by node and sequence, until the state is whole

Error cannot(const std::string &what) { return base::errno_error(what); }

struct FolderTodo {
  NodeId id;
  std::string path;
};

/// The attributes as they are in one state of meta.db.
class AttributesView {
 public:
  explicit AttributesView(sql::Database database) : database_(std::move(database)) {}

  /// From now on it sees one state. To be called while nothing changes.
  Result<void> begin() {
    TRY(database_.exec("BEGIN"));
    TRY_ASSIGN(sql::Statement *const any, database_.cached("SELECT 1 FROM attribute LIMIT 1"));
    auto rows = any->query();
    TRY_ASSIGN([[maybe_unused]] const bool there, rows.next());
    return {};
  }

  Result<void> of(const NodeId &node, FunctionRef<void(std::string_view, std::string_view, std::string_view)> sink) {
    TRY_ASSIGN(sql::Statement *const all,
               database_.cached("SELECT ns,name,value FROM attribute WHERE node=?1 ORDER BY ns,name"));
    auto rows = all->query(node);
    for (;;) {
      TRY_ASSIGN(const bool more, rows.next());
      if (!more) return {};
      const auto value = rows.blob(2);
      sink(rows.text(0), rows.text(1), {reinterpret_cast<const char *>(value.data()), value.size()});
    }
  }

 private:
  sql::Database database_;
};

class Snapshotter {
 public:
  Snapshotter(TreeEngine &engine, SpacePtr space, std::string folder, CareSink sink)
      : engine_(engine),
        space_(std::move(space)),
        steady_(*space_),
        id_(space_->info.id),
        folder_(std::move(folder)),
        sink_(sink) {}

  Result<SnapshotResult> run() {
    TRY(make_folder());
    // Without one long look at the index, which would keep all that changes meanwhile from being tidied up.
    for (int pass = 1; pass <= kPassesLoose; ++pass) {
      copied_ = 0;
      TRY(walk([&](const NodeId &id, const RowSink &sink) { return children_now(id, sink); },
               [&](const Row &row, const std::string &path) { return content(row, path); }));
      TRY(look_at_missed());
      if (copied_ < kFewCopied) break;
    }
    for (int pass = kPassesLoose + 1; pass <= kPasses; ++pass) {
      TRY_ASSIGN(const bool whole, one_state(pass > kPassesUnlocked));
      if (whole) return finish();
      TRY(look_at_missed());
    }
    return error(Status::Unavailable, "files of the space are being written by other programs all the time");
  }

 private:
  using RowSink = FunctionRef<void(const Row &)>;

  /// True: all files of one state are there, and the snapshot is built. `locked`: while nothing changes.
  Result<bool> one_state(bool locked) {
    // What changes faster than it is copied is copied while nothing changes; by then most is there already.
    std::unique_lock<WriterLock> quiet(engine_.writer_);
    TRY(steady_.holds());
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY_ASSIGN(auto snapshot, view->begin());
    TRY_ASSIGN(const auto root, view->by_id(root_of(id_)));
    if (!root) return error(Status::Unavailable, "the index lacks the root of the space");
    sql::Options options;
    options.read_only = true;
    TRY_ASSIGN(sql::Database meta, sql::Database::open(engine_.state_.path() + "/meta.db", options));
    AttributesView attributes(std::move(meta));
    TRY(attributes.begin());
    if (!locked) quiet.unlock();
    silent_ = locked;
    locked_ = 0;
    const auto children = [&](const NodeId &id, const RowSink &sink) { return children_of(*view, id, sink); };
    auto walked = walk(children, [&](const Row &row, const std::string &path) { return content(row, path); });
    silent_ = false;
    if (quiet.owns_lock()) quiet.unlock();
    TRY(std::move(walked));
    if (!missed_.empty()) return false;
    TRY(build(*root, children, attributes));
    return true;
  }

  /// What other programs changed is taken over.
  Result<void> look_at_missed() {
    const auto missed = std::exchange(missed_, {});
    TRY_ASSIGN(const SpacePtr still, engine_.serving(id_));
    TRY(steady_.holds());
    for (const NodeId &parent : missed) TRY(engine_.reconcile(still, parent, false));
    return {};
  }

  /// True: go on.
  bool say() {
    const auto now = std::chrono::steady_clock::now();
    if (silent_ || now - said_ < kSayWhileCopying) return true;
    said_ = now;
    CareLine line;
    line.kind = CareLine::Kind::Progress;
    line.done = seen_;
    return sink_(line);
  }

  Result<void> make_folder() {
    if (folder_.empty() || folder_[0] != '/')
      return error(Status::InvalidArgument, "the folder of a snapshot is an absolute path");
    if (::mkdir(folder_.c_str(), 0700) != 0) {
      if (errno == ENOENT)
        return error(Status::FailedPrecondition,
                     "the folder in which " + folder_ + " shall be made does not exist; make it first");
      if (errno != EEXIST) return cannot("make " + folder_);
      const std::unique_ptr<DIR, int (*)(DIR *)> listing(::opendir(folder_.c_str()), &::closedir);
      if (!listing) return cannot("open " + folder_);
      while (const dirent *entry = ::readdir(listing.get())) {
        const std::string_view name(entry->d_name);
        if (name != "." && name != "..")
          return error(Status::AlreadyExists, folder_ + " is not empty; a snapshot needs a folder of its own");
      }
    }
    for (const char *inner : {kContents, "/files"})
      if (::mkdir((folder_ + inner).c_str(), 0700) != 0) return cannot("make " + folder_ + inner);
    contents_.reset(::open((folder_ + kContents).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    files_.reset(::open((folder_ + "/files").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    ATOLL_FAULT_POINT("snapshot.begun");
    return contents_ && files_ ? Result<void>() : cannot("open " + folder_);
  }

  static Result<void> children_of(IndexView &view, const NodeId &id, const RowSink &sink) {
    return view.children(id, {}, 0, [&](const NodeView &child, std::uint64_t inode) {
      Row row;
      static_cast<NodeFacts &>(row) = child;
      row.name = child.name;
      row.inode = inode;
      sink(row);
      return true;
    });
  }

  Result<void> children_now(const NodeId &id, const RowSink &sink) {
    TRY_ASSIGN(auto view, engine_.views_->lease());
    TRY(children_of(*view, id, sink));
    return steady_.holds();
  }

  /// Every node, folder by folder, a folder before what is in it, and what is in one folder without a break.
  Result<void> walk(FunctionRef<Result<void>(const NodeId &, const RowSink &)> children,
                    FunctionRef<Result<void>(const Row &, const std::string &)> visit) {
    std::vector<FolderTodo> todo{{root_of(id_), ""}};
    while (!todo.empty()) {
      const FolderTodo next = std::move(todo.back());
      todo.pop_back();
      std::vector<Row> rows;
      TRY(children(next.id, [&](const Row &row) { rows.push_back(row); }));
      for (const Row &row : rows) {
        const std::string path = next.path.empty() ? row.name : next.path + "/" + row.name;
        TRY(visit(row, path));
        if (row.folder()) todo.push_back({row.id, path});
      }
    }
    return {};
  }

  static std::string content_name(const Row &row) {
    char sequence[20];
    std::snprintf(sequence, sizeof sequence, "-%llx", static_cast<unsigned long long>(row.sequence));
    return row.id.text() + sequence;
  }

  Result<void> content(const Row &row, const std::string &path) {
    ++seen_;
    if (!say()) return error(Status::Cancelled, "the snapshot was stopped; it is not whole, delete it");
    if (row.folder()) return {};
    const std::string to = content_name(row);
    if (::faccessat(contents_.get(), to.c_str(), F_OK, 0) == 0) return {};
    auto same = [&](const Entry &entry) {
      return entry.inode == row.inode && entry.size == row.size && entry.mtime_ns == row.mtime_ns;
    };
    auto file = engine_.names_->open_file(space_->info.folder, path);
    if ((!file && gone(file.error())) || (file && !same(file->entry))) {
      // It may have moved since.
      std::string now;
      if (auto known = engine_.views_->lease()) {
        TRY_ASSIGN(const auto at, (*known)->by_id(row.id));
        TRY_ASSIGN(const auto chain, (*known)->chain(id_, row.id));
        if (at && chain) now = Located{*at, *chain}.path();
      }
      if (now.empty() || now == path) return miss(row);
      file = engine_.names_->open_file(space_->info.folder, now);
    }
    if (!file && gone(file.error())) return miss(row);
    if (!file) return std::move(file).error();
    if (!same(file->entry)) return miss(row);
    const std::string part = to + ".part";
    const base::Fd goal(::openat(contents_.get(), part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!goal) return cannot("make " + part);
    bool too_much = false;  // others wait for the lock
    const auto copied = copy_bytes(file->fd.get(), goal.get(), [&] {
      if (!silent_) return say();
      too_much = row.size > kMostLocked - std::min(locked_, kMostLocked);
      return !too_much;
    });
    if (too_much) return miss(row);
    TRY(copied);
    if (silent_) locked_ += row.size;
    // Written in place while it was read?
    struct stat after {};
    if (::fstat(file->fd.get(), &after) != 0) return cannot("look at " + path);
    const std::int64_t mtime = std::int64_t{after.st_mtim.tv_sec} * 1'000'000'000 + after.st_mtim.tv_nsec;
    if (static_cast<std::uint64_t>(after.st_size) != row.size || mtime != row.mtime_ns) return miss(row);
    timespec times[2];
    times[0].tv_nsec = UTIME_OMIT;
    times[0].tv_sec = 0;
    times[1] = after.st_mtim;
    if (::futimens(goal.get(), times) != 0) return cannot("set the time of " + part);
    if (::renameat(contents_.get(), part.c_str(), contents_.get(), to.c_str()) != 0) return cannot("name " + to);
    ATOLL_FAULT_POINT("snapshot.copied");
    ++copied_;
    return {};
  }

  static bool gone(const Error &failure) {
    return failure.sys_errno == ENOENT || failure.sys_errno == ENOTDIR || failure.sys_errno == ELOOP;
  }
  Result<void> miss(const Row &row) {
    if (missed_.size() < kMostMissed && (missed_.empty() || missed_.back() != row.parent))
      missed_.push_back(row.parent);
    return {};
  }

  Result<void> build(const Row &root, FunctionRef<Result<void>(const NodeId &, const RowSink &)> children,
                     AttributesView &attributes) {
    const std::string manifest = folder_ + "/manifest.jsonl";
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> out(std::fopen(manifest.c_str(), "we"), &std::fclose);
    if (!out) return cannot("make " + manifest);
    result_.sequence = root.sequence;
    auto write = [&](const Row &row, const std::string &path) -> Result<void> {
      std::string line;
      base::JsonWriter json(line);
      json.begin_object()
          .field("path", path)
          .field("id", row.id.text())
          .field("type", row.folder() ? "folder" : "file");
      json.field("sequence", row.sequence).field("mtime_ns", row.mtime_ns);
      if (!row.folder()) {
        json.field("size", row.size);
        auto hex = [&](const char *name, const void *bytes, std::size_t size) {
          json.field(name, base::hex_encode({static_cast<const char *>(bytes), size}));
        };
        if ((row.sums.mask & 1) != 0) hex("sha1", row.sums.sha1.data(), row.sums.sha1.size());
        if ((row.sums.mask & 2) != 0) hex("md5", row.sums.md5.data(), row.sums.md5.size());
        if ((row.sums.mask & 4) != 0) json.field("adler32", row.sums.adler32);
      }
      if (row.has_attributes) {
        json.key("attributes").begin_array();
        TRY(attributes.of(row.id, [&](std::string_view ns, std::string_view name, std::string_view value) {
          json.begin_object().field("ns", ns).field("name", name).field("value", base::base64_encode(value));
          json.end_object();
        }));
        json.end_array();
      }
      json.end_object();
      line.push_back('\n');
      if (std::fwrite(line.data(), 1, line.size(), out.get()) != line.size()) return cannot("write " + manifest);
      return {};
    };
    TRY(write(root, ""));
    // The folder that the last one was in stays open: a path as a whole may be longer than the system takes.
    std::string open_path;
    base::Fd inside;
    TRY(walk(children, [&](const Row &row, const std::string &path) -> Result<void> {
      const std::size_t cut = path.size() - row.name.size();
      const std::string parent = path.substr(0, cut == 0 ? 0 : cut - 1);
      if (!inside || parent != open_path) {
        TRY_ASSIGN(inside, open_below(files_.get(), parent));
        open_path = parent;
      }
      if (row.folder()) {
        ++result_.folders;
        if (::mkdirat(inside.get(), row.name.c_str(), 0700) != 0) return cannot("make files/" + path);
      } else {
        ++result_.files;
        result_.bytes += row.size;
        if (::renameat(contents_.get(), content_name(row).c_str(), inside.get(), row.name.c_str()) != 0)
          return cannot("name files/" + path);
      }
      return write(row, path);
    }));
    if (std::fflush(out.get()) != 0) return cannot("write " + manifest);
    ATOLL_FAULT_POINT("snapshot.built");
    return {};
  }

  Result<SnapshotResult> finish() {
    {
      const std::unique_ptr<DIR, int (*)(DIR *)> listing(::opendir((folder_ + kContents).c_str()), &::closedir);
      if (!listing) return cannot("open " + folder_ + kContents);
      while (const dirent *entry = ::readdir(listing.get()))
        if (entry->d_name[0] != '.') ::unlinkat(::dirfd(listing.get()), entry->d_name, 0);
    }
    if (::rmdir((folder_ + kContents).c_str()) != 0) return cannot("remove " + folder_ + kContents);
    const base::Fd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::syncfs(folder.get()) != 0) return cannot("make the snapshot durable in " + folder_);
    ATOLL_FAULT_POINT("snapshot.durable");
    std::string text;
    base::JsonWriter json(text);
    json.begin_object().field("format", 1).field("space", id_.text()).field("name", space_->info.name);
    json.field("taken", base::iso8601(base::now_unix_ns() / 1'000'000'000)).field("sequence", result_.sequence);
    json.field("files", result_.files).field("folders", result_.folders).field("bytes", result_.bytes).end_object();
    text.push_back('\n');
    TRY(base::write_file_durably(folder_ + "/snapshot.json", text, 0600));
    ATOLL_FAULT_POINT("snapshot.done");
    return result_;
  }

  TreeEngine &engine_;
  const SpacePtr space_;
  const Steady steady_;
  const SpaceId id_;
  const std::string folder_;
  CareSink sink_;
  SnapshotResult result_;
  base::Fd contents_, files_;
  std::vector<NodeId> missed_;  // folders whose files were not as the index says
  std::uint64_t seen_ = 0, copied_ = 0, locked_ = 0;
  bool silent_ = false;  // nobody is told anything under the writer lock
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<base::Fd> open_below(int at, std::string_view path) {
  base::Fd folder(open_beneath(at, ".", O_RDONLY | O_DIRECTORY));
  while (folder && !path.empty()) {
    std::string_view piece = path;
    if (piece.size() > kSnapshotPiece) piece = piece.substr(0, piece.rfind('/', kSnapshotPiece));
    folder.reset(open_beneath(folder.get(), std::string(piece).c_str(), O_RDONLY | O_DIRECTORY));
    path.remove_prefix(std::min(piece.size() + 1, path.size()));
  }
  if (!folder) return base::errno_error("open a folder of the snapshot");
  return folder;
}

Result<void> copy_bytes(int from, int to, FunctionRef<bool()> go_on) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  bool kernel = true;
  std::vector<char> buffer;
  off_t at = 0;
  for (;;) {
    if (!go_on()) return error(Status::Cancelled, "the work was stopped");
    if (kernel) {
      off_t in = at, out = at;
      const ssize_t got = ::copy_file_range(from, &in, to, &out, std::size_t{64} << 20, 0);
      if (got == 0) return {};
      if (got > 0) {
        at += got;
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == ENOSPC || errno == EDQUOT || errno == EIO) return base::errno_error("copy a file");
      kernel = false;
    }
    if (buffer.empty()) buffer.resize(std::size_t{1} << 20);
    const ssize_t got = ::pread(from, buffer.data(), buffer.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::errno_error("read a file");
    if (got == 0) return {};
    if (auto put =
            base::write_all_at(to, static_cast<std::uint64_t>(at), {buffer.data(), static_cast<std::size_t>(got)});
        !put)
      return put;
    at += got;
  }
}

Result<SnapshotResult> Care::snapshot(const SpaceId &space, const std::string &folder, CareSink sink) {
  TRY_ASSIGN(const SpacePtr served, engine_.serving(space));
  return Snapshotter(engine_, served, folder, sink).run();
}

}  // namespace Atoll::tree
