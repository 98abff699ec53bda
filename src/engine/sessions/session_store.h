// SPDX-License-Identifier: PostgreSQL
// The sessions of a trend with session windows: records, the queue of when they are due, and the windows that
// were reported and are no longer true.
//
// A session is a run of one group's events of which none is more than the gap after the one before. Its
// window is [first event, last event + gap). A group's sessions form a chain from the newest to the oldest,
// linked both ways; the group's newest_cell is its head. Neighbours in a chain are always more than a gap
// apart.
//
// Each session has one valid entry in the queue, a binary heap by time: Session::due says which. A session
// that gets more events is not moved there; its entry comes up too early, and is then entered again. So an
// event costs nothing here, and a session is handled once per gap at most. Entries that no longer count are
// skipped when they come up; until then the record stays, which is why it counts its entries.
#pragma once

#include "engine/memory/arena.h"
#include "engine/stores/segments.h"
#include "engine/time/window.h"

namespace trending {

// A session of a group, in a trend with session windows. `words` words of state follow.
struct Session {
  static constexpr uint32_t kLinked = 1;  // in its group's chain; otherwise the record is free or about to be
  static constexpr uint32_t kClosed = 2;  // the watermark has reached its end, or a later session began
  static constexpr uint32_t kReported = 4;  // closed, and history has it as it is
  static constexpr uint32_t kFinal = 8;     // closed for good, waits for the next report to be released
  static constexpr uint32_t kHolds = 16;    // its condition held at the end of the last change
  static constexpr uint32_t kChanged = 32;  // its condition waits to be evaluated

  Time first;  // event
  Time last;
  Time due;  // of its valid entry in the queue; kNoTime: none
  uint32_t group;
  uint32_t newer;  // of the same group; kNone: none
  uint32_t older;  // likewise; the next free record while the record is free
  uint16_t flags;
  uint16_t entries;  // in the queue, also such as do not count any more

  int64_t* state() { return reinterpret_cast<int64_t*>(this + 1); }
  const int64_t* state() const { return reinterpret_cast<const int64_t*>(this + 1); }
};
static_assert(sizeof(Session) == 40);

struct SessionDue {
  Time at;
  uint32_t session;
  uint32_t unused;
};

struct SessionStoreState {
  SegmentsState records;
  uint32_t next_unused = 0;  // numbers never used yet start here
  uint32_t first_free = kNone;
  uint32_t count = 0;  // sessions in the chains of groups
  Offset queue = 0;    // SessionDue[queue_capacity], a heap
  uint32_t queue_capacity = 0;
  uint32_t queued = 0;
  Offset withdrawn = 0;  // Window[withdrawn_capacity]: reported, and no longer so
  uint32_t withdrawn_capacity = 0;
  uint32_t withdrawn_count = 0;
  uint32_t unreported = 0;     // closed sessions that are to be reported
  uint32_t final_waiting = 0;  // sessions that are released at the next report
  uint32_t dirty_groups = 0;   // changed since the last checkpoint
  uint64_t values = 0;         // in the sets of all sessions
};

class SessionStore {
 public:
  SessionStore() = default;
  SessionStore(Arena* arena, SessionStoreState* state, uint32_t state_words)
      : arena_(arena), state_(state), stride_(sizeof(Session) + state_words * 8u) {}

  Session* session(uint32_t id) const {
    const Offset segment = segment_offset(*arena_, state_->records, id >> kShift);
    return reinterpret_cast<Session*>(arena_->at(segment) + static_cast<size_t>(id & kMask) * stride_);
  }
  // Sessions in the chains of groups.
  uint32_t count() const { return state_->count; }

  // A new record with a state of zero, in no chain yet; kNone when memory is short. enter() must have room:
  // see reserve().
  uint32_t allocate();
  // Releases a record that was allocated and is neither in a chain nor in the queue.
  void release(uint32_t id);
  // Takes a session out of its chain, whose head is *newest. The record is freed when no entry of the queue
  // leads to it any more.
  void unlink(uint32_t id, uint32_t* newest);
  // Enters a session into a chain before the one that is `older` and after the one that is `newer` (kNone:
  // there is none).
  void link(uint32_t id, uint32_t newer, uint32_t older, uint32_t* newest);

  // visit(id, Session*) for every session in a chain, in no particular order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (uint32_t id = 0; id < state_->next_unused;) {
      const uint32_t segment_end = (id & ~kMask) + segment_capacity(id >> kShift, kShift);
      const uint32_t end = segment_end < state_->next_unused ? segment_end : state_->next_unused;
      std::byte* address = reinterpret_cast<std::byte*>(session(id));
      for (; id < end; id++, address += stride_) {
        auto* found = reinterpret_cast<Session*>(address);
        if ((found->flags & Session::kLinked) != 0) visit(id, found);
      }
      if (id == segment_end) id = ((id - 1) | kMask) + 1;
    }
  }

  // ---- the queue
  // Makes room for `more` entries beyond those there are. False when memory is short.
  bool reserve(uint32_t more);
  // Enters a session at its new due time. Needs room.
  void enter(uint32_t id, Time at);
  // The time of the first entry; INT64_MAX when there is none.
  Time next_due() const { return state_->queued == 0 ? INT64_MAX : queue()[0].at; }
  // Takes the first entry out: its session, or kNone when the entry no longer counts.
  uint32_t pop();

  // ---- windows that were reported and are no longer so
  bool reserve_withdrawn(uint32_t more);
  void withdraw(const Window& window) { withdrawn()[state_->withdrawn_count++] = window; }
  uint32_t withdrawn_count() const { return state_->withdrawn_count; }
  const Window* withdrawn_windows() const { return withdrawn(); }
  void forget_withdrawn();

  // Gives back what an empty store grew to in its time.
  void shrink();

 private:
  static constexpr uint32_t kShift = 12;  // records in a segment
  static constexpr uint32_t kMask = (1u << kShift) - 1;

  SessionDue* queue() const { return arena_->at<SessionDue>(state_->queue); }
  Window* withdrawn() const { return arena_->at<Window>(state_->withdrawn); }

  Arena* arena_ = nullptr;
  SessionStoreState* state_ = nullptr;
  uint32_t stride_ = 0;
};

}  // namespace trending
