// SPDX-License-Identifier: PostgreSQL
#include "functions/key_argument.h"

namespace trending {

namespace {

// Parses one part of a key as a literal of its column's type would be. Without the column's length, and
// without the checks of a domain, which are its owner's code: a value that violates them is no error, it
// simply is not there.
Datum parse_key_part(const KeyColumn& column, Datum part) {
  Oid function = InvalidOid;
  Oid parameter = InvalidOid;
  getTypeInputInfo(getBaseType(column.type), &function, &parameter);
  return OidInputFunctionCall(function, TextDatumGetCString(part), parameter, -1);
}

}  // namespace

bool parse_key(const Definition& definition, const KeyCodec& codec, const char* what, ArrayType* parts,
               StringInfo buffer) {
  Datum* elements = nullptr;
  bool* isnull = nullptr;
  int count = 0;
  deconstruct_array(parts, TEXTOID, -1, false, TYPALIGN_INT, &elements, &isnull, &count);
  if (count != codec.count) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("wrong number of values for the %s of trend \"%s\"", what,
                           get_rel_name(definition.relation)),
                    errdetail("Columns of the %s: %d, values given: %d.", what, codec.count, count)));
  }
  for (int i = 0; i < count; i++) {
    if (!isnull[i]) elements[i] = parse_key_part(codec.columns[i], elements[i]);
  }
  return key_encode(codec, elements, isnull, buffer);
}

}  // namespace trending
