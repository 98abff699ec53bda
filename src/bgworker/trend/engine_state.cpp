// SPDX-License-Identifier: PostgreSQL
#include "bgworker/trend/engine_state.h"

#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "definition/partition_by.h"
#include "postgres/settings.h"
#include "values/aggregate_result.h"
#include "values/stored_value.h"

namespace trending {

namespace {

// -- what the engine asks of us; `context` is the FollowedTrend

int compare_keys(void* context, KeyView a, KeyView b) {
  return key_compare(static_cast<FollowedTrend*>(context)->definition->keys, a, b);
}

int compare_values(void* context, uint16_t aggregate, KeyView a, KeyView b) {
  return bytes_compare(static_cast<FollowedTrend*>(context)->definition->aggregates[aggregate].bytes, a, b);
}

// Reported when the lock has been released.
KeyView combine(void* context, uint16_t aggregate, KeyView a, KeyView b) {
  auto* trend = static_cast<FollowedTrend*>(context);
  const CombinedAggregate& combined = *trend->definition->aggregates[aggregate].combined;
  char message[sizeof(trend->buffers.error)];
  if (!combined_combine(combined, trend->reader->account, &trend->shared->lock, a, b,
                        &trend->buffers.combined, message, sizeof(message))) {
    snprintf(trend->buffers.error, sizeof(trend->buffers.error), "states of %s cannot be combined: %.150s",
             combined.name, message);
    return {};
  }
  return {reinterpret_cast<const std::byte*>(trend->buffers.combined.data),
          static_cast<uint32_t>(trend->buffers.combined.len)};
}

KeyView partition_of(void* context, KeyView key) {
  auto* trend = static_cast<FollowedTrend*>(context);
  return partition_key(*trend->definition, key, &trend->buffers.partition);
}

bool is_key(void* context, KeyView key) {
  return stored_key_is_valid(static_cast<FollowedTrend*>(context)->definition->keys, key);
}

bool is_value(void* context, uint16_t aggregate, KeyView bytes) {
  return stored_bytes_are_valid(static_cast<FollowedTrend*>(context)->definition->aggregates[aggregate],
                                bytes);
}

bool condition(void* context, KeyView key, const int64_t* result) {
  auto* trend = static_cast<FollowedTrend*>(context);
  bool failed = false;
  bool holds =
      condition_holds(trend->condition, &trend->shared->lock, trend->writer.layout(), key, result, &failed);
  if (failed) trend_groups_failed(trend, 1);
  return holds;
}

RankKey rank(void* context, KeyView key, const int64_t* result, const Window& window) {
  return trend_rank_key(static_cast<FollowedTrend*>(context), key, result, window);
}

int compare_ranks(void* context, KeyView a, KeyView b) {
  return rank_key_compare(*static_cast<FollowedTrend*>(context)->definition, a, b);
}

bool rank_moves(const Definition& definition) {
  for (int i = 0; i < definition.order_count; i++) {
    if (group_expression_reads_window(definition.order[i].expr)) return true;
  }
  return false;
}

void set_ranks(const Definition& definition, TrendOptions* options) {
  if (definition.ranks_by_keys) {
    options->ranks_by_host = true;
    options->host_score_decides = rank_score_decides(definition);
    options->host_rank_moves = rank_moves(definition);
    return;
  }
  options->rank_count = static_cast<uint16_t>(definition.order_count);
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    options->rank[i] = {static_cast<uint16_t>(term.index), term.descending, term.nulls_first};
  }
}

}  // namespace

void trend_groups_failed(FollowedTrend* trend, uint64 count) {
  pg_atomic_uint64* failed = &trend->shared->failed;
  pg_atomic_write_u64(failed, pg_atomic_read_u64(failed) + count);
  snprintf(trend->buffers.error, sizeof(trend->buffers.error), "an expression of a group failed: %.200s",
           evaluation_failure.message);
}

void trend_report_failed(FollowedTrend* trend) {
  if (trend->buffers.error[0] == '\0') return;
  trend_report(trend, trend->buffers.error);
  trend->buffers.error[0] = '\0';
}

RankKey trend_rank_key(FollowedTrend* trend, KeyView key, const int64_t* result, const Window& window) {
  int failed = 0;
  const RankKey made = rank_key_make(trend->rank_keys, &trend->shared->lock, trend->writer.layout(), key,
                                     result, window, &failed);
  if (failed > 0) trend_groups_failed(trend, static_cast<uint64>(failed));
  return made;
}

TrendOptions engine_options(const Definition& definition, bool keeps_values) {
  TrendOptions options;
  options.window = definition.window;
  options.aggregate_count = static_cast<uint16_t>(definition.aggregate_count);
  aggregate_specs(definition.aggregates, definition.aggregate_count, options.aggregates);
  for (int i = 0; i < definition.aggregate_count; i++) options.parts[i] = definition.aggregates[i].part;
  set_ranks(definition, &options);
  options.keeps_values = keeps_values;
  options.watermark_delay = definition.options.watermark_delay;
  options.allowed_lateness = definition.options.allowed_lateness;
  options.has_condition = definition.having != nullptr;
  options.partitioned = is_partitioned(definition);
  options.report_windows = OidIsValid(definition.history);
  options.max_groups = static_cast<uint32_t>(definition.options.max_groups);
  return options;
}

TrendOptions trend_options(const FollowedTrend* trend) {
  TrendOptions options = engine_options(*trend->definition, trend->keeps_values);
  options.hash_seed = worker->hash_seed;
  return options;
}

StateLayout trend_layout(const FollowedTrend* trend, bool keeps_values) {
  if (keeps_values == trend->keeps_values) return trend->writer.layout();
  TrendOptions options = trend_options(trend);
  options.keeps_values = keeps_values;
  return make_layout(options);
}

TrendTuning tuning_of(const Definition& definition) {
  TrendTuning tuning;
  tuning.watermark_delay = definition.options.watermark_delay;
  tuning.allowed_lateness = definition.options.allowed_lateness;
  tuning.max_groups = static_cast<uint32_t>(definition.options.max_groups);
  tuning.report_windows = OidIsValid(definition.history) && definition.has_window;
  return tuning;
}

Status trend_make_state(FollowedTrend* trend, const TrendOptions& options, CrossedHook crossed) {
  Hooks hooks;
  hooks.context = trend;
  hooks.compare_keys = compare_keys;
  hooks.partition_of = partition_of;
  hooks.condition = condition;
  hooks.crossed = crossed;
  hooks.rank = rank;
  hooks.compare_ranks = compare_ranks;
  hooks.compare_values = compare_values;
  hooks.combine = combine;
  hooks.is_key = is_key;
  hooks.is_value = is_value;
  const uint64_t limit = static_cast<uint64_t>(settings.memory_limit_mb) * 1024 * 1024;
  Status status = trend->arena.create(block_source(&trend->blocks), limit);
  if (status == Status::kOk) {
    status = trend->writer.create(&trend->arena, options, hooks, trend->definition->calendar);
  }
  if (status == Status::kOk) trend->writer.report_crossings(false);  // until the state is what it was
  return status;
}

}  // namespace trending
