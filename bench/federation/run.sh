#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# The best of one ranking over several nodes: how long it takes to read, and how many groups are moved.
#
#   bench/federation/run.sh [NODES [KEYS]]     (default 4 nodes of 250,000 keys)
#
# The nodes are databases of one server, with a fifth one that unites them, all in a private cluster of PG_CONFIG's
# server with trending installed. "spread": every key is on every node; "placed": every key is on one. Counts are skewed
# as views of posts are. Times are medians of 50 readings by one session, connections open.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

nodes=${1:-4}
keys=${2:-250000}
readings=50

at() { query "$2" -d "$1"; } # DATABASE STATEMENT

prepare federation
start_server "${undisturbed[@]}" 'max_worker_processes = 32' 'max_replication_slots = 32' 'trending.memory_limit = 512MB'
query 'CREATE DATABASE hub'
at hub 'CREATE EXTENSION trending; CREATE EXTENSION postgres_fdw' >/dev/null
for ((i = 1; i <= nodes; i++)); do
  query "CREATE DATABASE node$i"
  at "node$i" "CREATE EXTENSION trending; CREATE TABLE views (post int, spread int, at timestamptz DEFAULT now())"
  for key in post spread; do
    at "node$i" "SELECT trending.create_trend('top_$key', 'SELECT window_start, window_end, $key, count(*) AS views FROM views, trending.tumble(at, ''1 day'') GROUP BY window_start, window_end, $key ORDER BY views DESC')" >/dev/null 2>&1
  done
  # A view of every post, then as many more by rank; on each node other posts are in front, as regions differ.
  at "node$i" "INSERT INTO views (post, spread)
               SELECT $i * $keys + n, n FROM generate_series(1, $keys) n
               UNION ALL SELECT $i * $keys + r, 1 + (r * 7919::bigint + ($i - 1) * (r % 5)) % $keys
               FROM (SELECT 1 + (($keys - 1) * power(random(), 6))::int AS r FROM generate_series(1, $keys)) x"
  at "node$i" "SELECT trending.sync('5 min')" >/dev/null
  at hub "CREATE SERVER node$i FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$work', dbname 'node$i');
          CREATE USER MAPPING FOR postgres SERVER node$i OPTIONS (user 'postgres')" >/dev/null
done
servers="(SELECT array_agg(srvname::text) FROM pg_foreign_server WHERE srvname LIKE 'node%')"
at hub "SELECT trending.federate('spread', $servers, 'top_spread')" >/dev/null
at hub "SELECT trending.federate('placed', $servers, 'top_post', placed => true)" >/dev/null

# What the nodes' trends handed over: rows of the foreign tables, as the executor counts them.
moved() { # TABLE LIMIT
  query "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
         SET auto_explain.log_nested_statements = on; SET client_min_messages = log; SELECT count(*) FROM (SELECT FROM $1 ORDER BY rank LIMIT $2) r" -d hub 2>&1 |
    grep -oP "Foreign Scan on $1_node.*actual rows=\K[0-9]+" | paste -sd+ | bc
}

median() { # TABLE LIMIT
  { printf '\\timing on\n'; for ((i = 0; i <= readings; i++)); do echo "SELECT count(*) FROM (SELECT * FROM $1 ORDER BY rank LIMIT $2) r;"; done; } |
    "$bin/psql" -XqAt -h "$work" -U postgres -d hub | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n "$readings" | sort -n |
    awk '{ t[NR] = $1 } END { printf "%.1f", t[int((NR + 1) / 2)] }'
}

printf '%d nodes of %d keys, databases of one server\n' "$nodes" "$keys"
printf '%-8s %6s %12s %14s %8s\n' keys best 'median, ms' 'groups moved' '%'
for table in placed spread; do
  for best in 10 100 1000; do
    groups=$(moved "$table" "$best")
    printf '%-8s %6d %12s %14d %8.2f\n' "$table" "$best" "$(median "$table" "$best")" "$groups" \
      "$(echo "100 * $groups / ($nodes * $keys)" | bc -l)"
  done
done
