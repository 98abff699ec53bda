// trending.live_differences(trend): the rows in which a trend differs from its definition run in batch, at
// one instant.
//
// Both sides are fixed while writers of the source are kept out: the trend's rows are copied when the worker
// has counted everything, and a snapshot is taken. Then the lock is given back, and the batch query runs
// under that snapshot. Writers wait for no more than that: the lock itself is waited for in short turns,
// since whoever comes to write meanwhile queues up behind it. All this happens in a subtransaction that is
// rolled back; what it made belongs to the one around it.
#include "functions/batch_query.h"
#include "functions/difference_query.h"
#include "functions/trend_argument.h"
#include "postgres/guard.h"
#include "shmem/trend_access.h"

namespace trending {

namespace {

constexpr const char* kLockTurn = "100ms";
constexpr const char* kCatchUp = "2 seconds";  // of the worker, under the lock
constexpr long kPauseMs = 200;                 // between two turns, in which writers go on
constexpr int kRereads = 100;
constexpr const char* kRows = "trending_live_rows";

// Made outside of the subtransaction.
struct Moment {
  Tuplestorestate* rows;
  Snapshot snapshot;
  LiveSide live;
};

// The caller needs no rights to write the source: he keeps writers out for a moment only.
void check_source(const Definition& definition) {
  if (pg_class_aclcheck(definition.source, GetUserId(), ACL_SELECT) == ACLCHECK_OK) return;
  const AclResult result = pg_attribute_aclcheck_all(definition.source, GetUserId(), ACL_SELECT, ACLMASK_ANY);
  if (result != ACLCHECK_OK) aclcheck_error(result, OBJECT_TABLE, get_rel_name(definition.source));
}

void run(const char* command) {
  if (SPI_execute(command, false, 0) < 0) elog(ERROR, "could not run \"%s\"", command);
}

void lock_writers_out(Oid source) {
  const int nest_level = NewGUCNestLevel();
  (void)set_config_option("lock_timeout", kLockTurn, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
                          false);
  LockRelationOid(source, ShareLock);
  (void)find_all_inheritors(source, ShareLock, nullptr);
  AtEOXact_GUC(true, nest_level);
}

struct Seen {
  Window window;
  Time clock;
  Time watermark;

  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen look(const Definition& definition) {
  TrendRead* read = trend_read_begin(definition);
  const TrendReader& reader = trend_reader(read);
  const Seen seen{reader.window(), reader.clock(), reader.watermark()};
  trend_read_end(read);
  return seen;
}

// The trend's rows and what it says of itself, of the same instant: the clock may move without rows.
void copy_rows(const Definition& definition, Moment* moment) {
  DestReceiver* receiver = CreateDestReceiver(DestTuplestore);
  SetTuplestoreDestReceiverParams(receiver, moment->rows, CurrentMemoryContext, false, nullptr, nullptr);
  SPIExecuteOptions options = {};
  options.dest = receiver;
  const char* query = psprintf("SELECT * FROM %s", qualified_relation(definition.relation));
  for (int i = 0; i < kRereads; i++) {
    const Seen before = look(definition);
    tuplestore_clear(moment->rows);
    if (SPI_execute_extended(query, &options) < 0) elog(ERROR, "could not read the trend");
    if (look(definition) == before) {
      moment->live = {kRows, before.window, before.clock, before.watermark};
      return;
    }
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the current window of trend \"%s\" changes faster than it can be read",
                         get_rel_name(definition.relation))));
}

// False when the lock was not to be had, or the worker did not catch up, within a turn; then `error` is why.
bool try_to_fix(const Definition& definition, Moment* moment, ErrorData** error) {
  MemoryContext memory = CurrentMemoryContext;
  ResourceOwner resources = CurrentResourceOwner;
  volatile bool good = false;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    SPI_connect();
    lock_writers_out(definition.source);
    run(psprintf("SELECT trending.sync('%s')", kCatchUp));
    copy_rows(definition, moment);
    // Later than the lock, and no earlier than anything that was copied.
    moment->snapshot = RegisterSnapshotOnOwner(GetTransactionSnapshot(), resources);
    SPI_finish();
    MemoryContextSwitchTo(memory);
    RollbackAndReleaseCurrentSubTransaction();
    good = true;
  }
  PG_CATCH();
  {
    MemoryContextSwitchTo(memory);
    *error = CopyErrorData();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    const int sqlstate = (*error)->sqlerrcode;
    if (sqlstate != ERRCODE_LOCK_NOT_AVAILABLE && sqlstate != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE) {
      CurrentResourceOwner = resources;
      ReThrowError(*error);
    }
  }
  PG_END_TRY();
  MemoryContextSwitchTo(memory);
  CurrentResourceOwner = resources;
  return good;
}

// Waits as long as there are writers that keep the lock; the worker gets a few turns.
void fix(const Definition& definition, Moment* moment) {
  constexpr int kWorkerTurns = 5;
  int behind = 0;
  for (ErrorData* error = nullptr; !try_to_fix(definition, moment, &error); FreeErrorData(error)) {
    if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE && ++behind == kWorkerTurns) ReThrowError(error);
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kPauseMs, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

// The trend's row type, with the definition's names: those of the foreign table may have been changed.
TupleDesc row_type(const Definition& definition) {
  Relation relation = relation_open(definition.relation, AccessShareLock);
  TupleDesc type = CreateTupleDescCopy(RelationGetDescr(relation));
  relation_close(relation, NoLock);
  if (type->natts != definition.column_count) {
    ereport(ERROR, (errcode(ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION),
                    errmsg("columns of trend \"%s\" have been altered", get_rel_name(definition.relation))));
  }
  for (int i = 0; i < type->natts; i++) {
    namestrcpy(&TupleDescAttr(type, i)->attname, definition.columns[i].name);
  }
  return type;
}

void compare(const Definition& definition, const Moment& moment, ReturnSetInfo* result) {
  EphemeralNamedRelationData rows = {};
  rows.md.name = pstrdup(kRows);
  rows.md.reliddesc = InvalidOid;
  rows.md.tupdesc = row_type(definition);
  rows.md.enrtype = ENR_NAMED_TUPLESTORE;
  rows.md.enrtuples = static_cast<double>(tuplestore_tuple_count(moment.rows));
  rows.reldata = moment.rows;
  const char* query = live_difference_query(definition, moment.live);
  SPI_connect();
  if (SPI_register_relation(&rows) != SPI_OK_REL_REGISTER) elog(ERROR, "could not name the rows");
  SPIPlanPtr plan = SPI_prepare(query, 0, nullptr);
  if (plan == nullptr) elog(ERROR, "could not plan the comparison");
  if (SPI_execute_snapshot(plan, nullptr, nullptr, moment.snapshot, InvalidSnapshot, true, false, 0) < 0) {
    elog(ERROR, "could not compare");
  }
  for (uint64 i = 0; i < SPI_processed; i++) {
    Datum values[2];
    bool nulls[2];
    for (int c = 0; c < 2; c++) {
      values[c] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, c + 1, &nulls[c]);
    }
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
  }
  SPI_finish();
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(live_differences) {
  using namespace trending;
  const Definition* definition = readable_trend(PG_GETARG_OID(0));
  check_source(*definition);
  InitMaterializedSRF(fcinfo, 0);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  Moment moment = {};
  moment.rows = tuplestore_begin_heap(false, false, work_mem);
  fix(*definition, &moment);
  compare(*definition, moment, result);
  UnregisterSnapshotFromOwner(moment.snapshot, CurrentResourceOwner);
  tuplestore_end(moment.rows);
  return 0;
}
