// SPDX-License-Identifier: PostgreSQL
// Random runs of trends with all kinds of aggregates beside their definitions: values and order of the
// current window and of others, out of order, with rows retracted, restored from checkpoints.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "engine/random_trend.h"
#include "engine/seeds.h"
#include "engine/squeeze.h"

namespace trending::test {
namespace {

class AggregateRun : RandomTrend {
 public:
  explicit AggregateRun(uint64_t seed) : RandomTrend(seed) { make_trend(); }

  // Single events, many of which meet failing allocations: each counts in all aggregates or in none.
  void run_failing(int events) {
    for (int i = 0; i < events && !testing::Test::HasFailure(); i++) {
      step_failing();
      if (chance(15)) compare_window();
      if (chance(30)) compare_other_window();
      if (chance(80)) checkpoint(chance(2));
    }
    compare_window();
  }

  void run(int transactions) {
    for (int i = 0; i < transactions && !testing::Test::HasFailure(); i++) {
      step();
      if (chance(10)) compare_window();
      if (chance(20)) compare_other_window();
      if (chance(40)) checkpoint(chance(2));
    }
    compare_window();
  }

  int refusals() const { return refusals_; }

 private:
  static constexpr size_t kNoBytes = 100;

  static bool holds(int64_t rows) { return rows % 3 != 1; }
  static bool condition(void*, KeyView, const int64_t* result) { return holds(result[0]); }

  // Ranks by the host: few scores, so that bytes decide, of several lengths; they depend on the window.
  static std::pair<int64_t, std::string> host_rank(size_t rows, const Window& window) {
    const size_t turn = rows + static_cast<size_t>(window.start & 3);
    return {static_cast<int64_t>(turn % 4), std::string(turn % 7, 'r')};
  }
  static RankKey rank(void*, KeyView, const int64_t* result, const Window& window) {
    static std::string bytes;
    const auto [score, made] = host_rank(static_cast<size_t>(result[0]), window);
    bytes = made;
    return {score, key_of(bytes)};
  }
  // The longer ranks first.
  static int compare_ranks(void*, KeyView a, KeyView b) { return a.size > b.size ? -1 : a.size < b.size; }

  static int compare_bytes(void*, uint16_t, KeyView a, KeyView b) {
    return compare_host_values(string_of(a), string_of(b));
  }
  static KeyView combine(void*, uint16_t, KeyView a, KeyView b) {
    static std::string combined;
    combined = combine_states(string_of(a), string_of(b));
    return key_of(combined);
  }

  void make_trend() {
    Hooks hooks;
    hooks.condition = condition;
    hooks.rank = rank;
    hooks.compare_ranks = compare_ranks;
    hooks.compare_values = compare_bytes;
    hooks.combine = combine;
    trend_ = std::make_unique<TestTrend>(options_, Calendar{}, uint64_t{1} << 30, hooks);
    if (chance(2)) trend_->limit_batch(2000);
    trend_->prepare(chance(2));
  }

  void append(const ModelRow& row, int weight) {
    std::vector<int64_t> words;
    std::string tail;
    uint32_t valid = 0;
    uint16_t argument_of[kMaxAggregates];
    lay_out_arguments(options_.aggregates, options_.aggregate_count, argument_of);
    for (uint16_t i = 0; i < options_.aggregate_count; i++) {
      if (!row.arguments[i].is_null) valid |= 1u << i;
      if (argument_of[i] < words.size()) continue;  // shared
      put_argument(options_.aggregates[i], row.arguments[i], &words, &tail);
    }
    const ArgumentView arguments{words.data(), static_cast<uint32_t>(words.size()),
                                 reinterpret_cast<const std::byte*>(tail.data()),
                                 static_cast<uint32_t>(tail.size())};
    ASSERT_EQ(trend_->append(row.time, row.key, weight, valid, arguments), Status::kOk);
  }

  WindowSet windows_at(Time t) const {
    if (options_.window.kind == WindowKind::kUnbounded) return {kAllTime};
    WindowSpec spec = options_.window;
    if (spec.kind == WindowKind::kDecayed) spec.kind = WindowKind::kHop;
    return windows_of(spec, {}, t);
  }
  bool is_late(Time t) const {
    if (clock_ == kNoTime) return false;
    return windows_at(t).rbegin()->end <= clock_ - options_.watermark_delay;
  }

  // One transaction, or silence.
  void step() {
    now_ += chance(3) ? below(span_ / 4 + 2) : below(2);
    if (chance(60)) now_ += span_ * below(5);
    if (chance(40)) {
      ASSERT_EQ(trend_->writer().advance_clock(now_), Status::kOk);
      clock_ = std::max(clock_, now_);
      return;
    }
    Time latest = clock_;
    const int64_t count = chance(8) ? below(300) : 1 + below(5);
    for (int64_t i = 0; i < count; i++) {
      if (retracts_ && !rows_.empty() && chance(4)) {
        const auto n = static_cast<size_t>(below(static_cast<int64_t>(rows_.size())));
        append(rows_[n], -1);
        if (is_late(rows_[n].time)) continue;
        rows_[n] = rows_.back();
        rows_.pop_back();
        continue;
      }
      const ModelRow added = row();
      append(added, 1);
      latest = std::max(latest, added.time);
      if (!is_late(added.time)) rows_.push_back(added);
    }
    ASSERT_EQ(trend_->commit(), Status::kOk);
    clock_ = latest;
    std::erase_if(rows_, [&](const ModelRow& row) { return is_late(row.time); });
  }

  // Whether a window that begins while memory is short may lack something of a total (Counters::incomplete).
  bool may_be_incomplete() const {
    return std::any_of(options_.aggregates, options_.aggregates + options_.aggregate_count,
                       [](const AggregateSpec& spec) {
                         return is_bytes(spec) || spec.kind == AggregateKind::kApproxDistinct;
                       });
  }

  void step_failing() {
    now_ += chance(3) ? below(span_ / 8 + 2) : 0;
    const bool retracts = retracts_ && !rows_.empty() && chance(4);
    const auto n = retracts ? static_cast<size_t>(below(static_cast<int64_t>(rows_.size()))) : 0;
    const ModelRow changed = retracts ? rows_[n] : row();
    append(changed, retracts ? -1 : 1);
    const bool moves = !retracts && changed.time > clock_;
    const uint64_t refused = trend_->reader().counters().refused;
    {
      std::optional<Squeeze> squeeze;
      if (chance(3) && !(moves && may_be_incomplete())) {
        squeeze.emplace(&trend_->arena(), &trend_->blocks(), random_());
      }
      const Status status = trend_->commit();
      ASSERT_EQ(status != Status::kOk, trend_->reader().counters().refused > refused);
    }
    if (trend_->reader().counters().refused > refused) {
      refusals_++;
    } else if (retracts && !is_late(changed.time)) {
      rows_[n] = rows_.back();
      rows_.pop_back();
    } else if (!retracts && !is_late(changed.time)) {
      rows_.push_back(changed);
    }
    if (moves) clock_ = changed.time;
    std::erase_if(rows_, [&](const ModelRow& row) { return is_late(row.time); });
  }

  using Groups = std::map<std::string, std::vector<ModelRow>>;
  Groups groups_of(const Window& window) const {
    Groups groups;
    for (const ModelRow& row : rows_) {
      if (window.contains(row.time)) groups[row.key].push_back(row);
    }
    if (options_.has_condition) {
      std::erase_if(groups, [](const auto& group) { return !holds(std::ssize(group.second)); });
    }
    return groups;
  }

  const StateLayout& layout() { return trend_->writer().layout(); }

  void compare_value(const AggregateSpec& spec, const AggregateValue& found, const ModelValue& expected) {
    ASSERT_EQ(found.is_null, expected.is_null);
    if (expected.is_null) return;
    if (spec.kind == AggregateKind::kDecayed) {
      const auto real = static_cast<double>(expected.real);
      const double value = decayed_value(found.real, found.integer, spec.half_life, 0);
      ASSERT_NEAR(value, real,
                  std::fabs(real) * 1e-9 +
                      1e-9 * std::exp2(static_cast<double>(clock_) / static_cast<double>(half_life_)));
      return;
    }
    if (spec.type == ValueType::kNone && !is_bytes(spec)) {
      ASSERT_EQ(found.integer, static_cast<int64_t>(expected.numerator));
      return;
    }
    if (is_bytes(spec)) {
      ASSERT_EQ(string_of(found.bytes), expected.bytes);
      return;
    }
    const bool summed = spec.kind == AggregateKind::kSum || spec.kind == AggregateKind::kAvg;
    if (spec.type == ValueType::kFloat) {
      const double real = expected.number_class == 2  ? std::nan("")
                          : expected.number_class > 0 ? HUGE_VAL
                          : expected.number_class < 0 ? -HUGE_VAL
                                                      : static_cast<double>(expected.real);
      ASSERT_EQ(ordered_bits(found.real), ordered_bits(real)) << found.real << " instead of " << real;
    } else if (spec.type == ValueType::kInteger && !summed) {
      ASSERT_EQ(found.integer, static_cast<int64_t>(expected.numerator));
    } else if (spec.type == ValueType::kInteger) {
      ASSERT_EQ(Int256::load(found.decimal.words), Int256::of(expected.numerator));
      ASSERT_EQ(found.decimal.form, kDecimalUnitOne);
    } else if (expected.number_class != 0) {
      ASSERT_EQ(found.decimal.form & kDecimalSpecial, expected.number_class == 2  ? kDecimalNaN
                                                      : expected.number_class > 0 ? kDecimalInfinity
                                                                                  : kDecimalNegativeInfinity);
    } else {
      const Int256 scaled =
          Int256::of(expected.numerator).times(1'000'000'000'000'000).times(1'000'000'000'000'000);
      ASSERT_EQ(Int256::load(found.decimal.words), scaled);
      ASSERT_EQ(found.decimal.form & kDecimalScale, expected.scale);
    }
    if (spec.kind == AggregateKind::kAvg && expected.denominator > 1) {
      ASSERT_EQ(found.count, static_cast<uint64_t>(expected.denominator));
    }
  }

  void compare_group(const Window& window, const std::string& key, const std::vector<ModelRow>& rows,
                     const int64_t* result) {
    ASSERT_EQ(result[0], static_cast<int64_t>(rows.size()));
    for (uint16_t i = 0; i < options_.aggregate_count; i++) {
      const AggregateSpec& spec = options_.aggregates[i];
      SCOPED_TRACE("group " + key + ", aggregate " + std::to_string(i) + " of kind " +
                   std::to_string(static_cast<int>(spec.kind)) + ", type " +
                   std::to_string(static_cast<int>(spec.type)));
      compare_value(spec, value_of(layout(), result, i), value_in(window, i, rows));
    }
  }

  std::vector<std::string> host_order(const Groups& groups, const Window& window) {
    std::vector<std::pair<std::pair<int64_t, size_t>, std::string>> all;
    for (const auto& [key, rows] : groups) {
      const auto [score, bytes] = host_rank(rows.size(), window);
      all.push_back({{-score, kNoBytes - bytes.size()}, key});
    }
    std::sort(all.begin(), all.end());
    std::vector<std::string> keys;
    for (auto& [place, key] : all) keys.push_back(key);
    return keys;
  }

  // The groups in the order of rank.
  std::vector<std::string> order(const Groups& groups, const Window& window) {
    if (options_.ranks_by_host) return host_order(groups, window);
    std::vector<std::pair<std::vector<ModelValue>, std::string>> all;
    for (const auto& [key, rows] : groups) {
      std::vector<ModelValue> values;
      for (uint16_t i = 0; i < options_.rank_count; i++) {
        const uint16_t by = options_.rank[i].aggregate;
        values.push_back(value_in(window, by, rows));
      }
      all.emplace_back(std::move(values), key);
    }
    std::sort(all.begin(), all.end(), [&](const auto& a, const auto& b) {
      for (uint16_t i = 0; i < options_.rank_count; i++) {
        const ModelValue& x = a.first[i];
        const ModelValue& y = b.first[i];
        if (x.is_null != y.is_null) return x.is_null == options_.rank[i].nulls_first;
        const int order = x.is_null ? 0 : order_of(x, y);
        if (order != 0) return (order > 0) == options_.rank[i].descending;
      }
      return a.second < b.second;
    });
    std::vector<std::string> keys;
    for (auto& [values, key] : all) keys.push_back(key);
    return keys;
  }

  bool ranks_by_decayed() const {
    return std::any_of(options_.rank, options_.rank + options_.rank_count, [this](const RankTerm& term) {
      return options_.aggregates[term.aggregate].kind == AggregateKind::kDecayed;
    });
  }

  void compare_window() {
    const Window window = clock_ == kNoTime ? Window{} : *windows_at(clock_).begin();
    const TrendReader& reader = trend_->reader();
    ASSERT_EQ(reader.window(), window);
    const Groups groups = groups_of(window);
    ASSERT_EQ(reader.live_groups(), groups.size());
    std::vector<int64_t> result;
    for (const auto& [key, rows] : groups) {
      Row row;
      ASSERT_TRUE(reader.find(key_of(key), &row)) << key;
      result.resize(reader.result_bytes(row) / 8);
      reader.copy_result(row, result.data());
      ASSERT_EQ(result_bytes(layout(), result.data()), result.size() * 8);
      compare_group(window, key, rows, result.data());
      if (testing::Test::HasFailure()) return;
    }
    // Rounding may order decayed sums otherwise that differ in their last digits.
    if (ranks_by_decayed() && !options_.ranks_by_host) return;
    // Groups whose bytes found no memory rank behind those of their score.
    if (options_.ranks_by_host && reader.counters().incomplete > 0) return;
    const std::vector<std::string> expected = order(groups, window);
    for (int i = 0; i < 5 && !expected.empty(); i++) {
      const auto rank = static_cast<size_t>(below(static_cast<int64_t>(expected.size())));
      Row row;
      ASSERT_TRUE(reader.find(key_of(expected[rank]), &row));
      ASSERT_EQ(reader.rank_of(row), rank + 1);
      uint64_t before = 0;
      const uint64_t sure =
          reader.rank_of(row, [&](const Row& tie) { before += string_of(tie.key) < expected[rank]; });
      ASSERT_EQ(sure + before, rank + 1);
    }
    const auto k = static_cast<size_t>(1 + below(400));
    std::set<std::string> best;
    reader.top(k, [&](const Row& row) { best.insert(string_of(row.key)); });
    ASSERT_EQ(best, std::set<std::string>(expected.begin(), expected.begin() + static_cast<int64_t>(std::min(
                                                                                   k, expected.size()))));
  }

  void compare_other_window() {
    if (clock_ == kNoTime || options_.window.kind == WindowKind::kUnbounded) return;
    const Time start = trend_->writer().kept_from();
    const Time t = std::max(start, now_ - 2 * span_) + below(2 * span_);
    for (const Window& window : windows_at(t)) {
      if (window.start < start) continue;
      Groups groups = groups_of(window);
      uint64_t seen = 0;
      trend_->writer().for_each_group_in_window(window, [&](KeyView key, const int64_t* result) {
        seen++;
        if (!testing::Test::HasFailure())
          compare_group(window, string_of(key), groups[string_of(key)], result);
      });
      ASSERT_EQ(seen, groups.size());
    }
  }

  static bool is_empty(const std::pair<const std::pair<uint8_t, std::string>, std::vector<std::byte>>& cell) {
    return std::all_of(cell.second.begin(), cell.second.end(), [](std::byte b) { return b == std::byte{0}; });
  }

  void checkpoint(bool restore) {
    TrendWriter& writer = trend_->writer();
    std::vector<PaneView> panes;
    writer.for_each_pane([&](const PaneView& pane) { panes.push_back(pane); });
    saved_.erase(saved_.begin(), saved_.lower_bound(writer.kept_from()));
    for (const PaneView& pane : panes) {
      const auto keep = [](Saved* cells, const CellView& cell) {
        (*cells)[{cell.store, string_of(cell.key)}].assign(cell.state, cell.state + cell.state_size);
      };
      uint64_t dirty = 0;
      writer.for_each_dirty_cell(pane.span.start, [&](const CellView& cell) {
        keep(&saved_[pane.span.start], cell);
        dirty++;
      });
      ASSERT_EQ(dirty, pane.dirty_cells);
      writer.mark_clean(pane.span.start);
      Saved whole;
      writer.for_each_cell(pane.span.start, [&](const CellView& cell) { keep(&whole, cell); });
      ASSERT_EQ(whole.size(), pane.cells);
      // What a refused event had made already stays, empty, and is nothing that was changed.
      Saved saved = saved_[pane.span.start];
      std::erase_if(whole, is_empty);
      std::erase_if(saved, is_empty);
      ASSERT_EQ(saved, whole);
    }
    if (!restore) return;
    const Time clock = writer.clock();
    make_trend();
    const bool clock_first = chance(2);
    if (clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, kNoTime), Status::kOk);
    }
    for (const auto& [start, cells] : saved_) {
      std::vector<std::pair<Saved::key_type, Saved::mapped_type>> shuffled(cells.begin(), cells.end());
      if (chance(2)) std::reverse(shuffled.begin(), shuffled.end());
      for (const auto& [id, state] : shuffled) {
        ASSERT_EQ(trend_->writer().restore_cell(start, id.first, key_of(id.second), state.data(),
                                                static_cast<uint32_t>(state.size())),
                  Status::kOk);
      }
    }
    if (!clock_first) {
      ASSERT_EQ(trend_->writer().restore_clock(clock, kNoTime), Status::kOk);
    }
    trend_->writer().for_each_pane([](const PaneView& pane) { ASSERT_EQ(pane.dirty_cells, 0u); });
    compare_window();
  }

  int refusals_ = 0;
  Time clock_ = kNoTime;
  std::vector<ModelRow> rows_;  // that the trend has to know
  std::unique_ptr<TestTrend> trend_;
  using Saved = std::map<std::pair<uint8_t, std::string>, std::vector<std::byte>>;
  std::map<Time, Saved> saved_;
};

TEST(Random, AggregatesEqualTheirDefinitions) {
  for_each_seed(20, [](uint64_t seed) { AggregateRun(seed).run(120); });
}

TEST(Random, AnyAllocationOfAnyAggregateMayFail) {
  int refusals = 0;
  for_each_seed(10, [&refusals](uint64_t seed) {
    AggregateRun run(seed);
    run.run_failing(120);
    refusals += run.refusals();
  });
  EXPECT_GT(refusals, 0);
}

}  // namespace
}  // namespace trending::test
