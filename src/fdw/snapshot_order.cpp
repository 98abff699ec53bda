// SPDX-License-Identifier: PostgreSQL
// The order of copied groups: by score, equal scores by the exact value, then by key.
//
// Keys are compared by the functions of their types, which costs tens of nanoseconds for numbers and more for
// text. In a large trend most groups tie, so the first bytes of a key are turned into an integer once, which
// decides most comparisons by itself.
#include <algorithm>
#include <cstring>

#include "definition/rank_key.h"
#include "fdw/snapshot.h"

namespace trending {

namespace {

template <typename T>
T load(const std::byte* bytes) {
  T value;
  memcpy(&value, bytes, sizeof(value));
  return value;
}

constexpr uint64_t kSignBit = uint64_t{1} << 63;

uint64_t from_signed(int64_t value) {
  return static_cast<uint64_t>(value) ^ kSignBit;
}

// A value of a type whose order is that of an integer in its first bytes; false for other types.
bool integer_image(Oid type, const std::byte* bytes, uint64_t* image) {
  switch (type) {
    case INT8OID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case TIMEOID:
      *image = from_signed(load<int64_t>(bytes));
      return true;
    case INT4OID:
    case DATEOID:
      *image = from_signed(load<int32_t>(bytes));
      return true;
    case INT2OID:
      *image = from_signed(load<int16_t>(bytes));
      return true;
    case OIDOID:
      *image = load<uint32_t>(bytes);
      return true;
    case BOOLOID:
      *image = load<uint8_t>(bytes);
      return true;
    case UUIDOID:
      *image = __builtin_bswap64(load<uint64_t>(bytes));
      return true;
    default:
      return false;
  }
}

}  // namespace

// Never decreases from a key to one that ranks worse: equal prefixes say nothing, different ones decide.
uint64_t key_prefix(const KeyCodec& codec, KeyBytes key) {
  if (codec.count == 0 || codec.order[0] != 0) return 0;
  const KeyColumn& column = codec.columns[0];
  if ((load<uint8_t>(key.data) & 1) != 0) return column.nulls_first ? 0 : UINT64_MAX;
  uint64_t image = 0;
  if (!integer_image(column.type, key.data + (codec.count + 7) / 8, &image)) return 0;
  return column.descending ? ~image : image;
}

int compare_ranked(const Definition& definition, const StateLayout& layout, const RankedGroup& left,
                   const RankedGroup& right) {
  if (left.score != right.score) return left.score > right.score ? -1 : 1;
  if (definition.ranks_by_keys) {
    const int order = rank_key_compare(definition, left.group->rank_key(), right.group->rank_key());
    if (order != 0) return order;
  } else if (!layout.score_decides && left.group->words > 0 && right.group->words > 0) {
    const int order = compare_rank(layout, left.group->result(), right.group->result());
    if (order != 0) return order;
  }
  if (left.prefix != right.prefix) return left.prefix < right.prefix ? -1 : 1;
  if (left.group == right.group) return 0;
  CHECK_FOR_INTERRUPTS();
  return key_compare(definition.keys, left.group->key(), right.group->key());
}

// The comparison may raise an error, which leaves the sort by longjmp: nothing in it has a destructor.
void order_groups(const Definition& definition, const StateLayout& layout, RankedGroup* groups,
                  uint64_t count, uint64_t keep) {
  auto better = [&definition, &layout](const RankedGroup& left, const RankedGroup& right) {
    return compare_ranked(definition, layout, left, right) < 0;
  };
  if (keep < count / 8) {  // one comparison for most of the groups
    std::partial_sort(groups, groups + keep, groups + count, better);
    return;
  }
  if (keep < count) {
    std::nth_element(groups, groups + keep, groups + count, better);
    count = keep;
  }
  std::sort(groups, groups + count, better);
}

}  // namespace trending
