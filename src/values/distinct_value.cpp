// SPDX-License-Identifier: PostgreSQL
#include "values/distinct_value.h"

#include <cmath>
#include <limits>

#include "engine/aggregates/hyperloglog.h"
#include "values/key_type.h"
#include "values/numeric_codec.h"

namespace trending {

namespace {

DistinctForm form_of(Oid type, Oid collation) {
  switch (getBaseType(type)) {
    case FLOAT4OID:
      return DistinctForm::kFloat4;
    case FLOAT8OID:
      return DistinctForm::kFloat8;
    case NUMERICOID:
      return DistinctForm::kNumeric;
    case BPCHAROID:
      return OidIsValid(collation) && !get_collation_isdeterministic(collation) ? DistinctForm::kNone
                                                                                : DistinctForm::kBlankPadded;
    default:
      return type_is_image_equal(type, collation) ? DistinctForm::kImage : DistinctForm::kNone;
  }
}

template <typename Float>
void append_float(StringInfo buffer, Float value) {
  if (std::isnan(value)) value = std::numeric_limits<Float>::quiet_NaN();
  if (value == 0) value = 0;
  appendBinaryStringInfo(buffer, reinterpret_cast<const char*>(&value), sizeof(value));
}

bool append_blank_padded(StringInfo buffer, Datum value) {
  auto* given = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
  struct varlena* flat = pg_detoast_datum_packed(given);
  const char* data = VARDATA_ANY(flat);
  int size = static_cast<int>(VARSIZE_ANY_EXHDR(flat));
  while (size > 0 && data[size - 1] == ' ') size--;
  bool fits = static_cast<uint32>(size) <= kMaxKeySize;
  if (fits) appendBinaryStringInfo(buffer, data, size);
  if (flat != given) pfree(flat);
  return fits;
}

}  // namespace

DistinctType distinct_type(Oid type, Oid collation) {
  DistinctType result = {};
  result.form = form_of(type, collation);
  if (result.form == DistinctForm::kImage) key_column_set_type(&result.column, type, -1, collation);
  return result;
}

bool distinct_append(const DistinctType& type, Datum value, StringInfo buffer) {
  switch (type.form) {
    case DistinctForm::kImage:
      return key_append_value(type.column, value, buffer);
    case DistinctForm::kFloat4:
      append_float(buffer, DatumGetFloat4(value));
      return true;
    case DistinctForm::kFloat8:
      append_float(buffer, DatumGetFloat8(value));
      return true;
    case DistinctForm::kNumeric:
      append_numeric_image(buffer, value);
      return true;
    case DistinctForm::kBlankPadded:
      return append_blank_padded(buffer, value);
    case DistinctForm::kNone:
      break;
  }
  return false;
}

uint64 distinct_hash(const char* bytes, int size) {
  return hash_for_sketch(bytes, static_cast<size_t>(size));
}

}  // namespace trending
