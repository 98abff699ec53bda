// SPDX-License-Identifier: PostgreSQL
#include "bgworker/intake/shared_readers.h"

#include <algorithm>

#include "bgworker/intake/source_map.h"
#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "definition/aggregate_functions.h"

namespace trending {

namespace {

// Never destroyed.
std::vector<SharedReader>& all = *new std::vector<SharedReader>();
bool known = false;

bool is_equal(const Expr* a, const Expr* b) {
  return equal(a, b);
}

bool has_equal_keys(const KeyCodec& a, const KeyCodec& b) {
  if (a.count != b.count) return false;
  for (int i = 0; i < a.count; i++) {
    if (a.columns[i].type != b.columns[i].type || !is_equal(a.columns[i].expr, b.columns[i].expr))
      return false;
  }
  return true;
}

bool has_equal_arguments(const Definition& a, const Definition& b) {
  if (a.aggregate_count != b.aggregate_count) return false;
  for (int i = 0; i < a.aggregate_count; i++) {
    const DefinitionAggregate& left = a.aggregates[i];
    const DefinitionAggregate& right = b.aggregates[i];
    if (left.function != right.function || left.value != right.value || left.at_type != right.at_type ||
        !is_equal(left.argument, right.argument) || !is_equal(left.at, right.at) ||
        !is_equal(left.filter, right.filter)) {
      return false;
    }
  }
  return true;
}

bool has_equal_unnesting(const Definition& a, const Definition& b) {
  const Unnesting* left = a.unnesting;
  const Unnesting* right = b.unnesting;
  if (left == nullptr || right == nullptr) return left == right;
  return equal(left->functions, right->functions) && left->has_ordinality == right->has_ordinality &&
         left->keeps_rows == right->keeps_rows && is_equal(left->where, right->where);
}

// By number: columns may have been renamed since one of the definitions was loaded.
bool has_equal_columns(const Definition& a, const Definition& b) {
  if (a.source_column_count != b.source_column_count) return false;
  for (int i = 0; i < a.source_column_count; i++) {
    const SourceColumn& left = a.source_columns[i];
    const SourceColumn& right = b.source_columns[i];
    if (left.attnum != right.attnum || left.type != right.type) return false;
  }
  return true;
}

// Trends that may read by themselves only: where what becomes of a row depends on the trend's state.
bool reads_alone(const FollowedTrend* trend) {
  return needs_values(*trend->definition) || !can_retract(*trend->definition) || trend->joined != nullptr;
}

bool reads_like(const FollowedTrend* trend, const FollowedTrend* other) {
  if (reads_alone(trend) || reads_alone(other)) return false;
  const Definition& a = *trend->definition;
  const Definition& b = *other->definition;
  return a.source == b.source && a.options.max_ahead == b.options.max_ahead &&
         a.event_time_type == b.event_time_type && is_equal(a.event_time, b.event_time) &&
         is_equal(a.where, b.where) && has_equal_unnesting(a, b) && has_equal_keys(a.keys, b.keys) &&
         has_equal_arguments(a, b) && has_equal_columns(a, b) &&
         trend->writer.hash_seed() == other->writer.hash_seed();
}

void add_trend(FollowedTrend* trend) {
  auto shared = std::find_if(all.begin(), all.end(),
                             [trend](const SharedReader& r) { return reads_like(trend, r.trends.front()); });
  Status status = Status::kOk;
  const auto slot = static_cast<uint32_t>(shared - all.begin());
  if (shared != all.end()) {
    status = worker->batch.share_slot(slot, trend->writer.windows());
    shared->trends.push_back(trend);
  } else {
    status = worker->batch.open_slot(slot, trend->writer.windows(), trend->writer.hash_seed());
    all.push_back(SharedReader{{trend}});
  }
  if (status != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for the trends of a source")));
  }
  if (trend->shared != nullptr) pg_atomic_write_u32(&trend->shared->reader, slot + 1);
}

}  // namespace

const std::vector<SharedReader>& shared_readers() {
  if (known) return all;
  Assert(worker->batch.empty());
  all.clear();
  for (FollowedTrend* trend : worker->trends) {
    if (trend != nullptr && trend->definition != nullptr) add_trend(trend);
  }
  known = true;
  return all;
}

void shared_readers_forget() {
  known = false;
  source_map_forget();
}

}  // namespace trending
