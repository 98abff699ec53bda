// SPDX-License-Identifier: PostgreSQL
#include "rows.h"

#include <gtest/gtest.h>

namespace trending::loadgen {
namespace {

using namespace std::string_literals;

const Table kTable{"t",
                   {{"a", ColumnType::kBigint}, {"b", ColumnType::kText}, {"c", ColumnType::kTimestamptz}}};

TEST(Rows, AreLaidOutAsInBinaryCopy) {
  Rows rows;
  rows.begin_row(3);
  rows.add_bigint(-2);
  rows.add_text("hé");
  rows.add_timestamptz(kServerEpoch + 258);
  const std::string expected =
      "\0\3"
      "\0\0\0\10\377\377\377\377\377\377\377\376"
      "\0\0\0\3h\303\251"
      "\0\0\0\10\0\0\0\0\0\0\1\2"s;
  EXPECT_EQ(rows.bytes(), expected);
  EXPECT_EQ(rows.count(), 1U);
  EXPECT_EQ(copy_header().size(), 19U);
  EXPECT_EQ(copy_trailer(), "\377\377");
}

TEST(Rows, ServeAsParameters) {
  Rows rows;
  for (const char* text : {"first", "", "third"}) {
    rows.begin_row(2);
    rows.add_text(text);
    rows.add_bigint(1);
  }
  size_t offset = 0;
  RowParameters parameters;
  for (const std::string text : {"first", "", "third"}) {
    rows.read_row(offset, parameters);
    ASSERT_EQ(parameters.values.size(), 2U);
    EXPECT_EQ(std::string(parameters.values[0], static_cast<size_t>(parameters.lengths[0])), text);
    EXPECT_EQ(parameters.lengths[1], 8);
  }
  EXPECT_EQ(offset, rows.bytes().size());
}

TEST(Rows, NumericsAreSplitAtThePoint) {
  const auto encoded = [](int64_t unscaled, int scale) {
    Rows rows;
    rows.add_numeric(unscaled, scale);
    return std::string(rows.bytes());
  };
  // Length; number of digits, weight, sign, decimal places; digits to the base 10,000.
  EXPECT_EQ(encoded(0, 2), "\0\0\0\10\0\0\0\0\0\0\0\2"s);
  EXPECT_EQ(encoded(-1250, 2), "\0\0\0\14\0\2\0\0\100\0\0\2\0\14\23\210"s);         // -(12, 5000)
  EXPECT_EQ(encoded(123456789, 4), "\0\0\0\16\0\3\0\1\0\0\0\4\0\1\11\51\32\205"s);  // 1, 2345, 6789
  EXPECT_EQ(encoded(7, 4), "\0\0\0\12\0\1\377\377\0\0\0\4\0\7"s);
}

TEST(Rows, JsonAndNull) {
  Rows rows;
  rows.begin_row(3);
  rows.add_jsonb("{}");
  rows.add_null();
  rows.add_integer(-2);
  EXPECT_EQ(rows.bytes(), "\0\3\0\0\0\3\1{}\377\377\377\377\0\0\0\4\377\377\377\376"s);
  size_t offset = 0;
  RowParameters parameters;
  rows.read_row(offset, parameters);
  EXPECT_EQ(offset, rows.bytes().size());
  EXPECT_EQ(parameters.values[1], nullptr);
  EXPECT_EQ(parameters.lengths[2], 4);
}

TEST(Rows, QuotedLiterals) {
  EXPECT_EQ(quote("it's"), "'it''s'");
}

TEST(Rows, Statements) {
  EXPECT_EQ(copy_statement(kTable), "COPY t (a, b, c) FROM STDIN (FORMAT binary)");
  EXPECT_EQ(insert_statement(kTable), "INSERT INTO t (a, b, c) VALUES ($1, $2, $3)");
}

TEST(Batch, ClearsToEmpty) {
  Batch batch(2);
  batch.rows[1].begin_row(0);
  batch.tallies[2] = 5;
  batch.statements.emplace_back("SELECT 1");
  batch.clear();
  EXPECT_EQ(batch.rows.size(), 2U);
  EXPECT_EQ(batch.rows[1].count(), 0U);
  EXPECT_EQ(batch.tallies[2], 0U);
  EXPECT_TRUE(batch.statements.empty());
}

}  // namespace
}  // namespace trending::loadgen
