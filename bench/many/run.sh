#!/usr/bin/env bash
# What ten counting trends on one source cost, against one: the worker's processor time for the same rows.
#
#   bench/many/run.sh [TRANSACTIONS] [ROWS]
#
# A private cluster with two sources, one followed by one trend, the other by ten like it. Each gets TRANSACTIONS
# single-row transactions (default 100000) and ROWS rows in transactions of 10000 (default 1000000), over 100,000
# posts with Zipf-like popularity, while the worker stands still; then it works them off. Needs PG_CONFIG's server with
# trending installed.
set -euo pipefail

transactions=${1:-100000}
rows=${2:-1000000}
export PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
work=$(mktemp -d /var/tmp/trending-many.XXXXXX)

as_server() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
query() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -h "$work" -U postgres -d postgres -c "$1"; }

clean_up() {
  as_server "$bin/pg_ctl" -D "$work/data" -m immediate -s stop 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

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
autovacuum = off
trending.checkpoint_interval = 1h
CONF
  as_server "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -s start
}

create_schema() {
  local i source
  query "SET client_min_messages = warning; CREATE EXTENSION trending"
  for source in one ten; do
    query "CREATE TABLE $source (post_id bigint NOT NULL, viewed_at timestamptz NOT NULL DEFAULT clock_timestamp())"
  done
  for i in one_1 ten_{1..10}; do
    query "SET client_min_messages = warning; SELECT trending.create_trend('$i', \$\$
             SELECT window_start, window_end, post_id, count(*) AS views
             FROM ${i%_*}, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
             GROUP BY window_start, window_end, post_id ORDER BY views DESC\$\$, history_limit => 0)" >/dev/null
  done
  query "CREATE PROCEDURE load_rows(source regclass, n int, size int) LANGUAGE plpgsql AS \$\$
         BEGIN FOR i IN 1..n / size LOOP
           EXECUTE format('INSERT INTO %s (post_id) SELECT (100000 ^ random())::bigint FROM generate_series(1, %s)', source, size);
           COMMIT;
         END LOOP; END \$\$"
  query "SELECT trending.sync()" >/dev/null
}

processor_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

cost() { # SOURCE ROWS SIZE: prints the worker's processor ticks
  local worker started
  worker=$(query "SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker'")
  kill -STOP "$worker"
  query "CALL load_rows('$1', $2, $3)"
  started=$(processor_ticks "$worker")
  kill -CONT "$worker"
  query "SELECT trending.sync('10 min')" >/dev/null
  echo $(($(processor_ticks "$worker") - started))
}

measure() { # NAME ROWS SIZE
  local one ten
  cost one "$2" "$3" >/dev/null
  cost ten "$2" "$3" >/dev/null
  one=$(cost one "$2" "$3")
  ten=$(cost ten "$2" "$3")
  awk -v name="$1" -v one="$one" -v ten="$ten" -v hz="$(getconf CLK_TCK)" 'BEGIN {
    printf "%-24s one trend %6.2f s   ten trends %6.2f s   ratio %.2f\n", name, one / hz, ten / hz, ten / one }'
}

start_server
create_schema
measure 'single-row transactions' "$transactions" 1
measure '10,000-row transactions' "$rows" 10000
