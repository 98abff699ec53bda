// SPDX-License-Identifier: PostgreSQL
#include "postgres/settings.h"

#include <cstdio>

#include "postgres/fault.h"

namespace trending {

Settings settings;

namespace {

bool check_lsn(char** value, void**, GucSource) {
  if (*value == nullptr || **value == '\0') return true;
  unsigned int high = 0;
  unsigned int low = 0;
  char rest = '\0';
  bool failed = sscanf(*value, "%8X/%8X%c", &high, &low, &rest) != 2;
  if (failed) GUC_check_errdetail("The value must be a log sequence number such as 0/15D2AA8, or empty.");
  return !failed;
}

void define_at_start() {
  DefineCustomIntVariable("trending.max_databases", "Databases that may have the extension at once.",
                          "Each takes a worker and a replication slot.", &settings.max_databases, 64, 1,
                          10000, PGC_POSTMASTER, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable("trending.max_trends", "Trends that one database may have.",
                          "One owner has at most seven eighths of those that others leave.",
                          &settings.max_trends, 1024, 1, 100000, PGC_POSTMASTER, 0, nullptr, nullptr,
                          nullptr);
}

}  // namespace

void settings_define(bool preloading) {
  if (preloading) define_at_start();
  DefineCustomIntVariable("trending.memory_limit", "Shared memory for the state of one database's trends.",
                          "At the limit a trend refuses new groups, counts them, and stays exact for those "
                          "it holds. Takes effect when the database's worker starts.",
                          &settings.memory_limit_mb, 1024, 16, MAX_KILOBYTES / 1024, PGC_SIGHUP, GUC_UNIT_MB,
                          nullptr, nullptr, nullptr);
  DefineCustomIntVariable("trending.checkpoint_interval", "Time between checkpoints of changed state.",
                          "More often costs WAL; less often makes a restart replay more.",
                          &settings.checkpoint_interval_s, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, nullptr,
                          nullptr, nullptr);
  DefineCustomIntVariable("trending.decoding_work_mem",
                          "Memory for transactions being decoded; larger ones spill to disk.",
                          "Takes effect when the database's worker starts.", &settings.decoding_work_mem_kb,
                          256 * 1024, 64, MAX_KILOBYTES, PGC_SIGHUP, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "trending.flush_interval", "Least time between flushes of WAL committed with synchronous_commit = off.",
      "Only flushed WAL can be decoded. -1 leaves flushing to the WAL writer.", &settings.flush_interval_ms,
      5, -1, 10000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("trending.direct_replay",
                           "Replays small transactions without the server's logical replay.",
                           "The results are the same, only slower, without; for finding faults.",
                           &settings.direct_replay, true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomBoolVariable("trending.failover",
                           "Lets standbys copy the replication slot, so that trends go on after a promotion.",
                           "Needs PostgreSQL 17 and sync_replication_slots on the standby. Without, trends "
                           "are filled anew from their sources then.",
                           &settings.failover, true, PGC_SIGHUP, 0, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "trending.row_timeout", "Processor time that what a trend computes for one row may take.",
      "A row beyond is counted as failed. A trend is stopped when slow rows of its owner take "
      "ten times as much at once. 0: no bounds.",
      &settings.row_timeout_ms, 1000, 0, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "trending.overload_timeout", "Time for which the worker may fall behind because of one owner's trends.",
      "Then the costliest of them are set aside, if others have trends, too. 0: never.",
      &settings.overload_timeout_s, 60, 0, 3600, PGC_SIGHUP, GUC_UNIT_S, nullptr, nullptr, nullptr);
  DefineCustomIntVariable(
      "trending.worker_memory_limit",
      "Private memory that a worker may take beside trending.decoding_work_mem.",
      "What asks for more is refused: a row is counted as failed, a trend is refilled. 0: what "
      "the system gives. Takes effect when the database's worker starts.",
      &settings.worker_memory_limit_mb, 2048, 0, MAX_KILOBYTES / 1024, PGC_SIGHUP, GUC_UNIT_MB, nullptr,
      nullptr, nullptr);
  DefineCustomStringVariable("trending.default_trend",
                             "The trend that trending_top10() reads without an argument.",
                             "Empty: the oldest trend of the database.", &settings.default_trend, "",
                             PGC_USERSET, 0, nullptr, nullptr, nullptr);
  DefineCustomStringVariable("trending.skip_commit", "One commit that decoding skips, by its LSN.",
                             "An escape when its contents make the worker fail again and again.",
                             &settings.skip_commit, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, check_lsn, nullptr,
                             nullptr);
  DefineCustomStringVariable("trending.debug_fail", "Faults to be made, for tests of the extension itself.",
                             "See src/postgres/fault.h.", &settings.debug_fail, "", PGC_SIGHUP,
                             GUC_SUPERUSER_ONLY | GUC_NOT_IN_SAMPLE | GUC_NO_SHOW_ALL, fault_setting_check,
                             fault_setting_assign, nullptr);
  MarkGUCPrefixReserved("trending");
}

}  // namespace trending
