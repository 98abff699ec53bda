// SPDX-License-Identifier: PostgreSQL
#include "engine/trend/trend_writer.h"

#include <algorithm>
#include <new>

#include "engine/trend/trend_state.h"

namespace trending {

namespace {

// Kinds and types that go together.
bool is_valid(const AggregateSpec& spec, const TrendOptions& options, const Hooks& hooks) {
  switch (spec.kind) {
    case AggregateKind::kRowCount:
    case AggregateKind::kCount:
    case AggregateKind::kDistinct:
    case AggregateKind::kApproxDistinct:
      return spec.type == ValueType::kNone;
    case AggregateKind::kCombined:
      return spec.type == ValueType::kNone && hooks.combine != nullptr;
    case AggregateKind::kSum:
    case AggregateKind::kAvg:
      return spec.type != ValueType::kNone && spec.type != ValueType::kBytes;
    case AggregateKind::kMin:
    case AggregateKind::kMax:
    case AggregateKind::kFirst:
    case AggregateKind::kLast:
      if (spec.type == ValueType::kBytes) return hooks.compare_values != nullptr;
      return spec.type != ValueType::kNone;
    case AggregateKind::kDecayed:
      return spec.type == ValueType::kNone && options.window.kind == WindowKind::kDecayed &&
             spec.half_life == options.window.slide;
  }
  return false;
}

bool is_valid(const WindowSpec& window, const Calendar& calendar, bool report_windows) {
  if (check_window(window) != WindowError::kNone) return false;
  if (window.kind == WindowKind::kUnbounded || window.kind == WindowKind::kDecayed) {
    if (window.zoned || report_windows) return false;
    return window.kind == WindowKind::kUnbounded || window.size == kHalfLivesKept * window.slide;
  }
  return !window.zoned || calendar.instant != nullptr;
}

// There is no score of bytes.
bool ranks_are_valid(const TrendOptions& options) {
  if (options.rank_count == 0 || options.rank_count > kMaxRankTerms) return false;
  if (options.aggregate_count == 0) return options.rank_count == 1 && options.rank[0].aggregate == 0;
  return std::all_of(options.rank, options.rank + options.rank_count, [&](const RankTerm& term) {
    return term.aggregate < options.aggregate_count && !is_bytes(options.aggregates[term.aggregate]);
  });
}

// The number of a part is that of the first aggregate which is over it; panes are cut at its bounds.
bool part_is_valid(const TrendOptions& options, uint16_t aggregate) {
  const AggregateSpec& spec = options.aggregates[aggregate];
  if (spec.part == 0) return true;
  if (spec.part > aggregate + 1 || spec.kind == AggregateKind::kRowCount) return false;
  if (options.aggregates[spec.part - 1].part != spec.part) return false;
  const WindowPart& part = options.parts[spec.part - 1];
  const WindowCut* const end = options.window.cuts + options.window.cut_count;
  return part.count > 0 && part.is_valid() &&
         std::all_of(part.steps, part.steps + part.count, [&](const PartStep& step) {
           return step.op != PartOp::kFrom || std::find(options.window.cuts, end, step.cut) != end;
         });
}

bool is_valid(const TrendOptions& options, const Hooks& hooks, const Calendar& calendar) {
  if (!is_valid(options.window, calendar, options.report_windows)) return false;
  if (options.partitioned && hooks.partition_of == nullptr) return false;
  if (options.has_condition && hooks.condition == nullptr) return false;
  if (options.aggregate_count > kMaxAggregates) return false;
  if (options.ranks_by_host && (hooks.rank == nullptr || hooks.compare_ranks == nullptr)) return false;
  if (!options.ranks_by_host && !ranks_are_valid(options)) return false;
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    if (!is_valid(options.aggregates[i], options, hooks) || !part_is_valid(options, i)) return false;
    // Sessions do not own any.
    if (options.window.kind == WindowKind::kSession && is_bytes(options.aggregates[i])) return false;
  }
  if (options.window.kind == WindowKind::kSession && options.keeps_values) return false;
  return options.watermark_delay >= 0 && options.allowed_lateness >= 0 && options.max_groups > 0 &&
         options.max_groups <= kMaxGroups;
}

}  // namespace

Status TrendWriter::create(Arena* arena, const TrendOptions& options, Hooks hooks, Calendar calendar) {
  if (!is_valid(options, hooks, calendar)) return Status::kInvalidOptions;
  const Offset root = arena->allocate(sizeof(TrendState));
  if (root == 0) return Status::kOutOfMemory;
  auto* state = new (arena->at(root)) TrendState{};
  state->options = options;
  state->layout = make_layout(options);
  arena->set_root(root);
  const Status status = open(arena, hooks, calendar);
  if (status != Status::kOk) return status;
  return has_sessions() ? sessions_.create() : panes_.create();
}

Status TrendWriter::open(Arena* arena, Hooks hooks, Calendar calendar) {
  if (arena->root() == 0) return Status::kCorrupt;
  auto* state = arena->at<TrendState>(arena->root());
  if (state->magic != kTrendMagic || !is_valid(state->options, hooks, calendar)) return Status::kCorrupt;
  header_ = state;
  if (has_sessions()) {
    sessions_.open(arena, state, &state->sessions, hooks, calendar);
  } else {
    panes_.open(arena, state, &state->panes, hooks, calendar);
  }
  return Status::kOk;
}

bool TrendWriter::alter(const TrendTuning& tuning) {
  if (tuning.watermark_delay < 0 || tuning.allowed_lateness < 0 || tuning.max_groups == 0 ||
      tuning.max_groups > kMaxGroups) {
    return false;
  }
  if (tuning.report_windows && header_->options.window.kind == WindowKind::kUnbounded) return false;
  return has_sessions() ? sessions_.alter(tuning) : panes_.alter(tuning);
}

Status TrendWriter::restore_cell(Time pane_start, uint8_t store, KeyView key, const std::byte* bytes,
                                 uint32_t size) {
  if (key.size > kMaxKeySize) return Status::kCorrupt;
  return has_sessions() ? sessions_.restore_cell(store, key, bytes, size)
                        : panes_.restore_cell(pane_start, store, key, bytes, size);
}

}  // namespace trending
