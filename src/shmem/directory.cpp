// SPDX-License-Identifier: PostgreSQL
#include "shmem/directory.h"

#include <tuple>

#include <initializer_list>

#include "postgres/settings.h"

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
  pg_atomic_init_u32(&entry->leave, 0);
  pg_atomic_init_u32(&entry->reset, static_cast<uint32>(SlotReset::kNone));
  pg_atomic_init_u32(&entry->sleep, static_cast<uint32>(Sleep::kAwake));
  for (pg_atomic_uint64* word :
       {&entry->published_commit, &entry->applied_lsn, &entry->confirmed_lsn, &entry->as_of,
        &entry->transactions, &entry->checkpoint_at, &entry->checkpoint_us, &entry->checkpoint_bytes,
        &entry->checkpoint_hold_us, &entry->area_identity, &entry->area_granted, &entry->starts}) {
    pg_atomic_init_u64(word, 0);
  }
  commit_latency_init(&entry->latency);
}

constexpr char kTranche[] = "trending";

void create_directory() {
  if (next_startup_hook != nullptr) next_startup_hook();
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  bool found = false;
  directory = static_cast<Directory*>(ShmemInitStruct("trending", directory_size(), &found));
  if (!found) {
    directory->tranche = compat::new_tranche(kTranche);
    LWLockInitialize(&directory->lock, directory->tranche);
    pg_atomic_init_u32(&directory->generation, 1);
    pg_atomic_init_u32(&directory->databases_changed, 0);
    pg_atomic_init_u32(&directory->is_full, 0);
    pg_atomic_init_u32(&directory->asked_in_vain, 0);
    pg_atomic_init_u64(&directory->identity, 0);
    directory->launcher_latch = nullptr;
    directory->capacity = settings.max_databases;
    for (int i = 0; i < directory->capacity; i++) {
      initialize_entry(&directory->databases[i], directory->tranche);
    }
  }
  LWLockRelease(AddinShmemInitLock);
  compat::name_tranche(directory->tranche, kTranche);
}

// Copies a text that may be null, cut between characters.
void clip(char target[kMessageSize], const char* text) {
  int length = text == nullptr ? 0 : static_cast<int>(strlen(text));
  length = pg_mbcliplen(text, length, kMessageSize - 1);
  if (length > 0) memcpy(target, text, static_cast<size_t>(length));
  target[length] = '\0';
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
  } else if (entry == nullptr) {
    pg_atomic_write_u32(&directory->is_full, 1);
  }
  LWLockRelease(&directory->lock);
  return entry;
}

bool directory_is_full() {
  LWLockAcquire(&directory->lock, LW_SHARED);
  bool is_full = search(InvalidOid) == nullptr;
  LWLockRelease(&directory->lock);
  return is_full;
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
    entry->message[0] = entry->detail[0] = entry->hint[0] = '\0';
    memset(entry->blamed, 0, sizeof(entry->blamed));
    memset(entry->overruns, 0, sizeof(entry->overruns));
    entry->latch = nullptr;
    entry->area = DSM_HANDLE_INVALID;
    pg_atomic_write_u64(&entry->area_identity, new_identity());
    entry->area_root = InvalidDsaPointer;
    pg_atomic_write_u32(&entry->state, static_cast<uint32>(WorkerState::kNone));
    pg_atomic_write_u32(&entry->leave, 0);
    pg_atomic_write_u32(&entry->reset, static_cast<uint32>(SlotReset::kNone));
    for (pg_atomic_uint64* word :
         {&entry->published_commit, &entry->applied_lsn, &entry->confirmed_lsn, &entry->as_of,
          &entry->transactions, &entry->checkpoint_at, &entry->checkpoint_us, &entry->checkpoint_bytes,
          &entry->checkpoint_hold_us, &entry->starts}) {
      pg_atomic_write_u64(word, 0);
    }
    commit_latency_init(&entry->latency);
    LWLockRelease(&entry->lock);
    pg_atomic_fetch_add_u32(&directory->generation, 1);
  }
  LWLockRelease(&directory->lock);
  if (entry != nullptr) ConditionVariableBroadcast(&entry->changed);
}

uint64 new_identity() {
  return pg_atomic_add_fetch_u64(&directory->identity, 1);
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

void database_set_state(DatabaseShared* entry, WorkerState state, const char* message, const char* hint,
                        const char* detail) {
  LWLockAcquire(&directory->lock, LW_EXCLUSIVE);
  clip(entry->message, message);
  clip(entry->detail, detail);
  clip(entry->hint, hint);
  pg_atomic_write_u32(&entry->state, static_cast<uint32>(state));
  LWLockRelease(&directory->lock);
  ConditionVariableBroadcast(&entry->changed);
}

BlamedTrend* blamed_trend(DatabaseShared* entry, int32 trend_id) {
  BlamedTrend* place = &entry->blamed[0];
  for (BlamedTrend& blamed : entry->blamed) {
    if (blamed.trend_id == trend_id) return &blamed;
    const auto worth = [](const BlamedTrend& b) {
      return std::make_tuple(b.trend_id != 0, b.set_aside, b.died_at);
    };
    if (worth(blamed) < worth(*place)) place = &blamed;
  }
  *place = {};
  place->trend_id = trend_id;
  return place;
}

void directory_wake_launcher() {
  LWLockAcquire(&directory->lock, LW_SHARED);
  if (directory->launcher_latch != nullptr) SetLatch(directory->launcher_latch);
  LWLockRelease(&directory->lock);
}

namespace {

struct StateWords {
  const char* name;
  const char* message;  // where the entry has none
  const char* hint;
};

StateWords words_of(WorkerState state) {
  switch (state) {
    case WorkerState::kNone:
      return {"none", "no worker is wanted in this database", "CREATE EXTENSION trending asks for one."};
    case WorkerState::kWanted:
      return {"starting", "a worker is about to be started", "It runs in a moment."};
    case WorkerState::kStarting:
      return {"starting", "the worker is starting", "It runs in a moment."};
    case WorkerState::kRecovering:
      return {"recovering", "the worker loads what is stored of the trends", "It runs in a moment."};
    case WorkerState::kRunning:
      return {"running", "", ""};
    case WorkerState::kPaused:
      return {"paused", "a command has locked the database",
              "The worker comes back when that command has ended."};
    case WorkerState::kUnavailable:
    case WorkerState::kFailed:
      return {"unavailable", "the worker ended unexpectedly",
              "See the server log; it is started again by itself."};
  }
  return {"unknown", "", ""};
}

// Without an entry there is no worker to ask.
StateWords words_without_entry() {
  if (directory == nullptr) {
    if (IsBinaryUpgrade)
      return {"none", "the server runs for pg_upgrade", "Trends are followed when it is started as usual."};
    return {"not loaded", "trending is not loaded into the server",
            "Add trending to shared_preload_libraries and restart the server."};
  }
  if (RecoveryInProgress()) {
    return {"none", "no worker has been started in this database yet",
            "On a standby one shows the last checkpoint; it is started within a minute."};
  }
  if (pg_atomic_read_u32(&directory->is_full) != 0) {
    return {"none",
            "as many databases as trending.max_databases allows are followed, and this is not one of them",
            "Raise trending.max_databases and restart the server."};
  }
  return {
      "none", "no worker has been started in this database yet",
      "The launcher looks for new databases within a minute; ALTER DATABASE ... ALLOW_CONNECTIONS false and "
      "IS_TEMPLATE true keep it away."};
}

}  // namespace

WorkerWords worker_words(DatabaseShared* entry) {
  WorkerWords words = {};
  StateWords standard = entry == nullptr ? words_without_entry() : words_of(database_state(entry));
  if (entry != nullptr) {
    bool sees_all = has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
    LWLockAcquire(&directory->lock, LW_SHARED);
    words.pid = entry->worker_pid;
    strlcpy(words.message, entry->message, sizeof(words.message));
    if (sees_all && entry->detail[0] != '\0') {
      strlcat(words.message, ": ", sizeof(words.message));
      strlcat(words.message, entry->detail, sizeof(words.message));
    }
    strlcpy(words.hint, entry->hint, sizeof(words.hint));
    LWLockRelease(&directory->lock);
  }
  words.state = standard.name;
  if (words.message[0] == '\0') {
    strlcpy(words.message, standard.message, sizeof(words.message));
    strlcpy(words.hint, standard.hint, sizeof(words.hint));
  }
  return words;
}

void raise_not_serving(DatabaseShared* entry) {
  WorkerWords words = worker_words(entry);
  if (directory == nullptr) {
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("%s", words.message),
                    errhint("%s", words.hint)));
  }
  ereport(ERROR,
          (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
           errmsg("the trending worker of this database is not ready"),
           words.message[0] != '\0' ? errdetail_internal("%s", words.message) : 0,
           words.hint[0] != '\0' ? errhint("%s", words.hint) : errhint("It has just come back; try again.")));
  pg_unreachable();
}

}  // namespace trending
