// SPDX-License-Identifier: PostgreSQL
// Random runs of a trend beside the model: every kind of window, events in and out of order, retractions,
// clock jumps, group churn, restores from checkpoints, windows reported in between.

#include <gtest/gtest.h>

#include <iostream>
#include <memory>
#include <random>

#include "engine/model.h"
#include "engine/odd_calendar.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : random_(seed) {
    choose_options();
    model_ = std::make_unique<Model>(options_, calendar_);
    make_trend();
  }

  void run(int transactions) {
    for (int i = 0; i < transactions && !testing::Test::HasFailure(); i++) {
      step();
      if (chance(8)) compare_window();
      if (chance(40)) report();
      if (chance(60)) checkpoint(chance(2));
      if (chance(100)) {
        EXPECT_EQ(trend_->writer().open(&trend_->arena(), {}, calendar_), Status::kOk);
      }
      if (chance(50)) model_->forget();
    }
    report();
    compare_window();
    compare_history();
  }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int64_t one_in) { return below(one_in) == 0; }

  void choose_options() {
    WindowSpec& window = options_.window;
    const auto kind = static_cast<WindowKind>(below(3));
    const bool by_calendar = chance(3);
    if (by_calendar) {
      window = calendar_window(kind, chance(2) ? 100 : 9, [this](int64_t n) { return below(n); });
    } else {
      window.kind = kind;
      window.size = 20 + below(200);
      window.slide = 1 + below(window.size);
      if (window.kind == WindowKind::kHop && chance(2)) window.size = (1 + below(10)) * window.slide;
      window.origin = below(1000) - 500;
    }
    if (window.zoned) calendar_ = kOddCalendar;
    unit_ = by_calendar ? kMicrosPerDay / 10 : 1;
    span_ = longest_window(window);

    if (chance(2)) options_.allowed_lateness = below(2 * span_);
    if (chance(2)) options_.watermark_delay = below(span_);
    options_.report_windows = chance(2);
    options_.aggregate_count = static_cast<uint16_t>(below(3));
    options_.aggregates[0].kind = AggregateKind::kCount;
    options_.aggregates[1].kind = AggregateKind::kRowCount;
    options_.rank[0].aggregate =
        static_cast<uint16_t>(options_.aggregate_count == 0 ? 0 : below(options_.aggregate_count));
    options_.rank[0].descending = !chance(4);
    options_.hash_seed = random_();
    retracts_twice_ = chance(2);
    keys_ = chance(3) ? 3000 : 40;
    now_ = below(1000 * span_) - 500 * span_;
  }

  void make_trend() {
    trend_ = std::make_unique<TestTrend>(options_, calendar_);
    if (chance(2)) trend_->limit_batch(2000);
  }

  std::string key() {
    const int64_t n = chance(2) ? below(5) : key_base_ + below(keys_);
    std::string name = std::to_string(n * 7919 % 1000003);
    if (n % 5 == 1) name += std::string(static_cast<size_t>(n % 60), 'x');
    return name;
  }

  Time time() {
    switch (below(10)) {
      case 0:
        return now_ - below(3 * span_ + 1);
      case 1:
      case 2:
        return now_ - below(span_ + 1);
      default:
        return now_ - below(2 * unit_);
    }
  }

  // One transaction, or silence.
  void step() {
    now_ += chance(3) ? below(span_ / 4 + 2) : below(3) * unit_;
    if (chance(100)) now_ += span_ * below(20);
    if (chance(3000)) now_ += 100000 * span_;
    if (chance(20)) key_base_ += below(keys_);
    if (chance(40)) {
      model_->advance_clock(now_);
      ASSERT_EQ(trend_->writer().advance_clock(now_), Status::kOk);
      after_change();
      return;
    }
    std::vector<Event> events;
    const int64_t count = chance(10) ? below(400) : 1 + below(5);
    for (int64_t i = 0; i < count; i++) {
      Event event{time(), key(), 1, 0};
      event.valid = static_cast<uint32_t>(below(2));
      if (!past_.empty() && chance(5)) {
        Event& retracted = past_[static_cast<size_t>(below(static_cast<int64_t>(past_.size())))];
        event = retracted;
        event.weight = -1;
        if (!retracts_twice_) {
          retracted = past_.back();
          past_.pop_back();
        }
      }
      events.push_back(event);
      if (event.weight > 0 && past_.size() < 2000) past_.push_back(event);
      if (past_.size() == 2000) past_.clear();
    }
    model_->apply(events);
    ASSERT_EQ(trend_->apply(events), Status::kOk);
    after_change();
  }

  void after_change() {
    const TrendReader& reader = trend_->reader();
    ASSERT_EQ(reader.clock(), model_->clock());
    ASSERT_EQ(reader.window(), model_->window());
    ASSERT_EQ(reader.counters().late, model_->late);
    ASSERT_EQ(reader.counters().unmatched, model_->unmatched);
    ASSERT_EQ(reader.counters().events, model_->counted);
    if (trend_->writer().has_final_pending_window()) report();
  }

  int64_t value_of(const Model::State& state) const {
    return options_.aggregate_count > 0 && options_.rank[0].aggregate == 0 ? state.counted : state.rows;
  }
  Ranked rank(const Model::States& states) const {
    Ranked ranked;
    for (const auto& [key, state] : states) ranked.push_back({key, value_of(state)});
    trend_->sort(&ranked);
    return ranked;
  }

  void compare_window() {
    const Ranked expected = rank(model_->result(model_->window()));
    ASSERT_EQ(trend_->reader().live_groups(), expected.size());
    ASSERT_EQ(trend_->ranked(), expected);
    for (const uint64_t k : {uint64_t{1}, uint64_t{10}, uint64_t{100}, static_cast<uint64_t>(below(3000))}) {
      const Ranked best(expected.begin(),
                        expected.begin() + static_cast<int64_t>(std::min<uint64_t>(k, expected.size())));
      ASSERT_EQ(trend_->ranked(k), best) << "k = " << k;
      ASSERT_EQ(trend_->ranked_without_keys(k), best) << "k = " << k;
    }
    for (int i = 0; i < 5 && !expected.empty(); i++) {
      const auto rank = static_cast<size_t>(below(static_cast<int64_t>(expected.size())));
      Row row;
      ASSERT_TRUE(trend_->reader().find(key_of(expected[rank].key), &row));
      ASSERT_EQ(trend_->value_of_score(row.score), expected[rank].value);
      ASSERT_EQ(trend_->reader().rank_of(row), rank + 1);
      uint64_t before = 0;
      const uint64_t sure = trend_->reader().rank_of(row, [&](const Row& tie) {
        ASSERT_EQ(tie.score, row.score);
        before += string_of(tie.key) < expected[rank].key;
      });
      ASSERT_EQ(sure + before, rank + 1);
    }
    Row row;
    ASSERT_FALSE(trend_->reader().find(key_of("never"), &row));
  }

  // Writes the history as the host would.
  void report() {
    if (!options_.report_windows) return;
    for (const Window& window : trend_->pending()) {
      ASSERT_LE(window.end, model_->watermark());
      Model::States& states = written_[window];
      states.clear();
      trend_->writer().for_each_group_in_window(window, [&](KeyView key, const int64_t* state) {
        Model::State& written = states[string_of(key)];
        written.rows = state[0];
        written.counted = options_.aggregate_count > 0 ? state[1] : 0;
      });
    }
    trend_->writer().mark_reported();
    ASSERT_TRUE(trend_->pending().empty());
    ASSERT_FALSE(trend_->writer().has_final_pending_window());
  }

  void compare_history() {
    if (!options_.report_windows) return;
    for (const auto& [window, expected] : model_->history()) {
      if (window.end > model_->watermark()) continue;
      const Model::States& written = written_[window];
      Model::States present = expected;
      std::erase_if(present, [](const auto& group) { return group.second.rows == 0; });
      ASSERT_EQ(rank(written), rank(present)) << window.start << " to " << window.end;
    }
    for (const auto& [window, states] : written_) {
      ASSERT_TRUE(states.empty() || model_->history().contains(window)) << "nothing came in time for it";
    }
  }

  // Saves what changed; compares what is saved with what is there; perhaps goes on with a state restored from
  // it.
  void checkpoint(bool restore) {
    report();
    if (testing::Test::HasFailure()) return;
    TrendWriter& writer = trend_->writer();
    std::vector<PaneView> panes;
    writer.for_each_pane([&](const PaneView& pane) { panes.push_back(pane); });
    saved_.erase(saved_.begin(), saved_.lower_bound(writer.kept_from()));
    for (const PaneView& pane : panes) {
      uint64_t dirty = 0;
      writer.for_each_dirty_cell(pane.span.start, [&](const CellView& cell) {
        saved_[pane.span.start][{cell.store, string_of(cell.key)}].assign(cell.state,
                                                                          cell.state + cell.state_size);
        dirty++;
      });
      ASSERT_EQ(dirty, pane.dirty_cells);
      writer.mark_clean(pane.span.start);
      SavedCells whole;
      writer.for_each_cell(pane.span.start, [&](const CellView& cell) {
        whole[{cell.store, string_of(cell.key)}].assign(cell.state, cell.state + cell.state_size);
      });
      ASSERT_EQ(whole.size(), pane.cells);
      if (!whole.empty()) {
        ASSERT_EQ(saved_[pane.span.start], whole);
      }
    }
    if (!restore) return;

    const Time clock = writer.clock();
    const Time reported_end = writer.reported_end();
    const Counters counters = writer.counters();
    make_trend();
    const uint16_t words = trend_->writer().layout().words;
    const bool clock_first = chance(2);
    if (clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, reported_end), Status::kOk);
    }
    for (const auto& [start, cells] : saved_) {
      for (const auto& [id, state] : cells) {
        const auto restore_as = [&](const std::vector<std::byte>& bytes) {
          return trend_->writer().restore_cell(start, id.first, key_of(id.second), bytes.data(),
                                               static_cast<uint32_t>(bytes.size()));
        };
        if (chance(5)) {  // an older segment of the checkpoint said otherwise
          ASSERT_EQ(restore_as(std::vector<std::byte>(words, static_cast<std::byte>(2 + 2 * below(3)))),
                    Status::kOk);
        }
        ASSERT_EQ(restore_as(state), Status::kOk);
      }
    }
    if (!clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, reported_end), Status::kOk);
    }
    trend_->writer().restore_counters(counters);
    ASSERT_TRUE(trend_->pending().empty());
    trend_->writer().for_each_pane([](const PaneView& pane) { ASSERT_EQ(pane.dirty_cells, 0u); });
    compare_window();
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  Calendar calendar_;
  int64_t unit_ = 1;
  int64_t span_ = 1;
  int64_t keys_ = 0;
  int64_t key_base_ = 0;
  Time now_ = 0;
  // Whether rows are also retracted that are not there.
  bool retracts_twice_ = false;
  std::vector<Event> past_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<TestTrend> trend_;
  std::map<Window, Model::States, ByEnd> written_;
  using SavedCells = std::map<std::pair<uint8_t, std::string>, std::vector<std::byte>>;
  std::map<Time, SavedCells> saved_;
};

TEST(Random, TrendEqualsItsDefinition) {
  for_each_seed(60, [](uint64_t seed) { RandomRun(seed).run(300); });
}

}  // namespace
}  // namespace trending::test
