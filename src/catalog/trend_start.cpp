// SPDX-License-Identifier: PostgreSQL
#include "catalog/trend_start.h"

#include <algorithm>

#include "postgres/guard.h"

namespace trending {

namespace {

// Transaction numbers tell before from after only within half of their range.
constexpr uint64 kHalfRange = UINT64CONST(1) << 31;

// The number of a transaction that began not long before `next`.
int64 full_xid(FullTransactionId next, TransactionId xid) {
  const uint64 number = U64FromFullTransactionId(next);
  return static_cast<int64>(number - static_cast<uint32>(XidFromFullTransactionId(next) - xid));
}

}  // namespace

Datum later_transactions() {
  const Snapshot snapshot = GetLatestSnapshot();
  const FullTransactionId next = ReadNextFullTransactionId();
  // With more subtransactions than the snapshot holds, all since the oldest one that runs count as running.
  const bool is_whole = !snapshot->suboverflowed;
  const uint32 tops = is_whole ? snapshot->xcnt : 0;
  const uint32 subs = is_whole ? static_cast<uint32>(snapshot->subxcnt) : 0;
  auto* values = static_cast<Datum*>(palloc(sizeof(Datum) * (1 + size_t{tops} + subs)));
  values[0] = Int64GetDatum(full_xid(next, is_whole ? snapshot->xmax : snapshot->xmin));
  for (uint32 i = 0; i < tops; i++) values[1 + i] = Int64GetDatum(full_xid(next, snapshot->xip[i]));
  for (uint32 i = 0; i < subs; i++) values[1 + tops + i] = Int64GetDatum(full_xid(next, snapshot->subxip[i]));
  const int count = static_cast<int>(1 + tops + subs);
  std::sort(values + 1, values + count, [](Datum a, Datum b) { return DatumGetInt64(a) < DatumGetInt64(b); });
  return PointerGetDatum(construct_array(values, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
}

namespace {

// Without the null bitmap that our arrays never have.
const int64* numbers_of(ArrayType* array, int* count) {
  const bool is_ours = ARR_NDIM(array) == 1 && !ARR_HASNULL(array) && ARR_ELEMTYPE(array) == INT8OID;
  *count = is_ours ? ARR_DIMS(array)[0] : 0;
  return reinterpret_cast<const int64*>(ARR_DATA_PTR(array));
}

bool is_later(TransactionId xid, ArrayType* later) {
  int count = 0;
  const int64* numbers = numbers_of(later, &count);
  if (count == 0 || !TransactionIdIsNormal(xid)) return false;
  const auto first = static_cast<uint64>(numbers[0]);
  const uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());
  if (next - first >= kHalfRange) return false;  // too long ago to tell
  if (TransactionIdFollowsOrEquals(xid, static_cast<TransactionId>(first))) return true;
  return std::any_of(numbers + 1, numbers + count,
                     [xid](int64 running) { return static_cast<TransactionId>(running) == xid; });
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(is_later) {
  PG_RETURN_BOOL(trending::is_later(PG_GETARG_TRANSACTIONID(0), PG_GETARG_ARRAYTYPE_P(1)));
}
