// SPDX-License-Identifier: Apache-2.0
// Joins the capability objects of all instances. [any thread]
#pragma once

#include <Poco/JSON/Object.h>

namespace Atoll::ocs {

/// Puts the keys of `from` into `into`: objects are merged key by key, arrays are joined, anything else is replaced.
void merge(Poco::JSON::Object::Ptr into, const Poco::JSON::Object::Ptr &from);

}  // namespace Atoll::ocs
