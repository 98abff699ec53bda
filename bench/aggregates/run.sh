#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# What a trend with five aggregates costs an event, against one that only counts: the worker's processor time for the
# same rows, from the WAL to the ranking.
#
#   bench/aggregates/run.sh [TRANSACTIONS] [ROWS] [RATE]
#
# A private cluster with a source for each trend, all with the same columns and over 100,000 posts with Zipf-like
# popularity, RATE events per second of event time (default 10000): windows move as they would. Trends that only count;
# with count(*), sum, avg, min and max of an integer column ("five"); with count(*), sum and avg of numeric, max of an
# integer and count(DISTINCT) ("mix"); with five expressions over those five aggregates, ranked by one of them ("expr": at
# most twice "five"); with count(*), and count(*) of the last minute ("part": its ratio is to "two", which counts twice, with
# a FILTER), each over tumbling windows of 5 minutes and over ones that slide by 10 seconds.
# When the windows are full, each source gets TRANSACTIONS single-row transactions (default 100000) and ROWS rows in
# transactions of 10000 (default 1000000) while the worker stands still, the kinds in turn, twice, the second time in
# the opposite order; then it works them off. Needs PG_CONFIG's server with trending installed.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

transactions=${1:-100000}
rows=${2:-1000000}
rate=${3:-10000}

declare -A columns=(
  [count]='count(*) AS n'
  [five]='count(*) AS n, sum(amount), avg(amount), min(amount), max(amount)'
  [mix]='count(*) AS n, sum(price), avg(price), max(amount), count(DISTINCT visitor)'
  [expr]='count(*)::float8 * 2 AS n, sum(amount)::float8 / count(*) AS a, avg(amount) * 2 AS b, max(amount) - min(amount) AS c,
    CASE WHEN max(amount) > 900 THEN sum(amount) ELSE 0 END AS d'
  [two]='count(*) AS n, count(*) FILTER (WHERE amount >= 200) AS recent'
  [part]="count(*) AS n, count(*) FILTER (WHERE at >= window_end - interval '1 minute') AS recent"
)
declare -A windows=(
  [tumble]="tumble(at, '5 minutes')"
  [hop]="hop(at, '10 seconds', '5 minutes')"
)

make_trend() { # KIND WINDOW
  query "CREATE SEQUENCE $1_$2_at;
         CREATE TABLE $1_$2 (post_id bigint NOT NULL,
           at timestamptz NOT NULL DEFAULT '2024-01-01'::timestamptz
             + nextval('$1_$2_at') * interval '1 second' / $rate,
           amount int NOT NULL, price numeric(10,2) NOT NULL, visitor int NOT NULL)"
  query "SET client_min_messages = warning; SELECT trending.create_trend('trend_$1_$2', \$\$
           SELECT window_start, window_end, post_id, ${columns[$1]} FROM $1_$2, trending.${windows[$2]}
           GROUP BY window_start, window_end, post_id ORDER BY n DESC\$\$,
           history_limit => 0, idle_timeout => '3650 days', max_groups => 100000000)" >/dev/null
}

measure() { # NAME ROWS SIZE
  local window kind
  local -A micros
  for window in tumble hop; do
    micros=()
    for kind in count five mix expr two part part two expr mix five count; do
      ((micros[$kind] += $(cost "CALL load_rows('${kind}_$window', $2, $3)"))) || true
    done
    awk -v name="$1" -v window="$window" -v n="$((2 * $2))" \
      -v c="${micros[count]}" -v f="${micros[five]}" -v m="${micros[mix]}" -v e="${micros[expr]}" -v t="${micros[two]}" \
      -v p="${micros[part]}" 'BEGIN {
      printf "%-24s %-7s count %5.0f ns   five %5.0f ns   ratio %.2f   mix %5.0f ns   ratio %.2f\n", name, window,
        c / n * 1000, f / n * 1000, f / c, m / n * 1000, m / c
      printf "%-24s %-7s expr %6.0f ns   to five %.2f   part %5.0f ns   to two %.2f\n", name, window,
        e / n * 1000, e / f, p / n * 1000, p / t }'
  done
}

prepare aggregates
start_server "${undisturbed[@]}"
query "SET client_min_messages = warning; CREATE EXTENSION trending"
make_loader 'post_id, amount, price, visitor' \
  '(100000 ^ random())::bigint, (random() * 1000)::int, (random() * 1000)::numeric(10,2), (random() * 100000)::int'
for window in tumble hop; do
  for kind in count five mix expr two part; do
    make_trend "$kind" "$window"
    [[ $window == tumble ]] && filling=500000 || filling=$((rate * 320))
    query "CALL load_rows('${kind}_$window', $filling, 10000)"
    query "SELECT trending.sync('10 min')" >/dev/null
  done
done
measure 'single-row transactions' "$transactions" 1
measure '10,000-row transactions' "$rows" 10000
