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

LaterTransactions later_transactions() {
  const Snapshot snapshot = GetLatestSnapshot();
  const FullTransactionId next = ReadNextFullTransactionId();
  // With more subtransactions than the snapshot holds, all since the oldest one that runs count as later.
  const bool is_whole = !snapshot->suboverflowed;
  const uint32 tops = is_whole ? snapshot->xcnt : 0;
  const uint32 subs = is_whole ? static_cast<uint32>(snapshot->subxcnt) : 0;
  auto* running = static_cast<int64*>(palloc(sizeof(int64) * (1 + size_t{tops} + subs)));
  for (uint32 i = 0; i < tops; i++) running[i] = full_xid(next, snapshot->xip[i]);
  for (uint32 i = 0; i < subs; i++) running[tops + i] = full_xid(next, snapshot->subxip[i]);
  const int count = static_cast<int>(tops + subs);
  std::sort(running, running + count);
  return {spi_int8(full_xid(next, is_whole ? snapshot->xmax : snapshot->xmin)),
          spi_int8_array(running, count)};
}

namespace {

bool is_running(TransactionId xid, ArrayType* running) {
  const bool is_ours = ARR_NDIM(running) == 1 && !ARR_HASNULL(running) && ARR_ELEMTYPE(running) == INT8OID;
  if (!is_ours) return false;  // empty
  const auto* xids = reinterpret_cast<const int64*>(ARR_DATA_PTR(running));
  return std::any_of(xids, xids + ARR_DIMS(running)[0],
                     [xid](int64 one) { return static_cast<TransactionId>(one) == xid; });
}

bool is_later(TransactionId xid, uint64 next_then, ArrayType* running) {
  if (!TransactionIdIsNormal(xid)) return false;
  const uint64 next = U64FromFullTransactionId(ReadNextFullTransactionId());
  if (next - next_then >= kHalfRange) return false;  // too long ago to tell
  return TransactionIdFollowsOrEquals(xid, static_cast<TransactionId>(next_then)) || is_running(xid, running);
}

}  // namespace

}  // namespace trending

TRENDING_FUNCTION(is_later) {
  PG_RETURN_BOOL(trending::is_later(PG_GETARG_TRANSACTIONID(0), static_cast<uint64>(PG_GETARG_INT64(1)),
                                    PG_GETARG_ARRAYTYPE_P(2)));
}
