// SPDX-License-Identifier: PostgreSQL
// Reading the tables that a trend joins to its source, when it is filled: under the snapshot that the source is read
// under, so that both are of one moment. What is decoded is told from what was read by their transactions
// (JoinedRows::filter), as for the source.
#pragma once

namespace trending {

struct FollowedTrend;

// In a transaction with an active snapshot.
void dimensions_read(FollowedTrend* trend);

}  // namespace trending
