// SPDX-License-Identifier: PostgreSQL
#include "engine/memory/arena.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace trending {

namespace {

constexpr uint64_t kArenaMagic = 0x31'00'41'4e'45'52'41'54;
constexpr size_t kAlignment = 16;
constexpr size_t kLargestSmall = 8192;
constexpr uint32_t kClassCount = 32;
constexpr size_t kFirstBlockBytes = 8192;
constexpr size_t kMinPageBytes = 16 << 10;
constexpr size_t kMaxPageBytes = 256 << 10;
constexpr uint32_t kInlineEntries = 8;
constexpr uint32_t kNoBlock = UINT32_MAX;

// Classes 0..7 are 16 to 128 bytes in steps of 16; from there on four to each doubling, up to 8192 bytes.
uint32_t class_of(size_t bytes) {
  if (bytes <= 128) return bytes == 0 ? 0 : static_cast<uint32_t>((bytes - 1) / 16);
  const uint32_t log = static_cast<uint32_t>(std::bit_width(bytes - 1)) - 1;
  return 8 + (log - 7) * 4 + static_cast<uint32_t>((bytes - 1) >> (log - 2)) - 4;
}

size_t class_bytes(uint32_t size_class) {
  if (size_class < 8) return (size_class + 1) * 16;
  return static_cast<size_t>(5 + (size_class - 8) % 4) << (5 + (size_class - 8) / 4);
}

Offset make_offset(uint32_t block, size_t byte) {
  return static_cast<Offset>(block) << 32 | byte;
}

}  // namespace

struct Arena::BlockEntry {
  uint64_t handle;  // or the next free index, when bytes is 0
  uint64_t bytes;
  uint64_t serial;
};

// At the start of block 0. Written by the writer only, under the exclusive lock.
struct ArenaHeader {
  struct Entry {
    uint64_t handle, bytes, serial;
  };

  uint64_t magic;
  uint64_t serial;  // the last one given to a block, or to the table of blocks
  uint64_t bytes_used;
  uint64_t memory_limit;
  Offset root;

  uint32_t block_count;  // indexes used so far
  uint32_t first_free_index;
  // The table of blocks: here while it is small, then in a block of its own that is not in the table.
  uint32_t table_capacity;
  uint64_t table_handle;
  Entry inline_table[kInlineEntries];

  Offset page;  // what is left of the newest page
  size_t page_left;
  Offset free_lists[kClassCount];
};

Arena::~Arena() {
  std::free(addresses_);
  std::free(serials_);
}

Status Arena::create(const BlockSource& source, uint64_t memory_limit) {
  if (memory_limit < kFirstBlockBytes) return Status::kOutOfMemory;
  source_ = source;
  if (!reserve_addresses(1)) return Status::kOutOfMemory;
  uint64_t handle = 0;
  void* address = nullptr;
  if (!source.allocate(source.context, kFirstBlockBytes, &handle, &address)) return Status::kOutOfMemory;

  root_handle_ = handle;
  addresses_[0] = static_cast<std::byte*>(address);
  header_ = new (address) ArenaHeader{};
  header_->magic = kArenaMagic;
  header_->bytes_used = kFirstBlockBytes;
  header_->memory_limit = memory_limit;
  header_->block_count = 1;
  header_->first_free_index = kNoBlock;
  header_->table_capacity = kInlineEntries;
  header_->serial = 1;
  header_->inline_table[0] = {handle, kFirstBlockBytes, 1};
  const size_t used = (sizeof(ArenaHeader) + kAlignment - 1) / kAlignment * kAlignment;
  header_->page = make_offset(0, used);
  header_->page_left = kFirstBlockBytes - used;
  table_ = reinterpret_cast<BlockEntry*>(header_->inline_table);
  return Status::kOk;
}

Status Arena::attach(const BlockSource& source, uint64_t root_handle) {
  source_ = source;
  if (!reserve_addresses(1)) return Status::kOutOfMemory;
  auto* header = static_cast<ArenaHeader*>(source.resolve(source.context, root_handle));
  if (header == nullptr || header->magic != kArenaMagic) return Status::kCorrupt;
  header_ = header;
  root_handle_ = root_handle;
  addresses_[0] = reinterpret_cast<std::byte*>(header);
  if (serial_count_ > 0) std::fill(serials_, serials_ + serial_count_, 0);
  seen_serial_ = 0;
  return refresh();
}

void Arena::destroy() {
  if (header_ == nullptr) return;
  for (uint32_t i = 1; i < header_->block_count; i++) {
    if (table_[i].bytes != 0) source_.release(source_.context, table_[i].handle, table_[i].bytes);
  }
  if (header_->table_capacity > kInlineEntries) {
    source_.release(source_.context, header_->table_handle, header_->table_capacity * sizeof(BlockEntry));
  }
  source_.release(source_.context, root_handle_, kFirstBlockBytes);
  header_ = nullptr;
  table_ = nullptr;
  root_handle_ = 0;
}

Status Arena::refresh() {
  static_assert(sizeof(BlockEntry) == sizeof(ArenaHeader::Entry));
  if (header_->serial == seen_serial_) return Status::kOk;
  if (!reserve_addresses(header_->block_count) || !reserve_serials(header_->block_count)) {
    return Status::kOutOfMemory;
  }
  table_ = header_->table_capacity == kInlineEntries
               ? reinterpret_cast<BlockEntry*>(header_->inline_table)
               : static_cast<BlockEntry*>(source_.resolve(source_.context, header_->table_handle));
  for (uint32_t i = 1; i < header_->block_count; i++) {
    const BlockEntry& entry = table_[i];
    if (entry.bytes == 0 || entry.serial == serials_[i]) continue;
    addresses_[i] = static_cast<std::byte*>(source_.resolve(source_.context, entry.handle));
    serials_[i] = entry.serial;
  }
  seen_serial_ = header_->serial;
  return Status::kOk;
}

Offset Arena::allocate(size_t bytes) {
  if (bytes > UINT32_MAX) return 0;
  return bytes > kLargestSmall ? allocate_block(bytes) : allocate_small(class_of(bytes));
}

void Arena::release(Offset offset, size_t bytes) {
  if (offset == 0) return;
  if (bytes > kLargestSmall) {
    release_block(static_cast<uint32_t>(offset >> 32));
    return;
  }
  Offset& head = header_->free_lists[class_of(bytes)];
  *at<Offset>(offset) = head;
  head = offset;
}

uint64_t Arena::bytes_used() const {
  return header_->bytes_used;
}
uint64_t Arena::memory_limit() const {
  return header_->memory_limit;
}
void Arena::set_memory_limit(uint64_t bytes) {
  header_->memory_limit = bytes;
}
Offset Arena::root() const {
  return header_->root;
}
void Arena::set_root(Offset offset) {
  header_->root = offset;
}

// Makes the process's own table of addresses hold at least count entries.
bool Arena::reserve_addresses(uint32_t count) {
  if (count <= address_count_) return true;
  const uint32_t capacity = std::max<uint32_t>(count, std::max<uint32_t>(32, address_count_ * 2));
  auto** grown = static_cast<std::byte**>(std::realloc(addresses_, capacity * sizeof(std::byte*)));
  if (grown == nullptr) return false;
  std::fill(grown + address_count_, grown + capacity, nullptr);
  addresses_ = grown;
  address_count_ = capacity;
  return true;
}

// Likewise of serial numbers. 0 is no block's.
bool Arena::reserve_serials(uint32_t count) {
  if (count <= serial_count_) return true;
  const uint32_t capacity = std::max<uint32_t>(count, std::max<uint32_t>(32, serial_count_ * 2));
  auto* grown = static_cast<uint64_t*>(std::realloc(serials_, capacity * sizeof(uint64_t)));
  if (grown == nullptr) return false;
  std::fill(grown + serial_count_, grown + capacity, 0);
  serials_ = grown;
  serial_count_ = capacity;
  return true;
}

// Finds an unused block index, growing the table of blocks when there is none; takes nothing yet.
bool Arena::reserve_block_index(uint32_t* index) {
  if (header_->first_free_index != kNoBlock) {
    *index = header_->first_free_index;
    return true;
  }
  *index = header_->block_count;
  if (!reserve_addresses(header_->block_count + 1)) return false;
  if (header_->block_count < header_->table_capacity) return true;

  const uint32_t old_capacity = header_->table_capacity;
  const uint32_t capacity = std::max<uint32_t>(64, old_capacity * 2);
  const uint64_t bytes = capacity * sizeof(BlockEntry);
  uint64_t handle = 0;
  void* address = nullptr;
  if (header_->bytes_used + bytes > header_->memory_limit) return false;
  if (!source_.allocate(source_.context, bytes, &handle, &address)) return false;
  std::memcpy(address, table_, old_capacity * sizeof(BlockEntry));
  if (old_capacity > kInlineEntries) {
    source_.release(source_.context, header_->table_handle, old_capacity * sizeof(BlockEntry));
    header_->bytes_used -= old_capacity * sizeof(BlockEntry);
  }
  header_->serial++;  // others remember the old table's address
  header_->bytes_used += bytes;
  header_->table_capacity = capacity;
  header_->table_handle = handle;
  table_ = static_cast<BlockEntry*>(address);
  return true;
}

Offset Arena::allocate_block(size_t bytes) {
  uint32_t index = 0;
  uint64_t handle = 0;
  void* address = nullptr;
  if (!reserve_block_index(&index)) return 0;
  if (header_->bytes_used + bytes > header_->memory_limit) return 0;
  if (!source_.allocate(source_.context, bytes, &handle, &address)) return 0;

  BlockEntry& entry = table_[index];
  if (index == header_->block_count) {
    header_->block_count++;
  } else {
    header_->first_free_index = static_cast<uint32_t>(entry.handle);
  }
  entry = {handle, bytes, ++header_->serial};
  addresses_[index] = static_cast<std::byte*>(address);
  header_->bytes_used += bytes;
  return make_offset(index, 0);
}

void Arena::release_block(uint32_t index) {
  BlockEntry& entry = table_[index];
  source_.release(source_.context, entry.handle, entry.bytes);
  header_->bytes_used -= entry.bytes;
  entry = {header_->first_free_index, 0, 0};
  header_->first_free_index = index;
  addresses_[index] = nullptr;
}

Offset Arena::allocate_small(uint32_t size_class) {
  Offset& head = header_->free_lists[size_class];
  if (head != 0) {
    const Offset offset = head;
    head = *at<Offset>(offset);
    return offset;
  }
  const size_t bytes = class_bytes(size_class);
  if (header_->page_left < bytes) {
    const size_t page_bytes =
        std::clamp(std::bit_floor(header_->bytes_used / 4), kMinPageBytes, kMaxPageBytes);
    const Offset page = allocate_block(page_bytes);
    if (page == 0) return 0;
    while (header_->page_left >= kAlignment) {  // what is left of the old page goes to the classes that fit
      uint32_t fitting = class_of(header_->page_left);
      if (class_bytes(fitting) > header_->page_left) fitting--;
      const Offset rest = header_->page;
      header_->page += class_bytes(fitting);
      header_->page_left -= class_bytes(fitting);
      release(rest, class_bytes(fitting));
    }
    header_->page = page;
    header_->page_left = page_bytes;
  }
  const Offset offset = header_->page;
  header_->page += bytes;
  header_->page_left -= bytes;
  return offset;
}

}  // namespace trending
