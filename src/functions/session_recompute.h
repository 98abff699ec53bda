// trending.recompute for sessions.
#pragma once

#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// The statement. Its parameters: from, to (timestamptz), history_limit (bigint), and the time before which
// history is final (timestamptz).
char* session_recompute_query(const Definition& definition);

}  // namespace trending
