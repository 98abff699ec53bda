#!/usr/bin/env bash
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
set -euo pipefail

transactions=${1:-1000000}
rows=${2:-5000000}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
work=$(mktemp -d /var/tmp/trending-drain.XXXXXX)

as_server() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
query() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -h "$work" -U postgres -d postgres -c "$1"; }

clean_up() {
  as_server "$bin/pg_ctl" -D "$work/data" -m immediate -s stop 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

build_yardstick() {
  make -s -C "$here" install >"$work/build.log" 2>&1 || {
    cat "$work/build.log" >&2
    exit 1
  }
  make -s -C "$here" clean >/dev/null 2>&1
}

start_server() {
  [[ $(id -u) != 0 ]] || chown postgres "$work"
  as_server "$bin/initdb" -D "$work/data" -U postgres -A trust >/dev/null
  as_server tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$work'
wal_level = logical
shared_preload_libraries = 'trending'
fsync = off
max_wal_size = 20GB
checkpoint_timeout = 1h
autovacuum = off
shared_buffers = 1GB
trending.checkpoint_interval = 1h
CONF
  # Later minor releases refuse output plugins that are not listed.
  if as_server "$bin/postgres" -D "$work/data" -C output_plugin_libraries >/dev/null 2>&1; then
    echo "output_plugin_libraries = 'trending, trending_bench'" | as_server tee -a "$work/data/postgresql.conf" >/dev/null
  fi
  as_server "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -s start
}

create_schema() {
  query "CREATE EXTENSION trending"
  query "CREATE FUNCTION bench_drain(name, pg_lsn) RETURNS float8 LANGUAGE c STRICT AS 'trending_bench', 'bench_drain'"
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

processor_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# Loads while the worker stands still, then lets both loops read the same WAL.
measure() { # NAME CALL COUNT
  local worker upto started ended null_seconds worker_seconds
  worker=$(query "SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker'")
  query "SELECT pg_create_logical_replication_slot('bench', 'trending_bench')" >/dev/null
  kill -STOP "$worker"
  query "$2"
  upto=$(query "SELECT pg_current_wal_lsn()")
  null_seconds=$(query "SELECT bench_drain('bench', '$upto')")
  started=$(processor_ticks "$worker")
  kill -CONT "$worker"
  query "SELECT trending.sync('10 min')" >/dev/null
  ended=$(processor_ticks "$worker")
  worker_seconds=$(awk -v t=$((ended - started)) -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz }')
  query "SELECT pg_drop_replication_slot('bench')" >/dev/null
  awk -v name="$1" -v n="$3" -v a="$null_seconds" -v b="$worker_seconds" 'BEGIN {
    printf "%-24s nothing %10.0f/s   worker %10.0f/s   ratio %.2f\n", name, n / a, n / b, a / b }'
}

build_yardstick
start_server
create_schema
measure 'single-row transactions' "CALL load_single($transactions)" "$transactions"
measure 'single-row transactions' "CALL load_single($transactions)" "$transactions"
measure '10,000-row transactions' "CALL load_batches($rows)" "$rows"
measure '10,000-row transactions' "CALL load_batches($rows)" "$rows"
query "SELECT format('%s groups, %s counted', live_groups, events) FROM trending.status"
