// SPDX-License-Identifier: PostgreSQL
// Several trends that take the same events from one slot of a batch.
#include <map>
#include <random>

#include "engine/fixture.h"
#include "engine/seeds.h"

namespace trending::test {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kCentury = int64_t{100} * 365 * 24 * 3600 * kSecond;

constexpr size_t kUnmerged = size_t{64} << 20;  // bytes of a batch that is not filled here

TrendOptions cumulate(int64_t step, int64_t size) {
  TrendOptions options;
  options.window = {WindowKind::kCumulate, false, size, step, 0};
  return options;
}

TrendOptions bounded(TrendOptions options, uint32_t groups) {
  options.max_groups = groups;
  return options;
}

// Events have two arguments: one that is counted or not, and a number.
TrendOptions with_aggregates(TrendOptions options) {
  options.keeps_values = true;
  options.aggregate_count = 4;
  options.aggregates[0] = {AggregateKind::kCount};
  options.aggregates[1] = {AggregateKind::kSum, ValueType::kInteger};
  options.aggregates[2] = {AggregateKind::kMin, ValueType::kInteger};
  options.aggregates[3] = {AggregateKind::kRowCount};
  return options;
}

using Results = std::map<std::string, std::vector<int64_t>>;

// The rows of all groups in the current window, and what they come to.
Results results_of(TestTrend& trend) {
  Results results;
  const TrendReader& reader = trend.reader();
  reader.for_each_live([&](const Row& row) {
    int64_t words[kMaxStateWords];
    reader.copy_result(row, words);
    std::vector<int64_t>& values = results[string_of(row.key)];
    values.push_back(words[0]);
    for (uint16_t i = 0; i < reader.layout().aggregate_count; i++) {
      const AggregateValue value = value_of(reader.layout(), words, i);
      const bool is_sum = reader.layout().aggregates[i].kind == AggregateKind::kSum;
      values.push_back(value.is_null ? INT64_MIN : is_sum ? value.decimal.words[0] : value.integer);
    }
  });
  return results;
}

void expect_equal(const Counters& a, const Counters& b) {
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.retracted, b.retracted);
  EXPECT_EQ(a.late, b.late);
  EXPECT_EQ(a.out_of_range, b.out_of_range);
  EXPECT_EQ(a.unmatched, b.unmatched);
  EXPECT_EQ(a.refused, b.refused);
}

// Trends with one batch for all, and the same ones with a batch each.
class Sharing {
 public:
  // What a merged event that is refused counts as differs from what its parts would, so a trend of few groups
  // takes part where nothing is merged.
  explicit Sharing(size_t batch_bytes, bool has_arguments = false)
      : shared_(batch_bytes), has_arguments_(has_arguments), merges_(batch_bytes < kUnmerged) {
    const uint32_t groups = merges_ ? 1000 : 30;
    for (const TrendOptions& windows :
         {tumble(kSecond), hop(7 * kSecond, 20 * kSecond), cumulate(3 * kSecond, 60 * kSecond),
          hop(kCentury / 2, kCentury), bounded(tumble(5 * kSecond), groups)}) {
      const TrendOptions options = has_arguments ? with_aggregates(windows) : windows;
      together_.push_back(std::make_unique<TestTrend>(options));
      alone_.push_back(std::make_unique<TestTrend>(options));
    }
    const uint64_t seed = together_[0]->writer().hash_seed();
    EXPECT_EQ(shared_.open_slot(2, together_[0]->writer().windows(), seed), Status::kOk);
    for (size_t i = 1; i < together_.size(); i++) {
      EXPECT_EQ(shared_.share_slot(2, together_[i]->writer().windows()), Status::kOk);
    }
  }

  // `value` says whether the first argument counts, and is the second one.
  void append(Time time, const std::string& key, int weight, int64_t value = 0) {
    const uint32_t valid = has_arguments_ ? 6u | (value % 2 != 0 ? 1u : 0u) : 0;
    const int64_t words[] = {value, value};  // of sum and min
    const ArgumentView arguments{words, has_arguments_ ? 2u : 0, nullptr, 0};
    EXPECT_EQ(shared_.append(2, time, weight, key_of(key), valid, arguments), Status::kOk);
    for (auto& trend : alone_) EXPECT_EQ(trend->append(time, key, weight, valid, arguments), Status::kOk);
    appended_++;
  }

  // Merging and looking ahead may be done for some, or some steps, or not at all.
  void commit(std::mt19937_64& random) {
    if (merges_ && random() % 2 == 0) shared_.merge(2);
    const BatchSlice slice = shared_.slice(2);
    merged_ += appended_ - slice.records;
    appended_ = 0;
    for (int step = 1; step <= TrendWriter::kLookAheadSteps; step++) {
      for (auto& trend : together_) {
        if (random() % 8 != 0) trend->writer().look_ahead(slice, step);
      }
    }
    for (size_t i = 0; i < together_.size(); i++) {
      EXPECT_EQ(together_[i]->writer().apply(slice), alone_[i]->commit());
    }
    shared_.clear();
  }

  void compare() {
    for (size_t i = 0; i < together_.size(); i++) {
      SCOPED_TRACE(i);
      EXPECT_EQ(together_[i]->ranked(), alone_[i]->ranked());
      EXPECT_EQ(results_of(*together_[i]), results_of(*alone_[i]));
      EXPECT_EQ(together_[i]->writer().clock(), alone_[i]->writer().clock());
      expect_equal(together_[i]->writer().counters(), alone_[i]->writer().counters());
    }
  }

  uint64_t out_of_range(size_t trend) const { return together_[trend]->writer().counters().out_of_range; }
  uint64_t merged() const { return merged_; }
  TestTrend& together(size_t trend) { return *together_[trend]; }

 private:
  Batch shared_;
  bool has_arguments_;
  bool merges_;
  uint64_t appended_ = 0;
  uint64_t merged_ = 0;
  std::vector<std::unique_ptr<TestTrend>> together_;
  std::vector<std::unique_ptr<TestTrend>> alone_;
};

// Rows are also retracted that were never counted, or have other arguments.
void run_randomly(size_t batch_bytes, bool has_arguments, uint64_t seed) {
  std::mt19937_64 random(seed);
  Sharing sharing(batch_bytes, has_arguments);
  Time now = 1000 * kSecond;
  for (int transaction = 0; transaction < 400 && !testing::Test::HasFailure(); transaction++) {
    const uint64_t rows = random() % 4 == 0 ? 1 + random() % 400 : 1 + random() % 20;
    const uint64_t one_back_in = random() % 5 == 0 ? 2 : 10;
    for (uint64_t i = 0; i < rows; i++) {
      now += static_cast<Time>(random() % (kSecond / 20));
      const Time time = now - (random() % 20 == 0 ? static_cast<Time>(random() % (40 * kSecond)) : 0);
      const std::string key = std::to_string(random() % (random() % 2 == 0 ? 3 : 60));
      const int weight = random() % one_back_in == 0 ? -1 : 1;
      sharing.append(time, key, weight, static_cast<int64_t>(random() % 3) - 1);
    }
    sharing.commit(random);
    if (transaction % 20 == 0) sharing.compare();
  }
  sharing.compare();
  EXPECT_EQ(sharing.merged() > 0, batch_bytes < kUnmerged);
}

TEST(Sharing, TrendsCountAsIfAlone) {
  for_each_seed(2, [](uint64_t seed) { run_randomly(kUnmerged, seed % 2 == 0, seed); });
}

TEST(Sharing, EventsAreMergedWithinThePanesOfAll) {
  for_each_seed(4, [](uint64_t seed) { run_randomly(2000, seed % 2 == 0, seed); });
}

// Merging moves events past others that are in another pane of one trend, and in the same one of another.
TEST(Sharing, MergedEventsMayPassOthers) {
  std::mt19937_64 random(3);
  Sharing sharing(200, true);
  const Time first = 1000 * kSecond;
  const Time second = first + kSecond;
  sharing.append(second, "a", -1, 1);
  for (int i = 0; i < 20; i++) {
    sharing.append(first, "a", 1, 2);
    sharing.append(second, "a", -1, 1);
  }
  sharing.commit(random);
  EXPECT_GT(sharing.merged(), 30u);
  sharing.compare();
  // In panes of 1 and of 5 seconds: 20 rows are added and 21 retracted.
  EXPECT_EQ(sharing.together(0).writer().counters().unmatched, 21u);
  EXPECT_EQ(sharing.together(4).writer().counters().unmatched, 1u);
  EXPECT_EQ(sharing.together(4).ranked(), Ranked{});
  // Nothing stays of what was counted and added up.
  sharing.append(second, "a", 1, 7);
  sharing.commit(random);
  sharing.compare();
  std::vector<int64_t> values = results_of(sharing.together(4)).at("a");
  values.resize(3);
  EXPECT_EQ(values, (std::vector<int64_t>{1, 1, 7}));
}

// A time may be out of range for a trend with long windows only. It moves the others' clocks to the end of
// time, so it comes last.
TEST(Sharing, TimesMayBeOutOfRangeForSome) {
  for (const size_t bytes : {kUnmerged, size_t{1000}}) {
    std::mt19937_64 random(1);
    Sharing sharing(bytes);
    for (int i = 0; i < 100; i++) sharing.append(1000 * kSecond + i * kSecond / 10, std::to_string(i % 7), 1);
    sharing.append(INT64_MAX, "never", 1);
    sharing.commit(random);
    sharing.compare();
    EXPECT_EQ(sharing.out_of_range(0), 1u);
    for (int i = 0; i < 100; i++) {
      sharing.append(i % 2 == 0 ? 1000 * kSecond : kEndTime - kCentury + i % 4, std::to_string(i % 7), 1);
    }
    sharing.commit(random);
    sharing.compare();
    EXPECT_EQ(sharing.out_of_range(0), 1u);
    EXPECT_EQ(sharing.out_of_range(3), 51u);
  }
}

// Room for groups is made of panes that have passed, in the midst of a transaction whose groups were looked
// up before.
TEST(Sharing, GroupsMayGoWhileEventsAreApplied) {
  std::mt19937_64 random(2);
  Sharing sharing(kUnmerged);
  for (int round = 0; round < 20; round++) {
    const Time now = (1000 + round * 500) * kSecond;
    for (int i = 0; i < 12; i++) sharing.append(now, std::to_string(i), 1);
    sharing.commit(random);
    for (int i = 0; i < 5000; i++) sharing.append(now, std::to_string(i % 50), 1);
    sharing.commit(random);
    sharing.compare();
  }
}

}  // namespace
}  // namespace trending::test
