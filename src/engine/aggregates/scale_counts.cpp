// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/scale_counts.h"

#include <algorithm>
#include <bit>

namespace trending {

namespace {

// Kinds: a scale is its own number, then come these.
constexpr int kBeyond = kDecimalFraction + 1;  // greater scales
constexpr int kMinusInfinity = kBeyond + 1;
constexpr int kInfinity = kMinusInfinity + 1;
constexpr int kNaN = kInfinity + 1;
constexpr int kKindCount = kNaN + 1;
constexpr uint64_t kScaleBits = (uint64_t{1} << kMinusInfinity) - 1;
constexpr uint64_t kKindBits = (uint64_t{1} << kKindCount) - 1;
// Lower scales than the lowest one that has a bit were forgotten.
constexpr uint64_t kForgotten = uint64_t{1} << kKindCount;
// Above: the greatest scale of kBeyond, while there is one.
constexpr int kBeyondShift = kKindCount + 1;

constexpr int kCountBits = 192;

int width_of(uint64_t kinds) {
  const int count = std::popcount(kinds & kKindBits);
  return count <= 3 ? 64 : kCountBits / count;
}

uint64_t mask_of(int width) {
  return width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
}

// The counts, taken apart.
struct Unpacked {
  uint64_t kinds = 0;  // as in the first word; a count may be 0, see is_unknown()
  uint64_t counts[kKindCount] = {};
  uint64_t beyond = 0;

  explicit Unpacked(const int64_t* words)
      : kinds(static_cast<uint64_t>(words[0]) & (kKindBits | kForgotten)) {
    if ((kinds & kScaleBits) == 0) kinds &= ~kForgotten;
    beyond = static_cast<uint64_t>(words[0]) >> kBeyondShift;
    const int width = width_of(kinds);
    int place = 0;
    for (uint64_t left = kinds & kKindBits; left != 0; left &= left - 1, place += width) {
      const auto* from = reinterpret_cast<const uint64_t*>(words) + 1 + place / 64;
      uint64_t count = from[0] >> (place % 64);
      if (place % 64 + width > 64) count |= from[1] << (64 - place % 64);
      counts[std::countr_zero(left)] = count & mask_of(width);
    }
  }

  int lowest() const { return std::countr_zero(kinds & kScaleBits); }

  void forget_lowest() {
    counts[lowest()] = 0;
    kinds &= kinds - 1;
    kinds |= kForgotten;
  }
  void forget_below(int scale) {
    if ((kinds & kForgotten) != 0 && lowest() >= scale) return;
    kinds |= uint64_t{1} << scale;
    while (lowest() < scale) forget_lowest();
    kinds |= kForgotten;
  }
  bool fits() const {
    const int width = width_of(kinds);
    return std::all_of(counts, counts + kKindCount, [&](uint64_t count) { return count <= mask_of(width); });
  }

  void change(int kind, int64_t count) {
    const uint64_t bit = uint64_t{1} << kind;
    if ((kinds & bit) == 0) {
      const bool is_below = (kinds & kForgotten) != 0 && kind < kMinusInfinity && kind < lowest();
      if (count <= 0 || is_below) return;
      kinds |= bit;
    }
    // Never below zero: rows may be retracted that were not counted.
    counts[kind] = count < 0
                       ? counts[kind] - std::min(counts[kind], uint64_t{0} - static_cast<uint64_t>(count))
                       : counts[kind] + static_cast<uint64_t>(count);
  }

  // Bits of kinds that are gone; the lowest scale stays as a bound as long as any of a lower one are there.
  void drop_empty(int64_t inputs) {
    uint64_t known = 0;
    for (const uint64_t count : counts) known += count;
    if (known >= static_cast<uint64_t>(std::max<int64_t>(inputs, 0))) kinds &= ~kForgotten;
    for (uint64_t left = kinds & kKindBits; left != 0; left &= left - 1) {
      const int kind = std::countr_zero(left);
      const bool is_bound = (kinds & kForgotten) != 0 && kind == lowest();
      if (counts[kind] == 0 && !is_bound) kinds &= ~(uint64_t{1} << kind);
    }
  }

  void pack(int64_t* words) {
    while (!fits() && std::popcount(kinds & kScaleBits) > 1) forget_lowest();
    const int width = width_of(kinds);
    uint64_t packed[ScaleCounts::kWords] = {kinds};
    if ((kinds >> kBeyond & 1) != 0) packed[0] |= beyond << kBeyondShift;
    int place = 0;
    for (uint64_t left = kinds & kKindBits; left != 0; left &= left - 1, place += width) {
      const uint64_t count = std::min(counts[std::countr_zero(left)], mask_of(width));
      packed[1 + place / 64] |= count << (place % 64);
      if (place % 64 + width > 64) packed[2 + place / 64] |= count >> (64 - place % 64);
    }
    std::copy(packed, packed + ScaleCounts::kWords, reinterpret_cast<uint64_t*>(words));
  }
};

}  // namespace

int ScaleCounts::kind_of(int64_t form) {
  switch (form & kDecimalSpecial) {
    case kDecimalNegativeInfinity:
      return kMinusInfinity;
    case kDecimalInfinity:
      return kInfinity;
    case kDecimalNaN:
      return kNaN;
    default:
      return static_cast<int>(std::min<int64_t>(form & kDecimalScale, kBeyond));
  }
}

void ScaleCounts::change(int64_t form, int64_t count, int64_t inputs) {
  Unpacked all(words_);
  const int kind = kind_of(form);
  if (kind == kBeyond && count > 0) all.beyond = std::max(all.beyond, static_cast<uint64_t>(form));
  all.change(kind, count);
  all.drop_empty(inputs);
  all.pack(words_);
}

void ScaleCounts::merge(const int64_t* other, bool negative, int64_t inputs) {
  const auto kinds = static_cast<uint64_t>(other[0]);
  if (std::has_single_bit(kinds) && other[0] == words_[0]) {
    const int64_t count = words_[1] + (negative ? -other[1] : other[1]);
    if (count > 0) {
      words_[1] = count;
      return;
    }
  }
  Unpacked all(words_);
  const Unpacked more(other);
  // Below its lowest scale the other one does not know what it has.
  if (!negative && (more.kinds & kForgotten) != 0) all.forget_below(more.lowest());
  if (!negative) all.beyond = std::max(all.beyond, more.beyond);
  for (int kind = kKindCount - 1; kind >= 0; kind--) {
    const auto count = static_cast<int64_t>(more.counts[kind]);
    if (count != 0) all.change(kind, negative ? -count : count);
  }
  all.drop_empty(inputs);
  all.pack(words_);
}

bool ScaleCounts::has_forgotten(const int64_t* words) {
  return (static_cast<uint64_t>(words[0]) & kForgotten) != 0;
}

bool ScaleCounts::is_unknown() const {
  if (!has_forgotten(words_)) return false;
  const Unpacked all(words_);
  const uint64_t scales = all.kinds & kScaleBits;
  return (all.kinds & kForgotten) != 0 && std::popcount(scales) == 1 && all.counts[all.lowest()] == 0;
}

int64_t ScaleCounts::form_of(const int64_t* words) {
  const auto kinds = static_cast<uint64_t>(words[0]);
  const bool has_infinity = (kinds >> kInfinity & 1) != 0;
  const bool has_minus = (kinds >> kMinusInfinity & 1) != 0;
  if ((kinds >> kNaN & 1) != 0 || (has_infinity && has_minus)) return kDecimalNaN;
  if (has_infinity) return kDecimalInfinity;
  if (has_minus) return kDecimalNegativeInfinity;
  const uint64_t scales = kinds & kScaleBits;
  if (scales == 0) return 0;
  const int greatest = std::bit_width(scales) - 1;
  return greatest == kBeyond ? static_cast<int64_t>(kinds >> kBeyondShift) : greatest;
}

bool ScaleCounts::are_counts(const int64_t* words, int64_t most) {
  if (width_of(static_cast<uint64_t>(words[0])) < 64) return true;
  return std::all_of(words + 1, words + kWords,
                     [most](int64_t count) { return count >= 0 && count <= most; });
}

}  // namespace trending
