// SPDX-License-Identifier: PostgreSQL
#include "scenarios/weather.h"

#include <cmath>
#include <iterator>
#include <numbers>

#include <fmt/format.h>

#include "connection.h"
#include "format.h"
#include "scenarios/schemas.h"

namespace trending::loadgen {

namespace {

enum Tally { kLate, kCorrected };

struct City {
  std::string_view name;
  std::string_view country;
  std::string_view code;
  double mean;  // temperature
};
constexpr City kCities[] = {
    {"Accra", "GH", "ACC", 27},    {"Bergen", "NO", "BGO", 8},    {"Bogotá", "CO", "BOG", 14},
    {"Cairo", "EG", "CAI", 22},    {"Chicago", "US", "CHI", 10},  {"Dublin", "IE", "DUB", 10},
    {"Hanoi", "VN", "HAN", 24},    {"Hobart", "AU", "HBA", 13},   {"Kraków", "PL", "KRK", 9},
    {"La Paz", "BO", "LPB", 8},    {"Lisbon", "PT", "LIS", 17},   {"Montréal", "CA", "YUL", 7},
    {"Nairobi", "KE", "NBO", 19},  {"Osaka", "JP", "OSA", 17},    {"Pune", "IN", "PNQ", 25},
    {"Reykjavík", "IS", "REK", 5}, {"Santiago", "CL", "SCL", 15}, {"Tallinn", "EE", "TLL", 6}};
constexpr uint64_t kStationsOfCity = 3;
constexpr uint64_t kStations = kStationsOfCity * std::size(kCities);
constexpr double kDefaultWrong = 0.002;
constexpr int64_t kWrongBy = 400;  // tenths of a degree
constexpr double kDry = 0.02;      // of the readings have no humidity

Table readings_table() {
  return {"readings", {{"id", ColumnType::kBigint}, {"payload", ColumnType::kJsonb}}};
}

// 123 → "12.3"
std::string tenths(int64_t value) {
  return fmt::format("{}{}.{}", value < 0 ? "-" : "", std::abs(value) / 10, std::abs(value) % 10);
}

std::string payload(const Reading& reading, Timestamp time) {
  const City& city = kCities[reading.station / kStationsOfCity];
  std::string air = fmt::format(R"("temperature": {})", tenths(reading.reported));
  if (reading.humidity) air += fmt::format(R"(, "humidity": {})", *reading.humidity);
  return fmt::format(
      R"({{"station": {{"id": "{}-{}", "city": "{}", "country": "{}"}}, "observed": {}, "air": {{{}, "pressure": {}}}}})",
      city.code, 1 + reading.station % kStationsOfCity, city.name, city.country, time / kSecond, air,
      tenths(reading.pressure));
}

}  // namespace

Weather::Weather(const Options& options)
    : TableScenario("weather", schemas::kWeather, {}, {readings_table()}),
      seed_(options.shape.seed),
      schedule_(options.run.rate, options.run.speed),
      late_share_(options.shape.late_share),
      late_max_(options.shape.late_max),
      wrong_share_(options.shape.change_share.value_or(kDefaultWrong)) {}

void Weather::prepare(Connection& connection) {
  TableScenario::prepare(connection);
  first_id_ = greatest_id(connection, event_tables().front()) + 1;
}

std::string Weather::describe() const {
  return fmt::format("{} in {} cities", counted(kStations, "station"), std::size(kCities));
}

Reading Weather::reading(uint64_t event) const {
  Random random(seed_, event);
  Reading reading{};
  reading.station = random.below(kStations);
  const City& city = kCities[reading.station / kStationsOfCity];
  const double days = static_cast<double>(schedule_.story_time(event)) / kDay;
  const double phase = Random(mix64(seed_) + 1, reading.station).unit();
  const double degrees =
      city.mean + 6 * std::sin(2 * std::numbers::pi * (days + phase)) + 2 * random.unit() - 1;
  reading.temperature = std::llround(10 * degrees);
  reading.reported = reading.temperature + (random.unit() < wrong_share_ ? kWrongBy : 0);
  if (random.unit() >= kDry) reading.humidity = 30 + random.below(70);
  reading.pressure = 9800 + static_cast<int64_t>(random.below(500));
  reading.lateness = draw_lateness(random, late_share_, late_max_);
  return reading;
}

void Weather::generate(EventSpan span, const EventTimes& times, Batch& batch) const {
  Rows& rows = batch.rows.front();
  for (uint64_t event = span.first; event < span.first + span.count; ++event) {
    const Reading now = reading(event);
    rows.begin_row(event_tables().front().columns.size());
    rows.add_bigint(static_cast<int64_t>(first_id_ + event));
    rows.add_jsonb(payload(now, times.of(event) - now.lateness));
    batch.tallies[kLate] += now.lateness > 0 ? 1 : 0;
    if (event < kCorrectedAfter) continue;
    const Reading before = reading(event - kCorrectedAfter);
    if (before.reported == before.temperature) continue;
    batch.statements.push_back(fmt::format(
        R"(UPDATE readings SET payload = jsonb_set(payload, '{{air,temperature}}', '{}') WHERE id = {})",
        tenths(before.temperature), first_id_ + event - kCorrectedAfter));
    ++batch.tallies[kCorrected];
  }
}

std::vector<SummaryLine> Weather::summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                          uint64_t events) const {
  return {share_line("late", tallies[kLate], "reading", events),
          share_line("corrected", tallies[kCorrected], "reading", events)};
}

}  // namespace trending::loadgen
