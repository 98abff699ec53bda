// Labels: what trending_top10 shows beside a key, read from the label table as it is now.
#pragma once

#include "fdw/snapshot.h"
#include "postgres/server.h"

namespace trending {

// The labels of a snapshot's rows, palloc'd in the caller's context; null where a row has none, or the
// label's table or column is gone. Read with the caller's rights by a plan that is kept for the session.
text** read_labels(const Definition& definition, const TrendSnapshot& snapshot);

}  // namespace trending
