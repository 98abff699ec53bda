// SPDX-License-Identifier: PostgreSQL
#include "catalog/definition_view.h"

#include "catalog/definition_catalog.h"
#include "definition/query_text.h"
#include "postgres/spi.h"

namespace trending {

namespace {

// Columns of trending.checked_definition.
enum CheckedColumn : AttrNumber {
  kCheckedTrend = 1,
  kCheckedSystem,
  kCheckedDigest,
  kCheckedCount = kCheckedDigest
};

ViewStmt* view_statement(Oid schema, const char* name, const char* text) {
  auto* statement = makeNode(ViewStmt);
  statement->view = makeRangeVar(get_namespace_name(schema), pstrdup(name), -1);
  // Parsed again: analysis may scribble on what it is given.
  statement->query = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_DEFAULT))->stmt;
  return statement;
}

enum class Checked { kUnknown, kSame, kOther };

// What is known of a trend's rule. A row of another cluster (pg_upgrade copies it) says nothing, for there
// the same objects have other OIDs.
Checked look_up(int32 trend_id, const Fingerprint& rule) {
  Oid schema = get_namespace_oid("trending", true);
  Oid table = OidIsValid(schema) ? get_relname_relid("checked_definition", schema) : InvalidOid;
  if (!OidIsValid(table)) return Checked::kUnknown;
  Relation relation = table_open(table, AccessShareLock);
  ScanKeyData key;
  ScanKeyInit(&key, kCheckedTrend, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(trend_id));
  SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, nullptr, 1, &key);
  Checked result = Checked::kUnknown;
  if (HeapTuple tuple = systable_getnext(scan)) {
    Datum values[kCheckedCount];
    bool isnull[kCheckedCount];
    heap_deform_tuple(tuple, RelationGetDescr(relation), values, isnull);
    if (DatumGetInt64(values[kCheckedSystem - 1]) == static_cast<int64>(GetSystemIdentifier())) {
      bytea* digest = DatumGetByteaPP(values[kCheckedDigest - 1]);
      const bool same = VARSIZE_ANY_EXHDR(digest) == sizeof(rule.bytes) &&
                        memcmp(VARDATA_ANY(digest), rule.bytes, sizeof(rule.bytes)) == 0;
      result = same ? Checked::kSame : Checked::kOther;
    }
  }
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return result;
}

bool depends_on(Oid view, Oid relation) {
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
              ObjectIdGetDatum(RelationRelationId));
  ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(view));
  Relation catalog = table_open(DependRelationId, AccessShareLock);
  SysScanDesc scan = systable_beginscan(catalog, DependDependerIndexId, true, nullptr, 2, keys);
  bool found = false;
  for (HeapTuple tuple = nullptr; !found && HeapTupleIsValid(tuple = systable_getnext(scan));) {
    const auto* row = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
    found = row->refclassid == RelationRelationId && row->refobjid == relation;
  }
  systable_endscan(scan);
  table_close(catalog, AccessShareLock);
  return found;
}

}  // namespace

Oid definition_view_create(Oid schema, const char* name, const char* text) {
  QueryText place = {text, nullptr, -1, {}};
  query_text_begin(&place);
  auto* wrapper = makeNode(PlannedStmt);
  wrapper->commandType = CMD_UTILITY;
  wrapper->utilityStmt = reinterpret_cast<Node*>(view_statement(schema, name, text));
  wrapper->stmt_location = 0;
  wrapper->stmt_len = 0;
  ProcessUtility(wrapper, text, false, PROCESS_UTILITY_QUERY, nullptr, nullptr, None_Receiver, nullptr);
  query_text_end(&place);
  CommandCounterIncrement();
  return get_relname_relid(name, schema);
}

void definition_view_attach(Oid view, Oid relation) {
  ObjectAddress part = {RelationRelationId, view, 0};
  ObjectAddress whole = {RelationRelationId, relation, 0};
  recordDependencyOn(&part, &whole, DEPENDENCY_INTERNAL);
}

Query* definition_view_query(Oid view, Fingerprint* rule) {
  HeapTuple tuple = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view), PointerGetDatum(ViewSelectRuleName));
  if (!HeapTupleIsValid(tuple)) return nullptr;
  bool isnull = false;
  Datum action = SysCacheGetAttr(RULERELNAME, tuple, Anum_pg_rewrite_ev_action, &isnull);
  const char* tree = isnull ? "" : TextDatumGetCString(action);
  ReleaseSysCache(tuple);
  *rule = fingerprint_of(tree, strlen(tree));
  auto* actions = isnull ? NIL : static_cast<List*>(stringToNode(tree));
  if (list_length(actions) != 1) return nullptr;
  auto* query = linitial_node(Query, actions);
  compat::strip_rule_entries(query);
  return query;
}

Definition* definition_of_view(Oid view, const char* trend, bool check_rights) {
  QueryText place = {nullptr, trend, -1, {}};
  query_text_begin(&place);
  Fingerprint rule;
  Query* query = definition_view_query(view, &rule);
  if (query == nullptr) {
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the view that holds the definition was dropped"),
             errhint("Drop the trend with trending.drop_trend() and create it again.")));
  }
  query_text_end(&place);
  Definition* definition = definition_of_query(query, rule, trend, check_rights);
  definition->view = view;
  return definition;
}

void definition_view_confirm(const Definition& definition) {
  // Whoever drops it, or does something else to it, is no reason to wait: there will be another time.
  if (!ConditionalLockRelationOid(definition.relation, AccessShareLock)) return;
  if (get_rel_name(definition.relation) == nullptr || get_rel_name(definition.view) == nullptr) return;
  if (!depends_on(definition.view, definition.relation)) {
    definition_view_attach(definition.view, definition.relation);
  }
  if (look_up(definition.id, definition.rule) != Checked::kUnknown) return;
  SPI_connect();
  definition_note_checked(definition.id, definition.rule);
  SPI_finish();
}

void definition_note_checked(int32 trend_id, const Fingerprint& rule) {
  const SpiValue values[] = {spi_int4(trend_id), spi_int8(static_cast<int64>(GetSystemIdentifier())),
                             spi_bytea(rule.bytes, sizeof(rule.bytes))};
  (void)spi_execute(
      "INSERT INTO trending.checked_definition (trend_id, system_identifier, digest) VALUES ($1, $2, $3) "
      "ON CONFLICT (trend_id) DO UPDATE SET system_identifier = excluded.system_identifier, "
      "digest = excluded.digest",
      values, lengthof(values));
}

void definition_compare_checked(int32 trend_id, const char* trend, const Fingerprint& rule) {
  if (look_up(trend_id, rule) != Checked::kOther) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the definition of trend \"%s\" was replaced", trend),
                  errdetail("Its view is not the one that was checked when the trend was created."),
                  errhint("Drop the trend with trending.drop_trend() and create it again.")));
}

}  // namespace trending
