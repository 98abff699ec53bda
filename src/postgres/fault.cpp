// SPDX-License-Identifier: PostgreSQL
#include "postgres/fault.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <new>

namespace trending {

bool faults_set = false;

namespace {

constexpr const char* kPoints[] = {"memory", "shared_memory", "load",    "row",        "apply",
                                   "fill",   "backfill",      "history", "checkpoint", "statement"};
constexpr const char* kKinds[] = {"", "error", "bad_alloc", "refused"};
constexpr int kMaxFaults = 8;

struct Fault {
  FaultPoint point;
  int32 trend;  // 0: any
  FaultKind kind;
  double probability;
  uint64 state;  // of the generator
};

Fault faults[kMaxFaults];
int fault_count = 0;

template <size_t kCount>
int index_of(const char* const (&names)[kCount], const char* name) {
  for (size_t i = 0; i < kCount; i++) {
    if (strcmp(names[i], name) == 0) return static_cast<int>(i);
  }
  return -1;
}

bool parse_fault(const char* text, Fault* fault) {
  char point[32];
  char kind[32];
  int end = -1;
  int trend = 0;
  if (sscanf(text, "%31[a-z_]=%d%n", point, &trend, &end) < 2 || end < 0) {
    trend = 0;
    if (sscanf(text, "%31[a-z_]%n", point, &end) < 1) return false;
  }
  text += end;
  int kind_end = -1;
  if (sscanf(text, ":%31[a-z_]%n", kind, &kind_end) < 1 || kind_end < 0) return false;
  text += kind_end;
  double probability = 1;
  unsigned int seed = static_cast<unsigned int>(MyProcPid);
  if (*text != '\0') {
    char rest = '\0';
    int read = sscanf(text, ":%lf:%u%c", &probability, &seed, &rest);
    if (read != 1 && read != 2) return false;
  }
  const int point_index = index_of(kPoints, point);
  const int kind_index = index_of(kKinds, kind);
  if (point_index < 0 || kind_index <= 0) return false;
  *fault = Fault{static_cast<FaultPoint>(point_index), trend, static_cast<FaultKind>(kind_index), probability,
                 hash_bytes_uint32_extended(seed, 0)};
  return true;
}

// The faults of a setting, or -1 if it is not understood.
int parse(const char* value, Fault* parsed) {
  int count = 0;
  while (value != nullptr && *value != '\0') {
    size_t size = strcspn(value, ",");
    char text[128];
    if (size >= sizeof(text) || count == kMaxFaults) return -1;
    memcpy(text, value, size);
    text[size] = '\0';
    const char* begin = text + strspn(text, " ");
    if (!parse_fault(begin, &parsed[count++])) return -1;
    value += size + (value[size] == ',' ? 1 : 0);
  }
  return count;
}

double draw(uint64* state) {
  *state = hash_bytes_uint32_extended(static_cast<uint32>(*state ^ (*state >> 32)), *state + 1);
  return static_cast<double>(*state >> 11) * 0x1p-53;
}

}  // namespace

FaultKind fault_drawn(FaultPoint point, int32 trend) {
  for (int i = 0; i < fault_count; i++) {
    Fault& fault = faults[i];
    if (fault.point != point || (fault.trend != 0 && fault.trend != trend)) continue;
    if (fault.probability >= 1 || draw(&fault.state) < fault.probability) return fault.kind;
  }
  return FaultKind::kNone;
}

void fault_strike(FaultPoint point, int32 trend) {
  FaultKind kind = fault_drawn(point, trend);
  if (kind == FaultKind::kNone) return;
  if (kind == FaultKind::kBadAlloc) throw std::bad_alloc();
  ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                  errmsg("fault made on purpose at \"%s\"", kPoints[static_cast<int>(point)])));
}

bool fault_setting_check(char** value, void**, GucSource) {
  Fault parsed[kMaxFaults];
  if (parse(*value, parsed) >= 0) return true;
  GUC_check_errdetail("The value must be a list of POINT[=TREND]:KIND[:PROBABILITY[:SEED]].");
  return false;
}

void fault_setting_assign(const char* value, void*) {
  fault_count = std::max(parse(value, faults), 0);
  faults_set = fault_count > 0;
}

}  // namespace trending

// All C++ allocations of this library; what libstdc++ allocates for itself stays as it is, which is malloc
// and free, too. A sanitizer has its own.
#ifndef __SANITIZE_ADDRESS__

void* operator new(size_t size) {
  using namespace trending;
  if (unlikely(faults_set) && OidIsValid(MyDatabaseId) &&
      fault_drawn(FaultPoint::kMemory, 0) != FaultKind::kNone) {
    throw std::bad_alloc();
  }
  void* memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new[](size_t size) {
  return operator new(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}

#endif
