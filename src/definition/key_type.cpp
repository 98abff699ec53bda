#include "definition/key_type.h"

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
