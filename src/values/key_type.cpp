// SPDX-License-Identifier: PostgreSQL
#include "values/key_type.h"

namespace trending {

namespace {

struct DefaultBtree {
  Oid family = InvalidOid;
  Oid input_type = InvalidOid;  // what the operator class declares: text for varchar, anyenum for enums
};

DefaultBtree default_btree(Oid type) {
  DefaultBtree found;
  Oid opclass = GetDefaultOpClass(getBaseType(type), BTREE_AM_OID);
  if (OidIsValid(opclass)) {
    found.family = get_opclass_family(opclass);
    found.input_type = get_opclass_input_type(opclass);
  }
  return found;
}

}  // namespace

bool type_is_image_equal(Oid type, Oid collation) {
  // Equal whatever blanks follow. Not every minor release of the server says so.
  if (getBaseType(type) == BPCHAROID) return false;
  DefaultBtree btree = default_btree(type);
  if (!OidIsValid(btree.family)) return false;
  Oid proc = get_opfamily_proc(btree.family, btree.input_type, btree.input_type, BTEQUALIMAGE_PROC);
  if (!OidIsValid(proc)) return false;
  return DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(btree.input_type)));
}

const char* key_type_hint(Oid type) {
  Oid base = getBaseType(type);
  if (OidIsValid(get_element_type(base))) return "Group by elements of it.";
  if (type_is_range(base) || type_is_multirange(base)) return "Group by its bounds: lower(...), upper(...).";
  switch (base) {
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID:
      return "Group by a cast to bigint, or to text.";
    case BPCHAROID:
    case JSONOID:
    case JSONBOID:
    case XMLOID:
    case TSVECTOROID:
    case TSQUERYOID:
    case XIDOID:
      return "Group by a cast to text.";
    case INTERVALOID:
      return "Group by its length in seconds: extract(epoch FROM ...)::bigint.";
    default:
      return nullptr;
  }
}

bool type_is_safe(Oid type) {
  Oid base = getBaseType(type);
  if (base < FirstNormalObjectId) return true;
  Oid element = get_element_type(base);
  return OidIsValid(element) ? type_is_safe(element) : get_typtype(base) == TYPTYPE_ENUM;
}

bool function_is_native(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prolang;
  ReleaseSysCache(tuple);
  return language == INTERNALlanguageId || language == ClanguageId;
}

bool type_is_native(Oid type) {
  switch (get_typtype(type)) {
    case TYPTYPE_ENUM:
    case TYPTYPE_PSEUDO:
      return type != RECORDOID;
    case TYPTYPE_RANGE:
      return type_is_native(get_range_subtype(type));
    case TYPTYPE_MULTIRANGE:
      return type_is_native(get_multirange_range(type));
    case TYPTYPE_BASE: {
      if (type < FirstNormalObjectId) {
        Oid element = get_element_type(type);
        return !OidIsValid(element) || type_is_native(element);
      }
      Oid element = get_element_type(type);
      if (OidIsValid(element)) return type_is_native(element);
      Oid input = InvalidOid;
      Oid output = InvalidOid;
      Oid parameter = InvalidOid;
      bool is_varlena = false;
      getTypeInputInfo(type, &input, &parameter);
      getTypeOutputInfo(type, &output, &is_varlena);
      return function_is_native(input) && function_is_native(output);
    }
    default:
      return false;
  }
}

void key_column_set_type(KeyColumn* column, Oid type, int32 typmod, Oid collation) {
  column->type = type;
  column->typmod = typmod;
  column->collation = collation;
  get_typlenbyvalalign(type, &column->length, &column->by_value, &column->align);
  column->storage = get_typstorage(type);
  DefaultBtree btree = default_btree(type);
  Oid compare = get_opfamily_proc(btree.family, btree.input_type, btree.input_type, BTORDER_PROC);
  if (!OidIsValid(compare)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                    errmsg("could not identify a comparison function for type %s", format_type_be(type))));
  }
  fmgr_info_cxt(compare, &column->compare, CurrentMemoryContext);
}

}  // namespace trending
