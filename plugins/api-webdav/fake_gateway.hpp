// SPDX-License-Identifier: Apache-2.0
// For tests only: a gateway with one space in memory, and an exchange that keeps the answer. Drives the plugin through
// the ABI, as the host does.
#pragma once

#include <atoll/abi/gateway.h>
#include <atoll/abi/plugin.h>
#include <atoll/sdk/files.hpp>
#include <atoll/sdk/http.hpp>
#include <atoll/sdk/permissions.hpp>
#include <atoll/sdk/storage_fs.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/base/checksum.hpp"
#include "core/base/uuid.hpp"
#include "plugins/api-webdav/fake_kept.hpp"

namespace Atoll::webdav::fake {

inline const Uuid kBirth = *Uuid::parse("1284d238-aa92-42ce-bdc4-0b0000009157");
inline const AccountId kEinstein = *AccountId::parse("22222222-2222-4222-8222-222222222222");

struct Entry {
  NodeId id;
  bool folder = false;
  std::string bytes, etag;
  std::int64_t mtime_ns = 0;
  std::vector<Attribute> attributes;
  std::vector<Lock> locks;
};

/// Files by path; the root is "". What it is told to fail with, every operation fails with.
class Space : public StorageFs<Space>,
              public StorageFsAttributes<Space>,
              public StorageFsLocks<Space>,
              public StorageFsListing<Space>,
              public StorageFsTrash<Space>,
              public StorageFsVersions<Space>,
              public Kept {
 public:
  Status failure = Status::Ok;       ///< of every operation
  std::uint32_t reason = 0;          ///< of that failure
  Status list_failure = Status::Ok;  ///< of a listing, after half of its records
  bool steps = false;                ///< offers listings in steps
  std::map<std::string, Entry, std::less<>> entries;

  Space() { put("", true, ""); }

  Entry &put(const std::string &path, bool folder, std::string bytes) {
    Entry &entry = entries[path];
    if (entry.id.none()) entry.id = path.empty() ? root_of(kSpace) : base::random_id<NodeId>();
    entry.folder = folder;
    entry.bytes = std::move(bytes);
    entry.etag = "e:" + std::to_string(++sequence_);
    entry.mtime_ns = 1'600'000'000'000'000'000;
    return entry;
  }

  Result<void> capabilities(const Call &, atoll_storage_caps &) { return {}; }
  Result<void> space_create(const Call &, const atoll_space &) { return {}; }
  Result<void> space_list(const Call &, const SpaceEmitter &) { return {}; }
  Result<void> space_get(const Call &, const SpaceId &, const SpaceEmitter &emit) {
    if (failure != Status::Ok) return Error{failure, "told to fail", 0, 0, reason};
    auto space = sized<atoll_space>();
    space.quota = ATOLL_QUOTA_NONE;
    emit(space);
    return {};
  }
  Result<void> stat(const Call &, const RefView &ref, const StatEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    emit_stat(*path, emit, 0);
    return {};
  }
  Result<void> list(const Call &, const RefView &ref, std::string_view, std::uint64_t, const StatEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    const std::string prefix = path->empty() ? "" : *path + "/";
    std::size_t emitted = 0;
    for (const auto &[name, entry] : entries) {
      if (name.empty() || !name.starts_with(prefix) || name.find('/', prefix.size()) != name.npos) continue;
      if (list_failure != Status::Ok && ++emitted > entries.size() / 2) return error(list_failure, "told to fail");
      if (!emit_stat(name, emit, 0)) break;
    }
    return {};
  }
  Result<std::unique_ptr<ListingHandle>> list_open(const Call &, const RefView &ref) {
    if (!steps) return unimplemented("steps");
    auto path = find(ref);
    if (!path) return std::move(path).error();
    return std::unique_ptr<ListingHandle>(std::make_unique<Steps>(*this, *path));
  }
  Result<void> path_of(const Call &, const SpaceId &, const NodeId &node, const StatEmitter &emit) {
    for (const auto &[name, entry] : entries) {
      if (entry.id != node) continue;
      for (std::string at = name;; at.resize(at.rfind('/') == at.npos ? 0 : at.rfind('/'))) {
        if (!emit_stat(at, emit, 0) || at.empty()) return {};
      }
    }
    return error(Status::NotFound, "no such node");
  }
  Result<void> mkdir(const Call &, const RefView &ref, const StatEmitter &emit) {
    if (auto good = writable(ref); !good) return good;
    if (entries.count(ref.path)) return error(Status::AlreadyExists, "there");
    put(std::string(ref.path), true, "");
    emit_stat(ref.path, emit, ATOLL_STAT_CREATED);
    return {};
  }
  Result<void> rename(const Call &, const RefView &from, const RefView &to, std::uint32_t flags, const StatEmitter &e) {
    auto path = find(from);
    if (!path) return std::move(path).error();
    if (auto good = writable(to); !good) return good;
    const bool there = entries.count(to.path) != 0;
    if (there && !(flags & ATOLL_REPLACE)) return error(Status::AlreadyExists, "there");
    entries[std::string(to.path)] = entries.at(*path);
    entries.erase(*path);
    emit_stat(to.path, e, there ? 0 : ATOLL_STAT_CREATED);
    return {};
  }
  Result<void> remove(const Call &, const RefView &ref, std::uint32_t) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    entries.erase(*path);
    return {};
  }
  Result<void> set_mtime(const Call &, const RefView &ref, std::int64_t mtime_ns, const StatEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    entries.at(*path).mtime_ns = mtime_ns;
    emit_stat(*path, emit, 0);
    return {};
  }
  Result<std::unique_ptr<ReadHandle>> open_read(const Call &, const RefView &ref, const StatEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    const Entry &entry = entries.at(*path);
    if (entry.folder) return error(Status::FailedPrecondition, "a folder");
    emit_stat(*path, emit, 0);
    return std::unique_ptr<ReadHandle>(std::make_unique<Reader>(entry.bytes));
  }
  Result<std::unique_ptr<UploadHandle>> upload_begin(const Call &, const RefView &ref, std::uint64_t,
                                                     std::string_view) {
    if (auto good = writable(ref); !good) return std::move(good).error();
    const auto there = entries.find(ref.path);
    if (there != entries.end() && there->second.folder) return error(Status::FailedPrecondition, "a folder");
    return std::unique_ptr<UploadHandle>(std::make_unique<Writer>(*this, std::string(ref.path)));
  }

  Result<void> attributes_get(const Call &, const RefView &ref, const AttributeEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    for (const Attribute &attribute : entries.at(*path).attributes) {
      auto raw = sized<atoll_attribute>();
      raw.namespace_ = str(attribute.ns);
      raw.name = str(attribute.name);
      raw.value = atoll_bytes{attribute.value.data(), attribute.value.size()};
      if (!emit(raw)) break;
    }
    return {};
  }
  Result<void> attributes_patch(const Call &, const RefView &ref, const std::vector<atoll_attribute> &changes) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    auto &list = entries.at(*path).attributes;
    for (const atoll_attribute &change : changes) {
      const std::string ns(view(change.namespace_)), name(view(change.name));
      std::erase_if(list, [&](const Attribute &a) { return a.ns == ns && a.name == name; });
      if (change.remove) continue;
      list.push_back({ns, name, std::string(static_cast<const char *>(change.value.ptr), change.value.len), false});
    }
    return {};
  }

  Result<void> lock(const Call &, const RefView &ref, const atoll_lock &wanted, const LockEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    Entry &entry = entries.at(*path);
    if (!entry.locks.empty()) return error(Status::Locked, "locked");
    Lock made = Lock::from(&wanted);
    made.token = "urn:uuid:" + base::random_id<Uuid>().text();
    made.node = entry.id;
    entry.locks.push_back(made);
    return emit_lock(made, emit);
  }
  Result<void> lock_refresh(const Call &, const RefView &ref, std::string_view token, std::uint64_t timeout_s,
                            const LockEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    for (Lock &held : entries.at(*path).locks) {
      if (held.token != token) continue;
      held.timeout_s = timeout_s;
      return emit_lock(held, emit);
    }
    return error(Status::Aborted, "no such lock");
  }
  Result<void> unlock(const Call &, const RefView &ref, std::string_view token) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    if (std::erase_if(entries.at(*path).locks, [&](const Lock &held) { return held.token == token; }) == 0)
      return error(Status::FailedPrecondition, "no such lock");
    return {};
  }
  Result<void> locks(const Call &, const RefView &ref, const LockEmitter &emit) {
    auto path = find(ref);
    if (!path) return std::move(path).error();
    for (const Lock &held : entries.at(*path).locks)
      if (auto done = emit_lock(held, emit); !done) return done;
    return {};
  }

 private:
  /// The children of one moment; told to fail, it does so after half of them.
  class Steps : public ListingHandle {
   public:
    Steps(const Space &space, const std::string &path) : space_(space) {
      const std::string prefix = path.empty() ? "" : path + "/";
      for (const auto &[name, entry] : space.entries)
        if (!name.empty() && name.starts_with(prefix) && name.find('/', prefix.size()) == name.npos)
          names_.push_back(name);
    }
    Result<bool> next(const Call &, const StatEmitter &emit) override {
      while (at_ < names_.size()) {
        if (space_.list_failure != Status::Ok && at_ >= names_.size() / 2)
          return error(space_.list_failure, "told to fail");
        if (!space_.emit_stat(names_[at_++], emit, 0)) return false;
      }
      return true;
    }

   private:
    const Space &space_;
    std::vector<std::string> names_;
    std::size_t at_ = 0;
  };
  class Reader : public ReadHandle {
   public:
    explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {}
    Result<std::uint64_t> read(const Call &, std::uint64_t offset, void *buffer, std::uint64_t length) override {
      return std::uint64_t{bytes_.copy(static_cast<char *>(buffer), length, offset)};
    }

   private:
    std::string bytes_;
  };
  class Writer : public UploadHandle {
   public:
    Writer(Space &space, std::string path) : space_(space), path_(std::move(path)) {}
    Result<void> write(const Call &, std::uint64_t offset, const void *data, std::uint64_t length) override {
      bytes_.resize(std::max<std::size_t>(bytes_.size(), offset + length));
      std::copy_n(static_cast<const char *>(data), length, bytes_.begin() + static_cast<std::ptrdiff_t>(offset));
      return {};
    }
    Result<void> commit(const Call &call, const atoll_upload_commit &commit, const StatEmitter &emit) override {
      const bool there = space_.entries.count(path_) != 0;
      if (const atoll_conditions *c = call.conditions(); c && (c->flags & ATOLL_IF_NONE_MATCH_ANY) && there)
        return error(Status::Aborted, "there");
      for (const Lock &held : there ? space_.entries.at(path_).locks : std::vector<Lock>{}) {
        const auto tokens = call.lock_tokens();
        if (std::find(tokens.begin(), tokens.end(), held.token) == tokens.end()) return error(Status::Locked, "locked");
      }
      Entry &entry = space_.put(path_, false, std::move(bytes_));
      if (commit.mtime_ns != ATOLL_MTIME_NOW) entry.mtime_ns = commit.mtime_ns;
      space_.emit_stat(path_, emit, there ? 0 : ATOLL_STAT_CREATED);
      return {};
    }

   private:
    Space &space_;
    std::string path_, bytes_;
  };

  Result<std::string> find(const RefView &ref) const {
    if (failure != Status::Ok) return Error{failure, "told to fail: /srv/secret", 0, 0, reason};
    std::string path(ref.path);
    if (ref.node != root_of(kSpace)) {
      for (const auto &[name, entry] : entries)
        if (entry.id == ref.node) path = ref.path.empty() ? name : name + "/" + path;
    }
    if (!entries.count(path)) return error(Status::NotFound, "There is nothing of that name.");
    return path;
  }
  Result<void> writable(const RefView &ref) const {
    if (failure != Status::Ok) return Error{failure, "told to fail", 0, 0, reason};
    const std::size_t slash = ref.path.rfind('/');
    const auto parent = entries.find(slash == ref.path.npos ? std::string_view() : ref.path.substr(0, slash));
    if (parent == entries.end() || !parent->second.folder) return error(Status::FailedPrecondition, "no parent");
    return {};
  }
  bool emit_stat(std::string_view path, const StatEmitter &emit, std::uint32_t flags) const {
    const Entry &entry = entries.find(path)->second;
    Stat stat;
    const std::size_t slash = path.rfind('/');
    stat.type = entry.folder ? ATOLL_NODE_FOLDER : ATOLL_NODE_FILE;
    stat.flags = flags | (entry.attributes.empty() ? 0 : ATOLL_STAT_ATTRIBUTES) |
                 (entry.locks.empty() ? 0 : ATOLL_STAT_LOCKED) | (entry.folder ? 0 : ATOLL_STAT_SHA1);
    stat.permissions = 0x3ff;
    stat.space = kSpace;
    stat.node = entry.id;
    stat.parent = path.empty() ? NodeId() : entries.find(slash == path.npos ? "" : path.substr(0, slash))->second.id;
    stat.name = slash == path.npos ? path : path.substr(slash + 1);
    stat.etag = entry.etag;
    stat.size = entry.bytes.size();
    stat.mtime_ns = entry.mtime_ns;
    base::Checksums sums(base::kSha1);
    sums.update(entry.bytes);
    stat.sha1 = sums.values().sha1;
    return emit(stat.abi());
  }
  static Result<void> emit_lock(const Lock &lock, const LockEmitter &emit) {
    auto raw = sized<atoll_lock>();
    raw.kind = lock.kind;
    raw.deep = lock.deep;
    raw.token = str(lock.token);
    raw.owner = str(lock.owner);
    raw.account_name = str(lock.account_name);
    raw.timeout_s = lock.timeout_s;
    raw.node = to_abi(lock.node);
    emit(raw);
    return {};
  }

  std::uint64_t sequence_ = 0;
};

/// The host's side: the gateway service over one Space, and requests against the plugin.
class Server {
 public:
  Space space;

  /// `checksums`: the key of that name. `keeps`: the space has versions and a trash.
  explicit Server(std::string checksums = {}, bool keeps = false) : checksums_(std::move(checksums)) {
    config_ = sized<atoll_config_service>();
    config_.text = [](void *context, const char *key, const atoll_text_sink *sink) -> std::int32_t {
      const auto &value = static_cast<Server *>(context)->checksums_;
      if (std::string_view(key) != "checksums" || value.empty()) return ATOLL_NOT_FOUND;
      sink->emit(sink->context, str(value));
      return ATOLL_OK;
    };
    config_.integer = [](void *, const char *, std::int64_t *) -> std::int32_t { return ATOLL_NOT_FOUND; };
    gateway_ = sized<atoll_gateway_service>();
    gateway_.self = gateway_.files_self = &space;
    gateway_.files = StorageFs<Space>::table();
    gateway_.attributes = StorageFsAttributes<Space>::table();
    gateway_.locks = StorageFsLocks<Space>::table();
    gateway_.listing = StorageFsListing<Space>::table();
    if (keeps) {
      gateway_.trash = StorageFsTrash<Space>::table();
      gateway_.versions = StorageFsVersions<Space>::table();
    }
    gateway_.space = [](const atoll_call *, void *, const atoll_uuid *id, const atoll_space_record_sink *sink) {
      if (from_abi<SpaceId>(*id) != kSpace) return std::int32_t{ATOLL_NOT_FOUND};
      return emit_space(sink);
    };
    gateway_.personal_space = [](const atoll_call *, void *, atoll_str name, const atoll_space_record_sink *sink) {
      if (view(name) != "einstein") return std::int32_t{ATOLL_NOT_FOUND};
      return emit_space(sink);
    };
    gateway_.account = [](const atoll_call *, void *, const atoll_uuid *, const atoll_account_sink *sink) {
      auto account = sized<atoll_account>();
      account.name = str("einstein");
      account.display_name = str("Albert Einstein");
      sink->emit(sink->context, &account);
      return std::int32_t{ATOLL_OK};
    };
    host_ = sized<atoll_host>();
    host_.context = this;
    host_.query = [](void *context, const char *id) -> const void * {
      auto &server = *static_cast<Server *>(context);
      if (std::string_view(id) == ATOLL_SERVICE_CONFIG) return &server.config_;
      return std::string_view(id) == ATOLL_SERVICE_GATEWAY ? &server.gateway_ : nullptr;
    };
    plugin_ = atoll_plugin_entry(ATOLL_ABI_MAJOR, ATOLL_ABI_MINOR);
    created = plugin_->create(nullptr, &host_, &self_);
    http_ = static_cast<const atoll_http *>(plugin_->query(ATOLL_HTTP));
  }
  ~Server() {
    if (self_) plugin_->destroy(self_);
  }
  Server(const Server &) = delete;
  Server &operator=(const Server &) = delete;

  struct Answer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool in_steps = false, broken = false;  ///< a body that was pulled; and that failed on the way
    std::string header(std::string_view name) const {
      for (const auto &[key, value] : headers)
        if (key == name) return value;
      return {};
    }
    bool has(std::string_view text) const { return body.find(text) != std::string::npos; }
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;
  bool no_room = false;  ///< the host has no memory for a body now
  std::int32_t created = ATOLL_OK;
  std::uint32_t asked_checksums = 0;  ///< of the last body

  std::string capabilities() const {
    std::string json;
    auto sink = make_sink<atoll_text_sink>([&](atoll_str text) { json = view(text); });
    const auto *table = static_cast<const atoll_http_capabilities *>(plugin_->query(ATOLL_HTTP_CAPABILITIES));
    table->capabilities(nullptr, self_, sink.get());
    return json;
  }

  Answer send(std::string_view method, std::string_view path, const Headers &headers = {}, std::string_view body = {},
              std::int32_t auth_status = ATOLL_OK) {
    Exchanged state;
    state.body = body;
    state.no_room = no_room;
    std::vector<atoll_header> raw_headers;
    for (const auto &[name, value] : headers) raw_headers.push_back({str(name), str(value)});
    auto request = sized<atoll_request>();
    request.auth_status = auth_status;
    request.method = str(method);
    request.path = request.target = str(path);
    request.authority = str("localhost:9200");
    request.headers = raw_headers.data();
    request.header_count = raw_headers.size();
    request.content_length = body.size();
    auto principal = sized<atoll_principal>();
    principal.kind = ATOLL_PRINCIPAL_USER;
    principal.account = to_abi(kEinstein);
    principal.name = str("einstein");
    auto call = sized<atoll_call>();
    if (auth_status == ATOLL_OK) call.principal = &principal;
    auto exchange = sized<atoll_exchange>();
    exchange.host = &state;
    exchange.request = &request;
    exchange.buffer_body = [](const atoll_exchange *e, std::uint64_t limit, void *context, atoll_body_done done) {
      auto &at = *static_cast<Exchanged *>(e->host);
      auto result = sized<atoll_body_result>();
      result.status = at.body.size() > limit ? ATOLL_RESOURCE_EXHAUSTED : at.no_room ? ATOLL_UNAVAILABLE : ATOLL_OK;
      result.retry_after_ms = at.no_room ? 2'500 : 0;
      result.bytes = atoll_bytes{at.body.data(), at.body.size()};
      done(context, at.call, e, &result);
    };
    exchange.receive_body = [](const atoll_exchange *e, const atoll_body_target *target, void *context,
                               atoll_body_done done) {
      auto &at = *static_cast<Exchanged *>(e->host);
      auto result = sized<atoll_body_result>();
      result.status = target->write(target->context, 0, at.body.data(), at.body.size());
      result.length = at.body.size();
      result.checksums = at.asked_checksums = target->checksums;
      base::Checksums sums(target->checksums);
      sums.update(at.body);
      const auto values = sums.values();
      std::copy(values.sha1.begin(), values.sha1.end(), result.sha1);
      std::copy(values.md5.begin(), values.md5.end(), result.md5);
      result.adler32 = values.adler32;
      done(context, at.call, e, &result);
    };
    exchange.respond = [](const atoll_exchange *e, const atoll_response *response) {
      static_cast<Exchanged *>(e->host)->take(*response);
    };
    state.call = &call;
    http_->handle(&call, self_, &request, &exchange);
    asked_checksums = state.asked_checksums;
    return std::move(state.answer);
  }

 private:
  struct Exchanged {
    Answer answer;
    std::string_view body;
    bool no_room = false;
    std::uint32_t asked_checksums = 0;
    const atoll_call *call = nullptr;

    void take(const atoll_response &raw) {
      answer.status = raw.status;
      for (std::uint64_t i = 0; i < raw.header_count; ++i)
        answer.headers.emplace_back(view(raw.headers[i].name), view(raw.headers[i].value));
      if (raw.body == ATOLL_BODY_BYTES) answer.body.assign(static_cast<const char *>(raw.bytes.ptr), raw.bytes.len);
      answer.in_steps = raw.body == ATOLL_BODY_GENERATOR;
      while (raw.body == ATOLL_BODY_GENERATOR) {
        char buffer[701];
        std::uint64_t got = 0;
        const auto waker = sized<atoll_waker>();
        const auto pulled = raw.pull(raw.owner, &waker, buffer, sizeof buffer, &got);
        answer.broken = pulled == ATOLL_PULL_FAILED;
        if (pulled != ATOLL_PULL_DATA) break;
        answer.body.append(buffer, got);
      }
      if (raw.release) raw.release(raw.owner);
    }
  };
  static std::int32_t emit_space(const atoll_space_record_sink *sink) {
    auto record = sized<atoll_space_record>();
    record.type = ATOLL_SPACE_PERSONAL;
    record.id = to_abi(kSpace);
    record.birth = to_abi(kBirth);
    record.owner = to_abi(kEinstein);
    record.name = str("einstein");
    record.quota = ATOLL_QUOTA_NONE;
    record.permissions = kAllPermissions;
    sink->emit(sink->context, &record);
    return ATOLL_OK;
  }

  std::string checksums_;
  atoll_config_service config_{};
  atoll_gateway_service gateway_{};
  atoll_host host_{};
  const atoll_plugin *plugin_ = nullptr;
  const atoll_http *http_ = nullptr;
  void *self_ = nullptr;
};

}  // namespace Atoll::webdav::fake
