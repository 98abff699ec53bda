// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/joined_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "postgres/settings.h"

namespace trending {

namespace {

// What a node of a map takes beside its key and its value.
constexpr size_t kNodeBytes = 64;

std::string_view view_of(KeyView bytes) {
  return {reinterpret_cast<const char*>(bytes.data), bytes.size};
}

KeyView view_of(const std::string& bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.data()), static_cast<uint32_t>(bytes.size())};
}

// --- rows of dimensions ---

size_t bytes_of(const DimensionRow& row) {
  return kNodeBytes + sizeof(DimensionRow) + row.key->size() + (row.row == nullptr ? 0 : row.row->t_len);
}

PackedRow copy_row(const void* row, size_t size) {
  auto* copy = static_cast<MinimalTuple>(std::malloc(size));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, row, size);
  return PackedRow(copy);
}

DimensionRow* row_at(JoinedRows* joined, int d, std::string_view key) {
  auto found = joined->rows[d].find(key);
  if (found != joined->rows[d].end()) return &found->second;
  auto made = joined->rows[d].emplace(std::string(key), DimensionRow{}).first;
  made->second.key = &made->first;
  joined->bytes += bytes_of(made->second);
  return &made->second;
}

void set_row(JoinedRows* joined, DimensionRow* row, PackedRow value) {
  joined->bytes -= bytes_of(*row);
  row->row = std::move(value);
  joined->bytes += bytes_of(*row);
}

// Forgets the place of a row that does not exist and that nobody asks for.
void drop_if_unused(JoinedRows* joined, int d, DimensionRow* row) {
  if (row->row != nullptr || row->first != nullptr || row->is_touched) return;
  joined->bytes -= bytes_of(*row);
  joined->rows[d].erase(joined->rows[d].find(*row->key));
}

// --- tuples ---

size_t bytes_of(const KeptTuple& tuple, const JoinedRows& joined) {
  return kNodeBytes + sizeof(KeptTuple) + tuple.bytes->size() +
         joined.relations.size() * sizeof(KeptTuple::Link) +
         (tuple.event == nullptr ? 0 : tuple.event->bytes());
}

void unlink(JoinedRows* joined, KeptTuple* tuple) {
  for (size_t d = 0; d < joined->relations.size(); d++) {
    KeptTuple::Link& link = tuple->links[d];
    if (link.row == nullptr) continue;
    (link.previous != nullptr ? link.previous->links[d].next : link.row->first) = link.next;
    if (link.next != nullptr) link.next->links[d].previous = link.previous;
    DimensionRow* row = link.row;
    link = {};
    drop_if_unused(joined, static_cast<int>(d), row);
  }
}

void link(KeptTuple* tuple, int d, DimensionRow* row) {
  tuple->links[d] = {row, row->first, nullptr};
  if (row->first != nullptr) row->first->links[d].previous = tuple;
  row->first = tuple;
}

void drop_tuple(JoinedRows* joined, KeptTuple* tuple) {
  unlink(joined, tuple);
  joined->bytes -= bytes_of(*tuple, *joined) + tuple->panes.size() * sizeof(PaneCount);
  joined->pane_counts -= tuple->panes.size();
  joined->tuples.erase(joined->tuples.find(*tuple->bytes));
}

// The event as a record without time and numbers.
PackedEventRecord record_of(const RowEvent& event) {
  const size_t words = size_t{event.arguments.word_count} * sizeof(int64_t);
  const size_t arguments = words + event.arguments.tail_size;
  const size_t size =
      sizeof(BatchRecord) + BatchRecord::padded(event.key.size) + BatchRecord::padded(arguments);
  void* memory = std::calloc(1, size);
  if (memory == nullptr) throw std::bad_alloc();
  auto* record = new (memory) BatchRecord{};
  record->key_size = event.key.size;
  record->argument_size = static_cast<uint32_t>(arguments);
  record->valid = event.valid;
  if (event.key.size > 0) std::memcpy(static_cast<void*>(record + 1), event.key.data, event.key.size);
  auto* at = reinterpret_cast<std::byte*>(const_cast<int64_t*>(record->arguments()));
  if (words > 0) std::memcpy(at, event.arguments.words, words);
  if (event.arguments.tail_size > 0) std::memcpy(at + words, event.arguments.tail, event.arguments.tail_size);
  return PackedEventRecord(record);
}

bool is_same(const BatchRecord* a, const BatchRecord* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->bytes() == b->bytes() && a->key_size == b->key_size && a->argument_size == b->argument_size &&
         a->valid == b->valid && std::memcmp(a + 1, b + 1, a->bytes() - sizeof(BatchRecord)) == 0;
}

// Finds out what the tuple counts as, and by which rows.
void evaluate(FollowedTrend* trend, KeptTuple* tuple) {
  JoinedRows* joined = trend->joined.get();
  unlink(joined, tuple);
  RowEvent event;
  const RowOutcome outcome = row_join(
      trend->reader, view_of(*tuple->bytes),
      [&](int d, const KeyView* key) -> MinimalTuple {
        if (key == nullptr) return nullptr;
        DimensionRow* row = row_at(joined, d, view_of(*key));
        link(tuple, d, row);
        return row->row.get();
      },
      &event);
  joined->bytes -= bytes_of(*tuple, *joined);
  tuple->fails = outcome == RowOutcome::kFailed;
  tuple->event = outcome == RowOutcome::kEvent ? record_of(event) : nullptr;
  joined->bytes += bytes_of(*tuple, *joined);
}

KeptTuple* tuple_at(FollowedTrend* trend, KeyView bytes, bool make) {
  JoinedRows* joined = trend->joined.get();
  auto found = joined->tuples.find(view_of(bytes));
  if (found != joined->tuples.end()) return &found->second;
  if (!make) return nullptr;
  auto made = joined->tuples.emplace(std::string(view_of(bytes)), KeptTuple{}).first;
  KeptTuple* tuple = &made->second;
  tuple->bytes = &made->first;
  tuple->links = std::make_unique<KeptTuple::Link[]>(joined->relations.size());
  joined->bytes += bytes_of(*tuple, *joined);
  evaluate(trend, tuple);
  return tuple;
}

// --- events ---

struct Numbers {
  Time time;
  uint64_t added;
  uint64_t retracted;
  uint64_t rows;
};

void give(FollowedTrend* trend, BatchRecord* event, const Numbers& numbers) {
  if (event == nullptr || numbers.added + numbers.retracted == 0) return;
  event->time = numbers.time;
  event->added = numbers.added;
  event->retracted = numbers.retracted;
  event->rows = numbers.rows;
  if (worker->joined.append(trend->slot, *event) == Status::kOk) return;
  ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for the events of a joined trend")));
}

void count_failed(FollowedTrend* trend, uint64_t rows) {
  if (rows == 0) return;
  pg_atomic_uint64* failed = &trend->shared->failed;
  pg_atomic_write_u64(failed, pg_atomic_read_u64(failed) + rows);
  trend_note_failure(trend);
}

PaneCount* count_in(KeptTuple* tuple, Time pane) {
  for (size_t i = tuple->panes.size(); i-- > 0;) {
    if (tuple->panes[i].pane == pane) return &tuple->panes[i];
  }
  return nullptr;
}

void forget_count(JoinedRows* joined, KeptTuple* tuple, const PaneCount* count) {
  tuple->panes.erase(tuple->panes.begin() + (count - tuple->panes.data()));
  joined->bytes -= sizeof(PaneCount);
  joined->pane_counts--;
}

// Equal rows of the source. A row that is retracted counts only if it was counted.
void count_row(FollowedTrend* trend, const BatchRecord& row) {
  JoinedRows* joined = trend->joined.get();
  const Time time = row.time;
  if (trend->writer.is_late(time)) {
    if (row.added > 0 && !trend->writer.is_counted_elsewhere(time)) joined->late += row.rows;
    return;
  }
  KeptTuple* tuple = tuple_at(trend, row.key(), row.added > 0);
  if (tuple == nullptr) return;
  const Time pane = trend->writer.windows().pane_of(time).start;
  PaneCount* count = count_in(tuple, pane);
  if (count == nullptr) {
    if (row.added == 0) return;
    count = &tuple->panes.emplace_back(PaneCount{pane, time, 0});
    joined->bytes += sizeof(PaneCount);
    joined->pane_counts++;
  }
  if (row.added > 0) count->latest = std::max(count->latest, time);
  count->count += row.added;
  const uint64_t retracted = std::min(row.retracted, count->count);
  count->count -= retracted;
  give(trend, tuple->event.get(), {time, row.added, retracted, row.rows});
  if (tuple->fails) count_failed(trend, row.added);
  if (count->count == 0) forget_count(joined, tuple, count);
  if (tuple->panes.empty()) drop_tuple(joined, tuple);
}

// --- changes of dimensions ---

// Notes what the row was before the first change.
void touch(JoinedRows* joined, int d, DimensionRow* row) {
  if (row->is_touched) return;
  PackedRow before = row->row == nullptr ? nullptr : copy_row(row->row.get(), row->row->t_len);
  joined->touched.push_back({row, std::move(before), d});
  row->is_touched = true;
}

// Columns that an update left alone, and that the WAL therefore lacks, are those of the row before.
PackedRow completed(FollowedTrend* trend, const DimensionChange& change, MinimalTuple before) {
  auto* changed = reinterpret_cast<MinimalTuple>(const_cast<char*>(change.row.data()));
  if (change.same.empty()) return copy_row(changed, change.row.size());
  if (before == nullptr) {  // not as it should be
    trend_ask_to_fill(trend, "A row of a joined table was changed that is not known.");
    return copy_row(changed, change.row.size());
  }
  const auto count = static_cast<Size>(trend->definition->dimensions[change.dimension].column_count);
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * (count + 1)));
  auto* old_values = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
  auto* old_nulls = static_cast<bool*>(palloc(sizeof(bool) * (count + 1)));
  unpack_dimension(trend->reader, change.dimension, changed, values, nulls);
  unpack_dimension(trend->reader, change.dimension, before, old_values, old_nulls);
  for (uint16_t column : change.same) {
    values[column] = old_values[column];
    nulls[column] = old_nulls[column];
  }
  MinimalTuple row = pack_dimension(trend->reader, change.dimension, values, nulls);
  pfree(values);
  pfree(nulls);
  pfree(old_values);
  pfree(old_nulls);
  return copy_row(row, row->t_len);  // the original goes with the transaction
}

void apply_change(FollowedTrend* trend, const DimensionChange& change) {
  JoinedRows* joined = trend->joined.get();
  const int d = change.dimension;
  DimensionRow* old_row = change.has_old ? row_at(joined, d, change.old_key) : nullptr;
  if (change.has_new)
    joined->value = completed(trend, change, old_row == nullptr ? nullptr : old_row->row.get());
  if (old_row != nullptr) {
    touch(joined, d, old_row);
    set_row(joined, old_row, nullptr);
  }
  if (!change.has_new) return;
  DimensionRow* row = row_at(joined, d, change.new_key);
  touch(joined, d, row);
  set_row(joined, row, std::move(joined->value));
}

bool is_same(const MinimalTuple a, const MinimalTuple b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->t_len == b->t_len && std::memcmp(a, b, a->t_len) == 0;
}

// The tuples that meet rows which are not as they were.
void list_moving(JoinedRows* joined) {
  for (const JoinedRows::Touched& touched : joined->touched) {
    touched.row->is_touched = false;
    if (is_same(touched.before.get(), touched.row->row.get())) continue;  // as before
    for (KeptTuple* tuple = touched.row->first; tuple != nullptr;
         tuple = tuple->links[touched.dimension].next) {
      if (!tuple->is_listed) joined->moving.push_back(tuple);
      tuple->is_listed = true;
    }
  }
  for (const JoinedRows::Touched& touched : joined->touched)
    drop_if_unused(joined, touched.dimension, touched.row);
  joined->touched.clear();
}

// What it counted as becomes what it counts as now, wherever that can still change.
void move(FollowedTrend* trend, KeptTuple* tuple) {
  JoinedRows* joined = trend->joined.get();
  tuple->is_listed = false;
  joined->bytes -= tuple->event == nullptr ? 0 : tuple->event->bytes();
  joined->before = std::move(tuple->event);
  evaluate(trend, tuple);
  BatchRecord* before = joined->before.get();
  if (is_same(before, tuple->event.get())) return;
  for (const PaneCount& count : tuple->panes) {
    if (trend->writer.is_late(count.latest)) continue;
    give(trend, before, {count.latest, 0, count.count, 0});
    give(trend, tuple->event.get(), {count.latest, count.count, 0, count.count});
  }
}

void apply_changes(FollowedTrend* trend) {
  JoinedRows* joined = trend->joined.get();
  for (const DimensionChange& change : joined->changes) apply_change(trend, change);
  joined->changes.clear();
  joined->change_bytes = 0;
  list_moving(joined);
  for (KeptTuple* tuple : joined->moving) {
    CHECK_FOR_INTERRUPTS();
    move(trend, tuple);
  }
  joined->moving.clear();
}

// --- what is final ---

// Now and then, so that each count is looked at a bounded number of times.
void sweep(FollowedTrend* trend) {
  constexpr size_t kFewCounts = 4096;
  JoinedRows* joined = trend->joined.get();
  if (joined->pane_counts < joined->counts_at_sweep + std::max(joined->counts_at_sweep, kFewCounts)) return;
  if (trend->writer.concerned_from() <= joined->swept_to) return;
  joined->swept_to = trend->writer.concerned_from();
  for (auto entry = joined->tuples.begin(); entry != joined->tuples.end();) {
    KeptTuple* tuple = &(entry++)->second;
    for (size_t i = tuple->panes.size(); i-- > 0;) {
      if (trend->writer.is_late(tuple->panes[i].latest)) forget_count(joined, tuple, &tuple->panes[i]);
    }
    if (tuple->panes.empty()) drop_tuple(joined, tuple);
  }
  joined->counts_at_sweep = joined->pane_counts;
}

// The clock and what is out of range are those of the rows.
BatchSlice with_clock(const FollowedTrend* trend, const BatchSlice& rows) {
  BatchSlice events = worker->joined.slice(trend->slot);
  events.max_time = std::max(events.max_time, rows.max_time);
  events.out_of_range += rows.out_of_range;
  return events;
}

}  // namespace

BatchSlice joined_events(FollowedTrend* trend, const BatchSlice& rows) {
  if (!trend->joined->changes.empty()) apply_changes(trend);
  for (const BatchRecord* row = rows.begin; row != rows.end; row = row->next()) {
    CHECK_FOR_INTERRUPTS();
    count_row(trend, *row);
  }
  sweep(trend);
  return with_clock(trend, rows);
}

BatchSlice joined_events_once(FollowedTrend* trend, const BatchSlice& rows) {
  JoinedRows* joined = trend->joined.get();
  for (const BatchRecord* row = rows.begin; row != rows.end; row = row->next()) {
    CHECK_FOR_INTERRUPTS();
    RowEvent event;
    const RowOutcome outcome = row_join(
        trend->reader, row->key(),
        [&](int d, const KeyView* key) -> MinimalTuple {
          if (key == nullptr) return nullptr;
          auto found = joined->rows[d].find(view_of(*key));
          return found == joined->rows[d].end() ? nullptr : found->second.row.get();
        },
        &event);
    if (outcome != RowOutcome::kEvent) continue;
    joined->before = record_of(event);
    give(trend, joined->before.get(), {row->time, row->added, row->retracted, row->rows});
  }
  return with_clock(trend, rows);
}

bool joined_is_too_large(const FollowedTrend* trend) {
  const size_t limit = static_cast<size_t>(settings.memory_limit_mb) * 1024 * 1024;
  // Who keeps little is not stopped for what others keep.
  if (trend->joined->bytes <= limit / 8) return false;
  size_t all = 0;
  for (const FollowedTrend* other : worker->trends) {
    if (other != nullptr && other->joined != nullptr && other->state != FillState::kStopped)
      all += other->joined->bytes;
  }
  return all > limit;
}

void joined_release(FollowedTrend* trend) {
  JoinedRows* joined = trend->joined.get();
  joined->tuples.clear();
  for (auto& rows : joined->rows) rows.clear();
  joined->bytes = joined->pane_counts = 0;
}

void joined_create(FollowedTrend* trend) {
  trend->joined = nullptr;
  const Definition* definition = trend->definition;
  if (definition->dimension_count == 0) return;
  trend->joined = std::make_unique<JoinedRows>();
  for (int d = 0; d < definition->dimension_count; d++) {
    trend->joined->relations.push_back(definition->dimensions[d].relation);
  }
}

void joined_add_row(FollowedTrend* trend, int dimension, KeyView key, MinimalTuple row) {
  JoinedRows* joined = trend->joined.get();
  set_row(joined, row_at(joined, dimension, view_of(key)), copy_row(row, row->t_len));
}

}  // namespace trending
