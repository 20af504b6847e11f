// SPDX-License-Identifier: Apache-2.0
// restore: a space, a folder or a file as a snapshot has it.
#include "core/base/checksum.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/uuid.hpp"
#include "core/tree/care.hpp"
#include "core/tree/fault_point.hpp"
#include "core/tree/tree_engine.hpp"
#include "core/tree/try.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>

namespace Atoll::tree {
namespace {

constexpr auto kSayWhileRestoring = std::chrono::seconds(1);
constexpr std::size_t kCompared = std::size_t{1} << 18;

/// One line of the manifest.
struct Wanted {
  std::string path;
  NodeId id;
  bool folder = false;
  std::uint64_t size = 0, sequence = 0;
  std::int64_t mtime_ns = 0;
  Sums sums;
  std::vector<std::array<std::string, 3>> attributes;  // namespace, name, value

  std::string parent() const {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
  }
  std::string name() const { return path.substr(path.rfind('/') + 1); }
};

Error damaged(const std::string &what) { return error(Status::DataLoss, "the snapshot is damaged: " + what); }

template <std::size_t N>
bool take_hex(const std::optional<std::string> &text, std::array<std::uint8_t, N> &to) {
  const auto bytes = text ? base::hex_decode(*text) : std::nullopt;
  if (!bytes || bytes->size() != N) return false;
  std::copy(bytes->begin(), bytes->end(), to.begin());
  return true;
}

Result<Wanted> parse(const std::string &line) {
  TRY_ASSIGN(const auto json, base::parse_json_object(line, 256u << 20));
  const auto path = base::json_string(json, "path"), id = base::json_string(json, "id"),
             type = base::json_string(json, "type");
  const auto node = id ? NodeId::parse(*id) : std::nullopt;
  if (!path || !node || !type) return damaged("a line of the manifest");
  if (!path->empty()) {
    if (auto fine = names_valid(*path); !fine) return damaged(fine.error().message);
  }
  Wanted wanted;
  wanted.path = *path;
  wanted.id = *node;
  wanted.folder = *type == "folder";
  wanted.size = static_cast<std::uint64_t>(base::json_integer(json, "size").value_or(0));
  wanted.sequence = static_cast<std::uint64_t>(base::json_integer(json, "sequence").value_or(0));
  wanted.mtime_ns = base::json_integer(json, "mtime_ns").value_or(0);
  if (take_hex(base::json_string(json, "sha1"), wanted.sums.sha1)) wanted.sums.mask |= base::kSha1;
  if (take_hex(base::json_string(json, "md5"), wanted.sums.md5)) wanted.sums.mask |= base::kMd5;
  if (const auto sum = base::json_integer(json, "adler32")) {
    wanted.sums.adler32 = static_cast<std::uint32_t>(*sum);
    wanted.sums.mask |= base::kAdler32;
  }
  const auto attributes = base::json_array(json, "attributes");
  for (unsigned i = 0; attributes && i < attributes->size(); ++i) {
    const auto one = attributes->getObject(i);
    const auto value = base::base64_decode(base::json_string(one, "value").value_or("?"));
    if (!value) return damaged("an attribute of " + wanted.path);
    wanted.attributes.push_back(
        {base::json_string(one, "ns").value_or(""), base::json_string(one, "name").value_or(""), *value});
  }
  return wanted;
}

class Restorer {
 public:
  Restorer(TreeEngine &engine, const SpaceId &space, std::string folder, std::string_view path, CareSink sink)
      : engine_(engine), space_(space), folder_(std::move(folder)), path_(path), sink_(sink) {
    for (const Lock &lock : engine_.locks_->all(space_)) tokens_.push_back(lock.token);
    for (const std::string &token : tokens_) views_.push_back(token);
    conditions_.lock_tokens = views_;
  }

  Result<RestoreResult> run() {
    TRY_ASSIGN(const std::string head, read_head());
    TRY_ASSIGN(const auto json, base::parse_json_object(head));
    if (base::json_integer(json, "format") != 1)
      return error(Status::FailedPrecondition, folder_ + " is no snapshot that this server can read");
    if (base::json_string(json, "space") != space_.text())
      return error(Status::FailedPrecondition, folder_ + " is a snapshot of another space");
    if (!path_.empty()) TRY(names_valid(path_));
    // All of the manifest is looked at before anything is changed: what it lacks would be removed.
    bool any = false;
    std::int64_t files = 0, folders = 0, bytes = 0;
    TRY(every([&](const Wanted &wanted) -> Result<void> {
      any |= is_part(wanted);
      if (wanted.folder) {
        folders += wanted.path.empty() ? 0 : 1;
      } else {
        ++files;
        bytes += static_cast<std::int64_t>(wanted.size);
      }
      return {};
    }));
    for (const auto &[name, count] :
         {std::pair("files", files), std::pair("folders", folders), std::pair("bytes", bytes)})
      if (base::json_integer(json, name) != count) return damaged("its manifest is not whole");
    files_.reset(::open((folder_ + "/files").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!files_) return damaged("it has no files/");
    if (!any) return error(Status::NotFound, "the snapshot has no " + path_);
    TRY(parents());
    TRY(each([&](const Wanted &wanted) { return bring(wanted); }));
    TRY(remove_others());
    return result_;
  }

 private:
  /// What makes the folder a whole snapshot.
  Result<std::string> read_head() const {
    auto head = base::read_file(folder_ + "/snapshot.json", 1u << 20);
    if (head || head.error().sys_errno != ENOENT) return head;
    if (::access(folder_.c_str(), F_OK) != 0 && errno == ENOENT)
      return error(Status::NotFound, "there is no folder " + folder_);
    return error(Status::FailedPrecondition,
                 folder_ + " is no snapshot, or none that was finished: it has no snapshot.json");
  }

  /// To be called before each change. A client that comes in between must not take the old content for news, so the
  /// fingerprint is another one before the first; and it stays when there is nothing to change, since clients look for
  /// conflicts in all that they have whenever it is a new one.
  Result<void> changing() {
    if (std::exchange(renewed_, true)) return {};
    TRY(engine_.renew_fingerprint(space_));
    ATOLL_FAULT_POINT("space-restore.begun");
    return {};
  }

  Ref at(std::string_view path) const { return Ref{space_, root_of(space_), path}; }

  bool is_part(const Wanted &wanted) const {
    return path_.empty() || wanted.path == path_ || wanted.path.starts_with(path_ + "/");
  }

  /// The lines of the part that is restored, folders before what is in them.
  Result<void> each(FunctionRef<Result<void>(const Wanted &)> visit) {
    return every([&](const Wanted &wanted) { return is_part(wanted) ? visit(wanted) : Result<void>(); });
  }

  Result<void> every(FunctionRef<Result<void>(const Wanted &)> visit) {
    std::ifstream manifest(folder_ + "/manifest.jsonl", std::ios::binary);
    if (!manifest) return damaged("it has no manifest.jsonl");
    std::string line;
    while (std::getline(manifest, line)) {
      TRY_ASSIGN(const Wanted wanted, parse(line));
      TRY(visit(wanted));
    }
    return manifest.bad() ? damaged("the manifest cannot be read") : Result<void>();
  }

  Result<void> parents() {
    for (std::size_t slash = path_.find('/'); slash != std::string::npos; slash = path_.find('/', slash + 1)) {
      const Ref parent = at(std::string_view(path_).substr(0, slash));
      TRY_ASSIGN(const auto there, look(parent));
      if (there) continue;
      TRY(changing());
      auto made = engine_.mkdir(parent, conditions_);
      if (!made && made.status() != Status::AlreadyExists) return std::move(made).error();
    }
    return {};
  }

  /// True: go on.
  bool say() {
    const auto now = std::chrono::steady_clock::now();
    if (now - said_ < kSayWhileRestoring) return true;
    said_ = now;
    CareLine line;
    line.kind = CareLine::Kind::Progress;
    line.done = lines_;
    return sink_(line);
  }
  static Error stopped() { return error(Status::Cancelled, "the restore was stopped; run it again to finish it"); }

  Result<std::optional<Node>> look(const Ref &ref) {
    auto found = engine_.stat(ref);
    if (found) return std::optional<Node>(std::move(*found));
    if (found.status() == Status::NotFound) return std::optional<Node>();
    return std::move(found).error();
  }

  Result<void> bring(const Wanted &wanted) {
    ++lines_;
    if (!say()) return stopped();
    TRY_ASSIGN(auto now, look(at(wanted.path)));
    if (!now || now->id != wanted.id) {
      TRY_ASSIGN(const auto elsewhere, look(Ref{space_, wanted.id, {}}));
      if (elsewhere && elsewhere->folder() == wanted.folder && !elsewhere->root()) {
        // It cannot go into itself, nor take the place of what is around it: then it stays, and another one is made.
        TRY_ASSIGN(const auto parent, look(at(wanted.parent())));
        TRY_ASSIGN(const bool inside, is_below(parent, wanted.id));
        TRY_ASSIGN(const bool around, is_below(elsewhere, now ? now->id : NodeId()));
        if (inside || around) return bring_other(wanted, now);
        TRY(changing());
        auto moved = engine_.rename(Ref{space_, wanted.id, {}}, at(wanted.path), true, conditions_);
        if (!moved) return std::move(moved).error();
        ATOLL_FAULT_POINT("space-restore.moved");
        ++result_.moved;
        now = *moved;
      } else if (!elsewhere) {
        TRY(out_of_the_trash(wanted, now));
      }
    }
    return bring_other(wanted, now);
  }

  /// Makes what is at the place, if anything, what the snapshot has.
  Result<void> bring_other(const Wanted &wanted, std::optional<Node> now) {
    if (now && now->folder() != wanted.folder) {
      TRY(changing());
      TRY(engine_.remove(at(wanted.path), conditions_, false));
      ATOLL_FAULT_POINT("space-restore.cleared");
      now.reset();
    }
    if (wanted.folder) {
      if (!now) {
        TRY(changing());
        TRY_ASSIGN(now, engine_.mkdir(at(wanted.path), conditions_));
        ATOLL_FAULT_POINT("space-restore.folder_made");
        ++result_.written;
      } else {
        ++result_.same;
      }
    } else {
      TRY_ASSIGN(const bool same, has_content(wanted, now));
      if (!same) {
        TRY(changing());
        TRY_ASSIGN(now, write(wanted));
        ATOLL_FAULT_POINT("space-restore.written");
        ++result_.written;
      } else if (now->mtime_ns != wanted.mtime_ns) {
        TRY(changing());
        TRY_ASSIGN(now, engine_.set_mtime(at(wanted.path), wanted.mtime_ns, conditions_));
        ++result_.written;
      } else {
        ++result_.same;
      }
    }
    if (now->has_attributes || !wanted.attributes.empty()) TRY(attributes(wanted, now->has_attributes));
    ATOLL_FAULT_POINT("space-restore.brought");
    return {};
  }

  /// Whether `node` is the node `above`, or below it.
  Result<bool> is_below(const std::optional<Node> &node, const NodeId &above) {
    bool found = false;
    if (!node || above.none()) return found;
    TRY(engine_.path_of(space_, node->id, [&](const NodeView &step) {
      found = step.id == above;
      return !found;
    }));
    return found;
  }

  /// Whether the file at the place holds what the snapshot has. By its sequence where nobody changed it since; by sums
  /// where both have one that nobody hits by chance; else by its bytes.
  Result<bool> has_content(const Wanted &wanted, const std::optional<Node> &now) {
    if (!now || now->folder() || now->size != wanted.size) return false;
    if (now->id == wanted.id && now->sequence == wanted.sequence) return true;
    const auto both = now->sums.mask & wanted.sums.mask;
    if ((both & base::kSha1) != 0 && now->sums.sha1 != wanted.sums.sha1) return false;
    if ((both & base::kMd5) != 0 && now->sums.md5 != wanted.sums.md5) return false;
    if ((both & (base::kSha1 | base::kMd5)) != 0) return true;
    return same_bytes(wanted);
  }

  Result<bool> same_bytes(const Wanted &wanted) {
    TRY_ASSIGN(const base::Fd file, open_wanted(wanted));
    TRY_ASSIGN(const OpenFile now, engine_.open_read(at(wanted.path)));
    if (now.node.size != wanted.size) return false;
    std::vector<char> ours(kCompared), theirs(kCompared);
    for (std::uint64_t offset = 0; offset < wanted.size;) {
      if (!say()) return stopped();
      TRY_ASSIGN(const std::size_t have, read_at(now.fd.get(), offset, ours));
      TRY_ASSIGN(const std::size_t got, read_at(file.get(), offset, theirs));
      if (have == 0 || have != got || std::memcmp(ours.data(), theirs.data(), have) != 0) return false;
      offset += have;
    }
    return true;
  }

  /// Fills the buffer, but for the end of the file.
  static Result<std::size_t> read_at(int fd, std::uint64_t offset, std::vector<char> &buffer) {
    std::size_t have = 0;
    while (have < buffer.size()) {
      const ssize_t got = ::pread(fd, buffer.data() + have, buffer.size() - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return base::errno_error("read a file to compare it");
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return have;
  }

  Result<base::Fd> open_wanted(const Wanted &wanted) const {
    auto folder = open_below(files_.get(), wanted.parent());
    base::Fd file(folder ? ::openat(folder->get(), wanted.name().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1);
    if (!file) return damaged("it has no files/" + wanted.path);
    return file;
  }

  /// What was removed since comes back as the same node.
  Result<void> out_of_the_trash(const Wanted &wanted, std::optional<Node> &now) {
    TRY_ASSIGN(const auto item, engine_.meta_->trash_of(wanted.id));
    if (!item || item->space != space_ || (item->type == NodeType::Folder) != wanted.folder) return {};
    TRY(changing());
    auto back = engine_.trash_restore(space_, item->id, at(wanted.path), true, conditions_);
    if (!back && back.status() == Status::NotFound) return {};
    if (!back) return std::move(back).error();
    ATOLL_FAULT_POINT("space-restore.returned");
    ++result_.moved;
    now = std::move(*back);
    return {};
  }

  Result<Node> write(const Wanted &wanted) {
    const std::string from = "files/" + wanted.path;
    TRY_ASSIGN(const base::Fd file, open_wanted(wanted));
    TRY_ASSIGN(const auto upload, engine_.upload_begin(at(wanted.path), wanted.size, conditions_));
    if (upload->fd() >= 0) {
      auto copied = copy_bytes(file.get(), upload->fd(), [&] { return say(); });
      if (!copied) return copied.status() == Status::Cancelled ? stopped() : std::move(copied).error();
    } else {
      std::vector<char> buffer(std::size_t{1} << 20);
      for (std::uint64_t offset = 0;;) {
        const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return base::errno_error("read " + from);
        if (got == 0) break;
        TRY(upload->write(offset, {buffer.data(), static_cast<std::size_t>(got)}));
        offset += static_cast<std::uint64_t>(got);
      }
    }
    UploadCommit commit;
    commit.size = wanted.size;
    commit.mtime_ns = wanted.mtime_ns;
    commit.sums = wanted.sums;
    commit.verify = true;
    auto done = upload->commit(commit, conditions_);
    if (!done && done.status() == Status::InvalidArgument) return damaged(done.error().message);
    return done;
  }

  Result<void> attributes(const Wanted &wanted, bool has) {
    using Attribute = std::array<std::string, 3>;
    std::vector<Attribute> old, goal = wanted.attributes;
    if (has) {
      TRY(engine_.attributes(at(wanted.path), [&](std::string_view ns, std::string_view name, std::string_view value) {
        old.push_back({std::string(ns), std::string(name), std::string(value)});
        return true;
      }));
    }
    std::sort(old.begin(), old.end());
    std::sort(goal.begin(), goal.end());
    if (old == goal) return {};
    std::vector<AttributeChange> changes;
    for (const auto &[ns, name, value] : old) changes.push_back({ns, name, std::nullopt});
    for (const auto &[ns, name, value] : goal) changes.push_back({ns, name, value});
    TRY(changing());
    return engine_.attributes_patch(at(wanted.path), changes, conditions_);
  }

  /// What is in a restored folder and not in the snapshot.
  Result<void> remove_others() {
    std::string folder;
    bool open = false;
    std::set<std::string> names;
    auto leave = [&]() -> Result<void> {
      if (!open) return {};
      std::vector<std::string> others;
      TRY(engine_.list(at(folder), {}, 0, [&](const NodeView &node) {
        if (!names.contains(std::string(node.name))) others.emplace_back(node.name);
        return true;
      }));
      if (!others.empty()) TRY(changing());
      for (const std::string &name : others) {
        auto removed = engine_.remove(at(folder.empty() ? name : folder + "/" + name), conditions_, false);
        ATOLL_FAULT_POINT("space-restore.removed");
        if (removed) ++result_.removed;
        if (!removed && removed.status() != Status::NotFound) return removed;
      }
      return {};
    };
    std::set<std::string> empty;  // folders of which no child has been seen
    TRY(each([&](const Wanted &wanted) -> Result<void> {
      if (wanted.folder) empty.insert(wanted.path);
      if (wanted.path.empty() || wanted.path == path_) return {};
      const std::string parent = wanted.parent();
      if (!open || parent != folder) {
        TRY(leave());
        folder = parent;
        open = true;
        names.clear();
        empty.erase(parent);
      }
      names.insert(wanted.name());
      return {};
    }));
    TRY(leave());
    names.clear();
    open = true;
    for (const std::string &path : empty) {
      folder = path;
      TRY(leave());
    }
    return {};
  }

  TreeEngine &engine_;
  const SpaceId space_;
  const std::string folder_, path_;
  CareSink sink_;
  std::vector<std::string> tokens_;
  std::vector<std::string_view> views_;
  Conditions conditions_;
  RestoreResult result_;
  base::Fd files_;
  std::uint64_t lines_ = 0;
  bool renewed_ = false;  // the fingerprint
  std::chrono::steady_clock::time_point said_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<RestoreResult> Care::restore(const SpaceId &space, const std::string &folder, std::string_view path,
                                    CareSink sink) {
  TRY_ASSIGN(const SpacePtr served, engine_.serving(space));
  const Caring caring(served);
  TRY(caring.mine());
  return Restorer(engine_, space, folder, path, sink).run();
}

}  // namespace Atoll::tree
