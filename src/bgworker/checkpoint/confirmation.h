// SPDX-License-Identifier: PostgreSQL
// Confirming checkpoints to the slot, which lets the server drop the WAL before them.
//
// After a promotion the standby goes on from the checkpoint that it has replayed, with the slot that it copied.
// A slot that is ahead of that checkpoint would have lost the transactions between the two. So a position is
// confirmed only when the commit of its checkpoint is flushed here and by the standbys that copy slots, as far as
// synchronized_standby_slots names them; the server keeps other decoders back in the same way. Where it names
// none the order may be broken for a moment. The promoted worker notices that, and refills.
#pragma once

#include "postgres/server.h"

namespace trending {

// A checkpoint of this position was committed, by a record that ends at `committed`. Confirms it now, if it may
// be, or later.
void confirm_when_safe(XLogRecPtr position, XLogRecPtr committed);

// Confirms what may be by now. To be called often.
void confirm_due();

// Whether a standby has kept checkpoints from being confirmed for long.
bool confirming_is_held_up();

}  // namespace trending
