// SPDX-License-Identifier: PostgreSQL
// What a row is to a trend: one event, or several where functions make elements of it (values/unnesting.h).
//
// Several events lie packed one after the other, and each knows what follows. All of them were read before the
// first is handed out: a row counts entirely or not at all.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/aggregates/aggregate.h"
#include "engine/aggregates/key.h"
#include "postgres/server.h"

namespace trending {

enum class RowOutcome : uint8_t {
  kEvent,     // the row is an event of the trend
  kFiltered,  // WHERE says no, or the row has no elements
  kNullTime,  // no event time, or an infinite one
  kAhead,     // further ahead of its commit than max_ahead
  kFailed,    // an expression raised an error, there are too many elements, the key is too long, or a value
              // too large for an aggregate
};

// An event as bytes. Words, key and tail follow, each padded to 8 bytes.
struct PackedEvent {
  TimestampTz time;
  uint32_t size;  // of all of it
  uint32_t valid;
  uint32_t key_size;
  uint32_t tail_size;
  uint16_t word_count;
  RowOutcome outcome;  // kEvent, kNullTime or kAhead
  bool is_first;
};

// Views of the reader's buffers, which hold until it reads the next row.
struct RowEvent {
  TimestampTz time;
  KeyView key;
  uint32_t valid;  // bit i: aggregate i takes this row
  ArgumentView arguments;
  // The first of its row, or of those of another time: what is refused is counted and kept once for these.
  bool is_first;
  const char* next;  // PackedEvents of the same row that follow, up to `end`
  const char* end;
};

// Adds an event to the bytes, which are MAXALIGNed.
void pack_event(const RowEvent& event, RowOutcome outcome, StringInfo bytes);

// The event that lies there. What follows begins at its end.
RowOutcome unpack_event(const char* bytes, const char* end, RowEvent* event);

// The event that follows in the same row. False: there is none.
inline bool next_event(RowEvent* event, RowOutcome* outcome) {
  if (likely(event->next == event->end)) return false;
  *outcome = unpack_event(event->next, event->end, event);
  return true;
}

// Whether any event of a row is such, or of those of one time if `event` is the first of these.
template <typename IsSuch>
bool any_at_once(RowEvent event, IsSuch&& is_such) {
  RowOutcome outcome = RowOutcome::kEvent;
  do {
    if (is_such(event)) return true;
  } while (next_event(&event, &outcome) && !event.is_first);
  return false;
}

}  // namespace trending
