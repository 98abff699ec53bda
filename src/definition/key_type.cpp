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

bool type_is_image_equal(Oid type, int32 typmod, Oid collation) {
  if (getBaseTypeAndTypmod(type, &typmod) == BPCHAROID && typmod < 0) return false;
  DefaultBtree btree = default_btree(type);
  if (!OidIsValid(btree.family)) return false;
  Oid proc = get_opfamily_proc(btree.family, btree.input_type, btree.input_type, BTEQUALIMAGE_PROC);
  if (!OidIsValid(proc)) return false;
  return DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(btree.input_type)));
}

const char* image_equal_cast(Oid type) {
  switch (getBaseType(type)) {
    case FLOAT4OID:
    case FLOAT8OID:
    case NUMERICOID:
      return "::bigint or ::text";
    case BPCHAROID:
    case VARCHAROID:
    case TEXTOID:
      return "::text COLLATE \"C\"";
    case RECORDOID:
      return nullptr;
    default:
      return "::text";
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
