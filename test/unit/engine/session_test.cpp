// SPDX-License-Identifier: PostgreSQL
// Session windows: single cases, and random runs beside the model.

#include <gtest/gtest.h>

#include <random>

#include "engine/seeds.h"
#include "engine/session_model.h"

namespace trending::test {
namespace {

TrendOptions session(int64_t gap) {
  TrendOptions options;
  options.window = {WindowKind::kSession, false, gap, 0, 0};
  options.report_windows = true;
  return options;
}

SessionState state_of(const StateLayout& layout, const int64_t* result) {
  SessionState state{result[0], {}};
  for (uint16_t i = 0; i < layout.aggregate_count; i++) state.values[i] = value_of(layout, result, i).integer;
  return state;
}

// What the trend shows: the open sessions.
Sessions shown(TestTrend* trend) {
  Sessions found;
  trend->reader().for_each_live([&](const Row& row) {
    int64_t result[kMaxStateWords];
    trend->reader().copy_result(row, result);
    found.push_back({string_of(row.key), row.window, state_of(trend->reader().layout(), result)});
  });
  std::sort(found.begin(), found.end());
  return found;
}

// Writes pending windows as a host does: each replaces what was there of it.
class History {
 public:
  void take(TestTrend* trend) {
    TrendWriter& writer = trend->writer();
    PendingWindow pending;
    for (Window after; writer.next_pending_window(after, &pending); after = pending.window) {
      std::erase_if(rows_, [&](const NamedSession& row) { return row.window == pending.window; });
      writer.for_each_group_in_window(pending.window, [&](KeyView key, const int64_t* result) {
        rows_.push_back({string_of(key), pending.window, state_of(writer.layout(), result)});
      });
      if (pending.is_final) finals_++;
    }
    writer.mark_reported();
    EXPECT_FALSE(writer.has_pending_window());
    EXPECT_FALSE(writer.next_pending_window({}, &pending));
    std::sort(rows_.begin(), rows_.end());
  }
  const Sessions& rows() const { return rows_; }
  int finals() const { return finals_; }

 private:
  Sessions rows_;
  int finals_ = 0;
};

// Rows with the arguments of session_aggregates().
Status apply_clicks(TestTrend* trend, const std::vector<Click>& clicks) {
  const uint16_t count = trend->writer().layout().aggregate_count;
  for (const Click& click : clicks) {
    const std::string bytes = bytes_of(click.value);
    const bool is_valid[] = {(click.valid >> 2 & 1) != 0, (click.valid >> 3 & 1) != 0};
    const uint64_t hash = hash_for_sketch(bytes.data(), bytes.size());
    const int64_t words[] = {is_valid[0] ? static_cast<int64_t>(bytes.size()) : 0,
                             is_valid[1] ? static_cast<int64_t>(hash) : 0};
    const bool has_tail = count > 2 && is_valid[0];
    const ArgumentView arguments{words, count > 2 ? count - 2u : 0,
                                 reinterpret_cast<const std::byte*>(bytes.data()),
                                 has_tail ? static_cast<uint32_t>(bytes.size()) : 0};
    const uint32_t valid = click.valid & ((1u << count) - 1);
    EXPECT_EQ(trend->append(click.time, click.key, 1, valid, arguments), Status::kOk);
  }
  return trend->commit();
}

TEST(Session, EventsOneGapApartBelongTogether) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{100, "a"}, {110, "a"}, {100, "b"}, {111, "b"}}), Status::kOk);
  // The second one of b began a session of its own; the first is closed.
  EXPECT_EQ(shown(&trend), (Sessions{{"a", {100, 120}, {2, {}}}, {"b", {111, 121}, {1, {}}}}));
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"b", {100, 110}, {1, {}}}}));
}

TEST(Session, LaterRowMergesTwoSessionsAndWithdrawsWhatWasReported) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{100, "a"}, {115, "a"}}), Status::kOk);
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"a", {100, 110}, {1, {}}}}));
  ASSERT_EQ(trend.apply({{107, "a"}}), Status::kOk);
  EXPECT_EQ(shown(&trend), (Sessions{{"a", {100, 125}, {3, {}}}}));
  history.take(&trend);
  EXPECT_TRUE(history.rows().empty());
}

TEST(Session, ClosesWhenTheWatermarkReachesItsEnd) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{100, "a"}}), Status::kOk);
  EXPECT_FALSE(trend.writer().session_is_due(109));
  ASSERT_EQ(trend.writer().advance_clock(109), Status::kOk);
  EXPECT_EQ(shown(&trend).size(), 1u);
  EXPECT_TRUE(trend.writer().session_is_due(110));
  ASSERT_EQ(trend.writer().advance_clock(110), Status::kOk);
  EXPECT_TRUE(shown(&trend).empty());
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"a", {100, 110}, {1, {}}}}));
  EXPECT_EQ(history.finals(), 0);
  // A row exactly at its end still belongs to it, and opens it again.
  ASSERT_EQ(trend.apply({{110, "a"}}), Status::kOk);
  EXPECT_EQ(shown(&trend), (Sessions{{"a", {100, 120}, {2, {}}}}));
  history.take(&trend);
  EXPECT_TRUE(history.rows().empty());
  // From here on no row can reach it; it is released.
  ASSERT_EQ(trend.writer().advance_clock(130), Status::kOk);
  EXPECT_EQ(trend.writer().final_before(), 120);
  history.take(&trend);
  EXPECT_EQ(history.finals(), 1);
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
  ASSERT_EQ(trend.apply({{119, "a"}}), Status::kOk);
  EXPECT_EQ(trend.reader().counters().late, 1u);
}

// Sessions that a later one of their group closes are reported early; others with the same window follow, and
// the window is then reported again. However far the clock moves, what was reported early is part of it.
TEST(Session, EqualWindowsThatCloseAtDifferentTimesAreReportedAsAWhole) {
  TrendOptions options = session(10);
  options.watermark_delay = 50;
  TestTrend trend(options);
  ASSERT_EQ(trend.apply({{100, "a"}, {100, "b"}, {100, "c"}}), Status::kOk);
  ASSERT_EQ(trend.apply({{120, "a"}, {120, "c"}}), Status::kOk);
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"a", {100, 110}, {1, {}}}, {"c", {100, 110}, {1, {}}}}));
  ASSERT_EQ(trend.writer().advance_clock(1000), Status::kOk);
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"a", {100, 110}, {1, {}}},
                                      {"b", {100, 110}, {1, {}}},
                                      {"c", {100, 110}, {1, {}}},
                                      {"a", {120, 130}, {1, {}}},
                                      {"c", {120, 130}, {1, {}}}}));
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
}

TEST(Session, RowThatIsLateIsCounted) {
  TrendOptions options = session(10);
  options.allowed_lateness = 5;
  options.watermark_delay = 7;
  TestTrend trend(options);
  ASSERT_EQ(trend.apply({{100, "a"}}), Status::kOk);
  EXPECT_TRUE(trend.writer().is_late(78));  // 78 + 10 <= 100 - 7 - 5
  EXPECT_FALSE(trend.writer().is_late(79));
  ASSERT_EQ(trend.apply({{78, "b"}, {79, "b"}}), Status::kOk);
  EXPECT_EQ(trend.reader().counters().late, 1u);
  EXPECT_EQ(trend.reader().counters().events, 2u);
}

TEST(Session, RowThatIsCountedElsewhereIsNotLate) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{100, "a"}}), Status::kOk);
  trend.writer().count_elsewhere({20, 50});
  EXPECT_FALSE(trend.writer().is_counted_elsewhere(9));
  EXPECT_TRUE(trend.writer().is_counted_elsewhere(10));
  EXPECT_TRUE(trend.writer().is_counted_elsewhere(40));
  EXPECT_FALSE(trend.writer().is_counted_elsewhere(41));
  ASSERT_EQ(trend.apply({{40, "b"}, {41, "b"}}), Status::kOk);
  EXPECT_EQ(trend.reader().counters().late, 1u);
}

TEST(Session, RowOfAnOpenSessionIsNotPast) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{95, "a"}, {100, "a"}, {100, "b"}}), Status::kOk);
  const auto is_past = [&](Time t, std::string_view key) {
    return trend.writer().is_past(
        t, {reinterpret_cast<const std::byte*>(key.data()), static_cast<uint32_t>(key.size())}, 100);
  };
  EXPECT_FALSE(is_past(85, "a"));
  EXPECT_TRUE(is_past(84, "a"));
  EXPECT_TRUE(is_past(85, "b"));
  EXPECT_TRUE(is_past(85, "unknown"));
  EXPECT_FALSE(is_past(91, "unknown"));
}

TEST(Session, NothingIsHeldWithoutHistory) {
  TrendOptions options = session(10);
  options.report_windows = false;
  TestTrend trend(options);
  for (int i = 0; i < 1000; i++) {
    ASSERT_EQ(trend.apply({{i * 20, std::to_string(i % 7)}}), Status::kOk);
    ASSERT_FALSE(trend.writer().has_pending_window());
  }
  EXPECT_LE(trend.reader().kept_groups(), 3u);
}

TEST(Session, TooManyAreRefused) {
  TrendOptions options = session(10);
  options.max_groups = 3;
  TestTrend trend(options);
  ASSERT_EQ(trend.apply({{100, "a"}, {100, "b"}, {100, "c"}}), Status::kOk);
  EXPECT_EQ(trend.apply({{100, "d"}, {101, "a"}}), Status::kTooManyGroups);
  EXPECT_EQ(trend.apply({{120, "a"}}), Status::kTooManyGroups);
  EXPECT_EQ(trend.reader().counters().refused, 2u);
  EXPECT_EQ(trend.reader().live_groups(), 0u);  // the clock moved on all the same
}

TEST(Session, RowsAreNotTakenBack) {
  TestTrend trend(session(10));
  ASSERT_EQ(trend.apply({{100, "a"}, {101, "a"}}), Status::kOk);
  ASSERT_EQ(trend.apply({{101, "a", -1}}), Status::kOk);
  EXPECT_EQ(trend.reader().counters().unmatched, 1u);
  EXPECT_EQ(shown(&trend), (Sessions{{"a", {100, 111}, {2, {}}}}));
}

TEST(Session, ManyFinalOnesWantToBeReported) {
  TrendOptions options = session(10);
  options.max_groups = 100;
  TestTrend trend(options);
  for (int i = 0; i < 26; i++) ASSERT_EQ(trend.append(100, std::to_string(i)), Status::kOk);
  ASSERT_EQ(trend.commit(), Status::kOk);
  EXPECT_FALSE(trend.writer().has_final_pending_window());
  ASSERT_EQ(trend.writer().advance_clock(1000), Status::kOk);
  EXPECT_TRUE(trend.writer().has_final_pending_window());
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows().size(), 26u);
  EXPECT_FALSE(trend.writer().has_final_pending_window());
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
}

// Rows in descending order of time: sessions that end after a time, whole, and nothing else.
TEST(Session, FillingFindsTheSessionsThatMatter) {
  TestTrend trend(session(10));
  trend.writer().start_filling(200);
  ASSERT_EQ(trend.apply({{250, "a"}, {245, "b"}, {191, "b"}, {190, "a"}, {185, "b"}}), Status::kOk);
  EXPECT_EQ(trend.writer().concerned_from(), 175);
  ASSERT_EQ(trend.apply({{176, "b"}, {176, "a"}, {166, "b"}, {150, "b"}}), Status::kOk);
  EXPECT_EQ(trend.writer().concerned_from(), 156);
  ASSERT_EQ(trend.writer().restore_clock(255, kNoTime), Status::kOk);
  EXPECT_EQ(shown(&trend), (Sessions{{"a", {250, 260}, {1, {}}}}));
  History history;
  history.take(&trend);
  EXPECT_EQ(history.rows(), (Sessions{{"b", {166, 201}, {4, {}}}, {"b", {245, 255}, {1, {}}}}));
  EXPECT_EQ(trend.reader().counters().late, 0u);
}

TEST(Session, BrokenCellsAreRefused) {
  TestTrend trend(session(10));
  const std::byte bytes[6] = {std::byte{9}};
  EXPECT_EQ(trend.writer().restore_cell(0, 0, key_of("a"), bytes, 3), Status::kCorrupt);
  EXPECT_EQ(trend.writer().restore_cell(0, 0, key_of("a"), bytes, 6), Status::kCorrupt);
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
}

// At whatever allocation memory ends: what was refused is counted, the rest is exact.
TEST(Session, ShortageOfMemoryRefusesRows) {
  uint64_t refused_ever = 0;
  for (uint64_t fail = 1; fail < 60; fail++) {
    TrendOptions options = session(10);
    options.allowed_lateness = 100;
    session_aggregates(&options, fail % 2 == 0 ? kSessionAggregates : 0);
    TestTrend trend(options);
    SessionModel model(options);
    History history;
    trend.blocks().fail_after(fail);
    std::mt19937 random(static_cast<unsigned>(fail));
    uint64_t refused = 0;
    for (int i = 0; i < 400; i++) {
      const Event event{
          i / 4 + static_cast<int>(random() % 60),
          std::to_string(random() % 900 % (fail % 2 == 0 ? 9 : 900)) + "0123456789012345678901234567890", 1,
          15};
      const Click click{event, static_cast<int64_t>(random() % 500)};
      const Status status = apply_clicks(&trend, {click});
      if (status == Status::kOk) {
        model.apply({click});
      } else {
        ASSERT_EQ(status, Status::kOutOfMemory);
        refused++;
        model.advance_clock(event.time);
      }
      if (i % 50 == 0) history.take(&trend);
    }
    trend.blocks().fail_after(0);
    ASSERT_EQ(trend.reader().counters().refused, refused);
    ASSERT_EQ(shown(&trend), model.open());
    history.take(&trend);
    ASSERT_EQ(history.rows(), model.closed());
    refused_ever += refused;
  }
  EXPECT_GT(refused_ever, 500u);
}

TEST(Session, TooManyValuesAreRefused) {
  TrendOptions options = session(10);
  session_aggregates(&options, 3);
  options.max_values = 3;
  TestTrend trend(options);
  ASSERT_EQ(apply_clicks(&trend, {{{100, "a", 1, 4}, 1}, {{101, "a", 1, 4}, 2}, {{102, "a", 1, 4}, 1}}),
            Status::kOk);
  ASSERT_EQ(apply_clicks(&trend, {{{103, "b", 1, 4}, 1}}), Status::kOk);
  EXPECT_EQ(apply_clicks(&trend, {{{104, "b", 1, 4}, 2}, {{104, "c", 1, 4}, 2}, {{104, "a", 1, 4}, 3}}),
            Status::kTooManyGroups);
  EXPECT_EQ(trend.reader().counters().refused, 3u);
  EXPECT_EQ(trend.reader().live_groups(), 2u);
  // Values go with their session.
  ASSERT_EQ(trend.writer().advance_clock(200), Status::kOk);
  History().take(&trend);
  EXPECT_EQ(trend.reader().kept_groups(), 0u);
  EXPECT_EQ(apply_clicks(&trend, {{{210, "b", 1, 4}, 2}, {{211, "c", 1, 4}, 2}, {{212, "a", 1, 4}, 3}}),
            Status::kOk);
}

TEST(Session, BrokenPartsAreRefused) {
  TrendOptions options = session(10);
  session_aggregates(&options, kSessionAggregates);
  TestTrend trend(options);
  ASSERT_EQ(apply_clicks(&trend, {{{100, "a", 1, 15}, 1}, {{101, "a", 1, 15}, 2}, {{120, "a", 1, 15}, 1}}),
            Status::kOk);
  std::vector<std::byte> cell;
  trend.writer().for_each_cell(
      0, [&](const CellView& view) { cell.assign(view.state, view.state + view.state_size); });
  const auto size = static_cast<uint32_t>(cell.size());
  // Cut short anywhere but between two sessions, or with a byte too many.
  int restored = 0;
  for (uint32_t cut = 1; cut < size; cut++) {
    TestTrend other(options);
    const Status status = other.writer().restore_cell(0, 0, key_of("a"), cell.data(), cut);
    restored += status == Status::kOk;
    ASSERT_TRUE(status == Status::kOk || status == Status::kCorrupt);
  }
  EXPECT_EQ(restored, 1);
  cell.push_back(std::byte{0});
  EXPECT_EQ(trend.writer().restore_cell(0, 0, key_of("a"), cell.data(), size + 1), Status::kCorrupt);
  EXPECT_EQ(trend.writer().restore_cell(0, 0, key_of("a"), cell.data(), size), Status::kOk);
}

class RandomSessions {
 public:
  explicit RandomSessions(uint64_t seed) : random_(seed) {
    options_ = session(20 + below(200));
    if (chance(2)) options_.allowed_lateness = below(4 * options_.window.size);
    if (chance(2)) options_.watermark_delay = below(3 * options_.window.size);
    options_.report_windows = !chance(4);
    session_aggregates(&options_, static_cast<uint16_t>(below(kSessionAggregates + 1)));
    options_.has_condition = chance(2);
    options_.rank[0].aggregate =
        static_cast<uint16_t>(options_.aggregate_count == 0 ? 0 : below(options_.aggregate_count));
    options_.rank[0].descending = !chance(4);
    options_.hash_seed = random_();
    keys_ = chance(3) ? 400 : 12;
    now_ = below(100000) - 50000;
    model_ = std::make_unique<SessionModel>(options_, holds);
    make_trend();
  }

  void run(int transactions) {
    for (int i = 0; i < transactions && !testing::Test::HasFailure(); i++) {
      step();
      if (chance(6)) compare();
      if (chance(15)) compare_history();
      if (chance(40)) checkpoint(chance(2));
      if (chance(60)) {
        ASSERT_EQ(trend_->writer().open(&trend_->arena(), hooks()), Status::kOk);
      }
    }
    compare();
    compare_history();
  }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int64_t one_in) { return below(one_in) == 0; }

  void make_trend() {
    trend_ = std::make_unique<TestTrend>(options_, Calendar{}, uint64_t{1} << 30, hooks());
    if (chance(2)) trend_->limit_batch(2000);
  }

  // Neither growing nor falling with the number of rows, so that sessions come and go.
  static bool holds(int64_t rows) { return rows >= 2 && rows % 5 != 3; }
  static bool condition(void*, KeyView, const int64_t* result) { return holds(result[0]); }
  static void crossed(void* context, KeyView key, const int64_t* result, const Window& window) {
    auto* self = static_cast<RandomSessions*>(context);
    self->crossed_.push_back({string_of(key), window, state_of(self->trend_->writer().layout(), result)});
  }
  Hooks hooks() { return {this, compare_key_bytes, nullptr, condition, crossed}; }

  void step() {
    const int64_t gap = options_.window.size;
    now_ += chance(3) ? below(gap / 3 + 1) : below(3);
    if (chance(40)) now_ += below(5 * gap);
    if (chance(20)) {
      model_->advance_clock(now_);
      ASSERT_EQ(trend_->writer().advance_clock(now_), Status::kOk);
      return check_counters();
    }
    std::vector<Click> events;
    for (int64_t n = chance(10) ? below(100) : 1 + below(5); n > 0; n--) {
      const int64_t back = chance(4) ? below(4 * gap) : chance(3) ? below(gap + 1) : below(3);
      std::string key = std::to_string(below(keys_));
      if (key.size() == 2 && key[0] == '1') key += std::string(30, 'x');
      // Often exactly a gap, or one more, from the one before.
      Time time = now_ - back;
      if (!events.empty() && chance(5)) {
        time = std::min(now_, events.back().time + (chance(2) ? gap : -gap) + below(3) - 1);
        key = events.back().key;
      }
      events.push_back({{time, key, 1, static_cast<uint32_t>(below(16))}, below(chance(3) ? 1000 : 5)});
    }
    model_->apply(events);
    ASSERT_EQ(apply_clicks(trend_.get(), events), Status::kOk);
    std::sort(crossed_.begin(), crossed_.end());
    ASSERT_EQ(crossed_, model_->crossed);
    crossed_.clear();
    model_->crossed.clear();
    check_counters();
  }

  void check_counters() {
    const TrendReader& reader = trend_->reader();
    ASSERT_EQ(reader.clock(), model_->clock());
    ASSERT_EQ(reader.counters().late, model_->late);
    ASSERT_EQ(reader.counters().events, model_->counted);
    if (trend_->writer().has_final_pending_window()) take();
  }

  int64_t value_of(const SessionState& state) const {
    return options_.aggregate_count > 0 ? state.values[options_.rank[0].aggregate] : state.rows;
  }

  void compare() {
    const Sessions expected = model_->open();
    ASSERT_EQ(shown(trend_.get()), expected);
    ASSERT_EQ(trend_->reader().live_groups(), expected.size());
    Ranked ranked;
    for (const NamedSession& session : expected) ranked.push_back({session.key, value_of(session.state)});
    trend_->sort(&ranked);
    ASSERT_EQ(trend_->ranked(), ranked);
    const auto k = std::min<size_t>(10, ranked.size());
    ASSERT_EQ(trend_->ranked(10), Ranked(ranked.begin(), ranked.begin() + static_cast<int64_t>(k)));
    for (const NamedSession& session : expected) {
      Row row;
      ASSERT_TRUE(trend_->reader().find(key_of(session.key), &row));
      ASSERT_EQ(row.window, session.window);
    }
  }

  void take() {
    if (!options_.report_windows) return;
    PendingWindow pending;
    for (Window after; trend_->writer().next_pending_window(after, &pending); after = pending.window) {
      ASSERT_EQ(pending.is_final, model_->is_final(pending.window));
    }
    history_.take(trend_.get());
  }

  // History, final or not, is what closed.
  void compare_history() {
    if (!options_.report_windows) return;
    take();
    ASSERT_EQ(history_.rows(), model_->closed());
  }

  void checkpoint(bool restore) {
    take();
    TrendWriter& writer = trend_->writer();
    std::vector<PaneView> panes;
    writer.for_each_pane([&](const PaneView& pane) { panes.push_back(pane); });
    ASSERT_LE(panes.size(), 1u);
    for (const PaneView& pane : panes) {
      uint64_t dirty = 0;
      writer.for_each_dirty_cell(pane.span.start, [&](const CellView& cell) {
        saved_[string_of(cell.key)].assign(cell.state, cell.state + cell.state_size);
        dirty++;
      });
      ASSERT_EQ(dirty, pane.dirty_cells);
      writer.mark_clean(pane.span.start);
      uint64_t cells = 0;
      writer.for_each_cell(pane.span.start, [&](const CellView&) { cells++; });
      ASSERT_EQ(cells, pane.cells);
    }
    if (!restore) return;
    const Time clock = writer.clock();
    const Time reported_end = writer.reported_end();
    const Counters counters = writer.counters();
    const uint64_t groups = trend_->reader().kept_groups();
    make_trend();
    trend_->writer().report_crossings(false);
    const bool clock_first = chance(2);
    if (clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, reported_end), Status::kOk);
    }
    for (const auto& [key, state] : saved_) {
      for (int n = chance(5) ? 2 : 1; n > 0; n--) {
        ASSERT_EQ(trend_->writer().restore_cell(0, 0, key_of(key), state.data(),
                                                static_cast<uint32_t>(state.size())),
                  Status::kOk);
      }
    }
    if (!clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, reported_end), Status::kOk);
    }
    trend_->writer().restore_counters(counters);
    trend_->writer().report_crossings(true);
    ASSERT_FALSE(trend_->writer().has_pending_window());
    ASSERT_EQ(trend_->reader().kept_groups(), groups);
    compare();
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  int64_t keys_ = 0;
  Time now_ = 0;
  std::unique_ptr<SessionModel> model_;
  std::unique_ptr<TestTrend> trend_;
  History history_;
  Sessions crossed_;
  std::map<std::string, std::vector<std::byte>> saved_;
};

TEST(RandomSessions, TrendEqualsItsDefinition) {
  for_each_seed(60, [](uint64_t seed) { RandomSessions(seed).run(300); });
}

}  // namespace
}  // namespace trending::test
