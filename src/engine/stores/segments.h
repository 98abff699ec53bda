// SPDX-License-Identifier: PostgreSQL
// Numbered memory that grows without moving: segment k holds elements k << shift and up. See SegmentsState.
#pragma once

#include <algorithm>
#include <cstring>

#include "engine/memory/arena.h"

namespace trending {

inline constexpr uint32_t kNone = UINT32_MAX;

// Numbered fixed-size elements in segments that never move: growing costs one segment, not a copy. Element n
// lies in segment n >> shift; the first two segments are smaller, so that a small trend takes little.
struct SegmentsState {
  Offset directory = 0;  // Offset[capacity]: segments, 0 where none
  uint32_t capacity = 0;
  uint32_t count = 0;  // segment numbers in use so far
};

// How many of its 1 << shift elements a segment really has: the first ones are smaller, their other numbers
// stay unused.
constexpr uint32_t segment_capacity(uint32_t segment, uint32_t shift) {
  return (1u << shift) >> (segment == 0 ? 4 : segment == 1 ? 2 : 0);
}

// The size of elements that should not lie across more cache lines than they must: up to a whole number of
// lines, if that takes no more than `waste` bytes.
constexpr uint32_t padded_to_lines(uint32_t bytes, uint32_t waste) {
  constexpr uint32_t kLine = 64;
  const uint32_t whole = (bytes + kLine - 1) / kLine * kLine;
  return whole - bytes <= waste ? whole : bytes;
}

// The address of a segment's offset in the directory; 0 is a segment that is not there.
inline Offset segment_offset(const Arena& arena, const SegmentsState& state, uint32_t segment) {
  return arena.at<Offset>(state.directory)[segment];
}

// Enters a new segment under the number state.count (used when reuse is kNone) or under a number given up
// earlier. Returns null with everything as it was when memory is short.
inline Offset add_segment(Arena& arena, SegmentsState& state, uint32_t reuse, size_t bytes) {
  if (reuse == kNone && state.count == state.capacity) {
    const uint32_t capacity = std::max(8u, state.capacity * 2);
    const Offset grown = arena.allocate(capacity * sizeof(Offset));
    if (grown == 0) return 0;
    if (state.count > 0) {
      std::memcpy(arena.at(grown), arena.at(state.directory), state.count * sizeof(Offset));
    }
    arena.release(state.directory, state.capacity * sizeof(Offset));
    state.directory = grown;
    state.capacity = capacity;
  }
  const Offset segment = arena.allocate(bytes);
  if (segment == 0) return 0;
  arena.at<Offset>(state.directory)[reuse == kNone ? state.count++ : reuse] = segment;
  return segment;
}

}  // namespace trending
