#include "shmem/trend_access.h"

#include "shmem/settings.h"

namespace trending {

// The engine's reader of one trend in this process, kept so that block addresses need not be looked up again.
struct CachedReader {
  uint64 generation = 0;  // of the area
  int32 trend_id = 0;
  uint64 root = 0;
  AreaBlocks blocks = {};
  Arena arena;
  TrendReader reader;
};

struct TrendRead {
  TrendShared* shared;
  CachedReader* cached;
};

namespace {

constexpr int kCachedReaders = 32;
CachedReader* cache[kCachedReaders];

// The reader for a trend, opened when it is not cached. Caller holds the trend's lock.
CachedReader* open_reader(uint64 generation, dsa_area* area, TrendShared* shared) {
  CachedReader*& cached = cache[shared->trend_id % kCachedReaders];
  if (cached != nullptr && cached->generation == generation && cached->trend_id == shared->trend_id &&
      cached->root == shared->root) {
    cached->blocks.area = area;
  } else {
    delete cached;
    cached = nullptr;
    auto* fresh = new CachedReader();
    fresh->generation = generation;
    fresh->trend_id = shared->trend_id;
    fresh->root = shared->root;
    fresh->blocks = AreaBlocks{area, nullptr, false};
    cached = fresh;
    if (cached->arena.attach(block_source(&cached->blocks), shared->root) != Status::kOk ||
        cached->reader.open(&cached->arena) != Status::kOk) {
      delete cached;
      cached = nullptr;
      elog(ERROR, "could not open the state of trend %d", shared->trend_id);
    }
  }
  if (cached->reader.refresh() != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  }
  return cached;
}

enum class Attempt { kLocked, kAbsent, kFilling, kStopped, kInterrupted };

// One attempt to lock a trend for reading. On kLocked the trend's lock is held shared.
Attempt try_lock(DatabaseShared* entry, int32 trend_id, dsa_area** area, uint64* generation,
                 TrendShared** shared) {
  AreaHeader* header = nullptr;
  *area = area_attach(entry, &header);
  if (*area == nullptr) return Attempt::kAbsent;
  LWLockAcquire(&entry->lock, LW_SHARED);
  *generation = entry->area_generation;
  if (!area_is_attached(*generation)) {  // replaced just now
    LWLockRelease(&entry->lock);
    return Attempt::kInterrupted;
  }
  *shared = area_find_trend(*area, header, trend_id);
  if (*shared == nullptr) {
    LWLockRelease(&entry->lock);
    return Attempt::kAbsent;
  }
  LWLockAcquire(&(*shared)->lock, LW_SHARED);
  LWLockRelease(&entry->lock);
  Attempt result = Attempt::kLocked;
  switch (static_cast<TrendPhase>(pg_atomic_read_u32(&(*shared)->phase))) {
    case TrendPhase::kFilling:
      result = Attempt::kFilling;
      break;
    case TrendPhase::kStopped:
      result = Attempt::kStopped;
      break;
    case TrendPhase::kRunning:
      if (pg_atomic_read_u32(&(*shared)->applying) != 0) result = Attempt::kInterrupted;
      break;
  }
  // The caller reads the reason of a stopped trend before it lets go.
  if (result != Attempt::kLocked && result != Attempt::kStopped) LWLockRelease(&(*shared)->lock);
  return result;
}

[[noreturn]] void raise_stopped(TrendShared* shared) {
  char reason[kMessageSize];
  strlcpy(reason, shared->reason, sizeof(reason));
  LWLockRelease(&shared->lock);
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the trend is stopped"),
                  errdetail("%s", reason), errhint("%s", kStoppedHint)));
  pg_unreachable();
}

[[noreturn]] void raise_not_ready(DatabaseShared* entry, Attempt attempt, int32 trend_id) {
  if (database_state(entry) != WorkerState::kRunning) raise_not_serving(entry);
  if (attempt == Attempt::kFilling) {
    TrendGlance glance;
    const bool told = trend_glance(trend_id, &glance) && glance.reason[0] != '\0';
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the trend is still counting the rows that are already in its source"),
                    told ? errdetail("%s", glance.reason) : 0, errhint("%s", kFillingHint)));
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the trend is not known to the worker yet"),
                  errhint("A trend begins when the transaction that creates it has committed.")));
  pg_unreachable();
}

}  // namespace

void wait_for_change(DatabaseShared* entry, long timeout_ms) {
  ConditionVariablePrepareToSleep(&entry->changed);
  (void)ConditionVariableTimedSleep(&entry->changed, timeout_ms, PG_WAIT_EXTENSION);
  ConditionVariableCancelSleep();
}

// A worker that failed again and again leaves results too old to be shown without a word.
bool worker_serves(DatabaseShared* entry) {
  switch (database_state(entry)) {
    case WorkerState::kNone:
    case WorkerState::kPaused:
    case WorkerState::kUnavailable:
      return false;
    case WorkerState::kFailed:
      return entry->failures <= 3;
    default:
      return true;
  }
}

TrendRead* trend_read_begin(int32 trend_id) {
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) raise_not_serving(nullptr);
  auto* read = static_cast<TrendRead*>(palloc(sizeof(TrendRead)));
  // A transaction that wrote may itself have created the trend: waiting for it would be in vain.
  long patience_ms = TransactionIdIsValid(GetTopTransactionIdIfAny()) ? 0 : kReadPatienceMs;
  TimestampTz started = 0;
  for (;;) {
    if (!worker_serves(entry)) raise_not_serving(entry);
    dsa_area* area = nullptr;
    uint64 generation = 0;
    Attempt attempt = try_lock(entry, trend_id, &area, &generation, &read->shared);
    if (attempt == Attempt::kStopped) raise_stopped(read->shared);
    if (attempt == Attempt::kLocked) {
      read->cached = open_reader(generation, area, read->shared);
      return read;
    }
    TimestampTz now = GetCurrentTimestamp();
    if (started == 0) started = now;
    if ((now - started) / 1000 >= patience_ms) raise_not_ready(entry, attempt, trend_id);
    wait_for_change(entry, 20);
  }
}

const TrendReader& trend_reader(const TrendRead* read) {
  return read->cached->reader;
}

TrendShared* trend_shared(const TrendRead* read) {
  return read->shared;
}

dsa_area* trend_area(const TrendRead* read) {
  return read->cached->blocks.area;
}

void trend_read_end(TrendRead* read) {
  LWLockRelease(&read->shared->lock);
  pfree(read);
}

bool trend_glance(int32 trend_id, TrendGlance* glance) {
  *glance = TrendGlance{};
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) return false;
  dsa_area* area = nullptr;
  uint64 generation = 0;
  TrendShared* shared = nullptr;
  Attempt attempt = try_lock(entry, trend_id, &area, &generation, &shared);
  if (shared == nullptr) return false;
  glance->phase = static_cast<TrendPhase>(pg_atomic_read_u32(&shared->phase));
  glance->version = pg_atomic_read_u64(&shared->version);
  glance->ahead = pg_atomic_read_u64(&shared->ahead);
  glance->null_time = pg_atomic_read_u64(&shared->null_time);
  glance->failed = pg_atomic_read_u64(&shared->failed);
  glance->unretracted = pg_atomic_read_u64(&shared->unretracted);
  glance->retractable = static_cast<Retractable>(pg_atomic_read_u32(&shared->retractable));
  glance->window = Window{kNoTime, kNoTime};
  glance->clock = glance->watermark = kNoTime;
  if (attempt == Attempt::kStopped || attempt == Attempt::kLocked) {
    strlcpy(glance->reason, shared->reason, sizeof(glance->reason));
  }
  // What it waits for. The lock was given up.
  if (attempt == Attempt::kFilling && LWLockConditionalAcquire(&shared->lock, LW_SHARED)) {
    strlcpy(glance->reason, shared->reason, sizeof(glance->reason));
    LWLockRelease(&shared->lock);
  }
  if (attempt == Attempt::kLocked) {
    const TrendReader& reader = open_reader(generation, area, shared)->reader;
    glance->window = reader.window();
    glance->clock = reader.clock();
    glance->is_decayed = reader.options().window.kind == WindowKind::kDecayed;
    glance->is_unbounded = reader.options().window.kind == WindowKind::kUnbounded;
    glance->watermark = reader.watermark();
    glance->live_groups = reader.live_groups();
    glance->partitions = reader.partition_count();
    glance->kept_groups = reader.kept_groups();
    glance->kept_panes = reader.kept_panes();
    glance->memory_bytes = reader.bytes_used();
    glance->counters = reader.counters();
  }
  if (attempt == Attempt::kStopped || attempt == Attempt::kLocked) LWLockRelease(&shared->lock);
  return true;
}

uint64_t trend_version(int32 trend_id) {
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) return 0;
  AreaHeader* header = nullptr;
  dsa_area* area = area_attach(entry, &header);
  if (area == nullptr) return 0;
  uint64_t version = 0;
  LWLockAcquire(&entry->lock, LW_SHARED);
  if (area_is_attached(entry->area_generation)) {
    TrendShared* shared = area_find_trend(area, header, trend_id);
    if (shared != nullptr) version = pg_atomic_read_u64(&shared->version);
  }
  LWLockRelease(&entry->lock);
  return version;
}

}  // namespace trending
