// SPDX-License-Identifier: PostgreSQL
// A group's key: an opaque byte string, equal when the bytes are equal. Only the hooks know what it means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "engine/time/window.h"

namespace trending {

namespace detail {

inline uint64_t load64(const std::byte* p) {
  uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

// memcmp() == 0, without a call for the short keys that most are.
inline bool equal_bytes(const std::byte* a, const std::byte* b, uint32_t size) {
  if (size > 24 || size < 8) return size == 0 || std::memcmp(a, b, size) == 0;
  if (load64(a) != load64(b)) return false;
  if (size > 16 && load64(a + 8) != load64(b + 8)) return false;
  return load64(a + size - 8) == load64(b + size - 8);
}

}  // namespace detail

struct KeyView {
  const std::byte* data = nullptr;
  uint32_t size = 0;

  friend bool operator==(KeyView a, KeyView b) {
    return a.size == b.size && detail::equal_bytes(a.data, b.data, a.size);
  }
};

// The longest key a trend takes.
inline constexpr uint32_t kMaxKeySize = 1u << 20;

// Byte order, the shorter first among equals: an order of keys for hosts that have no better one.
inline int compare_key_bytes(void*, KeyView a, KeyView b) {
  const uint32_t common = a.size < b.size ? a.size : b.size;
  const int order = common == 0 ? 0 : std::memcmp(a.data, b.data, common);
  if (order != 0) return order;
  return a.size < b.size ? -1 : a.size > b.size ? 1 : 0;
}

// How a group is ranked by terms that only the host knows: of a greater score, or of equal scores by the bytes,
// which Hooks::compare_ranks orders. No bytes rank last.
struct RankKey {
  int64_t score = 0;
  KeyView bytes;
};

// What the engine asks of its host.
struct Hooks {
  void* context = nullptr;
  // Order of two different keys among groups of equal score: negative when a ranks before b. A total order,
  // the same in every process: the definition's tie-breaks, then the key ascending. The writer takes null for
  // compare_key_bytes; for a reader null means that it leaves ties to its caller.
  int (*compare_keys)(void* context, KeyView a, KeyView b) = nullptr;

  // The rest is asked by the writer only.
  // options.partitioned: the part of a key that names its partition; valid until the next call.
  KeyView (*partition_of)(void* context, KeyView key) = nullptr;
  // options.has_condition: whether a group belongs to the trend. Depends on nothing but these two.
  bool (*condition)(void* context, KeyView key, const int64_t* result) = nullptr;
  // Told of every group of the current window, or open session, whose condition has become true: in an
  // apply() or advance_clock(), by the difference between the beginning and the end of it. May be null.
  void (*crossed)(void* context, KeyView key, const int64_t* result, const Window& window) = nullptr;
  // options.ranks_by_host: the rank key of a group in a window; valid until the next call.
  RankKey (*rank)(void* context, KeyView key, const int64_t* result, const Window& window) = nullptr;
  // Order of the bytes of two rank keys of equal score: negative when a ranks before b. As compare_keys, null
  // for readers that leave ties to their caller.
  int (*compare_ranks)(void* context, KeyView a, KeyView b) = nullptr;
  // Aggregates of ValueType::kBytes: the order of two of its values, negative when a comes first. Values that
  // are equal in it are ordered by their bytes.
  int (*compare_values)(void* context, uint16_t aggregate, KeyView a, KeyView b) = nullptr;
  // kCombined: the state that two states make, neither of which changes; valid until the next call, in which
  // it may not be an operand. Null data: it cannot be made, or is longer than kMaxCombinedBytes.
  KeyView (*combine)(void* context, uint16_t aggregate, KeyView a, KeyView b) = nullptr;
  // While a state is restored: whether stored bytes are a key, or a value or state of an aggregate that keeps
  // bytes. Only such are given to the others. Null: all are.
  bool (*is_key)(void* context, KeyView key) = nullptr;
  bool (*is_value)(void* context, uint16_t aggregate, KeyView bytes) = nullptr;
};

// 32 well-mixed bits of a key. Seeded, so that nobody can prepare keys that collide.
inline uint32_t hash_key(KeyView key, uint64_t seed);

namespace detail {

// Multiply to 128 bits and fold: the mixer of wyhash (Wang Yi, public domain).
inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace detail

inline uint32_t hash_key(KeyView key, uint64_t seed) {
  constexpr uint64_t kSecret0 = 0xa0761d6478bd642full;
  constexpr uint64_t kSecret1 = 0xe7037ed1a0b428dbull;
  uint64_t state = seed ^ kSecret0;
  const std::byte* p = key.data;
  uint32_t left = key.size;
  for (; left > 16; left -= 16, p += 16) {
    state = detail::fold_multiply(detail::load64(p) ^ kSecret1, detail::load64(p + 8) ^ state);
  }
  uint64_t a = 0;
  uint64_t b = 0;
  if (left >= 8) {  // two overlapping words cover 8 to 16 bytes
    a = detail::load64(p);
    b = detail::load64(p + left - 8);
  } else if (left > 0) {
    std::memcpy(&a, p, left);
  }
  uint64_t mixed = detail::fold_multiply(a ^ kSecret1, b ^ state);
  return static_cast<uint32_t>(detail::fold_multiply(mixed ^ kSecret0, key.size ^ kSecret1));
}

}  // namespace trending
