-- trending.metrics: what monitoring collects is what the status views say, in names and values that Prometheus accepts.
\set QUIET on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE SCHEMA metrics;
SET search_path = metrics, public;

CREATE TABLE clicks (page int, at timestamptz);
ALTER TABLE clicks REPLICA IDENTITY FULL;
SELECT trending.create_trend('pages', $$
  SELECT window_end, page, count(*) AS n FROM clicks, trending.tumble(at, '1 minute')
  GROUP  BY window_start, window_end, page ORDER BY n DESC
$$, idle_timeout => '3650 days') \g /dev/null
SELECT trending.create_trend('nothing', $$
  SELECT page, count(*) AS n FROM clicks WHERE page < 0 GROUP BY page ORDER BY n DESC $$) \g /dev/null
-- Filled from what is there: nothing.
SELECT trending.sync() \g /dev/null
INSERT INTO clicks SELECT n % 5, '2024-05-01 12:00+00' FROM generate_series(1, 50) n;
INSERT INTO clicks VALUES (1, '2024-05-01 12:10+00'), (1, NULL), (1, '2999-01-01');
INSERT INTO clicks VALUES (1, '2024-05-01 12:00+00');
UPDATE clicks SET page = 2 WHERE at = '2024-05-01 12:10+00';
SELECT trending.sync() \g /dev/null

SELECT plan(16);
SELECT is_empty($$SELECT name FROM trending.metrics WHERE name !~ '^trending_[a-z_]+$' OR type NOT IN ('counter', 'gauge', 'histogram')
  OR (type = 'counter') <> (name LIKE '%\_total') OR value IS NULL OR help !~ '^[a-z0-9A-Z]'$$, 'names, types and values are proper');
SELECT is_empty($$SELECT name, labels FROM trending.metrics GROUP BY 1, 2 HAVING count(*) > 1$$, 'each series once');
SELECT is_empty($$SELECT name FROM trending.metrics GROUP BY 1 HAVING count(DISTINCT (type, help)) > 1$$,
  'one type and help a name');
SELECT results_eq($$SELECT name, value FROM trending.metrics WHERE labels ->> 'trend' = 'pages' AND type = 'counter' ORDER BY 1$$,
  $$VALUES ('trending_ahead_total'::text, 1::float8), ('trending_changes_total', (SELECT version FROM trending.status WHERE trend = 'pages')),
           ('trending_events_total', 53), ('trending_failed_total', 0),
           ('trending_late_total', 1), ('trending_null_time_total', 1), ('trending_out_of_range_total', 0),
           ('trending_refused_total', 0), ('trending_retractions_total', 1), ('trending_unmatched_total', 0), ('trending_unretracted_total', 0), ('trending_windows_closed_total', 1)$$,
  'counters of a trend');
SELECT is((SELECT value FROM trending.metrics WHERE name = 'trending_event_clock_seconds'),
  extract(epoch FROM timestamptz '2024-05-01 12:10+00')::float8, 'its clock in seconds; none where there is no time');
SELECT results_eq($$SELECT labels ->> 'trend', value FROM trending.metrics WHERE name = 'trending_up' ORDER BY 1$$,
  $$VALUES ('nothing', 1::float8), ('pages', 1)$$, 'which trends can be read');
SELECT results_eq($$SELECT value, labels FROM trending.metrics WHERE name = 'trending_worker_up'$$,
  $$VALUES (1::float8, '{}'::jsonb)$$, 'the worker');
SELECT cmp_ok((SELECT value FROM trending.metrics WHERE name = 'trending_transactions_total'), '>=', 3::float8,
  'what it has applied');
SELECT results_eq($$SELECT name, value FROM trending.metrics
    WHERE name IN ('trending_worker_failures', 'trending_set_aside_trends', 'trending_memory_limit_bytes') ORDER BY 1$$,
  $$VALUES ('trending_memory_limit_bytes', pg_size_bytes(current_setting('trending.memory_limit'))::float8),
           ('trending_set_aside_trends', 0), ('trending_worker_failures', 0)$$, 'its memory and its failures');
SELECT cmp_ok((SELECT value FROM trending.metrics WHERE name = 'trending_memory_granted_bytes'), '>=',
  (SELECT sum(value) FROM trending.metrics WHERE name = 'trending_memory_bytes'), 'trends take no more than what is granted');
SELECT cmp_ok((SELECT value FROM trending.metrics WHERE name = 'trending_worker_starts_total'), '>=', 1::float8,
  'how often it was started');
SELECT is_empty($$SELECT upto FROM (SELECT upto, transactions - lag(transactions) OVER (ORDER BY upto) AS more
  FROM trending_internal.commit_latency()) b WHERE more < 0$$, 'buckets of latency have what lies below them');
SELECT results_eq($$SELECT value FROM trending.metrics WHERE name = 'trending_latency_seconds_bucket' AND labels ->> 'le' = '+Inf'$$,
  $$SELECT value FROM trending.metrics WHERE name = 'trending_latency_seconds_count'$$, 'the last of them has all');
SELECT ok(s.value BETWEEN 0 AND 60 * c.value AND c.value >= 3, 'transactions were measured')
FROM   trending.metrics s, trending.metrics c WHERE s.name = 'trending_latency_seconds_sum' AND c.name = 'trending_latency_seconds_count';
CREATE ROLE metrics_monitor;
SET ROLE metrics_monitor;
SELECT is((SELECT count(*) FROM trending.metrics WHERE name = 'trending_up'), 2::bigint, 'a role without rights sees the numbers of all trends');
RESET ROLE;
DROP ROLE metrics_monitor;
ALTER TABLE clicks SET UNLOGGED;
SELECT trending.sync() \g /dev/null
SELECT is((SELECT value FROM trending.metrics WHERE name = 'trending_up' AND labels ->> 'trend' = 'pages'), 0::float8,
  'a trend that is stopped');
SELECT finish();
DROP SCHEMA metrics CASCADE;
