#include "engine/aggregate_state.h"

#include "engine/options.h"

namespace trending {

namespace detail {

void fold_any(const StateLayout& layout, int64_t* state, int64_t weight, uint32_t valid, const int64_t*) {
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if ((valid >> i & 1) == 0) continue;
    switch (layout.aggregates[i].kind) {
      case AggregateKind::kCount:
        state[layout.word_of[i]] += weight;
        break;
      default:
        break;
    }
  }
}

void merge_any(const StateLayout& layout, int64_t* state, const int64_t* other) {
  for (uint16_t i = 0; i < layout.words; i++) state[i] += other[i];
}

void unmerge_any(const StateLayout& layout, int64_t* state, const int64_t* other) {
  for (uint16_t i = 0; i < layout.words; i++) state[i] -= other[i];
}

int64_t score_any(const StateLayout& layout, const int64_t* state) {
  const int64_t value = state[layout.word_of[layout.rank_by]];
  return layout.descending ? value : ~value;
}

}  // namespace detail

StateLayout make_layout(const TrendOptions& options) {
  StateLayout layout;
  layout.aggregate_count = options.aggregate_count;
  layout.rank_by = options.rank_by;
  layout.descending = options.descending;
  layout.nulls_first = options.nulls_first;
  for (uint16_t i = 0; i < options.aggregate_count; i++) {
    const AggregateSpec& spec = options.aggregates[i];
    layout.aggregates[i] = spec;
    layout.argument_of[i] = layout.argument_words;
    layout.argument_words = static_cast<uint16_t>(layout.argument_words + argument_words(spec));
    if (state_words(spec) == 0) continue;
    layout.word_of[i] = layout.words;
    layout.words = static_cast<uint16_t>(layout.words + state_words(spec));
  }
  layout.result_words = layout.words;
  return layout;
}

AggregateValue value_of(const StateLayout& layout, const int64_t* result, uint16_t aggregate) {
  AggregateValue value;
  value.integer = result[layout.word_of[aggregate]];
  value.count = static_cast<uint64_t>(value.integer);
  return value;
}

int64_t rank_score(const StateLayout& layout, const int64_t* result) {
  return score_of(layout, result);
}

int compare_rank(const StateLayout&, const int64_t*, const int64_t*) {
  return 0;
}

size_t encode_words(const int64_t* words, uint32_t count, std::byte* bytes) {
  std::byte* out = bytes;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t value = (static_cast<uint64_t>(words[i]) << 1) ^ static_cast<uint64_t>(words[i] >> 63);
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::byte>(value | 0x80);
    *out++ = static_cast<std::byte>(value);
  }
  return static_cast<size_t>(out - bytes);
}

bool decode_words(const std::byte* bytes, size_t size, uint32_t count, int64_t* words) {
  const std::byte* end = bytes + size;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      if (bytes == end || shift > 63) return false;
      const auto byte = std::to_integer<uint64_t>(*bytes++);
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
    words[i] = static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  return bytes == end;
}

}  // namespace trending
