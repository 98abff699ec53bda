// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/dimension_changes.h"

#include <algorithm>
#include <utility>

#include "bgworker/process/memory_bound.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/trend_status.h"

namespace trending {

namespace {

bool are_any = false;

// A tuple whose columns are read by the numbers of the table that it is of.
struct DecodedRow {
  HeapTuple tuple;
  TupleDesc descriptor;

  Datum value(AttrNumber attribute, bool* isnull) const {
    return heap_getattr(tuple, attribute, descriptor, isnull);
  }
  // Whether the WAL does not have it, since an update left it alone.
  bool lacks(AttrNumber attribute) const {
    if (TupleDescAttr(descriptor, attribute - 1)->attlen != -1) return false;
    bool isnull = false;
    const Datum at = value(attribute, &isnull);
    return !isnull && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(at));
  }
};

enum class KeyOutcome : uint8_t { kKey, kNull, kUnknown };

// The key of a row, into reader->joined_key.
KeyOutcome read_key(const DimensionFollower& follower, const DecodedRow& row) {
  RowReader* reader = follower.trend->reader;
  const Dimension& dimension = follower.trend->definition->dimensions[follower.dimension];
  for (int i = 0; i < dimension.key.count; i++) {
    if (row.lacks(follower.key[i])) return KeyOutcome::kUnknown;
    reader->key_values[i] =
        dimension_key_value(dimension.key_columns[i].type, row.value(follower.key[i], &reader->key_nulls[i]));
    if (reader->key_nulls[i]) return KeyOutcome::kNull;
  }
  // What is too long for a key is too long for the unique index.
  return key_encode(dimension.key, reader->key_values, reader->key_nulls, &reader->joined_key)
             ? KeyOutcome::kKey
             : KeyOutcome::kNull;
}

// The columns that are read, packed. What the new version lacks and the old one, which may be none, lacks as well is
// noted in `same`, of room for all columns.
MinimalTuple read_columns(const DimensionFollower& follower, const DecodedRow& row, const DecodedRow& old,
                          uint16_t* same, int* same_count) {
  RowReader* reader = follower.trend->reader;
  const int count = follower.trend->definition->dimensions[follower.dimension].column_count;
  *same_count = 0;
  for (int i = 0; i < count; i++) {
    const AttrNumber attribute = follower.columns[i];
    bool is_missing = row.lacks(attribute);
    const DecodedRow* from = &row;
    if (is_missing && old.tuple != nullptr) {
      bool isnull = false;
      (void)old.value(attribute, &isnull);  // NULL where the identity does not have it
      is_missing = isnull || old.lacks(attribute);
      from = &old;
    }
    if (is_missing) {
      same[(*same_count)++] = static_cast<uint16_t>(i);
      reader->tuple_nulls[i] = true;
    } else {
      reader->tuple_values[i] = from->value(attribute, &reader->tuple_nulls[i]);
    }
  }
  return pack_dimension(reader, follower.dimension, reader->tuple_values, reader->tuple_nulls);
}

std::string as_string(const StringInfoData& bytes) {
  return std::string(bytes.data, static_cast<size_t>(bytes.len));
}

// The trend is refilled after the transaction that is being decoded, which its state does not take.
void leave_to_filling(FollowedTrend* trend, const char* reason) {
  trend->fill.outdated = true;
  dimension_changes_clear(trend);
  trend_ask_to_fill(trend, reason);
}

bool follows_changes(const FollowedTrend* trend) {
  return (trend->state == FillState::kRunning || trend->state == FillState::kAwaiting) &&
         !trend->fill.outdated;
}

}  // namespace

Datum dimension_key_value(Oid type, Datum value) {
  if (type == INT2OID) return Int64GetDatum(DatumGetInt16(value));
  if (type == INT4OID) return Int64GetDatum(DatumGetInt32(value));
  return value;
}

namespace {

// In reader->row_memory. False: the key of the old or new version is not known.
bool collect(const DimensionFollower& follower, const DecodedRow& old, const DecodedRow& row) {
  RowReader* reader = follower.trend->reader;
  JoinedRows* joined = follower.trend->joined.get();
  const int columns = follower.trend->definition->dimensions[follower.dimension].column_count;
  auto* same = static_cast<uint16_t*>(palloc(sizeof(uint16_t) * static_cast<Size>(columns + 1)));
  int same_count = 0;
  MinimalTuple packed = row.tuple == nullptr ? nullptr : read_columns(follower, row, old, same, &same_count);

  DimensionChange* change = &joined->changes.emplace_back();
  change->dimension = follower.dimension;
  if (old.tuple != nullptr) {
    const KeyOutcome outcome = read_key(follower, old);
    if (outcome == KeyOutcome::kUnknown) return false;
    change->has_old = outcome == KeyOutcome::kKey;
    if (change->has_old) change->old_key = as_string(reader->joined_key);
  }
  if (row.tuple != nullptr) {
    const KeyOutcome outcome = read_key(follower, row);
    // A toasted key that was left alone is in the old version, as all of the identity is then.
    if (outcome == KeyOutcome::kUnknown && !change->has_old) return false;
    if (outcome == KeyOutcome::kUnknown) change->new_key = change->old_key;
    if (outcome == KeyOutcome::kKey) change->new_key = as_string(reader->joined_key);
    change->has_new = outcome != KeyOutcome::kNull;
    if (change->has_new) change->row.assign(reinterpret_cast<const char*>(packed), packed->t_len);
    change->same.assign(same, same + same_count);
  }
  joined->change_bytes +=
      sizeof(DimensionChange) + change->old_key.size() + change->new_key.size() + change->row.size();
  return true;
}

}  // namespace

void collect_dimension(const DimensionFollower& follower, TupleDesc descriptor, ReorderBufferChange* change) {
  FollowedTrend* trend = follower.trend;
  if (!follows_changes(trend)) return;
  HeapTuple old_row = compat::decoded_tuple(change->data.tp.oldtuple);
  HeapTuple new_row = compat::decoded_tuple(change->data.tp.newtuple);
  MemoryContext caller = MemoryContextSwitchTo(trend->reader->row_memory);
  bool is_known = collect(follower, {old_row, descriptor}, {new_row, descriptor});
  MemoryContextSwitchTo(caller);
  MemoryContextReset(trend->reader->row_memory);
  DimensionChange* made = &trend->joined->changes.back();
  // Without an old version the identity, and so the key, is as it was.
  if (change->action == REORDER_BUFFER_CHANGE_UPDATE && old_row == nullptr) {
    made->has_old = made->has_new;
    made->old_key = made->new_key;
  }
  is_known = is_known && (change->action != REORDER_BUFFER_CHANGE_DELETE || old_row != nullptr);
  are_any = true;
  if (!is_known) leave_to_filling(trend, "A row of a joined table was changed whose key is not known.");
  if (trend->joined->change_bytes > transaction_bound())
    leave_to_filling(trend, "A transaction changed more rows of a joined table than can be held in memory.");
}

void dimension_truncated(FollowedTrend* trend) {
  if (trend->state != FillState::kStopped) leave_to_filling(trend, "A joined table was truncated.");
}

bool dimension_changes_any() {
  return are_any;
}

void dimension_changes_end() {
  are_any = false;
}

void dimension_changes_settle(FollowedTrend* trend, TransactionId xid) {
  if (!trend->joined->filter.counts(xid)) dimension_changes_clear(trend);
}

void dimension_changes_clear(FollowedTrend* trend) {
  trend->joined->changes.clear();
  trend->joined->change_bytes = 0;
}

bool is_dimension(const JoinedRows& joined, Oid relation, List* ancestors) {
  return std::any_of(joined.relations.begin(), joined.relations.end(),
                     [&](Oid d) { return d == relation || list_member_oid(ancestors, d); });
}

namespace {

std::vector<DimensionTable>& seen_tables = *new std::vector<DimensionTable>();  // for a while

void note_table(Oid table) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return;
  const auto* row = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
  seen_tables.push_back({table, row->relfilenode, row->relpersistence});
  ReleaseSysCache(tuple);
}

void look_at_tables(const JoinedRows& joined) {
  seen_tables.clear();
  for (Oid relation : joined.relations) {
    ListCell* cell = nullptr;
    foreach (cell, find_all_inheritors(relation, NoLock, nullptr)) note_table(lfirst_oid(cell));
  }
}

}  // namespace

void dimensions_note_tables(FollowedTrend* trend) {
  look_at_tables(*trend->joined);
  trend->joined->tables = seen_tables;
  trend->joined->tables_known = true;
}

void dimensions_compare_tables(FollowedTrend* trend) {
  if (!trend->joined->tables_known) return;
  look_at_tables(*trend->joined);
  if (trend->joined->tables == seen_tables) return;
  trend->joined->tables = seen_tables;
  trend_ask_to_fill(trend,
                    "A joined table, or a partition of it, was rewritten, attached, detached or dropped.");
}

}  // namespace trending
