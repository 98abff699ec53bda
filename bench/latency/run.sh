#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Commit to visible under load: 2,000 commits/s of others, with synchronous_commit on and off.
#
#   bench/latency/run.sh [SAMPLES]     (default 2000 each)
#
# Uses PG_CONFIG's server with trending installed, in a private cluster with fsync on, and the load generator
# built by `make loadgen-build` (build/loadgen). Run it on a quiet machine.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

samples=${1:-2000}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
loadgen=$repository/build/loadgen/trending-loadgen
load_pid=

stop_load() {
  [[ -z $load_pid ]] || kill "$load_pid" 2>/dev/null || true
}

[[ -x $loadgen ]] || { echo "build the load generator first: make loadgen-build" >&2; exit 1; }
prepare latency
trap 'stop_load; clean_up' EXIT
g++ -std=c++20 -O2 -I"$("$PG_CONFIG" --includedir)" "$here/latency.cpp" -o "$work/latency" -lpq
# shellcheck disable=SC2119  # no settings but the usual ones
start_server
"$loadgen" init -q -d "host=$work user=postgres dbname=postgres"
query "CREATE EXTENSION trending"
query "SELECT trending.create_trend('top_posts', \$\$
         SELECT window_start, window_end, post_id, count(*) AS views
         FROM view_events, trending.hop(viewed_at, slide => '10 minutes', size => '2 hours')
         GROUP BY window_start, window_end, post_id ORDER BY views DESC\$\$)" >/dev/null
query "ALTER TABLE view_events ALTER viewed_at SET DEFAULT now(), ALTER user_id SET DEFAULT 0, ALTER region SET DEFAULT '',
       ALTER referrer SET DEFAULT ''"

for mode in on off; do
  query "ALTER SYSTEM SET synchronous_commit = $mode"
  query "SELECT pg_reload_conf()" >/dev/null
  "$loadgen" run -q -d "host=$work user=postgres dbname=postgres" --rate 2000 --batch 1 --method insert \
    --clients 4 >"$work/load" 2>&1 &
  load_pid=$!
  sleep 3
  echo "synchronous_commit = $mode"
  "$work/latency" "host=$work user=postgres dbname=postgres" "$samples"
  kill -INT "$load_pid"
  wait "$load_pid" || true
  grep -iE 'rate|achieved' "$work/load" || true
  load_pid=
done
