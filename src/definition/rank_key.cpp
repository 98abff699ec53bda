// SPDX-License-Identifier: PostgreSQL
#include "definition/rank_key.h"

#include <cstring>

#include "engine/aggregates/number.h"
#include "values/numeric_codec.h"

namespace trending {

struct RankKeys {
  const Definition* definition;
  GroupRow* row;
  StringInfoData bytes;
};

namespace {

constexpr uint8_t kNullFirst = 0;
constexpr uint8_t kValue = 1;
constexpr uint8_t kNullLast = 2;

RankForm form_of(Oid type) {
  switch (type) {
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case OIDOID:
    case DATEOID:
    case TIMEOID:
    case FLOAT4OID:
    case FLOAT8OID:
      return RankForm::kNarrow;
    case INT8OID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return RankForm::kWide;
    case NUMERICOID:
      return RankForm::kNumeric;
    default:
      return RankForm::kBytes;
  }
}

bool has_bytes(RankForm form) {
  return form == RankForm::kNumeric || form == RankForm::kBytes;
}

// The nearest double, or what cannot be told from an infinity, so that equal words leave it to the bytes.
int64_t word_of_numeric(Datum value) {
  Numeric number = DatumGetNumeric(value);
  if (numeric_is_nan(number)) return ordered_bits(std::nan(""));
  Decimal decimal;
  if (numeric_to_decimal(value, &decimal)) {
    if ((decimal.form & kDecimalSpecial) == 0) {
      return ordered_bits(nearest_quotient(Int256::load(decimal.words), 1));
    }
  } else {
    // More digits than fit, before the point or behind it: cutting those behind it keeps the order.
    Datum cut = DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(kDecimalFraction));
    if (numeric_to_decimal(cut, &decimal)) {
      return ordered_bits(nearest_quotient(Int256::load(decimal.words), 1));
    }
  }
  Datum sign = DirectFunctionCall1(numeric_sign, value);
  const bool is_negative = DatumGetInt32(DirectFunctionCall1(numeric_int4, sign)) < 0;
  return ordered_bits(is_negative ? -HUGE_VAL : HUGE_VAL);
}

int64_t word_of(Oid type, Datum value) {
  switch (type) {
    case BOOLOID:
      return DatumGetBool(value) ? 1 : 0;
    case INT2OID:
      return DatumGetInt16(value);
    case INT4OID:
      return DatumGetInt32(value);
    case OIDOID:
      return DatumGetObjectId(value);
    case DATEOID:
      return DatumGetDateADT(value);
    case FLOAT4OID:
      return ordered_bits(static_cast<double>(DatumGetFloat4(value)));
    case FLOAT8OID:
      return ordered_bits(DatumGetFloat8(value));
    case INT8OID:
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
      return DatumGetInt64(value);
    case NUMERICOID:
      return word_of_numeric(value);
    default:
      return 0;
  }
}

// Appends the value of a term with its size. False if it is too long.
bool append_value(const OrderTerm& term, Datum value, StringInfo bytes) {
  const int at = bytes->len;
  uint32_t size = 0;
  appendBinaryStringInfo(bytes, reinterpret_cast<const char*>(&size), sizeof(size));
  if (!bytes_append(term.bytes, value, bytes)) {
    bytes->len = at;
    return false;
  }
  size = static_cast<uint32_t>(bytes->len - at) - sizeof(size);
  memcpy(bytes->data + at, &size, sizeof(size));
  return true;
}

// Appends a term; returns its word. `value` is part of an evaluation, for it may be toasted.
int64_t append_term(const OrderTerm& term, bool is_first, Datum value, bool isnull, StringInfo bytes) {
  const int64_t natural = isnull ? 0 : word_of(term.type, value);
  const int64_t word = isnull            ? (term.nulls_first ? INT64_MAX : INT64_MIN)
                       : term.descending ? natural
                                         : ~natural;
  appendStringInfoCharMacro(bytes,
                            static_cast<char>(isnull ? term.nulls_first ? kNullFirst : kNullLast : kValue));
  if (isnull) return word;
  if (!is_first) appendBinaryStringInfo(bytes, reinterpret_cast<const char*>(&word), sizeof(word));
  if (has_bytes(term.form) && !append_value(term, value, bytes)) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("a value of more than %u bytes cannot be ranked by", kMaxValueBytes)));
  }
  return word;
}

struct Cursor {
  const std::byte* at;

  template <typename T>
  T take() {
    T value;
    memcpy(&value, at, sizeof(value));
    at += sizeof(value);
    return value;
  }
  KeyView take_bytes() {
    const auto size = take<uint32_t>();
    const KeyView bytes{at, size};
    at += size;
    return bytes;
  }
};

}  // namespace

bool order_term_set_form(OrderTerm* term, Oid collation) {
  const Oid type = exprType(reinterpret_cast<Node*>(term->expr));
  term->type = getBaseType(type);
  term->form = form_of(term->type);
  return bytes_type(term->type, collation, &term->bytes) && term->bytes.has_order;
}

bool rank_score_decides(const Definition& definition) {
  return definition.order_count == 1 && definition.order[0].form == RankForm::kNarrow;
}

RankKeys* rank_keys_create(const Definition* definition) {
  if (!definition->ranks_by_keys) return nullptr;
  auto* keys = static_cast<RankKeys*>(palloc0(sizeof(RankKeys)));
  keys->definition = definition;
  initStringInfo(&keys->bytes);
  const int count = definition->order_count;
  auto** terms = static_cast<Expr**>(palloc(sizeof(Expr*) * static_cast<Size>(count)));
  for (int i = 0; i < count; i++) terms[i] = definition->order[i].expr;
  keys->row = group_row_create(definition, terms, count, evaluation_account(definition->owner));
  return keys;
}

RankKey rank_key_make(RankKeys* keys, LWLock* lock, const StateLayout& layout, KeyView key,
                      const int64_t* result, const Window& window, int* failed) {
  const Definition& definition = *keys->definition;
  StringInfo bytes = &keys->bytes;
  resetStringInfo(bytes);
  group_row_begin(keys->row, layout, key, result, window);
  int64_t score = 0;
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    const int before = bytes->len;
    int64_t word = 0;
    const bool good = group_row_use(keys->row, i, lock, [&](Datum value, bool isnull) {
      word = append_term(term, i == 0, value, isnull, bytes);
    });
    if (!good) {
      (*failed)++;
      bytes->len = before;
      word = append_term(term, i == 0, 0, true, bytes);
    }
    if (i == 0) score = word;
  }
  if (rank_score_decides(definition)) return {score, {}};
  return {score, {reinterpret_cast<const std::byte*>(bytes->data), static_cast<uint32_t>(bytes->len)}};
}

int rank_key_compare(const Definition& definition, KeyView a, KeyView b) {
  if (a.size == 0 || b.size == 0) return (a.size == 0) - (b.size == 0);
  Cursor left{a.data};
  Cursor right{b.data};
  for (int i = 0; i < definition.order_count; i++) {
    const OrderTerm& term = definition.order[i];
    const auto left_class = left.take<uint8_t>();
    const auto right_class = right.take<uint8_t>();
    if (left_class != right_class) return left_class < right_class ? -1 : 1;
    if (left_class != kValue) continue;
    if (i > 0) {
      const auto left_word = left.take<int64_t>();
      const auto right_word = right.take<int64_t>();
      if (left_word != right_word) return left_word > right_word ? -1 : 1;
    }
    if (!has_bytes(term.form)) continue;
    const KeyView left_value = left.take_bytes();
    const KeyView right_value = right.take_bytes();
    if (left_value == right_value) continue;
    const int order = bytes_compare(term.bytes, left_value, right_value);
    if (order != 0) return (order < 0) != term.descending ? -1 : 1;
  }
  return 0;
}

}  // namespace trending
