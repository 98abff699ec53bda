// SPDX-License-Identifier: PostgreSQL
// Statements of our own, run through SPI: prepared once in a process, with typed parameters, their rows read
// by the names of their columns.
//
//     static SpiStatement count = {"SELECT n FROM trending.some_table WHERE id = $1"};
//     uint64 rows = spi_run(&count, {spi_int4(id)});
//     int64 n = 0;
//     if (rows == 1 && SpiRow(0).read("n", &n)) ...
//
// All of it needs a transaction and SPI_connect(). Nothing here has a destructor, for any of these calls may
// raise an error.
#pragma once

#include <initializer_list>

#include "postgres/server.h"

namespace trending {

struct SpiStatement {
  const char* sql;
  SPIPlanPtr plan = nullptr;  // kept from its first use on
};

struct SpiValue {
  Oid type;
  Datum datum;
  bool is_null = false;
};

inline SpiValue spi_bool(bool value) {
  return {BOOLOID, BoolGetDatum(value)};
}
inline SpiValue spi_int4(int32 value) {
  return {INT4OID, Int32GetDatum(value)};
}
inline SpiValue spi_int8(int64 value) {
  return {INT8OID, Int64GetDatum(value)};
}
inline SpiValue spi_oid(Oid value) {
  return {OIDOID, ObjectIdGetDatum(value)};
}
inline SpiValue spi_lsn(XLogRecPtr value) {
  return {LSNOID, LSNGetDatum(value)};
}
// null: NULL
inline SpiValue spi_text(const char* value) {
  if (value == nullptr) return {TEXTOID, Datum{0}, true};
  return {TEXTOID, CStringGetTextDatum(value)};
}
// InvalidOid: NULL
inline SpiValue spi_relation(Oid value) {
  return {REGCLASSOID, ObjectIdGetDatum(value), !OidIsValid(value)};
}
inline SpiValue spi_timestamptz(TimestampTz value) {
  return {TIMESTAMPTZOID, TimestampTzGetDatum(value)};
}
SpiValue spi_bytea(const void* data, size_t size);
SpiValue spi_int8_array(const int64* values, int count);

constexpr int kMaxSpiValues = 48;

// Runs a statement; its rows are in SPI_tuptable. Returns how many rows it gave or changed.
uint64 spi_run(SpiStatement* statement, const SpiValue* values, int count);
inline uint64 spi_run(SpiStatement* statement, std::initializer_list<SpiValue> values = {}) {
  return spi_run(statement, values.begin(), static_cast<int>(values.size()));
}
// One that is made up for the occasion, and not kept.
uint64 spi_execute(const char* sql, const SpiValue* values, int count);

// The same by portions, as a cursor, which the caller closes.
Portal spi_open(SpiStatement* statement, std::initializer_list<SpiValue> values);

// Bytes within a row.
struct SpiBytes {
  const char* data;
  size_t size;
};

// A row of a statement's result. The functions are false where the column is missing, NULL or of another
// type.
class SpiRow {
 public:
  explicit SpiRow(uint64 number) : SpiRow(SPI_tuptable, number) {}
  SpiRow(SPITupleTable* table, uint64 number) : tuple_(table->vals[number]), columns_(table->tupdesc) {}

  bool read(const char* column, bool* value) const;
  bool read(const char* column, int32* value) const;
  bool read(const char* column, int64* value) const;  // bigint and timestamptz
  bool read(const char* column, Oid* value) const;
  bool read(const char* column, XLogRecPtr* value) const;
  bool read(const char* column, char** value) const;            // text
  bool read(const char* column, SpiBytes* value) const;         // bytea
  bool read(const char* column, ItemPointerData* value) const;  // ctid
  // Several columns: row.read("id", &id, "name", &name).
  template <typename Value, typename... More>
  bool read(const char* column, Value* value, const char* next, More... more) const {
    return read(column, value) && read(next, more...);
  }
  // A bool, an integer or an OID as a number.
  bool read_number(const char* column, Oid type, int64* value) const;
  bool read_datum(const char* column, Oid type, Datum* value) const;
  bool is_null(const char* column) const;

 private:
  HeapTuple tuple_;
  TupleDesc columns_;
};

}  // namespace trending
