// SPDX-License-Identifier: PostgreSQL
// Memory of the process that is used again and again, for what must lie together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace trending {

class HeapBuffer {
 public:
  HeapBuffer() = default;
  ~HeapBuffer() { std::free(data_); }
  HeapBuffer(const HeapBuffer&) = delete;
  HeapBuffer& operator=(const HeapBuffer&) = delete;

  std::byte* data() const { return data_; }
  void clear() {
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }
  // Room for so many bytes; keeps what is there. False when there is no memory.
  bool reserve(size_t bytes) {
    if (bytes <= capacity_) return true;
    const size_t larger = std::max({bytes, capacity_ * 2, size_t{256}});
    void* grown = std::realloc(data_, larger);
    if (grown == nullptr) return false;
    data_ = static_cast<std::byte*>(grown);
    capacity_ = larger;
    return true;
  }

 private:
  std::byte* data_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace trending
