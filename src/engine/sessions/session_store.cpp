// SPDX-License-Identifier: PostgreSQL
#include "engine/sessions/session_store.h"

#include <algorithm>
#include <cstring>

namespace trending {

namespace {

// The heap's order: the earliest entry on top.
bool later(const SessionDue& a, const SessionDue& b) {
  return a.at > b.at;
}

// Makes room for `needed` elements in an array of the arena.
template <typename T>
bool grow(Arena* arena, Offset* array, uint32_t* capacity, uint32_t used, uint64_t needed) {
  if (needed <= *capacity) return true;
  if (needed > UINT32_MAX / 2) return false;
  const uint32_t larger = std::max({static_cast<uint32_t>(needed), *capacity * 2, 16u});
  const Offset grown = arena->allocate(larger * sizeof(T));
  if (grown == 0) return false;
  if (used > 0) std::memcpy(arena->at(grown), arena->at(*array), used * sizeof(T));
  arena->release(*array, *capacity * sizeof(T));
  *array = grown;
  *capacity = larger;
  return true;
}

}  // namespace

uint32_t SessionStore::allocate() {
  uint32_t id = state_->first_free;
  if (id != kNone) {
    state_->first_free = session(id)->older;
  } else {
    const uint32_t used = state_->next_unused & kMask;
    const uint32_t segment = state_->next_unused >> kShift;
    if (segment == state_->records.count) {
      const size_t bytes = static_cast<size_t>(segment_capacity(segment, kShift)) * stride_;
      if (add_segment(*arena_, state_->records, kNone, bytes) == 0) return kNone;
    }
    id = state_->next_unused++;
    // The numbers that a small segment does not have are skipped.
    if (used + 1 == segment_capacity(segment, kShift)) state_->next_unused = (segment + 1) << kShift;
  }
  Session* made = session(id);
  std::memset(static_cast<void*>(made), 0, stride_);
  made->older = kNone;
  made->newer = kNone;
  return id;
}

void SessionStore::release(uint32_t id) {
  session(id)->older = state_->first_free;
  state_->first_free = id;
}

void SessionStore::link(uint32_t id, uint32_t newer, uint32_t older, uint32_t* newest) {
  Session* entered = session(id);
  entered->newer = newer;
  entered->older = older;
  entered->flags |= Session::kLinked;
  if (older != kNone) session(older)->newer = id;
  if (newer != kNone) {
    session(newer)->older = id;
  } else {
    *newest = id;
  }
  state_->count++;
}

void SessionStore::unlink(uint32_t id, uint32_t* newest) {
  Session* gone = session(id);
  if (gone->older != kNone) session(gone->older)->newer = gone->newer;
  if (gone->newer != kNone) {
    session(gone->newer)->older = gone->older;
  } else {
    *newest = gone->older;
  }
  gone->flags = 0;
  state_->count--;
  if (gone->entries == 0) release(id);
}

bool SessionStore::reserve(uint32_t more) {
  return grow<SessionDue>(arena_, &state_->queue, &state_->queue_capacity, state_->queued,
                          uint64_t{state_->queued} + more);
}

void SessionStore::enter(uint32_t id, Time at) {
  Session* entered = session(id);
  entered->due = at;
  entered->entries++;
  queue()[state_->queued++] = {at, id, 0};
  std::push_heap(queue(), queue() + state_->queued, later);
}

uint32_t SessionStore::pop() {
  const SessionDue entry = queue()[0];
  std::pop_heap(queue(), queue() + state_->queued, later);
  state_->queued--;
  Session* found = session(entry.session);
  found->entries--;
  if ((found->flags & Session::kLinked) == 0) {
    if (found->entries == 0) release(entry.session);
    return kNone;
  }
  if (found->due != entry.at) return kNone;
  found->due = kNoTime;
  return entry.session;
}

bool SessionStore::reserve_withdrawn(uint32_t more) {
  return grow<Window>(arena_, &state_->withdrawn, &state_->withdrawn_capacity, state_->withdrawn_count,
                      uint64_t{state_->withdrawn_count} + more);
}

void SessionStore::forget_withdrawn() {
  arena_->release(state_->withdrawn, state_->withdrawn_capacity * sizeof(Window));
  state_->withdrawn = 0;
  state_->withdrawn_capacity = 0;
  state_->withdrawn_count = 0;
}

void SessionStore::shrink() {
  if (state_->count > 0 || state_->queued > 0 || state_->records.count <= 1) return;
  for (uint32_t segment = 1; segment < state_->records.count; segment++) {
    const size_t bytes = static_cast<size_t>(segment_capacity(segment, kShift)) * stride_;
    arena_->release(segment_offset(*arena_, state_->records, segment), bytes);
  }
  state_->records.count = 1;
  state_->next_unused = 0;
  state_->first_free = kNone;
  arena_->release(state_->queue, state_->queue_capacity * sizeof(SessionDue));
  state_->queue = 0;
  state_->queue_capacity = 0;
}

}  // namespace trending
