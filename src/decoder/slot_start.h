// SPDX-License-Identifier: PostgreSQL
// Making a logical slot, with a starting point from which every transaction is decoded rightly.
//
// The server's way (DecodingContextFindStartpoint) has a gap. Its snapshot builder goes through three steps,
// each at an xl_running_xacts record, and waits between them for the transactions that the record names:
//
//   step 1  starts to look at commits, but at nothing that transactions do before they commit
//   step 2  starts to look at what transactions do, and hands out catalog snapshots
//   step 3  consistent: transactions that commit from here on are decoded
//
// A transaction with catalog changes that commits between 1 and 2, or makes them before 2 and commits between
// 2 and 3, is not known as one that changed catalogs. A snapshot made between 2 and 3 takes its changes for
// not yet committed, unless it is older than every transaction that then ran. Such a snapshot is handed to
// every transaction that begins after it, before *and after* 3, until the next catalog change commits:
// relations that are missing ("could not map filenode", for ever), rows read with a shape that is past. After
// 3 nothing is wrong with what the builder knows: at 3 all transactions that it did not see from their
// beginning have ended, and the record of 3 lets it take their fate from the commit log. It merely goes on
// with a snapshot made before.
//
// So, unless the builder got to 3 at once because nothing ran:
//
//   after 3  we commit an empty transaction that is marked as changing catalogs. The builder makes a new
//            snapshot there, from what it knows then, which is right, and hands that to all who begin later.
//   then     we have the running transactions logged once more, wait for those, and start after all of them.
//
// Every transaction that commits past the start began after the new snapshot was made, so it was decoded
// under that one or a later one from its first change on. Transactions that commit earlier are skipped. This
// stays so when decoding begins again at the slot's restart position: read again, the same records bring the
// builder to each step at the same place or earlier, be it by a snapshot that some slot left on disk.
#pragma once

#include "postgres/server.h"

namespace trending {

// Who may say for whom the start waits: called with the transactions that still run, again and again while
// they do, and with none when the waiting is over.
using WaitsFor = void (*)(const TransactionId* xids, int count);

// Creates the slot and finds its start; waits for transactions as long as they take. Call outside a
// transaction. With `failover` standbys may copy it. Returns the starting point; the slot has been released.
XLogRecPtr slot_create_and_start(const char* slot, bool failover, WaitsFor waits_for);

}  // namespace trending
