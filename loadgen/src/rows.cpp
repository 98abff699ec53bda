// SPDX-License-Identifier: PostgreSQL
#include "rows.h"

#include <cassert>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace trending::loadgen {

namespace {

template <typename Integer>
void append_big_endian(std::string& bytes, Integer value) {
  for (int shift = 8 * (static_cast<int>(sizeof(Integer)) - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
}

template <typename Integer>
Integer read_big_endian(const std::string& bytes, size_t& offset) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Integer); ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[offset++]);
  return static_cast<Integer>(value);
}

std::vector<std::string_view> column_names(const Table& table) {
  std::vector<std::string_view> names;
  for (const Column& column : table.columns) names.push_back(column.name);
  return names;
}

}  // namespace

std::string_view type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kBigint:
      return "bigint";
    case ColumnType::kInteger:
      return "integer";
    case ColumnType::kNumeric:
      return "numeric";
    case ColumnType::kText:
      return "text";
    case ColumnType::kJsonb:
      return "jsonb";
    case ColumnType::kTimestamptz:
      return "timestamp with time zone";
  }
  return "";
}

std::string copy_statement(const Table& table) {
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name,
                     fmt::join(column_names(table), ", "));
}

std::string insert_statement(const Table& table) {
  std::vector<std::string> parameters;
  for (size_t i = 1; i <= table.columns.size(); ++i) parameters.push_back(fmt::format("${}", i));
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, fmt::join(column_names(table), ", "),
                     fmt::join(parameters, ", "));
}

void Rows::begin_row(size_t columns) {
  append_big_endian(bytes_, static_cast<int16_t>(columns));
  ++count_;
}

void Rows::add_bigint(int64_t value) {
  append_big_endian(bytes_, int32_t{sizeof(value)});
  append_big_endian(bytes_, value);
}

void Rows::add_integer(int32_t value) {
  append_big_endian(bytes_, int32_t{sizeof(value)});
  append_big_endian(bytes_, value);
}

// The server's form: digits to the base 10,000, the first of them worth 10,000^weight, aligned to the decimal
// point.
void Rows::add_numeric(int64_t unscaled, int scale) {
  constexpr int kBase = 10000;
  constexpr int kDecimals = 4;  // of one digit
  unsigned __int128 rest = unscaled < 0 ? -static_cast<__int128>(unscaled) : static_cast<__int128>(unscaled);
  int places = scale;
  for (; places % kDecimals != 0; ++places) rest *= 10;
  std::vector<int16_t> digits;  // the last one first
  for (; rest > 0; rest /= kBase) digits.push_back(static_cast<int16_t>(rest % kBase));
  const int weight = static_cast<int>(digits.size()) - places / kDecimals - 1;
  append_big_endian(bytes_, static_cast<int32_t>(2 * (4 + digits.size())));
  append_big_endian(bytes_, static_cast<int16_t>(digits.size()));
  append_big_endian(bytes_, static_cast<int16_t>(digits.empty() ? 0 : weight));
  append_big_endian(bytes_, static_cast<int16_t>(unscaled < 0 ? 0x4000 : 0));
  append_big_endian(bytes_, static_cast<int16_t>(scale));
  for (size_t i = digits.size(); i-- > 0;) append_big_endian(bytes_, digits[i]);
}

void Rows::add_text(std::string_view value) {
  append_big_endian(bytes_, static_cast<int32_t>(value.size()));
  bytes_.append(value);
}

void Rows::add_jsonb(std::string_view json) {
  constexpr char kVersion = 1;
  append_big_endian(bytes_, static_cast<int32_t>(json.size() + 1));
  bytes_.push_back(kVersion);
  bytes_.append(json);
}

void Rows::add_null() {
  append_big_endian(bytes_, int32_t{-1});
}

void Rows::add_timestamptz(Timestamp value) {
  add_bigint(value - kServerEpoch);
}

void Rows::clear() {
  bytes_.clear();
  count_ = 0;
}

void Rows::read_row(size_t& offset, RowParameters& parameters) const {
  assert(offset < bytes_.size());
  parameters.values.clear();
  parameters.lengths.clear();
  for (int columns = read_big_endian<int16_t>(bytes_, offset); columns > 0; --columns) {
    const auto length = read_big_endian<int32_t>(bytes_, offset);
    const bool null = length < 0;
    parameters.values.push_back(null ? nullptr : bytes_.data() + offset);
    parameters.lengths.push_back(null ? 0 : length);
    offset += null ? 0 : static_cast<size_t>(length);
  }
}

std::string_view copy_header() {
  // Signature, flags, length of the header's extension.
  static constexpr char kHeader[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
  return {kHeader, sizeof(kHeader) - 1};
}

std::string_view copy_trailer() {
  return "\377\377";
}

std::string quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

void Batch::clear() {
  for (Rows& each : rows) each.clear();
  statements.clear();
  tallies.fill(0);
}

}  // namespace trending::loadgen
