// SPDX-License-Identifier: PostgreSQL
// The option label: 'table.column', resolved to the rows that hold it.
#include "definition/label.h"

#include "values/key_type.h"

namespace trending {

namespace {

struct KeyMatch {
  Oid index;
  AttrNumber column;
  Oid type;
  Oid equal;
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
// a key of the trend is looked up in it. Nothing of the index is evaluated: its expressions and its predicate
// are its owner's.
bool match_index(Relation table, Relation index, Oid key_type, KeyMatch* match) {
  Form_pg_index form = index->rd_index;
  bool fits = form->indisunique && form->indisvalid && form->indimmediate && form->indnkeyatts == 1 &&
              form->indkey.values[0] > 0 && index->rd_rel->relam == BTREE_AM_OID &&
              heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr);
  if (!fits) return false;
  AttrNumber column = form->indkey.values[0];
  if (!TupleDescAttr(RelationGetDescr(table), column - 1)->attnotnull) return false;
  Oid family = index->rd_opfamily[0];
  Oid input = index->rd_opcintype[0];
  // The type itself, or one of the same family (bigint for integer), or one that is the same in bytes.
  Oid type = getBaseType(key_type);
  Oid equal = get_opfamily_member(family, input, type, BTEqualStrategyNumber);
  if (!OidIsValid(equal) && IsBinaryCoercible(key_type, input)) {
    type = input;
    equal = get_opfamily_member(family, input, input, BTEqualStrategyNumber);
  }
  if (!OidIsValid(equal) || !function_is_native(get_opcode(equal))) return false;
  *match = KeyMatch{RelationGetRelid(index), column, type, get_opcode(equal)};
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

enum class Problem : uint8_t { kNone, kKind, kColumn, kType, kKey };

bool holds_rows(char kind) {
  return kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE || kind == RELKIND_MATVIEW;
}

// Where the labels of a key are in a table that is locked already.
Problem find_source(Oid relation, const char* column, Oid key_type, LabelSource* source) {
  if (!holds_rows(get_rel_relkind(relation))) return Problem::kKind;
  source->relation = relation;
  source->column = get_attnum(relation, column);
  if (source->column <= 0) return Problem::kColumn;
  source->type = getBaseType(get_atttype(relation, source->column));
  if (!type_is_native(source->type)) return Problem::kType;
  Relation table = table_open(relation, NoLock);
  KeyMatch match = {};
  bool found = find_key(table, key_type, &match);
  table_close(table, NoLock);
  if (!found) return Problem::kKey;
  source->index = match.index;
  source->key = match.column;
  source->key_type = match.type;
  source->equal = match.equal;
  return Problem::kNone;
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
  LabelSource source = {};
  Oid relation = RangeVarGetRelid(range, AccessShareLock, false);
  const char* table = get_rel_name(relation);
  switch (find_source(relation, column, key.type, &source)) {
    case Problem::kNone:
      break;
    case Problem::kKind:
      ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("\"%s\" cannot hold labels", table),
                      errdetail("It is neither a table nor a materialized view.")));
      break;
    case Problem::kColumn:
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                      errmsg("column \"%s\" of label table \"%s\" does not exist", column, table)));
      break;
    case Problem::kType:
      ereport(ERROR,
              (errcode(ERRCODE_WRONG_OBJECT_TYPE),
               errmsg("column \"%s\" of type %s cannot be a label", column, format_type_be(source.type)),
               errdetail("Its text would be made by code that a user may have written."),
               errhint("Add a column GENERATED ALWAYS AS (...) STORED of type text, and use that.")));
      break;
    case Problem::kKey:
      ereport(
          ERROR,
          (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
           errmsg("label table \"%s\" has no key for column \"%s\" of the trend", table, key.name),
           errdetail("It needs a primary key, or a unique index on a column that is NOT NULL, of type %s.",
                     format_type_be(key.type))));
  }
  return source;
}

namespace {

bool may_read(const LabelSource& source) {
  Oid user = GetUserId();
  if (pg_class_aclcheck(source.relation, user, ACL_SELECT) == ACLCHECK_OK) return true;
  return pg_attribute_aclcheck(source.relation, source.column, user, ACL_SELECT) == ACLCHECK_OK &&
         pg_attribute_aclcheck(source.relation, source.key, user, ACL_SELECT) == ACLCHECK_OK;
}

// Before it is locked: nobody may lock a relation of which he may read nothing.
bool may_lock(Oid schema, Oid relation) {
  Oid user = GetUserId();
  return compat::schema_aclcheck(schema, user, ACL_USAGE) == ACLCHECK_OK &&
         (pg_class_aclcheck(relation, user, ACL_SELECT) == ACLCHECK_OK ||
          pg_attribute_aclcheck_all(relation, user, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK);
}

}  // namespace

bool label_find(const Definition& definition, LabelSource* source) {
  if (definition.label == nullptr || definition.keys.count != 1) return false;
  List* names = textToQualifiedNameList(cstring_to_text(definition.label));
  if (list_length(names) != 3) return false;
  Oid schema = get_namespace_oid(strVal(linitial(names)), true);
  Oid relation = OidIsValid(schema) ? get_relname_relid(strVal(lsecond(names)), schema) : InvalidOid;
  if (!OidIsValid(relation) || !may_lock(schema, relation)) return false;
  LockRelationOid(relation, AccessShareLock);
  if (get_rel_name(relation) == nullptr) return false;
  return find_source(relation, strVal(lthird(names)), definition.keys.columns[0].type, source) ==
             Problem::kNone &&
         may_read(*source) && check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

void label_check_rights(const LabelSource& source) {
  if (may_read(source)) return;
  Oid user = GetUserId();
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
