// SPDX-License-Identifier: PostgreSQL
// From decoded changes to applied events: the worker's sink (decoder/change_sink.h).
#pragma once

#include "decoder/change_sink.h"

namespace trending {

// Prepares the map from tables to trends and returns the sink.
const ChangeSink* collector_create();

}  // namespace trending
