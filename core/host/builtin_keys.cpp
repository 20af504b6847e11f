// SPDX-License-Identifier: Apache-2.0
#include "core/host/builtin_keys.hpp"

#include <atoll/abi/auth.h>
#include <atoll/abi/events.h>
#include <atoll/abi/http.h>
#include <atoll/abi/registry.h>
#include <atoll/abi/storage_fs.h>

namespace Atoll::host {
namespace {

using Keys = std::vector<KeySpec>;

constexpr Kind kKinds[] = {
    {"storage", ATOLL_STORAGE_FS, "a storage driver"},    {"auth", ATOLL_AUTH, "an authenticator"},
    {"registry", ATOLL_REGISTRY, "a registry of spaces"}, {"http", ATOLL_HTTP, "a protocol over HTTP"},
    {"share", "atoll.share/1", "a store of shares"},      {"events", ATOLL_EVENTS, "a consumer of events"},
};

}  // namespace

std::span<const KeySpec> server_keys() {
  static const Keys keys = {
      {"listen",
       ATOLL_CONFIG_TEXT,
       0,
       "127.0.0.1:9200",
       {},
       "Where clients connect, one or more words: ADDRESS:PORT or [IPv6]:PORT (over TLS unless tls = off), the same "
       "with https:// or http:// in front, unix:/path (plain), systemd or systemd:NAME for sockets that systemd "
       "passes."},
      {"tls",
       ATOLL_CONFIG_CHOICE,
       0,
       "off",
       {"off", "auto", "files"},
       "off: plain HTTP, on loopback and unix sockets only. auto: the first start makes a self-signed certificate. "
       "files: tls_certificate and tls_key. SIGHUP reads the files again."},
      {"tls_certificate",
       ATOLL_CONFIG_PATH,
       0,
       std::nullopt,
       {},
       "PEM file: the server's certificate first, then the chain. With tls = auto: tls/certificate.pem below data."},
      {"tls_key",
       ATOLL_CONFIG_PATH,
       0,
       std::nullopt,
       {},
       "PEM file with the key, without a password, readable by the server's user only. With tls = auto: tls/key.pem "
       "below data."},
      {"tls_minimum", ATOLL_CONFIG_CHOICE, 0, "1.2", {"1.2", "1.3"}, "The oldest version of TLS that is spoken."},
      {"tls_kernel",
       ATOLL_CONFIG_BOOLEAN,
       0,
       "yes",
       {},
       "Whether the kernel encrypts what is sent where it can (kernel TLS), which saves copies of large files."},
      {"plain_http",
       ATOLL_CONFIG_BOOLEAN,
       0,
       "no",
       {},
       "yes allows plain HTTP beyond loopback. Passwords cross the network readable then: only for a network where "
       "nobody but a proxy with TLS can connect."},
      {"trusted_proxies",
       ATOLL_CONFIG_TEXT,
       0,
       "",
       {},
       "Addresses and networks of proxies (192.0.2.7, 10.0.0.0/8, fd00::/8, unix) whose Forwarded or "
       "X-Forwarded-For, -Proto and -Host headers say who the client is. From anybody else they are ignored."},
      {"metrics_listen",
       ATOLL_CONFIG_TEXT,
       0,
       "auto",
       {},
       "Where /healthz, /readyz and /metrics are: words as in listen but plain unless https:// is in front, off, or "
       "auto for 127.0.0.1 and the port after the one of listen. There is no login on it: keep it on loopback."},
      {"data",
       ATOLL_CONFIG_PATH,
       0,
       "/var/lib/atoll",
       {},
       "The folder that relative paths of all sections start from; also holds the lock and the control socket."},
      {"workers",
       ATOLL_CONFIG_INTEGER,
       0,
       "0",
       {},
       "Threads that handle requests; 0 means 24, or four per processor if that is more. Changes that wait for the "
       "disk at the same time share its work, so more threads make more of them in a second."},
      {"public_url",
       ATOLL_CONFIG_TEXT,
       0,
       "",
       {},
       "Where clients reach this server: https://cloud.example.org. Addresses that the server gives out begin with "
       "it. Without it they begin with the first address of listen; the Host header of a request is never believed."},
      {"project_creators",
       ATOLL_CONFIG_CHOICE,
       0,
       "users",
       {"users", "space-admins", "admins"},
       "Who may make project spaces: everybody but guests, or from which role on."},
      {"space_templates",
       ATOLL_CONFIG_PATH,
       0,
       std::nullopt,
       {},
       "Folder with templates of project spaces, one folder each: what is in it a space begins with that is made "
       "with POST drives?template=NAME. .space/readme.md becomes its readme, .space/image.png (or another ending) "
       "its picture. At most 1000 files and folders and 64 MiB. A template named default is there anyway."},
      {"show_mail",
       ATOLL_CONFIG_BOOLEAN,
       0,
       "no",
       {},
       "Whether users see the mail addresses of other users. Without it they find somebody by his whole address only, "
       "and admins "
       "see them."},
      {"personal_quota",
       ATOLL_CONFIG_SIZE,
       0,
       "0",
       {},
       "Quota of new personal spaces, for example 50G; 0: none. Admins change it for each space."},
      {"project_quota", ATOLL_CONFIG_SIZE, 0, "0", {}, "The same for new project spaces."},
      {"stale_listings",
       ATOLL_CONFIG_DURATION,
       0,
       "0s",
       {},
       "How long the list of somebody's spaces may be answered from memory while a registry does not answer; after "
       "that, and for those who have not asked before, it is 503. 0s: never. Only for registries that no other server "
       "changes: what another one has added is not in the list. Files are not served from memory."},
      {"max_connections",
       ATOLL_CONFIG_INTEGER,
       0,
       "16384",
       {},
       "Client connections at the same time; one more is answered 503."},
      {"max_connections_per_address",
       ATOLL_CONFIG_INTEGER,
       0,
       "1024",
       {},
       "The same from one address (IPv6: one /64 network), else 429; 0: no limit. Loopback, unix sockets and "
       "trusted_proxies have no such limit."},
      {"max_head", ATOLL_CONFIG_SIZE, 0, "32K", {}, "Largest head of a request (request line and headers), else 431."},
      {"max_buffered_body",
       ATOLL_CONFIG_SIZE,
       0,
       "16M",
       {},
       "Largest body of a request that is kept in memory (PROPFIND, LOCK, POST, not uploads), else 413."},
      {"max_buffered_total",
       ATOLL_CONFIG_SIZE,
       0,
       "128M",
       {},
       "The same over all requests at the same time, else 503."},
      {"max_answer_bytes",
       ATOLL_CONFIG_SIZE,
       0,
       "512M",
       {},
       "Memory of answers that wait for their clients to take them (listings, not files), else 503."},
      {"head_timeout", ATOLL_CONFIG_DURATION, 0, "15s", {}, "How long a client may take to send the head."},
      {"idle_timeout", ATOLL_CONFIG_DURATION, 0, "75s", {}, "How long a connection may wait between requests."},
      {"body_timeout", ATOLL_CONFIG_DURATION, 0, "60s", {}, "How long an upload may stand still."},
      {"write_timeout", ATOLL_CONFIG_DURATION, 0, "60s", {}, "How long a download may stand still."},
      {"min_rate",
       ATOLL_CONFIG_SIZE,
       0,
       "128",
       {},
       "Bytes in a second that an upload or a download must reach as its mean, else it is cut off; 0: no limit."},
      {"rate_grace", ATOLL_CONFIG_DURATION, 0, "30s", {}, "How long a transfer may be slower than that."},
      {"compress",
       ATOLL_CONFIG_BOOLEAN,
       0,
       "yes",
       {},
       "Whether listings and other text are sent with gzip to clients that ask for it. Files never are."},
      {"drain_timeout",
       ATOLL_CONFIG_DURATION,
       0,
       "20s",
       {},
       "How long running requests may take to finish after SIGTERM."},
      {"realm", ATOLL_CONFIG_TEXT, 0, "Atoll", {}, "What login dialogs call this server."},
  };
  return keys;
}

std::span<const KeySpec> log_keys() {
  static const Keys keys = {
      {"level",
       ATOLL_CONFIG_CHOICE,
       ATOLL_CONFIG_RELOADABLE,
       "info",
       {"debug", "info", "warning", "error"},
       "The least severe lines that are written."},
      {"format",
       ATOLL_CONFIG_CHOICE,
       ATOLL_CONFIG_RELOADABLE,
       "text",
       {"text", "json"},
       "text for people, json (one object a line) for collectors."},
      {"access",
       ATOLL_CONFIG_BOOLEAN,
       ATOLL_CONFIG_RELOADABLE,
       "no",
       {},
       "Whether each request is logged with method, path, status, bytes and duration."},
  };
  return keys;
}

std::span<const KeySpec> database_keys() {
  static const Keys keys = {
      {"url",
       ATOLL_CONFIG_DATABASE,
       ATOLL_CONFIG_SECRET,
       std::nullopt,
       {},
       "The database of all plugins that can share one and are not given another: sqlite:PATH, or "
       "postgresql://USER:PASSWORD@HOST:PORT/DATABASE. Without it each has an SQLite file of its own."},
  };
  return keys;
}

std::span<const KeySpec> storage_keys() {
  static const Keys keys = [] {
    Keys all(instance_keys().begin(), instance_keys().end());
    const Keys more = {
        {"takes", ATOLL_CONFIG_CHOICE, 0, "all", {"all", "personal", "projects"}, "Which new spaces may be made here."},
        {"takes_owners",
         ATOLL_CONFIG_TEXT,
         0,
         "",
         {},
         "Login names, with commas between them: spaces that these make are made here, before any other storage. "
         "With this or takes_groups nobody else's are."},
        {"takes_groups",
         ATOLL_CONFIG_TEXT,
         0,
         "",
         {},
         "Names of groups, with commas between them: spaces that their members make are made here, before storages "
         "that name nobody."},
        {"weight",
         ATOLL_CONFIG_INTEGER,
         0,
         std::nullopt,
         {},
         "Its share of new spaces beside other storages that take them just as well, 0 to 1000. Where none of them "
         "has a weight, the first one of the file takes them all; where one has, it is 1 for the others."},
        {"drain",
         ATOLL_CONFIG_BOOLEAN,
         0,
         "no",
         {},
         "yes: no new spaces here. Those that are here stay until atoll space move moves them."},
    };
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return keys;
}

std::span<const KeySpec> instance_keys() {
  static const Keys keys = {
      {"plugin",
       ATOLL_CONFIG_TEXT,
       ATOLL_CONFIG_REQUIRED,
       std::nullopt,
       {},
       "Name of a plugin in the plugin folder (atoll plugin list), or the absolute path of a .so file."},
      {"enabled", ATOLL_CONFIG_BOOLEAN, 0, "yes", {}, "no leaves this section out, as if it were not there."},
  };
  return keys;
}

std::span<const Kind> kinds() { return kKinds; }

const Kind *find_kind(std::string_view name) {
  for (const auto &kind : kKinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

std::string_view embedded_configuration() {
  return "[auth:local]\nplugin = auth-local\n"
         "[registry:main]\nplugin = registry-sql\n"
         "[storage:home]\nplugin = storage-posix\n"
         "[http:webdav]\nplugin = api-webdav\n"
         "[http:ocs]\nplugin = share-ocs\n"
         "[http:graph]\nplugin = api-graph\n"
         "[http:web]\nplugin = web\n"
         "[http:account]\nplugin = api-account\n";
}

}  // namespace Atoll::host
