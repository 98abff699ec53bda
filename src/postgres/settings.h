// SPDX-License-Identifier: PostgreSQL
// The settings (GUCs) of the extension. Declared and documented here, registered by settings_define().
#pragma once

namespace trending {

struct Settings {
  // trending.max_databases: databases that may have the extension at once (start of server; 64).
  int max_databases = 64;
  // trending.max_trends: trends in one database (start of server; 1024).
  int max_trends = 1024;
  // trending.memory_limit: shared memory for the state of one database's trends, in MB (start of its worker;
  // 1024). At the limit a trend refuses new groups, counts them and stays exact for those it holds.
  int memory_limit_mb = 1024;
  // trending.checkpoint_interval: seconds between checkpoints of changed state (reload; 10).
  int checkpoint_interval_s = 10;
  // trending.decoding_work_mem: logical_decoding_work_mem of the worker in kB; larger transactions spill to
  // disk, which costs a factor of three (start of the worker; 256 MB).
  int decoding_work_mem_kb = 256 * 1024;
  // trending.flush_interval: least milliseconds between two flushes that the worker makes for transactions
  // committed with synchronous_commit = off, since only flushed WAL can be decoded (reload; 5, -1 = leave it
  // to the WAL writer).
  int flush_interval_ms = 5;
  // trending.direct_replay: small transactions are replayed without the server's replay, which is more than
  // twice as fast (decoder/direct_replay.h); off is for finding faults (reload; on).
  bool direct_replay = true;
  // trending.failover: standbys that copy slots may copy that of the worker, so that trends go on after a
  // promotion (PostgreSQL 17 and later; reload; on).
  bool failover = true;
  // trending.row_timeout: processor time in milliseconds that what a definition computes for one row may take
  // (values/evaluation.h); ten times as much is what an owner's slow definitions may take at once before
  // they are stopped, and thirty times as much for filling and writing before these wait (bgworker/trend/turns.h;
  // reload; 1000, 0: no bounds).
  int row_timeout_ms = 1000;
  // trending.overload_timeout: seconds for which the worker may fall behind because of one owner's trends before the
  // costliest of them are set aside, where others have trends, too (bgworker/trend/overload.h; reload; 60, 0: for
  // ever).
  int overload_timeout_s = 60;
  // trending.worker_memory_limit: private memory that a worker may take beside decoding_work_mem, in MB
  // (bgworker/process/memory_bound.h; start of the worker; 2048, 0: what the system gives).
  int worker_memory_limit_mb = 2048;
  // trending.default_trend: the trend that trending_top10() reads without an argument (any user; '' =
  // oldest).
  char* default_trend = nullptr;
  // trending.skip_commit: the LSN of one commit that decoding skips, an escape when its contents make the
  // worker fail again and again (superuser, reload; '').
  char* skip_commit = nullptr;
  // trending.debug_fail: faults to be made, for tests of the extension itself (postgres/fault.h; superuser,
  // reload; '').
  char* debug_fail = nullptr;
};

extern Settings settings;

// Registers the settings. Those fixed at the start of the server only while the library is preloaded.
void settings_define(bool preloading);

}  // namespace trending
