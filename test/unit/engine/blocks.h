// SPDX-License-Identifier: PostgreSQL
// Where the tests' arenas get their blocks from.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <map>

#include "engine/memory/arena.h"

namespace trending::test {

// Blocks of memory files, mapped once for each view, at different addresses: what one view writes the others
// see, and a pointer left in the shared state would lead astray. A released block is unmapped everywhere, so
// that any use of it crashes.
class SharedBlocks {
 public:
  ~SharedBlocks() {
    while (!files_.empty()) release(files_.begin()->first);
  }

  // The source as one process sees it. The view that allocates must be the writer's.
  class View {
   public:
    explicit View(SharedBlocks* blocks) : blocks_(blocks) {}
    ~View() { unmap_all(); }

    BlockSource source() {
      return {this,
              [](void* self, size_t bytes, uint64_t* handle, void** address) {
                return static_cast<View*>(self)->allocate(bytes, handle, address);
              },
              [](void* self, uint64_t handle, size_t bytes) {
                EXPECT_EQ(bytes, static_cast<View*>(self)->blocks_->files_.at(handle).bytes);
                static_cast<View*>(self)->blocks_->release(handle);
              },
              [](void* self, uint64_t handle) { return static_cast<View*>(self)->resolve(handle); }};
    }

   private:
    friend class SharedBlocks;

    bool allocate(size_t bytes, uint64_t* handle, void** address) {
      if (!blocks_->make(bytes, handle)) return false;
      *address = resolve(*handle);
      return true;
    }
    void* resolve(uint64_t handle) {
      auto found = mapped_.find(handle);
      if (found != mapped_.end()) return found->second;
      const File& file = blocks_->files_.at(handle);
      void* address = mmap(nullptr, file.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0);
      if (address == MAP_FAILED) return nullptr;
      blocks_->views_.emplace(handle, this);
      return mapped_[handle] = address;
    }
    void unmap(uint64_t handle) {
      munmap(mapped_.at(handle), blocks_->files_.at(handle).bytes);
      mapped_.erase(handle);
    }
    void unmap_all() {
      for (auto& [handle, address] : mapped_) munmap(address, blocks_->files_.at(handle).bytes);
      for (auto i = blocks_->views_.begin(); i != blocks_->views_.end();) {
        i = i->second == this ? blocks_->views_.erase(i) : std::next(i);
      }
    }

    SharedBlocks* blocks_;
    std::map<uint64_t, void*> mapped_;
  };

  size_t count() const { return files_.size(); }
  // Lets the n-th allocation from now fail, and then every one until it is set again (0: none fails).
  void fail_after(uint64_t n) { fail_after_ = n; }

 private:
  struct File {
    int descriptor;
    size_t bytes;
  };

  bool make(size_t bytes, uint64_t* handle) {
    if (fail_after_ > 0 && --fail_after_ == 0) {
      fail_after_ = 1;
      return false;
    }
    const int descriptor = memfd_create("block", 0);
    if (descriptor < 0) return false;
    if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) {
      close(descriptor);
      return false;
    }
    *handle = next_handle_++;
    files_[*handle] = {descriptor, bytes};
    return true;
  }
  void release(uint64_t handle) {
    for (auto [i, end] = views_.equal_range(handle); i != end; i++) i->second->unmap(handle);
    views_.erase(handle);
    close(files_.at(handle).descriptor);
    files_.erase(handle);
  }

  std::map<uint64_t, File> files_;
  std::multimap<uint64_t, View*> views_;
  uint64_t next_handle_ = 1;
  uint64_t fail_after_ = 0;
};

}  // namespace trending::test
