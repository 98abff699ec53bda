// SPDX-License-Identifier: PostgreSQL
// The memory of one trend: blocks from a source (shared memory in the server, the heap in tests), addressed
// by offsets that mean the same in every process.
//
// Locking: allocate, release and everything that writes need the trend's lock exclusively and happen in one
// process only; at() needs it shared. A process must call refresh() after taking the lock and before at(),
// since blocks may have come and gone meanwhile. Every block has a serial number that is never used again, so
// that a process knows which of the addresses that it remembers are still those of the same block; refresh()
// looks up all others, and at() never has to.
//
// Large objects are blocks of their own and go back to the source when released. Small ones come from size
// classes (four to a doubling, so a tenth is lost on average) carved from pages, and are reused by class.
// Nothing throws; a failed allocation leaves everything as it was.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/memory/status.h"

namespace trending {

// Block index << 32 | byte within the block; 0 is null (the arena's header lies there).
using Offset = uint64_t;

// Where blocks come from. None of these may throw; allocate returns false when memory is exhausted. Addresses
// must be aligned to 16 bytes and stay valid in this process until the block is released. resolve is also
// called by readers, in their process, for handles that the writer allocated.
struct BlockSource {
  void* context = nullptr;
  bool (*allocate)(void* context, size_t bytes, uint64_t* handle, void** address) = nullptr;
  void (*release)(void* context, uint64_t handle, size_t bytes) = nullptr;
  void* (*resolve)(void* context, uint64_t handle) = nullptr;
};

struct ArenaHeader;

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Makes a new arena of at most memory_limit bytes. root_handle() is what others attach by.
  Status create(const BlockSource& source, uint64_t memory_limit);
  // Looks at an arena that exists, from this process.
  Status attach(const BlockSource& source, uint64_t root_handle);
  // Releases every block, the header too; the arena is then as after construction. Writer only; a process
  // that only looks just destroys its Arena.
  void destroy();

  uint64_t root_handle() const { return root_handle_; }
  bool is_open() const { return header_ != nullptr; }

  // Makes this process see the blocks as they are now. Fails only when the process cannot get memory for its
  // own table of addresses. resolve may end it by a jump (an error of the server's): the next call goes on.
  Status refresh();

  // Returns null (0) when the limit is reached or the source has no more. The memory is not cleared. Aligned
  // to 16.
  Offset allocate(size_t bytes);
  // Gives back what allocate(bytes) returned, with the same size. Null is ignored.
  void release(Offset offset, size_t bytes);

  // The address of an offset in this process, valid until the object is released (or, for a reader, until it
  // gives up its lock). Not for null.
  template <typename T = std::byte>
  T* at(Offset offset) const {
    return reinterpret_cast<T*>(addresses_[offset >> 32] + static_cast<uint32_t>(offset));
  }

  uint64_t bytes_used() const;  // bytes taken from the source
  uint64_t memory_limit() const;
  void set_memory_limit(uint64_t bytes);

  // One object that everything else is found from.
  Offset root() const;
  void set_root(Offset offset);

 private:
  struct BlockEntry;

  bool reserve_addresses(uint32_t count);
  bool reserve_serials(uint32_t count);
  bool reserve_block_index(uint32_t* index);
  Offset allocate_block(size_t bytes);
  void release_block(uint32_t index);
  Offset allocate_small(uint32_t size_class);

  BlockSource source_;
  ArenaHeader* header_ = nullptr;
  uint64_t root_handle_ = 0;
  std::byte** addresses_ = nullptr;  // of the blocks, in this process
  uint32_t address_count_ = 0;
  uint64_t* serials_ = nullptr;  // of the blocks that addresses_ are of; only in a process that looks
  uint32_t serial_count_ = 0;
  BlockEntry* table_ = nullptr;  // of blocks
  uint64_t seen_serial_ = 0;     // what refresh() has seen
};

}  // namespace trending
