// SPDX-License-Identifier: PostgreSQL
#include "catalog/history_scan.h"

#include <algorithm>

#include "catalog/history_table.h"

namespace trending {

namespace {

// All times, but -infinity and infinity.
constexpr Time kFirst = DT_NOBEGIN + 1;
constexpr Time kLast = DT_NOEND - 1;

Time time_of(const OwnedTable* table, TupleTableSlot* row, int column) {
  bool isnull = false;
  Datum value = owned_value(table, row, column, &isnull);
  return isnull ? kNoTime : DatumGetInt64(value);
}

bool is_final(const OwnedTable* table, TupleTableSlot* row) {
  bool isnull = false;
  Datum value = owned_value(table, row, own_columns_at(*table->shape, kHistoryOwnColumns), &isnull);
  return !isnull && DatumGetBool(value);
}

}  // namespace

void delete_window(OwnedTable* table, const Window& window) {
  owned_scan(table, kHistoryEnd, window.end, window.end, false, [&](TupleTableSlot* row) {
    if (time_of(table, row, kHistoryStart) == window.start) (void)owned_delete(table, row, RowLock::kFail);
    return true;
  });
}

void delete_windows_within(OwnedTable* table, Time from, Time to) {
  owned_scan(table, kHistoryEnd, from, to, false, [&](TupleTableSlot* row) {
    if (time_of(table, row, kHistoryStart) >= from) (void)owned_delete(table, row, RowLock::kFail);
    return true;
  });
}

bool is_open_late_row(OwnedTable* table, TupleTableSlot* row) {
  bool no_reason = false;
  bool no_mark = false;
  const Datum reason = owned_value(table, row, kLateReason, &no_reason);
  const bool is_recomputed = DatumGetBool(owned_value(table, row, kLateRecomputed, &no_mark));
  if (no_reason || no_mark || is_recomputed) return false;
  const text* value = DatumGetTextPP(reason);
  return VARSIZE_ANY_EXHDR(value) == strlen("late") && memcmp(VARDATA_ANY(value), "late", 4) == 0;
}

void delete_after(OwnedTable* table, Time after, Time final_after) {
  owned_scan(table, kHistoryEnd, std::max(kFirst, std::min(after, final_after)), kLast, false,
             [&](TupleTableSlot* row) {
               const Time bound = is_final(table, row) ? final_after : std::min(after, final_after);
               if (time_of(table, row, kHistoryEnd) > bound) (void)owned_delete(table, row, RowLock::kFail);
               return true;
             });
}

void mark_final_between(OwnedTable* table, Time first, Time last) {
  const int column = own_columns_at(*table->shape, kHistoryOwnColumns);
  owned_scan(table, kHistoryEnd, first, last, false, [&](TupleTableSlot* row) {
    if (!is_final(table, row)) owned_set(table, row, column, BoolGetDatum(true));
    return true;
  });
}

int64 delete_expired(OwnedTable* table, int column, Time before) {
  int64 deleted = 0;
  if (before <= kFirst) return deleted;
  owned_scan(table, column, kFirst, before - 1, false, [&](TupleTableSlot* row) {
    if (owned_delete(table, row, RowLock::kSkip)) deleted++;
    return true;
  });
  return deleted;
}

void add_unfinal_ends(OwnedTable* table, std::set<Time>* ends) {
  owned_scan(table, kHistoryEnd, kFirst, kLast, false, [&](TupleTableSlot* row) {
    if (!is_final(table, row)) ends->insert(time_of(table, row, kHistoryEnd));
    return true;
  });
}

Time first_end(OwnedTable* table) {
  Time first = kEndTime;
  owned_scan(table, kHistoryEnd, kFirst, kLast, false, [&](TupleTableSlot* row) {
    first = std::min(first, time_of(table, row, kHistoryEnd));
    return !table->in_order;
  });
  return first;
}

Time last_end(OwnedTable* table, Time until, Time final_until) {
  Time last = kNoTime;
  owned_scan(table, kHistoryEnd, kFirst, std::min(kLast, std::max(until, final_until)), true,
             [&](TupleTableSlot* row) {
               const Time end = time_of(table, row, kHistoryEnd);
               const bool counts = end <= (is_final(table, row) ? final_until : until);
               if (counts) last = std::max(last, end);
               return !(counts && table->in_order);
             });
  return last;
}

bool last_window(OwnedTable* table, Window* last) {
  *last = Window{};
  owned_scan(table, kHistoryEnd, kFirst, kLast, true, [&](TupleTableSlot* row) {
    const Window window{time_of(table, row, kHistoryStart), time_of(table, row, kHistoryEnd)};
    if (table->in_order && last->end != kNoTime && window.end != last->end) return false;
    if (window.end > last->end || (window.end == last->end && window.start > last->start)) *last = window;
    return true;
  });
  return last->end != kNoTime;
}

}  // namespace trending
