// SPDX-License-Identifier: PostgreSQL
#include "values/numeric_codec.h"

#include <bit>
#include <cstring>

namespace trending {

namespace {

// ---- the bytes of a numeric: a header of two bytes (short: sign, display scale, weight) or four (long),
// then digits of base 10000, the first of which stands for 10000^weight; none are zero at either end.

constexpr int kBase = 10000;
constexpr uint16 kSpecial = 0xC000;
constexpr uint16 kNan = 0xC000;
constexpr uint16 kInfinity = 0xD000;
constexpr uint16 kMinusInfinity = 0xF000;
constexpr uint16 kShort = 0x8000;
constexpr uint16 kShortSign = 0x2000;
constexpr uint16 kLongSign = 0x4000;
constexpr int kShortScaleShift = 7;
constexpr int kShortScaleMax = 0x3F;
constexpr int kShortWeightMax = 0x3F;
constexpr uint16 kLongScaleMask = 0x3FFF;

struct NumericParts {
  uint16 special;  // 0 for a number
  bool negative;
  int scale;
  int weight;
  int digit_count;
  const char* digits;  // not aligned

  int digit(int i) const {
    uint16 value = 0;
    memcpy(&value, digits + i * static_cast<int>(sizeof(uint16)), sizeof(value));
    return value;
  }
};

NumericParts parts_of(const struct varlena* value) {
  const char* data = VARDATA_ANY(value);
  int size = static_cast<int>(VARSIZE_ANY_EXHDR(value));
  uint16 header = 0;
  memcpy(&header, data, sizeof(header));
  NumericParts parts = {};
  int header_size = sizeof(uint16);
  if ((header & kSpecial) == kSpecial) {
    parts.special = header & kMinusInfinity;
    return parts;
  }
  if ((header & kShort) != 0) {
    parts.negative = (header & kShortSign) != 0;
    parts.scale = header >> kShortScaleShift & kShortScaleMax;
    // Seven bits, two's complement.
    parts.weight = static_cast<int>(header & 0x7F) - ((header & 0x40) != 0 ? 0x80 : 0);
  } else {
    int16 weight = 0;
    memcpy(&weight, data + sizeof(header), sizeof(weight));
    parts.negative = (header & kSpecial) == kLongSign;
    parts.scale = header & kLongScaleMask;
    parts.weight = weight;
    header_size += sizeof(weight);
  }
  parts.digits = data + header_size;
  parts.digit_count = (size - header_size) / static_cast<int>(sizeof(uint16));
  return parts;
}

// ---- 256-bit magnitudes, the least significant word first

struct Wide {
  uint64 words[4];
};

// wide = wide * factor + carry.
void multiply(Wide* wide, uint64 factor, uint64 carry) {
  for (uint64& word : wide->words) {
    auto product = static_cast<unsigned __int128>(word) * factor + carry;
    word = static_cast<uint64>(product);
    carry = static_cast<uint64>(product >> 64);
  }
}

// wide = wide / divisor; returns the remainder.
uint32 divide(Wide* wide, uint32 divisor) {
  uint64 rest = 0;
  for (int i = 3; i >= 0; i--) {
    auto part = static_cast<unsigned __int128>(rest) << 64 | wide->words[i];
    wide->words[i] = static_cast<uint64>(part / divisor);
    rest = static_cast<uint64>(part % divisor);
  }
  return static_cast<uint32>(rest);
}

void negate(Wide* wide) {
  uint64 carry = 1;
  for (uint64& word : wide->words) {
    word = ~word + carry;
    carry = carry != 0 && word == 0 ? 1 : 0;
  }
}

bool is_zero(const Wide& wide) {
  return (wide.words[0] | wide.words[1] | wide.words[2] | wide.words[3]) == 0;
}

constexpr uint64 kPowersOf10[] = {1ULL,
                                  10ULL,
                                  100ULL,
                                  1000ULL,
                                  10000ULL,
                                  100000ULL,
                                  1000000ULL,
                                  10000000ULL,
                                  100000000ULL,
                                  1000000000ULL,
                                  10000000000ULL,
                                  100000000000ULL,
                                  1000000000000ULL,
                                  10000000000000ULL,
                                  100000000000000ULL,
                                  1000000000000000ULL,
                                  10000000000000000ULL,
                                  100000000000000000ULL,
                                  1000000000000000000ULL};
constexpr int kLargestPower = 18;

void multiply_by_power_of_10(Wide* wide, int power) {
  for (; power > kLargestPower; power -= kLargestPower) multiply(wide, kPowersOf10[kLargestPower], 0);
  multiply(wide, kPowersOf10[power], 0);
}

// ---- a Decimal counts units of 10^-38: digits of base 10000 down to 10000^-9 have whole multiples of 100
// units, of 10000^-10 the upper two decimal places count.

constexpr int kLeastFullWeight = -9;
constexpr int kGreatestWeight = 6;  // 10000^7 is 10^28

bool magnitude_of(const NumericParts& parts, Wide* wide) {
  *wide = Wide{};
  if (parts.digit_count == 0) return true;
  int least = parts.weight - parts.digit_count + 1;
  if (parts.weight > kGreatestWeight || least < kLeastFullWeight - 1) return false;
  int full = parts.digit_count - (least < kLeastFullWeight ? 1 : 0);
  for (int i = 0; i < full; i++) multiply(wide, kBase, static_cast<uint64>(parts.digit(i)));
  if (full == parts.digit_count) {
    multiply_by_power_of_10(wide, kDecimalFraction + 4 * least);
    return true;
  }
  int last = parts.digit(full);
  multiply(wide, kBase / 100, static_cast<uint64>(last / 100));
  return last % 100 == 0;
}

// ---- making a numeric

// Digits of base 10000, the least significant first.
struct Digits {
  int count;
  int least_weight;
  uint16 digits[24];
};

Digits digits_of(Wide wide, bool has_fraction) {
  Digits result = {};
  result.least_weight = has_fraction ? kLeastFullWeight - 1 : 0;
  if (has_fraction) result.digits[result.count++] = static_cast<uint16>(divide(&wide, 100) * 100);
  while (!is_zero(wide)) result.digits[result.count++] = static_cast<uint16>(divide(&wide, kBase));
  int zeros = 0;
  while (zeros < result.count && result.digits[zeros] == 0) zeros++;
  result.count -= zeros;
  result.least_weight += zeros;
  memmove(result.digits, result.digits + zeros, sizeof(uint16) * static_cast<size_t>(result.count));
  return result;
}

Datum make_numeric(const uint16* header, int header_words, const Digits& digits) {
  Size size = VARHDRSZ + sizeof(uint16) * static_cast<Size>(header_words + digits.count);
  auto* result = static_cast<struct varlena*>(palloc(size));
  SET_VARSIZE(result, size);
  char* next = VARDATA(result);
  memcpy(next, header, sizeof(uint16) * static_cast<Size>(header_words));
  next += sizeof(uint16) * static_cast<Size>(header_words);
  for (int i = digits.count - 1; i >= 0; i--, next += sizeof(uint16)) {
    memcpy(next, &digits.digits[i], sizeof(uint16));
  }
  return PointerGetDatum(result);
}

Datum make_special(uint16 special) {
  return make_numeric(&special, 1, Digits{});
}

Datum make_number(bool negative, int scale, const Digits& digits) {
  int weight = digits.count == 0 ? 0 : digits.least_weight + digits.count - 1;
  if (digits.count == 0) negative = false;
  if (scale <= kShortScaleMax && weight >= -kShortWeightMax - 1 && weight <= kShortWeightMax) {
    auto header = static_cast<uint16>(kShort | (negative ? kShortSign : 0) | scale << kShortScaleShift |
                                      (static_cast<unsigned>(weight) & 0x7F));
    return make_numeric(&header, 1, digits);
  }
  uint16 header[] = {static_cast<uint16>((negative ? kLongSign : 0) | scale),
                     static_cast<uint16>(static_cast<int16>(weight))};
  return make_numeric(header, 2, digits);
}

}  // namespace

bool numeric_to_decimal(Datum value, Decimal* decimal) {
  auto* given = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
  struct varlena* flat = pg_detoast_datum_packed(given);
  NumericParts parts = parts_of(flat);
  *decimal = Decimal{};
  bool fits = true;
  if (parts.special != 0) {
    decimal->form = parts.special == kNan        ? kDecimalNaN
                    : parts.special == kInfinity ? kDecimalInfinity
                                                 : kDecimalNegativeInfinity;
  } else {
    Wide wide;
    fits = magnitude_of(parts, &wide);
    if (parts.negative) negate(&wide);
    for (int i = 0; i < 4; i++) decimal->words[i] = static_cast<int64_t>(wide.words[i]);
    decimal->form = parts.scale;
  }
  if (flat != given) pfree(flat);
  return fits;
}

Datum decimal_to_numeric(const Decimal& decimal) {
  switch (decimal.form & kDecimalSpecial) {
    case kDecimalNaN:
      return make_special(kNan);
    case kDecimalInfinity:
      return make_special(kInfinity);
    case kDecimalNegativeInfinity:
      return make_special(kMinusInfinity);
    default:
      break;
  }
  Wide wide;
  for (int i = 0; i < 4; i++) wide.words[i] = static_cast<uint64>(decimal.words[i]);
  bool negative = decimal.words[3] < 0;
  if (negative) negate(&wide);
  return make_number(negative, static_cast<int>(decimal.form & kDecimalScale),
                     digits_of(wide, (decimal.form & kDecimalUnitOne) == 0));
}

void append_numeric_image(StringInfo buffer, Datum value) {
  auto* given = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
  struct varlena* flat = pg_detoast_datum_packed(given);
  NumericParts parts = parts_of(flat);
  int16 head[] = {static_cast<int16>(parts.special != 0 ? parts.special
                                     : parts.negative   ? 1
                                                        : 0),
                  static_cast<int16>(parts.digit_count == 0 ? 0 : parts.weight)};
  appendBinaryStringInfo(buffer, reinterpret_cast<char*>(head), sizeof(head));
  if (parts.digit_count > 0) {
    appendBinaryStringInfo(buffer, parts.digits, parts.digit_count * static_cast<int>(sizeof(uint16)));
  }
  if (flat != given) pfree(flat);
}

}  // namespace trending
