// SPDX-License-Identifier: Apache-2.0
#include "core/host/origin.hpp"

namespace Atoll::host {

std::string Origin::text() const {
  switch (kind) {
    case Kind::Embedded:
      return "built in";
    case Kind::File:
      return line == 0 ? where : where + ":" + std::to_string(line);
    case Kind::Environment:
      return "environment " + where;
    case Kind::CommandLine:
      return "command line " + where;
  }
  return where;
}

}  // namespace Atoll::host
