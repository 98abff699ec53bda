// SPDX-License-Identifier: PostgreSQL
// A transaction's events, gathered until it commits.
//
// Lives on the writer's heap. Events are kept apart by trend ("slot", a small number that the host gives each
// trend, or several trends to which every row is the same event), in the order of their arrival. Memory is
// bounded: when the batch outgrows its limit, equal events of a slot (same key, same arguments, same pane of
// each trend) are merged into one with a weight; what cannot be merged is kept whatever it takes, for a
// transaction is applied entirely or not at all.
//
// Buffers are reused from transaction to transaction, so that a transaction of a single event costs a copy of
// its key. Nothing throws.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/aggregates/aggregate.h"
#include "engine/aggregates/key.h"
#include "engine/memory/status.h"
#include "engine/time/window.h"

namespace trending {

// One event, or several equal ones. Its key follows, padded to 8 bytes, then its arguments, padded likewise.
//
// Merging moves an event past others of its group, so their order must not matter: all rows of a transaction
// are added before any is retracted (see TrendWriter::apply), and only how many there are of each is kept.
struct BatchRecord {
  Time time;           // of those that add rows the latest, else of those that retract; all of one pane
  uint64_t added;      // events that added a row
  uint64_t retracted;  // events that retracted one
  uint64_t rows;       // of those that were added, the ones that were the first of their row
  uint32_t hash;       // of the key
  uint32_t key_size;
  uint32_t argument_size;  // in bytes
  uint32_t valid;          // bit per aggregate: has an argument

  KeyView key() const { return {reinterpret_cast<const std::byte*>(this + 1), key_size}; }
  // The words of all arguments; the tail follows.
  const int64_t* arguments() const {
    return reinterpret_cast<const int64_t*>(reinterpret_cast<const std::byte*>(this + 1) + padded(key_size));
  }
  size_t bytes() const { return sizeof(BatchRecord) + padded(key_size) + padded(argument_size); }
  static size_t padded(size_t size) { return (size + 7) & ~size_t{7}; }
  const BatchRecord* next() const {
    return reinterpret_cast<const BatchRecord*>(reinterpret_cast<const std::byte*>(this) + bytes());
  }
};

// A trend's share of a batch, to be iterated by address: for (r = begin; r != end; r = r->next()).
struct BatchSlice {
  const BatchRecord* begin = nullptr;
  const BatchRecord* end = nullptr;
  uint64_t records = 0;
  Time max_time = kNoTime;    // the latest time of an event that adds rows; moves the clock
  uint64_t out_of_range = 0;  // rows that were left out for their time
  bool uneven = false;        // some of the events are out of range for some of the slot's trends
  bool retracts = false;      // some of the events retract rows

  bool empty() const { return records == 0 && out_of_range == 0; }
};

class Batch {
 public:
  // Above limit_bytes, equal events are merged.
  explicit Batch(size_t limit_bytes = size_t{64} << 20) : limit_(limit_bytes), merge_at_(limit_bytes) {}
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Says how the trend in a slot cuts time and hashes keys (from TrendWriter::windows() and hash_seed()).
  // Windows is copied. Call again when the slot is given to another trend.
  Status open_slot(uint32_t index, const Windows& windows, uint64_t hash_seed);
  // One more trend, which hashes keys alike, takes the same events.
  Status share_slot(uint32_t index, const Windows& windows);

  // Adds an event: weight +1 for a row that appears, −1 for one that is retracted. `valid` has bit i set when
  // the event has an argument for aggregate i; see ArgumentView for the arguments themselves. A time out of
  // range for all of the slot's trends is counted and otherwise ignored. What is not counted for its time is
  // told of by rows: `is_first` says that the event is not one more of the row that the one before is of.
  Status append(uint32_t index, Time time, int32_t weight, KeyView key, uint32_t valid = 0,
                const ArgumentView& arguments = {}, bool is_first = true);

  // Adds events that another slice held: replaying what was set aside.
  Status append(uint32_t index, const BatchRecord& event);

  // Merges a slot's equal events now, where several trends will go through them.
  void merge(uint32_t index);

  // The slots that have something, in the order of their first event.
  uint32_t touched_count() const { return touched_count_; }
  uint32_t touched_slot(uint32_t i) const { return touched_[i]; }
  BatchSlice slice(uint32_t index) const;

  bool empty() const { return touched_count_ == 0; }
  size_t bytes() const { return bytes_; }

  // The slot whose events take the most memory. Of an empty batch: kNoSlot.
  static constexpr uint32_t kNoSlot = UINT32_MAX;
  uint32_t largest_slot() const;
  // Forgets the events of a slot and gives their memory back.
  void drop(uint32_t index);

  // Forgets the events, keeps the buffers unless they have become very large.
  void clear();

 private:
  struct Slot;

  Status make(uint32_t index, const BatchRecord& like, KeyView key, BatchRecord** record);
  bool touch(uint32_t index, Slot* slot);
  void merge_equal_events();
  void merge_slot(Slot* slot);

  Slot* slots_ = nullptr;
  uint32_t slot_count_ = 0;
  uint32_t* touched_ = nullptr;
  uint32_t touched_count_ = 0;
  uint32_t touched_capacity_ = 0;
  size_t bytes_ = 0;
  size_t limit_;
  size_t merge_at_;  // grows past limit_ when merging did not help
};

}  // namespace trending
