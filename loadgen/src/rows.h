// SPDX-License-Identifier: PostgreSQL
// Rows on their way to the server, in the layout of binary COPY; a row's parts serve as binary parameters of
// an INSERT just as well, so events are encoded once whatever the method.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "micros.h"

namespace trending::loadgen {

enum class ColumnType { kBigint, kInteger, kNumeric, kText, kJsonb, kTimestamptz };

// The type's name as format_type() gives it.
std::string_view type_name(ColumnType type);

struct Column {
  std::string name;
  ColumnType type;
};

// A table that rows are written to; the name is used as it stands, and found by the search path.
struct Table {
  std::string name;
  std::vector<Column> columns;
};

std::string copy_statement(const Table& table);
std::string insert_statement(const Table& table);

// One row's values, pointing into the Rows they came from.
struct RowParameters {
  std::vector<const char*> values;
  std::vector<int> lengths;
};

class Rows {
 public:
  // Every row begins with its number of columns, and then gets exactly so many values, in the table's order.
  void begin_row(size_t columns);
  void add_bigint(int64_t value);
  void add_integer(int32_t value);
  // unscaled / 10^scale, written with so many decimal places: (1250, 2) is 12.50.
  void add_numeric(int64_t unscaled, int scale);
  void add_text(std::string_view value);
  void add_jsonb(std::string_view json);
  void add_timestamptz(Timestamp value);
  void add_null();

  uint64_t count() const { return count_; }
  std::string_view bytes() const { return bytes_; }
  void clear();

  // Reads the row that begins at `offset` and moves the offset behind it. A NULL has no value.
  void read_row(size_t& offset, RowParameters& parameters) const;

 private:
  std::string bytes_;
  uint64_t count_ = 0;
};

// What precedes and follows the rows in a binary COPY stream.
std::string_view copy_header();
std::string_view copy_trailer();

// A quoted SQL literal.
std::string quote(std::string_view text);

// One transaction's rows, per table of the scenario, and its tallies (late events and such; see
// Scenario::tally_names). Statements change older rows, after the batch's own rows are written; they see what
// all earlier events wrote, whichever clients did.
struct Batch {
  static constexpr size_t kTallies = 4;

  explicit Batch(size_t tables) : rows(tables) {}
  void clear();

  std::vector<Rows> rows;
  std::vector<std::string> statements;
  std::array<uint64_t, kTallies> tallies{};
};

}  // namespace trending::loadgen
