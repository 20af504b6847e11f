// SPDX-License-Identifier: Apache-2.0
// A storage driver that keeps everything in memory. Built out of tree against the installed headers alone.
//
// The host calls into an instance one call at a time (ATOLL_THREADS_PER_INSTANCE), so there are no locks here. It has
// no `copy` and no extents: the gateway copies and reads. Ids are random and etags come from one counter, so neither is
// ever used again.
#include <atoll/sdk/plugin.hpp>
#include <atoll/sdk/storage_fs.hpp>

#include <chrono>
#include <map>
#include <random>
#include <unordered_map>

namespace {
using namespace Atoll;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Node {
  SpaceId space;
  NodeId id, parent;
  std::string name;
  bool folder = true;
  std::map<std::string, NodeId, std::less<>> children;
  std::shared_ptr<const std::string> bytes;
  std::uint64_t size = 0, sequence = 0;
  std::int64_t mtime_ns = 0;
};

class Reader : public ReadHandle {
 public:
  explicit Reader(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
  Result<std::uint64_t> read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) override {
    if (offset >= bytes_->size()) return std::uint64_t{0};
    const std::uint64_t n = std::min<std::uint64_t>(length, bytes_->size() - offset);
    std::memcpy(buffer, bytes_->data() + offset, n);
    return n;
  }

 private:
  std::shared_ptr<const std::string> bytes_;
};

class Memory : public Plugin<Memory>, public StorageFs<Memory> {
 public:
  static constexpr PluginInfo info{"org.example.memory",       "1.0",  "Apache-2.0", "Keeps files in memory",
                                   ATOLL_THREADS_PER_INSTANCE, nullptr};
  using Offers = Interfaces<StorageFs<Memory>>;
  static Result<std::unique_ptr<Memory>> create(const Call &, Host) { return std::make_unique<Memory>(); }

  Result<void> capabilities(const Call &, atoll_storage_caps &caps) {
    caps.durability = ATOLL_DURABILITY_NONE;
    return {};
  }
  Result<void> space_create(const Call &, const atoll_space &space) {
    const auto id = from_abi<SpaceId>(space.id);
    if (spaces_.count(id)) return {};
    spaces_[id] = {space, std::string(view(space.name))};
    Node root;
    root.space = id;
    root.id = root_of(id);
    touch(nodes_[root.id] = std::move(root), 0);
    return {};
  }
  Result<void> space_get(const Call &, const SpaceId &id, const SpaceEmitter &emit) {
    const auto found = spaces_.find(id);
    if (found == spaces_.end()) return error(Status::NotFound, "there is no such space in memory");
    emit_space(found->second, emit);
    return {};
  }
  Result<void> space_list(const Call &, const SpaceEmitter &emit) {
    for (const auto &[id, space] : spaces_)
      if (!emit_space(space, emit)) break;
    return {};
  }
  Result<void> stat(const Call &, const RefView &ref, const StatEmitter &emit) {
    auto node = find(ref);
    if (!node) return std::move(node).error();
    emit_stat(**node, emit);
    return {};
  }
  Result<void> list(const Call &, const RefView &ref, std::string_view after, std::uint64_t limit,
                    const StatEmitter &emit) {
    auto node = find(ref);
    if (!node) return std::move(node).error();
    if (!(*node)->folder) return error(Status::FailedPrecondition, "a file has nothing below it");
    std::uint64_t n = 0;
    const auto &children = (*node)->children;
    for (auto at = after.empty() ? children.begin() : children.upper_bound(after); at != children.end(); ++at)
      if ((limit && n++ == limit) || !emit_stat(nodes_.at(at->second), emit)) break;
    return {};
  }
  Result<void> path_of(const Call &, const SpaceId &space, const NodeId &id, const StatEmitter &emit) {
    auto node = nodes_.find(id);
    if (node == nodes_.end() || node->second.space != space) return error(Status::NotFound, "there is no such node");
    for (; node != nodes_.end(); node = nodes_.find(node->second.parent))
      if (!emit_stat(node->second, emit)) break;
    return {};
  }
  Result<void> mkdir(const Call &call, const RefView &ref, const StatEmitter &emit) {
    auto place = place_of(ref);
    if (!place) return std::move(place).error();
    if (auto good = check(call, place->node); !good) return good;
    if (place->node) return error(Status::AlreadyExists, "there is already something of that name");
    emit_stat(add(*place, true), emit, ATOLL_STAT_CREATED);
    return {};
  }
  Result<void> rename(const Call &call, const RefView &from, const RefView &to, std::uint32_t flags,
                      const StatEmitter &emit) {
    if (from.space != to.space) return error(Status::Unimplemented, "renaming across spaces");
    auto source = find(from);
    if (!source) return std::move(source).error();
    auto place = place_of(to);
    if (!place) return std::move(place).error();
    Node *node = *source;
    if (node->parent.none()) return error(Status::PermissionDenied, "the root of a space can't be moved");
    for (const Node *at = place->parent; at; at = parent_of(*at))
      if (at == node) return error(Status::FailedPrecondition, "a folder can't be moved into itself");
    if (auto good = check(call, node); !good) return good;
    const bool created = !place->node;
    if (place->node && place->node != node) {
      if (!(flags & ATOLL_REPLACE)) return error(Status::AlreadyExists, "there is already something of that name");
      for (const Node *at = node; at; at = parent_of(*at))
        if (at == place->node) return error(Status::FailedPrecondition, "a folder can't be replaced by its content");
      drop(*place->node);
    }
    unlink(*node);
    node->parent = place->parent->id;
    node->name = place->name;
    place->parent->children[node->name] = node->id;
    touch(*place->parent, static_cast<std::int64_t>(node->size));
    emit_stat(*node, emit, created ? ATOLL_STAT_CREATED : 0);
    return {};
  }
  Result<void> remove(const Call &call, const RefView &ref, std::uint32_t) {
    auto node = find(ref);
    if (!node) return std::move(node).error();
    if ((*node)->parent.none()) return error(Status::PermissionDenied, "the root of a space can't be removed");
    if (auto good = check(call, *node); !good) return good;
    drop(**node);
    return {};
  }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &ref, const StatEmitter &emit) {
    auto node = find(ref);
    if (!node) return std::move(node).error();
    if ((*node)->folder) return error(Status::FailedPrecondition, "a folder has no content to read");
    emit_stat(**node, emit);
    return std::unique_ptr<ReadHandle>(std::make_unique<Reader>((*node)->bytes));
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &call, const RefView &target, std::uint64_t,
                                                     std::string_view) {
    auto place = place_of(target);
    if (!place) return std::move(place).error();
    if (auto good = writable(call, *place); !good) return std::move(good).error();
    return std::unique_ptr<UploadHandle>(std::make_unique<Upload>(*this, target));
  }

 private:
  struct Place {  // where something stands, or would stand
    Node *parent = nullptr;
    std::string name;
    Node *node = nullptr;
  };
  class Upload : public UploadHandle {
   public:
    Upload(Memory &memory, const RefView &target) : memory_(memory), path_(target.path), target_(target) {}
    Result<void> write(const Call &, std::uint64_t offset, const void *data, std::uint64_t length) override {
      if (bytes_.size() < offset + length) bytes_.resize(offset + length);
      std::memcpy(bytes_.data() + offset, data, length);
      return {};
    }
    Result<void> commit(const Call &call, const atoll_upload_commit &commit, const StatEmitter &emit) override {
      target_.path = path_;
      auto place = memory_.place_of(target_);
      if (!place) return std::move(place).error();
      if (auto good = memory_.writable(call, *place); !good) return good;
      if (commit.size != bytes_.size()) return error(Status::InvalidArgument, "fewer or more bytes than announced");
      const bool created = !place->node;
      Node &node = created ? memory_.add(*place, false) : *place->node;
      memory_.touch(node, static_cast<std::int64_t>(commit.size - node.size));
      node.bytes = std::make_shared<const std::string>(std::move(bytes_));
      node.mtime_ns = commit.mtime_ns == ATOLL_MTIME_NOW ? now_ns() : commit.mtime_ns;
      memory_.emit_stat(node, emit, created ? ATOLL_STAT_CREATED : 0);
      return {};
    }

   private:
    Memory &memory_;
    std::string path_, bytes_;
    RefView target_;
  };
  Result<Node *> find(const RefView &ref) {
    auto at = nodes_.find(ref.node);
    for (std::string_view rest = ref.path; at != nodes_.end() && !rest.empty();) {
      const auto name = rest.substr(0, rest.find('/'));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const auto child = at->second.children.find(name);
      at = child == at->second.children.end() ? nodes_.end() : nodes_.find(child->second);
    }
    if (at == nodes_.end() || at->second.space != ref.space)
      return error(Status::NotFound, "there is nothing of that name");
    return &at->second;
  }
  Result<Place> place_of(RefView ref) {
    Place place;
    const auto slash = ref.path.rfind('/');
    place.name = std::string(slash == ref.path.npos ? ref.path : ref.path.substr(slash + 1));
    if (auto there = find(ref)) place.node = *there;
    ref.path = slash == ref.path.npos ? std::string_view() : ref.path.substr(0, slash);
    auto parent = find(ref);
    if (!parent || !(*parent)->folder) return error(Status::FailedPrecondition, "the folder above is missing");
    place.parent = *parent;
    return place;
  }
  Node *parent_of(const Node &node) {
    const auto found = nodes_.find(node.parent);
    return found == nodes_.end() ? nullptr : &found->second;
  }
  Result<void> check(const Call &call, const Node *node) const {
    const atoll_conditions *c = call.conditions();
    if (!c) return {};
    const auto among = [&](const atoll_strs &etags) {
      for (std::uint64_t i = 0; node && i < etags.count; ++i)
        if (view(etags.items[i]) == etag(*node)) return true;
      return false;
    };
    if (((c->flags & ATOLL_IF_MATCH_ANY) && !node) || ((c->flags & ATOLL_IF_NONE_MATCH_ANY) && node) ||
        (c->if_match.count && !among(c->if_match)) || among(c->if_none_match))
      return error(Status::Aborted, "a condition of the request doesn't hold");
    return {};
  }
  Result<void> writable(const Call &call, const Place &place) const {
    if (place.node && place.node->folder) return error(Status::FailedPrecondition, "a folder is in the way");
    return check(call, place.node);
  }
  Node &add(const Place &place, bool folder) {
    Node node;
    std::random_device random;
    std::array<std::uint8_t, 16> bytes;
    for (auto &byte : bytes) byte = static_cast<std::uint8_t>(random());
    node.space = place.parent->space;
    node.id = NodeId(bytes);
    node.parent = place.parent->id;
    node.name = place.name;
    node.folder = folder;
    node.bytes = std::make_shared<const std::string>();
    place.parent->children[place.name] = node.id;
    Node &added = nodes_[node.id] = std::move(node);
    touch(added, 0);
    return added;
  }
  void unlink(Node &node) {
    parent_of(node)->children.erase(node.name);
    touch(*parent_of(node), -static_cast<std::int64_t>(node.size));
  }
  void drop(Node &node) {
    while (!node.children.empty()) drop(nodes_.at(node.children.begin()->second));
    unlink(node);
    nodes_.erase(NodeId(node.id));
  }
  void touch(Node &node, std::int64_t growth) {  // a new etag up to the root
    for (Node *at = &node; at; at = parent_of(*at)) {
      at->sequence = ++sequence_;
      at->size += static_cast<std::uint64_t>(growth);
      if (at->folder) at->mtime_ns = now_ns();
    }
  }
  static std::string etag(const Node &node) {
    return node.id.text().substr(0, 8) + ":" + std::to_string(node.sequence);
  }
  bool emit_stat(const Node &node, const StatEmitter &emit, std::uint32_t flags = 0) const {
    auto stat = sized<atoll_stat>();
    const std::string tag = etag(node);
    stat.type = node.folder ? ATOLL_NODE_FOLDER : ATOLL_NODE_FILE;
    stat.flags = flags;
    stat.space = to_abi(node.space), stat.node = to_abi(node.id), stat.parent = to_abi(node.parent);
    stat.name = str(node.name), stat.etag = str(tag);
    stat.size = node.size, stat.mtime_ns = node.mtime_ns;
    return emit(stat);
  }
  bool emit_space(const std::pair<atoll_space, std::string> &space, const SpaceEmitter &emit) const {
    auto record = space.first;
    const Node &root = nodes_.at(root_of(from_abi<SpaceId>(record.id)));
    const std::string tag = etag(root);
    record.name = str(space.second), record.root_etag = str(tag), record.used = root.size;
    return emit(record);
  }

  std::map<SpaceId, std::pair<atoll_space, std::string>> spaces_;
  std::unordered_map<NodeId, Node> nodes_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

ATOLL_PLUGIN(Memory)
