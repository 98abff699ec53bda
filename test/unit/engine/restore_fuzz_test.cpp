// SPDX-License-Identifier: PostgreSQL
// Cells made up and cells damaged, given to a state that is restored: whatever they are, nothing is read or
// written beyond what there is, nothing overflows, nothing goes on for ever; and what was taken can be worked
// with.
#include <random>

#include "engine/aggregates/state_check.h"
#include "engine/fixture.h"
#include "engine/seeds.h"

namespace trending::test {

namespace {

class Fuzz {
 public:
  explicit Fuzz(uint64_t seed) : random_(seed) {
    choose_options();
    Hooks hooks;
    hooks.compare_keys = compare_key_bytes;
    hooks.compare_values = [](void*, uint16_t, KeyView a, KeyView b) {
      return compare_key_bytes(nullptr, a, b);
    };
    hooks.combine = [](void*, uint16_t, KeyView a, KeyView b) { return a.size > b.size ? a : b; };
    trend_ = std::make_unique<TestTrend>(options_, Calendar{}, uint64_t{1} << 26, hooks);
  }

  void run() {
    (void)trend_->writer().restore_clock(chance(10) ? any_word() : kClock, chance(10) ? any_word() : kNoTime);
    if (chance(3)) trend_->writer().restore_horizon(kClock - below(100), kClock - 100 - below(100));
    int taken = 0;
    for (int i = 0; i < 60; i++) taken += restore_one() == Status::kOk ? 1 : 0;
    use();
    accepted += taken;
  }

  static inline int accepted = 0;

 private:
  static constexpr Time kClock = 1000;

  uint64_t below(uint64_t bound) { return random_() % bound; }
  bool chance(uint64_t one_in) { return below(one_in) == 0; }

  void choose_options() {
    const bool sessions = chance(3);
    options_ = chance(2) ? tumble(100) : hop(50, 100 + 50 * static_cast<int64_t>(below(4)));
    if (sessions) options_.window = {WindowKind::kSession, false, 20, 0, 0};
    options_.allowed_lateness = 500;
    options_.report_windows = chance(2);
    options_.keeps_values = !sessions && chance(2);
    options_.aggregate_count = 1;  // ranks by rows
    for (uint64_t i = below(6); i > 0; i--) {
      AggregateSpec spec;
      spec.kind = static_cast<AggregateKind>(1 + below(11));
      const bool is_sum = spec.kind == AggregateKind::kSum || spec.kind == AggregateKind::kAvg;
      const bool is_extreme = spec.kind >= AggregateKind::kMin && spec.kind <= AggregateKind::kLast;
      if (is_sum) spec.type = static_cast<ValueType>(1 + below(3));
      if (is_extreme) spec.type = static_cast<ValueType>(1 + below(4));
      if (spec.kind == AggregateKind::kDecayed || (sessions && is_bytes(spec))) continue;
      options_.aggregates[options_.aggregate_count++] = spec;
    }
  }

  int64_t any_word() {
    switch (below(8)) {
      case 0:
        return static_cast<int64_t>(random_());
      case 1:
        return INT64_MAX;
      case 2:
        return INT64_MIN;
      case 3:
        return kMostRows;
      case 4:
        return -static_cast<int64_t>(below(3));
      case 5:
        return std::bit_cast<int64_t>(std::nan(""));
      default:
        return static_cast<int64_t>(below(1000));
    }
  }

  void append(std::string* to, const void* bytes, size_t size) {
    to->append(static_cast<const char*>(bytes), size);
  }
  void append_piece(std::string* to, const std::string& piece) {
    const auto size = static_cast<uint32_t>(chance(30) ? random_() : piece.size());
    append(to, &size, sizeof(size));
    *to += piece;
  }
  std::string any_bytes(size_t most) {
    std::string bytes(below(most + 1), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  std::string words(std::vector<int64_t> values) {
    std::string bytes(values.size() * 10, '\0');
    bytes.resize(encode_words(values.data(), static_cast<uint32_t>(values.size()),
                              reinterpret_cast<std::byte*>(bytes.data())));
    return bytes;
  }
  std::vector<int64_t> state_words_of_layout() {
    std::vector<int64_t> values(trend_->writer().layout().words);
    for (int64_t& value : values) value = chance(6) ? any_word() : static_cast<int64_t>(below(4));
    values[0] = chance(10) ? any_word() : 1 + static_cast<int64_t>(below(5));
    return values;
  }
  std::string sketch() {
    std::string bytes;
    for (uint64_t i = below(40); i > 0; i--) {
      const auto entry = static_cast<uint32_t>(random_() << 6 | (1 + below(chance(20) ? 63 : 39)));
      append(&bytes, &entry, sizeof(entry));
    }
    if (!chance(20)) return bytes;
    bytes.assign(65536, '\0');
    for (char& byte : bytes) byte = static_cast<char>(below(chance(100) ? 256 : 50));
    return bytes;
  }
  std::string owned() {
    const StateLayout& layout = trend_->writer().layout();
    std::string bytes;
    for (uint16_t i = 0; i < layout.aggregate_count; i++) {
      if ((layout.owned_bytes >> i & 1) != 0) append_piece(&bytes, any_bytes(30));
    }
    for (uint16_t i = 0; i < layout.aggregate_count; i++) {
      if (layout.aggregates[i].kind == AggregateKind::kApproxDistinct)
        append_piece(&bytes, chance(3) ? "" : sketch());
    }
    return bytes;
  }

  std::string session_cell() {
    const StateLayout& layout = trend_->writer().layout();
    std::string cell;
    Time first = kClock - static_cast<int64_t>(below(30));
    for (uint64_t i = 1 + below(3); i > 0; i--) {
      std::vector<int64_t> values = state_words_of_layout();
      values.insert(values.begin(), {chance(20) ? any_word() : first, chance(20) ? any_word() : 0});
      first -= 21 + static_cast<int64_t>(below(30));
      append_piece(&cell, words(values));
      if (!layout.has_sketches && layout.nested == 0) continue;
      std::string parts;
      append_piece(&parts, layout.has_sketches ? owned() : "");
      for (uint16_t set = 0; set < layout.aggregate_count; set++) {
        if ((layout.nested >> set & 1) == 0) continue;
        for (int64_t n = values[2u + layout.word_of[set]]; n > 0 && n < 5; n--)
          append_piece(&parts, any_bytes(9));
      }
      append_piece(&cell, parts);
    }
    return cell;
  }

  std::string value_key(const std::string& group) {
    const StateLayout& layout = trend_->writer().layout();
    const auto aggregate = static_cast<uint8_t>(chance(10) ? below(256) : below(layout.aggregate_count));
    std::string value = any_bytes(20);
    if (aggregate < layout.aggregate_count && layout.aggregates[aggregate].type != ValueType::kBytes &&
        is_extreme(layout.aggregates[aggregate].kind) && !chance(20)) {
      value.assign(state_words(layout.aggregates[aggregate]) * 8u, '\0');
      for (size_t at = 0; at < value.size(); at += 8) {
        const int64_t word = any_word();
        value.replace(at, 8, reinterpret_cast<const char*>(&word), 8);
      }
    }
    const auto size = static_cast<uint32_t>(chance(20) ? random_() : value.size());
    std::string key = value + group;
    append(&key, &size, sizeof(size));
    append(&key, &aggregate, sizeof(aggregate));
    return key;
  }

  void damage(std::string* bytes) {
    if (chance(2)) return;
    if (bytes->empty() || chance(4)) {
      *bytes += any_bytes(8);
    } else if (chance(4)) {
      bytes->resize(below(bytes->size()));
    } else {
      (*bytes)[below(bytes->size())] = static_cast<char>(random_());
    }
  }

  Status restore_one() {
    std::string key(1 + below(3), static_cast<char>('a' + below(6)));
    std::string cell;
    uint8_t store = 0;
    if (trend_->writer().has_sessions()) {
      cell = session_cell();
    } else if (trend_->writer().layout().nested != 0 && chance(2)) {
      store = 1;
      key = value_key(key);
      cell = words({chance(20) ? any_word() : static_cast<int64_t>(below(5))});
    } else {
      cell = words(state_words_of_layout()) + owned();
    }
    if (chance(3)) damage(&cell);
    if (chance(20)) damage(&key);
    if (chance(50)) store = static_cast<uint8_t>(random_());
    const Time pane = chance(20) ? any_word() : kClock - 50 * static_cast<int64_t>(below(12));
    // In memory of exactly that size.
    std::vector<std::byte> exact(cell.size());
    if (!cell.empty()) std::memcpy(exact.data(), cell.data(), cell.size());
    return trend_->writer().restore_cell(pane, store, key_of(key), exact.data(),
                                         static_cast<uint32_t>(exact.size()));
  }

  // What was taken is read, merged, reported and released.
  void use() {
    (void)trend_->ranked();
    PendingWindow pending;
    for (Window after; trend_->writer().next_pending_window(after, &pending); after = pending.window) {
      (void)trend_->result(pending.window);
    }
    trend_->writer().mark_reported();
    trend_->writer().for_each_pane([&](const PaneView& pane) {
      EXPECT_EQ(trend_->writer().for_each_cell(pane.span.start, [](const CellView&) {}), Status::kOk);
    });
    if (trend_->writer().clock() == kClock) {
      for (Time t = kClock + 30; t < kClock + 700; t += 70) (void)trend_->writer().advance_clock(t);
    }
    (void)trend_->ranked();
  }

  std::mt19937_64 random_;
  TrendOptions options_;
  std::unique_ptr<TestTrend> trend_;
};

}  // namespace

TEST(RestoreFuzz, MadeUpCellsDoNoHarm) {
  Fuzz::accepted = 0;
  for_each_seed(400, [](uint64_t seed) { Fuzz(seed).run(); });
  EXPECT_GT(Fuzz::accepted, 10);
}

TEST(RestoreFuzz, ResultsAreCheckedAgainstTheirSize) {
  for_each_seed(2000, [](uint64_t seed) {
    std::mt19937_64 random(seed);
    TrendOptions options = tumble(100);
    options.aggregate_count = 3;
    options.aggregates[1] = {AggregateKind::kMax, ValueType::kBytes, 0, 0};
    options.aggregates[2] = {AggregateKind::kCombined, ValueType::kNone, 0, 0};
    const StateLayout layout = make_layout(options);
    std::vector<int64_t> result(layout.words + random() % 6);
    for (int64_t& word : result) word = static_cast<int64_t>(random() % 3 == 0 ? random() : random() % 40);
    for (uint16_t i = 1; i < 3 && random() % 2 == 0; i++) {
      result[layout.word_of[i]] = static_cast<int64_t>(uint64_t{layout.bytes()} << 32 | random() % 16);
    }
    if (!is_result(layout, result.data(), result.size() * 8)) return;
    for (uint16_t i = 1; i < 3; i++) {
      const AggregateValue value = value_of(layout, result.data(), i);
      if (value.is_null) continue;
      ASSERT_LE(value.bytes.data + value.bytes.size,
                reinterpret_cast<const std::byte*>(result.data() + result.size()));
    }
  });
}

}  // namespace trending::test
