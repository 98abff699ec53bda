#include "shmem/directory.h"

#include <initializer_list>

#include "shmem/settings.h"

namespace trending {

Directory* directory = nullptr;

namespace {

shmem_request_hook_type next_request_hook = nullptr;
shmem_startup_hook_type next_startup_hook = nullptr;

Size directory_size() {
  return add_size(offsetof(Directory, databases),
                  mul_size(static_cast<Size>(settings.max_databases), sizeof(DatabaseShared)));
}

void request_memory() {
  if (next_request_hook != nullptr) next_request_hook();
  RequestAddinShmemSpace(directory_size());
}

void initialize_entry(DatabaseShared* entry, int tranche) {
  memset(entry, 0, sizeof(*entry));
  LWLockInitialize(&entry->lock, tranche);
  ConditionVariableInit(&entry->changed);
  entry->area = DSM_HANDLE_INVALID;
  pg_atomic_init_u32(&entry->state, static_cast<uint32>(WorkerState::kNone));
  pg_atomic_init_u32(&entry->sleeping, 0);
  for (pg_atomic_uint64* word :
       {&entry->published_commit, &entry->applied_lsn, &entry->confirmed_lsn, &entry->transactions,
        &entry->checkpoint_at, &entry->checkpoint_us, &entry->checkpoint_bytes, &entry->checkpoint_hold_us}) {
    pg_atomic_init_u64(word, 0);
  }
}

void create_directory() {
  if (next_startup_hook != nullptr) next_startup_hook();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found = false;
  directory = static_cast<Directory*>(ShmemInitStruct("trending", directory_size(), &found));
  if (!found) {
    directory->tranche = LWLockNewTrancheId();
    LWLockInitialize(&directory->lock, directory->tranche);
    pg_atomic_init_u32(&directory->generation, 1);
    directory->launcher_latch = nullptr;
    directory->capacity = settings.max_databases;
    for (int i = 0; i < directory->capacity; i++) {
      initialize_entry(&directory->databases[i], directory->tranche);
    }
  }
  LWLockRelease(AddinShmemInitLock);
  LWLockRegisterTranche(directory->tranche, "trending");
}

// Caller holds directory->lock.
DatabaseShared* search(Oid database) {
  for (int i = 0; i < directory->capacity; i++) {
    if (directory->databases[i].database == database) return &directory->databases[i];
  }
  return nullptr;
}

}  // namespace

void directory_install() {
  next_request_hook = shmem_request_hook;
  shmem_request_hook = request_memory;
  next_startup_hook = shmem_startup_hook;
  shmem_startup_hook = create_directory;
}

DatabaseShared* directory_find(Oid database) {
  if (directory == nullptr) return nullptr;
  LWLockAcquire(&directory->lock, LW_SHARED);
  DatabaseShared* entry = search(database);
  LWLockRelease(&directory->lock);
  return entry;
}

DatabaseShared* directory_ensure(Oid database) {
  if (directory == nullptr) return nullptr;
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  DatabaseShared* entry = search(database);
  if (entry == nullptr && (entry = search(InvalidOid)) != nullptr) {
    // The entry's words were cleared when it was freed (directory_remove) or at start.
    entry->database = database;
    pg_atomic_fetch_add_u32(&directory->generation, 1);
  }
  LWLockRelease(&directory->lock);
  return entry;
}

void directory_remove(Oid database) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  DatabaseShared* entry = search(database);
  if (entry != nullptr) {
    LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
    entry->database = InvalidOid;
    entry->worker_pid = 0;
    entry->next_start = 0;
    entry->failures = 0;
    entry->message[0] = entry->hint[0] = '\0';
    entry->latch = nullptr;
    entry->area = DSM_HANDLE_INVALID;
    entry->area_generation++;  // never reset: a backend may still have the old area attached
    entry->area_root = InvalidDsaPointer;
    pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kNone));
    for (pg_atomic_uint64* word : {&entry->published_commit, &entry->applied_lsn, &entry->confirmed_lsn,
                                   &entry->transactions, &entry->checkpoint_at, &entry->checkpoint_us,
                                   &entry->checkpoint_bytes, &entry->checkpoint_hold_us}) {
      pg_atomic_write_u64(word, 0);
    }
    LWLockRelease(&entry->lock);
    pg_atomic_fetch_add_u32(&directory->generation, 1);
  }
  LWLockRelease(&directory->lock);
  if (entry != nullptr) ConditionVariableBroadcast(&entry->changed);
}

DatabaseShared* database_shared() {
  static DatabaseShared* cached = nullptr;
  static uint32 cached_generation = 0;
  if (directory == nullptr || !OidIsValid(MyDatabaseId)) return nullptr;
  uint32 generation = pg_atomic_read_u32(&directory->generation);
  if (generation != cached_generation) {
    cached = directory_find(MyDatabaseId);
    cached_generation = generation;
  }
  return cached;
}

void database_set_state(DatabaseShared* entry, WorkerState state, const char* message, const char* hint) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  strlcpy(entry->message, message != nullptr ? message : "", kMessageSize);
  strlcpy(entry->hint, hint != nullptr ? hint : "", kMessageSize);
  pg_atomic_write_u32(&entry->state, static_cast<uint32>(state));
  LWLockRelease(&directory->lock);
  ConditionVariableBroadcast(&entry->changed);
}

void directory_wake_launcher() {
  LWLockAcquire(&directory->lock, LW_SHARED);
  if (directory->launcher_latch != nullptr) SetLatch(directory->launcher_latch);
  LWLockRelease(&directory->lock);
}

void raise_not_serving(DatabaseShared* entry) {
  if (directory == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trending is not loaded into the server"),
                    errhint("Add trending to shared_preload_libraries and restart the server.")));
  }
  if (entry == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trending has no worker in this database"),
                    errhint("If trending.max_databases is exhausted, raise it and restart the server.")));
  }
  char message[kMessageSize];
  char hint[kMessageSize];
  LWLockAcquire(&directory->lock, LW_SHARED);
  strlcpy(message, entry->message, sizeof(message));
  strlcpy(hint, entry->hint, sizeof(hint));
  LWLockRelease(&directory->lock);
  ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                  errmsg("the trending worker of this database is not ready"),
                  message[0] != '\0' ? errdetail("%s", message) : 0,
                  hint[0] != '\0' ? errhint("%s", hint)
                                  : errhint("It is starting; try again, or see trending.worker_status.")));
  pg_unreachable();
}

}  // namespace trending
