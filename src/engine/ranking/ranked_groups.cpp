// Which groups are ranked, and where: conditions and partitions.

#include <algorithm>

#include "engine/trend/trend_writer.h"

namespace trending {

// A group's first change in an epoch.
void TrendWriter::renew_total(Group* group) {
  int64_t* total = group->total();
  if (header_->options.has_condition) {
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
void TrendWriter::rank_in_partition(uint32_t id, Group* group, bool was_live, bool is_live) {
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

void TrendWriter::note_changed(uint32_t id, Group* group) {
  GroupExtra* extra = ranking_.extra(group);
  if ((extra->flags & GroupExtra::kChanged) != 0) return;
  extra->flags |= GroupExtra::kChanged;
  extra->next_changed = first_changed_;
  first_changed_ = id;
}

// Where scores do not decide, the ranking compares totals: those that changed must not be in it meanwhile.
void TrendWriter::unrank_changed() {
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

// Evaluates the condition of every group that has changed, once however often it has.
void TrendWriter::settle_changed() {
  if (!header_->layout.score_decides) unrank_changed();
  while (first_changed_ != kNone) {
    const uint32_t id = first_changed_;
    first_changed_ = ranking_.extra(groups_.group(id))->next_changed;
    settle_condition(id);
  }
}

void TrendWriter::settle_condition(uint32_t id) {
  Group* group = groups_.group(id);
  GroupExtra* extra = ranking_.extra(group);
  const KeyView key = groups_.key(group);
  const uint32_t before = extra->flags;
  const int64_t* result = group->total()[0] > 0 ? result_of(group->total()) : nullptr;
  const bool holds_now = result != nullptr && holds(key, result);
  extra->flags = holds_now ? GroupExtra::kHolds : 0;
  rank(id, group, (before & GroupExtra::kHolds) != 0, holds_now);
  const bool held = (before & (GroupExtra::kHolds | GroupExtra::kHeld)) != 0;
  if (holds_now && !held && reports_crossings_ && hooks_.crossed != nullptr) {
    hooks_.crossed(hooks_.context, key, result, header_->window);
  }
}

}  // namespace trending
