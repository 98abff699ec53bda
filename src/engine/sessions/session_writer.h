// SPDX-License-Identifier: PostgreSQL
// Writing a trend with session windows.
//
// What a row does to a group's sessions depends on its time alone: it joins the one or two sessions that are
// not more than the gap away, which then are one, or begins a session of its own. So the order of rows never
// matters, in a transaction or between them, as long as no row comes too late:
//
//   a row is late      when even a session of its own would be past correction: its time + gap is at or
//                      before watermark − allowed_lateness
//   a session is final when no row that is not late can reach it: its end + gap is at or before
//                      watermark − allowed_lateness
//
// Final sessions are released once they are reported, so the sessions in memory are the open ones and those
// that ended within the last gap + allowed_lateness. An accepted row never meets one that is gone: what is
// reported as final is what the definition says of all accepted rows.
//
// A group's latest session is its row in the ranking while it is open, that is until the watermark reaches
// its end. A session is closed, and goes to history, when it has ended or a later one of its group has begun
// (which can come first when the watermark is delayed). A row that comes late for a closed session, but not
// too late, corrects history: the windows it had are withdrawn.
//
// With a condition, sessions that a change touches are listed and judged at its end, once each, by what they
// then are; a session that grew from one for which it held does not cross again. The clock moves after that:
// what it closes was open in that instant.
//
// Rows cannot be retracted: that would need every row's time. The host does not ask for it; if it did, the
// rows would be counted as unmatched.
#pragma once

#include <vector>

#include "engine/aggregates/batch.h"
#include "engine/memory/arena.h"
#include "engine/memory/function_ref.h"
#include "engine/memory/heap_buffer.h"
#include "engine/ranking/ranked_groups.h"
#include "engine/sessions/session_store.h"
#include "engine/sessions/session_values.h"
#include "engine/stores/group_table.h"
#include "engine/stores/views.h"
#include "engine/time/window.h"

namespace trending {

// Its functions mean what those of the same name of TrendWriter (trend/trend_writer.h) mean there.
class SessionWriter : public RankedGroups {
 public:
  void open(Arena* arena, RankedState* state, SessionStoreState* sessions, const Hooks& hooks,
            const Calendar& calendar);
  using RankedGroups::create;

  Status apply(const BatchSlice& slice);
  Status advance_clock(Time t);
  bool reclaim();
  bool alter(const TrendTuning& tuning);
  bool is_past(Time t, KeyView key, Time final) const;
  bool is_counted_elsewhere(Time t) const;
  // Whether some session may close or become final when the clock moves to t. Now and then none does.
  bool is_due(Time t) const;
  // No row before this can belong to a session that is there or may still begin.
  Time concerned_from() const;

  // ---- filling
  // Makes every session that ends after `keep_after` from rows that come in descending order of time, without
  // a clock: rows of other sessions are passed over, uncounted. From start_filling() to restore_clock().
  void start_filling(Time keep_after);

  // ---- closed sessions
  bool has_pending_window() const {
    return header_->options.report_windows && (state_->unreported > 0 || sessions_.withdrawn_count() > 0);
  }
  bool next_pending_window(const Window& after, PendingWindow* pending) const;
  // Sessions that are final wait for the next checkpoint, unless they are many.
  bool has_final_pending_window() const;
  Time final_before() const;
  void mark_reported();
  // All closed sessions with exactly this window, which must be a pending one.
  Status for_each_group_in_window(const Window& window,
                                  FunctionRef<void(KeyView, const int64_t*)> sink) const;

  // ---- checkpoints: all sessions of a group are one cell, all groups one pane
  void for_each_pane(FunctionRef<void(const PaneView&)> sink) const;
  Status for_each_cell(bool only_dirty, FunctionRef<void(const CellView&)> sink) const;
  void mark_clean();
  Status restore_clock(Time clock, Time reported_end);
  Status restore_cell(uint8_t store, KeyView key, const std::byte* bytes, uint32_t size);

 private:
  // Where a row belongs in a chain.
  struct Place {
    uint32_t newer = kNone;  // the session after it; kNone: there is none
    uint32_t joined = kNone;
    uint32_t merged = kNone;  // a second session that it joins, older
    uint32_t older = kNone;   // the session before it, if it joins none
  };

  int64_t gap() const { return header_->options.window.size; }
  Time end_of(const Session* session) const { return session->last + gap(); }
  Time final_at(Time end) const {
    return add_saturated(add_saturated(end, gap()), header_->options.allowed_lateness);
  }
  Window window_of(const Session* session) const { return {session->first, end_of(session)}; }
  bool has_ended(const Session* session) const { return end_of(session) <= header_->watermark; }

  Status apply_record(const BatchRecord& record);
  Place find_place(const Group* group, Time t) const;
  Status make_room(const BatchRecord& record, const Place& place, uint32_t* id, uint32_t* begun);
  Status make_begun(const BatchRecord& record, uint32_t* id, uint32_t* begun);
  void begin_session(uint32_t id, uint32_t begun, const Place& place, Time t);
  void join_session(const Place& place, Time t);
  void update(uint32_t id, Session* session);
  void close(uint32_t id, Session* session, bool reported);
  void forget_report(Session* session);
  void drop(uint32_t id, Session* session);
  void move_clock(Time t, bool reported);
  void expire(bool reported);
  void show(uint32_t id, Group* group);
  void copy_state(const Session* from, int64_t* total) const;
  void note_changed(uint32_t id, Session* session);
  void judge_changed();
  void judge(Session* session);
  void set_dirty(Group* group);
  void remove_if_empty(uint32_t id, Group* group);
  void clear_sessions(Group* group);
  Status restore_session(uint32_t id, uint32_t* newer, int64_t* words, KeyView parts);
  void build_report() const;

  // ---- what states own outside of them (session_parts.cpp)
  bool has_parts() const { return header_->layout.has_sketches || header_->layout.nested != 0; }
  void disown_parts(int64_t* state) const;
  void release_parts(int64_t* state);
  Status prepare_parts(const BatchRecord& record, int64_t* state, const int64_t* merged);
  Status make_values(const BatchRecord& record, const int64_t* state, const int64_t* merged);
  void release_made();
  bool prepare_sketches(const BatchRecord& record, int64_t* state, const int64_t* merged);
  void merge_parts(int64_t* state, int64_t* merged);
  void fold_parts(const BatchRecord& record, int64_t* state);
  bool encode_session(const Session* session, HeapBuffer* cell, size_t* size) const;
  bool encode_parts(const int64_t* state, HeapBuffer* buffer, size_t* size) const;
  Status decode_parts(const std::byte* bytes, size_t size, int64_t* state);
  Status add_value(int64_t* state, uint16_t aggregate, KeyView value);

  SessionStoreState* state_ = nullptr;
  SessionStore sessions_;
  SessionValues values_;
  Offset made_[kMaxAggregates] = {};  // values of a row, by make_values()
  bool filling_ = false;
  // Sessions whose condition waits for the end of the change; one may be gone, or another by then: its flags
  // tell.
  HeapBuffer changed_;
  size_t changed_count_ = 0;

  mutable HeapBuffer cell_;  // that a checkpoint is given

  // What next_pending_window() walks through, in the order of windows; made when it is first asked for.
  struct Closed {
    Window window;
    uint32_t session;  // kNone: only says that the window is pending
  };
  mutable std::vector<Closed> report_;
  mutable bool report_is_made_ = false;
};

}  // namespace trending
