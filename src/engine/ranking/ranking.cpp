// SPDX-License-Identifier: PostgreSQL
#include "engine/ranking/ranking.h"

#include <algorithm>
#include <cstring>

namespace trending {

void Ranking::enter(uint32_t id, Group* group, int64_t score) {
  state_->live++;
  if (state_->usable) {
    insert(id, group, score);
  } else if (state_->retry_in > 0) {
    state_->retry_in--;
  }
}

void Ranking::leave(uint32_t, Group* group) {
  state_->live--;
  if (!state_->usable) {
    if (state_->retry_in > 0) state_->retry_in--;
    return;
  }
  if (group->place != kBelow) remove(group->place);
  group->place = kOut;
}

void Ranking::settle() {
  if (!state_->usable) {
    if (state_->retry_in == 0) rebuild();
    return;
  }
  if (tier_at(0).size < kRankedFloor && tier_at(0).size < state_->live && !refill(0)) give_up();
  while (takes_all_ && state_->tier_count > 1 && tier_at(state_->tier_count - 1).size == 0) drop_tier();
}

void Ranking::clear() {
  empty_tiers();
  state_->live = 0;
  state_->usable = true;
}

void Ranking::release() {
  empty_tiers();
  arena_->release(state_->first.entries, state_->first.capacity * sizeof(Candidate));
  arena_->release(state_->first.low.bytes, state_->first.low.capacity);
  *state_ = RankingState{};
}

// Live groups below all tiers.
uint64_t Ranking::below_count() const {
  uint64_t count = state_->live;
  for (uint32_t tier = 0; tier < state_->tier_count; tier++) count -= tier_at(tier).size;
  return count;
}

bool Ranking::better(const Candidate& a, const Candidate& b) const {
  if (a.score != b.score) return a.score > b.score;
  if (a.group == b.group) return false;
  const Group* left = groups_.group(a.group);
  const Group* right = groups_.group(b.group);
  const int order = compare_values(left, right);
  return order != 0 ? order < 0 : compare_keys(groups_.key(left), groups_.key(right)) < 0;
}

KeyView Ranking::value_of(const Group* group) const {
  if (layout_->score_decides) return {};
  if (by_host_) return rank_bytes(group);
  return {reinterpret_cast<const std::byte*>(group->total()), layout_->bytes()};
}

int Ranking::compare_value(const Group* group, KeyView value) const {
  if (by_host_) return compare_ranks(rank_bytes(group), value);
  return compare_rank(*layout_, group->total(), reinterpret_cast<const int64_t*>(value.data));
}

bool Ranking::store_rank(Group* group, const RankKey& rank) {
  StoredRank* stored = stored_rank(group);
  stored->score = rank.score;
  stored->size = 0;
  if (rank.bytes.size > stored->capacity) {
    const Offset bytes = arena_->allocate(rank.bytes.size);
    if (bytes == 0) return false;
    release_rank(group);
    stored->bytes = bytes;
    stored->capacity = rank.bytes.size;
  }
  if (rank.bytes.size > 0) std::memcpy(arena_->at(stored->bytes), rank.bytes.data, rank.bytes.size);
  stored->size = rank.bytes.size;
  return true;
}

void Ranking::release_rank(Group* group) {
  StoredRank* stored = stored_rank(group);
  arena_->release(stored->bytes, stored->capacity);
  stored->bytes = 0;
  stored->size = stored->capacity = 0;
}

// Whether a group with this score is at or above a threshold.
bool Ranking::reaches(const Threshold& low, int64_t score, const Group* group) const {
  if (low.lowest || score > low.score) return true;
  if (score < low.score) return false;
  const std::byte* bytes = low.bytes != 0 ? arena_->at(low.bytes) : nullptr;
  if (!layout_->score_decides) {
    const int order = compare_value(group, {bytes, low.value_size});
    if (order != 0) return order < 0;
  }
  const KeyView low_key{bytes + low.value_size, low.key_size};
  const KeyView key = groups_.key(group);
  return key == low_key || compare_keys(key, low_key) < 0;
}

// Moves a group whose score changed to the tier where it belongs, if it is not there already.
void Ranking::relocate(uint32_t id, Group* group, int64_t score) {
  if (group->place != kBelow) {
    const uint32_t tier = group->place >> kPlaceBits;
    if (reaches(tier_at(tier).low, score, group) &&
        (tier == 0 || !reaches(tier_at(tier - 1).low, score, group))) {
      return;
    }
    remove(group->place);
  }
  insert(id, group, score);
}

void Ranking::insert(uint32_t id, Group* group, int64_t score) {
  for (uint32_t tier = 0; tier < state_->tier_count; tier++) {
    if (!reaches(tier_at(tier).low, score, group)) continue;
    push(tier, id, group, score);
    if (state_->usable && tier_at(tier).size > 2 * target(tier) && !spill(tier)) give_up();
    return;
  }
  group->place = kBelow;
}

void Ranking::remove(uint32_t place) {
  const uint32_t tier = place >> kPlaceBits;
  Candidate* in = entries(tier);
  const uint32_t last = --tier_at(tier).size;
  const uint32_t hole = place & kPlaceMask;
  if (hole == last) return;
  in[hole] = in[last];
  groups_.group(in[hole].group)->place = place;
}

void Ranking::push(uint32_t tier, uint32_t id, Group* group, int64_t score) {
  TierState& to = tier_at(tier);
  if (to.size == to.capacity && !reserve(tier, to.size + 1)) {
    give_up();
    return;
  }
  entries(tier)[to.size] = {score, id, 0};
  group->place = tier << kPlaceBits | to.size++;
}

// Raises the threshold of a tier that has outgrown its bound: its best stay, the others go to the next tier.
bool Ranking::spill(uint32_t tier) {
  TierState& from = tier_at(tier);
  Candidate* all = entries(tier);
  const uint32_t kept = target(tier);
  const uint32_t size = from.size;
  std::nth_element(all, all + kept - 1, all + size,
                   [this](const Candidate& a, const Candidate& b) { return better(a, b); });
  if (!set_low(tier, all[kept - 1])) return false;
  from.size = kept;
  set_places(tier, 0, kept);
  if (takes_all_ && tier + 1 == state_->tier_count && !add_tier()) return false;
  const bool is_last = tier + 1 == state_->tier_count;
  for (uint32_t i = kept; i < size; i++) {
    Group* group = groups_.group(all[i].group);
    if (is_last) {
      group->place = kBelow;
    } else {
      push(tier + 1, all[i].group, group, all[i].score);
      if (!state_->usable) return false;
    }
  }
  return is_last || tier_at(tier + 1).size <= 2 * target(tier + 1) || spill(tier + 1);
}

// Adds an empty tier below all others. False when memory is short, or there are as many as can be.
bool Ranking::add_tier() {
  if (state_->tier_count == kMaxTiers) return false;
  if (state_->lower == 0) {
    const size_t bytes = sizeof(TierState) * (kMaxTiers - 1);
    state_->lower = arena_->allocate(bytes);
    if (state_->lower == 0) return false;
    for (uint32_t i = 0; i + 1 < kMaxTiers; i++) arena_->at<TierState>(state_->lower)[i] = TierState{};
  }
  state_->tier_count++;
  TierState& added = tier_at(state_->tier_count - 1);
  added.size = 0;
  added.low.lowest = takes_all_;
  return true;
}

// The last tier of a ranking without anything below it has become empty: the one before is the last then.
void Ranking::drop_tier() {
  TierState& last = tier_at(state_->tier_count - 1);
  arena_->release(last.entries, last.capacity * sizeof(Candidate));
  arena_->release(last.low.bytes, last.low.capacity);
  last = TierState{};
  state_->tier_count--;
  Threshold& low = tier_at(state_->tier_count - 1).low;
  low.lowest = true;
  low.score = INT64_MIN;
}

void Ranking::set_places(uint32_t tier, uint32_t from, uint32_t to) {
  const Candidate* in = entries(tier);
  for (uint32_t i = from; i < to; i++) groups_.group(in[i].group)->place = tier << kPlaceBits | i;
}

// Brings a tier back to its target from what lies below it. False when memory is short.
bool Ranking::refill(uint32_t tier) {
  const uint32_t wanted = target(tier) - tier_at(tier).size;
  if (tier + 1 == state_->tier_count) {
    if (takes_all_) return true;  // it has all there is
    if (tier + 1 == kMaxTiers || groups_.count() / kScanRatio <= target(tier)) return scan(tier, wanted);
    if (!add_tier()) return false;
  }
  const bool has_more = tier + 2 < state_->tier_count || below_count() > 0;
  if (tier_at(tier + 1).size < wanted && has_more && !refill(tier + 1)) return false;
  return pull(tier, wanted);
}

// Moves the best of the next tier up into this one.
bool Ranking::pull(uint32_t tier, uint32_t wanted) {
  TierState& to = tier_at(tier);
  TierState& from = tier_at(tier + 1);
  const uint32_t count = std::min(wanted, from.size);
  if (!reserve(tier, to.size + count)) return false;
  if (count == 0) return copy_low(tier, tier + 1);

  Candidate* source = entries(tier + 1);
  if (count < from.size) {
    std::nth_element(source, source + count - 1, source + from.size,
                     [this](const Candidate& a, const Candidate& b) { return better(a, b); });
    if (!set_low(tier, source[count - 1])) return false;
  } else if (!copy_low(tier, tier + 1)) {
    return false;
  }
  std::memcpy(entries(tier) + to.size, source, count * sizeof(Candidate));
  set_places(tier, to.size, to.size + count);
  to.size += count;
  // The rest was permuted; close the gap with its end.
  const uint32_t left = from.size - count;
  const uint32_t moved = std::min(count, left);
  std::memcpy(source, source + from.size - moved, moved * sizeof(Candidate));
  from.size = left;
  set_places(tier + 1, 0, left);
  return true;
}

// Takes the best of the groups below all tiers into the last tier, in one pass over the groups.
bool Ranking::scan(uint32_t tier, uint32_t wanted) {
  TierState& to = tier_at(tier);
  const uint64_t available = below_count();
  if (available <= wanted) wanted = static_cast<uint32_t>(available);
  // The end of the tier's own array serves as buffer: filled to twice what is wanted, then cut to the best
  // half.
  const uint32_t room = static_cast<uint32_t>(std::min<uint64_t>(available, uint64_t{2} * wanted));
  if (!reserve(tier, to.size + room)) return false;
  Candidate* first = entries(tier) + to.size;
  uint32_t count = 0;
  bool bounded = false;
  const auto is_better = [this](const Candidate& a, const Candidate& b) { return better(a, b); };
  groups_.for_each([&](uint32_t id, const Group* group) {
    if (group->place != kBelow || !is_live(group)) return;
    const Candidate candidate{score(group), id, 0};
    if (bounded) {
      if (candidate.score < first[wanted - 1].score) return;
      if (candidate.score == first[wanted - 1].score && !better(candidate, first[wanted - 1])) return;
    }
    first[count++] = candidate;
    if (count < room) return;
    std::nth_element(first, first + wanted - 1, first + count, is_better);
    count = wanted;
    bounded = true;
  });
  if (available > wanted) {
    std::nth_element(first, first + wanted - 1, first + count, is_better);
    if (!set_low(tier, first[wanted - 1])) return false;
  } else {
    to.low.lowest = true;
    to.low.score = INT64_MIN;
  }
  set_places(tier, to.size, to.size + wanted);
  to.size += wanted;
  return true;
}

// Makes room for `capacity` entries in a tier.
bool Ranking::reserve(uint32_t tier, uint32_t capacity) {
  TierState& to = tier_at(tier);
  if (capacity <= to.capacity) return true;
  // Double, but not beyond what a tier can come to hold: twice its target and what one spill from above
  // brings.
  const uint32_t most = 2 * target(tier) + (tier == 0 ? 0 : target(tier - 1)) + 1;
  capacity = std::max(capacity, std::min(std::max(to.capacity * 2, 4u), most));
  const Offset grown = arena_->allocate(capacity * sizeof(Candidate));
  if (grown == 0) return false;
  if (to.size > 0) std::memcpy(arena_->at(grown), arena_->at(to.entries), to.size * sizeof(Candidate));
  arena_->release(to.entries, to.capacity * sizeof(Candidate));
  to.entries = grown;
  to.capacity = capacity;
  return true;
}

bool Ranking::set_low(uint32_t tier, const Candidate& candidate) {
  Threshold& low = tier_at(tier).low;
  const Group* group = groups_.group(candidate.group);
  if (!store_low(low, value_of(group), groups_.key(group))) return false;
  low.score = candidate.score;
  low.lowest = false;
  return true;
}

bool Ranking::copy_low(uint32_t to, uint32_t from) {
  const Threshold& source = tier_at(from).low;
  Threshold& low = tier_at(to).low;
  if (!source.lowest) {
    const std::byte* bytes = source.bytes != 0 ? arena_->at(source.bytes) : nullptr;
    const KeyView key{bytes + source.value_size, source.key_size};
    if (!store_low(low, {bytes, source.value_size}, key)) return false;
  }
  low.score = source.score;
  low.lowest = source.lowest;
  return true;
}

bool Ranking::store_low(Threshold& low, KeyView value, KeyView key) {
  const uint32_t size = value.size + key.size;
  if (size > low.capacity) {
    const Offset larger = arena_->allocate(size);
    if (larger == 0) return false;
    arena_->release(low.bytes, low.capacity);
    low.bytes = larger;
    low.capacity = size;
  }
  if (value.size > 0) std::memcpy(arena_->at(low.bytes), value.data, value.size);
  if (key.size > 0) std::memcpy(arena_->at(low.bytes) + value.size, key.data, key.size);
  low.value_size = value.size;
  low.key_size = key.size;
  return true;
}

// Back to a single empty tier that takes everything; the memory of the others is released.
void Ranking::empty_tiers() {
  if (state_->lower != 0) {
    TierState* lower = arena_->at<TierState>(state_->lower);
    for (uint32_t i = 0; i + 1 < kMaxTiers; i++) {
      arena_->release(lower[i].entries, lower[i].capacity * sizeof(Candidate));
      arena_->release(lower[i].low.bytes, lower[i].low.capacity);
    }
    arena_->release(state_->lower, sizeof(TierState) * (kMaxTiers - 1));
    state_->lower = 0;
  }
  state_->first.size = 0;
  state_->first.low.lowest = true;
  state_->first.low.score = INT64_MIN;
  state_->tier_count = 1;
}

// Memory is short: do without tiers for a while.
void Ranking::give_up() {
  empty_tiers();
  state_->usable = false;
  state_->retry_in = 1024 + groups_.count() / 4;
}

void Ranking::rebuild() {
  state_->usable = true;
  if (takes_all_) {
    groups_.for_each([this](uint32_t id, Group* group) {
      if (!state_->usable || extra(group)->partition != partition_) return;
      group->place = kOut;
      if (is_live(group)) insert(id, group, score(group));
    });
    return;
  }
  groups_.for_each([this](uint32_t, Group* group) { group->place = is_live(group) ? kBelow : kOut; });
  tier_at(0).low.lowest = false;
  if (!refill(0)) give_up();
}

}  // namespace trending
