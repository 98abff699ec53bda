// SPDX-License-Identifier: PostgreSQL
// The output plugin: the server's logical decoding calls it, it passes each change to the process' sink.
//
// Transactions in progress are not streamed and prepared ones not decoded early (those callbacks stay null),
// so only committed work arrives here.
#include "decoder/change_sink.h"
#include "decoder/direct_replay.h"
#include "decoder/json_sink.h"
#include "decoder/plugin_message.h"
#include "decoder/slot.h"
#include "postgres/guard.h"
#include "shmem/commit_latency.h"

namespace trending {

const ChangeSink* worker_sink = nullptr;

namespace {

const ChangeSink* sink_of(LogicalDecodingContext* context) {
  return static_cast<const ChangeSink*>(context->output_plugin_private);
}

// The transaction whose commit record is being decoded is in the trends now.
void note_visible(LogicalDecodingContext* context) {
  if (worker_sink == nullptr) return;
  commit_latency_note(reinterpret_cast<const xl_xact_commit*>(XLogRecGetData(context->reader))->xact_time);
}

// A slot of ours read by anybody but its worker would lose the events it hands out, and one made by anybody
// else under its name would pass for it. Only pg_upgrade may: it recreates the slots of the old server, and
// the worker replaces those.
void refuse_foreign_use() {
  if (IsBinaryUpgrade) return;
  if (MyReplicationSlot == nullptr || !is_worker_slot(NameStr(MyReplicationSlot->data.name))) return;
  ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
                  errmsg("replication slot \"%s\" belongs to trending's worker",
                         NameStr(MyReplicationSlot->data.name)),
                  errdetail("Reading it would take events away from the trends."),
                  errhint("Create a slot of another name with the plugin \"trending\".")));
}

void startup(LogicalDecodingContext* context, OutputPluginOptions* options, bool is_init) {
  options->output_type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
  options->receive_rewrites = false;
  if (worker_sink != nullptr) {
    context->output_plugin_private = const_cast<ChangeSink*>(worker_sink);
    return;
  }
  if (context->output_plugin_options != NIL) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("the output plugin \"trending\" takes no options")));
  }
  refuse_foreign_use();
  context->output_plugin_private = const_cast<ChangeSink*>(json_sink_create(context, is_init));
}

void begin(LogicalDecodingContext* context, ReorderBufferTXN* txn) {
  guarded([&] {
    // The server takes the time of an origin even where the session gave none.
    compat::set_commit_time(txn, commit_time_of_record(context->reader));
    sink_of(context)->begin(sink_of(context)->context, txn);
  });
}

void change(LogicalDecodingContext* context, ReorderBufferTXN* txn, Relation relation,
            ReorderBufferChange* change) {
  guarded([&] { sink_of(context)->change(sink_of(context)->context, txn, relation, change); });
}

void truncate(LogicalDecodingContext* context, ReorderBufferTXN* txn, int count, Relation relations[],
              ReorderBufferChange*) {
  guarded([&] { sink_of(context)->truncate(sink_of(context)->context, txn, count, relations); });
}

void commit(LogicalDecodingContext* context, ReorderBufferTXN* txn, XLogRecPtr commit_lsn) {
  guarded([&] { sink_of(context)->commit(sink_of(context)->context, txn, commit_lsn); });
  note_visible(context);
}

void message(LogicalDecodingContext* context, ReorderBufferTXN*, XLogRecPtr, bool transactional,
             const char* prefix, Size size, const char* text) {
  guarded([&] {
    const ChangeSink* sink = sink_of(context);
    if (sink->message == nullptr || !is_own_message(context->reader, transactional, prefix)) return;
    sink->message(text, size);
  });
}

bool wants_own(const ChangeSink* sink, XLogReaderState* reader) {
  bool wanted = false;
  guarded([&] { wanted = sink->wants_own != nullptr && sink->wants_own(sink->context, reader); });
  return wanted;
}

// Asked for every change before it is queued, and for every commit. The worker's own transactions
// (checkpoints, history) carry the origin DoNotReplicateId and matter only to trends over what it writes.
// Others, when they are simple enough, are replayed right here, and the server is told to forget them.
bool filter_by_origin(LogicalDecodingContext* context, compat::OriginId origin) {
  const ChangeSink* sink = sink_of(context);
  if (origin == DoNotReplicateId && !wants_own(sink, context->reader)) return true;
  if (sink->replay == nullptr || !is_plain_commit(context->reader)) return false;
  bool replayed = false;
  guarded([&] { replayed = replay_directly(context, sink); });
  if (replayed) note_visible(context);
  return replayed;
}

}  // namespace
}  // namespace trending

extern "C" {
PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
  callbacks->startup_cb = trending::startup;
  callbacks->begin_cb = trending::begin;
  callbacks->change_cb = trending::change;
  callbacks->truncate_cb = trending::truncate;
  callbacks->commit_cb = trending::commit;
  callbacks->message_cb = trending::message;
  callbacks->filter_by_origin_cb = trending::filter_by_origin;
}
}
