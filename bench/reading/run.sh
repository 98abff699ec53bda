#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Reading a trend: how long the usual reads take inside the server, with few and with many groups.
#
#   bench/reading/run.sh [GROUPS]
#
# A private cluster gets four trends: of 1,000 and of GROUPS (default 1000000) groups, each once with views that
# differ at the top (skewed) and once with one view a group, so that all groups tie (flat). Every read runs in a
# loop inside the server, as a cached plan, in batches; printed is the median of the batches in microseconds per
# read, and the ratio of many groups to few. `planned` reads are planned each time. Needs PG_CONFIG's server with
# trending installed. Run it on a quiet machine.
# shellcheck source=bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

groups=${1:-1000000}

create_data() {
  sed "s/:groups/$groups/g" <<'SQL' | query
SET client_min_messages = warning;
CREATE EXTENSION trending;
CREATE TABLE posts (id bigint PRIMARY KEY, title text NOT NULL);
INSERT INTO posts SELECT n, 'The post with number ' || n FROM generate_series(1, :groups) n;
VACUUM ANALYZE posts;
CREATE FUNCTION make_trend(name text, groups bigint, skewed bool) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE %I (post_id bigint, at timestamptz NOT NULL DEFAULT %L)', name || '_events',
                 '2024-05-01 12:00+00');
  EXECUTE format('INSERT INTO %I (post_id) SELECT n FROM generate_series(1, $1) n', name || '_events') USING groups;
  IF skewed THEN
    EXECUTE format('INSERT INTO %I (post_id) SELECT n FROM generate_series(1, 900) n, generate_series(1, 1000 / n)',
                   name || '_events');
  END IF;
  PERFORM trending.create_trend(name, format(
    'SELECT window_end, post_id, count(*) AS views FROM %I, trending.hop(at, ''10 seconds'', ''5 minutes'')
     GROUP BY window_start, window_end, post_id ORDER BY views DESC', name || '_events'),
    label => 'posts.title', idle_timeout => '3650 days', max_groups => 100000000);
  PERFORM trending.create_trend(name || '_plain', format(
    'SELECT window_end, post_id, count(*) AS views FROM %I, trending.hop(at, ''10 seconds'', ''5 minutes'')
     GROUP BY window_start, window_end, post_id ORDER BY views DESC', name || '_events'),
    idle_timeout => '3650 days', max_groups => 100000000);
END $$;
SELECT make_trend('few_skewed', 1000, true), make_trend('few_flat', 1000, false),
       make_trend('many_skewed', :groups, true), make_trend('many_flat', :groups, false) \g /dev/null
SELECT trending.sync('10 minutes') \g /dev/null

-- Median of `batches` batches of `reads` reads, in microseconds per read.
CREATE FUNCTION cost_of(read text, reads int, batches int) RETURNS numeric LANGUAGE plpgsql AS $f$
DECLARE result numeric;
BEGIN
  EXECUTE format($b$
    CREATE OR REPLACE FUNCTION batch(reads int) RETURNS float8 LANGUAGE plpgsql AS $$
    DECLARE started timestamptz := clock_timestamp(); r record; me bigint := 42; k bigint := 10;
    BEGIN
      FOR i IN 1 .. reads LOOP FOR r IN %s LOOP END LOOP; END LOOP;
      RETURN extract(epoch FROM clock_timestamp() - started) * 1e6 / reads;
    END $$ $b$, read);
  EXECUTE 'SELECT batch($1)' USING reads;  -- warms up
  EXECUTE 'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY cost)
           FROM (SELECT batch($1) AS cost FROM generate_series(1, $2)) x' INTO result USING reads, batches;
  RETURN round(result, 1);
END $f$;
SQL
}

# NAME, number of reads in a batch, the query with TREND for few_skewed and so on, LAST for the greatest key.
measure() {
  local name=$1 reads=$2 text=$3 shape few many
  for shape in skewed flat; do
    few=${text//TREND/few_$shape}
    few=$(query "SELECT cost_of(\$\$${few//LAST/1000}\$\$, $reads, 21)")
    many=${text//TREND/many_$shape}
    many=$(query "SELECT cost_of(\$\$${many//LAST/$groups}\$\$, $reads, 21)")
    awk -v name="$name" -v shape="$shape" -v few="$few" -v many="$many" \
      'BEGIN { printf "%-44s %-7s %9.1f %9.1f   x%.2f\n", name, shape, few, many, (few > 0 ? many / few : 0) }'
  done
}

prepare reading
start_server "${undisturbed[@]}" 'jit = off'
create_data
printf '%-44s %-7s %9s %9s   %s\n' "microseconds per read inside the server" ties 1000 "$groups" ratio
measure 'trending_top10, no labels' 500 "SELECT * FROM trending_top10('TREND_plain')"
measure 'trending_top10, labels' 500 "SELECT * FROM trending_top10('TREND')"
measure 'rank <= 10' 500 "SELECT * FROM TREND WHERE rank <= 10"
measure 'rank <= a parameter' 500 "SELECT * FROM TREND WHERE rank <= k"
measure 'ORDER BY views DESC LIMIT 10' 500 "SELECT * FROM TREND ORDER BY views DESC LIMIT 10"
measure 'rank <= 10, joined with posts' 500 \
  "SELECT t.rank, p.title, t.views FROM TREND t JOIN posts p ON p.id = t.post_id WHERE t.rank <= 10 ORDER BY t.rank"
measure 'post_id = 42, without rank' 500 "SELECT post_id, views FROM TREND WHERE post_id = 42"
measure 'post_id = a parameter, without rank' 500 "SELECT post_id, views FROM TREND WHERE post_id = me"
measure 'post_id = 42, with rank (among the best)' 20 "SELECT * FROM TREND WHERE post_id = 42"
measure 'trending.rank of the last key' 3 "SELECT trending.rank('TREND', 'LAST')"
measure 'rank <= 1000' 50 "SELECT * FROM TREND WHERE rank <= 1000"
measure 'count(*)' 2 "SELECT count(*) FROM TREND"
measure 'rank <= 10, planned each time' 300 "EXECUTE 'SELECT * FROM TREND WHERE rank <= 10'"
measure 'nothing (SELECT 1), to compare' 500 "SELECT 1"
