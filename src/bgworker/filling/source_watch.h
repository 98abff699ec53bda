// SPDX-License-Identifier: PostgreSQL
// Looking at sources between records, for what the callbacks of decoding could not see
// (intake/source_changes.h): that needs transactions of its own.
#pragma once

namespace trending {

struct FollowedTrend;

// Whether somebody has locked the source, or a part of it, against being read. Looked at now and then. To
// wait for one lock while holding others could make somebody's ALTER TABLE the victim of a deadlock, and all
// other trends would wait as well.
bool source_is_locked(FollowedTrend* trend);

// Looks at sources that changed: whether the definition still fits, and whether rows came with a partition.
void sources_follow();

}  // namespace trending
