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
    case ColumnType::kText:
      return "text";
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

void Rows::add_text(std::string_view value) {
  append_big_endian(bytes_, static_cast<int32_t>(value.size()));
  bytes_.append(value);
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
    parameters.values.push_back(bytes_.data() + offset);
    parameters.lengths.push_back(length);
    offset += static_cast<size_t>(length);
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

void Batch::clear() {
  for (Rows& each : rows) each.clear();
  tallies.fill(0);
}

}  // namespace trending::loadgen
