// SPDX-License-Identifier: PostgreSQL
// Joined tables: a dimension is joined by all columns of one of its unique keys, so that a row of the source meets at
// most one row of it.
//
// What is known of a dimension is looked up without a lock on it, since the worker comes here, too: whoever alters the
// table has the definition looked at again.
#include <algorithm>

#include "definition/aggregate_functions.h"
#include "definition/clauses/analysis.h"
#include "definition/clauses/source_check.h"
#include "definition/replica_identity.h"
#include "values/key_type.h"

namespace trending {

namespace {

[[noreturn]] void refuse(const QueryText& text, const char* message, const char* detail, const char* hint,
                         int location) {
  ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg_internal("%s", message),
                  detail == nullptr ? 0 : errdetail_internal("%s", detail), errhint("%s", hint),
                  query_position(text, location)));
  pg_unreachable();
}

const char* name_of(const Dimension& dimension) {
  return get_rel_name(dimension.relation);
}

// --- the wide row ---

SourceColumn column_of(Oid relation, AttrNumber attnum) {
  SourceColumn column = {};
  column.attnum = attnum;
  column.name = get_attname(relation, attnum, false);
  get_atttypetypmodcoll(relation, attnum, &column.type, &column.typmod, &column.collation);
  return column;
}

int last_place(const Definition& definition) {
  int last = definition.wide_base;
  for (int d = 0; d < definition.dimension_count; d++) {
    const Dimension& dimension = definition.dimensions[d];
    for (int i = 0; i < dimension.column_count; i++) last = std::max(last, int{dimension.columns[i].place});
  }
  return last;
}

Dimension* dimension_at(Definition* definition, int entry) {
  for (int d = 0; d < definition->dimension_count; d++) {
    if (definition->dimensions[d].entry == static_cast<Index>(entry)) return &definition->dimensions[d];
  }
  return nullptr;
}

// The place of a dimension's column in the wide row, where it is put if it is new.
AttrNumber place_of(Definition* definition, Dimension* dimension, AttrNumber attnum) {
  for (int i = 0; i < dimension->column_count; i++) {
    if (dimension->columns[i].column.attnum == attnum) return dimension->columns[i].place;
  }
  const int place = last_place(*definition) + 1;
  const auto size = sizeof(DimensionColumn) * static_cast<Size>(dimension->column_count + 1);
  dimension->columns = static_cast<DimensionColumn*>(
      dimension->columns == nullptr ? palloc(size) : repalloc(dimension->columns, size));
  dimension->columns[dimension->column_count++] = {column_of(dimension->relation, attnum),
                                                   static_cast<AttrNumber>(place)};
  return static_cast<AttrNumber>(place);
}

void check_column(const Analysis& analysis, const Dimension& dimension, const Var* column) {
  const char* construct = column->varattno == 0  ? "a whole row"
                          : column->varattno < 0 ? "a system column"
                          : compat::is_virtual_column(dimension.relation, column->varattno)
                              ? "a virtual generated column"
                              : nullptr;
  if (construct == nullptr) return;
  refuse(analysis.text,
         psprintf("%s of a joined table is not allowed in the definition of a trend", construct), nullptr,
         "Name the columns.", column->location);
}

// Makes columns of dimensions columns of the source's row.
Node* widen(Node* node, void* context) {
  if (node == nullptr) return nullptr;
  if (!IsA(node, Var)) return compat::mutate_expression(node, widen, context);
  auto* analysis = static_cast<Analysis*>(context);
  auto* column = static_cast<Var*>(copyObjectImpl(node));
  Dimension* dimension = dimension_at(analysis->definition, column->varno);
  if (dimension == nullptr) return reinterpret_cast<Node*>(column);
  check_column(*analysis, *dimension, column);
  compat::clear_nulling(column);
  column->varattno = place_of(analysis->definition, dimension, column->varattno);
  column->varno = static_cast<int>(analysis->definition->source_entry);
  return reinterpret_cast<Node*>(column);
}

// Columns of joins with USING become those of their tables first.
template <typename T>
T* widened(Analysis* analysis, T* node) {
  Node* flat = compat::flatten_join_columns(analysis->query, reinterpret_cast<Node*>(node));
  return reinterpret_cast<T*>(widen(flat, analysis));
}

// --- the key ---

// A condition `column of the dimension = expression`.
struct Equality {
  AttrNumber column;
  Node* expression;  // of the wide row
  Oid operator_id;
  Oid collation;
  Node* condition;
  bool is_used;
};

Node* without_relabeling(Node* node) {
  while (IsA(node, RelabelType)) node = reinterpret_cast<Node*>(reinterpret_cast<RelabelType*>(node)->arg);
  return node;
}

bool find_entry(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Var)) return reinterpret_cast<Var*>(node)->varno == *static_cast<int*>(context);
  return compat::walk_expression(node, find_entry, context);
}

bool reads_entry(Node* node, Index entry) {
  int number = static_cast<int>(entry);
  return find_entry(node, &number);
}

// False: it is another condition.
bool read_equality(Node* condition, Index entry, Equality* equality) {
  if (!IsA(condition, OpExpr)) return false;
  const auto* call = reinterpret_cast<OpExpr*>(condition);
  if (list_length(call->args) != 2) return false;
  for (int side = 0; side < 2; side++) {
    Node* column = without_relabeling(static_cast<Node*>(list_nth(call->args, side)));
    auto* other = static_cast<Node*>(list_nth(call->args, 1 - side));
    if (!IsA(column, Var) || reinterpret_cast<Var*>(column)->varno != static_cast<int>(entry)) continue;
    if (reinterpret_cast<Var*>(column)->varattno <= 0 || reads_entry(other, entry)) continue;
    // Of the two sides' operators, which may be each other's, that with the column on the left.
    const Oid operator_id = side == 0 ? call->opno : get_commutator(call->opno);
    *equality = {
        reinterpret_cast<Var*>(column)->varattno, other, operator_id, call->inputcollid, condition, false};
    return OidIsValid(operator_id);
  }
  return false;
}

// The operator class's family of the i-th column of an index.
Oid family_of(HeapTuple index, int i) {
  bool isnull = false;
  Datum classes = SysCacheGetAttr(INDEXRELID, index, Anum_pg_index_indclass, &isnull);
  return get_opclass_family(reinterpret_cast<oidvector*>(DatumGetPointer(classes))->values[i]);
}

Equality* find_equality(List* equalities, AttrNumber column, Oid family) {
  ListCell* cell = nullptr;
  foreach (cell, equalities) {
    auto* equality = static_cast<Equality*>(lfirst(cell));
    if (equality->column == column &&
        get_op_opfamily_strategy(equality->operator_id, family) == BTEqualStrategyNumber) {
      return equality;
    }
  }
  return nullptr;
}

// The equalities that are with all columns of a unique index; NIL: none are.
List* covered_by(List* equalities, Oid index) {
  HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return NIL;
  const auto* form = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple));
  bool fits = form->indisunique && form->indisvalid && form->indimmediate &&
              heap_attisnull(tuple, Anum_pg_index_indpred, nullptr);
  List* covered = NIL;
  for (int i = 0; i < form->indnkeyatts && fits; i++) {
    Equality* equality = find_equality(equalities, form->indkey.values[i], family_of(tuple, i));
    fits = equality != nullptr;
    covered = lappend(covered, equality);
  }
  ReleaseSysCache(tuple);
  return fits ? covered : NIL;
}

// Of the key with the fewest columns.
List* covered_by_some(List* equalities, Relation relation) {
  List* best = NIL;
  ListCell* cell = nullptr;
  foreach (cell, RelationGetIndexList(relation)) {
    List* covered = covered_by(equalities, lfirst_oid(cell));
    if (covered != NIL && (best == NIL || list_length(covered) < list_length(best))) best = covered;
  }
  return best;
}

bool is_integer(Oid type) {
  return type == INT2OID || type == INT4OID || type == INT8OID;
}

[[noreturn]] void refuse_key_type(const Analysis& analysis, const SourceColumn& column, Oid other,
                                  int location) {
  refuse(
      analysis.text, psprintf("a table cannot be joined by column \"%s\" here", column.name),
      psprintf("Its type is %s, that of the other side %s.", format_type_be(column.type),
               format_type_be(other)),
      "Both sides need one type, whose equal values always look the same, or a cast of the other side to that "
      "of the column.",
      location);
}

// The expression as a value of the key's type.
Node* as_key(const Analysis& analysis, const SourceColumn& column, Oid type, const Equality& equality) {
  Node* expression = equality.expression;
  const int location = exprLocation(equality.condition);
  if (!type_is_image_equal(type, equality.collation))
    refuse_key_type(analysis, column, exprType(expression), location);
  const Oid given = getBaseType(exprType(expression));
  if (given == getBaseType(type) || IsBinaryCoercible(given, type)) return expression;
  Node* cast = coerce_to_target_type(nullptr, expression, exprType(expression), type, -1, COERCION_IMPLICIT,
                                     COERCE_IMPLICIT_CAST, -1);
  if (cast == nullptr) refuse_key_type(analysis, column, exprType(expression), location);
  return cast;
}

void set_key(Analysis* analysis, Dimension* dimension, List* covered) {
  const auto count = static_cast<Size>(list_length(covered));
  dimension->key.columns = static_cast<KeyColumn*>(palloc0(sizeof(KeyColumn) * count));
  dimension->key.order = static_cast<int*>(palloc0(sizeof(int) * count));
  dimension->key_columns = static_cast<SourceColumn*>(palloc0(sizeof(SourceColumn) * count));
  ListCell* cell = nullptr;
  foreach (cell, covered) {
    auto* equality = static_cast<Equality*>(lfirst(cell));
    const int i = dimension->key.count++;
    SourceColumn* column = &dimension->key_columns[i];
    *column = column_of(dimension->relation, equality->column);
    const Oid type = is_integer(column->type) ? INT8OID : column->type;
    Node* value = as_key(*analysis, *column, type, *equality);
    expression_check(value, analysis->scope, "ON");
    KeyColumn* key = &dimension->key.columns[i];
    key->name = column->name;
    key->expr = prepare_expression(*analysis, value);
    key_column_set_type(key, type, column->typmod, column->collation);
    dimension->key.order[i] = i;
    equality->is_used = true;
  }
}

// --- the replica identity ---

void check_identity(const Analysis& analysis, const Dimension& dimension, int location) {
  ListCell* cell = nullptr;
  foreach (cell, find_all_inheritors(dimension.relation, NoLock, nullptr)) {
    Relation table = RelationIdGetRelation(lfirst_oid(cell));
    if (table == nullptr) continue;  // dropped
    const bool is_followed = lfirst_oid(cell) == dimension.relation || table->rd_rel->relispartition;
    const bool fits = !is_followed || table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
                      identity_has_key(table, dimension);
    char* name = pstrdup(RelationGetRelationName(table));
    RelationClose(table);
    if (fits) continue;
    refuse(
        analysis.text, psprintf("changes of \"%s\" cannot be followed", name),
        "Its replica identity lacks a column that it is joined by, so old versions of its rows do not say which "
        "rows they were.",
        psprintf(
            "Join it by its primary key, or: ALTER TABLE %s REPLICA IDENTITY USING INDEX, with the index of "
            "the key.",
            quote_identifier(name)),
        location);
  }
}

// --- a joined table ---

// What of ON is no part of the key.
void keep_conditions(Analysis* analysis, const Dimension& dimension, List* conditions) {
  if (conditions == NIL) return;
  if (dimension.keeps_rows) {
    refuse(analysis->text, "ON of a LEFT JOIN in a trend may only compare the key of the joined table",
           nullptr, "Put the condition into FILTER, or into CASE.",
           exprLocation(static_cast<Node*>(linitial(conditions))));
  }
  ListCell* cell = nullptr;
  Node** where = &analysis->query->jointree->quals;
  foreach (cell, conditions) *where = make_and_qual(*where, static_cast<Node*>(lfirst(cell)));
}

void analyze_dimension(Analysis* analysis, Dimension* dimension, const JoinExpr* join) {
  Node* on = compat::flatten_join_columns(analysis->query, join->quals);
  const int location = exprLocation(on);
  List* equalities = NIL;
  List* others = NIL;
  ListCell* cell = nullptr;
  foreach (cell, make_ands_implicit(reinterpret_cast<Expr*>(on))) {
    auto* condition = static_cast<Node*>(lfirst(cell));
    auto* equality = static_cast<Equality*>(palloc0(sizeof(Equality)));
    if (read_equality(condition, dimension->entry, equality)) {
      equality->expression = widen(equality->expression, analysis);
      equalities = lappend(equalities, equality);
    } else {
      others = lappend(others, condition);
    }
  }
  Relation relation = RelationIdGetRelation(dimension->relation);
  List* covered = relation == nullptr ? NIL : covered_by_some(equalities, relation);
  if (relation != nullptr) RelationClose(relation);
  if (covered == NIL) {
    refuse(
        analysis->text, psprintf("\"%s\" is not joined by a unique key", name_of(*dimension)),
        "A row of the source must meet at most one row of a joined table.",
        "Compare all columns of its primary key, or of a unique constraint that is not deferrable, or of a unique "
        "index that is not partial, by = with columns of the source or of tables joined before.",
        location);
  }
  set_key(analysis, dimension, covered);
  foreach (cell, equalities) {
    auto* equality = static_cast<Equality*>(lfirst(cell));
    if (!equality->is_used) others = lappend(others, equality->condition);
  }
  ListCell* other = nullptr;
  foreach (other, others) lfirst(other) = widen(static_cast<Node*>(lfirst(other)), analysis);
  keep_conditions(analysis, *dimension, others);
  check_identity(*analysis, *dimension, location);
}

void widen_functions(Analysis* analysis) {
  ListCell* cell = nullptr;
  foreach (cell, analysis->query->rtable) {
    auto* entry = lfirst_node(RangeTblEntry, cell);
    if (entry->rtekind == RTE_FUNCTION) entry->functions = widened(analysis, entry->functions);
  }
}

bool find_dimension_column(Node* node, void* context) {
  if (node == nullptr) return false;
  if (IsA(node, Var)) {
    const auto* column = reinterpret_cast<Var*>(node);
    return column->varno == 1 && column->varattno > static_cast<const Definition*>(context)->wide_base;
  }
  return compat::walk_expression(node, find_dimension_column, context);
}

int column_count_of(Oid relation) {
  HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(tuple)) elog(ERROR, "the source was dropped");
  const int count = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relnatts;
  ReleaseSysCache(tuple);
  return count;
}

}  // namespace

void analyze_dimensions(Analysis* analysis) {
  Definition* definition = analysis->definition;
  const int count = list_length(analysis->joins);
  if (count == 0) return;
  if (count > kMaxDimensions) {
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                    errmsg("a trend joins at most %d tables to its source", kMaxDimensions)));
  }
  if (definition->unnesting_entry != 0) {
    refuse(
        analysis->text,
        "joined tables are not possible with a set-returning function in FROM of the definition of a trend",
        nullptr, "Keep a copy of the joined column in the source, or a table with a row for each element.",
        analysis->source_location);
  }
  definition->wide_base = column_count_of(definition->source);
  definition->dimensions = static_cast<Dimension*>(palloc0(sizeof(Dimension) * static_cast<Size>(count)));
  ListCell* cell = nullptr;
  foreach (cell, analysis->joins) {
    const auto* join = static_cast<DimensionJoin*>(lfirst(cell));
    const RangeTblEntry* entry = rt_fetch(join->entry, analysis->query->rtable);
    source_check(entry->relid, !entry->inh, analysis->text,
                 join->join->quals == nullptr ? -1 : exprLocation(join->join->quals), "joined in");
    Dimension* dimension = &definition->dimensions[definition->dimension_count++];
    dimension->relation = entry->relid;
    dimension->entry = join->entry;
    dimension->keeps_rows = join->join->jointype == JOIN_LEFT;
  }
  Query* query = analysis->query;
  query->jointree->quals = widened(analysis, query->jointree->quals);
  for (int d = 0; d < count; d++) {
    const auto* join = static_cast<DimensionJoin*>(list_nth(analysis->joins, d));
    analyze_dimension(analysis, &definition->dimensions[d], join->join);
  }
  query->targetList = widened(analysis, query->targetList);
  query->havingQual = widened(analysis, query->havingQual);
  widen_functions(analysis);
}

bool reads_dimension(const Definition& definition, const Expr* expression) {
  if (definition.dimension_count == 0) return false;
  return find_dimension_column(const_cast<Node*>(reinterpret_cast<const Node*>(expression)),
                               const_cast<Definition*>(&definition));
}

const char* column_name(const Analysis& analysis, AttrNumber attnum) {
  const Definition& definition = *analysis.definition;
  for (int d = 0; d < definition.dimension_count; d++) {
    const Dimension& dimension = definition.dimensions[d];
    for (int i = 0; i < dimension.column_count; i++) {
      if (dimension.columns[i].place == attnum) return dimension.columns[i].column.name;
    }
  }
  return get_attname(analysis.scope.source_relation, attnum, false);
}

namespace {

// Retracted values stay in a sketch.
bool approximates(const Definition& definition) {
  return std::any_of(definition.aggregates, definition.aggregates + definition.aggregate_count,
                     [](const DefinitionAggregate& aggregate) {
                       return aggregate.function == AggregateFunction::kApproxCountDistinct;
                     });
}

}  // namespace

void check_dimensions(const Analysis& analysis) {
  const Definition& definition = *analysis.definition;
  if (definition.dimension_count == 0) return;
  if (reads_dimension(definition, definition.event_time)) {
    refuse(analysis.text, "the event time of a trend may only use columns of its source", nullptr,
           "The window that a row is in does not change with a joined table.", analysis.window_location);
  }
  const char* with = definition.window.kind == WindowKind::kSession         ? "session windows"
                     : definition.half_life != 0                            ? "decayed aggregates"
                     : !can_retract(definition) || approximates(definition) ? "this aggregate"
                                                                            : nullptr;
  if (with != nullptr) {
    refuse(
        analysis.text, psprintf("joined tables are not possible with %s in the definition of a trend", with),
        "What was counted moves when a row of a joined table changes; a state of this kind cannot give it back.",
        "Use tumble, hop or cumulate with count, sum, avg, min, max, count(DISTINCT ...), trending.first or "
        "trending.last, or keep a copy of the column in the source.",
        analysis.window_location);
  }
  if (definition.by_commit_time) {
    refuse(analysis.text,
           "joined tables are not possible with trending.commit_time in the definition of a trend", nullptr,
           "Use a column for the event time.", analysis.window_location);
  }
}

}  // namespace trending
