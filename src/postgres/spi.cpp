// SPDX-License-Identifier: PostgreSQL
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

namespace {

template <typename Value, typename Convert>
bool read_as(const SpiRow& row, const char* column, Oid type, Value* value, Convert convert) {
  Datum datum = 0;
  if (!row.read_datum(column, type, &datum)) return false;
  *value = convert(datum);
  return true;
}

}  // namespace

bool SpiRow::read(const char* column, bool* value) const {
  return read_as(*this, column, BOOLOID, value, [](Datum datum) { return DatumGetBool(datum); });
}

bool SpiRow::read(const char* column, int32* value) const {
  return read_as(*this, column, INT4OID, value, [](Datum datum) { return DatumGetInt32(datum); });
}

bool SpiRow::read(const char* column, int64* value) const {
  const auto convert = [](Datum datum) { return DatumGetInt64(datum); };
  return read_as(*this, column, INT8OID, value, convert) ||
         read_as(*this, column, TIMESTAMPTZOID, value, convert);
}

bool SpiRow::read(const char* column, Oid* value) const {
  return read_as(*this, column, OIDOID, value, [](Datum datum) { return DatumGetObjectId(datum); });
}

bool SpiRow::read(const char* column, XLogRecPtr* value) const {
  return read_as(*this, column, LSNOID, value, [](Datum datum) { return DatumGetLSN(datum); });
}

bool SpiRow::read(const char* column, char** value) const {
  return read_as(*this, column, TEXTOID, value, [](Datum datum) { return TextDatumGetCString(datum); });
}

bool SpiRow::read(const char* column, SpiBytes* value) const {
  return read_as(*this, column, BYTEAOID, value, [](Datum datum) {
    bytea* bytes = DatumGetByteaPP(datum);
    return SpiBytes{VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes)};
  });
}

bool SpiRow::read(const char* column, ItemPointerData* value) const {
  return read_as(*this, column, TIDOID, value,
                 [](Datum datum) { return *reinterpret_cast<ItemPointer>(DatumGetPointer(datum)); });
}

bool SpiRow::read_number(const char* column, Oid type, int64* value) const {
  bool flag = false;
  int32 number = 0;
  Oid oid = InvalidOid;
  switch (type) {
    case BOOLOID:
      if (!read(column, &flag)) return false;
      *value = flag ? 1 : 0;
      return true;
    case INT4OID:
      if (!read(column, &number)) return false;
      *value = number;
      return true;
    case OIDOID:
      if (!read(column, &oid)) return false;
      *value = oid;
      return true;
    default:
      return type == INT8OID && read(column, value);
  }
}

}  // namespace trending
