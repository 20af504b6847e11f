// SPDX-License-Identifier: Apache-2.0
// Favourites: attributes of a node, one for each account that has marked it. The gateway lets everybody who may read a
// node mark it for himself, and nobody for others.
#ifndef ATOLL_SDK_FAVORITES_HPP
#define ATOLL_SDK_FAVORITES_HPP

#include <string_view>

namespace Atoll {
inline namespace sdk0 {

/// The namespace of these attributes; the name is the account's id, the value "1".
inline constexpr std::string_view kFavoriteNamespace = "urn:atoll:favorite";

}  // namespace sdk0
}  // namespace Atoll

#endif
