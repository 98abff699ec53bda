// SPDX-License-Identifier: PostgreSQL
// A trend with its writer and a reader that sees the same memory at other addresses.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "engine/aggregates/batch.h"
#include "engine/blocks.h"
#include "engine/trend/trend_reader.h"
#include "engine/trend/trend_writer.h"

namespace trending::test {

struct Event {
  Time time = 0;
  std::string key;
  int weight = 1;
  uint32_t valid = 0;
};

struct RankedGroup {
  std::string key;
  int64_t value = 0;
  friend bool operator==(const RankedGroup&, const RankedGroup&) = default;
  friend std::ostream& operator<<(std::ostream& out, const RankedGroup& group) {
    return out << group.key << "=" << group.value;
  }
};
using Ranked = std::vector<RankedGroup>;

inline KeyView key_of(const std::string& key) {
  return {reinterpret_cast<const std::byte*>(key.data()), static_cast<uint32_t>(key.size())};
}
inline std::string string_of(KeyView key) {
  return key.size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(key.data), key.size);
}

inline TrendOptions tumble(int64_t size) {
  TrendOptions options;
  options.window = {WindowKind::kTumble, false, size, 0, 0};
  return options;
}
inline TrendOptions hop(int64_t slide, int64_t size) {
  TrendOptions options;
  options.window = {WindowKind::kHop, false, size, slide, 0};
  return options;
}

class TestTrend {
 public:
  explicit TestTrend(const TrendOptions& options, Calendar calendar = {},
                     uint64_t memory_limit = uint64_t{1} << 30, Hooks hooks = {})
      : options_(options), calendar_(calendar) {
    EXPECT_EQ(arena_.create(view_.source(), memory_limit), Status::kOk);
    EXPECT_EQ(writer_.create(&arena_, options, hooks, calendar), Status::kOk);
    EXPECT_EQ(batch_->open_slot(0, writer_.windows(), writer_.hash_seed()), Status::kOk);
    EXPECT_EQ(reader_arena_.attach(reader_view_.source(), arena_.root_handle()), Status::kOk);
    Hooks reader_hooks{nullptr, compare_key_bytes};
    reader_hooks.compare_ranks = hooks.compare_ranks;
    EXPECT_EQ(reader_.open(&reader_arena_, reader_hooks), Status::kOk);
  }
  ~TestTrend() {
    arena_.destroy();
    EXPECT_EQ(blocks_.count(), 0u);
  }

  Status append(Time time, const std::string& key, int weight = 1, uint32_t valid = 0,
                const ArgumentView& arguments = {}) {
    return batch_->append(0, time, weight, key_of(key), valid, arguments);
  }
  Status commit() {
    if (prepares_) writer_.prepare(batch_->slice(0).max_time);
    const Status status = writer_.apply(batch_->slice(0));
    batch_->clear();
    return status;
  }
  Status apply(const std::vector<Event>& events) {
    for (const Event& event : events) {
      EXPECT_EQ(append(event.time, event.key, event.weight, event.valid), Status::kOk);
    }
    return commit();
  }

  // Whether the writer is asked to prepare before it applies.
  void prepare(bool wanted) { prepares_ = wanted; }

  // Makes the batch merge events from this size on.
  void limit_batch(size_t bytes) {
    batch_ = std::make_unique<Batch>(bytes);
    EXPECT_EQ(batch_->open_slot(0, writer_.windows(), writer_.hash_seed()), Status::kOk);
  }

  SharedBlocks& blocks() { return blocks_; }
  Arena& arena() { return arena_; }
  TrendWriter& writer() { return writer_; }
  Batch& batch() { return *batch_; }
  TrendReader& reader() {
    EXPECT_EQ(reader_.refresh(), Status::kOk);
    return reader_;
  }

  int64_t value_of_score(int64_t score) const { return options_.rank[0].descending ? score : ~score; }

  // The best k groups, in order.
  Ranked ranked(uint64_t k = UINT64_MAX) {
    Ranked found;
    Status status = Status::kOk;
    const uint64_t given = reader().top(
        k,
        [&](const Row& row) {
          found.push_back({string_of(row.key), value_of_score(row.score)});
        },
        &status);
    EXPECT_EQ(status, Status::kOk);
    EXPECT_EQ(given, found.size());
    sort(&found);
    return found;
  }
  // The same by a reader that cannot compare keys and leaves ties to its caller.
  Ranked ranked_without_keys(uint64_t k) {
    TrendReader keyless;
    EXPECT_EQ(keyless.open(&reader_arena_), Status::kOk);
    Ranked found;
    keyless.top(k, [&](const Row& row) { found.push_back({string_of(row.key), value_of_score(row.score)}); });
    sort(&found);
    if (found.size() > k) found.resize(k);
    return found;
  }
  // A kept window's result, by rows.
  Ranked result(const Window& window) {
    Ranked found;
    writer_.for_each_group_in_window(window, [&](KeyView key, const int64_t* state) {
      found.push_back({string_of(key), state[0]});
    });
    sort(&found);
    return found;
  }
  std::vector<Window> pending() {
    std::vector<Window> found;
    PendingWindow pending;
    for (Window after; writer_.next_pending_window(after, &pending); after = pending.window) {
      found.push_back(pending.window);
    }
    return found;
  }

  void sort(Ranked* groups) const {
    std::sort(groups->begin(), groups->end(), [&](const RankedGroup& a, const RankedGroup& b) {
      if (a.value != b.value) return options_.rank[0].descending ? a.value > b.value : a.value < b.value;
      return a.key < b.key;
    });
  }

 private:
  TrendOptions options_;
  Calendar calendar_;
  SharedBlocks blocks_;
  SharedBlocks::View view_{&blocks_};
  SharedBlocks::View reader_view_{&blocks_};
  Arena arena_;
  Arena reader_arena_;
  TrendWriter writer_;
  TrendReader reader_;
  bool prepares_ = false;
  std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
};

}  // namespace trending::test
