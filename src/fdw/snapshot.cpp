// SPDX-License-Identifier: PostgreSQL
#include <algorithm>
#include <cstring>

#include "definition/partition_by.h"
#include "fdw/snapshot.h"
#include "shmem/trend_access.h"
#include "values/aggregate_result.h"

namespace trending {

namespace {

constexpr Size kFirstChunk = 8 * 1024;
constexpr Size kLargestChunk = 1024 * 1024;

// Groups being copied. Used under the trend's lock and from inside the engine: it never raises an error, but
// remembers that memory ran out.
struct Copier {
  MemoryContext context;
  RankedGroup* groups;
  uint64_t count;
  uint64_t capacity;
  char* chunk;  // free space for copies
  Size left;
  Size next_chunk;
  bool failed;
};

Copier copier_make(MemoryContext context) {
  return Copier{context, nullptr, 0, 0, nullptr, 0, kFirstChunk, false};
}

void* allocate(Copier* copier, Size bytes) {
  void* memory = MemoryContextAllocExtended(copier->context, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
  if (memory == nullptr) copier->failed = true;
  return memory;
}

void reserve(Copier* copier, uint64_t capacity) {
  if (capacity <= copier->capacity) return;
  auto* groups = static_cast<RankedGroup*>(allocate(copier, capacity * sizeof(RankedGroup)));
  if (groups == nullptr) return;
  if (copier->count > 0) memcpy(groups, copier->groups, copier->count * sizeof(RankedGroup));
  if (copier->groups != nullptr) pfree(copier->groups);
  copier->groups = groups;
  copier->capacity = capacity;
}

// Room for one copy of this size.
char* take(Copier* copier, Size bytes) {
  bytes = MAXALIGN(bytes);
  if (bytes > copier->left) {
    Size size = std::max(bytes, copier->next_chunk);
    copier->chunk = static_cast<char*>(allocate(copier, size));
    copier->left = copier->chunk == nullptr ? 0 : size;
    copier->next_chunk = std::min(copier->next_chunk * 4, kLargestChunk);
    if (copier->chunk == nullptr) return nullptr;
  }
  char* memory = copier->chunk;
  copier->chunk += bytes;
  copier->left -= bytes;
  return memory;
}

// Copies a row; null when memory ran out. Without `reader` only its key.
CopiedGroup* copy_row(Copier* copier, const Row& row, const TrendReader* reader) {
  if (copier->count == copier->capacity) reserve(copier, std::max(copier->capacity * 2, uint64_t{64}));
  if (copier->failed) return nullptr;
  const Size result_bytes = reader == nullptr ? 0 : reader->result_bytes(row);
  char* memory = take(copier, sizeof(CopiedGroup) + result_bytes + row.key.size + row.rank.size);
  if (memory == nullptr) return nullptr;
  auto* group = reinterpret_cast<CopiedGroup*>(memory);
  group->rank = 0;
  group->key_size = row.key.size;
  group->words = static_cast<uint32_t>(result_bytes / sizeof(int64_t));
  group->rank_size = row.rank.size;
  group->window = row.window;
  if (reader != nullptr) reader->copy_result(row, group->result());
  char* key = memory + sizeof(CopiedGroup) + result_bytes;
  if (row.key.size > 0) memcpy(key, row.key.data, row.key.size);
  if (row.rank.size > 0) memcpy(key + row.key.size, row.rank.data, row.rank.size);
  copier->groups[copier->count++] = RankedGroup{row.score, 0, group, row.partition};
  return group;
}

TrendSnapshot* make_snapshot(const Definition& definition, const TrendReader& reader, MemoryContext context) {
  if (reader.layout().aggregate_count != definition.aggregate_count) {
    elog(ERROR, "the state of trend %d does not fit its definition", definition.id);
  }
  auto* snapshot = static_cast<TrendSnapshot*>(MemoryContextAllocZero(context, sizeof(TrendSnapshot)));
  snapshot->context = context;
  snapshot->window = reader.window();
  snapshot->clock = reader.clock();
  snapshot->version = reader.version();
  snapshot->live_groups = reader.live_groups();
  snapshot->layout = reader.layout();
  return snapshot;
}

void fill_prefixes(const KeyCodec& codec, Copier* copier) {
  for (uint64_t i = 0; i < copier->count; i++) {
    copier->groups[i].prefix = key_prefix(codec, copier->groups[i].group->key());
  }
}

// Takes over what was copied, after the lock was released.
void finish(const Definition& definition, TrendSnapshot* snapshot, Copier* copier) {
  if (copier->failed) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
                    errdetail("%llu groups of a trend were to be copied.",
                              static_cast<unsigned long long>(snapshot->live_groups))));
  }
  fill_prefixes(definition.keys, copier);
  snapshot->groups = copier->groups;
  snapshot->count = copier->count;
  snapshot->groups_read += copier->count;
}

void order_and_rank(const Definition& definition, TrendSnapshot* snapshot, uint64_t keep) {
  keep = std::min(keep, snapshot->count);
  order_groups(definition, snapshot->layout, snapshot->groups, snapshot->count, keep);
  snapshot->count = keep;
  for (uint64_t i = 0; i < keep; i++) snapshot->groups[i].group->rank = static_cast<int64_t>(i + 1);
}

// Groups of one partition, next to each other.
struct PartitionRun {
  RankedGroup* groups;
  uint64_t count;
  uint64_t prefix;  // of the partition's key
};

// The partitions of what was copied, in their order. Permutes the groups.
PartitionRun* find_partitions(const Definition& definition, TrendSnapshot* snapshot, uint64_t* run_count) {
  RankedGroup* groups = snapshot->groups;
  std::sort(groups, groups + snapshot->count,
            [](const RankedGroup& a, const RankedGroup& b) { return a.partition < b.partition; });
  auto begins = [groups](uint64_t i) { return i == 0 || groups[i].partition != groups[i - 1].partition; };
  uint64_t count = 0;
  for (uint64_t i = 0; i < snapshot->count; i++) count += begins(i);
  auto* runs =
      static_cast<PartitionRun*>(palloc_extended(sizeof(PartitionRun) * (count + 1), MCXT_ALLOC_HUGE));
  uint64_t run = 0;
  StringInfoData buffer;
  initStringInfo(&buffer);
  for (uint64_t i = 0; i < snapshot->count; i++) {
    if (begins(i)) {
      KeyBytes key = partition_key(definition, groups[i].group->key(), &buffer);
      runs[run++] = {groups + i, 0, key_prefix(definition.partition, key)};
    }
    runs[run - 1].count++;
  }
  pfree(buffer.data);
  std::sort(runs, runs + count, [&definition](const PartitionRun& a, const PartitionRun& b) {
    CHECK_FOR_INTERRUPTS();
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    return partition_compare(definition, a.groups->group->key(), b.groups->group->key()) < 0;
  });
  *run_count = count;
  return runs;
}

// Ranks groups within their partitions and keeps those ranked first to last.
void order_partitions(const Definition& definition, TrendSnapshot* snapshot, uint64_t first, uint64_t last) {
  if (snapshot->count == 0) return;
  uint64_t run_count = 0;
  PartitionRun* runs = find_partitions(definition, snapshot, &run_count);
  auto* ordered = static_cast<RankedGroup*>(
      MemoryContextAllocExtended(snapshot->context, snapshot->count * sizeof(RankedGroup), MCXT_ALLOC_HUGE));
  uint64_t count = 0;
  for (uint64_t r = 0; r < run_count; r++) {
    const PartitionRun& run = runs[r];
    uint64_t keep = std::min(last, run.count);
    order_groups(definition, snapshot->layout, run.groups, run.count, keep);
    for (uint64_t i = 0; i < keep; i++) {
      run.groups[i].group->rank = static_cast<int64_t>(i + 1);
      if (i + 1 >= first) ordered[count++] = run.groups[i];
    }
  }
  pfree(runs);
  snapshot->groups = ordered;
  snapshot->count = count;
}

// Looked-up groups of one value (and partition): snapshot->groups[first .. first + count), ordered by prefix;
// by key, after the lock was released. Groups that tie with them rank before some of the members and after
// the others. Rank keys are compared when the lock was released; until then those of equal bytes are equal.
struct TieSet {
  uint64_t first;
  uint64_t count;
  uint64_t better;  // groups with a better value
  Copier ties;      // those whose prefix equals a member's, or whose rank key has other bytes
};

// Ranks of looked-up groups in the making. ties_before[i] counts the ties that rank right before groups[i].
struct RankWork {
  TieSet* sets;
  int set_count;
  uint64_t* ties_before;
  Row* rows;
};

RankWork rank_work_make(int count) {
  Size n = static_cast<Size>(count) + 1;
  return RankWork{
      static_cast<TieSet*>(palloc_extended(n * sizeof(TieSet), MCXT_ALLOC_HUGE)), 0,
      static_cast<uint64_t*>(palloc_extended(n * sizeof(uint64_t), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO)),
      static_cast<Row*>(palloc_extended(n * sizeof(Row), MCXT_ALLOC_HUGE))};
}

// Counts a tie where its prefix decides, else copies it. Under the lock.
void count_tie(const KeyCodec& codec, const RankedGroup* members, TieSet* set, uint64_t* ties_before,
               const Row& tie) {
  uint64_t prefix = key_prefix(codec, KeyBytes{tie.key.data, tie.key.size});
  if (!(tie.rank == members->group->rank_key())) {
    copy_row(&set->ties, tie, nullptr);
    return;
  }
  const RankedGroup* end = members + set->count;
  const RankedGroup* next = std::lower_bound(
      members, end, prefix, [](const RankedGroup& member, uint64_t value) { return member.prefix < value; });
  if (next == end) return;
  if (next->prefix == prefix) {
    copy_row(&set->ties, tie, nullptr);
  } else {
    ties_before[next - members]++;
  }
}

// Whether the better one is decided without looking at keys: negative, 0 if not, positive. Groups of
// different partitions are told apart.
int compare_values(const TrendReader& reader, const RankedGroup& a, const RankedGroup& b) {
  if (a.partition != b.partition) return a.partition < b.partition ? -1 : 1;
  if (a.score != b.score) return a.score > b.score ? -1 : 1;
  if (reader.options().ranks_by_host) {
    return compare_key_bytes(nullptr, a.group->rank_key(), b.group->rank_key());
  }
  const StateLayout& layout = reader.layout();
  return layout.score_decides ? 0 : compare_rank(layout, a.group->result(), b.group->result());
}

// Looks at the ties of each group found, once per value. Under the lock: raises no error.
void count_ties(const KeyCodec& codec, const TrendReader& reader, Copier* found, MemoryContext context,
                RankWork* work) {
  if (found->failed) return;
  for (uint64_t i = 0; i < found->count; i++) {
    found->groups[i].prefix = key_prefix(codec, found->groups[i].group->key());
    found->groups[i].group->rank = static_cast<int64_t>(i);  // which row it is, while they are sorted
  }
  std::sort(found->groups, found->groups + found->count,
            [&reader](const RankedGroup& a, const RankedGroup& b) {
              const int order = compare_values(reader, a, b);
              return order != 0 ? order < 0 : a.prefix < b.prefix;
            });
  for (uint64_t first = 0; first < found->count;) {
    RankedGroup* members = found->groups + first;
    uint64_t count = 1;
    while (first + count < found->count && compare_values(reader, members[count], members[0]) == 0) {
      count++;
    }
    TieSet* set = &work->sets[work->set_count++];
    *set = TieSet{first, count, 0, copier_make(context)};
    uint64_t* ties_before = work->ties_before + first;
    auto sink = [&](const Row& tie) { count_tie(codec, members, set, ties_before, tie); };
    const Row& row = work->rows[members[0].group->rank];
    set->better = reader.rank_of(row, sink) - 1;
    sink(row);
    first += count;
  }
}

// Compares the keys that prefixes could not tell apart, and adds up.
void rank_members(const Definition& definition, const StateLayout& layout, TieSet* set, RankedGroup* members,
                  uint64_t* ties_before) {
  if (set->ties.failed) ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  order_groups(definition, layout, members, set->count, set->count);
  fill_prefixes(definition.keys, &set->ties);
  for (uint64_t i = 0; i < set->ties.count; i++) {
    auto* next = std::upper_bound(members, members + set->count, set->ties.groups[i],
                                  [&](const RankedGroup& tie, const RankedGroup& member) {
                                    return compare_ranked(definition, layout, tie, member) < 0;
                                  });
    if (next < members + set->count) ties_before[next - members]++;
  }
  uint64_t rank = set->better + 1;
  for (uint64_t i = 0; i < set->count; i++) {
    rank += ties_before[i];
    members[i].group->rank = static_cast<int64_t>(rank);
  }
}

}  // namespace

bool estimate_groups(const Definition& definition, double* groups, double* partitions) {
  TrendGlance glance;
  if (!trend_glance(definition.id, &glance) || !glance.is_read) return false;
  *groups = static_cast<double>(std::max(glance.live_groups, uint64_t{1}));
  *partitions = static_cast<double>(std::max(glance.partitions, uint64_t{1}));
  return true;
}

TrendSnapshot* snapshot_best(const Definition& definition, uint64_t k, MemoryContext context,
                             bool with_previous) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  TrendSnapshot* snapshot = make_snapshot(definition, reader, context);
  Copier copier = copier_make(context);
  auto copy = [&copier, &reader](const Row& row) { copy_row(&copier, row, &reader); };
  if (k >= snapshot->live_groups) {
    reserve(&copier, snapshot->live_groups);
    reader.for_each_live(copy);
  } else if (k > 0) {
    reserve(&copier, k);
    Status status = Status::kOk;
    reader.top(k, copy, &status);
    if (status != Status::kOk) copier.failed = true;
  }
  if (with_previous) snapshot->previous = previous_ranks_copy(read, context);
  trend_read_end(read);
  finish(definition, snapshot, &copier);
  order_and_rank(definition, snapshot, k);
  return snapshot;
}

TrendSnapshot* snapshot_partitions(const Definition& definition, const KeyBytes* partitions, int count,
                                   uint64_t first, uint64_t last, MemoryContext context, bool with_previous) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  TrendSnapshot* snapshot = make_snapshot(definition, reader, context);
  Copier copier = copier_make(context);
  auto copy = [&copier, &reader](const Row& row) { copy_row(&copier, row, &reader); };
  Status status = Status::kOk;
  if (partitions == nullptr) reader.top_of_each(last, copy, &status);
  for (int i = 0; i < count && status == Status::kOk; i++) {
    uint32_t partition = reader.find_partition(partitions[i]);
    if (partition != kNone) reader.top_in(partition, last, copy, &status);
  }
  if (status != Status::kOk) copier.failed = true;
  if (with_previous) snapshot->previous = previous_ranks_copy(read, context);
  trend_read_end(read);
  finish(definition, snapshot, &copier);
  order_partitions(definition, snapshot, first, last);
  return snapshot;
}

TrendSnapshot* snapshot_all(const Definition& definition, Detail detail, MemoryContext context) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  TrendSnapshot* snapshot = make_snapshot(definition, reader, context);
  if (detail == Detail::kCount) {
    trend_read_end(read);
    snapshot->count = snapshot->live_groups;
    return snapshot;
  }
  Copier copier = copier_make(context);
  reserve(&copier, snapshot->live_groups);
  reader.for_each_live([&copier, &reader](const Row& row) { copy_row(&copier, row, &reader); });
  trend_read_end(read);
  finish(definition, snapshot, &copier);
  if (detail != Detail::kRanked) return snapshot;
  if (is_partitioned(definition)) {
    order_partitions(definition, snapshot, 1, UINT64_MAX);
  } else {
    order_and_rank(definition, snapshot, snapshot->count);
  }
  return snapshot;
}

TrendSnapshot* snapshot_keys(const Definition& definition, const KeyBytes* keys, int count, bool ranked,
                             MemoryContext context) {
  RankWork work = rank_work_make(ranked ? count : 0);
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  TrendSnapshot* snapshot = make_snapshot(definition, reader, context);
  Copier copier = copier_make(context);
  for (int i = 0; i < count; i++) {
    Row row;
    if (!reader.find(KeyView{keys[i].data, keys[i].size}, &row)) continue;
    if (ranked) work.rows[copier.count] = row;
    copy_row(&copier, row, &reader);
  }
  if (ranked) count_ties(definition.keys, reader, &copier, context, &work);
  trend_read_end(read);
  finish(definition, snapshot, &copier);
  for (int i = 0; i < work.set_count; i++) {
    TieSet* set = &work.sets[i];
    rank_members(definition, snapshot->layout, set, snapshot->groups + set->first,
                 work.ties_before + set->first);
    snapshot->groups_read += set->ties.count;
  }
  return snapshot;
}

namespace {

// A value of an expression of this type, in CurrentMemoryContext.
Datum expression_value(GroupRow* row, int expression, Oid type, bool* isnull) {
  Datum value = 0;
  (void)group_row_evaluate(row, expression, nullptr, &value, isnull);
  if (*isnull) return 0;
  int16 length = 0;
  bool by_value = false;
  get_typlenbyval(type, &length, &by_value);
  return datumCopy(value, by_value, length);
}

void begin_expressions(const Definition& definition, TrendSnapshot* snapshot, const CopiedGroup* group) {
  if (snapshot->expressions == nullptr) {
    MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
    snapshot->expressions = group_row_create(&definition, nullptr);
    MemoryContextSwitchTo(caller);
  }
  group_row_begin(snapshot->expressions, snapshot->layout, group->key(), group->result(), group->window);
}

}  // namespace

void snapshot_row(const Definition& definition, TrendSnapshot* snapshot, uint64_t index, const bool* wanted,
                  Datum* values, bool* isnull) {
  const CopiedGroup* group = snapshot->groups == nullptr ? nullptr : snapshot->groups[index].group;
  const Window& window = group == nullptr ? snapshot->window : group->window;
  Datum key_values[kMaxKeyColumns];
  bool key_isnull[kMaxKeyColumns];
  bool decoded = false;
  bool evaluates = false;
  for (int i = 0; i < definition.column_count; i++) {
    const DefinitionColumn& column = definition.columns[i];
    isnull[i] = wanted != nullptr && !wanted[i];
    values[i] = 0;
    if (isnull[i]) continue;
    switch (column.role) {
      case ColumnRole::kWindowStart:
        values[i] = window_bound_datum(column.type, window.start);
        break;
      case ColumnRole::kWindowEnd:
        values[i] = window_bound_datum(column.type, window.end);
        break;
      case ColumnRole::kKey:
        if (!decoded) key_decode(definition.keys, group->key(), key_values, key_isnull);
        decoded = true;
        values[i] = key_values[column.index];
        isnull[i] = key_isnull[column.index];
        break;
      case ColumnRole::kAggregate: {
        AggregateValue value =
            value_of(snapshot->layout, group->result(), static_cast<uint16_t>(column.index));
        values[i] = aggregate_datum(definition.aggregates[column.index], value, &isnull[i]);
        break;
      }
      case ColumnRole::kExpression:
        if (!evaluates) begin_expressions(definition, snapshot, group);
        evaluates = true;
        values[i] = expression_value(snapshot->expressions, column.index, column.type, &isnull[i]);
        break;
      case ColumnRole::kRank:
        values[i] = Int64GetDatum(group->rank);
        break;
    }
  }
}

Datum snapshot_rank_value(const Definition& definition, TrendSnapshot* snapshot, uint64_t index, Oid* type,
                          bool* isnull) {
  const OrderTerm& term = definition.order[0];
  const CopiedGroup* group = snapshot->groups[index].group;
  *type = term.type;
  if (!definition.ranks_by_keys) {
    const AggregateValue value =
        value_of(snapshot->layout, group->result(), static_cast<uint16_t>(term.index));
    return aggregate_datum(definition.aggregates[term.index], value, isnull);
  }
  if (snapshot->ranking == nullptr) {
    MemoryContext caller = MemoryContextSwitchTo(snapshot->context);
    snapshot->ranking = group_row_create(&definition, &term.expr, 1, nullptr);
    MemoryContextSwitchTo(caller);
  }
  group_row_begin(snapshot->ranking, snapshot->layout, group->key(), group->result(), group->window);
  return expression_value(snapshot->ranking, 0, term.type, isnull);
}

}  // namespace trending
