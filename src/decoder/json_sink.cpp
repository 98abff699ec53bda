#include "decoder/json_sink.h"

#include "decoder/source_list.h"

namespace trending {

namespace {

struct JsonSink {
  LogicalDecodingContext* decoding;
  List* sources;  // OIDs of the followed tables
};

// Numbers and booleans stand in JSON as they are; everything else is a string.
bool is_bare(Oid type) {
  switch (type) {
    case BOOLOID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
      return true;
    default:
      return false;
  }
}

void append_value(StringInfo out, Form_pg_attribute attribute, Datum value) {
  Oid output = InvalidOid;
  bool is_varlena = false;
  getTypeOutputInfo(attribute->atttypid, &output, &is_varlena);
  if (is_varlena) value = PointerGetDatum(PG_DETOAST_DATUM(value));
  if (attribute->atttypid == BOOLOID) {
    appendStringInfoString(out, DatumGetBool(value) ? "true" : "false");
  } else if (is_bare(attribute->atttypid)) {
    appendStringInfoString(out, OidOutputFunctionCall(output, value));
  } else {
    escape_json(out, OidOutputFunctionCall(output, value));
  }
}

void append_row(StringInfo out, const char* name, TupleDesc descriptor, HeapTuple tuple) {
  appendStringInfo(out, ",\"%s\":{", name);
  bool first = true;
  for (int i = 0; i < descriptor->natts; i++) {
    Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
    if (attribute->attisdropped) continue;
    bool isnull = false;
    Datum value = heap_getattr(tuple, i + 1, descriptor, &isnull);
    bool unchanged = !isnull && attribute->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(value));
    if (unchanged) continue;  // a toasted value that the update left alone is not in the WAL
    if (!first) appendStringInfoChar(out, ',');
    first = false;
    escape_json(out, NameStr(attribute->attname));
    appendStringInfoChar(out, ':');
    if (isnull) {
      appendStringInfoString(out, "null");
    } else {
      append_value(out, attribute, value);
    }
  }
  appendStringInfoChar(out, '}');
}

void append_head(StringInfo out, ReorderBufferTXN* txn, const char* action, Relation relation) {
  appendStringInfo(out, "{\"action\":\"%s\",\"table\":", action);
  escape_json(out, quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
                                              RelationGetRelationName(relation)));
  appendStringInfo(out, ",\"xid\":%u,\"commit_lsn\":\"%X/%X\",\"commit_time\":", txn->xid,
                   TRENDING_LSN_ARGS(txn->final_lsn));
  escape_json(out, timestamptz_to_str(txn->xact_time.commit_time));
}

bool follows(const JsonSink* sink, Relation relation) {
  if (list_member_oid(sink->sources, RelationGetRelid(relation))) return true;
  if (!relation->rd_rel->relispartition) return false;
  ListCell* cell = nullptr;
  foreach (cell, get_partition_ancestors(RelationGetRelid(relation))) {
    if (list_member_oid(sink->sources, lfirst_oid(cell))) return true;
  }
  return false;
}

void write_change(JsonSink* sink, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change) {
  if (!follows(sink, relation)) return;
  const char* action = change->action == REORDER_BUFFER_CHANGE_INSERT   ? "insert"
                       : change->action == REORDER_BUFFER_CHANGE_UPDATE ? "update"
                                                                        : "delete";
  OutputPluginPrepareWrite(sink->decoding, true);
  StringInfo out = sink->decoding->out;
  append_head(out, txn, action, relation);
  TupleDesc descriptor = RelationGetDescr(relation);
  HeapTuple old_row = compat::decoded_tuple(change->data.tp.oldtuple);
  HeapTuple new_row = compat::decoded_tuple(change->data.tp.newtuple);
  if (old_row != nullptr) append_row(out, "old", descriptor, old_row);
  if (new_row != nullptr) append_row(out, "new", descriptor, new_row);
  appendStringInfoChar(out, '}');
  OutputPluginWrite(sink->decoding, true);
}

void begin(void*, ReorderBufferTXN*) {}

void change(void* context, ReorderBufferTXN* txn, Relation relation, ReorderBufferChange* change) {
  auto* sink = static_cast<JsonSink*>(context);
  MemoryContext row = AllocSetContextCreate(CurrentMemoryContext, "trending json", ALLOCSET_SMALL_SIZES);
  MemoryContext caller = MemoryContextSwitchTo(row);
  write_change(sink, txn, relation, change);
  MemoryContextSwitchTo(caller);
  MemoryContextDelete(row);
}

void truncate(void* context, ReorderBufferTXN* txn, int count, Relation relations[]) {
  auto* sink = static_cast<JsonSink*>(context);
  for (int i = 0; i < count; i++) {
    if (!follows(sink, relations[i])) continue;
    OutputPluginPrepareWrite(sink->decoding, true);
    append_head(sink->decoding->out, txn, "truncate", relations[i]);
    appendStringInfoChar(sink->decoding->out, '}');
    OutputPluginWrite(sink->decoding, true);
  }
}

void commit(void*, ReorderBufferTXN*, XLogRecPtr) {}

}  // namespace

const ChangeSink* json_sink_create(LogicalDecodingContext* decoding, bool is_init) {
  auto* json = static_cast<JsonSink*>(palloc0(sizeof(JsonSink)));
  json->decoding = decoding;
  json->sources = is_init ? NIL : source_list();
  auto* sink = static_cast<ChangeSink*>(palloc0(sizeof(ChangeSink)));
  *sink = ChangeSink{json, begin, change, truncate, commit};
  return sink;
}

}  // namespace trending
