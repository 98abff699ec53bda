-- The aggregates of trending as ordinary SQL aggregates.
\set VERBOSITY terse
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA agg;
SET search_path = agg, public;

-- first and last: by time, whatever the order of rows
CREATE TABLE ticks (symbol text, at timestamptz, price numeric, note text);
INSERT INTO ticks VALUES
  ('a', '2024-01-01 10:00:02+00', 3, 'late'), ('a', '2024-01-01 10:00:00+00', 1.50, 'early'),
  ('a', '2024-01-01 10:00:01+00', 2, NULL),
  ('b', '2024-01-01 10:00:00+00', 7, 'x'), ('b', '2024-01-01 10:00:00+00', 5, 'z'), ('b', '2024-01-01 10:00:00+00', 6, 'y'),
  ('c', NULL, 9, 'no time'), ('c', '2024-01-01 11:00:00+00', NULL, 'no price'),
  ('d', '-infinity', 1, 'p'), ('d', 'infinity', 2, 'q'), ('d', '2024-01-01', 3, 'r');
SELECT symbol, trending.first(price, at), trending.last(price, at), trending.first(note, at), trending.last(note, at)
FROM   ticks GROUP BY symbol ORDER BY symbol;
SELECT trending.first(price, at::timestamp), trending.last(price, at::date), trending.first(price, extract(epoch FROM at)::bigint)
FROM   ticks WHERE symbol = 'a';
SELECT trending.first(x, x), trending.last(x, x) FROM generate_series(1::bigint, 0) x;
SELECT pg_typeof(trending.first(1::smallint, 1::bigint)), pg_typeof(trending.last(ARRAY[1.5], current_date));
SELECT symbol, trending.last(price, at) OVER (PARTITION BY symbol ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
FROM   ticks WHERE symbol = 'a' ORDER BY at;
-- greatest by collation, not by bytes
SELECT trending.last(x, 1::bigint) FROM (VALUES ('a' COLLATE "C"), ('B')) v(x);
-- types without an order, and values that are equal and look different: by their bytes, whatever the order of rows
SELECT trending.first(j, 1::bigint), trending.last(j, 1::bigint) FROM (VALUES ('{"b": 1}'::json), ('{"a": 1}'), ('{"a":1}')) v(j);
SELECT trending.first(p, 1::bigint), trending.last(p, 2::bigint) FROM (VALUES ('(1,2)'::point)) v(p);
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT trending.first(x, 1::bigint), trending.last(x, 1::bigint) FROM (VALUES ('A' COLLATE blind), ('a')) v(x);
SELECT trending.first(x, 1::bigint), trending.last(x, 1::bigint) FROM (VALUES ('a' COLLATE blind), ('A')) v(x);
SELECT trending.first(1, 1::numeric);

-- decayed aggregates, as of now()
SELECT round(trending.decayed_count(now() - n * interval '1 hour', '1 hour')::numeric, 12) FROM generate_series(0, 3) n;
SELECT round(trending.decayed_sum(x, at, '10 minutes')::numeric, 12)
FROM   (VALUES (8.0, now() - interval '30 minutes'), (-1, now()), (3, now() + interval '10 minutes'),
               (NULL, now()), (5, NULL), (5, 'infinity'), (5, '-infinity')) v(x, at);
SELECT trending.decayed_count(NULL, '1 hour'), trending.decayed_sum(NULL, now(), '1 hour');
SELECT trending.decayed_count(now(), '1 hour'), trending.decayed_sum(1, now(), '1 hour') WHERE false;
SELECT trending.decayed_count('2000-01-01', '1 second') AS "nothing left", trending.decayed_sum(abs(x), now(), '1 day') AS infinite,
       trending.decayed_sum(x, now(), '1 day') AS "not a number"
FROM   (VALUES ('Infinity'::float8), ('-Infinity')) v(x);
-- the same as the plain formula, in whatever order rows come
CREATE TABLE hits AS
SELECT n, now() - (n * 7919 % 10000) * interval '1 second' AS at, (n % 17 - 5)::float8 AS x FROM generate_series(1, 5000) n;
SELECT abs(trending.decayed_sum(x, at, '7 minutes') / sum(x * 2 ^ (-extract(epoch FROM now() - at) / 420)) - 1) < 1e-12 AS sums,
       abs(trending.decayed_count(at, '7 minutes') / sum(2 ^ (-extract(epoch FROM now() - at) / 420)) - 1) < 1e-12 AS counts
FROM   hits;
SELECT trending.decayed_count(now(), NULL);
SELECT trending.decayed_count(now(), '0');
SELECT trending.decayed_count(now(), '1 month');
SELECT trending.decayed_count(now(), n * interval '1 hour') FROM generate_series(1, 2) n;

-- approximate distinct counts: nearly exact while small, within 1 % beyond
SELECT trending.approx_count_distinct(n) AS none FROM generate_series(1, 0) n;
SELECT trending.approx_count_distinct(x), count(DISTINCT x) FROM (VALUES (1.0), (1.00), (2), (NULL), ('NaN'), ('NaN'), (0), (-0.0)) v(x);
SELECT trending.approx_count_distinct(x), count(DISTINCT x) FROM (VALUES ('0'::float8), ('-0'), ('NaN'), ('-NaN'), ('Infinity'), (NULL)) v(x);
SELECT trending.approx_count_distinct(x::real), trending.approx_count_distinct(x::character(5)), count(DISTINCT x::character(5))
FROM   (VALUES ('1'), ('1 '), ('2'), ('')) v(y), nullif(y, '') x;
SELECT trending.approx_count_distinct(d), trending.approx_count_distinct(t), trending.approx_count_distinct(d = '2024-01-01')
FROM   (SELECT date '2024-01-01' + n % 7 AS d, repeat('x', n % 9) AS t FROM generate_series(1, 100) n) s;
SELECT rows, abs(trending.approx_count_distinct(n) - rows) <= rows * 0.01 AS "within 1 %"
FROM   (VALUES (100), (10000), (300000)) v(rows), generate_series(1, rows) n GROUP BY rows ORDER BY rows;
SELECT trending.approx_count_distinct(x) FROM (VALUES ('{}'::jsonb)) v(x);
SELECT trending.approx_count_distinct(repeat('x', 1048577));

-- in parallel workers
CREATE FUNCTION uses_workers(query text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    IF line LIKE '%Partial Aggregate%' OR line LIKE '%Partial HashAggregate%' THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $$;
CREATE VIEW parallel AS
SELECT trending.first(n, at) AS first, trending.last(n, at) AS last, trending.last(n::text, at) AS last_text,
       trending.first(n::numeric, n::bigint) AS first_number,
       trending.approx_count_distinct(n) AS different,
       trending.decayed_sum(x, at, '7 minutes') AS sum, trending.decayed_count(at, '7 minutes') AS count
FROM   hits;
CREATE TABLE alone AS SELECT * FROM parallel;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE hits SET (parallel_workers = 2);
SELECT uses_workers('SELECT * FROM parallel');
BEGIN;
SELECT p.first = a.first AS first, p.last = a.last AS last, p.last_text = a.last_text AS last_text,
       p.first_number = a.first_number AS first_number, p.different = a.different AS different,
       abs(p.sum / p2.sum - 1) < 1e-12 AS sum, abs(p.count / p2.count - 1) < 1e-12 AS count
FROM   parallel p, alone a,
       (SELECT trending.decayed_sum(x, at, '7 minutes') AS sum, trending.decayed_count(at, '7 minutes') AS count
        FROM (SELECT * FROM hits ORDER BY n OFFSET 0) h) p2;
COMMIT;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

SET client_min_messages = warning;
DROP SCHEMA agg CASCADE;
