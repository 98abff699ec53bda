// SPDX-License-Identifier: PostgreSQL
// trending.parse_timestamptz: event times of documents. It is as immutable as it says, which the server's own
// cast from text is not:
//   * only ISO 8601 is a time, so DateStyle and IntervalStyle have nothing to decide;
//   * the zone is in the text or is given, so TimeZone has nothing to decide; names of zones are those of the
//     zone database alone, not the abbreviations that timezone_abbreviations chooses;
//   * 'now', 'today' and their kind are no times.
// Rules of zones change with the zone database, as for AT TIME ZONE, which the server calls immutable, too.
// No text costs more than its first bytes: what is longer than a time can be is not even read.
#include "values/parse_timestamptz.h"

#include "engine/time/iso8601.h"
#include "postgres/guard.h"
#include "values/calendar.h"
#include "values/own_function.h"

namespace trending {

namespace {

// Of local time as AT TIME ZONE has it: what a zone skips is read by the offset before, what happens twice is
// the later one.
bool offset_in_zone(Time local, pg_tz* zone, int* offset) {
  pg_tm fields = {};
  fsec_t fraction = 0;
  if (timestamp2tm(local, nullptr, &fields, &fraction, nullptr, nullptr) != 0) return false;
  *offset = -DetermineTimeZoneOffset(&fields, zone);
  return true;
}

// False: no time.
bool parse(Datum value, pg_tz* zone, TimestampTz* time) {
  // One byte more than any time has, so that what is longer is seen to be.
  text* start = DatumGetTextPSlice(value, 0, kMaxTimeText + 1);
  std::optional<TextTime> found = parse_iso8601({VARDATA_ANY(start), VARSIZE_ANY_EXHDR(start)});
  if (!found) return false;
  int offset = 0;
  if (found->offset) {
    offset = *found->offset;
  } else if (zone == nullptr || !offset_in_zone(found->local, zone, &offset)) {
    return false;
  }
  *time = found->local - offset * USECS_PER_SEC;
  return IS_VALID_TIMESTAMP(*time);
}

}  // namespace

}  // namespace trending

using trending::parse;
using trending::zone_lookup;

// Both are STRICT.
TRENDING_PURE_FUNCTION(parse_timestamptz) {
  TimestampTz time = 0;
  if (!parse(PG_GETARG_DATUM(0), nullptr, &time)) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(time);
}

TRENDING_PURE_FUNCTION(parse_timestamptz_in) {
  TimestampTz time = 0;
  pg_tz* zone = zone_lookup(text_to_cstring(PG_GETARG_TEXT_PP(1)));
  if (!parse(PG_GETARG_DATUM(0), zone, &time)) PG_RETURN_NULL();
  PG_RETURN_TIMESTAMPTZ(time);
}

namespace trending {

bool is_parse_timestamptz(Oid function) {
  if (!is_own_function(function, "parse_timestamptz")) return false;
  FmgrInfo call = {};
  fmgr_info(function, &call);
  return call.fn_addr == trending_parse_timestamptz || call.fn_addr == trending_parse_timestamptz_in;
}

void check_parse_zone(const FuncExpr* call) {
  if (list_length(call->args) < 2) return;
  Node* zone = eval_const_expressions(nullptr, static_cast<Node*>(lsecond(call->args)));
  if (!IsA(zone, Const) || reinterpret_cast<Const*>(zone)->constisnull) return;
  zone_lookup(TextDatumGetCString(reinterpret_cast<Const*>(zone)->constvalue));
}

}  // namespace trending
