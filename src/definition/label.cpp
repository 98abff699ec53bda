// The option label: 'table.column', resolved to the rows that hold it.
#include "definition/label.h"

namespace trending {

namespace {

struct KeyMatch {
  AttrNumber column;
  Oid equal_operator;
};

[[noreturn]] void report_format(const char* label) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid label \"%s\"", label),
                  errhint("Write 'table.column' or 'schema.table.column'.")));
  pg_unreachable();
}

void split(const char* label, RangeVar** table, const char** column) {
  List* names = textToQualifiedNameList(cstring_to_text(label));
  int count = list_length(names);
  if (count < 2 || count > 3) report_format(label);
  *column = strVal(llast(names));
  *table =
      makeRangeVar(count == 3 ? strVal(linitial(names)) : nullptr, strVal(list_nth(names, count - 2)), -1);
}

// Whether the index finds at most one row for each value of one column, without NULLs; and by which operator
// a key of the trend is looked up in it.
bool match_index(Relation table, Relation index, Oid key_type, KeyMatch* match) {
  Form_pg_index form = index->rd_index;
  bool fits = form->indisunique && form->indisvalid && form->indimmediate && form->indnkeyatts == 1 &&
              form->indkey.values[0] > 0 && index->rd_rel->relam == BTREE_AM_OID &&
              RelationGetIndexPredicate(index) == NIL;
  if (!fits) return false;
  AttrNumber column = form->indkey.values[0];
  if (!TupleDescAttr(RelationGetDescr(table), column - 1)->attnotnull) return false;
  Oid family = index->rd_opfamily[0];
  Oid input = index->rd_opcintype[0];
  // The type itself, or one of the same family (bigint for integer), or one that is the same in bytes.
  Oid equal = get_opfamily_member(family, input, getBaseType(key_type), BTEqualStrategyNumber);
  if (!OidIsValid(equal) && IsBinaryCoercible(key_type, input))
    equal = get_opfamily_member(family, input, input, BTEqualStrategyNumber);
  if (!OidIsValid(equal)) return false;
  *match = KeyMatch{column, equal};
  return true;
}

// The primary key if it fits, else any unique index that does.
bool find_key(Relation table, Oid key_type, KeyMatch* match) {
  bool found = false;
  bool primary = false;
  List* indexes = RelationGetIndexList(table);
  ListCell* cell = nullptr;
  foreach (cell, indexes) {
    Relation index = index_open(lfirst_oid(cell), AccessShareLock);
    KeyMatch candidate;
    if (!primary && match_index(table, index, key_type, &candidate) &&
        (!found || index->rd_index->indisprimary)) {
      *match = candidate;
      found = true;
      primary = index->rd_index->indisprimary;
    }
    index_close(index, AccessShareLock);
  }
  return found;
}

void check_table_kind(Oid relation) {
  char kind = get_rel_relkind(relation);
  if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW) return;
  ereport(ERROR,
          (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot hold labels", get_rel_name(relation)),
           errdetail("It is neither a table nor a materialized view.")));
}

const KeyColumn& single_key(const Definition* definition) {
  if (definition->keys.count != 1) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a label needs a trend with exactly one key"),
             errdetail("This one has %d.", definition->keys.count),
             errhint("Join the trend with its tables when you read it.")));
  }
  return definition->keys.columns[0];
}

}  // namespace

LabelSource label_resolve(const char* label, const Definition* definition) {
  const KeyColumn& key = single_key(definition);
  RangeVar* range = nullptr;
  const char* column = nullptr;
  split(label, &range, &column);
  LabelSource source;
  source.relation = RangeVarGetRelid(range, AccessShareLock, false);
  check_table_kind(source.relation);
  source.column = get_attnum(source.relation, column);
  if (source.column <= 0) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("column \"%s\" of label table \"%s\" does not exist",
                                                       column, get_rel_name(source.relation))));
  }
  Relation table = table_open(source.relation, NoLock);
  KeyMatch match = {};
  bool found = find_key(table, key.type, &match);
  table_close(table, NoLock);
  if (!found) {
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("label table \"%s\" has no key for column \"%s\" of the trend",
                    get_rel_name(source.relation), key.name),
             errdetail("It needs a primary key, or a unique index on a column that is NOT NULL, of type %s.",
                       format_type_be(key.type))));
  }
  source.key = match.column;
  source.equal_operator = match.equal_operator;
  return source;
}

void label_check_rights(const LabelSource& source) {
  Oid user = GetUserId();
  if (pg_class_aclcheck(source.relation, user, ACL_SELECT) == ACLCHECK_OK) return;
  for (AttrNumber column : {source.column, source.key}) {
    AclResult result = pg_attribute_aclcheck(source.relation, column, user, ACL_SELECT);
    if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, get_rel_name(source.relation));
  }
}

const char* label_text(const LabelSource& source) {
  return psprintf("%s.%s",
                  quote_qualified_identifier(get_namespace_name(get_rel_namespace(source.relation)),
                                             get_rel_name(source.relation)),
                  quote_identifier(get_attname(source.relation, source.column, false)));
}

}  // namespace trending
