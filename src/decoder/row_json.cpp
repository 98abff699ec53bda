// SPDX-License-Identifier: PostgreSQL
#include "decoder/row_json.h"

namespace trending {

namespace {

// Numbers and booleans stand in JSON as they are; everything else is a string.
bool is_bare(Oid type) {
  switch (type) {
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
      return true;
    default:
      return false;
  }
}

void append_value(StringInfo out, Form_pg_attribute attribute, Datum value) {
  Oid output = InvalidOid;
  bool is_varlena = false;
  getTypeOutputInfo(attribute->atttypid, &output, &is_varlena);
  if (is_varlena) value = PointerGetDatum(PG_DETOAST_DATUM(value));
  if (attribute->atttypid == BOOLOID) {
    appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
  } else if (is_bare(attribute->atttypid)) {
    appendStringInfoString(out, OidOutputFunctionCall(output, value));
  } else {
    escape_json(out, OidOutputFunctionCall(output, value));
  }
}

}  // namespace

void append_row_json(StringInfo out, TupleDesc descriptor, HeapTuple tuple,
                     FunctionRef<bool(const char*)> has_column) {
  appendStringInfoChar(out, '{');
  bool first = true;
  for (int i = 0; i < descriptor->natts; i++) {
    Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
    if (attribute->attisdropped || !has_column(NameStr(attribute->attname))) continue;
    bool isnull = false;
    Datum value = heap_getattr(tuple, i + 1, descriptor, &isnull);
    bool unchanged = !isnull && attribute->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
    if (unchanged) continue;  // a toasted value that the update left alone is not in the WAL
    if (!first) appendStringInfoChar(out, ',');
    first = false;
    escape_json(out, NameStr(attribute->attname));
    appendStringInfoChar(out, ':');
    if (isnull) {
      appendStringInfoString(out, "null");
    } else {
      append_value(out, attribute, value);
    }
  }
  appendStringInfoChar(out, '}');
}

}  // namespace trending
