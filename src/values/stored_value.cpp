// SPDX-License-Identifier: PostgreSQL
#include "values/stored_value.h"

namespace trending {

namespace {

// What a varlena holds, not aligned.
struct Payload {
  const char* data;
  size_t size;
};

// The size of the value that begins at `at`, of which there are `room` bytes; 0: there is none.
size_t value_size(const KeyColumn& column, const std::byte* at, size_t room) {
  if (column.length > 0)
    return static_cast<size_t>(column.length) <= room ? static_cast<size_t>(column.length) : 0;
  if (room == 0) return 0;
  if (VARATT_IS_1B(at)) {
    if (VARATT_IS_1B_E(at)) return 0;  // a pointer to somewhere
    const size_t size = VARSIZE_1B(at);
    return size <= room ? size : 0;
  }
  if (room < VARHDRSZ) return 0;
  alignas(varattrib_4b) char header[VARHDRSZ];
  memcpy(header, at, sizeof(header));
  if (!VARATT_IS_4B_U(header)) return 0;  // compressed
  const size_t size = VARSIZE_4B(header);
  return size >= VARHDRSZ && size <= room ? size : 0;
}

Payload payload_of(const std::byte* at, size_t size) {
  const size_t header = VARATT_IS_1B(at) ? VARHDRSZ_SHORT : VARHDRSZ;
  return {reinterpret_cast<const char*>(at) + header, size - header};
}

uint16 word_at(const char* data) {
  uint16 word = 0;
  memcpy(&word, data, sizeof(word));
  return word;
}

bool is_text(Payload text) {
  return text.size <= PG_INT32_MAX &&
         pg_verify_mbstr(GetDatabaseEncoding(), text.data, static_cast<int>(text.size), true);
}

// A header of one or two words, see numeric_codec.cpp, then digits below 10000.
bool is_numeric(Payload numeric) {
  if (numeric.size < sizeof(uint16) || numeric.size % sizeof(uint16) != 0) return false;
  const uint16 head = word_at(numeric.data);
  if ((head & 0xC000) == 0xC000) return numeric.size == sizeof(uint16);  // NaN and the infinities
  const size_t begin = (head & 0x8000) != 0 ? sizeof(uint16) : 2 * sizeof(uint16);
  if (numeric.size < begin) return false;
  for (size_t i = begin; i < numeric.size; i += sizeof(uint16)) {
    if (word_at(numeric.data + i) >= 10000) return false;
  }
  return true;
}

// The number of bits, then they, the last byte filled up.
bool is_bit_string(Payload bits) {
  int32 count = 0;
  if (bits.size < sizeof(count)) return false;
  memcpy(&count, bits.data, sizeof(count));
  return count >= 0 && bits.size - sizeof(count) == (static_cast<size_t>(count) + 7) / 8;
}

// Family, length of the mask, address.
bool is_address(Payload address) {
  if (address.size < 2) return false;
  const auto family = static_cast<uint8>(address.data[0]);
  const auto bits = static_cast<uint8>(address.data[1]);
  return (family == PGSQL_AF_INET && bits <= 32 && address.size == 2 + 4) ||
         (family == PGSQL_AF_INET6 && bits <= 128 && address.size == 2 + 16);
}

// Of elements with a fixed length; of others only the head is looked at.
bool is_array(Oid type, Payload payload) {
  const Oid element = get_element_type(type);
  int16 length = 0;
  bool by_value = false;
  char align = TYPALIGN_INT;
  get_typlenbyvalalign(element, &length, &by_value, &align);
  auto* array = static_cast<ArrayType*>(palloc(VARHDRSZ + payload.size));
  SET_VARSIZE(array, VARHDRSZ + payload.size);
  memcpy(VARDATA(array), payload.data, payload.size);
  bool good = VARHDRSZ + payload.size >= sizeof(ArrayType) && ARR_NDIM(array) >= 0 &&
              ARR_NDIM(array) <= MAXDIM && ARR_ELEMTYPE(array) == element && array->dataoffset >= 0;
  good = good && VARHDRSZ + payload.size >= ARR_OVERHEAD_NONULLS(ARR_NDIM(array));
  int64 items = ARR_NDIM(array) == 0 ? 0 : 1;
  for (int i = 0; good && i < ARR_NDIM(array); i++) {
    const int64 size = ARR_DIMS(array)[i];
    items *= size;
    good = size > 0 && items <= static_cast<int64>(MaxAllocSize / sizeof(Datum)) &&
           ARR_LBOUND(array)[i] <= PG_INT32_MAX - size;
  }
  if (good && length > 0) {
    const int64 step = static_cast<int64>(att_align_nominal(length, align));
    const int64 head = ARR_HASNULL(array) ? ARR_OVERHEAD_WITHNULLS(ARR_NDIM(array), static_cast<int>(items))
                                          : ARR_OVERHEAD_NONULLS(ARR_NDIM(array));
    const int64 end = static_cast<int64>(VARHDRSZ + payload.size);
    good = ARR_HASNULL(array) ? array->dataoffset == head && head <= end
                              : head + items * step <= end + step - length;
    if (good && ARR_HASNULL(array)) {
      int64 present = 0;
      for (int64 i = 0; i < items; i++) present += ARR_NULLBITMAP(array)[i / 8] >> (i % 8) & 1;
      good = head + present * step <= end + step - length;
    }
  }
  pfree(array);
  return good;
}

bool is_label(Oid type, const std::byte* at) {
  Oid label = InvalidOid;
  memcpy(&label, at, sizeof(label));
  HeapTuple tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(label));
  if (!HeapTupleIsValid(tuple)) return false;
  const bool is_of_type = reinterpret_cast<Form_pg_enum>(GETSTRUCT(tuple))->enumtypid == type;
  ReleaseSysCache(tuple);
  return is_of_type;
}

bool content_is_valid(const KeyColumn& column, const std::byte* at, size_t size) {
  const Oid type = getBaseType(column.type);
  const Payload payload = column.length == -1 ? payload_of(at, size) : Payload{};
  switch (type) {
    case BOOLOID:
      return std::to_integer<uint8>(*at) <= 1;
    case NAMEOID: {
      const auto* name = reinterpret_cast<const char*>(at);
      return is_text({name, strnlen(name, NAMEDATALEN)}) && memchr(name, 0, NAMEDATALEN) != nullptr;
    }
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID:
    case XMLOID:
      return is_text(payload);
    case NUMERICOID:
      return is_numeric(payload);
    case BITOID:
    case VARBITOID:
      return is_bit_string(payload);
    case INETOID:
    case CIDROID:
      return is_address(payload);
    default:
      break;
  }
  if (OidIsValid(get_element_type(type)) && column.length == -1) return is_array(type, payload);
  return get_typtype(type) != TYPTYPE_ENUM || is_label(type, at);
}

}  // namespace

bool stored_value_is_valid(const KeyColumn& column, KeyBytes value) {
  const size_t size = value.size > 0 ? value_size(column, value.data, value.size) : 0;
  return size > 0 && size == value.size && content_is_valid(column, value.data, size);
}

bool stored_key_is_valid(const KeyCodec& codec, KeyBytes key) {
  const size_t bitmap = (static_cast<size_t>(codec.count) + 7) / 8;
  if (key.size < bitmap || key.size > kMaxKeySize) return false;
  const std::byte* at = key.data + bitmap;
  const std::byte* end = key.data + key.size;
  for (int i = 0; i < codec.count; i++) {
    if ((std::to_integer<unsigned>(key.data[i / 8]) >> (i % 8) & 1) != 0) continue;
    const size_t size = value_size(codec.columns[i], at, static_cast<size_t>(end - at));
    if (size == 0 || !content_is_valid(codec.columns[i], at, size)) return false;
    at += size;
  }
  return at == end;
}

bool stored_bytes_are_valid(const DefinitionAggregate& aggregate, KeyBytes bytes) {
  const bool is_combined = aggregate.combined != nullptr;
  return stored_value_is_valid(is_combined ? aggregate.combined->state.column : aggregate.bytes.column,
                               bytes);
}

bool stored_result_is_valid(const DefinitionAggregate* aggregates, const StateLayout& layout,
                            const int64_t* result) {
  for (uint16_t i = 0; i < layout.aggregate_count; i++) {
    if (!is_bytes(layout.aggregates[i])) continue;
    const AggregateValue value = value_of(layout, result, i);
    if (!value.is_null && !stored_bytes_are_valid(aggregates[i], value.bytes)) return false;
  }
  return true;
}

}  // namespace trending
