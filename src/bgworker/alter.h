// SPDX-License-Identifier: PostgreSQL
// Options that change while a trend runs, at exactly the position of the transaction that changes them.
#pragma once

#include "bgworker/process/worker.h"

namespace trending {

// Goes on under other options, with the state that is there.
void trend_alter(FollowedTrend* trend, const AlteredTrend& altered);

}  // namespace trending
