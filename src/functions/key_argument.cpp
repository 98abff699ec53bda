// SPDX-License-Identifier: PostgreSQL
#include "functions/key_argument.h"

namespace trending {

namespace {

// Parses one part of a key as a literal of its column's type would be. Without the column's length, and
// without the checks of a domain, which are its owner's code: a value that violates them is no error, it
// simply is not there.
Datum parse_key_part(const KeyColumn& column, const char* part) {
  Oid function = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(getBaseType(column.type), &function, &parameter);
  return OidInputFunctionCall(function, pstrdup(part), parameter, -1);
}

const char* text_of(Oid type, Datum value) {
  Oid function = InvalidOid;
  bool is_varlena = false;
  getTypeOutputInfo(type, &function, &is_varlena);
  return OidOutputFunctionCall(function, value);
}

KeyTexts make_texts(int count) {
  return {count, static_cast<const char**>(palloc0(sizeof(char*) * static_cast<Size>(count)))};
}

}  // namespace

KeyTexts texts_of_array(ArrayType* array) {
  const Oid type = ARR_ELEMTYPE(array);
  int16 length = 0;
  bool by_value = false;
  char align = 0;
  get_typlenbyvalalign(type, &length, &by_value, &align);
  Datum* elements = nullptr;
  bool* isnull = nullptr;
  int count = 0;
  deconstruct_array(array, type, length, by_value, align, &elements, &isnull, &count);
  KeyTexts texts = make_texts(count);
  for (int i = 0; i < count; i++) {
    if (!isnull[i]) texts.values[i] = text_of(type, elements[i]);
  }
  return texts;
}

KeyTexts texts_of_arguments(FunctionCallInfo fcinfo, int first) {
  if (get_fn_expr_variadic(fcinfo->flinfo)) return texts_of_array(PG_GETARG_ARRAYTYPE_P(first));
  KeyTexts texts = make_texts(PG_NARGS() - first);
  for (int i = 0; i < texts.count; i++) {
    const int position = first + i;
    if (!PG_ARGISNULL(position))
      texts.values[i] = text_of(get_fn_expr_argtype(fcinfo->flinfo, position), PG_GETARG_DATUM(position));
  }
  return texts;
}

bool parse_key(const Definition& definition, const KeyCodec& codec, const char* what, const KeyTexts& parts,
               StringInfo buffer) {
  if (parts.count != codec.count) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("wrong number of values for the %s of trend \"%s\"", what,
                           get_rel_name(definition.relation)),
                    errdetail("Columns of the %s: %d, values given: %d.", what, codec.count, parts.count)));
  }
  Datum values[kMaxKeyColumns];
  bool isnull[kMaxKeyColumns];
  for (int i = 0; i < parts.count; i++) {
    isnull[i] = parts.values[i] == nullptr;
    values[i] = isnull[i] ? Datum{0} : parse_key_part(codec.columns[i], parts.values[i]);
  }
  return key_encode(codec, values, isnull, buffer);
}

}  // namespace trending
