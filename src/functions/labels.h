// SPDX-License-Identifier: PostgreSQL
// Labels: what trending_top10 shows beside a key, read from the label table as it is now.
#pragma once

#include "fdw/snapshot.h"
#include "postgres/server.h"

namespace trending {

// The labels of a snapshot's rows, palloc'd; null where a row has none, or none that the caller may see. A
// label that cannot be shown hides no row. Runs no code that a user wrote.
text** read_labels(const Definition& definition, const TrendSnapshot& snapshot);

}  // namespace trending
