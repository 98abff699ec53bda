// SPDX-License-Identifier: PostgreSQL
// trending_top10 and trending.top: the best of a trend with their labels, the same columns for every trend.
#include "definition/partition_by.h"
#include "fdw/federated.h"
#include "fdw/snapshot.h"
#include "functions/key_argument.h"
#include "functions/labels.h"
#include "functions/named_rows.h"
#include "functions/past.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "postgres/pinned_path.h"
#include "values/aggregate_result.h"

namespace trending {

namespace {

constexpr int kTopColumns = 8;

// How the columns of a key become text.
struct KeyText {
  FmgrInfo output[kMaxKeyColumns];
};

void prepare_key_text(const KeyCodec& codec, KeyText* text) {
  for (int i = 0; i < codec.count; i++) {
    Oid function = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(codec.columns[i].type, &function, &is_varlena);
    fmgr_info(function, &text->output[i]);
  }
}

// A key of one column as its text, NULL for NULL; of several as 'a, b', with NULL written out.
Datum key_as_text(const KeyCodec& codec, KeyText* text, KeyBytes key, bool* isnull) {
  Datum values[kMaxKeyColumns];
  bool nulls[kMaxKeyColumns];
  key_decode(codec, key, values, nulls);
  *isnull = codec.count == 0 || (codec.count == 1 && nulls[0]);
  if (*isnull) return 0;
  StringInfoData buffer;
  initStringInfo(&buffer);
  for (int i = 0; i < codec.count; i++) {
    if (i > 0) appendStringInfoString(&buffer, ", ");
    appendStringInfoString(&buffer, nulls[i] ? "NULL" : OutputFunctionCall(&text->output[i], values[i]));
  }
  return PointerGetDatum(cstring_to_text_with_len(buffer.data, buffer.len));
}

Datum live_value(const Definition& definition, TrendSnapshot* snapshot, uint64_t row, bool* isnull) {
  Oid type = InvalidOid;
  Datum value = snapshot_rank_value(definition, snapshot, row, &type, isnull);
  return *isnull ? 0 : value_number(type, value, isnull);
}

// `past`: where the value comes from when the ranking is one of the past, else null.
void put_row(const Definition& definition, TrendSnapshot* snapshot, const PastRanking* past, uint64_t row,
             text* label, KeyText* key_text, ReturnSetInfo* result) {
  const CopiedGroup* group = snapshot->groups[row].group;
  Datum values[kTopColumns] = {};
  bool isnull[kTopColumns] = {};
  values[0] = Int64GetDatum(group->rank);
  values[1] = key_as_text(definition.keys, key_text, group->key(), &isnull[1]);
  values[2] = PointerGetDatum(label);
  isnull[2] = label == nullptr;
  if (past == nullptr) {
    values[3] = live_value(definition, snapshot, row, &isnull[3]);
  } else {
    isnull[3] = past->values[row].isnull;
    values[3] = past->values[row].value;
  }
  int64 previous = previous_rank_of(snapshot->previous, group->key());
  isnull[4] = isnull[5] = previous == 0;
  values[4] = Int64GetDatum(previous);
  values[5] = Int64GetDatum(previous - group->rank);
  isnull[6] = isnull[7] = !definition.has_window;
  values[6] = TimestampTzGetDatum(group->window.start);
  values[7] = TimestampTzGetDatum(group->window.end);
  tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
}

// What was asked for.
struct TopRequest {
  Oid relation;
  int64 k;
  const TimestampTz* at;      // null: the current window
  const KeyTexts* partition;  // null: none was named
};

[[noreturn]] void refuse_partitions(const Definition& definition, const char* message, const char* hint) {
  const char* name = get_rel_name(definition.relation);
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg(message, name), errhint(hint, name)));
  pg_unreachable();
}

// There is no order among groups of different partitions.
void check_partition(const Definition& definition, const TopRequest& request) {
  if (is_partitioned(definition) && request.at != nullptr) {
    refuse_partitions(definition,
                      "trend \"%s\" ranks within partitions, of which the past is in its history only",
                      "SELECT from %s_history, WHERE window_end and rank are given.");
  }
  if (is_partitioned(definition) && request.partition == nullptr) {
    refuse_partitions(
        definition, "trend \"%s\" ranks within partitions, and none was named",
        "Use trending.top('%s', 10, partition => ARRAY['...']), or SELECT from the trend WHERE rank <= 10.");
  }
  if (!is_partitioned(definition) && request.partition != nullptr) {
    refuse_partitions(definition, "trend \"%s\" has no partitions",
                      "%s was created without partition_by: leave the argument out.");
  }
}

TrendSnapshot* read_partition(const Definition& definition, const TopRequest& request,
                              MemoryContext context) {
  StringInfoData buffer;
  initStringInfo(&buffer);
  KeyBytes partition = {};
  int count = 0;
  if (parse_key(definition, definition.partition, "partition", *request.partition, &buffer)) {
    partition = {reinterpret_cast<const std::byte*>(buffer.data), static_cast<uint32_t>(buffer.len)};
    count = 1;
  }
  return snapshot_partitions(definition, &partition, count, 1, static_cast<uint64_t>(request.k), context,
                             true);
}

// Of many servers. Whether the caller may read the table is for the query to say.
Datum return_federated_top(FunctionCallInfo fcinfo, const TopRequest& request) {
  if (request.at != nullptr || request.partition != nullptr) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("federated trend \"%s\" has neither a past nor partitions",
                           get_rel_name(request.relation)),
                    errhint("The trends of its servers have their history.")));
  }
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  const char* query = psprintf("SELECT * FROM trending_internal.federated_top(%u, $1)", request.relation);
  with_pinned_path([&] {
    run_federated(query, request.k, result->setResult, result->econtext->ecxt_per_query_memory,
                  result->setDesc);
  });
  return 0;
}

Datum return_top(FunctionCallInfo fcinfo, const TopRequest& request) {
  if (is_federated(request.relation)) return return_federated_top(fcinfo, request);
  const Definition* definition = readable_trend(request.relation);
  check_partition(*definition, request);
  const TimestampTz* at = request.at;
  const int64 k = request.k;
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "trending top", ALLOCSET_DEFAULT_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(context);
  PastRanking past = {};
  bool is_past = false;
  TrendSnapshot* snapshot = nullptr;
  do {
    is_past = at != nullptr && read_past(*definition, *at, k, &past);
    snapshot = is_past ? past.snapshot
               : is_partitioned(*definition)
                   ? read_partition(*definition, request, context)
                   : snapshot_best(*definition, static_cast<uint64_t>(k), context, true);
    // The window may have closed in between; then it is one of the past.
  } while (at != nullptr && !is_past && !snapshot->window.contains(*at));
  // They are those of history, wherever they come from.
  if (OidIsValid(definition->history) && !may_read_history(*definition)) snapshot->previous = nullptr;
  text** labels = read_labels(*definition, *snapshot);
  KeyText key_text;
  prepare_key_text(definition->keys, &key_text);
  MemoryContext row_context = AllocSetContextCreate(context, "trending row", ALLOCSET_DEFAULT_SIZES);
  MemoryContextSwitchTo(row_context);
  for (uint64_t row = 0; row < snapshot->count; row++) {
    CHECK_FOR_INTERRUPTS();
    put_row(*definition, snapshot, is_past ? &past : nullptr, row, labels[row], &key_text, result);
    MemoryContextReset(row_context);
  }
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(context);
  return 0;
}

int64 k_argument(FunctionCallInfo fcinfo, int position) {
  if (PG_ARGISNULL(position)) {
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("k must not be null")));
  }
  const int32 k = PG_GETARG_INT32(position);
  if (k < 0) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must not be negative")));
  }
  return k;
}

Oid trend_or_default(FunctionCallInfo fcinfo) {
  return PG_ARGISNULL(0) ? default_trend() : PG_GETARG_OID(0);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(top10) {
  using namespace trending;
  return return_top(fcinfo, {trend_or_default(fcinfo), 10, nullptr, nullptr});
}

TRENDING_FUNCTION(top) {
  using namespace trending;
  TopRequest request = {trend_or_default(fcinfo), k_argument(fcinfo, 1), nullptr, nullptr};
  TimestampTz at = 0;
  if (!PG_ARGISNULL(2)) {
    at = PG_GETARG_TIMESTAMPTZ(2);
    request.at = &at;
  }
  KeyTexts partition = {};
  if (!PG_ARGISNULL(3)) {
    partition = texts_of_array(PG_GETARG_ARRAYTYPE_P(3));
    request.partition = &partition;
  }
  return return_top(fcinfo, request);
}
