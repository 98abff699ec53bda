// SPDX-License-Identifier: PostgreSQL
#include "bgworker/filling/source_watch.h"

#include "bgworker/filling/filling_part.h"
#include "bgworker/filling/source_cursor.h"
#include "bgworker/filling/source_scan.h"
#include "bgworker/intake/source_changes.h"
#include "bgworker/process/transaction.h"
#include "bgworker/process/worker.h"
#include "bgworker/trend/followed_trend.h"
#include "bgworker/trend/joined_rows.h"
#include "bgworker/trend/trend_status.h"
#include "catalog/definition_catalog.h"

namespace trending {

namespace {

// After this long a locked source is looked at again.
constexpr int64 kRetryUs = 50000;

// Whether a table that joined the source has rows for windows that can still change. Needs a
// transaction.
bool holds_rows(FollowedTrend* trend, Oid table) {
  SPI_connect();
  const char* name = get_rel_name(table);
  bool found = name == nullptr;  // dropped since: filling sorts it out
  if (!found) {
    char* query = source_rows_query(
        trend, quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name));
    SPI_cursor_fetch(source_cursor_open(trend, table, query), true, 1);
    found = SPI_processed > 0;
  }
  SPI_finish();
  return found;
}

void survey(FollowedTrend* trend, Oid oid) {
  bool found = true;
  ErrorData* error = worker_try([&] { found = holds_rows(trend, oid); });
  if (error != nullptr) FreeErrorData(error);  // locked, say: filling waits for it
  auto table = trend->tables->all.find(oid);
  if (found) {
    trend_ask_to_fill(trend, "Rows came to its source with a partition.");
  } else if (table != trend->tables->all.end()) {
    table->second.surveyed = GetXLogInsertRecPtr();
  }
}

// Locks a table and what is below it for reading, if nobody is in the way. Each before its parts are listed,
// which then stay.
bool lock_at_once(Oid table) {
  if (!ConditionalLockRelationOid(table, AccessShareLock)) return false;
  if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE) return true;  // or dropped
  ListCell* cell = nullptr;
  foreach (cell, find_inheritance_children(table, NoLock)) {
    if (!lock_at_once(lfirst_oid(cell))) return false;
  }
  return true;
}

// Whether the definition still fits the source, as a whole and as it is now. Needs a transaction.
void check_definition(FollowedTrend* trend) {
  Definition* definition = definition_load(trend->id);
  if (definition != nullptr) {
    trend_note_retractable(trend, *definition);
    trend->tables->asked_to_retract = false;
    source_check_rights(trend);
    if (trend->state != FillState::kStopped && !(definition->state == trend->definition->state)) {
      trend_ask_to_fill(trend, "An aggregate of its definition was replaced.");
    }
  }
}

void recheck(FollowedTrend* trend) {
  ErrorData* error = worker_try([trend] { check_definition(trend); });
  if (error == nullptr) return;
  if (is_conflict(error)) {
    trend->tables->recheck = true;
    worker->recheck_wanted = true;
  } else {
    trend_stop(trend, error->message);
    trend->trouble.unfit = true;
  }
  FreeErrorData(error);
}

}  // namespace

bool source_is_locked(FollowedTrend* trend) {
  TimestampTz now = GetCurrentTimestamp();
  if (now < trend->filling->next_look) return true;
  worker_begin();
  Oid source = definition_source(trend->id);
  bool locked = OidIsValid(source) && !lock_at_once(source);
  for (size_t d = 0; trend->joined != nullptr && d < trend->joined->relations.size() && !locked; d++) {
    locked = !lock_at_once(trend->joined->relations[d]);
  }
  worker_commit();
  if (locked) trend->filling->next_look = now + kRetryUs;
  return locked;
}

void sources_follow() {
  worker->recheck_wanted = false;
  for (FollowedTrend* trend : worker->trends) {
    if (trend == nullptr) continue;
    if (trend->tables->recheck && trend->state != FillState::kStopped &&
        trend->state != FillState::kLoading) {
      if (source_is_locked(trend)) {
        worker->recheck_wanted = true;
      } else {
        trend->tables->recheck = false;
        recheck(trend);
      }
    }
    // Whoever is being filled, or will be, reads these anyway; one that awaits writers has noted them too
    // early.
    if (trend->state == FillState::kAwaiting && !trend->tables->arrived.empty())
      trend_ask_to_fill(trend, nullptr);
    if (trend->state == FillState::kRunning && !trend->fill.wanted) {
      for (size_t i = 0; i < trend->tables->arrived.size() && !trend->fill.wanted; i++)
        survey(trend, trend->tables->arrived[i]);
    }
    trend->tables->arrived.clear();
  }
}

}  // namespace trending
