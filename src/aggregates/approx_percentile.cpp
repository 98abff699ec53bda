// SPDX-License-Identifier: PostgreSQL
// trending.approx_percentile(p, x): a percentile within 1 % of its value, from a DDSketch (Masson, Rim and Lee,
// "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", PVLDB 12, 2019).
//
// Values are counted in buckets whose bounds grow by a constant factor, gamma: the middle of a bucket is within 1 %
// of all that lies in it. At most kMaxBuckets are kept of either sign, those of the greatest magnitudes; what is
// below them, by more than 17 orders of magnitude, is counted in the lowest. So a sketch says the same of the same
// values, however they were gathered.
#include <algorithm>
#include <cfloat>
#include <cmath>

#include "aggregates/transition.h"
#include "postgres/guard.h"

namespace trending {

namespace {

constexpr double kAccuracy = 0.01;
constexpr double kGamma = (1 + kAccuracy) / (1 - kAccuracy);
constexpr int32 kMaxBuckets = 2048;

// Of values whose magnitude is in (gamma^(index - 1), gamma^index].
struct Bucket {
  int64 count;
  int64 index;
};

// Of one sign, ascending. `room` for so many.
struct Buckets {
  Bucket* all;
  int32 count;
  int32 room;
};

// What there is of a sketch beside its buckets; stored as it is.
struct SketchHead {
  double p;
  int64 zeros;
  int64 negative_infinities;
  int64 infinities;
  int64 nans;
  int32 buckets[2];  // of negative values and of positive ones
};

// The transition state, in the aggregate's memory context.
struct Percentile {
  SketchHead head;
  Buckets negative;
  Buckets positive;
};

int64 index_of(double magnitude) {
  return static_cast<int64>(std::ceil(std::log(magnitude) / std::log(kGamma)));
}

double middle_of(int64 index) {
  const double upper = std::exp(static_cast<double>(index) * std::log(kGamma));
  return std::min(2 * upper / (kGamma + 1), DBL_MAX);
}

void reserve(MemoryContext memory, Buckets* buckets, int32 room) {
  if (room <= buckets->room) return;
  buckets->room = std::max(room, 2 * buckets->room);
  const Size size = sizeof(Bucket) * static_cast<Size>(buckets->room);
  buckets->all = static_cast<Bucket*>(buckets->all == nullptr ? MemoryContextAlloc(memory, size)
                                                              : repalloc(buckets->all, size));
}

// Counts what is too far below the greatest bucket in the lowest one that may be there.
void collapse(Buckets* buckets) {
  const int64 lowest = buckets->all[buckets->count - 1].index - kMaxBuckets + 1;
  if (buckets->all[0].index >= lowest) return;
  int32 gone = 0;
  int64 sum = 0;
  for (; gone < buckets->count && buckets->all[gone].index <= lowest; gone++) sum += buckets->all[gone].count;
  buckets->all[--gone] = {sum, lowest};
  std::move(buckets->all + gone, buckets->all + buckets->count, buckets->all);
  buckets->count -= gone;
}

void add(MemoryContext memory, Buckets* buckets, const Bucket& added) {
  Bucket* end = buckets->all + buckets->count;
  Bucket* at = std::lower_bound(buckets->all, end, added.index,
                                [](const Bucket& bucket, int64 index) { return bucket.index < index; });
  if (at != end && at->index == added.index) {
    at->count += added.count;
    return;
  }
  const auto place = at - buckets->all;
  reserve(memory, buckets, buckets->count + 1);
  at = buckets->all + place;
  std::move_backward(at, buckets->all + buckets->count, buckets->all + buckets->count + 1);
  *at = added;
  buckets->count++;
  collapse(buckets);
}

Percentile* new_state(MemoryContext memory, double p) {
  auto* state = static_cast<Percentile*>(MemoryContextAllocZero(memory, sizeof(Percentile)));
  state->head.p = p;
  return state;
}

void check_same(double p, double other) {
  if (p == other) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("p of approx_percentile must be the same in all rows")));
}

void add_value(MemoryContext memory, Percentile* state, double value) {
  SketchHead& head = state->head;
  if (std::isnan(value)) {
    head.nans++;
  } else if (std::isinf(value)) {
    (value > 0 ? head.infinities : head.negative_infinities)++;
  } else if (value == 0) {
    head.zeros++;
  } else {
    add(memory, value > 0 ? &state->positive : &state->negative, {1, index_of(std::fabs(value))});
  }
}

Datum step(FunctionCallInfo fcinfo) {
  auto* state = state_argument<Percentile>(fcinfo, 0);
  if (PG_ARGISNULL(1) || PG_ARGISNULL(2)) return state_result(fcinfo, state);
  const double p = PG_GETARG_FLOAT8(1);
  if (!(p >= 0 && p <= 1)) {
    ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                    errmsg("percentile value %g is not between 0 and 1", p)));
  }
  MemoryContext memory = aggregate_memory(fcinfo);
  if (state == nullptr) state = new_state(memory, p);
  check_same(state->head.p, p);
  add_value(memory, state, PG_GETARG_FLOAT8(2));
  PG_RETURN_POINTER(state);
}

void add_all(MemoryContext memory, Buckets* to, const Buckets& from) {
  for (int32 i = 0; i < from.count; i++) add(memory, to, from.all[i]);
}

Datum combine(FunctionCallInfo fcinfo) {
  auto* left = state_argument<Percentile>(fcinfo, 0);
  if (PG_ARGISNULL(1)) return state_result(fcinfo, left);
  const auto* right = reinterpret_cast<Percentile*>(PG_GETARG_POINTER(1));
  MemoryContext memory = aggregate_memory(fcinfo);
  if (left == nullptr) left = new_state(memory, right->head.p);
  check_same(left->head.p, right->head.p);
  left->head.zeros += right->head.zeros;
  left->head.negative_infinities += right->head.negative_infinities;
  left->head.infinities += right->head.infinities;
  left->head.nans += right->head.nans;
  add_all(memory, &left->negative, right->negative);
  add_all(memory, &left->positive, right->positive);
  PG_RETURN_POINTER(left);
}

Datum serialize(const Percentile& state) {
  const Size negative = sizeof(Bucket) * static_cast<Size>(state.negative.count);
  const Size positive = sizeof(Bucket) * static_cast<Size>(state.positive.count);
  const Size size = VARHDRSZ + sizeof(SketchHead) + negative + positive;
  auto* bytes = static_cast<bytea*>(palloc0(size));
  SET_VARSIZE(bytes, size);
  SketchHead head = state.head;
  head.buckets[0] = state.negative.count;
  head.buckets[1] = state.positive.count;
  char* out = VARDATA(bytes);
  memcpy(out, &head, sizeof(head));
  if (negative > 0) memcpy(out + sizeof(head), state.negative.all, negative);
  if (positive > 0) memcpy(out + sizeof(head) + negative, state.positive.all, positive);
  PG_RETURN_BYTEA_P(bytes);
}

const char* load(Buckets* buckets, int32 count, const char* from) {
  reserve(CurrentMemoryContext, buckets, count);
  buckets->count = count;
  const Size size = sizeof(Bucket) * static_cast<Size>(count);
  if (count > 0) memcpy(buckets->all, from, size);
  return from + size;
}

Datum deserialize(bytea* bytes) {
  auto* state = static_cast<Percentile*>(palloc0(sizeof(Percentile)));
  SketchHead& head = state->head;
  const Size size = VARSIZE_ANY_EXHDR(bytes);
  if (size >= sizeof(head)) memcpy(&head, VARDATA_ANY(bytes), sizeof(head));
  const bool fits =
      size >= sizeof(head) && head.buckets[0] >= 0 && head.buckets[0] <= kMaxBuckets &&
      head.buckets[1] >= 0 && head.buckets[1] <= kMaxBuckets &&
      size == sizeof(head) + sizeof(Bucket) * static_cast<Size>(head.buckets[0] + head.buckets[1]);
  if (!fits) elog(ERROR, "invalid sketch");
  const char* next = load(&state->negative, head.buckets[0], VARDATA_ANY(bytes) + sizeof(head));
  load(&state->positive, head.buckets[1], next);
  PG_RETURN_POINTER(state);
}

int64 rows_of(const Buckets& buckets) {
  int64 rows = 0;
  for (int32 i = 0; i < buckets.count; i++) rows += buckets.all[i].count;
  return rows;
}

// The value of which at most p of the others are less, as percentile_disc rounds down: that of rank p * (n - 1).
double value_of(const Percentile& state) {
  const SketchHead& head = state.head;
  const int64 rows = head.negative_infinities + rows_of(state.negative) + head.zeros +
                     rows_of(state.positive) + head.infinities + head.nans;
  auto left = static_cast<int64>(std::floor(head.p * static_cast<double>(rows - 1)));
  const auto holds = [&left](int64 count) {
    const bool found = left < count;
    left -= count;
    return found;
  };
  if (holds(head.negative_infinities)) return -HUGE_VAL;
  for (int32 i = state.negative.count; i-- > 0;) {
    if (holds(state.negative.all[i].count)) return -middle_of(state.negative.all[i].index);
  }
  if (holds(head.zeros)) return 0;
  for (int32 i = 0; i < state.positive.count; i++) {
    if (holds(state.positive.all[i].count)) return middle_of(state.positive.all[i].index);
  }
  return holds(head.infinities) ? HUGE_VAL : std::nan("");
}

}  // namespace

}  // namespace trending

TRENDING_PURE_FUNCTION(percentile_step) {
  return trending::step(fcinfo);
}

TRENDING_PURE_FUNCTION(percentile_combine) {
  return trending::combine(fcinfo);
}

TRENDING_PURE_FUNCTION(percentile_serialize) {
  trending::aggregate_memory(fcinfo);
  return trending::serialize(*reinterpret_cast<trending::Percentile*>(PG_GETARG_POINTER(0)));
}

TRENDING_PURE_FUNCTION(percentile_deserialize) {
  trending::aggregate_memory(fcinfo);
  return trending::deserialize(PG_GETARG_BYTEA_PP(0));
}

TRENDING_PURE_FUNCTION(percentile_final) {
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  PG_RETURN_FLOAT8(trending::value_of(*reinterpret_cast<trending::Percentile*>(PG_GETARG_POINTER(0))));
}
