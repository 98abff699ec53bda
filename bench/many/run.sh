#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What ten counting trends on one source cost, against one: the worker's processor time for the same rows.
#
#   bench/many/run.sh [TRANSACTIONS] [ROWS]
#
# A private cluster with two sources, one followed by one trend, the other by ten like it. Each gets TRANSACTIONS
# single-row transactions (default 100000) and ROWS rows in transactions of 10000 (default 1000000), over 100,000
# posts with Zipf-like popularity, while the worker stands still; then it works them off. Needs PG_CONFIG's server with
# trending installed.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

transactions=${1:-100000}
rows=${2:-1000000}

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
  make_loader post_id '(100000 ^ random())::bigint'
}

measure() { # NAME ROWS SIZE
  local one ten
  cost "CALL load_rows('one', $2, $3)" >/dev/null
  cost "CALL load_rows('ten', $2, $3)" >/dev/null
  one=$(cost "CALL load_rows('one', $2, $3)")
  ten=$(cost "CALL load_rows('ten', $2, $3)")
  awk -v name="$1" -v one="$one" -v ten="$ten" 'BEGIN {
    printf "%-24s one trend %6.2f s   ten trends %6.2f s   ratio %.2f\n", name, one / 1e6, ten / 1e6, ten / one }'
}

prepare many
start_server "${undisturbed[@]}"
create_schema
measure 'single-row transactions' "$transactions" 1
measure '10,000-row transactions' "$rows" 10000
