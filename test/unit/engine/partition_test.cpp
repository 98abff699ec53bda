// SPDX-License-Identifier: PostgreSQL
// Ranks within partitions, and groups that belong to the trend only while a condition holds: random runs
// beside the model, and partitions large enough to need all tiers of a ranking.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

#include "engine/model.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

// A key's partition is what stands before the point.
std::string partition_of(const std::string& key) {
  return key.substr(0, key.find('.'));
}

using Crossings = std::multiset<std::string>;

struct Host {
  std::string partition;
  int64_t least_rows = 1;
  Crossings crossed;

  // Neither growing nor falling with the number of rows, so that groups come and go.
  bool holds(int64_t rows) const { return rows >= least_rows && rows % 7 != 3; }

  static KeyView cut(void* context, KeyView key) {
    auto* host = static_cast<Host*>(context);
    host->partition = partition_of(string_of(key));
    return key_of(host->partition);
  }
  static bool condition(void* context, KeyView, const int64_t* result) {
    return static_cast<Host*>(context)->holds(result[0]);
  }
  static void note(void* context, KeyView key, const int64_t*, const Window&) {
    static_cast<Host*>(context)->crossed.insert(string_of(key));
  }
  Hooks hooks() { return {this, compare_key_bytes, cut, condition, note}; }
};

using Partitioned = std::map<std::string, Ranked>;

class PartitionRun {
 public:
  explicit PartitionRun(uint64_t seed) : random_(seed) {
    WindowSpec& window = options_.window;
    window.kind = static_cast<WindowKind>(below(3));
    window.size = 20 + below(200);
    window.slide = 1 + below(window.size);
    if (window.kind == WindowKind::kHop && chance(2)) window.size = (1 + below(10)) * window.slide;
    options_.partitioned = !chance(4);
    options_.has_condition = !options_.partitioned || chance(2);
    options_.allowed_lateness = chance(2) ? below(window.size) : 0;
    options_.report_windows = chance(2);
    options_.rank[0].descending = !chance(3);
    options_.hash_seed = random_();
    host_.least_rows = 1 + below(3);
    partitions_ = chance(3) ? 200 : 1 + below(5);
    model_ = std::make_unique<Model>(options_, Calendar{});
    make_trend();
  }

  void run(int transactions) {
    for (int i = 0; i < transactions && !testing::Test::HasFailure(); i++) {
      step();
      if (chance(6)) compare();
      if (chance(40)) restore();
      if (chance(100)) {
        EXPECT_EQ(trend_->writer().open(&trend_->arena(), host_.hooks()), Status::kOk);
      }
      if (chance(50)) model_->forget();
    }
    compare();
  }

 private:
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool chance(int64_t one_in) { return below(one_in) == 0; }

  void make_trend() {
    trend_ = std::make_unique<TestTrend>(options_, Calendar{}, uint64_t{1} << 30, host_.hooks());
  }

  std::string key() {
    std::string partition = std::to_string(below(partitions_));
    if (partition == "3") partition += std::string(40, 'x');
    return partition + "." + std::to_string(below(chance(2) ? 4 : 40));
  }

  std::vector<Event> transaction() {
    std::vector<Event> events;
    const int64_t count = chance(10) ? below(400) : 1 + below(5);
    for (int64_t i = 0; i < count; i++) {
      Event event{now_ - (chance(5) ? below(2 * options_.window.size) : below(3)), key(), 1, 0};
      if (!past_.empty() && chance(4)) {
        Event& retracted = past_[static_cast<size_t>(below(static_cast<int64_t>(past_.size())))];
        event = retracted;
        event.weight = -1;
        retracted = past_.back();
        past_.pop_back();
      } else if (past_.size() < 1000) {
        past_.push_back(event);
      }
      events.push_back(event);
    }
    return events;
  }

  void step() {
    now_ += chance(3) ? below(options_.window.size / 4 + 2) : below(3);
    if (chance(60)) now_ += options_.window.size * below(20);
    const Window before = model_->window();
    const std::set<std::string> held_before = holding(before);
    if (chance(20)) {
      model_->advance_clock(now_);
      ASSERT_EQ(trend_->writer().advance_clock(now_), Status::kOk);
    } else {
      const std::vector<Event> events = transaction();
      model_->apply(events);
      ASSERT_EQ(trend_->apply(events), Status::kOk);
    }
    compare_crossings(before, held_before);
    if (trend_->writer().has_final_pending_window()) report();
  }

  // The groups of a window for which the condition holds.
  std::set<std::string> holding(const Window& window) const {
    std::set<std::string> found;
    if (window == Window{}) return found;
    for (const auto& [key, state] : model_->result(window)) {
      if (!options_.has_condition || host_.holds(state.rows)) found.insert(key);
    }
    return found;
  }

  void compare_crossings(const Window& before, const std::set<std::string>& held_before) {
    Crossings expected;
    const std::set<std::string> held = holding(before);
    const auto expect = [&](const std::set<std::string>& now, const std::set<std::string>& then) {
      for (const std::string& key : now) {
        if (!then.contains(key)) expected.insert(key);
      }
    };
    expect(held, held_before);
    const Window now = model_->window();
    if (now != before) {
      const bool overlaps = now.start < before.end && before.start < now.end;
      expect(holding(now), overlaps ? held : std::set<std::string>{});
    }
    if (!options_.has_condition) expected.clear();
    ASSERT_EQ(host_.crossed, expected);
    host_.crossed.clear();
  }

  Partitioned expected(const Window& window) const {
    Partitioned all;
    const Model::States states = model_->result(window);
    for (const std::string& key : holding(window)) {
      all[options_.partitioned ? partition_of(key) : ""].push_back({key, states.at(key).rows});
    }
    for (auto& [partition, ranked] : all) trend_->sort(&ranked);
    return all;
  }

  void compare() {
    const Partitioned all = expected(model_->window());
    const TrendReader& reader = trend_->reader();
    uint64_t live = 0;
    for (const auto& [partition, ranked] : all) live += ranked.size();
    ASSERT_EQ(reader.live_groups(), live);
    if (options_.partitioned) {
      for (const auto& [partition, ranked] : all) compare_partition(partition, ranked);
      ASSERT_EQ(reader.find_partition(key_of("none")), kNone);
      ASSERT_EQ(best_of_each(3), cut(all, 3));
      ASSERT_EQ(best_of_each(UINT64_MAX), all);
    } else if (!all.empty()) {
      ASSERT_EQ(trend_->ranked(), all.at(""));
    }
    for (const auto& [partition, ranked] : all) {
      const auto rank = static_cast<size_t>(below(static_cast<int64_t>(ranked.size())));
      Row row;
      ASSERT_TRUE(reader.find(key_of(ranked[rank].key), &row));
      ASSERT_EQ(reader.rank_of(row), rank + 1);
      uint64_t before = 0;
      const uint64_t sure =
          reader.rank_of(row, [&](const Row& tie) { before += string_of(tie.key) < ranked[rank].key; });
      ASSERT_EQ(sure + before, rank + 1);
    }
  }

  static Partitioned cut(Partitioned all, size_t k) {
    for (auto& [partition, ranked] : all) ranked.resize(std::min(k, ranked.size()));
    return all;
  }

  Partitioned best_of_each(uint64_t k) {
    Partitioned found;
    trend_->reader().top_of_each(k, [&](const Row& row) {
      const std::string key = string_of(row.key);
      found[partition_of(key)].push_back({key, trend_->value_of_score(row.score)});
    });
    for (auto& [partition, ranked] : found) trend_->sort(&ranked);
    return found;
  }

  void compare_partition(const std::string& partition, const Ranked& ranked) {
    const TrendReader& reader = trend_->reader();
    const uint32_t number = reader.find_partition(key_of(partition));
    ASSERT_NE(number, kNone);
    ASSERT_EQ(reader.live_in(number), ranked.size());
    Ranked found;
    reader.top_in(number, 5, [&](const Row& row) {
      ASSERT_EQ(row.partition, number);
      found.push_back({string_of(row.key), trend_->value_of_score(row.score)});
    });
    trend_->sort(&found);
    ASSERT_EQ(found, Ranked(ranked.begin(), ranked.begin() + std::min<ptrdiff_t>(5, std::ssize(ranked))));
  }

  // Closed windows as the host would write them: all of their groups, whose condition holds.
  void report() {
    for (const Window& window : trend_->pending()) {
      std::set<std::string> found;
      trend_->writer().for_each_group_in_window(
          window, [&](KeyView key, const int64_t*) { found.insert(string_of(key)); });
      ASSERT_EQ(found, holding(window));
    }
    trend_->writer().mark_reported();
  }

  // Goes on with a state restored from cells. What holds in it is not news.
  void restore() {
    if (options_.report_windows) report();
    if (testing::Test::HasFailure()) return;
    auto old = std::move(trend_);
    make_trend();
    TrendWriter& writer = trend_->writer();
    writer.report_crossings(false);
    const bool clock_first = chance(2);
    const auto restore_clock = [&] {
      ASSERT_EQ(writer.restore_clock(old->writer().clock(), old->writer().reported_end()), Status::kOk);
    };
    if (clock_first) restore_clock();
    old->writer().for_each_pane([&](const PaneView& pane) {
      old->writer().for_each_cell(pane.span.start, [&](const CellView& cell) {
        ASSERT_EQ(writer.restore_cell(pane.span.start, cell.store, cell.key, cell.state, cell.state_size),
                  Status::kOk);
      });
    });
    if (!clock_first) restore_clock();
    writer.report_crossings(true);
    ASSERT_TRUE(host_.crossed.empty());
    old.reset();
    compare();
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  Host host_;
  int64_t partitions_ = 1;
  Time now_ = 1000;
  std::vector<Event> past_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<TestTrend> trend_;
};

TEST(Partitions, EqualTheirDefinition) {
  for_each_seed(60, [](uint64_t seed) { PartitionRun(seed).run(200); });
}

// Waves of groups that rise and fall in a partition that needs several tiers, beside a small one.
void large_ones_keep_their_best_at_hand(uint64_t seed) {
  std::mt19937_64 random(seed);
  Host host;
  TrendOptions options = tumble(1000);
  options.partitioned = true;
  TestTrend trend(options, {}, uint64_t{1} << 30, host.hooks());
  std::map<std::string, int64_t> counts;
  std::set<std::pair<int64_t, std::string>> order;
  const auto add = [&](uint64_t n, int weight) {
    const std::string key = "large." + std::to_string(n);
    int64_t& count = counts[key];
    if (count + weight < 0) return;
    if (count > 0) order.erase({-count, key});
    count += weight;
    if (count > 0) order.insert({-count, key});
    trend.append(1, key, weight);
  };
  for (uint64_t n = 0; n < 60000; n++) add(n, 1);
  trend.append(1, "small.1");
  ASSERT_EQ(trend.commit(), Status::kOk);
  for (int round = 0; round < 100; round++) {
    const int weight = random() % 2 == 0 ? 1 : -1;
    const uint64_t size = 1 + random() % 8000;
    const uint64_t start = random() % 60000;
    for (uint64_t i = 0; i < size; i++) add((start + i) % 60000, weight);
    ASSERT_EQ(trend.commit(), Status::kOk);
    const TrendReader& reader = trend.reader();
    const uint32_t number = reader.find_partition(key_of("large"));
    if (order.empty()) continue;
    ASSERT_EQ(reader.live_in(number), order.size());
    for (const uint64_t k : {uint64_t{10}, uint64_t{kRankedFloor}, uint64_t{5000}}) {
      Ranked found;
      reader.top_in(number, k, [&](const Row& row) { found.push_back({string_of(row.key), row.score}); });
      trend.sort(&found);
      Ranked best;
      for (auto i = order.begin(); i != order.end() && best.size() < k; i++)
        best.push_back({i->second, -i->first});
      ASSERT_EQ(found, best);
    }
  }
}

TEST(Partitions, LargeOnesKeepTheirBestAtHand) {
  for_each_seed(1, large_ones_keep_their_best_at_hand);
}

// What docs/ranking.md says of the memory that partitions take.
TEST(Partitions, ManySmallOnesAreCheap) {
  Host host;
  TrendOptions options = tumble(1000);
  constexpr int kPartitions = 100'000;
  uint64_t bytes[2] = {};
  for (const bool partitioned : {false, true}) {
    options.partitioned = partitioned;
    TestTrend trend(options, {}, uint64_t{1} << 30, host.hooks());
    for (int i = 0; i < 2 * kPartitions; i++) {
      trend.append(1, std::to_string(i % kPartitions) + "." + std::to_string(i));
    }
    ASSERT_EQ(trend.commit(), Status::kOk);
    bytes[partitioned ? 1 : 0] = trend.reader().bytes_used();
    if (!partitioned) continue;
    ASSERT_EQ(trend.reader().partition_count(), static_cast<uint64_t>(kPartitions));
    // They go with their groups.
    ASSERT_EQ(trend.writer().advance_clock(1'000'000), Status::kOk);
    while (trend.writer().reclaim(UINT64_MAX)) {
    }
    ASSERT_EQ(trend.reader().partition_count(), 0u);
    EXPECT_LT(trend.reader().bytes_used(), bytes[1] / 4);  // pages of small pieces are kept for reuse
  }
  const uint64_t each = (bytes[1] - bytes[0]) / kPartitions;
  RecordProperty("bytes_per_partition", static_cast<int>(each));
  std::cout << "bytes a partition of two groups: " << each << "\n";
  EXPECT_LT(each, 320u);
}

// A partition for whose ranking there is no memory is read by scanning, and stays exact; so it does when
// there is memory again.
void stay_exact_without_memory(uint64_t seed) {
  std::mt19937_64 random(seed);
  Host host;
  TrendOptions options = tumble(1000);
  options.partitioned = true;
  TestTrend trend(options, {}, uint64_t{1} << 30, host.hooks());
  std::map<std::string, int64_t> counts;
  for (int i = 0; i < 30000; i++) {
    if (i % 4000 == 100) trend.blocks().fail_after(i % 8000 == 100 ? 0 : 1);
    const std::string key = (i % 3 == 0 ? "a." : "b.") + std::to_string(random() % 6000);
    const uint64_t refused = trend.reader().counters().refused;
    trend.append(1, key);
    trend.commit();
    if (trend.reader().counters().refused == refused) counts[key]++;
    if (i % 500 != 0) continue;
    for (const std::string partition : {"a", "b"}) {
      Ranked best;
      for (const auto& [key, count] : counts) {
        if (partition_of(key) == partition) best.push_back({key, count});
      }
      trend.sort(&best);
      best.resize(std::min<size_t>(best.size(), 700));
      const TrendReader& reader = trend.reader();
      const uint32_t number = reader.find_partition(key_of(partition));
      ASSERT_EQ(number == kNone, best.empty());
      if (best.empty()) continue;
      Ranked found;
      reader.top_in(number, 700, [&](const Row& row) { found.push_back({string_of(row.key), row.score}); });
      trend.sort(&found);
      ASSERT_EQ(found, best);
    }
  }
  trend.blocks().fail_after(0);
}

TEST(Partitions, StayExactWithoutMemory) {
  for_each_seed(1, stay_exact_without_memory);
}

TEST(Partitions, NeedTheirHooks) {
  SharedBlocks blocks;
  SharedBlocks::View view(&blocks);
  for (const bool partitioned : {false, true}) {
    TrendOptions options = tumble(1000);
    (partitioned ? options.partitioned : options.has_condition) = true;
    Arena arena;
    ASSERT_EQ(arena.create(view.source(), uint64_t{1} << 20), Status::kOk);
    TrendWriter writer;
    EXPECT_EQ(writer.create(&arena, options, {}), Status::kInvalidOptions);
    arena.destroy();
  }
}

}  // namespace
}  // namespace trending::test
