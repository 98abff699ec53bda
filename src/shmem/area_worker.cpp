// SPDX-License-Identifier: PostgreSQL
// The worker's side of an area.
#include <algorithm>
#include <initializer_list>

#include "engine/time/time.h"
#include "postgres/settings.h"
#include "shmem/area.h"
#include "shmem/blocks.h"

namespace trending {

namespace {

// Makes a database's sessions, idle ones too, go through a transaction's end, where they detach from areas
// that were replaced: the signal is the server's own for those that lag behind with invalidations.
void wake_readers(Oid database) {
  for (uint32 i = 0; i < ProcGlobal->allProcCount; i++) {
    PGPROC* process = &ProcGlobal->allProcs[i];
    const pid_t pid = process->pid;
    if (pid == 0 || pid == MyProcPid || process->databaseId != database) continue;
    (void)compat::send_catchup_interrupt(pid);
  }
}

// No process can attach to an area twice.
dsa_area* attach_to_unpin(dsa_handle area) {
  const bool is_own = memory_area() != nullptr && dsa_get_handle(memory_area()) == area;
  return is_own ? memory_area() : dsa_attach(area);
}

// Sets what readers attach to and releases what they had. Whoever reads just now keeps his mapping until he
// looks again. What may fail comes first.
void replace_area(DatabaseShared* entry, dsa_handle area, dsa_pointer root) {
  const dsa_handle old = entry->area;  // changed by one process at a time: the worker, or who made it leave
  dsa_area* attached = old == DSM_HANDLE_INVALID ? nullptr : attach_to_unpin(old);
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  entry->area = area;
  entry->area_root = root;
  pg_atomic_write_u64(&entry->area_identity, new_identity());
  pg_atomic_write_u64(&entry->area_granted, 0);
  LWLockRelease(&entry->lock);
  if (attached == nullptr) return;
  dsa_unpin(attached);
  if (attached != memory_area()) dsa_detach(attached);  // our own goes with this process
  wake_readers(entry->database);
}

Size ids_bytes(int capacity) {
  return MAXALIGN(offsetof(AreaHeader, trend_ids) + static_cast<Size>(capacity) * sizeof(int32));
}

Size header_bytes(int capacity) {
  return ids_bytes(capacity) + static_cast<Size>(capacity) * sizeof(TrendShared);
}

// As many trends as are allowed, in an eighth of the memory at most.
int affordable_trends() {
  const Size most = static_cast<Size>(settings.memory_limit_mb) * 1024 * 1024 / 8;
  const Size fitting = (most - ids_bytes(0)) / (sizeof(TrendShared) + sizeof(int32));
  return static_cast<int>(std::min(static_cast<Size>(settings.max_trends), fitting));
}

void reset_words(TrendShared* trend) {
  pg_atomic_write_u32(&trend->phase, static_cast<uint32>(TrendPhase::kFilling));
  pg_atomic_write_u32(&trend->applying, 0);
  pg_atomic_write_u32(&trend->retractable, static_cast<uint32>(Retractable::kUnknown));
  pg_atomic_write_u32(&trend->reader, 0);
  pg_atomic_write_u32(&trend->aside, static_cast<uint32>(Aside::kNo));
  for (pg_atomic_uint64* word : {&trend->version, &trend->ahead, &trend->null_time, &trend->failed,
                                 &trend->unretracted, &trend->windows_closed}) {
    pg_atomic_write_u64(word, 0);
  }
  pg_atomic_write_u64(&trend->history_until, static_cast<uint64>(kNoTime));
  trend->arena = trend->root = trend->previous_ranks = 0;
  trend->reason[0] = '\0';
}

void initialize_trend(TrendShared* trend) {
  LWLockInitialize(&trend->lock, directory->tranche);
  pg_atomic_init_u32(&trend->phase, 0);
  pg_atomic_init_u32(&trend->applying, 0);
  pg_atomic_init_u32(&trend->retractable, 0);
  pg_atomic_init_u32(&trend->reader, 0);
  pg_atomic_init_u32(&trend->aside, 0);
  for (pg_atomic_uint64* word : {&trend->version, &trend->ahead, &trend->null_time, &trend->failed,
                                 &trend->unretracted, &trend->windows_closed, &trend->history_until}) {
    pg_atomic_init_u64(word, 0);
  }
}

instr_time held_since;

void measure_hold() {
  instr_time held;
  INSTR_TIME_SET_CURRENT(held);
  INSTR_TIME_SUBTRACT(held, held_since);
  longest_hold_us = std::max(longest_hold_us, static_cast<int64>(INSTR_TIME_GET_MICROSEC(held)));
}

}  // namespace

dsa_area* area_create(DatabaseShared* entry, AreaHeader** header, dsa_pointer* root) {
  const int capacity = affordable_trends();
  if (capacity < settings.max_trends) {
    ereport(LOG, (errmsg("trending.memory_limit has room for %d trends, not trending.max_trends", capacity)));
  }
  dsa_area* area = memory_create(entry, header_bytes(capacity), root);
  if (area == nullptr) {  // what readers still see gives way
    area_discard(entry);
    area = memory_create(entry, header_bytes(capacity), root);
  }
  if (area == nullptr) return nullptr;
  *header = static_cast<AreaHeader*>(dsa_get_address(area, *root));
  (*header)->capacity = capacity;
  (*header)->trends = ids_bytes(capacity);
  for (int i = 0; i < capacity; i++) initialize_trend((*header)->trend(i));
  return area;
}

void area_publish(DatabaseShared* entry, dsa_area* area, dsa_pointer root) {
  dsa_pin(area);  // from here on it outlives this process
  replace_area(entry, dsa_get_handle(area), root);
  memory_shown();
}

void area_discard(DatabaseShared* entry) {
  if (entry != nullptr) replace_area(entry, DSM_HANDLE_INVALID, InvalidDsaPointer);
}

TrendShared* area_add_trend(DatabaseShared* entry, AreaHeader* header, int32 trend_id) {
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  int place = 0;
  while (place < header->used && header->trend_ids[place] != 0) place++;
  TrendShared* trend = nullptr;
  if (place < header->capacity) {
    trend = header->trend(place);
    trend->trend_id = trend_id;
    reset_words(trend);
    header->trend_ids[place] = trend_id;
    header->used = std::max(header->used, place + 1);
  }
  LWLockRelease(&entry->lock);
  return trend;
}

void area_remove_trend(DatabaseShared* entry, AreaHeader* header, int32 trend_id) {
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  for (int i = 0; i < header->used; i++) {
    if (header->trend_ids[i] != trend_id) continue;
    header->trend_ids[i] = 0;
    // A reader takes the trend's lock before it gives this one up, so nobody is inside any more once we have
    // had it exclusively.
    TrendShared* trend = header->trend(i);
    LWLockAcquire(&trend->lock, LW_EXCLUSIVE);
    trend->trend_id = 0;
    trend->arena = trend->root = 0;
    LWLockRelease(&trend->lock);
    break;
  }
  LWLockRelease(&entry->lock);
}

int64 longest_hold_us = -1;

void hold_trend(TrendShared* shared) {
  LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
  pg_atomic_write_u32(&shared->applying, 1);
  if (longest_hold_us >= 0) INSTR_TIME_SET_CURRENT(held_since);
}

void release_trend(TrendShared* shared) {
  if (longest_hold_us >= 0) measure_hold();
  pg_atomic_write_u32(&shared->applying, 0);
  LWLockRelease(&shared->lock);
}

}  // namespace trending
