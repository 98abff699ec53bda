// SPDX-License-Identifier: PostgreSQL
// The set of trends that the worker follows, kept equal to trending.trend.
#pragma once

namespace trending {

// Reads trending.trend: follows what is new, forgets what is gone. False: the extension itself is gone.
bool trends_refresh();

// On a standby: shows all trends as the checkpoint has them that was read last. False: the extension is gone.
bool trends_show_stored();

}  // namespace trending
