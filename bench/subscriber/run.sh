#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Commit to visible with trending on a server of its own: a publisher without it, under commits of others, and a
# subscriber that keeps the trend.
#
#   bench/subscriber/run.sh [SAMPLES [RATE]]     (default 1000 samples, 2000 commits a second)
#
# Uses PG_CONFIG's server with trending installed for both, in private clusters with fsync on, and the load generator
# built by `make loadgen-build` (build/loadgen). Run it on a quiet machine.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

samples=${1:-1000}
rate=${2:-2000}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
loadgen=$repository/build/loadgen/trending-loadgen
load_pid=

stop_all() {
  [[ -z $load_pid ]] || kill "$load_pid" 2>/dev/null || true
  as_server "$bin/pg_ctl" -D "$work/publisher" -m immediate -s stop 2>/dev/null || true
  clean_up
}

# An ordinary server, on the next port in the same folder.
start_publisher() {
  as_server "$bin/initdb" -D "$work/publisher" -U postgres -A trust >/dev/null
  printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$work'" 'port = 5433' 'wal_level = logical' |
    as_server tee -a "$work/publisher/postgresql.conf" >/dev/null
  as_server "$bin/pg_ctl" -D "$work/publisher" -l "$work/publisher.log" -w -s start
}

at_publisher() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -d "$publisher" -c "$1"; }

[[ -x $loadgen ]] || { echo "build the load generator first: make loadgen-build" >&2; exit 1; }
prepare subscriber
trap stop_all EXIT
publisher="host=$work port=5433 user=postgres dbname=postgres"
g++ -std=c++20 -O2 -I"$("$PG_CONFIG" --includedir)" "$here/../latency/latency.cpp" -o "$work/latency" -lpq
start_publisher
# shellcheck disable=SC2119  # no settings but the usual ones
start_server
"$loadgen" init -q -d "$publisher"
at_publisher "ALTER TABLE view_events ALTER viewed_at SET DEFAULT now(), ALTER user_id SET DEFAULT 0,
              ALTER region SET DEFAULT '', ALTER referrer SET DEFAULT ''"
at_publisher "CREATE PUBLICATION events FOR TABLE view_events"
"$bin/pg_dump" -d "$publisher" -s -t view_events --no-publications | query
query "CREATE EXTENSION trending"
query "CREATE SUBSCRIPTION events CONNECTION '$publisher' PUBLICATION events" 2>/dev/null
query "SELECT trending.create_trend('top_posts', \$\$
         SELECT window_start, window_end, post_id, count(*) AS views
         FROM view_events, trending.hop(viewed_at, slide => '10 minutes', size => '2 hours')
         GROUP BY window_start, window_end, post_id ORDER BY views DESC\$\$)" >/dev/null
"$loadgen" run -q -d "$publisher" --rate "$rate" --batch 1 --method insert --clients 4 >"$work/load" 2>&1 &
load_pid=$!
sleep 3
"$work/latency" "host=$work user=postgres dbname=postgres" "$samples" "$publisher"
kill -INT "$load_pid"
wait "$load_pid" || true
load_pid=
