-- Reading: whatever a scan takes over from a query, the answer is that of the same query over a plain copy.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE SCHEMA reading;
SET search_path = reading, public;
SELECT setseed(0.42);

CREATE TABLE events (region text, post_id int, at timestamptz NOT NULL DEFAULT '2024-05-01 12:00+00');
-- Few different counts, so that most groups tie; some keys are NULL.
INSERT INTO events (region, post_id)
SELECT CASE WHEN random() < 0.05 THEN NULL ELSE 'r' || (random() * 20)::int END,
       CASE WHEN random() < 0.02 THEN NULL ELSE (random() * random() * 400)::int END
FROM   generate_series(1, 20000);
SELECT trending.create_trend('pairs', $$
  SELECT window_end, region, post_id, count(*) AS views, count(post_id) FILTER (WHERE post_id % 2 = 0) AS even
  FROM   events, trending.tumble(at, '1 day')
  GROUP  BY window_start, window_end, region, post_id
  ORDER  BY views DESC, post_id DESC
$$, idle_timeout => '3650 days') \g /dev/null
SELECT trending.create_trend('single', $$
  SELECT post_id, count(*) AS views
  FROM   events, trending.tumble(at, '1 day')
  GROUP  BY window_start, window_end, post_id
  ORDER  BY views DESC
$$, idle_timeout => '3650 days') \g /dev/null
-- Ascending, NULLs first, and a first key that decides many ties but not all.
SELECT trending.create_trend('rare', $$
  SELECT region, post_id, count(*) AS views
  FROM   events, trending.tumble(at, '1 day')
  GROUP  BY window_start, window_end, post_id, region
  ORDER  BY views, post_id NULLS FIRST
$$, idle_timeout => '3650 days') \g /dev/null
SELECT trending.sync() \g /dev/null

CREATE TABLE rare_copy AS SELECT * FROM rare;
ANALYZE rare_copy;
CREATE TABLE pairs_copy AS SELECT * FROM pairs;
CREATE TABLE single_copy AS SELECT * FROM single;
ANALYZE pairs_copy;
ANALYZE single_copy;

-- A random condition on the columns of `pairs`; those on post_id, views and rank suit `single` as well.
CREATE FUNCTION condition(single bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  parts text[] := '{}';
  k int := (random() * 40)::int;
BEGIN
  FOR i IN 1 .. 1 + (random() * 2)::int LOOP
    parts := parts || CASE (random() * CASE WHEN single THEN 9 ELSE 13 END)::int
      WHEN 0 THEN format('rank <= %s', k)
      WHEN 1 THEN format('rank < %s', k)
      WHEN 2 THEN format('rank = %s', k)
      WHEN 3 THEN format('rank BETWEEN %s AND %s', k, k + 10)
      WHEN 4 THEN format('rank > %s', k)
      WHEN 5 THEN format('post_id = %s', k)
      WHEN 6 THEN format('post_id = ANY (ARRAY[%s, NULL, %s, %s, %s]::bigint[])', k, k + 1, k, 99999)
      WHEN 7 THEN 'post_id IS NULL'
      WHEN 8 THEN format('views >= %s', k)
      WHEN 9 THEN format('%s >= rank', k)
      WHEN 10 THEN format('region = %L', 'r' || k / 2)
      WHEN 11 THEN 'region IS NULL'
      WHEN 12 THEN format('region = %L AND post_id = %s::smallint', 'r' || k / 2, k)
      ELSE format('region IS NULL AND post_id = %s', k)
    END;
  END LOOP;
  RETURN array_to_string(parts, ' AND ');
END $$;

CREATE FUNCTION tail() RETURNS text LANGUAGE sql AS $$
  SELECT (ARRAY['ORDER BY rank', 'ORDER BY rank LIMIT 7', 'ORDER BY views DESC, post_id DESC NULLS FIRST, rank LIMIT 5',
                'ORDER BY views DESC, rank OFFSET 3', 'ORDER BY rank DESC LIMIT 4', 'ORDER BY post_id, rank LIMIT 5',
                'ORDER BY rank LIMIT 9 OFFSET 2', 'ORDER BY views DESC, post_id, rank'])[1 + (random() * 7)::int]
$$;

-- The queries whose answers differ.
CREATE FUNCTION mismatches(relation text, tries int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  query text;
  columns text;
  pushed text;
  plain text;
BEGIN
  FOR i IN 1 .. tries LOOP
    columns := (ARRAY['t', 't.rank', 't.post_id, t.views', '1'])[1 + (random() * 3)::int];
    query := format('SELECT array_agg(x)::text FROM (SELECT %s FROM %%I t WHERE %s %s) x',
                    columns, condition(relation = 'single'), tail());
    EXECUTE format(query, relation) INTO pushed;
    EXECUTE format(query, relation || '_copy') INTO plain;
    IF pushed IS DISTINCT FROM plain THEN RETURN NEXT query; END IF;
  END LOOP;
END $$;

CREATE FUNCTION plan_of(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT json) ' || query INTO plan;
  RETURN plan::jsonb -> 0 -> 'Plan';
END $$;

SELECT plan(24);

SELECT ok(count(*) > 3000, 'there are many groups') FROM pairs;
SELECT results_eq('SELECT * FROM pairs', 'SELECT * FROM pairs_copy', 'the whole trend, in its order');
SELECT results_eq(
  'SELECT region, post_id, views, even FROM pairs',
  $$SELECT region, post_id, count(*), count(post_id) FILTER (WHERE post_id % 2 = 0) FROM events GROUP BY 1, 2
    ORDER BY count(*) DESC, post_id DESC, region$$,
  'it is what its definition says');
SELECT results_eq('SELECT rank FROM pairs ORDER BY rank', 'SELECT generate_series(1, count(*)) FROM pairs', 'ranks have no gaps');
SELECT is_empty($$SELECT mismatches('pairs', 400)$$, 'random queries over a key of two columns');
SELECT is_empty($$SELECT mismatches('single', 400)$$, 'random queries over a key of one column');
SELECT is_empty($$SELECT mismatches('rare', 400)$$, 'random queries over a trend ranked from below');
SET plan_cache_mode = force_generic_plan;
SELECT is_empty($$SELECT mismatches('single', 50)$$, 'the same with generic plans');
RESET plan_cache_mode;
SELECT is_empty(
  'SELECT c.* FROM pairs_copy c WHERE c.rank IS DISTINCT FROM trending.rank(''pairs'', c.region, c.post_id::text)',
  'trending.rank agrees for every key, ties and NULLs included');
SELECT is_empty(
  'SELECT c.* FROM rare_copy c WHERE c.rank IS DISTINCT FROM trending.rank(''rare'', c.post_id::text, c.region)',
  'also where a prefix of the key decides');
SELECT results_eq(
  'SELECT c.rank, t.rank FROM single_copy c LEFT JOIN single t ON t.post_id = c.post_id WHERE c.post_id IS NOT NULL ORDER BY 1',
  'SELECT rank, rank FROM single_copy WHERE post_id IS NOT NULL ORDER BY 1', 'a join by key finds every group');
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT results_eq(
  'SELECT c.rank, t.rank FROM pairs_copy c JOIN pairs t USING (region, post_id) ORDER BY 1',
  'SELECT rank, rank FROM pairs_copy WHERE region IS NOT NULL AND post_id IS NOT NULL ORDER BY 1',
  'so does a nested loop over a key of two columns');
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT results_eq(
  'SELECT rank, key, value FROM trending.top(''single'', 50)',
  'SELECT rank, post_id::text, views::numeric FROM single_copy WHERE rank <= 50', 'trending.top agrees');
SELECT results_eq(
  'SELECT rank, key FROM trending_top10(''pairs'')',
  'SELECT rank, coalesce(region, ''NULL'') || '', '' || coalesce(post_id::text, ''NULL'') FROM pairs_copy WHERE rank <= 10',
  'trending_top10 agrees');

-- Only what is needed is copied.
SELECT is(plan_of('SELECT * FROM single WHERE post_id = 42') ->> 'Key Cond', '(post_id = 42)', 'a key is looked up');
SELECT is(plan_of('SELECT views FROM single WHERE post_id = 42') -> 'Groups Read', '1', 'and only its group is read');
SELECT cmp_ok((plan_of('SELECT views FROM pairs WHERE rank <= 3') -> 'Groups Read')::int, '<', 2100, 'the best few: a few');
SELECT is(plan_of('SELECT count(*) FROM pairs') -> 'Plans' -> 0 -> 'Groups Read', '0', 'counting them reads none');
SELECT is(plan_of('SELECT * FROM pairs LIMIT 3') -> 'Plans' -> 0 ->> 'Limit', '3', 'LIMIT is taken over');
SELECT is((plan_of('SELECT * FROM pairs') -> 'Plan Rows')::int, (SELECT count(*)::int FROM pairs), 'the planner knows the size');
SELECT is((plan_of('SELECT * FROM pairs WHERE rank <= 12') -> 'Plan Rows')::int, 12, 'and that of the best');

-- A trend made in this transaction cannot be read yet, and says so at once.
BEGIN;
SELECT trending.create_trend('young', $$
  SELECT post_id, count(*) AS views FROM events, trending.tumble(at, '1 day')
  GROUP BY window_start, window_end, post_id ORDER BY views DESC$$) \g /dev/null
SELECT throws_ok('SELECT * FROM young', '55000', NULL, 'a trend begins when its transaction has committed');
ROLLBACK;
SELECT throws_ok('SELECT * FROM young', '42P01', NULL, 'and is gone with it');
SELECT ok(trending.watch('single') > 0, 'a trend has a version');

SELECT * FROM finish();
