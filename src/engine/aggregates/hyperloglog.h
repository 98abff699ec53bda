// SPDX-License-Identifier: PostgreSQL
// How many different values there are, approximately, in fixed memory: HyperLogLog (Flajolet et al., 2007)
// with 2^16 registers, standard error 1.04 / 2^8 = 0.41 %, and Ertl's improved estimator, which needs no
// corrections for small or large counts ("New cardinality estimation algorithms for HyperLogLog sketches", O.
// Ertl, 2017, arXiv:1702.01284, algorithms 5 and 6).
//
// Small sketches are sparse (as in HyperLogLog++, Heule et al., EDBT 2013): a set of entries that are
// registers of a sketch with 2^26 of them, four bytes each, nearly exact. When there are too many the sketch
// becomes dense; that is the same dense sketch as if it had always been. What a sketch says depends on the
// set of hashes alone, not on their order nor on how parts were merged.
//
// A sketch is a flat piece of memory, aligned to 8, that its owner grows: see HyperLogLog for how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace trending {

// The hash of a value's bytes that sketches are made of: 64 well-mixed bits, the same everywhere.
uint64_t hash_for_sketch(const void* bytes, size_t size);

namespace sketch {

enum class Added : uint8_t {
  kNothing,  // it was in already
  kChanged,
  kFull,  // nothing was done: grow first
};

// The bytes of an empty sketch, and of this one.
size_t initial_bytes();
size_t bytes(const void* sketch);
void init(void* sketch);

// A hash, or all that another sketch has. When a merge finds the sketch full it has done a part of its work,
// which does no harm: grow and merge again.
Added add(void* sketch, uint64_t hash);
Added merge(void* sketch, const void* other);
// Whether add() would find the sketch full.
bool is_full_for(const void* sketch, uint64_t hash);

// The next larger form of a sketch that is full, and of one that is to be merged with `other` (at least).
size_t grown_bytes(const void* sketch);
void grow(const void* sketch, void* larger);

uint64_t estimate(const void* sketch);

// A form for storage, the same for equal sketches, and back: deserialized_bytes() is 0 when the bytes are no
// sketch.
size_t serialized_bytes(const void* sketch);
void serialize(const void* sketch, void* bytes);
size_t deserialized_bytes(const void* bytes, size_t size);
void deserialize(const void* bytes, size_t size, void* sketch);

}  // namespace sketch

// A sketch on the heap. add() and merge() are false when there is no memory; the sketch is then usable, and
// without what was to be added.
class HyperLogLog {
 public:
  HyperLogLog() = default;
  ~HyperLogLog() { std::free(data_); }
  HyperLogLog(const HyperLogLog&) = delete;
  HyperLogLog& operator=(const HyperLogLog&) = delete;

  bool add(uint64_t hash);
  bool merge(const void* other);
  void clear();
  const void* data() const { return data_; }  // null while empty
  uint64_t estimate() const { return data_ == nullptr ? 0 : sketch::estimate(data_); }

 private:
  bool grow();

  void* data_ = nullptr;
};

}  // namespace trending
