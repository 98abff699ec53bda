// SPDX-License-Identifier: PostgreSQL
// How many numerics of each kind a sum has: the scales (digits after the point) of the finite ones, and −∞,
// ∞ and NaN; so that the scale of the sum is always the greatest of the rows that are left.
//
// Four words: a bit for each kind that is there, and their counts, all equally wide, in 192 bits. Up to 3
// kinds have 64 bits each, 6 have 32, 12 have 16, 20 have 9. When a count does not fit, the lowest scale is
// forgotten, and all below it from then on. They matter only when all greater ones are gone; until one comes
// again the scale is then unknown, and the lowest one known is an upper bound. Scales above 38, of values
// with that many zeros, are one kind, whose scale is the greatest there was.
#pragma once

#include <cstdint>

#include "engine/aggregates/aggregate.h"

namespace trending {

class ScaleCounts {
 public:
  static constexpr int kWords = 4;

  // Words of a state.
  explicit ScaleCounts(int64_t* words) : words_(words) {}

  // One that has this `form` (Decimal), `count` times or retracted. `inputs`: how many there are altogether,
  // with this change.
  void add(int64_t form, int64_t count, int64_t inputs) {
    if (words_[0] == int64_t{1} << kind_of(form) && words_[1] + count > 0) {
      words_[1] += count;
      return;
    }
    change(form, count, inputs);
  }
  // Adds those of another sum, or takes them out.
  void merge(const int64_t* other, bool negative, int64_t inputs);

  // Whether the scale is only an upper bound.
  bool is_unknown() const;
  static bool has_forgotten(const int64_t* words);

  // Whether words can be counts of no more than `most` each; where they share words, anything can.
  static bool are_counts(const int64_t* words, int64_t most);

  // What `form` of a Decimal says: the sum's scale, or which special it is.
  static int64_t form_of(const int64_t* words);

 private:
  static int kind_of(int64_t form);
  void change(int64_t form, int64_t count, int64_t inputs);

  int64_t* words_;
};

}  // namespace trending
