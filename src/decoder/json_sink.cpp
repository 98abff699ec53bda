// SPDX-License-Identifier: PostgreSQL
#include "decoder/json_sink.h"

#include "decoder/row_json.h"
#include "decoder/source_list.h"

namespace trending {

namespace {

struct JsonSink {
  LogicalDecodingContext* decoding;
  List* sources;   // OIDs of the followed tables
  bool wants_own;  // some of them are written by the worker
};

void append_head(StringInfo out, ReorderBufferTXN* txn, const char* action, Relation relation) {
  appendStringInfo(out, "{\"action\":\"%s\",\"table\":", action);
  escape_json(out, quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
                                              RelationGetRelationName(relation)));
  appendStringInfo(out, ",\"xid\":%u,\"commit_lsn\":\"%X/%X\",\"commit_time\":", txn->xid,
                   TRENDING_LSN_ARGS(txn->final_lsn));
  escape_json(out, timestamptz_to_str(compat::commit_time(txn)));
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
  const auto all = [](const char*) { return true; };
  OutputPluginPrepareWrite(sink->decoding, true);
  StringInfo out = sink->decoding->out;
  append_head(out, txn, action, relation);
  TupleDesc descriptor = RelationGetDescr(relation);
  HeapTuple old_row = compat::decoded_tuple(change->data.tp.oldtuple);
  HeapTuple new_row = compat::decoded_tuple(change->data.tp.newtuple);
  if (old_row != nullptr) {
    appendStringInfoString(out, ",\"old\":");
    append_row_json(out, descriptor, old_row, all);
  }
  if (new_row != nullptr) {
    appendStringInfoString(out, ",\"new\":");
    append_row_json(out, descriptor, new_row, all);
  }
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

bool wants_own(void* context, XLogReaderState*) {
  return static_cast<JsonSink*>(context)->wants_own;
}

}  // namespace

const ChangeSink* json_sink_create(LogicalDecodingContext* decoding, bool is_init) {
  auto* json = static_cast<JsonSink*>(palloc0(sizeof(JsonSink)));
  json->decoding = decoding;
  json->sources = is_init ? NIL : source_list(&json->wants_own);
  auto* sink = static_cast<ChangeSink*>(palloc0(sizeof(ChangeSink)));
  *sink = ChangeSink{json, nullptr, begin, change, truncate, commit, wants_own, nullptr};
  return sink;
}

}  // namespace trending
