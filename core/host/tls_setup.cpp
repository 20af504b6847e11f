// SPDX-License-Identifier: Apache-2.0
#include "core/host/tls_setup.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "core/base/time.hpp"
#include "core/host/log.hpp"
#include "core/host/networks.hpp"

namespace Atoll::host {
namespace {

constexpr std::int64_t kDay = 86400;

void append_interfaces(std::vector<std::string> &out) {
  ifaddrs *raw = nullptr;
  if (::getifaddrs(&raw) != 0) return;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs *)> all(raw, &::freeifaddrs);
  for (const ifaddrs *at = all.get(); at; at = at->ifa_next) {
    if (!at->ifa_addr) continue;
    Address address;
    if (at->ifa_addr->sa_family == AF_INET) {
      std::memcpy(address.bytes.data(), &reinterpret_cast<const sockaddr_in *>(at->ifa_addr)->sin_addr, 4);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto &v6 = reinterpret_cast<const sockaddr_in6 *>(at->ifa_addr)->sin6_addr;
      if (IN6_IS_ADDR_LINKLOCAL(&v6)) continue;
      std::memcpy(address.bytes.data(), &v6, 16);
      address.v6 = true;
    } else {
      continue;
    }
    out.push_back(address.text());
  }
}

std::string host_name() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

bool is_name(const std::string &text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-';
  });
}

}  // namespace

std::vector<std::string> certificate_names(const std::vector<std::string> &addresses) {
  std::vector<std::string> all{"localhost"};
  if (const std::string name = host_name(); is_name(name)) all.push_back(name);
  all.insert(all.end(), {"127.0.0.1", "::1"});
  for (const auto &address : addresses) {
    std::string host = address.substr(0, address.rfind(':'));
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    const auto parsed = Address::parse(host);
    if (parsed && parsed->any())
      append_interfaces(all);
    else if (parsed)
      all.push_back(parsed->text());
    else if (is_name(host))
      all.push_back(host);
  }
  std::vector<std::string> out;
  for (auto &name : all)
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(std::move(name));
  return out;
}

Result<std::shared_ptr<net::TlsContext>> open_tls(const TlsConfig &config, const std::vector<std::string> &addresses) {
  const auto &files = config.files;
  if (config.automatic) {
    const bool there = ::access(files.certificate.c_str(), F_OK) == 0;
    for (const auto &path : {files.certificate, files.key}) {
      std::error_code failed;
      const auto folder = std::filesystem::path(path).parent_path();
      if (std::filesystem::create_directories(folder, failed)) ::chmod(folder.c_str(), 0700);
      if (failed)
        return error(Status::PermissionDenied,
                     "cannot make " + folder.string() + " for the certificate of tls = auto: " + failed.message());
    }
    if (auto made = net::make_self_signed(files.certificate, files.key, certificate_names(addresses)); !made)
      return std::move(made).error();
    log(ATOLL_LOG_INFO, "server",
        std::string(there ? "the certificate is self-signed" : "made a self-signed certificate") +
            "; clients must trust the file " + files.certificate);
  }
  auto context = net::TlsContext::load(files);
  if (context) report_certificate(config, **context);
  return context;
}

void report_certificate(const TlsConfig &config, const net::TlsContext &context) {
  for (const auto &warning : context.warnings()) log(ATOLL_LOG_WARNING, "server", warning);
  warn_of_end(config, context.not_after());
}

void warn_of_end(const TlsConfig &config, std::int64_t not_after) {
  const std::int64_t left = not_after - base::now_unix_ns() / 1'000'000'000;
  if (left > 14 * kDay) return;
  const std::string end = base::iso8601(not_after);
  const std::string what = config.automatic ? "remove it and its key and start again, so that a new one is made"
                                            : "renew it, then send SIGHUP to this server";
  if (left <= 0)
    log(ATOLL_LOG_ERROR, "server", "the certificate has ended, so clients refuse it; " + what,
        {{"certificate", config.files.certificate}, {"ended", end}});
  else
    log(ATOLL_LOG_WARNING, "server", "the certificate ends soon; " + what,
        {{"certificate", config.files.certificate}, {"ends", end}, {"days", std::to_string(left / kDay)}});
}

}  // namespace Atoll::host
