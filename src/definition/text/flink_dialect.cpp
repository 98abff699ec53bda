// SPDX-License-Identifier: PostgreSQL
#include "definition/text/flink_dialect.h"

#include <cstdarg>

namespace trending {

namespace {

const char* quoted(const char* text, char quote) {
  StringInfoData out;
  initStringInfo(&out);
  appendStringInfoChar(&out, quote);
  for (const char* c = text; *c != '\0'; c++) {
    if (*c == quote) appendStringInfoChar(&out, quote);
    appendStringInfoChar(&out, *c);
  }
  appendStringInfoChar(&out, quote);
  return out.data;
}

const char* decimal_type(const Definition& definition, int32 typmod) {
  // Without a declared precision: Flink's widest, half of it after the point where sums leave room before it.
  if (typmod < static_cast<int32>(VARHDRSZ)) return "DECIMAL(38, 10)";
  const int32 packed = typmod - static_cast<int32>(VARHDRSZ);
  const int precision = (packed >> 16) & 0xffff;
  const int scale = ((packed & 0x7ff) ^ 1024) - 1024;
  if (precision > 38 || scale < 0 || scale > precision) {
    refuse_flink(definition,
                 "Flink's decimals have 38 digits and no negative scale; numeric(%d, %d) does not fit.",
                 precision, scale);
  }
  return psprintf("DECIMAL(%d, %d)", precision, scale);
}

}  // namespace

void refuse_flink(const Definition& definition, const char* format, ...) {
  StringInfoData reason;
  initStringInfo(&reason);
  for (;;) {
    va_list arguments;
    va_start(arguments, format);
    int needed = appendStringInfoVA(&reason, format, arguments);
    va_end(arguments);
    if (needed == 0) break;
    enlargeStringInfo(&reason, needed);
  }
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                  errmsg("trend \"%s\" has no equal in Flink SQL", get_rel_name(definition.relation)),
                  errdetail_internal("%s", reason.data)));
}

const char* flink_name(const char* name) {
  return quoted(name, '`');
}

const char* flink_text(const char* text) {
  return quoted(text, '\'');
}

const char* flink_interval(const Definition& definition, int64 microseconds) {
  if (microseconds % 1000 != 0) {
    refuse_flink(definition, "Flink's windows and watermarks are of whole milliseconds.");
  }
  struct Unit {
    const char* name;
    int64 length;
  };
  constexpr Unit kUnits[] = {{"DAY", USECS_PER_DAY},
                             {"HOUR", USECS_PER_HOUR},
                             {"MINUTE", USECS_PER_MINUTE},
                             {"SECOND", USECS_PER_SEC}};
  const char* sign = microseconds < 0 ? "-" : "";
  const int64 length = microseconds < 0 ? -microseconds : microseconds;
  for (const Unit& unit : kUnits) {
    if (length % unit.length != 0) continue;
    const char* number = psprintf(INT64_FORMAT, length / unit.length);
    const size_t digits = strlen(number);
    if (digits <= 2) return psprintf("INTERVAL %s'%s' %s", sign, number, unit.name);
    return psprintf("INTERVAL %s'%s' %s(%zu)", sign, number, unit.name, digits);
  }
  const char* seconds = psprintf(INT64_FORMAT, length / USECS_PER_SEC);
  return psprintf("INTERVAL %s'%s.%03d' SECOND(%zu, 3)", sign, seconds,
                  static_cast<int>(length % USECS_PER_SEC / 1000), strlen(seconds));
}

const char* flink_type(const Definition& definition, Oid type, int32 typmod) {
  switch (type) {
    case BOOLOID:
      return "BOOLEAN";
    case INT2OID:
      return "SMALLINT";
    case INT4OID:
      return "INT";
    case INT8OID:
      return "BIGINT";
    case FLOAT4OID:
      return "FLOAT";
    case FLOAT8OID:
      return "DOUBLE";
    case NUMERICOID:
      return decimal_type(definition, typmod);
    case TEXTOID:
    case VARCHAROID:
    case UUIDOID:
    case JSONOID:
    case JSONBOID:
      return "STRING";
    case BYTEAOID:
      return "BYTES";
    case DATEOID:
      return "DATE";
    case TIMESTAMPOID:
      return "TIMESTAMP(6)";
    case TIMESTAMPTZOID:
      return "TIMESTAMP_LTZ(6)";
    default:
      refuse_flink(definition, "Type %s has no equal there, or the connector does not read it.",
                   format_type_be(type));
  }
}

}  // namespace trending
