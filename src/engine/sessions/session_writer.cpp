// SPDX-License-Identifier: PostgreSQL
#include "engine/sessions/session_writer.h"

#include <algorithm>

#include "engine/aggregates/aggregate_state.h"

namespace trending {

namespace {

// Group::newest_pane has no other use here.
constexpr uint32_t kGroupDirty = 1;

}  // namespace

void SessionWriter::open(Arena* arena, RankedState* state, SessionStoreState* sessions, const Hooks& hooks,
                         const Calendar& calendar) {
  RankedGroups::open(arena, state, hooks, calendar);
  state_ = sessions;
  sessions_ = SessionStore(arena, sessions, state->layout.words);
  values_ = SessionValues(arena, sessions, state->options.hash_seed);
  filling_ = false;
  changed_count_ = 0;
  report_is_made_ = false;
  report_.clear();
}

Status SessionWriter::apply(const BatchSlice& slice) {
  if (slice.empty()) return Status::kOk;
  Status result = Status::kOk;
  report_is_made_ = false;
  header_->counters.out_of_range += slice.out_of_range;
  for (const BatchRecord* record = slice.begin; record != slice.end; record = record->next()) {
    const Status status = apply_record(*record);
    if (status != Status::kOk) [[unlikely]]
      result = status;
  }
  judge_changed();
  if (slice.max_time > header_->clock && !filling_) move_clock(slice.max_time, false);
  ranking_.settle();
  header_->version++;
  return result;
}

bool SessionWriter::is_counted_elsewhere(Time t) const {
  if (elsewhere_.end == kNoTime || !windows_.in_range(t)) return false;
  const Time end = add_saturated(t, gap());
  return elsewhere_.start <= end && end <= elsewhere_.end;
}

Status SessionWriter::advance_clock(Time t) {
  if (!windows_.in_range(t)) return Status::kOutOfRange;
  if (t > header_->clock) {
    move_clock(t, false);
    ranking_.settle();
    header_->version++;
  }
  reclaim();
  return Status::kOk;
}

bool SessionWriter::reclaim() {
  if (groups_.count() == 0 && ranking_.live() == 0) {
    ranking_.clear();
    groups_.shrink();
    sessions_.shrink();
  }
  return false;
}

Status SessionWriter::apply_record(const BatchRecord& record) {
  Counters& counters = header_->counters;
  counters.unmatched += record.retracted;
  if (record.added == 0) return Status::kOk;
  uint32_t id = groups_.find(record.key(), record.hash);
  Place place;
  if (id != kNone) place = find_place(groups_.group(id), record.time);
  const bool too_early = record.time < header_->late_before;
  if (too_early && (!filling_ || place.joined == kNone)) {
    if (!filling_ && !is_counted_elsewhere(record.time)) counters.late += record.rows;
    return Status::kOk;
  }
  uint32_t begun = kNone;
  const Status status = make_room(record, place, &id, &begun);
  if (status != Status::kOk) {
    counters.refused += record.added;
    return status;
  }
  Group* group = groups_.group(id);
  if (begun != kNone) {
    begin_session(id, begun, place, record.time);
  } else {
    join_session(place, record.time);
  }
  const uint32_t number = begun != kNone ? begun : place.joined;
  Session* session = sessions_.session(number);
  fold(header_->layout, session->state(), static_cast<int64_t>(record.added), record.valid,
       record.arguments());
  if (has_parts()) fold_parts(record, session->state());
  update(number, session);
  set_dirty(group);
  if (header_->options.has_condition) {
    note_changed(number, session);
  } else {
    show(id, group);
  }
  counters.events += record.added;
  return Status::kOk;
}

bool SessionWriter::is_past(Time t, KeyView key, Time final) const {
  if (add_saturated(t, gap()) > final) return false;
  const uint32_t id = groups_.find(key, hash_key(key, header_->options.hash_seed));
  return id == kNone || find_place(groups_.group(id), t).joined == kNone;
}

Time SessionWriter::final_before() const {
  return subtract_saturated(subtract_saturated(header_->watermark, header_->options.allowed_lateness), gap());
}

// Neighbours are more than a gap apart, so at most two sessions are within a gap of t.
SessionWriter::Place SessionWriter::find_place(const Group* group, Time t) const {
  Place place;
  uint32_t number = group->newest_cell;
  while (number != kNone && sessions_.session(number)->first > t + gap()) {
    place.newer = number;
    number = sessions_.session(number)->older;
  }
  if (number == kNone || sessions_.session(number)->last < t - gap()) {
    place.older = number;
    return place;
  }
  place.joined = number;
  const uint32_t next = sessions_.session(number)->older;
  if (next != kNone && sessions_.session(next)->last >= t - gap()) place.merged = next;
  return place;
}

// Gets all the memory that a row may need before anything is changed: a place in the queue, for windows that
// are withdrawn, for a new session and its group, for what belongs to its state.
Status SessionWriter::make_room(const BatchRecord& record, const Place& place, uint32_t* id,
                                uint32_t* begun) {
  if (!sessions_.reserve(1)) return Status::kOutOfMemory;
  if (header_->options.report_windows && !sessions_.reserve_withdrawn(2)) return Status::kOutOfMemory;
  const size_t changed_bytes = (changed_count_ + 1) * sizeof(uint32_t);
  if (header_->options.has_condition && !changed_.reserve(changed_bytes)) return Status::kOutOfMemory;
  if (place.joined == kNone) return make_begun(record, id, begun);
  if (!has_parts()) return Status::kOk;
  const int64_t* merged = place.merged != kNone ? sessions_.session(place.merged)->state() : nullptr;
  return prepare_parts(record, sessions_.session(place.joined)->state(), merged);
}

Status SessionWriter::make_begun(const BatchRecord& record, uint32_t* id, uint32_t* begun) {
  if (sessions_.count() >= header_->options.max_groups) return Status::kTooManyGroups;
  const bool is_new = *id == kNone;
  if (is_new) {
    const Status status = add_group(record.key(), record.hash, id);
    if (status != Status::kOk) return status;
    groups_.group(*id)->newest_pane = 0;
  }
  const uint32_t taken = sessions_.allocate();
  Status status = taken != kNone ? Status::kOk : Status::kOutOfMemory;
  if (status == Status::kOk && has_parts()) {
    status = prepare_parts(record, sessions_.session(taken)->state(), nullptr);
    if (status != Status::kOk) {
      release_parts(sessions_.session(taken)->state());
      sessions_.release(taken);
    }
  }
  if (status == Status::kOk) {
    *begun = taken;
  } else if (is_new) {
    remove_group(*id);
  }
  return status;
}

void SessionWriter::begin_session(uint32_t id, uint32_t begun, const Place& place, Time t) {
  Session* session = sessions_.session(begun);
  session->first = t;
  session->last = t;
  session->group = id;
  sessions_.link(begun, place.newer, place.older, &groups_.group(id)->newest_cell);
  sessions_.enter(begun, end_of(session));
  if (place.newer == kNone && place.older != kNone) {
    Session* before = sessions_.session(place.older);
    if ((before->flags & Session::kClosed) == 0) close(place.older, before, false);
  }
}

void SessionWriter::join_session(const Place& place, Time t) {
  Session* session = sessions_.session(place.joined);
  forget_report(session);
  if (place.merged != kNone) {
    Session* merged = sessions_.session(place.merged);
    forget_report(merged);
    merge(header_->layout, session->state(), merged->state());
    if (has_parts()) merge_parts(session->state(), merged->state());
    session->first = merged->first;
    session->flags |= merged->flags & Session::kHolds;
    drop(place.merged, merged);
  }
  session->first = std::min(session->first, t);
  session->last = std::max(session->last, t);
}

// Looks again whether a session that got rows is open.
void SessionWriter::update(uint32_t id, Session* session) {
  const bool is_open = session->newer == kNone && !has_ended(session);
  const bool was_open = (session->flags & Session::kClosed) == 0;
  if (is_open && !was_open) {
    if ((session->flags & Session::kReported) == 0) state_->unreported--;
    session->flags &= static_cast<uint16_t>(~(Session::kClosed | Session::kReported));
    if (end_of(session) < session->due) sessions_.enter(id, end_of(session));
  } else if (!is_open && was_open) {
    close(id, session, false);
  }
}

void SessionWriter::close(uint32_t, Session* session, bool reported) {
  session->flags |= Session::kClosed;
  if (reported || !header_->options.report_windows) {
    session->flags |= Session::kReported;
  } else {
    state_->unreported++;
  }
}

// A session is about to change: what history has of it, if anything, is no longer so.
void SessionWriter::forget_report(Session* session) {
  if ((session->flags & Session::kReported) == 0 || !header_->options.report_windows) return;
  sessions_.withdraw(window_of(session));
  session->flags &= static_cast<uint16_t>(~Session::kReported);
  state_->unreported++;
}

void SessionWriter::drop(uint32_t id, Session* session) {
  const bool is_unreported = (session->flags & (Session::kClosed | Session::kReported)) == Session::kClosed;
  if (is_unreported) state_->unreported--;
  if ((session->flags & Session::kFinal) != 0) state_->final_waiting--;
  if (has_parts()) release_parts(session->state());
  sessions_.unlink(id, &groups_.group(session->group)->newest_cell);
}

void SessionWriter::remove_if_empty(uint32_t id, Group* group) {
  if (group->newest_cell != kNone) return;
  if ((group->newest_pane & kGroupDirty) != 0) state_->dirty_groups--;
  remove_group(id);
}

void SessionWriter::set_dirty(Group* group) {
  if ((group->newest_pane & kGroupDirty) != 0) return;
  group->newest_pane |= kGroupDirty;
  state_->dirty_groups++;
}

// Makes a group's latest session its row in the ranking, while it is open and its condition holds.
void SessionWriter::show(uint32_t id, Group* group) {
  const bool has_condition = header_->options.has_condition;
  const Session* newest = group->newest_cell != kNone ? sessions_.session(group->newest_cell) : nullptr;
  const bool is_live = newest != nullptr && (newest->flags & Session::kClosed) == 0 &&
                       (!has_condition || (newest->flags & Session::kHolds) != 0);
  const bool was_live = ranking_.is_live(group);
  if (!is_live && !was_live) return;
  if (!asks_host(header_->options)) {
    return change_total(id, group, [&](int64_t* total) { copy_state(is_live ? newest : nullptr, total); });
  }
  // If there is a condition, it has been judged already.
  if (group->epoch != header_->epoch) renew_total(group);
  ranking_.extra(group)->flags = is_live ? GroupExtra::kHolds : 0;
  copy_state(is_live ? newest : nullptr, group->total());
  if (is_live && ranking_.is_by_host()) {
    rank_by_host(group, groups_.key(group), newest->state(), window_of(newest));
  }
  rank(id, group, was_live, is_live);
}

// What a state owns stays the session's.
void SessionWriter::copy_state(const Session* from, int64_t* total) const {
  if (from == nullptr) {
    total[0] = 0;
    return;
  }
  std::copy(from->state(), from->state() + header_->layout.words, total);
  if (has_parts()) disown_parts(total);
}

void SessionWriter::note_changed(uint32_t id, Session* session) {
  if ((session->flags & Session::kChanged) != 0) return;
  session->flags |= Session::kChanged;
  reinterpret_cast<uint32_t*>(changed_.data())[changed_count_++] = id;
}

// Evaluates the condition of every session that has changed, once however often it has.
void SessionWriter::judge_changed() {
  for (size_t i = 0; i < changed_count_; i++) {
    Session* session = sessions_.session(reinterpret_cast<const uint32_t*>(changed_.data())[i]);
    if ((session->flags & Session::kChanged) == 0) continue;
    session->flags &= static_cast<uint16_t>(~Session::kChanged);
    const bool held = (session->flags & Session::kHolds) != 0;
    judge(session);
    Group* group = groups_.group(session->group);
    show(session->group, group);
    const bool crosses = !held && (session->flags & (Session::kHolds | Session::kClosed)) == Session::kHolds;
    if (!crosses) continue;
    report_crossed(groups_.key(group), session->state(), window_of(session));
  }
  changed_count_ = 0;
}

void SessionWriter::judge(Session* session) {
  session->flags &= static_cast<uint16_t>(~Session::kHolds);
  const KeyView key = groups_.key(groups_.group(session->group));
  if (holds(key, session->state())) session->flags |= Session::kHolds;
}

// `reported`: history has what closes.
void SessionWriter::move_clock(Time t, bool reported) {
  report_is_made_ = false;
  header_->clock = t;
  header_->watermark = subtract_saturated(t, header_->options.watermark_delay);
  const Time reached = subtract_saturated(header_->watermark, header_->options.allowed_lateness);
  header_->late_before = std::max(header_->late_before, add_saturated(subtract_saturated(reached, gap()), 1));
  expire(reported);
}

// Closes the sessions that have ended and releases those that are final. Not while there is something to be
// reported: windows are reported as a whole, and an equal one may be among them. So a session goes in its
// turn only, after all that end when it does have been closed, however far the clock has moved.
void SessionWriter::expire(bool reported) {
  while (sessions_.next_due() <= header_->watermark) {
    const Time turn = sessions_.next_due();
    const uint32_t number = sessions_.pop();
    if (number == kNone) continue;
    Session* session = sessions_.session(number);
    const uint32_t id = session->group;
    Group* group = groups_.group(id);
    if ((session->flags & Session::kClosed) == 0 && has_ended(session)) {
      close(number, session, reported);
      show(id, group);
    }
    const bool is_closed = (session->flags & Session::kClosed) != 0;
    const Time due = is_closed ? final_at(end_of(session)) : end_of(session);
    if (due > turn) {
      sessions_.enter(number, due);
    } else if (!has_pending_window()) {
      drop(number, session);
      remove_if_empty(id, group);
    } else {
      session->flags |= Session::kFinal;
      state_->final_waiting++;
    }
  }
}

bool SessionWriter::is_due(Time t) const {
  return sessions_.next_due() <= subtract_saturated(t, header_->options.watermark_delay);
}

void SessionWriter::start_filling(Time keep_after) {
  filling_ = true;
  header_->late_before = add_saturated(subtract_saturated(keep_after, gap()), 1);
}

Time SessionWriter::concerned_from() const {
  Time earliest = header_->late_before;
  sessions_.for_each(
      [&](uint32_t, const Session* session) { earliest = std::min(earliest, session->first - gap()); });
  return earliest;
}

}  // namespace trending
