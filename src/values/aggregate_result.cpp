// SPDX-License-Identifier: PostgreSQL
#include "values/aggregate_result.h"

#include <bit>
#include <cstring>
#include <limits>

#include "engine/aggregates/decayed.h"
#include "values/numeric_codec.h"

namespace trending {

namespace {

AggregateKind kind_of(const DefinitionAggregate& aggregate) {
  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
      return aggregate.filter == nullptr && aggregate.part.count == 0 ? AggregateKind::kRowCount
                                                                      : AggregateKind::kCount;
    case AggregateFunction::kCount:
      return AggregateKind::kCount;
    case AggregateFunction::kSum:
      return AggregateKind::kSum;
    case AggregateFunction::kAvg:
      return AggregateKind::kAvg;
    case AggregateFunction::kMin:
      return AggregateKind::kMin;
    case AggregateFunction::kMax:
      return AggregateKind::kMax;
    case AggregateFunction::kFirst:
      return AggregateKind::kFirst;
    case AggregateFunction::kLast:
      return AggregateKind::kLast;
    case AggregateFunction::kCountDistinct:
      return AggregateKind::kDistinct;
    case AggregateFunction::kApproxCountDistinct:
      return AggregateKind::kApproxDistinct;
    case AggregateFunction::kDecayedCount:
    case AggregateFunction::kDecayedSum:
      return AggregateKind::kDecayed;
    case AggregateFunction::kCombined:
      return AggregateKind::kCombined;
  }
  pg_unreachable();
}

ValueType type_of(const DefinitionAggregate& aggregate) {
  if (is_decayed(aggregate.function)) return ValueType::kNone;
  switch (aggregate.value) {
    case ValueForm::kNone:
      return ValueType::kNone;
    case ValueForm::kFloat4:
    case ValueForm::kFloat8:
      return ValueType::kFloat;
    case ValueForm::kNumeric:
      return ValueType::kDecimal;
    case ValueForm::kBytes:
      return ValueType::kBytes;
    default:
      return ValueType::kInteger;
  }
}

// AggregateSpec::input: one more than the index of the first aggregate with this argument and FILTER.
uint16_t input_of(const DefinitionAggregate* aggregates, int aggregate) {
  const DefinitionAggregate& own = aggregates[aggregate];
  if (own.argument == nullptr) return 0;
  int first = 0;
  while (!equal(aggregates[first].argument, own.argument) || !equal(aggregates[first].filter, own.filter)) {
    first++;
  }
  return static_cast<uint16_t>(first + 1);
}

// AggregateSpec::part, likewise.
uint16_t part_of(const DefinitionAggregate* aggregates, int aggregate) {
  const WindowPart& own = aggregates[aggregate].part;
  if (own.count == 0) return 0;
  int first = 0;
  while (!(aggregates[first].part == own)) first++;
  return static_cast<uint16_t>(first + 1);
}

// A value of min, max, first or last.
Datum plain_value(ValueForm form, const AggregateValue& value) {
  switch (form) {
    case ValueForm::kBool:
      return BoolGetDatum(value.integer != 0);
    case ValueForm::kInt2:
      return Int16GetDatum(static_cast<int16>(value.integer));
    case ValueForm::kInt4:
      return Int32GetDatum(static_cast<int32>(value.integer));
    case ValueForm::kInt8:
      return Int64GetDatum(value.integer);
    case ValueForm::kOid:
      return ObjectIdGetDatum(static_cast<Oid>(value.integer));
    case ValueForm::kFloat4:
      return Float4GetDatum(static_cast<float4>(value.real));
    case ValueForm::kFloat8:
      return Float8GetDatum(value.real);
    case ValueForm::kNumeric:
      return decimal_to_numeric(value.decimal);
    case ValueForm::kBytes:
    case ValueForm::kNone:
      break;
  }
  pg_unreachable();
}

// Sums of smaller integers are bigint.
Datum bigint_of(const Decimal& sum) {
  bool fits = sum.words[1] == sum.words[0] >> 63;
  for (int i = 1; i < 4; i++) fits = fits && sum.words[i] == sum.words[1];
  if (!fits) ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range")));
  return Int64GetDatum(sum.words[0]);
}

// The types are those of PostgreSQL's own sum.
Datum sum_value(ValueForm form, const AggregateValue& value) {
  switch (form) {
    case ValueForm::kInt2:
    case ValueForm::kInt4:
      return bigint_of(value.decimal);
    case ValueForm::kFloat4:
    case ValueForm::kFloat8:
      return plain_value(form, value);
    default:
      return decimal_to_numeric(value.decimal);
  }
}

// As PostgreSQL's own avg, which divides numerics: the same digits.
Datum average_value(ValueForm form, const AggregateValue& value) {
  if (form == ValueForm::kFloat4 || form == ValueForm::kFloat8) return Float8GetDatum(value.real);
  return DirectFunctionCall2(numeric_div, decimal_to_numeric(value.decimal),
                             NumericGetDatum(int64_to_numeric(static_cast<int64>(value.count))));
}

Datum decayed_datum(int64 half_life, const AggregateValue& value) {
  return Float8GetDatum(
      decayed_value(value.real, value.integer, half_life, GetCurrentTransactionStartTimestamp()));
}

Datum seconds_number(int64 microseconds) {
  return NumericGetDatum(int64_div_fast_to_numeric(microseconds, 6));
}

Datum infinite_number(bool negative) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return DirectFunctionCall1(float8_numeric, Float8GetDatum(negative ? -kInfinity : kInfinity));
}

Datum instant_number(TimestampTz instant) {
  if (TIMESTAMP_NOT_FINITE(instant)) return infinite_number(TIMESTAMP_IS_NOBEGIN(instant));
  constexpr int64 kUnixEpochOffset = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
  return seconds_number(instant + kUnixEpochOffset);
}

Datum day_number(DateADT day) {
  if (DATE_NOT_FINITE(day)) return infinite_number(DATE_IS_NOBEGIN(day));
  constexpr int64 kUnixEpochDays = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
  return NumericGetDatum(int64_to_numeric((day + kUnixEpochDays) * SECS_PER_DAY));
}

}  // namespace

void aggregate_specs(const DefinitionAggregate* aggregates, int count, AggregateSpec* specs) {
  for (int i = 0; i < count; i++) {
    specs[i] = {kind_of(aggregates[i]), type_of(aggregates[i]), aggregates[i].half_life,
                input_of(aggregates, i), part_of(aggregates, i)};
  }
}

bool value_to_words(ValueForm form, Datum value, int64_t* words) {
  switch (form) {
    case ValueForm::kBool:
      *words = DatumGetBool(value) ? 1 : 0;
      return true;
    case ValueForm::kInt2:
      *words = DatumGetInt16(value);
      return true;
    case ValueForm::kInt4:
      *words = DatumGetInt32(value);
      return true;
    case ValueForm::kInt8:
      *words = DatumGetInt64(value);
      return true;
    case ValueForm::kOid:
      *words = DatumGetObjectId(value);
      return true;
    case ValueForm::kFloat4:
      *words = std::bit_cast<int64_t>(static_cast<double>(DatumGetFloat4(value)));
      return true;
    case ValueForm::kFloat8:
      *words = std::bit_cast<int64_t>(DatumGetFloat8(value));
      return true;
    case ValueForm::kNumeric: {
      Decimal decimal;
      if (!numeric_to_decimal(value, &decimal)) return false;
      static_assert(sizeof(decimal) == kDecimalWords * sizeof(*words));
      memcpy(words, &decimal, sizeof(decimal));
      return true;
    }
    case ValueForm::kBytes:
    case ValueForm::kNone:
      break;
  }
  pg_unreachable();
}

int64 pick_time(Oid type, Datum value) {
  return type == DATEOID ? DatumGetDateADT(value) : DatumGetInt64(value);
}

Datum aggregate_datum(const DefinitionAggregate& aggregate, const AggregateValue& value, bool* isnull) {
  if (aggregate.combined != nullptr) return combined_value(*aggregate.combined, value.bytes, isnull);
  *isnull = value.is_null && aggregate.function != AggregateFunction::kDecayedCount;
  if (value.is_null)
    return aggregate.function == AggregateFunction::kDecayedCount ? Float8GetDatum(0) : Datum{0};
  switch (aggregate.function) {
    case AggregateFunction::kCountStar:
    case AggregateFunction::kCount:
    case AggregateFunction::kCountDistinct:
    case AggregateFunction::kApproxCountDistinct:
      return Int64GetDatum(value.integer);
    case AggregateFunction::kSum:
      return sum_value(aggregate.value, value);
    case AggregateFunction::kAvg:
      return average_value(aggregate.value, value);
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
      if (aggregate.value == ValueForm::kBytes) return bytes_datum(aggregate.bytes, value.bytes);
      return plain_value(aggregate.value, value);
    case AggregateFunction::kDecayedCount:
    case AggregateFunction::kDecayedSum:
      return decayed_datum(aggregate.half_life, value);
    case AggregateFunction::kCombined:
      break;
  }
  pg_unreachable();
}

Datum value_number(Oid type, Datum value, bool* isnull) {
  switch (getBaseType(type)) {
    case NUMERICOID:
      return value;
    case BOOLOID:
      return NumericGetDatum(int64_to_numeric(DatumGetBool(value) ? 1 : 0));
    case INT2OID:
      return NumericGetDatum(int64_to_numeric(DatumGetInt16(value)));
    case INT4OID:
      return NumericGetDatum(int64_to_numeric(DatumGetInt32(value)));
    case OIDOID:
      return NumericGetDatum(int64_to_numeric(DatumGetObjectId(value)));
    case FLOAT4OID:
      return DirectFunctionCall1(float4_numeric, value);
    case FLOAT8OID:
      return DirectFunctionCall1(float8_numeric, value);
    case DATEOID:
      return day_number(DatumGetDateADT(value));
    case TIMEOID:
      return seconds_number(DatumGetTimeADT(value));
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return instant_number(DatumGetTimestampTz(value));
    case INT8OID:
      return NumericGetDatum(int64_to_numeric(DatumGetInt64(value)));
    default:
      *isnull = true;
      return 0;
  }
}

}  // namespace trending
