#include "postgres/spi.h"

#include "postgres/fault.h"

namespace trending {

namespace {

SPIPlanPtr prepared(SpiStatement* statement, const SpiValue* values, int count) {
  if (statement->plan != nullptr) return statement->plan;
  Oid types[kMaxSpiValues];
  for (int i = 0; i < count; i++) types[i] = values[i].type;
  SPIPlanPtr plan = SPI_prepare(statement->sql, count, types);
  if (plan == nullptr) {
    elog(ERROR, "could not prepare a statement: %s: %s", SPI_result_code_string(SPI_result), statement->sql);
  }
  SPI_keepplan(plan);
  statement->plan = plan;
  return plan;
}

void split(const SpiValue* values, int count, Datum* datums, char* nulls) {
  if (count > kMaxSpiValues) elog(ERROR, "too many parameters: %d", count);
  for (int i = 0; i < count; i++) {
    datums[i] = values[i].datum;
    nulls[i] = values[i].is_null ? 'n' : ' ';
  }
  nulls[count] = '\0';
}

}  // namespace

SpiValue spi_bytea(const void* data, size_t size) {
  auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + size));
  SET_VARSIZE(bytes, VARHDRSZ + size);
  if (size > 0) memcpy(VARDATA(bytes), data, size);
  return {BYTEAOID, PointerGetDatum(bytes)};
}

SpiValue spi_int8_array(const int64* values, int count) {
  auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * static_cast<size_t>(count + 1)));
  for (int i = 0; i < count; i++) datums[i] = Int64GetDatum(values[i]);
  return {INT8ARRAYOID, PointerGetDatum(construct_array(datums, count, INT8OID, 8, true, TYPALIGN_DOUBLE))};
}

uint64 spi_run(SpiStatement* statement, const SpiValue* values, int count) {
  Datum datums[kMaxSpiValues];
  char nulls[kMaxSpiValues + 1];
  split(values, count, datums, nulls);
  fault_point(FaultPoint::kStatement);
  int result = SPI_execute_plan(prepared(statement, values, count), datums, nulls, false, 0);
  if (result < 0) {
    elog(ERROR, "could not run a statement: %s: %s", SPI_result_code_string(result), statement->sql);
  }
  return SPI_processed;
}

uint64 spi_execute(const char* sql, const SpiValue* values, int count) {
  Oid types[kMaxSpiValues];
  Datum datums[kMaxSpiValues];
  char nulls[kMaxSpiValues + 1];
  split(values, count, datums, nulls);
  for (int i = 0; i < count; i++) types[i] = values[i].type;
  const int result = SPI_execute_with_args(sql, count, types, datums, nulls, false, 0);
  if (result < 0) elog(ERROR, "could not run a statement: %s: %s", SPI_result_code_string(result), sql);
  return SPI_processed;
}

Portal spi_open(SpiStatement* statement, std::initializer_list<SpiValue> values) {
  Datum datums[kMaxSpiValues];
  char nulls[kMaxSpiValues + 1];
  const int count = static_cast<int>(values.size());
  split(values.begin(), count, datums, nulls);
  return SPI_cursor_open(nullptr, prepared(statement, values.begin(), count), datums, nulls, false);
}

bool SpiRow::read_datum(const char* column, Oid type, Datum* value) const {
  const int number = SPI_fnumber(columns_, column);
  if (number <= 0 || SPI_gettypeid(columns_, number) != type) return false;
  bool isnull = true;
  *value = SPI_getbinval(tuple_, columns_, number, &isnull);
  return !isnull;
}

bool SpiRow::is_null(const char* column) const {
  const int number = SPI_fnumber(columns_, column);
  if (number <= 0) return false;
  bool isnull = false;
  (void)SPI_getbinval(tuple_, columns_, number, &isnull);
  return isnull;
}

bool SpiRow::read(const char* column, bool* value) const {
  Datum datum = 0;
  if (!read_datum(column, BOOLOID, &datum)) return false;
  *value = DatumGetBool(datum);
  return true;
}

bool SpiRow::read(const char* column, int32* value) const {
  Datum datum = 0;
  if (!read_datum(column, INT4OID, &datum)) return false;
  *value = DatumGetInt32(datum);
  return true;
}

bool SpiRow::read(const char* column, int64* value) const {
  Datum datum = 0;
  if (!read_datum(column, INT8OID, &datum) && !read_datum(column, TIMESTAMPTZOID, &datum)) return false;
  *value = DatumGetInt64(datum);
  return true;
}

bool SpiRow::read_oid(const char* column, Oid* value) const {
  Datum datum = 0;
  if (!read_datum(column, OIDOID, &datum)) return false;
  *value = DatumGetObjectId(datum);
  return true;
}

bool SpiRow::read_lsn(const char* column, XLogRecPtr* value) const {
  Datum datum = 0;
  if (!read_datum(column, LSNOID, &datum)) return false;
  *value = DatumGetLSN(datum);
  return true;
}

bool SpiRow::read_number(const char* column, Oid type, int64* value) const {
  Datum datum = 0;
  if (!read_datum(column, type, &datum)) return false;
  switch (type) {
    case BOOLOID:
      *value = DatumGetBool(datum) ? 1 : 0;
      return true;
    case INT4OID:
      *value = DatumGetInt32(datum);
      return true;
    case OIDOID:
      *value = DatumGetObjectId(datum);
      return true;
    case INT8OID:
      *value = DatumGetInt64(datum);
      return true;
    default:
      return false;
  }
}

bool SpiRow::read_text(const char* column, char** value) const {
  Datum datum = 0;
  if (!read_datum(column, TEXTOID, &datum)) return false;
  *value = TextDatumGetCString(datum);
  return true;
}

bool SpiRow::read_bytes(const char* column, SpiBytes* value) const {
  Datum datum = 0;
  if (!read_datum(column, BYTEAOID, &datum)) return false;
  bytea* bytes = DatumGetByteaPP(datum);
  *value = {VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
  return true;
}

bool SpiRow::read_place(const char* column, ItemPointerData* value) const {
  Datum datum = 0;
  if (!read_datum(column, TIDOID, &datum)) return false;
  *value = *reinterpret_cast<ItemPointer>(DatumGetPointer(datum));
  return true;
}

bool SpiRow::read_int8_array(const char* column, const int64** values, int* count) const {
  Datum datum = 0;
  if (!read_datum(column, INT8ARRAYOID, &datum)) return false;
  ArrayType* array = DatumGetArrayTypeP(datum);
  if (ARR_ELEMTYPE(array) != INT8OID || ARR_NDIM(array) > 1 || ARR_HASNULL(array)) return false;
  *count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
  *values = reinterpret_cast<const int64*>(ARR_DATA_PTR(array));
  return true;
}

}  // namespace trending
