// SPDX-License-Identifier: Apache-2.0
// If-Match and If-None-Match of operations that change something. [any thread]
#pragma once

#include <atoll/sdk/call.hpp>

#include <optional>
#include <string_view>

#include "core/base/conditional.hpp"

namespace Atoll::webdav {

using base::ConditionalFields;
using base::EtagList;
using base::evaluate_read;
using base::parse_etags;
using base::range_applies;
using base::Verdict;

/// If-Match and If-None-Match for an operation that changes something: they are checked by whoever commits. False when
/// malformed.
bool to_conditions(const ConditionalFields &fields, Conditions &out);

/// The same conditions against what is known now; `etag` is nullopt for something that is not there.
bool conditions_hold(const Conditions &conditions, std::optional<std::string_view> etag);

}  // namespace Atoll::webdav
