// SPDX-License-Identifier: Apache-2.0
#include "core/host/configuration.hpp"

#include <doctest/doctest.h>

#include "core/host/server_section.hpp"
#include "core/host/test_support.hpp"

namespace Atoll::host {
namespace {

struct Read {
  testing::Folder folder;
  PluginLoader loader{PluginPath{{TEST_PLUGINS}, true}};
  Problems problems;
  Configuration configuration;
  std::string file;

  explicit Read(const std::string &text, std::vector<std::string> environment = {}) {
    Sources sources;
    sources.file = file = folder.write("a.ini", text);
    sources.required = true;
    sources.environment = std::move(environment);
    sources.command_line = {{"server", "data", "/srv/data/", "--data"}};
    configuration = read_configuration(sources, loader, problems);
  }
  bool tells(const std::string &line, const std::string &part) const {
    const std::string all = testing::text(problems);
    return all.find(file + ":" + line + ": ") != all.npos && all.find(part) != all.npos;
  }
};

TEST_CASE("configuration: a good one") {
  const Read read("[server]\nlisten = 127.0.0.1:1\n[registry:main]\nplugin = good\nroot = r\npassword = hunter2\n",
                  {"ATOLL__REGISTRY__MAIN__CACHE=2M"});
  CHECK(testing::text(read.problems) == "");
  CHECK(read.configuration.data == "/srv/data");
  REQUIRE(read.configuration.instances.size() == 1);
  const auto &values = read.configuration.instances[0].values;
  CHECK(values.at("root").text == "/srv/data/r");
  CHECK(values.at("cache").integer == 2 << 20);
  const std::string shown = show_configuration(read.configuration);
  CHECK(shown.find("hunter2") == shown.npos);
  CHECK(shown.find("environment ATOLL__REGISTRY__MAIN__CACHE") != shown.npos);
  CHECK(shown.find(read.file + ":5") != shown.npos);
  CHECK(shown.find("command line --data") != shown.npos);
}

TEST_CASE("configuration: all problems at once, with their places") {
  const Read read(
      "[sever]\n[server]\nlisten_on = x\nworkers = many\n[storge:home]\nplugin = good\n[registry:a]\nplugin = god\n"
      "[storage:b]\nplugin = good\n[registry:c]\n[log]\nlevel = inf\n[registry:d]\nplugin = good\nroot = r\nchache = "
      "1\n");
  CHECK(read.tells("1", "there is no section [sever]; did you mean [server]?"));
  CHECK(read.tells("3", "[server] has no key 'listen_on'"));
  CHECK(read.tells("4", "workers: 'many' is no integer"));
  CHECK(read.tells("5", "there is no section [storge:home]; did you mean [storage:home]?"));
  CHECK(read.tells("8", "did you mean 'good'?"));
  CHECK(read.tells("10", "is not a storage driver"));
  CHECK(read.tells("11", "[registry:c] needs 'plugin = ...'"));
  CHECK(read.tells("13", "did you mean 'info'?"));
  CHECK(read.tells("17", "did you mean 'cache'?"));
  CHECK(read.problems.size() == 9);
}

TEST_CASE("configuration: where clients reach the server is what is set, else the first address") {
  const auto url = [](const std::string &text) {
    const Read read("[server]\n" + text);
    return read.problems.empty() ? read.configuration.public_url : testing::text(read.problems);
  };
  CHECK(url("public_url = https://cloud.example/\n") == "https://cloud.example");
  CHECK(url("public_url = http://cloud.example:8080/atoll\n") == "http://cloud.example:8080/atoll");
  CHECK(url("listen = 127.0.0.1:9999 [::1]:9200\n") == "http://127.0.0.1:9999");
  CHECK(url("listen = unix:/x [::1]:9200\n") == "http://[::1]:9200");
  CHECK(url("listen = unix:/x\n") == "http://localhost");
  const std::string all = url("plain_http = yes\nlisten = 0.0.0.0:9200\n");
  CHECK(all.find("http://") == 0);
  CHECK(all.find("0.0.0.0") == all.npos);
  for (const char *bad :
       {"cloud.example", "/", "https://", "https:///x", "ftp://x", "https://a b", "https://x?y", "https://x#y"})
    CHECK_MESSAGE(url(std::string("public_url = ") + bad + "\n").find("public_url: write") != std::string::npos, bad);
}

TEST_CASE("configuration: a need that nobody meets") {
  const Read read("[registry:a]\nplugin = need\nroot = r\n");
  CHECK(read.tells("1", "[registry:a] needs org.example.nobody/1, and no section"));
}

TEST_CASE("configuration: a disabled section is not there") {
  const Read read("[registry:a]\nplugin = nonsense\nenabled = no\n");
  CHECK(read.problems.empty());
  CHECK(read.configuration.instances.empty());
}

TEST_CASE("configuration: plain HTTP beyond loopback") {
  for (const char *good :
       {"listen = 127.0.0.1:1 [::1]:2 localhost:3 unix:/run/a systemd", "listen = 0.0.0.0:1\nplain_http = yes",
        "listen = 0.0.0.0:1\ntls = auto", "listen = https://0.0.0.0:1 http://127.0.0.1:2\ntls = auto",
        "metrics_listen = 192.0.2.1:1\nplain_http = yes", "metrics_listen = https://192.0.2.1:1\ntls = auto",
        "metrics_listen = off"}) {
    CAPTURE(good);
    CHECK(testing::text(Read("[server]\n" + std::string(good) + "\n").problems) == "");
  }
  for (const char *bad : {"listen = 0.0.0.0:1", "listen = 127.0.0.1:1 192.0.2.1:1", "listen = [::]:1",
                          "listen = cloud.example:1", "listen = http://0.0.0.0:1\ntls = auto"}) {
    CAPTURE(bad);
    const Read read("[server]\n" + std::string(bad) + "\n");
    CHECK(read.problems.size() == 1);
    CHECK(read.tells("2", "readable through the network; set tls = auto"));
    CHECK(read.tells("2", "tls = files"));
    CHECK(read.tells("2", "plain_http = yes"));
  }
  CHECK(
      Read("[server]\nmetrics_listen = 0.0.0.0:1\ntls = auto\n").tells("2", "metrics_listen: plain HTTP at 0.0.0.0:1"));
}

TEST_CASE("configuration: TLS") {
  const Read automatic("[server]\ntls = auto\n");
  CHECK(automatic.configuration.tls.files.certificate == "/srv/data/tls/certificate.pem");
  CHECK(automatic.configuration.tls.files.key == "/srv/data/tls/key.pem");
  CHECK(automatic.configuration.tls.automatic);
  CHECK(automatic.configuration.listen.at(0).tls);
  const Read files(
      "[server]\ntls = files\ntls_certificate = c.pem\ntls_key = /etc/k.pem\ntls_minimum = 1.3\ntls_kernel = no\n");
  CHECK(files.problems.empty());
  CHECK(files.configuration.tls.files.certificate == "/srv/data/c.pem");
  CHECK(files.configuration.tls.files.key == "/etc/k.pem");
  CHECK(files.configuration.tls.files.only_tls_1_3);
  CHECK_FALSE(files.configuration.tls.files.kernel);
  CHECK_FALSE(Read("").configuration.tls.enabled);
  CHECK(Read("[server]\ntls = files\n").tells("2", "tls = files needs tls_certificate and tls_key"));
  CHECK(Read("[server]\ntls = files\ntls_key = k\n").tells("3", "needs tls_certificate"));
  CHECK(Read("[server]\ntls = auto\ntls_key = k\n").tells("3", "set both"));
  CHECK(Read("[server]\nlisten = https://127.0.0.1:1\n")
            .tells("2", "https://127.0.0.1:1 needs tls = auto or tls = files"));
  CHECK(Read("[server]\ntls = on\n").tells("2", "tls: 'on' is not one of off, auto or files"));
}

TEST_CASE("configuration: limits") {
  // What the tables say is what the engine does by itself.
  const Read plain("");
  REQUIRE(plain.problems.empty());
  const net::Options mine = engine_limits(plain.configuration), own;
  CHECK(mine.workers == own.workers);
  CHECK(mine.max_connections == own.max_connections);
  CHECK(mine.max_connections_per_address == own.max_connections_per_address);
  CHECK(mine.max_head == own.max_head);
  CHECK(mine.max_target == own.max_target);
  CHECK(mine.max_buffered_body == own.max_buffered_body);
  CHECK(mine.max_buffered_total == own.max_buffered_total);
  CHECK(mine.max_answer_bytes == own.max_answer_bytes);
  CHECK(mine.min_rate == own.min_rate);
  CHECK(mine.rate_grace == own.rate_grace);
  CHECK(mine.head_timeout == own.head_timeout);
  CHECK(mine.idle_timeout == own.idle_timeout);
  CHECK(mine.body_timeout == own.body_timeout);
  CHECK(mine.write_timeout == own.write_timeout);
  CHECK(mine.compress == own.compress);

  const Read other(
      "[server]\nworkers = 3\nmax_connections = 50\nmax_connections_per_address = 5\nmax_head = 8K\n"
      "max_buffered_body = 1M\nmax_buffered_total = 2M\nmax_answer_bytes = 4M\nmin_rate = 1K\nrate_grace = "
      "5s\nhead_timeout = 1s\n"
      "idle_timeout = 2s\nbody_timeout = 3s\nwrite_timeout = 4s\ncompress = no\n");
  REQUIRE(testing::text(other.problems) == "");
  const net::Options set = engine_limits(other.configuration);
  CHECK(set.workers == 3);
  CHECK(set.max_connections == 50);
  CHECK(set.max_connections_per_address == 5);
  CHECK(set.max_head == 8192);
  CHECK(set.max_target == 8192);
  CHECK(set.max_buffered_body == 1 << 20);
  CHECK(set.max_buffered_total == 2 << 20);
  CHECK(set.max_answer_bytes == 4 << 20);
  CHECK(set.min_rate == 1024);
  CHECK(set.rate_grace == std::chrono::seconds(5));
  CHECK(set.head_timeout == std::chrono::seconds(1));
  CHECK(set.idle_timeout == std::chrono::seconds(2));
  CHECK(set.body_timeout == std::chrono::seconds(3));
  CHECK(set.write_timeout == std::chrono::seconds(4));
  CHECK_FALSE(set.compress);

  for (const auto &[bad, why] : std::initializer_list<std::pair<const char *, const char *>>{
           {"max_connections = 0", "max_connections: write a number from 1 to 1000000"},
           {"workers = -1", "workers: write a number from 0"},
           {"max_head = 1", "max_head: write a size from 1K to 1M"},
           {"idle_timeout = 0s", "idle_timeout: write a duration from 1ms to 24h"},
           {"body_timeout = 25h", "body_timeout: write a duration"},
           {"max_buffered_body = 256M", "max_buffered_body (256M) does not fit into max_buffered_total (128M)"},
           {"max_buffered_total = 1M", "max_buffered_body (16M) does not fit into max_buffered_total (1M)"},
           {"max_connections_per_address = 20000", "is more than max_connections (16384)"},
           {"min_rate = 2G", "min_rate: write a size from 0 to 1G"},
           {"trusted_proxies = 10.0.0.1/8", "trusted_proxies: '10.0.0.1/8' has bits beyond its length"},
           {"listen = 9200", "listen: '9200' is no address"},
           {"metrics_listen = nowhere", "metrics_listen: 'nowhere' is no address"},
           {"listen =", "listen: there is no address"}}) {
    CAPTURE(bad);
    const Read read("[server]\n" + std::string(bad) + "\n");
    CHECK(testing::text(read.problems).find(why) != std::string::npos);
    CHECK(read.problems.size() == 1);
    CHECK(read.tells("2", why));
  }
  CHECK(Read("[server]\nmin_rate = 0\nrate_grace = 1s\n").tells("3", "rate_grace does nothing"));
  CHECK(Read("[server]\nmax_connections = 10\n").problems.empty());  // the default of the other adapts
}

TEST_CASE("configuration: tables of all keys") {
  const testing::Folder folder;
  std::filesystem::copy_file(TEST_PLUGINS "/good.so", folder.path() + "/good.so");
  PluginLoader loader(PluginPath{{folder.path()}, true});
  const auto text = keys_as_markdown(loader);
  REQUIRE(text.ok());
  CHECK(text->find("| `listen` | text | `127.0.0.1:9200` |") != text->npos);
  CHECK(text->find("### `plugin = good`") != text->npos);
  CHECK(text->find("| `root` | path | required | Where it is. |") != text->npos);
  CHECK(text->find("`password_file`") != text->npos);
}

}  // namespace
}  // namespace Atoll::host
