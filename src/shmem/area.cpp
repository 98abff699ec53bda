#include "shmem/area.h"

#include <initializer_list>

#include "engine/time.h"
#include "postgres/fault.h"
#include "shmem/settings.h"

namespace trending {

namespace {

// What this process has attached of its database's area.
struct Attachment {
  uint64 generation = 0;
  dsa_area* area = nullptr;
  AreaHeader* header = nullptr;
};
Attachment attachment;

dsa_pointer allocate_or_invalid(dsa_area* area, Size bytes) {
  if (fault_refuses(FaultPoint::kSharedMemory)) return InvalidDsaPointer;
  return dsa_allocate_extended(area, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM);
}

// When the system itself is out of shared memory the server raises an error in spite of NO_OOM, possibly with
// locks of the area held. It is turned into a plain refusal: all locks are dropped as an abort would, and the
// trend's own is taken again. Readers who slip in between see TrendShared.applying and wait.
dsa_pointer allocate_caught(AreaBlocks* blocks, Size bytes) {
  volatile dsa_pointer pointer = InvalidDsaPointer;
  MemoryContext context = CurrentMemoryContext;
  uint32 holdoff = InterruptHoldoffCount;
  PG_TRY();
  { pointer = allocate_or_invalid(blocks->area, bytes); }
  PG_CATCH();
  {
    MemoryContextSwitchTo(context);
    FlushErrorState();
    LWLockReleaseAll();
    if (blocks->held != nullptr) LWLockAcquire(blocks->held, LW_EXCLUSIVE);
    InterruptHoldoffCount = holdoff;
    pointer = InvalidDsaPointer;
  }
  PG_END_TRY();
  return pointer;
}

bool block_allocate(void* context, size_t bytes, uint64_t* handle, void** address) {
  auto* blocks = static_cast<AreaBlocks*>(context);
  Assert(blocks->may_allocate);
  dsa_pointer pointer = allocate_caught(blocks, bytes);
  if (!DsaPointerIsValid(pointer)) return false;
  *handle = pointer;
  *address = dsa_get_address(blocks->area, pointer);
  return true;
}

void block_release(void* context, uint64_t handle) {
  auto* blocks = static_cast<AreaBlocks*>(context);
  Assert(blocks->may_allocate);
  dsa_free(blocks->area, handle);
}

void* block_resolve(void* context, uint64_t handle) {
  return dsa_get_address(static_cast<AreaBlocks*>(context)->area, handle);
}

// Lets go of the attachment of an older generation.
void detach() {
  if (attachment.area != nullptr) dsa_detach(attachment.area);
  attachment = Attachment{};
}

// Readers keep their mapping of a released area until they look again; the memory goes with the last of them.
void release_area(dsa_handle handle) {
  if (handle == DSM_HANDLE_INVALID) return;
  if (attachment.area != nullptr && dsa_get_handle(attachment.area) == handle) {
    dsa_unpin(attachment.area);
    detach();
    return;
  }
  dsa_area* area = dsa_attach(handle);
  dsa_unpin(area);
  dsa_detach(area);
}

}  // namespace

BlockSource block_source(AreaBlocks* blocks) {
  return BlockSource{blocks, block_allocate, block_release, block_resolve};
}

dsa_area* area_create(AreaHeader** header, dsa_pointer* root) {
  dsa_area* area = dsa_create(directory->tranche);
  dsa_pin(area);
  dsa_pin_mapping(area);
  dsa_set_size_limit(area, static_cast<size_t>(settings.memory_limit_mb) * 1024 * 1024);
  Size bytes =
      offsetof(AreaHeader, entries) + static_cast<Size>(settings.max_trends) * sizeof(AreaHeader::Entry);
  *root = dsa_allocate_extended(area, bytes, DSA_ALLOC_ZERO);
  *header = static_cast<AreaHeader*>(dsa_get_address(area, *root));
  (*header)->capacity = settings.max_trends;
  return area;
}

void area_publish(DatabaseShared* entry, dsa_area* area, dsa_pointer root) {
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  dsa_handle old = entry->area;
  entry->area = dsa_get_handle(area);
  entry->area_root = root;
  entry->area_generation++;
  LWLockRelease(&entry->lock);
  release_area(old);
}

void area_discard(DatabaseShared* entry) {
  if (entry == nullptr) return;
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  dsa_handle old = entry->area;
  entry->area = DSM_HANDLE_INVALID;
  entry->area_root = InvalidDsaPointer;
  entry->area_generation++;
  LWLockRelease(&entry->lock);
  release_area(old);
}

TrendShared* area_add_trend(DatabaseShared* entry, dsa_area* area, AreaHeader* header, int32 trend_id) {
  Assert(header->count < header->capacity);
  dsa_pointer pointer = dsa_allocate_extended(area, sizeof(TrendShared), DSA_ALLOC_ZERO);
  auto* trend = static_cast<TrendShared*>(dsa_get_address(area, pointer));
  LWLockInitialize(&trend->lock, directory->tranche);
  trend->trend_id = trend_id;
  pg_atomic_init_u32(&trend->phase, static_cast<uint32>(TrendPhase::kFilling));
  pg_atomic_init_u32(&trend->applying, 0);
  pg_atomic_init_u32(&trend->retractable, static_cast<uint32>(Retractable::kUnknown));
  for (pg_atomic_uint64* word :
       {&trend->version, &trend->ahead, &trend->null_time, &trend->failed, &trend->unretracted}) {
    pg_atomic_init_u64(word, 0);
  }
  pg_atomic_init_u64(&trend->history_until, static_cast<uint64>(kNoTime));
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  header->entries[header->count++] = {trend_id, pointer};
  LWLockRelease(&entry->lock);
  return trend;
}

void area_remove_trend(DatabaseShared* entry, dsa_area* area, AreaHeader* header, int32 trend_id) {
  LWLockAcquire(&entry->lock, LW_EXCLUSIVE);
  for (int i = 0; i < header->count; i++) {
    if (header->entries[i].trend_id != trend_id) continue;
    dsa_pointer pointer = header->entries[i].trend;
    header->entries[i] = header->entries[--header->count];
    // A reader takes the trend's lock before it lets go of this one, so nobody is inside any more once we
    // have had it exclusively.
    auto* trend = static_cast<TrendShared*>(dsa_get_address(area, pointer));
    LWLockAcquire(&trend->lock, LW_EXCLUSIVE);
    LWLockRelease(&trend->lock);
    if (trend->previous_ranks != 0) dsa_free(area, trend->previous_ranks);
    dsa_free(area, pointer);
    break;
  }
  LWLockRelease(&entry->lock);
}

dsa_area* area_attach(DatabaseShared* entry, AreaHeader** header) {
  LWLockAcquire(&entry->lock, LW_SHARED);
  if (attachment.generation != entry->area_generation) {
    detach();
    if (entry->area != DSM_HANDLE_INVALID) {
      MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
      attachment.area = dsa_attach(entry->area);
      dsa_pin_mapping(attachment.area);
      MemoryContextSwitchTo(caller);
      attachment.header = static_cast<AreaHeader*>(dsa_get_address(attachment.area, entry->area_root));
    }
    attachment.generation = entry->area_generation;
  }
  LWLockRelease(&entry->lock);
  *header = attachment.header;
  return attachment.area;
}

bool area_is_attached(uint64 generation) {
  return attachment.generation == generation;
}

TrendShared* area_find_trend(dsa_area* area, AreaHeader* header, int32 trend_id) {
  for (int i = 0; i < header->count; i++) {
    if (header->entries[i].trend_id == trend_id) {
      return static_cast<TrendShared*>(dsa_get_address(area, header->entries[i].trend));
    }
  }
  return nullptr;
}

int64 longest_hold_us = 0;

namespace {
instr_time held_since;
}

void hold_trend(TrendShared* shared) {
  LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
  INSTR_TIME_SET_CURRENT(held_since);
}

void release_trend(TrendShared* shared) {
  instr_time held;
  INSTR_TIME_SET_CURRENT(held);
  INSTR_TIME_SUBTRACT(held, held_since);
  LWLockRelease(&shared->lock);
  longest_hold_us = Max(longest_hold_us, static_cast<int64>(INSTR_TIME_GET_MICROSEC(held)));
}

}  // namespace trending
