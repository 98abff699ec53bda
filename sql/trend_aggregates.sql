-- Trends of every aggregate, read back and compared with their definition. Event times are fixed and the idle
-- timeout is long, so that the current window stays where it is.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA kept;
SET search_path = kept, public;

CREATE TABLE trades (
  id int, symbol text, at timestamptz DEFAULT '2024-05-01 12:00+00', a smallint, b int, c bigint, d real, e float8, n numeric,
  day date, tm time, ts timestamp, o oid, flag bool, code character(4));
INSERT INTO trades (id, symbol, a, b, c, d, e, n, day, tm, ts, o, flag, code) VALUES
  (1, 'x', 1, 10, 9000000000000000000, 1.5, 2.25, 1.50, '2024-01-01', '10:00', '2024-01-01 10:00', 7, true, 'ab'),
  (2, 'x', 2, 20, 9000000000000000000, 2.5, 0.25, 2, '2024-01-02', '09:00', '2024-01-02 09:00', 5, false, 'ab  '),
  (3, 'x', 4, -3, 9000000000000000000, -1, 1e100, 0.125, '2023-01-01', '11:00', 'infinity', 4000000000, NULL, 'c'),
  (4, 'y', 32767, 2147483647, 1, 0.1, 0.1, 'NaN', 'infinity', '23:59:59.999999', '-infinity', 1, false, NULL),
  (5, 'y', 32767, 2147483647, 2, 0.2, 0.2, 'Infinity', '-infinity', '00:00', '2024-01-01', 0, true, 'd'),
  (6, 'z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (7, 'w', -1, -1, -1, '-Infinity', 'NaN', '-Infinity', '2024-01-01', '10:00', '2024-01-01', 1, true, 'e'),
  (8, 'w', -1, -1, -1, '-Infinity', 'Infinity', 12345678901234567890.123456789, '2024-01-01', '10:00', '2024-01-01', 1, true, 'E');

CREATE FUNCTION make(trend text, list text, sort text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend(trend, format('SELECT window_start, window_end, symbol, %s FROM trades, trending.tumble(at, ''1 day'')
    GROUP BY window_start, window_end, symbol ORDER BY %s', list, sort), idle_timeout => '3650 days', max_ahead => '36500 days');
END $$;
SELECT make('sums', 'sum(a) AS a, sum(b) AS b, sum(c) AS c, sum(d) AS d, sum(e) AS e, sum(n) AS n', 'n DESC');
SELECT make('averages', 'avg(a) AS a, avg(b) AS b, avg(c) AS c, avg(d) AS d, avg(e) AS e, avg(n) AS n', 'a ASC');
SELECT make('least', 'min(a) AS a, min(b) AS b, min(c) AS c, min(d) AS d, min(e) AS e, min(n) AS n, min(day) AS day, min(tm) AS tm, min(ts) AS ts, min(at) AS at, min(o) AS o', 'ts ASC NULLS FIRST');
SELECT make('most', 'max(a) AS a, max(b) AS b, max(c) AS c, max(d) AS d, max(e) AS e, max(n) AS n, max(day) AS day, max(tm) AS tm, max(ts) AS ts, max(at) AS at, max(o) AS o', 'e DESC NULLS LAST');
SELECT make('picked', 'trending.first(a, id::bigint) AS a, trending.last(b, id::bigint) AS b, trending.first(n, extract(hour FROM tm)::bigint) AS n, trending.last(flag, day) AS flag, trending.last(d, ts) AS d, trending.first(day, at) AS day, trending.last(ts, at) AS ts, trending.last(e, at) AS e, trending.first(o, at) AS o, trending.last(tm, at) AS tm', 'flag DESC');
SELECT make('various', 'count(DISTINCT code) AS codes, count(DISTINCT a) AS a, count(DISTINCT e) AS e, count(DISTINCT n) AS n, trending.approx_count_distinct(code) AS about, count(*) AS rows, count(flag) AS flags, sum(b * n) FILTER (WHERE a < 10) AS product, count(DISTINCT code) FILTER (WHERE flag) AS flagged', 'codes DESC, symbol');
SELECT trending.sync() IS NOT NULL AS synced;

\d sums
\d averages
\x on
SELECT * FROM sums;
SELECT * FROM averages;
SELECT * FROM least;
SELECT * FROM most;
SELECT * FROM picked;
SELECT * FROM various;
\x off
SELECT * FROM trending.verify('sums');
SELECT * FROM trending.verify('averages');
SELECT * FROM trending.verify('least');
SELECT * FROM trending.verify('most');
SELECT * FROM trending.verify('picked');
SELECT * FROM trending.verify('various');

-- value is a number whatever the type: times as seconds since 1970
SELECT rank, key, value FROM trending_top10('sums');
SELECT rank, key, value FROM trending_top10('averages');
SELECT rank, key, value FROM trending_top10('least');
SELECT rank, key, value FROM trending_top10('most');
SELECT rank, key, value FROM trending_top10('picked');
SELECT trending.rank('sums', 'x'), trending.rank('averages', 'z'), trending.rank('picked', 'nothing');

-- order that the trend has, and that it has not
EXPLAIN (COSTS OFF) SELECT symbol FROM averages ORDER BY a LIMIT 2;
EXPLAIN (COSTS OFF) SELECT symbol FROM averages ORDER BY a NULLS FIRST LIMIT 2;
EXPLAIN (COSTS OFF) SELECT symbol FROM most ORDER BY e DESC NULLS LAST, symbol LIMIT 2;
EXPLAIN (COSTS OFF) SELECT symbol FROM most ORDER BY e DESC LIMIT 2;
EXPLAIN (COSTS OFF) SELECT symbol FROM various ORDER BY codes DESC NULLS LAST LIMIT 2;
SELECT symbol FROM averages ORDER BY a LIMIT 2;
SELECT symbol FROM averages ORDER BY a NULLS FIRST LIMIT 2;
SELECT symbol FROM most ORDER BY e DESC LIMIT 2;

-- what does not fit is left out, and counted
INSERT INTO trades (id, symbol, n) VALUES (9, 'big', 1e28), (10, 'fine', 9.99e27), (11, 'small', 1e-39), (12, 'tiny', -1e-38);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT symbol, n FROM sums WHERE symbol IN ('big', 'fine', 'small', 'tiny');
SELECT failed FROM trending.status WHERE trend = 'sums';

-- over all rows, without any time: every numeric as the server writes it
CREATE TABLE numbers (id int, n numeric);
INSERT INTO numbers VALUES (1, 0), (2, 0.00), (3, -0.0), (4, 1e-38), (5, -1e-38), (6, 'NaN'), (7, 'Infinity'), (8, '-Infinity'),
  (9, 9999999999999999999999999999), (10, -9999999999999999999999999999.99999999999999999999999999999999999999), (11, 10000), (12, 0.0001),
  (13, 1.00000000000000000000000000000000000000), (14, 1::numeric(100, 60)), (15, 0::numeric(1000, 900)), (16, 1e27), (17, 12340000.5600);
INSERT INTO numbers
SELECT 100 + i, round((random() * 2 - 1)::numeric * 10::numeric ^ (random() * 27)::int + random()::numeric * 10::numeric ^ -(random() * 38)::int, (random() * 38)::int)
FROM   generate_series(1, 3000) i;
SELECT trending.create_trend('latest', $$ SELECT id, trending.last(n, id::bigint) AS n, sum(n) AS sum, avg(n) AS avg FROM numbers GROUP BY id ORDER BY n $$);
SELECT trending.create_trend('ends', $$ SELECT id % 7 AS seventh, min(n) AS min, max(n) AS max, sum(n) AS sum, avg(n) AS avg
  FROM numbers WHERE n < 'Infinity' AND n > '-Infinity' GROUP BY seventh ORDER BY sum DESC $$);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT count(*), count(*) FILTER (WHERE l.n::text <> n.n::text) AS "other digits", count(*) FILTER (WHERE l.sum::text <> n.n::text) AS "other sums"
FROM   latest l JOIN numbers n USING (id);
SELECT * FROM trending.verify('latest');
SELECT * FROM trending.verify('ends');
SELECT e.seventh, e.avg::text <> b.avg::text AS "other digits"
FROM   ends e JOIN (SELECT id % 7 AS seventh, avg(n) FROM numbers WHERE n < 'Infinity' AND n > '-Infinity' GROUP BY 1) b USING (seventh) ORDER BY 1;
SELECT trend, window_start, window_end, event_clock, watermark FROM trending.status WHERE trend IN ('latest', 'ends') ORDER BY 1;
SELECT rank, key, window_start, window_end FROM trending.top('latest', 2);
SELECT * FROM trending.top('latest', 2, at => now());
SELECT to_regclass('latest_history') IS NULL AS "no history";
SELECT * FROM trending.recompute('latest', '-infinity', 'infinity');
TRUNCATE numbers;
INSERT INTO numbers VALUES (1, 42);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT id, n, rank FROM latest;

-- rows are taken back where the replica identity lets them be
CREATE TABLE stock (id int PRIMARY KEY, k int, at timestamptz, n numeric);
ALTER TABLE stock REPLICA IDENTITY FULL;
INSERT INTO stock SELECT i, i % 3, '2024-05-01 12:00+00'::timestamptz + i * interval '1 s', i FROM generate_series(1, 30) i;
SELECT trending.create_trend('levels', $$ SELECT k, trending.last(n, at) AS latest, min(n) AS least, max(n) AS most, count(DISTINCT n % 4) AS rests,
  trending.approx_count_distinct(n) AS about FROM stock GROUP BY k ORDER BY latest DESC $$);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM levels;
DELETE FROM stock WHERE id IN (3, 30, 29, 2);
UPDATE stock SET n = 1000, at = '2020-01-01' WHERE id = 28;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT k, latest, least, most, rests, about, rank FROM levels;
SELECT found_in, "row"->>'about' AS about FROM trending.verify('levels') ORDER BY 1, 2;
DELETE FROM stock;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM levels;

-- values of any type, up to 8 kB
CREATE TABLE notes (id int PRIMARY KEY, k int, at timestamptz, title text, doc json, words text[], place inet);
INSERT INTO notes VALUES
  (1, 1, '2024-05-01 12:00+00', 'beta', '{"v": 1}', '{x,y}', '10.0.0.1'), (2, 1, '2024-05-01 12:00:01+00', 'Alpha', '{"v": 2}', '{x}', '10.0.0.1/8'),
  (3, 1, '2024-05-01 12:00:01+00', 'alpha', '[]', NULL, NULL), (4, 2, '2024-05-01 12:00:02+00', '', NULL, '{NULL}', '::1'), (5, 3, NULL, NULL, 'null', '{}', NULL);
SELECT trending.create_trend('papers', $$ SELECT k, count(*) AS notes, min(title) AS first_title, max(title COLLATE "C") AS last_title,
  trending.first(doc, at) AS oldest, trending.last(doc, at) AS newest, min(words) AS least_words, max(place) AS place
  FROM notes GROUP BY k ORDER BY notes DESC, k $$);
SELECT trending.create_trend('papers_kept', $$ SELECT k, count(*) AS notes, min(title) AS first_title, max(title COLLATE "C") AS last_title,
  trending.last(doc, at) AS newest FROM notes GROUP BY k HAVING max(title) <> 'hidden' ORDER BY notes DESC, k $$);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM papers;
SELECT k, first_title, last_title, newest::text, rank FROM papers_kept;
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'papers'::regclass AND attnum > 0 ORDER BY attnum;
INSERT INTO notes SELECT 10 + i, 2, '2024-05-02', repeat('z', i), to_json(repeat('j', 100)) FROM unnest(ARRAY[8187, 8188, 8189, 2000000]) i;
INSERT INTO notes VALUES (7, 3, now(), 'hidden');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT k, notes, length(last_title), rank FROM papers WHERE k = 2;
SELECT k, notes, length(last_title), rank FROM papers_kept;
SELECT trend, failed FROM trending.status WHERE trend LIKE 'papers%' ORDER BY trend;
DELETE FROM notes WHERE length(title) > 8188;
SELECT * FROM trending.verify('papers');
SELECT * FROM trending.verify('papers_kept');
ALTER TABLE notes REPLICA IDENTITY FULL;
DELETE FROM notes WHERE id IN (1, 3);
UPDATE notes SET title = 'Z' WHERE id = 2;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM papers WHERE k = 1;
SELECT * FROM trending.verify('papers');

-- aggregates that PostgreSQL itself combines
CREATE AGGREGATE product(int) (SFUNC = int4mul, STYPE = int, COMBINEFUNC = int4mul, PARALLEL = SAFE);
CREATE AGGREGATE dear(int) (SFUNC = int4mul, STYPE = int, COMBINEFUNC = int4larger, INITCOND = '100000', PARALLEL = SAFE);
CREATE AGGREGATE unsafe(int) (SFUNC = int4mul, STYPE = int, COMBINEFUNC = int4mul);
CREATE FUNCTION my_add(int, int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT $1 + $2';
CREATE AGGREGATE mine(int) (SFUNC = my_add, STYPE = int, COMBINEFUNC = int4pl, PARALLEL = SAFE);
CREATE TABLE samples (id int PRIMARY KEY, k int, at timestamptz, x float8, y float8, n numeric, i int, f bool);
INSERT INTO samples SELECT g, g % 3, '2024-05-01 12:00+00'::timestamptz + g * interval '1 s', (g * 37 % 101)::float8 / 7, g * 1.5, g * 0.125, g % 9, g % 4 > 0
FROM generate_series(1, 100) g;
INSERT INTO samples (id, k, at) VALUES (200, 3, '2024-05-01 12:01+00');
SELECT trending.create_trend('spread', $$ SELECT window_start, window_end, k, count(*) AS rows, stddev(x) AS dev, var_pop(n) AS var_n, corr(x, y) AS c,
  regr_count(x, y) AS pairs, bool_and(f) AS every, bool_or(f) FILTER (WHERE i > 5) AS any_f, bit_or(i) AS bits, sum(y * interval '1 s') AS span, min(k::text) AS t
  FROM samples, trending.hop(at, '10 s', '1 minute') GROUP BY 1, 2, 3 ORDER BY rows DESC, k $$, history_limit => NULL, idle_timeout => '1 day');
SELECT trending.create_trend('products', $$ SELECT k, count(*) AS rows, product(i), stddev(x) AS dev FROM samples GROUP BY k HAVING bool_or(i < 0) IS NOT TRUE ORDER BY rows DESC, k $$);
SET client_min_messages = notice;
SELECT trending.create_trend('dearest', $$ SELECT k, count(*) AS rows, dear(i) FROM samples GROUP BY k ORDER BY rows DESC $$);
RESET client_min_messages;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT k, rows, round(dev::numeric, 6) AS dev, round(var_n, 6) AS var_n, round(c::numeric, 6) AS c, pairs, every, any_f, bits, span, t, rank FROM spread;
INSERT INTO samples SELECT 300 + g, g % 5, '2024-05-01 12:01:30+00'::timestamptz + g * interval '1 s', g, -g, g, g, g % 2 = 0 FROM generate_series(1, 90) g;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM trending.verify('spread');
-- what cannot be combined is refused; rows whose old versions are not in the WAL are not taken back
INSERT INTO samples (id, k, i) VALUES (400, 9, 2), (401, 9, 2000000000), (402, 9, 30000);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT trend, refused, failed, reason FROM trending.status WHERE trend IN ('products', 'dearest') ORDER BY trend;
SELECT k, rows, product FROM products WHERE k = 9;
SELECT k, rows, dear FROM dearest WHERE k = 9;
DELETE FROM samples WHERE id = 400;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT trend, unretracted FROM trending.status WHERE trend IN ('products', 'dearest') ORDER BY trend;
SELECT trending.create_trend('refused', 'SELECT k, count(*), unsafe(i) FROM samples GROUP BY k ORDER BY 2');
SELECT trending.create_trend('refused', 'SELECT k, count(*), mine(i) FROM samples GROUP BY k ORDER BY 2');
SELECT trending.create_trend('refused', 'SELECT k, count(*), jsonb_agg(i) FROM samples GROUP BY k ORDER BY 2');
SELECT trending.create_trend('refused', 'SELECT k, count(*), stddev(DISTINCT i) FROM samples GROUP BY k ORDER BY 2');
SELECT trending.create_trend('refused', 'SELECT k, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM samples GROUP BY k ORDER BY 2');
SELECT trending.create_trend('refused', $$ SELECT window_start, window_end, k, count(*), stddev(x) FROM samples, trending.session(at, '1 minute') GROUP BY 1, 2, 3 ORDER BY 4 $$);

-- decayed: as of now(), without window
CREATE TABLE clicks (page text, at timestamptz, weight float8);
INSERT INTO clicks VALUES ('new', now(), 1), ('new', now() - interval '1 minute', 2), ('old', now() - interval '10 minutes', 1),
  ('old', now() - interval '12 minutes', 1), ('older', now() - interval '30 minutes', -4), ('forgotten', now() - interval '1 day', 1),
  ('none', now(), NULL);
SELECT trending.create_trend('hot', $$ SELECT page, trending.decayed_count(c.at, '1 minute') AS heat, trending.decayed_sum(weight, c.at, '1 minute') AS weight,
  trending.decayed_count(c.at, '1 minute') FILTER (WHERE weight > 1) AS heavy FROM clicks c GROUP BY page ORDER BY heat DESC $$, idle_timeout => '1 hour');
SELECT trending.create_trend('coldest', $$ SELECT page, trending.decayed_sum(weight, at, '1 minute') FROM clicks WHERE page <> 'new' GROUP BY page ORDER BY 2 $$, idle_timeout => '1 hour');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT page, rank, heavy > 0 AS heavy FROM hot;
SELECT page, rank FROM coldest;
SELECT rank, key, value = 0, window_start, window_end FROM trending_top10('hot');
SELECT * FROM trending.verify('hot');
SELECT * FROM trending.verify('coldest');
BEGIN;
SELECT heat AS before FROM hot WHERE page = 'new' \gset
SELECT pg_sleep(0.1);
SELECT heat = :before AS "the same within a transaction" FROM hot WHERE page = 'new';
COMMIT;
SELECT heat < :before AS "then less" FROM hot WHERE page = 'new';
EXPLAIN (COSTS OFF) SELECT page FROM hot ORDER BY heat DESC LIMIT 1;
SELECT trend, window_start, window_end, event_clock IS NOT NULL AS has_clock FROM trending.status WHERE trend = 'hot';

-- alike but for the aggregate
SELECT trending.create_trend('all_true', $$ SELECT symbol, bool_and(flag) AS flag, count(*) AS n FROM trades GROUP BY symbol ORDER BY n $$);
SELECT trending.create_trend('some_true', $$ SELECT symbol, bool_or(flag) AS flag, count(*) AS n FROM trades GROUP BY symbol ORDER BY n $$);
INSERT INTO trades (id, symbol, flag) VALUES (20, 'alike', true), (21, 'alike', false);
SELECT trending.sync() IS NOT NULL AS synced;
INSERT INTO trades (id, symbol, flag) VALUES (22, 'alike', false), (23, 'alike too', true);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT a.symbol, a.flag AS all_true, s.flag AS some_true FROM all_true a JOIN some_true s USING (symbol) WHERE symbol LIKE 'alike%' ORDER BY 1;
SELECT * FROM trending.verify('all_true') UNION ALL SELECT * FROM trending.verify('some_true');

-- Where all cancels out, what PostgreSQL's rounding leaves is nothing that verify tells of.
CREATE TABLE kept.noise (k int, x float8, y float8);
SELECT trending.create_trend('kept.noisy', $$ SELECT k, corr(y, x) AS corr, covar_pop(y, x) AS covar, regr_slope(y, x) AS slope,
  regr_intercept(y, x) AS intercept, regr_sxy(y, x) AS sxy, var_pop(x * 0 + 0.1) AS var, stddev(y * 0 + 0.7) AS dev, count(*) AS n
  FROM kept.noise GROUP BY k ORDER BY n DESC $$);
INSERT INTO kept.noise SELECT 1, 0.1 + 0.7 * (i % 3), 1e6 + 0.3 * (i / 3 % 3) FROM generate_series(0, 8) i;
INSERT INTO kept.noise SELECT 1, 0.1 + 0.7 * (i % 3), 1e6 + 0.3 * (i / 3 % 3) FROM generate_series(0, 8) i ORDER BY i DESC;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT t.corr <> b.corr OR t.covar <> b.covar OR t.var <> b.var OR t.dev <> b.dev AS rounded_otherwise
FROM kept.noisy t, (SELECT corr(y, x) AS corr, covar_pop(y, x) AS covar, var_pop(x * 0 + 0.1) AS var, stddev(y * 0 + 0.7) AS dev FROM kept.noise) b;
SELECT * FROM trending.verify('kept.noisy');

-- what verify finds
UPDATE trades SET b = b + 1 WHERE id = 1;
SELECT found_in, "row"->>'symbol' AS symbol, "row"->>'b' AS b FROM trending.verify('sums') WHERE "row"->>'symbol' IN ('x', 'big') ORDER BY 1, 2;
SELECT trending.nearly_equal(1, 1 + 1e-13, 1e-12), trending.nearly_equal(1, 1 + 1e-11, 1e-12), trending.nearly_equal(NULL, NULL, 1),
       trending.nearly_equal(NULL, 1, 1), trending.nearly_equal('NaN', 'NaN', 0), trending.nearly_equal('NaN', 1, 1),
       trending.nearly_equal('Infinity', 'Infinity', 0), trending.nearly_equal('Infinity', '-Infinity', 0);

DROP SCHEMA kept CASCADE;
