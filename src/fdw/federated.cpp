// SPDX-License-Identifier: PostgreSQL
#include "fdw/federated.h"

#include "postgres/as_table_owner.h"

namespace trending {

namespace {

const char* option_of(Oid relation, const char* name) {
  ListCell* cell = nullptr;
  foreach (cell, GetForeignTable(relation)->options) {
    auto* option = static_cast<DefElem*>(lfirst(cell));
    if (strcmp(option->defname, name) == 0) return defGetString(option);
  }
  return nullptr;
}

[[noreturn]] void refuse_option(Oid relation, const char* name) {
  ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                  errmsg("option \"%s\" of federated trend \"%s\" does not fit its columns", name,
                         get_rel_name(relation)),
                  errhint("Drop the table and call trending.federate() again.")));
  pg_unreachable();
}

// "4 desc first, 3 asc last": the columns that rank, each as an aggregate of its own.
void read_ranking(Oid relation, const char* text, Definition* definition) {
  const int columns = definition->column_count;
  definition->order = static_cast<OrderTerm*>(palloc0(sizeof(OrderTerm) * static_cast<Size>(columns)));
  const char* at = text;
  while (*at != '\0') {
    int column = 0;
    char direction[5] = "";
    char nulls[6] = "";
    int length = 0;
    const bool is_read = sscanf(at, "%d %4s %5[a-z]%n", &column, direction, nulls, &length) == 3;
    if (!is_read || column < 1 || column >= columns || definition->order_count >= columns) {
      refuse_option(relation, "ranking");
    }
    OrderTerm& term = definition->order[definition->order_count++];
    term.role = ColumnRole::kAggregate;
    term.index = column - 1;
    term.descending = strcmp(direction, "desc") == 0;
    term.nulls_first = strcmp(nulls, "first") == 0;
    term.bytes.column.collation = definition->columns[column - 1].collation;
    at += length;
    at += strspn(at, ", ");
  }
  if (definition->order_count == 0) refuse_option(relation, "ranking");
}

}  // namespace

bool is_federated(Oid relation) {
  if (get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE) return false;
  const char* wrapper =
      GetForeignDataWrapper(GetForeignServer(GetForeignTable(relation)->serverid)->fdwid)->fdwname;
  return strcmp(wrapper, "trending_fdw") == 0 && option_of(relation, "ranking") != nullptr;
}

const Definition* federated_definition(Oid relation) {
  const char* ranking = option_of(relation, "ranking");
  if (ranking == nullptr) return nullptr;
  auto* definition = static_cast<Definition*>(palloc0(sizeof(Definition)));
  definition->relation = relation;
  Relation table = relation_open(relation, NoLock);
  TupleDesc descriptor = RelationGetDescr(table);
  const int count = descriptor->natts;
  definition->column_count = count;
  definition->columns =
      static_cast<DefinitionColumn*>(palloc0(sizeof(DefinitionColumn) * static_cast<Size>(count)));
  definition->aggregates =
      static_cast<DefinitionAggregate*>(palloc0(sizeof(DefinitionAggregate) * static_cast<Size>(count)));
  for (int i = 0; i < count; i++) {
    const Form_pg_attribute column = TupleDescAttr(descriptor, i);
    definition->columns[i] = {pstrdup(NameStr(column->attname)),
                              column->atttypid,
                              column->atttypmod,
                              column->attcollation,
                              i == count - 1 ? ColumnRole::kRank : ColumnRole::kAggregate,
                              i};
    definition->aggregates[i].function = AggregateFunction::kSum;
  }
  relation_close(table, NoLock);
  if (count < 2 || definition->columns[count - 1].type != INT8OID) refuse_option(relation, "ranking");
  definition->window.kind = WindowKind::kUnbounded;
  read_ranking(relation, ranking, definition);
  return definition;
}

void run_federated(const char* query, int64 k, Tuplestorestate* rows, MemoryContext context,
                   TupleDesc columns) {
  if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
  ParamListInfo parameters = makeParamList(1);
  parameters->params[0] = {Int64GetDatum(k), k < 0, PARAM_FLAG_CONST, INT8OID};
  SPIExecuteOptions options = {};
  options.params = parameters;
  options.dest = CreateDestReceiver(DestTuplestore);
  SetTuplestoreDestReceiverParams(options.dest, rows, context, true, columns,
                                  "a column of the federated trend was altered");
  SPI_execute_extended(query, &options);
  SPI_finish();
}

Tuplestorestate* federated_rows(Oid relation, TupleDesc columns, int64 k) {
  Tuplestorestate* rows = tuplestore_begin_heap(true, false, work_mem);
  const char* query = psprintf(
      "SELECT * FROM trending_internal.federated_rows(NULL::%s, $1)",
      quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation)));
  MemoryContext context = CurrentMemoryContext;
  as_table_owner(relation, [&] { run_federated(query, k, rows, context, columns); });
  return rows;
}

}  // namespace trending
