// SPDX-License-Identifier: PostgreSQL
// What the worker reads and deletes in a history table, by the end of windows.
#pragma once

#include <set>

#include "engine/time/window.h"
#include "postgres/owned_table.h"
#include "postgres/server.h"

namespace trending {

void delete_window(OwnedTable* table, const Window& window);
// Deletes the windows that lie within [from, to].
void delete_windows_within(OwnedTable* table, Time from, Time to);
// Whether a row of <trend>_late came too late and is not taken in by recompute yet.
bool is_open_late_row(OwnedTable* table, TupleTableSlot* row);
// Deletes windows that end after a time and are not final, and those that end after another one.
void delete_after(OwnedTable* table, Time after, Time final_after);
void mark_final_between(OwnedTable* table, Time first, Time last);

// Deletes the rows whose time in a column is before a bound. Rows that somebody else has locked are left for
// the next time: the worker and trending.expire() never wait for each other. Returns how many there were.
int64 delete_expired(OwnedTable* table, int column, Time before);

// Adds the ends of the windows that are not final.
void add_unfinal_ends(OwnedTable* table, std::set<Time>* ends);
// The end of the first window; kEndTime: there is none.
Time first_end(OwnedTable* table);
// The end of the last window that ends up to a time, or, if it is final, up to another one; kNoTime: none
// does.
Time last_end(OwnedTable* table, Time until, Time final_until);
// The window that closed last, in the order of ends and then starts. False: there is none.
bool last_window(OwnedTable* table, Window* last);

}  // namespace trending
