// SPDX-License-Identifier: PostgreSQL
#include "scenarios/table_scenario.h"

#include <algorithm>

#include <fmt/format.h>

#include "connection.h"
#include "format.h"

namespace trending::loadgen {

namespace {

// "tables a, b and c"
std::string list_tables(const std::vector<Table>& tables) {
  std::string list = tables.size() == 1 ? "table " : "tables ";
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i > 0) list += i + 1 == tables.size() ? " and " : ", ";
    list += tables[i].name;
  }
  return list;
}

}  // namespace

TableScenario::TableScenario(std::string_view name, std::string_view schema, std::vector<Table> fixed_tables,
                             std::vector<Table> event_tables)
    : name_(name),
      schema_(schema),
      fixed_tables_(std::move(fixed_tables)),
      event_tables_(std::move(event_tables)) {}

std::vector<Table> TableScenario::all_tables() const {
  std::vector<Table> all = fixed_tables_;
  all.insert(all.end(), event_tables_.begin(), event_tables_.end());
  return all;
}

std::vector<std::string> TableScenario::create(Connection& connection, bool drop) {
  const std::vector<Table> tables = all_tables();
  const std::string list = list_tables(tables);
  std::vector<std::string> done;
  if (drop) {
    std::string names;
    for (const Table& each : tables) names += (names.empty() ? "" : ", ") + each.name;
    connection.execute("DROP TABLE IF EXISTS " + names);
    done.push_back(fmt::format("Dropped {}.", list));
  }
  const bool there =
      std::ranges::all_of(tables, [&](const Table& each) { return connection.table_exists(each.name); });
  if (!there) connection.execute(std::string(schema_));
  for (const Table& each : tables) check_table(connection, each);
  done.push_back(there ? fmt::format("The {} are there.", list) : fmt::format("Created {}.", list));
  for (std::string& line : fill(connection)) done.push_back(std::move(line));
  return done;
}

void TableScenario::prepare(Connection& connection) {
  for (const Table& each : all_tables()) check_table(connection, each);
}

uint64_t greatest_id(Connection& connection, const Table& table) {
  return std::stoull(connection.query_value(fmt::format("SELECT coalesce(max(id), 0) FROM {}", table.name)));
}

std::string add_missing_rows(Connection& connection, const Table& table, uint64_t wanted,
                             std::string_view noun,
                             const std::function<void(Rows&, uint64_t id)>& add_values) {
  constexpr uint64_t kPiece = 10000;
  const uint64_t before = greatest_id(connection, table);
  if (before >= wanted) return fmt::format("{} are there.", counted(before, noun));
  Rows rows;
  for (uint64_t id = before + 1; id <= wanted; ++id) {
    rows.begin_row(table.columns.size());
    rows.add_bigint(static_cast<int64_t>(id));
    add_values(rows, id);
    if (rows.count() == kPiece || id == wanted) {
      connection.copy(table, rows);
      rows.clear();
    }
  }
  connection.execute("ANALYZE " + table.name);
  return fmt::format("Added {}.", counted(wanted - before, noun));
}

Micros draw_lateness(Random& random, double share, Micros longest) {
  if (random.unit() >= share) return 0;
  return 1 + static_cast<Micros>(random.below(static_cast<uint64_t>(longest)));
}

SummaryLine share_line(std::string_view name, uint64_t part, std::string_view noun, uint64_t whole) {
  return {std::string(name), fmt::format("{} ({})", counted(part, noun), percentage(part, whole))};
}

}  // namespace trending::loadgen
