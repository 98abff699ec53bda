// SPDX-License-Identifier: PostgreSQL
// The yardstick of the drain benchmark: the same decoding loop with an output plugin that does nothing.
//
// bench_drain(slot, since, upto) runs it in a background worker, like the real thing, and returns the seconds
// it took.
#include <sys/resource.h>

#include "decoder/decode_loop.h"
#include "postgres/guard.h"

namespace {

struct Request {
  Oid database;
  XLogRecPtr since;
  XLogRecPtr upto;
  char slot[NAMEDATALEN];
};
static_assert(sizeof(Request) <= BGW_EXTRALEN);

constexpr char kResultFile[] = "trending_bench.result";

void startup(LogicalDecodingContext*, OutputPluginOptions* options, bool) {
  options->output_type = OUTPUT_PLUGIN_BINARY_OUTPUT;
}
void begin(LogicalDecodingContext*, ReorderBufferTXN*) {}
void change(LogicalDecodingContext*, ReorderBufferTXN*, Relation, ReorderBufferChange*) {}
void commit(LogicalDecodingContext*, ReorderBufferTXN*, XLogRecPtr) {}

double processor_seconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void drain(const Request& request) {
  pqsignal(SIGTERM, die);
  BackgroundWorkerUnblockSignals();
  BackgroundWorkerInitializeConnectionByOid(request.database, InvalidOid, 0);
  SetConfigOption("logical_decoding_work_mem", "256MB", PGC_SUSET, PGC_S_OVERRIDE);
  trending::DecodeLoop loop;
  loop.open(request.slot, request.since);
  const double started = processor_seconds();
  while (loop.next() && loop.position() < request.upto) CHECK_FOR_INTERRUPTS();
  const double seconds = processor_seconds() - started;
  loop.close();
  FILE* file = AllocateFile(kResultFile, "w");
  fprintf(file, "%.6f", seconds);
  FreeFile(file);
}

}  // namespace

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_output_plugin_init(OutputPluginCallbacks* callbacks) {
  callbacks->startup_cb = startup;
  callbacks->begin_cb = begin;
  callbacks->change_cb = change;
  callbacks->commit_cb = commit;
}

PGDLLEXPORT void bench_drain_main(Datum) {
  Request request;
  memcpy(&request, MyBgworkerEntry->bgw_extra, sizeof(request));
  trending::guarded([&] { drain(request); });
}

PG_FUNCTION_INFO_V1(bench_drain);
PGDLLEXPORT Datum bench_drain(PG_FUNCTION_ARGS) {
  Request request = {MyDatabaseId, PG_GETARG_LSN(1), PG_GETARG_LSN(2), {}};
  strlcpy(request.slot, NameStr(*PG_GETARG_NAME(0)), NAMEDATALEN);
  BackgroundWorker worker = {};
  worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
  worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
  worker.bgw_restart_time = BGW_NEVER_RESTART;
  worker.bgw_notify_pid = MyProcPid;
  strlcpy(worker.bgw_library_name, "trending_bench", sizeof(worker.bgw_library_name));
  strlcpy(worker.bgw_function_name, "bench_drain_main", sizeof(worker.bgw_function_name));
  strlcpy(worker.bgw_name, "trending bench", BGW_MAXLEN);
  memcpy(worker.bgw_extra, &request, sizeof(request));
  BackgroundWorkerHandle* handle = nullptr;
  unlink(kResultFile);
  if (!RegisterDynamicBackgroundWorker(&worker, &handle)) elog(ERROR, "no background worker is free");
  WaitForBackgroundWorkerShutdown(handle);
  FILE* file = AllocateFile(kResultFile, "r");
  double seconds = 0;
  if (file == nullptr || fscanf(file, "%lf", &seconds) != 1)
    elog(ERROR, "the drain failed, see the server log");
  FreeFile(file);
  PG_RETURN_FLOAT8(seconds);
}
}
