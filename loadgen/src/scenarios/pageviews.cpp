// SPDX-License-Identifier: PostgreSQL
#include "scenarios/pageviews.h"

#include <iterator>

#include <fmt/format.h>

#include "format.h"
#include "scenarios/schemas.h"

namespace trending::loadgen {

namespace {

enum Tally { kSecondsLate, kDayLate, kTwoDaysLate };

constexpr uint64_t kDefaultUsers = 50000;
constexpr Micros kMostSeconds = 20 * kSecond;
constexpr double kWithinSeconds = 0.8;
constexpr double kWithinADay = 0.9;
constexpr double kUnknownPostcode = 0.01;
constexpr std::string_view kSections[] = {"news", "sport", "weather", "culture", "travel", "shop"};
constexpr uint64_t kPagesOfSection = 40;

Table views_table() {
  return {"pageviews",
          {{"user_id", ColumnType::kBigint},
           {"postcode", ColumnType::kText},
           {"webpage", ColumnType::kText},
           {"timestamp", ColumnType::kInteger}}};
}

}  // namespace

Pageviews::Pageviews(const Options& options)
    : TableScenario("pageviews", schemas::kPageviews, {}, {views_table()}),
      seed_(options.shape.seed),
      users_(options.shape.users.value_or(kDefaultUsers)),
      popularity_(kPostcodes, options.shape.skew),
      postcode_of_rank_(kPostcodes, options.shape.seed) {}

std::string Pageviews::describe() const {
  return counted(kPostcodes, "postcode");
}

Pageview Pageviews::view(uint64_t event) const {
  Random random(seed_, event);
  Pageview view;
  view.lateness = static_cast<Micros>(random.below(static_cast<uint64_t>(kMostSeconds)));
  const double kind = random.unit();
  if (kind >= kWithinSeconds) view.lateness += kind < kWithinADay ? kDay : 2 * kDay;
  view.user = 1 + random.below(users_);
  const uint64_t postcode = postcode_of_rank_(popularity_(random) - 1);
  if (random.unit() >= kUnknownPostcode) view.postcode = fmt::format("{:05}", 1067 + 247 * postcode);
  const std::string_view section = kSections[random.below(std::size(kSections))];
  view.webpage = fmt::format("/{}/{}", section, 1 + random.below(kPagesOfSection));
  return view;
}

void Pageviews::generate(EventSpan span, const EventTimes& times, Batch& batch) const {
  Rows& rows = batch.rows.front();
  for (uint64_t event = span.first; event < span.first + span.count; ++event) {
    const Pageview pageview = view(event);
    rows.begin_row(event_tables().front().columns.size());
    rows.add_bigint(static_cast<int64_t>(pageview.user));
    pageview.postcode.empty() ? rows.add_null() : rows.add_text(pageview.postcode);
    rows.add_text(pageview.webpage);
    rows.add_integer(static_cast<int32_t>((times.of(event) - pageview.lateness) / kSecond));
    ++batch.tallies[pageview.lateness < kDay       ? kSecondsLate
                    : pageview.lateness < 2 * kDay ? kDayLate
                                                   : kTwoDaysLate];
  }
}

std::vector<SummaryLine> Pageviews::summary(const std::array<uint64_t, Batch::kTallies>& tallies,
                                            uint64_t events) const {
  return {share_line("seconds late", tallies[kSecondsLate], "view", events),
          share_line("a day late", tallies[kDayLate], "view", events),
          share_line("two days late", tallies[kTwoDaysLate], "view", events)};
}

}  // namespace trending::loadgen
