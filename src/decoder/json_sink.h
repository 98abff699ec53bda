// SPDX-License-Identifier: PostgreSQL
// The plugin for everybody else: one line of JSON per change that some trend follows.
//
//     {"action":"insert","table":"public.view_events","xid":754,"commit_lsn":"0/15D2AA8",
//      "commit_time":"2026-11-21 10:00:00+00","new":{"id":1,"post_id":42}}
#pragma once

#include "decoder/change_sink.h"

namespace trending {

// A sink that writes to the slot's reader. Reads which sources the database's trends follow, so it needs a
// transaction with an ordinary snapshot, except when the slot is only being created (`is_init`).
const ChangeSink* json_sink_create(LogicalDecodingContext* decoding, bool is_init);

}  // namespace trending
