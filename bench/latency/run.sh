#!/usr/bin/env bash
# Commit to visible under load: 2,000 commits/s of others, with synchronous_commit on and off.
#
#   bench/latency/run.sh [SAMPLES]     (default 2000 each)
#
# Uses PG_CONFIG's server with trending installed, in a private cluster with fsync on, and the load generator
# built by `make loadgen-build` (build/loadgen). Run it on a quiet machine.
set -euo pipefail

samples=${1:-2000}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
export PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
loadgen=$repository/build/loadgen/trending-loadgen
work=$(mktemp -d /var/tmp/trending-latency.XXXXXX)
load_pid=

as_server() { if [[ $(id -u) == 0 ]]; then runuser -u postgres -- "$@"; else "$@"; fi; }
query() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 -h "$work" -U postgres -d postgres -c "$1"; }

clean_up() {
  [[ -z $load_pid ]] || kill "$load_pid" 2>/dev/null || true
  as_server "$bin/pg_ctl" -D "$work/data" -m immediate -s stop 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

[[ -x $loadgen ]] || { echo "build the load generator first: make loadgen-build" >&2; exit 1; }
g++ -std=c++20 -O2 -I"$("$PG_CONFIG" --includedir)" "$here/latency.cpp" -o "$work/latency" -lpq
[[ $(id -u) != 0 ]] || chown postgres "$work"
chmod 755 "$work"
as_server "$bin/initdb" -D "$work/data" -U postgres -A trust >/dev/null
as_server tee -a "$work/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$work'
wal_level = logical
shared_preload_libraries = 'trending'
CONF
as_server "$bin/pg_ctl" -D "$work/data" -l "$work/data/log" -w -s start
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
