// SPDX-License-Identifier: PostgreSQL
// What the scenarios have in common: tables that a file of examples/ makes, some of them filled beforehand,
// the others by events.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "random.h"
#include "scenario.h"

namespace trending::loadgen {

class TableScenario : public Scenario {
 public:
  std::string_view name() const override { return name_; }
  std::vector<std::string> create(Connection& connection, bool drop) override;
  void prepare(Connection& connection) override;
  const std::vector<Table>& event_tables() const override { return event_tables_; }

 protected:
  // schema: statements that make all tables, and may be run again.
  TableScenario(std::string_view name, std::string_view schema, std::vector<Table> fixed_tables,
                std::vector<Table> event_tables);

  // Adds what is missing of the fixed tables' rows. Returns what was done, a sentence a line.
  virtual std::vector<std::string> fill(Connection&) { return {}; }

  const std::vector<Table>& fixed_tables() const { return fixed_tables_; }

 private:
  std::vector<Table> all_tables() const;

  std::string_view name_;
  std::string_view schema_;
  std::vector<Table> fixed_tables_;
  std::vector<Table> event_tables_;
};

// The greatest id in a table, 0 if it is empty.
uint64_t greatest_id(Connection& connection, const Table& table);

// Rows are numbered by their column id, from 1: adds those that are missing at the end, in pieces that need
// little memory. Says what it did; noun is one row.
std::string add_missing_rows(Connection& connection, const Table& table, uint64_t wanted,
                             std::string_view noun,
                             const std::function<void(Rows&, uint64_t id)>& add_values);

// How much later than it happened an event is written: mostly not at all.
Micros draw_lateness(Random& random, double share, Micros longest);

// "12,345 late ones (1.0 %)" as a line of the summary.
SummaryLine share_line(std::string_view name, uint64_t part, std::string_view noun, uint64_t whole);

}  // namespace trending::loadgen
