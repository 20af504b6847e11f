// SPDX-License-Identifier: Apache-2.0
#include "plugins/share-ocs/merge.hpp"

#include <Poco/JSON/Array.h>

namespace Atoll::ocs {

void merge(Poco::JSON::Object::Ptr into, const Poco::JSON::Object::Ptr &from) {
  for (const auto &[key, value] : *from) {
    const auto inner = from->getObject(key);
    const auto present = into->getObject(key);
    if (!inner.isNull() && !present.isNull()) {
      merge(present, inner);
      continue;
    }
    const auto list = from->getArray(key);
    auto present_list = into->getArray(key);
    if (!list.isNull() && !present_list.isNull()) {
      for (const auto &entry : *list) present_list->add(entry);
      continue;
    }
    into->set(key, value);
  }
}

}  // namespace Atoll::ocs
