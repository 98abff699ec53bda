// SPDX-License-Identifier: PostgreSQL
#include "engine/trend/trend_reader.h"

#include <algorithm>
#include <cstdlib>

#include "engine/stores/bytes_store.h"

namespace trending {

namespace {

// Scores or candidates copied for a selection: on the stack when few, on the heap when many.
template <typename T>
class Scratch {
 public:
  explicit Scratch(uint64_t count) {
    if (count > kOnStack) data_ = static_cast<T*>(std::malloc(count * sizeof(T)));
  }
  ~Scratch() {
    if (data_ != local_) std::free(data_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }  // null when there was no memory

 private:
  static constexpr uint64_t kOnStack = 2 * kRankedTarget + 1;
  T local_[kOnStack];
  T* data_ = local_;
};

// The k-th best score, 1 <= k <= the number of candidates that for_each gives: the least of a sorted list of
// the best k seen.
constexpr uint64_t kShortList = 32;

template <typename ForEach>
int64_t find_kth_of_few(const ForEach& for_each, uint64_t k) {
  int64_t best[kShortList];
  uint64_t count = 0;
  for_each([&](const Candidate& candidate) {
    if (count == k && candidate.score <= best[k - 1]) return;
    uint64_t i = count < k ? count++ : k - 1;
    for (; i > 0 && best[i - 1] < candidate.score; i--) best[i] = best[i - 1];
    best[i] = candidate.score;
  });
  return best[k - 1];
}

}  // namespace

Status TrendReader::open(Arena* arena, Hooks hooks) {
  arena_ = arena;
  hooks_ = hooks;
  return refresh();
}

size_t TrendReader::result_bytes(const Row& row) const {
  const StateLayout& layout = header_->layout;
  if (!layout.has_bytes) return layout.bytes();
  return packed_bytes(layout, [&](uint16_t i) {
    return total_bytes(arena_, header_->layout, &header_->values, row.total, i);
  });
}

void TrendReader::copy_result(const Row& row, int64_t* result) const {
  pack_result(
      header_->layout, row.total,
      [&](uint16_t i) { return total_bytes(arena_, header_->layout, &header_->values, row.total, i); },
      result);
}

Status TrendReader::refresh() {
  const Status status = arena_->refresh();
  if (status != Status::kOk) return status;
  if (arena_->root() == 0) return Status::kCorrupt;
  header_ = arena_->at<TrendState>(arena_->root());
  if (header_->magic != kTrendMagic) return Status::kCorrupt;
  groups_ = GroupTable(arena_, &header_->groups, header_->layout.words + extra_words(header_->options));
  ranking_ = Ranking(arena_, header_, &header_->ranking, groups_, hooks_);
  partitions_ = Partitions(arena_, header_, &header_->partitions);
  sessions_ = SessionStore(arena_, &header_->sessions, header_->layout.words);
  return Status::kOk;
}

Row TrendReader::row_of(const Candidate& candidate) const {
  const Group* group = groups_.group(candidate.group);
  Window window = header_->window;
  if (header_->options.window.kind == WindowKind::kSession) {
    const Session* session = sessions_.session(group->newest_cell);
    window = {session->first, session->last + header_->options.window.size};
  }
  const uint32_t partition = is_partitioned() ? ranking_.extra(group)->partition : 0;
  const KeyView rank = ranking_.is_by_host() ? ranking_.rank_bytes(group) : KeyView{};
  return {candidate.group, candidate.score, groups_.key(group), group->total(), partition, rank, window};
}

bool TrendReader::find(KeyView key, Row* row) const {
  const uint32_t id = groups_.find(key, hash_key(key, header_->options.hash_seed));
  if (id == kNone || !ranking_.is_live(groups_.group(id))) return false;
  *row = row_of({ranking_.score(groups_.group(id)), id, 0});
  return true;
}

void TrendReader::for_each_live(RowSink sink) const {
  ranking_.for_each_live([&](const Candidate& candidate) { sink(row_of(candidate)); });
}

uint32_t TrendReader::find_partition(KeyView key) const {
  const uint32_t partition = is_partitioned() ? partitions_.find(key) : kNone;
  return partition != kNone && partitions_.live(partition) > 0 ? partition : kNone;
}

uint64_t TrendReader::top(uint64_t k, RowSink sink, Status* status) const {
  if (status != nullptr) *status = Status::kOk;
  return give_top(ranking_, k, sink, status);
}

uint64_t TrendReader::top_in(uint32_t partition, uint64_t k, RowSink sink, Status* status) const {
  if (status != nullptr) *status = Status::kOk;
  return give_top(ranking_in(partition), k, sink, status);
}

uint64_t TrendReader::top_of_each(uint64_t k, RowSink sink, Status* status) const {
  if (status != nullptr) *status = Status::kOk;
  uint64_t given = 0;
  partitions_.for_each_live([&](uint32_t partition) {
    if (status != nullptr && *status != Status::kOk) return;
    given += give_top(ranking_in(partition), k, sink, status);
  });
  return given;
}

uint64_t TrendReader::give_top(const Ranking& ranking, uint64_t k, RowSink sink, Status* status) const {
  const auto give = [&](const Candidate& candidate) { sink(row_of(candidate)); };
  const uint64_t live = ranking.live();
  k = std::min(k, live);
  uint64_t given = 0;
  for (uint32_t tier = 0; tier < ranking.tier_count() && given < k; tier++) {
    const auto for_each = [&](auto&& visit) { ranking.for_each_in_tier(tier, visit); };
    const uint64_t size = ranking.tier_size(tier);
    if (size <= k - given) {
      for_each(give);
      given += size;
    } else {
      return given + give_best(for_each, size, k - given, sink, status);
    }
  }
  if (given == k) return given;
  const auto for_each = [&](auto&& visit) { ranking.for_each_below(visit); };
  const auto for_each_live = [&](auto&& visit) { ranking.for_each_live(visit); };
  if (ranking.tier_count() == 0) return give_best(for_each_live, live, k, sink, status);
  return given + give_best(for_each, live - given, k - given, sink, status);
}

// Gives the best k of `count` candidates.
template <typename ForEach>
uint64_t TrendReader::give_best(const ForEach& for_each, uint64_t count, uint64_t k, RowSink sink,
                                Status* status) const {
  if (k == count) {
    for_each([&](const Candidate& candidate) { sink(row_of(candidate)); });
    return count;
  }
  if (k <= kShortList) return give_ties(for_each, find_kth_of_few(for_each, k), count, k, sink, status);
  Scratch<int64_t> scores(count);
  if (scores.data() == nullptr) {
    if (status != nullptr) *status = Status::kOutOfMemory;
    return 0;
  }
  uint64_t n = 0;
  for_each([&](const Candidate& candidate) { scores.data()[n++] = candidate.score; });
  std::nth_element(scores.data(), scores.data() + k - 1, scores.data() + n, std::greater<>());
  return give_ties(for_each, scores.data()[k - 1], count, k, sink, status);
}

// Gives those above a score, and of those at the score as many as are missing to k; all of them when keys
// cannot be compared here.
template <typename ForEach>
uint64_t TrendReader::give_ties(const ForEach& for_each, int64_t score, uint64_t count, uint64_t k,
                                RowSink sink, Status* status) const {
  const bool all_ties = hooks_.compare_keys == nullptr;
  Scratch<Candidate> tied(all_ties ? 0 : count);
  if (tied.data() == nullptr) {
    if (status != nullptr) *status = Status::kOutOfMemory;
    return 0;
  }
  uint64_t given = 0;
  uint64_t ties = 0;
  for_each([&](const Candidate& candidate) {
    if (candidate.score < score) return;
    if (candidate.score > score || all_ties) {
      sink(row_of(candidate));
      given++;
    } else {
      tied.data()[ties++] = candidate;
    }
  });
  if (all_ties) return given;
  const uint64_t missing = k - given;
  if (missing < ties) {
    std::nth_element(tied.data(), tied.data() + missing - 1, tied.data() + ties,
                     [this](const Candidate& a, const Candidate& b) { return ranking_.better(a, b); });
  }
  for (uint64_t i = 0; i < missing; i++) sink(row_of(tied.data()[i]));
  return k;
}

// Visits the other live groups that could rank before or after a row without its tier telling; returns how
// many are in better tiers.
template <typename Visit>
uint64_t TrendReader::visit_rivals(const Ranking& ranking, const Row& row, Visit&& visit) const {
  const auto visit_other = [&](const Candidate& candidate) {
    if (candidate.group != row.group) visit(candidate);
  };
  const uint32_t tier = ranking.tier_of(groups_.group(row.group));
  uint64_t ahead = 0;
  for (uint32_t better = 0; better < tier; better++) ahead += ranking.tier_size(better);
  if (ranking.tier_count() == 0) {
    ranking.for_each_live(visit_other);
  } else if (tier == ranking.tier_count()) {
    ranking.for_each_below(visit_other);
  } else {
    ranking.for_each_in_tier(tier, visit_other);
  }
  return ahead;
}

uint64_t TrendReader::rank_of(const Row& row) const {
  uint64_t before = 0;
  const Candidate own{row.score, row.group, 0};
  const Ranking ranking = ranking_of(row);
  const uint64_t ahead =
      visit_rivals(ranking, row, [&](const Candidate& other) { before += ranking.better(other, own); });
  return ahead + before + 1;
}

uint64_t TrendReader::rank_of(const Row& row, RowSink ties) const {
  uint64_t before = 0;
  const Group* own = groups_.group(row.group);
  const uint64_t ahead = visit_rivals(ranking_of(row), row, [&](const Candidate& other) {
    if (other.score != row.score) {
      before += other.score > row.score;
      return;
    }
    const int order = ranking_.compare_values(groups_.group(other.group), own);
    before += order < 0;
    if (order == 0) ties(row_of(other));
  });
  return ahead + before + 1;
}

}  // namespace trending
