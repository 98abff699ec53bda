// SPDX-License-Identifier: PostgreSQL
#include "values/evaluation.h"

#include <algorithm>
#include <ctime>

#include "postgres/guard.h"
#include "postgres/interrupted.h"
#include "postgres/settings.h"

namespace trending {

EvaluationFailure evaluation_failure = {};

namespace {

constexpr int kTickMs = 10;
// What costs less than this on average is not slow.
constexpr int64 kSlowUs = 100;
// Slow evaluations may take so many times trending.row_timeout at once ...
constexpr int64 kTurns = 10;
// ... and one part in so many of the time for ever.
constexpr int64 kShare = 6;

// An evaluation that is not cancelled may take so many times trending.row_timeout, and when the process is to
// end, so much processor time.
constexpr int64 kMostTimeouts = 6;
constexpr int64 kMostWhenEndingUs = 500 * INT64CONST(1000);

// The evaluation that runs, and the timer. What the timer's handler changes is volatile; it runs in this
// process, in between of two instructions.
struct Running {
  volatile uint64 number = 0;  // odd: something runs; raised when an evaluation begins and when it ends
  EvaluationAccount* volatile account = nullptr;
  volatile bool armed = false;    // the timer is set
  volatile bool expired = false;  // the evaluation took too long and is being cancelled
  volatile int64 charge_us = 0;   // slow evaluations, not yet put down in the account
  EvaluationAccount* volatile charged = nullptr;
  uint64 seen = 0;     // `number` when the timer fired last, or was set
  int64 seen_us = 0;   // processor time then
  int64 began_us = 0;  // and when it met the present evaluation first

  TimeoutId timer = MAX_TIMEOUTS;
  void (*overrun)(Oid owner) = nullptr;
  ResourceOwner parent = nullptr;
  ResourceOwner resources = nullptr;
  MemoryContext spare = nullptr;  // for an error when there is no memory: it has its first block already
};
Running running;

EvaluationAccount* accounts = nullptr;
bool overdrawn = false;

// Of this process, in microseconds.
int64 processor_time() {
  timespec time = {};
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<int64>(time.tv_sec) * 1000000 + time.tv_nsec / 1000;
}

bool is_bounded() {
  return settings.row_timeout_ms > 0 && running.timer != MAX_TIMEOUTS;
}

// An evaluation has taken so long altogether. One that looks for interrupts is ended by them.
void end_overrun(int64 took_us) {
  const int64 bound = kMostTimeouts * settings.row_timeout_ms * 1000;
  const bool is_ending = ProcDiePending && took_us > kMostWhenEndingUs;
  if ((!is_ending && took_us <= bound) || !handler_may_end_process()) return;
  InterruptHoldoffCount = 0;
  if (is_ending) CHECK_FOR_INTERRUPTS();
  running.overrun(running.account->owner);
}

// The timer's handler: runs within a signal's.
void tick() {
  const uint64 number = running.number;
  if ((number & 1) == 0) {
    running.armed = false;
    return;
  }
  const int64 now = processor_time();
  const bool same = number == running.seen;
  const auto evaluations = static_cast<int64>((number - running.seen) / 2);
  const int64 spent = now - running.seen_us;
  if (evaluations * kSlowUs < spent) {
    if (running.charged != running.account) running.charge_us = 0;
    running.charged = running.account;
    running.charge_us = running.charge_us + spent;
  }
  if (!same) running.began_us = now;
  running.seen = number;
  running.seen_us = now;
  if (same && now - running.began_us > static_cast<int64>(settings.row_timeout_ms) * 1000) {
    running.expired = true;
    QueryCancelPending = true;
    InterruptPending = true;
  }
  if (same) end_overrun(now - running.began_us);
  enable_timeout_after(running.timer, kTickMs);
}

pg_noinline void arm() {
  running.seen = running.number;
  running.seen_us = running.began_us = processor_time();
  running.armed = true;
  enable_timeout_after(running.timer, kTickMs);
}

// Puts down what the timer has charged.
pg_noinline void settle() {
  EvaluationAccount* account = running.charged;
  const int64 charge = running.charge_us;
  running.charge_us = 0;
  running.charged = nullptr;
  if (account == nullptr) return;
  const TimestampTz now = GetCurrentTimestamp();
  account->spent_us =
      std::max(account->spent_us - std::max(now - account->at, INT64CONST(0)) / kShare, INT64CONST(0));
  account->at = now;
  account->spent_us += charge;
  if (account->spent_us > kTurns * settings.row_timeout_ms * 1000) overdrawn = true;
}

void begin(EvaluationAccount* account) {
  running.account = account;
  running.number = running.number + 1;
  if (!running.armed && is_bounded()) arm();
}

void end() {
  running.number = running.number + 1;
  if (unlikely(running.expired)) {  // perhaps it ended just before it would have been cancelled
    running.expired = false;
    QueryCancelPending = false;
  }
  if (unlikely(running.charged != nullptr)) settle();
}

void make_resources() {
  if (running.parent == nullptr) {
    running.parent = ResourceOwnerCreate(nullptr, "trending evaluations");
    running.spare = AllocSetContextCreate(TopMemoryContext, "trending evaluation error",
                                          ALLOCSET_DEFAULT_MINSIZE + 8192, 8192, ALLOCSET_DEFAULT_MAXSIZE);
  }
  running.resources = ResourceOwnerCreate(running.parent, "trending evaluation");
}

// As at the end of a subtransaction that failed.
void release_resources() {
  for (ResourceReleasePhase phase :
       {RESOURCE_RELEASE_BEFORE_LOCKS, RESOURCE_RELEASE_LOCKS, RESOURCE_RELEASE_AFTER_LOCKS}) {
    ResourceOwnerRelease(running.resources, phase, false, false);
  }
  ResourceOwnerDelete(running.resources);
  running.resources = nullptr;
}

void note_failure(const ErrorData* error, bool expired) {
  evaluation_failure.sqlstate = error->sqlerrcode;
  if (expired && error->sqlerrcode == ERRCODE_QUERY_CANCELED) {
    snprintf(evaluation_failure.message, sizeof(evaluation_failure.message),
             "it took longer than trending.row_timeout (%d ms)", settings.row_timeout_ms);
  } else {
    const char* message = error->message != nullptr ? error->message : "unknown error";
    strlcpy(evaluation_failure.message, message, sizeof(evaluation_failure.message));
  }
}

}  // namespace

void evaluation_start(void (*overrun)(Oid owner)) {
  interrupted_prepare();
  running.overrun = overrun;
  running.timer = RegisterTimeout(USER_TIMEOUT, tick);
}

EvaluationAccount* evaluation_account(Oid owner) {
  for (EvaluationAccount* account = accounts; account != nullptr; account = account->next) {
    if (account->owner == owner) return account;
  }
  auto* made =
      static_cast<EvaluationAccount*>(MemoryContextAllocZero(TopMemoryContext, sizeof(EvaluationAccount)));
  made->owner = owner;
  made->next = accounts;
  accounts = made;
  return made;
}

bool evaluate(EvaluationAccount* account, LWLock* held, FunctionRef<void()> body) {
  if ((running.number & 1) != 0) {
    body();
    return true;
  }
  const uint32 held_off = InterruptHoldoffCount;
  ResourceOwner resources = CurrentResourceOwner;
  MemoryContext memory = CurrentMemoryContext;
  volatile bool done = false;
  if (unlikely(running.resources == nullptr)) make_resources();
  CurrentResourceOwner = running.resources;
  begin(account);
  PG_TRY();
  {
    InterruptHoldoffCount = 0;
    guarded(body);
    done = true;
  }
  PG_CATCH();
  {
    const bool expired = running.expired;
    InterruptHoldoffCount = held_off;
    end();
    // The server's own code may have failed while it held a lock of the server's, on a page of a catalog, say.
    compat::release_locks_except(held);
    release_resources();
    CurrentResourceOwner = resources;
    MemoryContextSwitchTo(running.spare);
    const ErrorData* error = CopyErrorData();
    MemoryContextSwitchTo(memory);
    if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && !expired) PG_RE_THROW();
    FlushErrorState();
    note_failure(error, expired);
    MemoryContextReset(running.spare);
  }
  PG_END_TRY();
  if (done) {
    InterruptHoldoffCount = held_off;
    CurrentResourceOwner = resources;
    end();
  }
  return done;
}

bool evaluation_overdrawn() {
  if (likely(!overdrawn)) return false;
  overdrawn = false;
  return true;
}

const char* evaluation_overdrawn_reason() {
  return psprintf("its expressions are slow, and those of its owner took more than %d s at once",
                  static_cast<int>(kTurns * settings.row_timeout_ms / 1000));
}

}  // namespace trending
