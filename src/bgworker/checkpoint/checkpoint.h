// SPDX-License-Identifier: PostgreSQL
// Checkpoints: what is written of all trends, and how a worker begins with it.
#pragma once

#include "postgres/server.h"

namespace trending {

struct FollowedTrend;

// Writes what changed and the position in one transaction, then confirms the slot. False when that failed:
// the worker goes on, the reason is in the directory, and the next checkpoint writes everything.
bool checkpoint_write();
// The position of the stored checkpoint; invalid when there is none that belongs to this cluster, or it
// cannot be used, which is reported.
XLogRecPtr checkpoint_position();
// Loads the stored state of a trend into its empty state. False: there is none that fits its definition, or
// it cannot be used, which is reported. The state may then hold a part of it, and has to be rebuilt.
bool checkpoint_restore(FollowedTrend* trend);
// Forgets everything stored: the slot was lost, so what happened since is unknown.
void checkpoint_discard();

}  // namespace trending
