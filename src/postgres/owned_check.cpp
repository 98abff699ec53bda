// SPDX-License-Identifier: PostgreSQL
#include "postgres/owned_check.h"

namespace trending {

namespace {

[[noreturn]] void refuse(Relation relation, const char* what, const char* hint) {
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("table \"%s\" has %s", RelationGetRelationName(relation), what), errhint("%s", hint)));
}

constexpr char kDrop[] = "Drop it, and the deferred rows are written.";

void check_triggers(Relation relation) {
  const TriggerDesc* triggers = relation->trigdesc;
  for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
    const Trigger& trigger = triggers->triggers[i];
    if (trigger.tgenabled == TRIGGER_DISABLED) continue;
    if (!trigger.tgisinternal) refuse(relation, psprintf("a trigger, \"%s\"", trigger.tgname), kDrop);
    const char* constraint = get_constraint_name(trigger.tgconstraint);
    refuse(relation,
           psprintf("a constraint that needs triggers, \"%s\"", constraint == nullptr ? "?" : constraint),
           kDrop);
  }
}

void check_constraints(Relation relation) {
  const TupleConstr* constraints = RelationGetDescr(relation)->constr;
  if (constraints == nullptr) return;
  if (constraints->num_check > 0) {
    refuse(relation, psprintf("a CHECK constraint, \"%s\"", constraints->check[0].ccname), kDrop);
  }
}

int column_of(const TableShape& shape, const char* name) {
  for (int i = 0; i < shape.count; i++) {
    if (strcmp(shape.columns[i].name, name) == 0) return i;
  }
  return -1;
}

void check_type(Relation relation, Form_pg_attribute attribute, const OwnedColumn& column) {
  if (attribute->atttypid == column.type && attribute->atttypmod == column.typmod) return;
  const char* type = format_type_with_typemod(column.type, column.typmod);
  refuse(relation, psprintf("a column of another type, \"%s\"", column.name),
         psprintf("It has to be of type %s.", type));
}

// One that is not ours stays NULL in what we write.
void check_foreign_column(Relation relation, Form_pg_attribute attribute) {
  const char* name = NameStr(attribute->attname);
  if (attribute->atthasdef)
    refuse(relation, psprintf("a further column with a default, \"%s\"", name), kDrop);
  if (attribute->attnotnull || attribute->attidentity != '\0') {
    refuse(relation, psprintf("a further column that is NOT NULL, \"%s\"", name), kDrop);
  }
  if (get_typtype(attribute->atttypid) == TYPTYPE_DOMAIN) {
    refuse(relation, psprintf("a further column of a domain, \"%s\"", name), kDrop);
  }
}

// The digest of a long partition key: see history_table.cpp. Anything around the column is a cast to text by
// the server's own functions.
bool is_digest(Node* node) {
  if (!IsA(node, FuncExpr)) return false;
  auto* digest = reinterpret_cast<FuncExpr*>(node);
  if (digest->funcid != F_MD5_TEXT && digest->funcid != F_MD5_BYTEA) return false;
  auto* argument = static_cast<Node*>(linitial(digest->args));
  for (;;) {
    if (IsA(argument, RelabelType)) {
      argument = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(argument)->arg);
    } else if (IsA(argument, CoerceViaIO)) {
      argument = reinterpret_cast<Node*>(reinterpret_cast<CoerceViaIO*>(argument)->arg);
    } else if (IsA(argument, FuncExpr)) {
      auto* cast = reinterpret_cast<FuncExpr*>(argument);
      if (cast->funcid >= FirstNormalObjectId || cast->funcformat == COERCE_EXPLICIT_CALL) return false;
      argument = static_cast<Node*>(linitial(cast->args));
    } else {
      return IsA(argument, Var);
    }
  }
}

bool has_only_digests(Relation index) {
  bool isnull = false;
  Datum stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indexprs, &isnull);
  if (isnull) return true;
  auto* expressions = static_cast<List*>(stringToNode(TextDatumGetCString(stored)));
  ListCell* cell = nullptr;
  foreach (cell, expressions) {
    if (!is_digest(static_cast<Node*>(lfirst(cell)))) return false;
  }
  return true;
}

bool is_written_in_c(Oid function) {
  HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
  if (!HeapTupleIsValid(tuple)) return false;
  const Oid language = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple))->prolang;
  ReleaseSysCache(tuple);
  return language == INTERNALlanguageId || language == ClanguageId;
}

bool has_only_c_functions(Relation index) {
  const int count = IndexRelationGetNumberOfKeyAttributes(index) * index->rd_indam->amsupport;
  for (int i = 0; i < count; i++) {
    const RegProcedure function = index->rd_support[i];
    if (OidIsValid(function) && !is_written_in_c(function)) return false;
  }
  return true;
}

}  // namespace

namespace {

constexpr char kAsItWas[] = "It has to be an ordinary, permanent table, as it was made.";

}  // namespace

// A table can be made a view by a rule, under its OID (until 15).
void owned_check_kind(Relation relation) {
  const Form_pg_class table = relation->rd_rel;
  if (table->relkind == RELKIND_RELATION && table->relam == HEAP_TABLE_AM_OID) return;
  refuse(relation, "been made another kind of table", kAsItWas);
}

void owned_check_table(Relation relation) {
  const Form_pg_class table = relation->rd_rel;
  if (table->relpersistence != RELPERSISTENCE_PERMANENT) {
    refuse(relation, "been made another kind of table", kAsItWas);
  }
  if (table->relispartition) refuse(relation, "become a partition", "Detach it.");
  if (relation->rd_rules != nullptr && relation->rd_rules->numLocks > 0) {
    const ObjectAddress rule = {RewriteRelationId, relation->rd_rules->rules[0]->ruleId, 0};
    refuse(relation, getObjectDescription(&rule, false), kDrop);
  }
  check_triggers(relation);
  check_constraints(relation);
}

AttrNumber* owned_check_columns(Relation relation, const TableShape& shape, bool of_rows) {
  auto* attributes = static_cast<AttrNumber*>(palloc0(sizeof(AttrNumber) * shape.count));
  TupleDesc columns = RelationGetDescr(relation);
  for (int i = 0; i < columns->natts; i++) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    if (attribute->attgenerated != '\0') {
      refuse(relation, psprintf("a generated column, \"%s\"", NameStr(attribute->attname)), kDrop);
    }
    const int column = column_of(shape, NameStr(attribute->attname));
    if (column < 0) {
      check_foreign_column(relation, attribute);
    } else {
      check_type(relation, attribute, shape.columns[column]);
      if (of_rows && shape.columns[column].bounds_window && !attribute->attnotnull) {
        refuse(relation,
               psprintf("a column that is not NOT NULL any more, \"%s\"", NameStr(attribute->attname)),
               "Delete rows where it is NULL, and ALTER it to SET NOT NULL.");
      }
      attributes[column] = attribute->attnum;
    }
  }
  for (int i = 0; i < shape.count; i++) {
    if (attributes[i] != InvalidAttrNumber) continue;
    refuse(relation, psprintf("lost its column \"%s\"", shape.columns[i].name),
           psprintf("It has to be of type %s.",
                    format_type_with_typemod(shape.columns[i].type, shape.columns[i].typmod)));
  }
  return attributes;
}

const char* owned_index_trouble(Relation index) {
  const Form_pg_index form = index->rd_index;
  if (!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr)) return "a partial index";
  if (!has_only_digests(index)) return "an index on an expression";
  if (form->indisexclusion) return "an exclusion constraint";
  if (form->indisunique && !form->indimmediate) return "a deferrable constraint";
  if (!has_only_c_functions(index)) return "an index by functions that are not in C";
  return nullptr;
}

void owned_refuse_index(Relation relation, Relation index, const char* trouble) {
  refuse(relation, psprintf("%s, \"%s\"", trouble, RelationGetRelationName(index)), kDrop);
}

}  // namespace trending
