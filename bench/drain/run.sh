#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Draining a backlog: the worker against the same in-process loop with a plugin that does nothing.
#
#   bench/drain/run.sh [TRANSACTIONS] [ROWS]
#
# A private cluster gets a backlog of TRANSACTIONS single-row transactions (default 1000000) and another of ROWS
# rows in transactions of 10000 (default 5000000), both over 100,000 posts with Zipf-like popularity. Each is read
# twice: by the do-nothing loop, and by the worker with one counting trend. Prints rates per second of processor time,
# which other processes disturb less than the clock, and their ratio.
# Needs PG_CONFIG's server with trending installed; installs the yardstick library beside it. Run it on a quiet
# machine.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

transactions=${1:-1000000}
rows=${2:-5000000}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

build_yardstick() {
  make -s -C "$here" install >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
  }
  make -s -C "$here" clean >/dev/null 2>&1
}

start_cluster() {
  local allowed=()
  prepare drain
  # Later minor releases refuse output plugins that are not listed.
  [[ $("$bin/postgres" --describe-config) != *output_plugin_libraries* ]] ||
    allowed=("output_plugin_libraries = 'trending, trending_bench'")
  start_server "${undisturbed[@]}" "${allowed[@]}"
}

create_schema() {
  query "CREATE EXTENSION trending"
  query "CREATE FUNCTION bench_drain(name, pg_lsn, pg_lsn) RETURNS float8 LANGUAGE c STRICT AS 'trending_bench', 'bench_drain'"
  query "CREATE TABLE view_events (id bigint GENERATED ALWAYS AS IDENTITY, post_id bigint NOT NULL,
                                   viewed_at timestamptz NOT NULL DEFAULT clock_timestamp())"
  query "SELECT trending.create_trend('top_posts', \$\$
           SELECT window_start, window_end, post_id, count(*) AS views
           FROM view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
           GROUP BY window_start, window_end, post_id ORDER BY views DESC\$\$)" >/dev/null
  query "CREATE PROCEDURE load_single(n int) LANGUAGE plpgsql AS \$\$
         BEGIN FOR i IN 1..n LOOP
           INSERT INTO view_events (post_id) VALUES ((100000 ^ random())::bigint); COMMIT;
         END LOOP; END \$\$"
  query "CREATE PROCEDURE load_batches(n int) LANGUAGE plpgsql AS \$\$
         BEGIN FOR i IN 1..n / 10000 LOOP
           INSERT INTO view_events (post_id) SELECT (100000 ^ random())::bigint FROM generate_series(1, 10000); COMMIT;
         END LOOP; END \$\$"
  query "SELECT trending.sync()" >/dev/null
}

# Loads while the worker stands still, then lets both loops read the same WAL.
measure() { # NAME CALL COUNT
  local worker since upto started ended null_seconds worker_seconds
  worker=$(worker_pid)
  since=$(query "SELECT lsn FROM pg_create_logical_replication_slot('bench', 'trending_bench')")
  kill -STOP "$worker"
  query "$2"
  upto=$(query "SELECT pg_current_wal_lsn()")
  null_seconds=$(query "SELECT bench_drain('bench', '$since', '$upto')")
  started=$(processor_micros "$worker")
  kill -CONT "$worker"
  query "SELECT trending.sync('10 min')" >/dev/null
  ended=$(processor_micros "$worker")
  worker_seconds=$(awk -v t=$((ended - started)) 'BEGIN { print t / 1e6 }')
  query "SELECT pg_drop_replication_slot('bench')" >/dev/null
  awk -v name="$1" -v n="$3" -v a="$null_seconds" -v b="$worker_seconds" 'BEGIN {
    printf "%-24s nothing %10.0f/s   worker %10.0f/s   ratio %.2f\n", name, n / a, n / b, a / b }'
}

start_cluster
build_yardstick
create_schema
measure 'single-row transactions' "CALL load_single($transactions)" "$transactions"
measure 'single-row transactions' "CALL load_single($transactions)" "$transactions"
measure '10,000-row transactions' "CALL load_batches($rows)" "$rows"
measure '10,000-row transactions' "CALL load_batches($rows)" "$rows"
query "SELECT format('%s groups, %s counted', live_groups, events) FROM trending.status"
