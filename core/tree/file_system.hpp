// SPDX-License-Identifier: Apache-2.0
// What the file system of a storage root can do: tried out, not looked up by its name.
#pragma once

#include "core/base/file.hpp"

#include <cstddef>
#include <string>

namespace Atoll::tree {

struct FileSystem {
  std::string name;         ///< "ext4", "nfs", or the number of its kind in hex
  bool network = false;     ///< other machines may change it unheard
  bool attributes = false;  ///< extended attributes: ids are kept with the files
  bool hard_links = false;
  bool exchange = false;        ///< two names can be exchanged in one step
  bool reflinks = false;        ///< copies share their blocks
  bool folds_case = false;      ///< "a" and "A" are one name
  bool folds_forms = false;     ///< names in different normal forms of Unicode are one name
  bool exact_names = false;     ///< a name comes back as the bytes that it was given as
  std::size_t name_bytes = 0;   ///< the longest name that could be made
  bool durable_rename = false;  ///< fsync of a folder works, so that a rename in it survives a power cut

  /// All of it in one line, for the log and for people.
  std::string text() const;
};

/// Tries it out in a new folder below `at` (an open folder that no other program uses), which is gone afterwards.
/// Blocks. Errors only where not even a file can be made there. [any thread]
Result<FileSystem> probe_file_system(int at);

/// Whether it is a network file system, for which no watching works. [any thread]
bool on_network(int fd) noexcept;

}  // namespace Atoll::tree
