// SPDX-License-Identifier: PostgreSQL
#include "values/key_codec.h"

namespace trending {

namespace {

// Columns from which a Datum may point into a key are those without alignment: varlena with a one-byte header
// and fixed-length types aligned to bytes. Everything else is copied.

uint32 bitmap_bytes(int count) {
  return (static_cast<uint32>(count) + 7) / 8;
}

bool bit_is_set(const std::byte* bitmap, int i) {
  return (static_cast<unsigned>(bitmap[i / 8]) >> (i % 8) & 1) != 0;
}

// Bytes of the stored value at `at`, which is not aligned.
uint32 stored_size(const KeyColumn& column, const std::byte* at) {
  if (column.length > 0) return column.length;
  if (VARATT_IS_1B(at)) return VARSIZE_1B(at);
  alignas(varattrib_4b) char header[VARHDRSZ];
  memcpy(header, at, sizeof(header));
  return VARSIZE_4B(header);
}

void append_by_value(StringInfo buffer, Datum value, int16 length) {
  switch (length) {
    case 1: {
      char raw = DatumGetChar(value);
      appendBinaryStringInfo(buffer, &raw, sizeof(raw));
      return;
    }
    case 2: {
      int16 raw = DatumGetInt16(value);
      appendBinaryStringInfo(buffer, reinterpret_cast<char*>(&raw), sizeof(raw));
      return;
    }
    case 4: {
      int32 raw = DatumGetInt32(value);
      appendBinaryStringInfo(buffer, reinterpret_cast<char*>(&raw), sizeof(raw));
      return;
    }
    default: {
      int64 raw = DatumGetInt64(value);
      appendBinaryStringInfo(buffer, reinterpret_cast<char*>(&raw), sizeof(raw));
      return;
    }
  }
}

Datum load_by_value(const std::byte* at, int16 length) {
  switch (length) {
    case 1: {
      char raw;
      memcpy(&raw, at, sizeof(raw));
      return CharGetDatum(raw);
    }
    case 2: {
      int16 raw;
      memcpy(&raw, at, sizeof(raw));
      return Int16GetDatum(raw);
    }
    case 4: {
      int32 raw;
      memcpy(&raw, at, sizeof(raw));
      return Int32GetDatum(raw);
    }
    default: {
      int64 raw;
      memcpy(&raw, at, sizeof(raw));
      return Int64GetDatum(raw);
    }
  }
}

// The same payload always gets the same header, so that equal values are equal bytes. False if too long.
bool append_varlena(StringInfo buffer, Datum value, char storage) {
  struct varlena* given = reinterpret_cast<struct varlena*>(DatumGetPointer(value));
  struct varlena* flat = pg_detoast_datum_packed(given);
  Size payload = VARSIZE_ANY_EXHDR(flat);
  if (payload > kMaxKeySize) {
    if (flat != given) pfree(flat);
    return false;
  }
  if (storage != TYPSTORAGE_PLAIN && payload + VARHDRSZ_SHORT <= VARATT_SHORT_MAX) {
    alignas(varattrib_4b) char header[VARHDRSZ];
    SET_VARSIZE_SHORT(header, payload + VARHDRSZ_SHORT);
    appendBinaryStringInfo(buffer, header, VARHDRSZ_SHORT);
  } else {
    alignas(varattrib_4b) char header[VARHDRSZ];
    SET_VARSIZE(header, payload + VARHDRSZ);
    appendBinaryStringInfo(buffer, header, VARHDRSZ);
  }
  appendBinaryStringInfo(buffer, VARDATA_ANY(flat), static_cast<int>(payload));
  if (flat != given) pfree(flat);
  return true;
}

bool may_point_into_key(const KeyColumn& column, const std::byte* at) {
  return column.length > 0 ? column.align == TYPALIGN_CHAR : VARATT_IS_1B(at);
}

// Where each column's value begins; null for NULLs.
void locate(const KeyCodec& codec, KeyBytes key, const std::byte** at) {
  const std::byte* next = key.data + bitmap_bytes(codec.count);
  for (int i = 0; i < codec.count; i++) {
    if (bit_is_set(key.data, i)) {
      at[i] = nullptr;
      continue;
    }
    at[i] = next;
    next += stored_size(codec.columns[i], next);
  }
}

}  // namespace

Datum key_copy_value(const KeyColumn& column, const std::byte* at) {
  if (column.by_value) return load_by_value(at, column.length);
  uint32 size = stored_size(column, at);
  void* copy = palloc(size);
  memcpy(copy, at, size);
  return PointerGetDatum(copy);
}

int key_compare_values(const KeyColumn& column, const std::byte* left, const std::byte* right) {
  bool left_in_place = column.by_value || may_point_into_key(column, left);
  bool right_in_place = column.by_value || may_point_into_key(column, right);
  Datum a = left_in_place && !column.by_value ? PointerGetDatum(left) : key_copy_value(column, left);
  Datum b = right_in_place && !column.by_value ? PointerGetDatum(right) : key_copy_value(column, right);
  auto* compare = const_cast<FmgrInfo*>(&column.compare);
  int order = DatumGetInt32(FunctionCall2Coll(compare, column.collation, a, b));
  if (!left_in_place) pfree(DatumGetPointer(a));
  if (!right_in_place) pfree(DatumGetPointer(b));
  return order;
}

bool key_append_value(const KeyColumn& column, Datum value, StringInfo buffer) {
  if (column.by_value) {
    append_by_value(buffer, value, column.length);
  } else if (column.length > 0) {
    appendBinaryStringInfo(buffer, DatumGetPointer(value), column.length);
  } else {
    return append_varlena(buffer, value, column.storage);
  }
  return true;
}

bool key_encode(const KeyCodec& codec, const Datum* values, const bool* isnull, StringInfo buffer) {
  resetStringInfo(buffer);
  char bitmap[(kMaxKeyColumns + 7) / 8] = {};
  for (int i = 0; i < codec.count; i++) {
    if (isnull[i]) bitmap[i / 8] |= static_cast<char>(1 << (i % 8));
  }
  appendBinaryStringInfo(buffer, bitmap, static_cast<int>(bitmap_bytes(codec.count)));
  for (int i = 0; i < codec.count; i++) {
    if (isnull[i]) continue;
    if (!key_append_value(codec.columns[i], values[i], buffer) ||
        static_cast<uint32>(buffer->len) > kMaxKeySize) {
      resetStringInfo(buffer);
      return false;
    }
  }
  return true;
}

void key_decode(const KeyCodec& codec, KeyBytes key, Datum* values, bool* isnull) {
  const std::byte* at[kMaxKeyColumns];
  locate(codec, key, at);
  for (int i = 0; i < codec.count; i++) {
    isnull[i] = at[i] == nullptr;
    values[i] = isnull[i] ? Datum{0} : key_copy_value(codec.columns[i], at[i]);
  }
}

int key_compare(const KeyCodec& codec, KeyBytes left, KeyBytes right) {
  return key_compare_columns(codec, codec.order, codec.count, left, right);
}

void key_extract(const KeyCodec& codec, KeyBytes key, const int* columns, int count, StringInfo buffer) {
  const std::byte* at[kMaxKeyColumns];
  locate(codec, key, at);
  char bitmap[(kMaxKeyColumns + 7) / 8] = {};
  for (int i = 0; i < count; i++) {
    if (at[columns[i]] == nullptr) bitmap[i / 8] |= static_cast<char>(1 << (i % 8));
  }
  resetStringInfo(buffer);
  appendBinaryStringInfo(buffer, bitmap, static_cast<int>(bitmap_bytes(count)));
  for (int i = 0; i < count; i++) {
    const std::byte* value = at[columns[i]];
    if (value == nullptr) continue;
    appendBinaryStringInfo(buffer, reinterpret_cast<const char*>(value),
                           static_cast<int>(stored_size(codec.columns[columns[i]], value)));
  }
}

int key_compare_columns(const KeyCodec& codec, const int* columns, int count, KeyBytes left, KeyBytes right) {
  const std::byte* left_at[kMaxKeyColumns];
  const std::byte* right_at[kMaxKeyColumns];
  locate(codec, left, left_at);
  locate(codec, right, right_at);
  for (int i = 0; i < count; i++) {
    const KeyColumn& column = codec.columns[columns[i]];
    const std::byte* a = left_at[columns[i]];
    const std::byte* b = right_at[columns[i]];
    if (a == nullptr || b == nullptr) {
      if (a == b) continue;
      return (a == nullptr) == column.nulls_first ? -1 : 1;
    }
    uint32 size = stored_size(column, a);
    if (size == stored_size(column, b) && memcmp(a, b, size) == 0) continue;
    int order = key_compare_values(column, a, b);
    if (order != 0) return column.descending ? (order < 0) - (order > 0) : order;
  }
  return 0;
}

}  // namespace trending
