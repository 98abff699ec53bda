// SPDX-License-Identifier: PostgreSQL
#include "shmem/trend_access.h"

#include "definition/definition.h"
#include "postgres/may_see.h"
#include "shmem/blocks.h"

namespace trending {

// The engine's reader of one trend in this process, kept so that block addresses need not be looked up again.
struct CachedReader {
  uint64 identity = 0;  // TrendShared.arena; 0 until the reader is open
  AreaBlocks blocks = {};
  Arena arena;
  TrendReader reader;
};

struct TrendRead {
  TrendShared* shared;
  CachedReader* cached;
};

namespace {

constexpr long kPollMs = 20;
// The worker asks for memory in the middle of a change: most often done by then.
constexpr long kPauseMs = 1;
constexpr int kGlances = 10;

constexpr int kCachedReaders = 32;
CachedReader* cache[kCachedReaders];

// The reader for a trend, opened when it is not cached. Caller holds the trend's lock. Errors may jump out of
// attach() and refresh() when the system cannot map the memory: what they leave is opened again.
CachedReader* open_reader(dsa_area* area, TrendShared* shared) {
  CachedReader*& cached = cache[shared->trend_id % kCachedReaders];
  if (cached == nullptr || cached->identity != shared->arena) {
    delete cached;
    cached = nullptr;
    cached = new CachedReader();
    cached->blocks.area = area;
    if (cached->arena.attach(block_source(&cached->blocks), shared->root) != Status::kOk ||
        cached->reader.open(&cached->arena) != Status::kOk) {
      elog(ERROR, "could not open the state of trend %d", shared->trend_id);
    }
    cached->identity = shared->arena;
  }
  if (cached->reader.refresh() != Status::kOk) {
    ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
  }
  return cached;
}

// Whether a worker works on the area that readers see.
bool is_followed(DatabaseShared* entry) {
  return database_state(entry) == WorkerState::kRunning;
}

enum class Attempt { kLocked, kAbsent, kFilling, kStopped, kInterrupted, kOther };

// One attempt to lock a trend for reading. On kLocked the trend's lock is held shared.
Attempt try_lock(DatabaseShared* entry, int32 trend_id, dsa_area** area, TrendShared** shared) {
  AreaHeader* header = nullptr;
  *area = area_attach(entry, &header);
  *shared = nullptr;
  if (*area == nullptr) return Attempt::kAbsent;
  LWLockAcquire(&entry->lock, LW_SHARED);
  if (!area_is_current(entry)) {  // replaced just now
    LWLockRelease(&entry->lock);
    return Attempt::kInterrupted;
  }
  *shared = area_find_trend(header, trend_id);
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
  // The caller reads the reason of a stopped trend before it releases the lock.
  if (result != Attempt::kLocked && result != Attempt::kStopped) LWLockRelease(&(*shared)->lock);
  return result;
}

[[noreturn]] void raise_stopped(TrendShared* shared, Oid owner) {
  char reason[kMessageSize];
  strlcpy(reason, shared->reason, sizeof(reason));
  LWLockRelease(&shared->lock);
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the trend is stopped"),
           errdetail("%s", may_see_messages(owner) ? reason : kHiddenReason), errhint("%s", kStoppedHint)));
  pg_unreachable();
}

[[noreturn]] void raise_not_ready(DatabaseShared* entry, Attempt attempt, const Definition& definition) {
  if (database_state(entry) != WorkerState::kRunning) raise_not_serving(entry);
  if (attempt == Attempt::kFilling) {
    TrendGlance glance;
    const bool told = may_see_messages(definition.owner) && trend_glance(definition.id, &glance) &&
                      glance.reason[0] != '\0';
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the trend is still counting the rows that are already in its source"),
                    told ? errdetail("%s", glance.reason) : 0, errhint("%s", kFillingHint)));
  }
  if (attempt == Attempt::kOther) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the definition of the trend has changed"),
                    errdetail("What the worker keeps of it belongs to another state of its definition."),
                    errhint("Try again in a new transaction; see trending.status.")));
  }
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the trend is not known to the worker yet"),
                  errhint("A trend begins when the transaction that creates it has committed.")));
  pg_unreachable();
}

}  // namespace

void wait_for_change(DatabaseShared* entry, long timeout_ms) {
  ConditionVariablePrepareToSleep(&entry->changed);
  (void)ConditionVariableTimedSleep(&entry->changed, timeout_ms, compat::wait_event(compat::Wait::kReader));
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

TrendRead* trend_read_begin(const Definition& definition) {
  DatabaseShared* entry = database_shared();
  if (entry == nullptr) raise_not_serving(nullptr);
  auto* read = static_cast<TrendRead*>(palloc(sizeof(TrendRead)));
  // A transaction that wrote may itself have created the trend: waiting for it would be in vain.
  long patience_ms = TransactionIdIsValid(GetTopTransactionIdIfAny()) ? 0 : kReadPatienceMs;
  TimestampTz started = 0;
  for (;;) {
    if (!worker_serves(entry)) raise_not_serving(entry);
    dsa_area* area = nullptr;
    Attempt attempt = try_lock(entry, definition.id, &area, &read->shared);
    if (attempt == Attempt::kStopped) raise_stopped(read->shared, definition.owner);
    if (attempt == Attempt::kLocked && !(read->shared->definition == definition.state)) {
      LWLockRelease(&read->shared->lock);
      attempt = Attempt::kOther;
    }
    if (attempt == Attempt::kLocked) {
      read->cached = open_reader(area, read->shared);
      return read;
    }
    TimestampTz now = GetCurrentTimestamp();
    if (started == 0) started = now;
    if ((now - started) / 1000 >= patience_ms) raise_not_ready(entry, attempt, definition);
    wait_for_change(entry, attempt == Attempt::kInterrupted ? kPauseMs : kPollMs);
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
  TrendShared* shared = nullptr;
  Attempt attempt = try_lock(entry, trend_id, &area, &shared);
  for (int i = 0; i < kGlances && attempt == Attempt::kInterrupted && is_followed(entry); i++) {
    pg_usleep(kPauseMs * 1000);
    attempt = try_lock(entry, trend_id, &area, &shared);
  }
  if (shared == nullptr) return false;
  glance->phase = static_cast<TrendPhase>(pg_atomic_read_u32(&shared->phase));
  glance->version = pg_atomic_read_u64(&shared->version);
  glance->ahead = pg_atomic_read_u64(&shared->ahead);
  glance->null_time = pg_atomic_read_u64(&shared->null_time);
  glance->failed = pg_atomic_read_u64(&shared->failed);
  glance->unretracted = pg_atomic_read_u64(&shared->unretracted);
  glance->windows_closed = pg_atomic_read_u64(&shared->windows_closed);
  glance->retractable = static_cast<Retractable>(pg_atomic_read_u32(&shared->retractable));
  glance->reader = pg_atomic_read_u32(&shared->reader);
  glance->window = Window{kNoTime, kNoTime};
  glance->clock = glance->watermark = kNoTime;
  if (attempt == Attempt::kStopped || attempt == Attempt::kLocked) {
    strlcpy(glance->reason, shared->reason, sizeof(glance->reason));
  }
  // What it waits for. The lock was given up.
  if (attempt == Attempt::kFilling && LWLockConditionalAcquire(&shared->lock, LW_SHARED)) {
    if (shared->trend_id == trend_id) strlcpy(glance->reason, shared->reason, sizeof(glance->reason));
    LWLockRelease(&shared->lock);
  }
  if (attempt == Attempt::kLocked) {
    const TrendReader& reader = open_reader(area, shared)->reader;
    glance->is_read = true;
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

namespace {

// Calls body(header) with database->lock held shared, unless there is no area.
template <typename Body>
void with_area(Body&& body) {
  DatabaseShared* entry = database_shared();
  AreaHeader* header = nullptr;
  if (entry == nullptr || area_attach(entry, &header) == nullptr) return;
  LWLockAcquire(&entry->lock, LW_SHARED);
  if (area_is_current(entry)) body(header);
  LWLockRelease(&entry->lock);
}

}  // namespace

bool trend_resume(int32 trend_id) {
  bool is_stopped = false;
  with_area([&](AreaHeader* header) {
    TrendShared* shared = area_find_trend(header, trend_id);
    is_stopped = shared != nullptr &&
                 static_cast<TrendPhase>(pg_atomic_read_u32(&shared->phase)) == TrendPhase::kStopped;
    if (is_stopped) pg_atomic_write_u32(&shared->aside, static_cast<uint32>(Aside::kResume));
  });
  return is_stopped;
}

int trends_set_aside() {
  int count = 0;
  with_area([&](AreaHeader* header) {
    for (int i = 0; i < header->used; i++) {
      if (header->trend_ids[i] == 0) continue;
      const uint32 aside = pg_atomic_read_u32(&header->trend(i)->aside);
      count += aside == static_cast<uint32>(Aside::kSetAside) ? 1 : 0;
    }
  });
  return count;
}

uint64_t trend_version(int32 trend_id) {
  uint64_t version = 0;
  with_area([&](AreaHeader* header) {
    TrendShared* shared = area_find_trend(header, trend_id);
    if (shared != nullptr) version = pg_atomic_read_u64(&shared->version);
  });
  return version;
}

}  // namespace trending
