// Several trends that take the same events from one slot of a batch.
#include <random>

#include "engine/fixture.h"

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

void expect_equal(const Counters& a, const Counters& b) {
  EXPECT_EQ(a.events, b.events);
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
  explicit Sharing(size_t batch_bytes) : shared_(batch_bytes) {
    const uint32_t groups = batch_bytes < kUnmerged ? 1000 : 30;
    for (const TrendOptions& options :
         {tumble(kSecond), hop(7 * kSecond, 20 * kSecond), cumulate(3 * kSecond, 60 * kSecond),
          hop(kCentury / 2, kCentury), bounded(tumble(5 * kSecond), groups)}) {
      together_.push_back(std::make_unique<TestTrend>(options));
      alone_.push_back(std::make_unique<TestTrend>(options));
    }
    const uint64_t seed = together_[0]->writer().hash_seed();
    EXPECT_EQ(shared_.open_slot(2, together_[0]->writer().windows(), seed), Status::kOk);
    for (size_t i = 1; i < together_.size(); i++) {
      EXPECT_EQ(shared_.share_slot(2, together_[i]->writer().windows()), Status::kOk);
    }
  }

  void append(Time time, const std::string& key, int weight) {
    EXPECT_EQ(shared_.append(2, time, weight, key_of(key)), Status::kOk);
    for (auto& trend : alone_) EXPECT_EQ(trend->append(time, key, weight), Status::kOk);
  }

  // Looking ahead may be done for some, or some steps, or not at all.
  void commit(std::mt19937_64& random) {
    const BatchSlice slice = shared_.slice(2);
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
      EXPECT_EQ(together_[i]->writer().clock(), alone_[i]->writer().clock());
      expect_equal(together_[i]->writer().counters(), alone_[i]->writer().counters());
    }
  }

  uint64_t out_of_range(size_t trend) const { return together_[trend]->writer().counters().out_of_range; }
  size_t bytes() const { return shared_.bytes(); }

 private:
  Batch shared_;
  std::vector<std::unique_ptr<TestTrend>> together_;
  std::vector<std::unique_ptr<TestTrend>> alone_;
};

void run_randomly(size_t batch_bytes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Sharing sharing(batch_bytes);
  Time now = 1000 * kSecond;
  for (int transaction = 0; transaction < 400; transaction++) {
    const uint64_t rows = random() % 4 == 0 ? 1 + random() % 400 : 1 + random() % 20;
    for (uint64_t i = 0; i < rows; i++) {
      now += static_cast<Time>(random() % (kSecond / 20));
      const Time time = now - (random() % 20 == 0 ? static_cast<Time>(random() % (40 * kSecond)) : 0);
      sharing.append(time, std::to_string(random() % 60), random() % 10 == 0 ? -1 : 1);
    }
    sharing.commit(random);
    if (transaction % 20 == 0) sharing.compare();
  }
  sharing.compare();
}

TEST(Sharing, TrendsCountAsIfAlone) {
  run_randomly(kUnmerged);
}

TEST(Sharing, EventsAreMergedWithinThePanesOfAll) {
  run_randomly(2000);
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
