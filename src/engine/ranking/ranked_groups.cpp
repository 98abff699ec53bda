// SPDX-License-Identifier: PostgreSQL
#include "engine/ranking/ranked_groups.h"

#include <algorithm>

namespace trending {

void RankedGroups::open(Arena* arena, RankedState* state, const Hooks& hooks, const Calendar& calendar) {
  arena_ = arena;
  hooks_ = hooks;
  header_ = state;
  windows_ = Windows(state->options.window, calendar);
  groups_ = GroupTable(arena, &state->groups, state->layout.words + extra_words(state->options));
  ranking_ = Ranking(arena, state, &state->ranking, groups_, hooks);
  partitions_ = Partitions(arena, state, &state->partitions);
  sketches_ = SketchStore(arena, &state->layout);
  bytes_.open(arena, &state->layout, hooks);
  elsewhere_ = {};
  first_changed_ = kNone;
}

Status RankedGroups::create() {
  const Status status = groups_.create();
  return status == Status::kOk && header_->options.partitioned ? partitions_.create() : status;
}

Status RankedGroups::add_group(KeyView key, uint32_t hash, uint32_t* id) {
  if (!header_->options.partitioned) return groups_.insert(key, hash, id);
  uint32_t partition = kNone;
  Status status = partitions_.add_group(hooks_.partition_of(hooks_.context, key), &partition);
  if (status != Status::kOk) return status;
  status = groups_.insert(key, hash, id);
  if (status == Status::kOk) {
    ranking_.extra(groups_.group(*id))->partition = partition;
  } else {
    partitions_.remove_group(partition, ranking_);
  }
  return status;
}

void RankedGroups::remove_group(uint32_t id) {
  clear_stored(groups_.group(id)->total(), UINT32_MAX);
  if (ranking_.is_by_host()) ranking_.release_rank(groups_.group(id));
  if (header_->options.partitioned) {
    partitions_.remove_group(ranking_.extra(groups_.group(id))->partition, ranking_);
  }
  groups_.remove(id);
}

void RankedGroups::clear_stored(int64_t* state, uint32_t which) {
  if (header_->layout.has_sketches) sketches_.clear(state, which);
  if (header_->layout.owned_bytes != 0) bytes_.clear(state, which);
}

// A result that is flat, of words whose bytes bytes_of() gives; null without memory. Valid until the next.
const int64_t* RankedGroups::pack(const int64_t* words, FunctionRef<KeyView(uint16_t)> bytes_of) const {
  const StateLayout& layout = header_->layout;
  if (!layout.has_bytes) return words;
  if (!packed_.reserve(packed_bytes(layout, bytes_of))) return nullptr;
  auto* result = reinterpret_cast<int64_t*>(packed_.data());
  pack_result(layout, words, bytes_of, result);
  return result;
}

const int64_t* RankedGroups::result_of(const int64_t* total) const {
  return pack(total,
              [&](uint16_t i) { return total_bytes(arena_, header_->layout, &header_->values, total, i); });
}

void RankedGroups::renew_total(Group* group) {
  int64_t* total = group->total();
  if (asks_host(header_->options)) {
    GroupExtra* extra = ranking_.extra(group);
    const bool held =
        overlaps_before_ && group->epoch + 1 == header_->epoch && (extra->flags & GroupExtra::kHolds) != 0;
    extra->flags = held ? GroupExtra::kHeld : 0;
  }
  clear_stored(total, UINT32_MAX);
  std::fill(total, total + header_->layout.words, 0);
  group->epoch = header_->epoch;
  group->place = kNone;
}

// A ranking of a partition is settled at once: what that costs has been paid by earlier changes to it.
void RankedGroups::rank_in_partition(uint32_t id, Group* group, bool was_live, bool is_live) {
  if (!was_live && !is_live) return;
  Ranking ranking = ranking_;
  partitions_.select_for_change(ranking_.extra(group)->partition, &ranking);
  if (was_live && is_live) {
    ranking.change(id, group, ranking.score(group));
  } else if (is_live) {
    ranking.enter(id, group, ranking.score(group));
    header_->ranking.live++;
  } else {
    ranking.leave(id, group);
    header_->ranking.live--;
  }
  ranking.settle();
}

void RankedGroups::note_changed(uint32_t id, Group* group) {
  GroupExtra* extra = ranking_.extra(group);
  if ((extra->flags & GroupExtra::kChanged) != 0) return;
  extra->flags |= GroupExtra::kChanged;
  extra->next_changed = first_changed_;
  first_changed_ = id;
}

// Where scores do not decide, the ranking compares totals: those that changed must not be in it meanwhile.
void RankedGroups::unrank_changed() {
  for (uint32_t id = first_changed_; id != kNone;) {
    Group* group = groups_.group(id);
    GroupExtra* extra = ranking_.extra(group);
    if ((extra->flags & GroupExtra::kHolds) != 0) {
      extra->flags = GroupExtra::kHeld | GroupExtra::kChanged;
      rank(id, group, true, false);
    }
    id = extra->next_changed;
  }
}

void RankedGroups::rank_by_host(Group* group, KeyView key, const int64_t* result, const Window& window) {
  if (!ranking_.store_rank(group, hooks_.rank(hooks_.context, key, result, window))) {
    header_->counters.incomplete++;
  }
}

void RankedGroups::note_window_moved() {
  if (!header_->options.ranks_by_host || !header_->options.host_rank_moves) return;
  groups_.for_each([this](uint32_t id, Group* group) {
    if (ranking_.is_live(group)) note_changed(id, group);
  });
}

// Judges and ranks every group that has changed, once however often it has. Rank keys of the host's change
// here only, each together with its score, so the ranking can compare those of the others meanwhile.
void RankedGroups::settle_changed() {
  if (!header_->layout.score_decides && !header_->options.ranks_by_host) unrank_changed();
  while (first_changed_ != kNone) {
    const uint32_t id = first_changed_;
    first_changed_ = ranking_.extra(groups_.group(id))->next_changed;
    settle_group(id);
  }
}

void RankedGroups::settle_group(uint32_t id) {
  Group* group = groups_.group(id);
  GroupExtra* extra = ranking_.extra(group);
  const KeyView key = groups_.key(group);
  const uint32_t before = extra->flags;
  const int64_t* result = group->total()[0] > 0 ? result_of(group->total()) : nullptr;
  const bool holds_now = result != nullptr && holds(key, result);
  extra->flags = holds_now ? GroupExtra::kHolds : 0;
  if (holds_now && header_->options.ranks_by_host) rank_by_host(group, key, result, header_->window);
  rank(id, group, (before & GroupExtra::kHolds) != 0, holds_now);
  const bool held = (before & (GroupExtra::kHolds | GroupExtra::kHeld)) != 0;
  if (holds_now && !held && header_->options.has_condition) report_crossed(key, result, header_->window);
}

}  // namespace trending
