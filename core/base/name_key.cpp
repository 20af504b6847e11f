// SPDX-License-Identifier: Apache-2.0
#include "core/base/name_key.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace Atoll::base {

std::string name_key(std::string_view name) {
  std::string key(name);
  if (std::all_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
    for (char &c : key)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return key;
  }
  utf8proc_uint8_t *folded = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t *>(name.data()), static_cast<utf8proc_ssize_t>(name.size()),
                   &folded, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void *)> owned(folded, std::free);
  if (size >= 0) key.assign(reinterpret_cast<const char *>(folded), static_cast<std::size_t>(size));
  return key;
}

std::string name_key_version() { return std::string("1 ") + utf8proc_unicode_version(); }

}  // namespace Atoll::base
