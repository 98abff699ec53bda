// SPDX-License-Identifier: PostgreSQL
// The options of create_trend. One table of them (trend_options.cpp) says what each is called, its default,
// which values it may have, where it is stored, what it means to the worker, and whether it can be altered.
// Arguments are parsed, checked, stored and altered by that table; an option is added by a line of it, beside
// the SQL script's argument and column.
#pragma once

#include "catalog/trend_columns.h"
#include "definition/definition.h"
#include "postgres/server.h"

namespace trending {

// In the order of the arguments of create_trend. Those that can be altered have the same order in
// alter_trend.
enum class TrendOption : uint8_t {
  kLabel,
  kWatermarkDelay,
  kAllowedLateness,
  kLateEvents,
  kIdleTimeout,
  kMaxAhead,
  kHistoryLimit,
  kRetention,
  kBackfill,
  kPartitionBy,
  kMaxGroups,
  kNotifyChannel,
};
constexpr int kTrendOptionCount = 12;

struct TrendOptionInfo {
  TrendOption option;
  const char* name;  // of the arguments, and of the column of trending.trend
  TrendColumn column;
  Oid type;                   // of the column
  const char* default_value;  // as in the SQL script; null: NULL
  // Raises an error unless it may have this value. Null: any, or checked elsewhere.
  void (*check)(const NullableDatum& value, const char* name);
  // Notes what it means to the worker. Null: nothing.
  void (*read)(const NullableDatum& value, DefinitionOptions* options);
  bool can_be_altered;
  bool fixed_for_sessions;  // sessions that are not final have been judged by it
};
extern const TrendOptionInfo option_table[kTrendOptionCount];

// As they are stored.
struct OptionValues {
  NullableDatum list[kTrendOptionCount];

  NullableDatum& operator[](TrendOption option) { return list[static_cast<int>(option)]; }
  const NullableDatum& operator[](TrendOption option) const { return list[static_cast<int>(option)]; }
  // A text; NULL: NULL.
  const char* string(TrendOption option) const;
};

NullableDatum default_option(const TrendOptionInfo& info);
OptionValues default_options();

// The arguments of create_trend, from the first option on.
OptionValues option_arguments(FunctionCallInfo fcinfo, int first);

// Raises an error that names the first option out of range. label: label.h, partition_by: partition_by.h.
void check_options(const OptionValues& values);

// What they mean to the worker.
DefinitionOptions definition_options(const OptionValues& values);

}  // namespace trending
