// From decoded changes to applied events: the worker's sink (decoder/change_sink.h).
#pragma once

#include "decoder/change_sink.h"

namespace trending {

// Prepares the map from tables to trends and returns the sink.
const ChangeSink* collector_create();

// Whether a transaction that is being decoded changed a table while no trend followed it.
bool collector_left_out(Oid relation, TransactionId xid);

// The set of trends has changed: the map is found anew.
void collector_forget();

}  // namespace trending
