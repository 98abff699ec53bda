// SPDX-License-Identifier: PostgreSQL
#include "engine/aggregates/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/aggregates/key.h"

namespace trending {

uint64_t hash_for_sketch(const void* bytes, size_t size) {
  const auto* p = static_cast<const std::byte*>(bytes);
  uint64_t state = 0x2d358dccaa6c78a5u ^ size;
  size_t left = size;
  for (; left >= 8; left -= 8, p += 8) {
    state = detail::fold_multiply(detail::load64(p) ^ state, 0x8bb84b93962eacc9u);
    state += 0x4b33a62ed433d4a3u;
  }
  uint64_t last = 0;
  if (left > 0) std::memcpy(&last, p, left);
  state = detail::fold_multiply(last ^ state, 0xa0761d6478bd642fu) ^ size;
  // The finaliser of splitmix64 (Steele, Vigna).
  state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
  state = (state ^ state >> 27) * 0x94d049bb133111ebu;
  return state ^ state >> 31;
}

namespace sketch {

namespace {

constexpr int kBits = 16;        // of a hash that choose a register
constexpr int kSparseBits = 26;  // and an entry's place while sparse
constexpr int kRankBits = 32 - kSparseBits;
constexpr uint32_t kRegisters = 1u << kBits;
constexpr int kGreatest = 64 - kBits + 1;  // value of a register
constexpr uint32_t kFirstCapacity = 4;
constexpr uint32_t kLastCapacity = 8192;

struct Header {
  uint32_t capacity;  // places for entries; 0 when dense
  uint32_t used;      // entries
};
struct Sparse {
  Header header;
  uint32_t entries[1];  // a hash table: place << kRankBits | rank, 0 where empty
};
struct Dense {
  Header header;
  uint32_t counts[kGreatest + 1];  // how many registers have each value
  uint8_t registers[kRegisters];
};

const Header& header_of(const void* sketch) {
  return *static_cast<const Header*>(sketch);
}
size_t sparse_bytes(uint32_t capacity) {
  return sizeof(Header) + capacity * sizeof(uint32_t);
}
constexpr size_t kDenseBytes = (sizeof(Dense) + 7) & ~size_t{7};

// At most three quarters of the places are used.
uint32_t most_entries(uint32_t capacity) {
  return capacity - capacity / 4;
}

// The number of leading zeros of the bits after the first `bits`, plus one.
uint32_t rank_of(uint64_t hash, int bits) {
  return static_cast<uint32_t>(std::min(std::countl_zero(hash << bits), 64 - bits)) + 1;
}

uint32_t entry_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> (64 - kSparseBits)) << kRankBits | rank_of(hash, kSparseBits);
}

Added set_register(Dense* dense, uint32_t index, uint32_t value) {
  uint8_t& present = dense->registers[index];
  if (value <= present) return Added::kNothing;
  dense->counts[present]--;
  dense->counts[value]++;
  present = static_cast<uint8_t>(value);
  return Added::kChanged;
}

// An entry says what the register would be: the bits of its place that are not the register's, then its rank.
Added set_register(Dense* dense, uint32_t entry) {
  constexpr int kRest = kSparseBits - kBits;
  const uint32_t place = entry >> kRankBits;
  const uint32_t rest = place & ((1u << kRest) - 1);
  const uint32_t value = rest != 0 ? static_cast<uint32_t>(kRest - std::bit_width(rest)) + 1
                                   : kRest + (entry & ((1u << kRankBits) - 1));
  return set_register(dense, place >> kRest, value);
}

// Where to look for an entry first.
uint32_t first_place(const Header& header, uint32_t place) {
  return (place * 0x9e3779b1u) >> (32 - std::countr_zero(header.capacity));
}

Added add_entry(Sparse* sparse, uint32_t entry) {
  Header& header = sparse->header;
  const uint32_t place = entry >> kRankBits;
  uint32_t i = first_place(header, place);
  for (; sparse->entries[i] != 0; i = (i + 1) & (header.capacity - 1)) {
    if (sparse->entries[i] >> kRankBits != place) continue;
    if (sparse->entries[i] >= entry) return Added::kNothing;
    sparse->entries[i] = entry;
    return Added::kChanged;
  }
  if (header.used == most_entries(header.capacity)) return Added::kFull;
  sparse->entries[i] = entry;
  header.used++;
  return Added::kChanged;
}

void init_sparse(void* sketch, uint32_t capacity) {
  std::memset(sketch, 0, sparse_bytes(capacity));
  static_cast<Header*>(sketch)->capacity = capacity;
}

void init_dense(void* sketch) {
  std::memset(sketch, 0, kDenseBytes);
  static_cast<Dense*>(sketch)->counts[0] = kRegisters;
}

template <typename Visit>
void for_each_entry(const void* sketch, Visit&& visit) {
  const auto* sparse = static_cast<const Sparse*>(sketch);
  for (uint32_t i = 0; i < sparse->header.capacity; i++) {
    if (sparse->entries[i] != 0) visit(sparse->entries[i]);
  }
}

Added merge_dense(Dense* into, const Dense* from) {
  Added result = Added::kNothing;
  for (uint32_t i = 0; i < kRegisters; i += 8) {
    // Mostly there is nothing to do.
    uint64_t a = 0;
    uint64_t b = 0;
    std::memcpy(&a, into->registers + i, 8);
    std::memcpy(&b, from->registers + i, 8);
    if (a == b) continue;
    for (uint32_t j = i; j < i + 8; j++) {
      if (set_register(into, j, from->registers[j]) == Added::kChanged) result = Added::kChanged;
    }
  }
  return result;
}

// Ertl's sigma and tau: what registers that are zero, or at their greatest value, contribute.
double sigma(double x) {
  if (x == 1) return HUGE_VAL;
  double z = x;
  double y = 1;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double z = 1 - x;
  double y = 1;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y /= 2;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

size_t initial_bytes() {
  return sparse_bytes(kFirstCapacity);
}

size_t bytes(const void* sketch) {
  const Header& header = header_of(sketch);
  return header.capacity != 0 ? sparse_bytes(header.capacity) : kDenseBytes;
}

void init(void* sketch) {
  init_sparse(sketch, kFirstCapacity);
}

Added add(void* sketch, uint64_t hash) {
  if (header_of(sketch).capacity != 0) return add_entry(static_cast<Sparse*>(sketch), entry_of(hash));
  return set_register(static_cast<Dense*>(sketch), static_cast<uint32_t>(hash >> (64 - kBits)),
                      rank_of(hash, kBits));
}

bool is_full_for(const void* sketch, uint64_t hash) {
  const Header& header = header_of(sketch);
  if (header.capacity == 0 || header.used < most_entries(header.capacity)) return false;
  const auto* sparse = static_cast<const Sparse*>(sketch);
  const uint32_t place = entry_of(hash) >> kRankBits;
  uint32_t i = first_place(header, place);
  for (; sparse->entries[i] != 0; i = (i + 1) & (header.capacity - 1)) {
    if (sparse->entries[i] >> kRankBits == place) return false;
  }
  return true;
}

Added merge(void* sketch, const void* other) {
  const bool into_dense = header_of(sketch).capacity == 0;
  if (header_of(other).capacity == 0) {
    return into_dense ? merge_dense(static_cast<Dense*>(sketch), static_cast<const Dense*>(other))
                      : Added::kFull;
  }
  Added result = Added::kNothing;
  for_each_entry(other, [&](uint32_t entry) {
    if (result == Added::kFull) return;
    const Added added = into_dense ? set_register(static_cast<Dense*>(sketch), entry)
                                   : add_entry(static_cast<Sparse*>(sketch), entry);
    if (added != Added::kNothing) result = added;
  });
  return result;
}

size_t grown_bytes(const void* sketch) {
  const uint32_t capacity = header_of(sketch).capacity;
  return capacity < kLastCapacity ? sparse_bytes(capacity * 2) : kDenseBytes;
}

void grow(const void* sketch, void* larger) {
  const uint32_t capacity = header_of(sketch).capacity;
  if (capacity < kLastCapacity) {
    init_sparse(larger, capacity * 2);
    for_each_entry(sketch, [larger](uint32_t entry) { add_entry(static_cast<Sparse*>(larger), entry); });
  } else {
    init_dense(larger);
    for_each_entry(sketch, [larger](uint32_t entry) { set_register(static_cast<Dense*>(larger), entry); });
  }
}

uint64_t estimate(const void* sketch) {
  const Header& header = header_of(sketch);
  if (header.capacity != 0) {
    // Few of very many places are taken: linear counting.
    constexpr double kPlaces = 1u << kSparseBits;
    return static_cast<uint64_t>(
        std::llround(-kPlaces * std::log1p(-static_cast<double>(header.used) / kPlaces)));
  }
  const auto* dense = static_cast<const Dense*>(sketch);
  constexpr double m = kRegisters;
  double z = m * tau(1 - dense->counts[kGreatest] / m);
  for (int value = kGreatest - 1; value >= 1; value--) z = (z + dense->counts[value]) / 2;
  z += m * sigma(dense->counts[0] / m);
  constexpr double kAlpha = 0.72134752044448170367996234050095;  // 1 / (2 ln 2)
  return static_cast<uint64_t>(std::llround(kAlpha * m * m / z));
}

// Sparse: the entries in order, four bytes each. Dense: the registers. Their sizes tell them apart.
size_t serialized_bytes(const void* sketch) {
  const Header& header = header_of(sketch);
  return header.capacity != 0 ? header.used * sizeof(uint32_t) : kRegisters;
}

void serialize(const void* sketch, void* bytes) {
  const Header& header = header_of(sketch);
  if (header.capacity == 0) {
    std::memcpy(bytes, static_cast<const Dense*>(sketch)->registers, kRegisters);
    return;
  }
  auto* to = static_cast<std::byte*>(bytes);
  uint32_t entries[kLastCapacity];
  uint32_t count = 0;
  for_each_entry(sketch, [&](uint32_t entry) { entries[count++] = entry; });
  std::sort(entries, entries + count);
  if (count > 0) std::memcpy(to, entries, count * sizeof(uint32_t));
}

size_t deserialized_bytes(const void* bytes, size_t size) {
  if (size == kRegisters) {
    const auto* registers = static_cast<const uint8_t*>(bytes);
    const bool good = std::all_of(registers, registers + size, [](uint8_t r) { return r <= kGreatest; });
    return good ? kDenseBytes : 0;
  }
  if (size % sizeof(uint32_t) != 0 || size / sizeof(uint32_t) > most_entries(kLastCapacity)) return 0;
  const auto* from = static_cast<const std::byte*>(bytes);
  for (size_t i = 0; i < size; i += sizeof(uint32_t)) {
    uint32_t entry = 0;
    std::memcpy(&entry, from + i, sizeof(entry));
    const uint32_t rank = entry & ((1u << kRankBits) - 1);
    if (rank == 0 || rank > 64 - kSparseBits + 1) return 0;
  }
  uint32_t capacity = kFirstCapacity;
  while (most_entries(capacity) < size / sizeof(uint32_t)) capacity *= 2;
  return sparse_bytes(capacity);
}

void deserialize(const void* bytes, size_t size, void* sketch) {
  const auto* from = static_cast<const std::byte*>(bytes);
  if (size == kRegisters) {
    init_dense(sketch);
    auto* dense = static_cast<Dense*>(sketch);
    for (uint32_t i = 0; i < kRegisters; i++) set_register(dense, i, std::to_integer<uint32_t>(from[i]));
    return;
  }
  uint32_t capacity = kFirstCapacity;
  while (most_entries(capacity) < size / sizeof(uint32_t)) capacity *= 2;
  init_sparse(sketch, capacity);
  for (size_t i = 0; i < size; i += sizeof(uint32_t)) {
    uint32_t entry = 0;
    std::memcpy(&entry, from + i, sizeof(entry));
    add_entry(static_cast<Sparse*>(sketch), entry);
  }
}

}  // namespace sketch

bool HyperLogLog::grow() {
  void* larger = std::malloc(data_ == nullptr ? sketch::initial_bytes() : sketch::grown_bytes(data_));
  if (larger == nullptr) return false;
  if (data_ == nullptr) {
    sketch::init(larger);
  } else {
    sketch::grow(data_, larger);
  }
  std::free(data_);
  data_ = larger;
  return true;
}

bool HyperLogLog::add(uint64_t hash) {
  while (data_ == nullptr || sketch::add(data_, hash) == sketch::Added::kFull) {
    if (!grow()) return false;
  }
  return true;
}

bool HyperLogLog::merge(const void* other) {
  while (data_ == nullptr || sketch::merge(data_, other) == sketch::Added::kFull) {
    if (!grow()) return false;
  }
  return true;
}

void HyperLogLog::clear() {
  std::free(data_);
  data_ = nullptr;
}

}  // namespace trending
