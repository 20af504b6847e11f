// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/api_graph.hpp"

ATOLL_PLUGIN(Atoll::graph::ApiGraph)
