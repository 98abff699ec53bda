// SPDX-License-Identifier: PostgreSQL
// Queries of ours over a trend's source, in a session of somebody's: as the source's owner, whoever asks.
#pragma once

#include "definition/definition.h"
#include "postgres/as_table_owner.h"
#include "postgres/server.h"

namespace trending {

// Raises an error unless the current user may read what the trend reads of its source, and all of its rows.
void check_source_rights(const Definition& definition);

// Raises an error where the source's partitions belong to several owners: one query over them would run what
// one of them attached to his with another's rights (see tables_by_owner).
void check_source_owners(const Definition& definition);

// Dates in the queries' texts are written and read in ISO form meanwhile. Returns what AtEOXact_GUC() ends.
inline int iso_dates_begin() {
  const int nest_level = NewGUCNestLevel();
  (void)set_config_option("DateStyle", "ISO, YMD", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                          false);
  return nest_level;
}
inline void iso_dates_end(int nest_level) {
  AtEOXact_GUC(true, nest_level);
}

}  // namespace trending
