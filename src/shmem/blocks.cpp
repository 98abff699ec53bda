// SPDX-License-Identifier: PostgreSQL
#include "shmem/blocks.h"

#include <algorithm>

#include "engine/memory/function_ref.h"
#include "postgres/fault.h"
#include "postgres/settings.h"
#include "shmem/area.h"

namespace trending {

namespace {

constexpr uint64 kMegabyte = 1024 * 1024;
// The system is not asked again for so long after it had no memory.
constexpr int64 kRefusedUs = 1000 * 1000;

constexpr char kShareReached[] = "The trends of its owner have their share of trending.memory_limit.";
constexpr char kLimitReached[] = "trending.memory_limit is reached.";
constexpr char kSystemRefused[] = "The system has no more shared memory (/dev/shm).";

// All memory of ours in this worker's database. DSA enforces `granted`, which grows with what is needed.
struct Memory {
  DatabaseShared* entry = nullptr;
  dsa_area* area = nullptr;
  uint64 limit = 0;               // trending.memory_limit
  uint64 granted = 0;             // of it to this area
  uint64 used = 0;                // by blocks
  bool is_shown = false;          // to readers; before, a predecessor may be
  TimestampTz refused_until = 0;  // 0: the system is not known to have none
  const char* refusal = "";
};
Memory memory;

uint64 share_of(uint64 bytes) {
  return bytes - bytes / 8;
}

uint64 less(uint64 a, uint64 b) {
  return a > b ? a - b : 0;
}

// Whether a trend may have so much more.
bool may_take(const AreaBlocks& blocks, Size bytes) {
  const uint64 others = less(memory.used, blocks.owner->bytes);
  const uint64 of_owner = share_of(less(memory.limit, others));
  const uint64 of_trend = share_of(less(of_owner, less(blocks.owner->bytes, blocks.bytes)));
  return blocks.bytes + bytes <= of_trend;
}

// What a dead worker left for readers to read counts, too, until its successor is shown.
uint64 grantable() {
  return less(memory.limit, memory.is_shown ? 0 : pg_atomic_read_u64(&memory.entry->area_granted));
}

void set_granted(uint64 bytes) {
  memory.granted = bytes;
  dsa_set_size_limit(memory.area, bytes);
  if (memory.is_shown) pg_atomic_write_u64(&memory.entry->area_granted, bytes);
}

// What an allocation may make an area take of the system.
uint64 with_overhead(Size bytes) {
  return bytes + bytes / 256 + 64 * 1024;
}

// Runs what may ask the system for memory. When that has none the server raises an error in spite of NO_OOM,
// with locks of the area held and a segment half made: false then, and nothing of it is left. No lock of ours
// is held here.
bool run_asking(FunctionRef<void()> body) {
  ResourceOwner caller = CurrentResourceOwner;
  ResourceOwner own = ResourceOwnerCreate(nullptr, "trending memory");
  CurrentResourceOwner = own;
  MemoryContext context = CurrentMemoryContext;
  const uint32 held_off = InterruptHoldoffCount;  // an error forgets how many hold interrupts off
  volatile bool good = true;
  HOLD_INTERRUPTS();
  PG_TRY();
  { body(); }
  PG_CATCH();
  {
    LWLockReleaseAll();
    MemoryContextSwitchTo(context);
    FlushErrorState();
    good = false;
  }
  PG_END_TRY();
  InterruptHoldoffCount = held_off;
  CurrentResourceOwner = caller;
  for (ResourceReleasePhase phase :
       {RESOURCE_RELEASE_BEFORE_LOCKS, RESOURCE_RELEASE_LOCKS, RESOURCE_RELEASE_AFTER_LOCKS}) {
    ResourceOwnerRelease(own, phase, good, true);
  }
  ResourceOwnerDelete(own);
  return good;
}

dsa_pointer ask(Size bytes, bool* system_refused) {
  dsa_pointer pointer = InvalidDsaPointer;
  const bool asked = run_asking(
      [&] { pointer = dsa_allocate_extended(memory.area, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM); });
  if (!asked) *system_refused = true;
  return asked ? pointer : InvalidDsaPointer;
}

// Room for so much more in the area; false at the limit. A predecessor gives way first.
bool grant(Size bytes) {
  const uint64 needed = with_overhead(bytes);
  if (memory.granted + needed > grantable() && !memory.is_shown) area_discard(memory.entry);
  const uint64 most = grantable();
  if (memory.granted + needed > most) return false;
  set_granted(std::min(memory.granted + std::max(needed, std::max(memory.granted / 4, kMegabyte)), most));
  return true;
}

// The system has no such portion: the area shall ask for as little as it needs, and a predecessor gives way.
void ask_for_less(Size bytes) {
  if (!memory.is_shown) area_discard(memory.entry);
  set_granted(std::min(memory.granted, memory.used + memory.used / 32 + with_overhead(bytes)));
}

dsa_pointer refuse(const char* why) {
  memory.refusal = why;
  return InvalidDsaPointer;
}

// Until then the area does not ask the system, and has what is free in it.
dsa_pointer refuse_for_a_while() {
  memory.refused_until = GetCurrentTimestamp() + kRefusedUs;
  dsa_set_size_limit(memory.area, 0);
  return refuse(kSystemRefused);
}

bool is_refusing() {
  if (memory.refused_until == 0) return false;
  if (GetCurrentTimestamp() < memory.refused_until) return true;
  memory.refused_until = 0;
  dsa_set_size_limit(memory.area, memory.granted);
  return false;
}

dsa_pointer take(Size bytes) {
  const bool refusing = is_refusing();
  bool system_refused = false;
  dsa_pointer pointer = ask(bytes, &system_refused);
  if (DsaPointerIsValid(pointer)) return pointer;
  if (refusing) return refuse(kSystemRefused);
  if (!system_refused) {
    if (!grant(bytes)) return refuse(kLimitReached);
    pointer = ask(bytes, &system_refused);
  }
  if (system_refused) {
    ask_for_less(bytes);
    pointer = ask(bytes, &system_refused);
    if (!DsaPointerIsValid(pointer)) return refuse_for_a_while();
  }
  return DsaPointerIsValid(pointer) ? pointer : refuse(kLimitReached);
}

bool block_allocate(void* context, size_t bytes, uint64_t* handle, void** address) {
  auto* blocks = static_cast<AreaBlocks*>(context);
  Assert(blocks->owner != nullptr);
  blocks->wanted = blocks->bytes + bytes;
  if (!may_take(*blocks, bytes)) {
    memory.refusal = kShareReached;
    return false;
  }
  const bool locked = LWLockHeldByMe(blocks->lock);
  if (locked) LWLockRelease(blocks->lock);
  const dsa_pointer pointer = take(bytes);
  if (locked) LWLockAcquire(blocks->lock, LW_EXCLUSIVE);
  if (!DsaPointerIsValid(pointer)) return false;
  blocks->bytes += bytes;
  blocks->owner->bytes += bytes;
  memory.used += bytes;
  *handle = pointer;
  *address = dsa_get_address(blocks->area, pointer);
  return true;
}

void block_release(void* context, uint64_t handle, size_t bytes) {
  auto* blocks = static_cast<AreaBlocks*>(context);
  Assert(blocks->owner != nullptr);
  dsa_free(blocks->area, handle);
  blocks->bytes -= bytes;
  blocks->owner->bytes -= bytes;
  memory.used -= bytes;
}

void* block_resolve(void* context, uint64_t handle) {
  return dsa_get_address(static_cast<AreaBlocks*>(context)->area, handle);
}

}  // namespace

BlockSource block_source(AreaBlocks* blocks) {
  return BlockSource{blocks, block_allocate, block_release, block_resolve};
}

bool memory_may_do(const AreaBlocks& blocks) {
  return !is_refusing() && may_take(blocks, less(blocks.wanted, blocks.bytes)) &&
         memory.used + less(blocks.wanted, blocks.bytes) <= grantable();
}

const char* memory_refusal() {
  return memory.refusal;
}

dsa_area* memory_create(DatabaseShared* entry, Size first_bytes, dsa_pointer* first) {
  memory = Memory{};
  memory.entry = entry;
  memory.limit = static_cast<uint64>(settings.memory_limit_mb) * kMegabyte;
  const auto create = [&] {
    memory.area = dsa_create(directory->tranche);
    set_granted(with_overhead(first_bytes) + kMegabyte);
    *first = dsa_allocate_extended(memory.area, first_bytes, DSA_ALLOC_HUGE | DSA_ALLOC_ZERO);
    dsa_pin_mapping(memory.area);
  };
  if (!run_asking(create)) {
    memory.refusal = kSystemRefused;
    return nullptr;
  }
  memory.limit -= std::min(first_bytes, memory.limit / 2);
  return memory.area;
}

dsa_area* memory_area() {
  return memory.area;
}

void memory_shown() {
  memory.is_shown = true;
  pg_atomic_write_u64(&memory.entry->area_granted, memory.granted);
}

}  // namespace trending
