// SPDX-License-Identifier: PostgreSQL
// The order of live groups, kept just well enough that the best ones are always at hand.
//
// Groups are ranked by (score, exact value, key): a higher score first, among equal scores the better value
// where several share a score, then the lower key. The best of them, all at or above a threshold, form tier
// 0, the candidate set: between kRankedFloor and 2 * kRankedTarget groups, unordered, with their scores
// beside them. An event compares its group's new score with the threshold and is done in nearly every case.
// When the set outgrows its bound, nth_element raises the threshold; when it falls short, the best of the
// others are fetched. Reading the best k looks at the candidates only.
//
// Fetching from all others costs a scan of the groups, and there are inputs that make the best groups go as
// fast as events come (a count of one each, keys that grow with time, a hopping window that drops the
// oldest). So the others are not one heap: when a scan is needed and there are many groups, it fills further
// tiers below the first, each 16 times as large as the one above; tier t is refilled from tier t + 1, and the
// last one, of at least a 64th of the groups, by a scan. A refill of a tier costs a look at 16 or 64 times
// its size and follows departures of 3/4 of it at least; a raise costs a look at the tier and follows as many
// arrivals. A change crosses each of the log16(groups / 1024) boundaries at most once, hence a constant cost
// for each tier, amortised, for any input, and nothing beyond the first comparison for usual ones. (A
// geometric sequence of buffers, as in buffer trees, Arge 1995, with thresholds for routing.)
//
// Where ranks are kept within partitions, each partition has a ranking of its own. Its groups cannot be told
// from those of others without looking at all, so its last tier takes every group: nothing is below it, and
// nothing is ever fetched by a scan. That costs 16 to 32 bytes a group. An empty ranking takes no memory but
// its RankingState, and a tier grows from four groups on, so 100,000 small partitions are 100,000 small
// arrays.
//
// When memory for any of this is short, the ranking declares itself unusable: readers then scan, and stay
// exact, until a later attempt to rebuild succeeds.
#pragma once

#include "engine/aggregates/aggregate_state.h"
#include "engine/aggregates/key.h"
#include "engine/memory/arena.h"
#include "engine/stores/group_table.h"
#include "engine/stores/trend_header.h"

namespace trending {

// What a group of a trend with partitions, a condition or ranks by the host has behind its total.
struct GroupExtra {
  static constexpr uint32_t kHolds = 1;  // its condition, if any, holds: it is ranked (in the group's epoch)
  static constexpr uint32_t kHeld = 2;   // it held in the window before, which overlaps this one
  static constexpr uint32_t kChanged = 4;  // it waits to be judged and ranked

  uint32_t partition;     // number in the table of partitions
  uint32_t next_changed;  // with kChanged: the next group that waits, kNone at the end
  uint32_t flags;
  uint32_t unused;
};
static_assert(sizeof(GroupExtra) == 16);

// The rank key of a ranked group, behind its GroupExtra, where ranks are the host's.
struct StoredRank {
  int64_t score;
  Offset bytes;
  uint32_t size;
  uint32_t capacity;
};
static_assert(sizeof(StoredRank) == 24);

// The lower bound of a tier of the ranking: score, value and key of some group when it was set.
struct Threshold {
  int64_t score = INT64_MIN;
  bool lowest = true;  // below everything; score and key are unused
  uint32_t key_size = 0;
  uint32_t capacity = 0;
  uint32_t value_size = 0;
  Offset bytes = 0;  // what decides among equal scores (Ranking::value_of), then the key
};

// A ranked group.
struct Candidate {
  int64_t score;
  uint32_t group;
  uint32_t unused;
};

struct TierState {
  Threshold low;
  Offset entries = 0;  // Candidate[capacity]
  uint32_t capacity = 0;
  uint32_t size = 0;
};

// Each tier is 16 times the one before; five cover a thousand million groups.
inline constexpr uint32_t kMaxTiers = 5;

// Small, for there may be one for each of many partitions.
struct RankingState {
  TierState first;   // tier 0
  Offset lower = 0;  // TierState[kMaxTiers - 1], once there is more than one tier
  uint32_t tier_count = 1;
  bool usable = true;     // false when memory was short: then every reader scans, and exactness is kept
  uint64_t live = 0;      // groups in the ranking, in a tier or below all
  uint64_t retry_in = 0;  // changes to wait before the next attempt to make it usable again
};

inline constexpr uint32_t kRankedTarget = 1024;  // tier 0 after a raise or a refill
inline constexpr uint32_t kRankedFloor = 256;    // it has at least these many, if that many groups live

class Ranking {
 public:
  Ranking() = default;
  // The ranking of all groups of a trend.
  Ranking(Arena* arena, const TrendHeader* header, RankingState* state, const GroupTable& groups,
          const Hooks& hooks)
      : arena_(arena),
        state_(state),
        groups_(groups),
        layout_(&header->layout),
        epoch_(&header->epoch),
        hooks_(hooks),
        takes_all_(header->options.partitioned),
        conditional_(asks_host(header->options)),
        by_host_(header->options.ranks_by_host) {}

  // Makes this the ranking of one partition of the same trend.
  void select(uint32_t partition, RankingState* state) {
    partition_ = partition;
    state_ = state;
  }

  // ---- changes (writer)
  // A group became live, with this score.
  void enter(uint32_t id, Group* group, int64_t score);
  // A live group is so no longer.
  void leave(uint32_t id, Group* group);
  // A live group's score changed.
  void change(uint32_t id, Group* group, int64_t score) {
    if (!state_->usable) [[unlikely]] {
      if (state_->retry_in > 0) state_->retry_in--;
      return;
    }
    const uint32_t place = group->place;
    if (place == kBelow) {
      if (score < tier_at(state_->tier_count - 1).low.score) return;
    } else {
      const uint32_t number = place >> kPlaceBits;
      const TierState& in = tier_at(number);
      arena_->at<Candidate>(in.entries)[place & kPlaceMask].score = score;
      if (score > in.low.score && (number == 0 || score < tier_at(number - 1).low.score)) return;
    }
    relocate(id, group, score);
  }
  // To be called when a batch of changes is done, before anyone reads: makes the candidates enough again.
  void settle();
  // No group is live any more.
  void clear();
  // Gives back all memory; the state is then as when it was made.
  void release();

  // ---- reading
  uint64_t live() const { return state_->live; }
  // Whether a group is ranked: it has rows in the current window, and its condition, if any, holds.
  bool is_live(const Group* group) const {
    if (group->epoch != *epoch_) return false;
    return conditional_ ? (extra(group)->flags & GroupExtra::kHolds) != 0 : group->total()[0] > 0;
  }
  // Of trends with partitions, a condition or ranks by the host.
  GroupExtra* extra(Group* group) const {
    return reinterpret_cast<GroupExtra*>(group->total() + layout_->words);
  }
  const GroupExtra* extra(const Group* group) const {
    return reinterpret_cast<const GroupExtra*>(group->total() + layout_->words);
  }
  int64_t score(const Group* group) const {
    return by_host_ ? stored_rank(group)->score : score_of(*layout_, group->total());
  }

  // ---- ranks by the host
  bool is_by_host() const { return by_host_; }
  // Gives a group its rank key, before change() or enter() is told. False without memory: it has no bytes.
  bool store_rank(Group* group, const RankKey& rank);
  void release_rank(Group* group);
  KeyView rank_bytes(const Group* group) const {
    const StoredRank* stored = stored_rank(group);
    return {stored->size == 0 ? nullptr : arena_->at(stored->bytes), stored->size};
  }

  // The order of groups of equal score before their keys are looked at: negative when a ranks before b.
  int compare_values(const Group* a, const Group* b) const {
    if (layout_->score_decides) return 0;
    return by_host_ ? compare_ranks(rank_bytes(a), rank_bytes(b))
                    : compare_rank(*layout_, a->total(), b->total());
  }
  // Whether a ranks before b.
  bool better(const Candidate& a, const Candidate& b) const;

  // visit(const Candidate&) for every group in a tier, every live one below all tiers, or every live one.
  template <typename Visit>
  void for_each_in_tier(uint32_t number, Visit&& visit) const {
    const TierState& in = tier_at(number);
    if (in.size == 0) return;
    const Candidate* entries = arena_->at<Candidate>(in.entries);
    for (uint32_t i = 0; i < in.size; i++) visit(entries[i]);
  }
  template <typename Visit>
  void for_each_below(Visit&& visit) const {
    groups_.for_each([&](uint32_t id, const Group* group) {
      if (group->place == kBelow && is_live(group)) visit(Candidate{score(group), id, 0});
    });
  }
  template <typename Visit>
  void for_each_live(Visit&& visit) const {
    groups_.for_each([&](uint32_t id, const Group* group) {
      if (belongs(group)) visit(Candidate{score(group), id, 0});
    });
  }

  // Tiers that can be relied on, none when unusable, and how many groups each has.
  uint32_t tier_count() const { return state_->usable ? state_->tier_count : 0; }
  uint32_t tier_size(uint32_t number) const { return tier_at(number).size; }
  // The tier of a live group; tier_count() when it is below all.
  uint32_t tier_of(const Group* group) const {
    return !state_->usable ? 0 : group->place == kBelow ? state_->tier_count : group->place >> kPlaceBits;
  }

 private:
  // Group::place: tier and index within it, or one of these.
  static constexpr uint32_t kPlaceBits = 28;
  static constexpr uint32_t kPlaceMask = (1u << kPlaceBits) - 1;
  static constexpr uint32_t kOut = kNone;        // not live
  static constexpr uint32_t kBelow = kNone - 1;  // live, below all tiers

  static constexpr uint32_t kTierRatio = 16;
  // A scan reads groups in order, with one comparison for most, so the last tier may be further from their
  // number.
  static constexpr uint32_t kScanRatio = 64;
  static constexpr uint32_t target(uint32_t tier) {
    uint32_t size = kRankedTarget;
    for (; tier > 0; tier--) size *= kTierRatio;
    return size;
  }

  TierState& tier_at(uint32_t number) const {
    return number == 0 ? state_->first : arena_->at<TierState>(state_->lower)[number - 1];
  }
  Candidate* entries(uint32_t number) const { return arena_->at<Candidate>(tier_at(number).entries); }
  // Whether a group is live and of this ranking's partition.
  bool belongs(const Group* group) const {
    return is_live(group) && (partition_ == kNone || extra(group)->partition == partition_);
  }
  uint64_t below_count() const;
  int compare_keys(KeyView a, KeyView b) const {
    return hooks_.compare_keys != nullptr ? hooks_.compare_keys(hooks_.context, a, b)
                                          : compare_key_bytes(nullptr, a, b);
  }
  int compare_ranks(KeyView a, KeyView b) const {
    if (a == b) return 0;
    if (a.size == 0 || b.size == 0) return a.size == 0 ? 1 : -1;
    return hooks_.compare_ranks != nullptr ? hooks_.compare_ranks(hooks_.context, a, b) : 0;
  }
  const StoredRank* stored_rank(const Group* group) const {
    return reinterpret_cast<const StoredRank*>(extra(group) + 1);
  }
  StoredRank* stored_rank(Group* group) const { return reinterpret_cast<StoredRank*>(extra(group) + 1); }
  // What decides among equal scores, as bytes.
  KeyView value_of(const Group* group) const;
  int compare_value(const Group* group, KeyView value) const;
  bool reaches(const Threshold& low, int64_t score, const Group* group) const;

  void relocate(uint32_t id, Group* group, int64_t score);
  void insert(uint32_t id, Group* group, int64_t score);
  void remove(uint32_t place);
  void push(uint32_t tier, uint32_t id, Group* group, int64_t score);
  bool spill(uint32_t tier);
  bool add_tier();
  void drop_tier();
  void set_places(uint32_t tier, uint32_t from, uint32_t to);
  bool refill(uint32_t tier);
  bool pull(uint32_t tier, uint32_t wanted);
  bool scan(uint32_t tier, uint32_t wanted);
  bool reserve(uint32_t tier, uint32_t capacity);
  bool set_low(uint32_t tier, const Candidate& candidate);
  bool copy_low(uint32_t to, uint32_t from);
  bool store_low(Threshold& low, KeyView value, KeyView key);
  void empty_tiers();
  void give_up();
  void rebuild();

  Arena* arena_ = nullptr;
  RankingState* state_ = nullptr;
  GroupTable groups_;
  const StateLayout* layout_ = nullptr;
  const uint32_t* epoch_ = nullptr;
  Hooks hooks_;
  bool takes_all_ = false;      // the last tier has every group that the others have not
  bool conditional_ = false;    // whether a group is live, a flag says
  bool by_host_ = false;        // options.ranks_by_host
  uint32_t partition_ = kNone;  // kNone: of all groups
};

}  // namespace trending
