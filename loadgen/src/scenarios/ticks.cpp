// SPDX-License-Identifier: PostgreSQL
#include "scenarios/ticks.h"

#include <cmath>
#include <iterator>
#include <numbers>

#include <fmt/format.h>

#include "connection.h"
#include "format.h"
#include "scenarios/schemas.h"

namespace trending::loadgen {

namespace {

enum Tally { kLate, kDeleted };

constexpr std::string_view kSymbols[] = {"ACME", "BOLT", "CRUX", "DUNE", "ECHO", "FLUX", "GALE", "HIVE",
                                         "IRIS", "JADE", "KELP", "LUMA", "MINT", "NOVA", "ONYX", "PINE",
                                         "QUAY", "RUNE", "SAGE", "TIDE", "URSA", "VALE", "WREN", "XENO",
                                         "YARN", "ZEST", "ALTO", "BRIO", "CODA", "DOLC"};
constexpr double kDefaultErrors = 0.001;
constexpr double kErrorFactor = 1.4;
constexpr int kPriceScale = 4;

Table ticks_table() {
  return {"ticks",
          {{"id", ColumnType::kBigint},
           {"symbol", ColumnType::kText},
           {"price", ColumnType::kNumeric},
           {"volume", ColumnType::kBigint},
           {"traded_at", ColumnType::kTimestamptz}}};
}

}  // namespace

Ticks::Ticks(const Options& options)
    : TableScenario("ticks", schemas::kTicks, {}, {ticks_table()}),
      seed_(options.shape.seed),
      schedule_(options.run.rate, options.run.speed),
      popularity_(std::size(kSymbols), options.shape.skew),
      symbol_of_rank_(std::size(kSymbols), options.shape.seed),
      late_share_(options.shape.late_share),
      late_max_(options.shape.late_max),
      error_share_(options.shape.change_share.value_or(kDefaultErrors)) {}

void Ticks::prepare(Connection& connection) {
  TableScenario::prepare(connection);
  first_id_ = greatest_id(connection, event_tables().front()) + 1;
}

std::string Ticks::describe() const {
  return counted(std::size(kSymbols), "symbol");
}

// The logarithm of a price moves in waves of some seconds to an hour, the shorter the smaller.
double Ticks::level(uint64_t symbol, Micros story_time) const {
  constexpr double kPeriods[] = {11, 47, 190, 750, 3600};
  Random random(mix64(seed_) + 1, symbol);
  double level = std::log(5) + random.unit() * std::log(100);
  for (const double period : kPeriods) {
    const double turns = static_cast<double>(story_time) / (period * kSecond) + random.unit();
    level += 0.0004 * std::sqrt(period) * std::sin(2 * std::numbers::pi * turns);
  }
  return level;
}

Trade Ticks::trade(uint64_t event) const {
  Random random(seed_, event);
  const uint64_t symbol = symbol_of_rank_(popularity_(random) - 1);
  const double noise = 0.0005 * (random.unit() - 0.5);
  double price = std::exp(level(symbol, schedule_.story_time(event)) + noise);
  const auto volume = static_cast<int64_t>(std::exp(8 * random.unit()));
  const Micros lateness = draw_lateness(random, late_share_, late_max_);
  const bool error = random.unit() < error_share_;
  if (error) price *= kErrorFactor;
  return {kSymbols[symbol], std::llround(price * 10000), volume, lateness, error};
}

void Ticks::generate(EventSpan span, const EventTimes& times, Batch& batch) const {
  Rows& rows = batch.rows.front();
  for (uint64_t event = span.first; event < span.first + span.count; ++event) {
    const Trade made = trade(event);
    rows.begin_row(event_tables().front().columns.size());
    rows.add_bigint(static_cast<int64_t>(first_id_ + event));
    rows.add_text(made.symbol);
    rows.add_numeric(made.price, kPriceScale);
    rows.add_bigint(made.volume);
    rows.add_timestamptz(times.of(event) - made.lateness);
    batch.tallies[kLate] += made.lateness > 0 ? 1 : 0;
    if (event >= kDeletedAfter && trade(event - kDeletedAfter).error) {
      batch.statements.push_back(
          fmt::format("DELETE FROM ticks WHERE id = {}", first_id_ + event - kDeletedAfter));
      ++batch.tallies[kDeleted];
    }
  }
}

std::vector<SummaryLine> Ticks::summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                        uint64_t events) const {
  return {share_line("late", tallies[kLate], "trade", events),
          share_line("deleted", tallies[kDeleted], "trade", events)};
}

}  // namespace trending::loadgen
