#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Checkpoints: what one costs readers, events and WAL, and how soon a restarted server serves reads again.
#
#   bench/checkpoint/run.sh [GROUPS] [SECONDS]
#
# A private cluster with one counting trend of GROUPS live groups (default 1000000).
#   readers    the best ten, read without a pause by one client while checkpoints of 1 % of the groups are taken:
#              median, 99.9th percentile and longest, with and without checkpoints
#   events     how long a checkpoint keeps the worker from applying events, and the longest time for which it held a
#              trend's lock so that readers waited, as the worker measures it (checkpoint_hold_ms); then the same when a
#              window of all these groups has closed, whose best hundred go to history
#   restart    from `pg_ctl start` to the first read that is answered, and to the worker having caught up
#   WAL        of 10,000 events a second for SECONDS (default 60), checkpoints every 10 s, against the WAL of the same
#              events without a worker
# Needs PG_CONFIG's server with trending installed. Run it on a quiet machine.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

groups=${1:-1000000}
seconds=${2:-60}

now_ms() { date +%s%3N; }

checkpoints_every() {
  query "ALTER SYSTEM SET trending.checkpoint_interval = '$1'"
  query "SELECT pg_reload_conf()" >/dev/null
}

create_trend() {
  query "CREATE EXTENSION trending"
  query "CREATE TABLE events (item bigint, at timestamptz NOT NULL DEFAULT now())"
  query "INSERT INTO events SELECT n, now() FROM generate_series(1, $groups) n"
  query "SELECT trending.create_trend('items', \$\$
           SELECT window_start, window_end, item, count(*) AS n FROM events, trending.hop(at, '1 minute', '1 hour')
           GROUP BY window_start, window_end, item ORDER BY n DESC\$\$, history_limit => 0)" >/dev/null
  query "SELECT trending.sync('5 min')" >/dev/null
  query "SELECT format('%s live groups, %s MB', live_groups, memory_bytes / 1000000) FROM trending.status"
}

change_one_percent() {
  query "INSERT INTO events (item) SELECT (random() * $groups)::bigint FROM generate_series(1, $groups / 100)"
}

# Takes the checkpoint that is due and prints its milliseconds and bytes.
take_checkpoint() {
  local before after
  before=$(query "SELECT checkpoint_at FROM trending.worker_status")
  query "SELECT trending.sync()" >/dev/null
  checkpoints_every 1s
  for _ in {1..600}; do
    after=$(query "SELECT checkpoint_at FROM trending.worker_status")
    [[ $after == "$before" ]] || break
    sleep 0.05
  done
  checkpoints_every 1h
  query "SELECT format('%s ms, %s kB, held %s ms', checkpoint_ms, checkpoint_bytes / 1000, checkpoint_hold_ms)
         FROM trending.worker_status"
}

# Prints the distribution of the latencies of reads, in microseconds.
read_for() { # NAME SECONDS
  (cd "$work" && rm -f read.* && echo 'SELECT * FROM items WHERE rank <= 10' >read.sql &&
    "$bin/pgbench" -n -M prepared -f read.sql -l --log-prefix="$work/read" -T "$2" -c 1 -h "$work" -U postgres postgres \
      >/dev/null 2>&1)
  cat "$work"/read.[0-9]* | awk '{ print $3 }' | sort -n | awk -v name="$1" '{ v[NR] = $1 } END {
    printf "readers, %-22s median %d us, 99.9 %% below %d us, longest %d us (%d reads)\n", name, v[int(NR / 2) + 1],
      v[int(NR * 0.999) + 1], v[NR], NR }'
}

measure_checkpoints() {
  local -a taken=()
  read_for 'no checkpoints' 10
  (
    for _ in 1 2 3 4 5; do
      change_one_percent
      take_checkpoint
    done >"$work/taken"
  ) &
  read_for 'five checkpoints' 12
  wait
  mapfile -t taken <"$work/taken"
  printf 'events wait for a checkpoint of 1 %% of the groups: %s\n' "${taken[*]/%/;}"
}

# The clock moves by a minute.
close_window() {
  query "INSERT INTO events SELECT 1, event_clock + interval '1 minute' FROM trending.status"
}

measure_history() {
  local -a taken=()
  query "SELECT trending.alter_trend('items', history_limit => 100, max_ahead => '1 day')" >/dev/null
  take_checkpoint >/dev/null
  for _ in 1 2 3; do
    change_one_percent
    close_window
    take_checkpoint
  done >"$work/taken"
  mapfile -t taken <"$work/taken"
  printf 'the same when a window has closed: %s\n' "${taken[*]/%/;}"
  query "SELECT trending.alter_trend('items', history_limit => 0)" >/dev/null
}

measure_restart() {
  local started answered
  checkpoints_every 1s
  sleep 3
  as_server "$bin/pg_ctl" -D "$work/data" -m fast -s stop
  started=$(now_ms)
  as_server "$bin/pg_ctl" -D "$work/data" -l "$work/server.log" -s -w start
  printf 'restart: server after %d ms, ' $(($(now_ms) - started))
  until [[ $(query "SELECT count(*) FROM items WHERE rank <= 10" 2>/dev/null) == 10 ]]; do sleep 0.02; done
  answered=$(now_ms)
  printf 'first read after %d ms\n' $((answered - started))
}

# WAL of the load in bytes.
wal_of_load() {
  local from
  from=$(query "SELECT pg_current_wal_insert_lsn()")
  echo 'INSERT INTO events (item) SELECT (100000 ^ random())::bigint FROM generate_series(1, 10)' >"$work/load.sql"
  "$bin/pgbench" -n -M prepared -f "$work/load.sql" -R 1000 -t $((seconds * 500)) -c 2 -h "$work" -U postgres postgres \
    >/dev/null 2>&1
  query "SELECT trending.sync()" >/dev/null 2>&1 || true
  query "SELECT pg_current_wal_insert_lsn() - '$from'"
}

measure_wal() {
  local with without
  checkpoints_every 10s
  with=$(wal_of_load)
  query "SELECT trending.drop_trend('items')"
  without=$(wal_of_load)
  awk -v a="$with" -v b="$without" 'BEGIN { printf "WAL: %.1f MB with checkpoints, %.1f MB without the trend: %.1f %% more\n",
    a / 1e6, b / 1e6, (a / b - 1) * 100 }'
}

prepare checkpoint
start_server "${undisturbed[@]}" 'full_page_writes = off'
checkpoints_every 1h
create_trend
measure_checkpoints
measure_history
measure_restart
measure_wal
