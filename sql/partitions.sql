-- Ranks within partitions: partition_by.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE TABLE sales (region text, product int, at timestamptz NOT NULL, bought bool, bits varbit);

-- Options
CREATE FUNCTION pg_temp.make(columns name[], keys text DEFAULT 'region, product') RETURNS regclass LANGUAGE sql AS $$
  SELECT trending.create_trend('t', format($q$
    SELECT window_start, window_end, %1$s, count(*) AS n FROM sales, trending.tumble(at, '1 hour')
    GROUP BY window_start, window_end, region, product ORDER BY n DESC $q$, keys), partition_by => columns) $$;
SELECT pg_temp.make('{}');
SELECT pg_temp.make('{region,region}');
SELECT pg_temp.make('{town}');
SELECT pg_temp.make('{n}');
SELECT pg_temp.make(ARRAY['region', NULL]::name[]);
SELECT pg_temp.make('{region,product}');
SELECT pg_temp.make('{region}', 'product');

SELECT trending.create_trend('best', $$
  SELECT window_start, window_end, region, product, count(*) AS n, count(*) FILTER (WHERE bought) AS sold
  FROM sales, trending.tumble(at, '1 hour')
  GROUP BY window_start, window_end, region, product ORDER BY n DESC $$,
  partition_by => ARRAY['region'], history_limit => 2, idle_timeout => '1 day', allowed_lateness => '0');
\d best_history

INSERT INTO sales SELECT r, p, '2026-01-01 10:00+00', p % 2 = 0
FROM (VALUES ('north', 5), ('south', 3), (NULL, 2)) v(r, products), generate_series(1, products) p, generate_series(1, p);
INSERT INTO sales SELECT 'north', 3, '2026-01-01 10:00+00', false FROM generate_series(1, 2);
SELECT trending.sync() > '0/0' AS synced;

-- All of it: by partition, ranked within
SELECT region, product, n, sold, rank FROM best;
-- The best of every partition, of one, of some
SELECT region, product, n, rank FROM best WHERE rank <= 2;
EXPLAIN (COSTS OFF) SELECT region, product, n, rank FROM best WHERE rank <= 2;
SELECT product, n, rank FROM best WHERE region = 'north' AND rank <= 3;
EXPLAIN (COSTS OFF) SELECT product, n, rank FROM best WHERE region = 'north' AND rank <= 3;
-- Without the numbers that servers write differently.
CREATE FUNCTION pg_temp.analyzed(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || query LOOP
    RETURN NEXT regexp_replace(line, ' \(actual [^)]*\)', '');
  END LOOP;
END $$;
SELECT pg_temp.analyzed($$SELECT product, n, rank FROM best WHERE region = 'north' AND rank <= 3$$);
SELECT product, n, rank FROM best WHERE region IS NULL AND rank BETWEEN 2 AND 5;
EXPLAIN (COSTS OFF) SELECT product, n, rank FROM best WHERE region IS NULL AND rank BETWEEN 2 AND 5;
SELECT region, product, n, rank FROM best WHERE region IN ('south', 'north', 'nowhere') AND rank = 1;
EXPLAIN (COSTS OFF) SELECT region, product, n, rank FROM best WHERE region IN ('south', 'north') AND rank = 1;
SELECT region, product, n, rank FROM best WHERE rank > 2;
SELECT count(*) FROM best WHERE region = 'south';
SELECT product FROM best WHERE region = 'nowhere';
-- Order and limit are the scan's own within one partition only
EXPLAIN (COSTS OFF) SELECT product, n FROM best WHERE region = 'north' ORDER BY rank LIMIT 2;
SELECT product, n FROM best WHERE region = 'north' ORDER BY rank LIMIT 2;
SELECT product, n FROM best WHERE region = 'north' ORDER BY n DESC, product LIMIT 2 OFFSET 1;
EXPLAIN (COSTS OFF) SELECT region, product, n FROM best ORDER BY rank LIMIT 4;
SELECT region, product, n FROM best ORDER BY rank, region LIMIT 4;
SELECT region, product, n FROM best WHERE n > 1 ORDER BY n DESC, region LIMIT 3;
-- By key
EXPLAIN (COSTS OFF) SELECT n, rank FROM best WHERE region = 'north' AND product = 2;
SELECT n, rank FROM best WHERE region = 'north' AND product = 2;
SELECT region, product, rank FROM best WHERE region IN ('north', 'south') AND product = 3;
SELECT region, product, rank FROM best WHERE region = 'north' AND product = ANY ('{1,3,5}') ORDER BY rank;
-- The best of the regions that a query names
SELECT r.region, b.product, b.rank FROM (VALUES ('south'), ('north')) r(region),
  LATERAL (SELECT * FROM best WHERE best.region = r.region ORDER BY rank LIMIT 1) b;
PREPARE of_region(text, int) AS SELECT product, rank FROM best WHERE region = $1 AND rank <= $2;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE of_region('north', 2);
EXECUTE of_region('north', 2);
EXECUTE of_region(NULL, 2);
RESET plan_cache_mode;

-- Functions
SELECT rank, key, value FROM trending.top('best', 2, partition => ARRAY['south']);
SELECT rank, key, value FROM trending.top('best', 2, partition => ARRAY[NULL]);
SELECT rank, key, value FROM trending.top('best', 2, partition => '{south}');
SELECT rank, key, value FROM trending.top('best', 2, NULL, ARRAY['south'::name]);
SELECT rank, key, value FROM trending.top('best', 2, partition => ARRAY['nowhere']);
SELECT rank, key, value FROM trending.top('best', 0, partition => ARRAY['south']);
SELECT trending.rank('best', 'north', '2'), trending.rank('best', 'south', '2'), trending.rank('best', 'east', '2');
SELECT * FROM trending.top('best', -1, partition => ARRAY['south']);
SELECT * FROM trending.top('best', 2, partition => ARRAY['south', '1']);
SELECT * FROM trending_top10('best');
SELECT * FROM trending.top('best', 5);
SELECT * FROM trending.top('best', 5, at => '2026-01-01 10:00+00');
SELECT trending.create_trend('together', $$
  SELECT window_start, window_end, region, count(*) AS n FROM sales, trending.tumble(at, '1 hour')
  GROUP BY window_start, window_end, region ORDER BY n DESC $$);
SELECT * FROM trending.top('together', 5, partition => ARRAY['south']);

-- The definition in batch, and history: the best two of every partition
SELECT substring(trending.batch_query('best') FROM 'PARTITION BY [^)]*');
INSERT INTO sales VALUES ('north', 1, '2026-01-01 11:00+00', false);
SELECT trending.sync() > '0/0' AS synced;
SELECT region, product, n, rank FROM best;
DO $$ BEGIN
  FOR i IN 1 .. 100 LOOP
    EXIT WHEN (SELECT count(*) FILTER (WHERE final) FROM best_history) = 6;
    PERFORM pg_sleep(0.1);
    COMMIT;
  END LOOP;
END $$;
SELECT region, product, n, sold, rank, final FROM best_history ORDER BY region, rank;
SELECT * FROM trending.verify('best');
SELECT trending.recompute('best', '2026-01-01 00:00+00', '2026-01-02 00:00+00');
SELECT count(*) FROM best_history;
SELECT * FROM trending.verify('best');
-- Its unique index knows partitions, without one as well
INSERT INTO best_history SELECT * FROM best_history WHERE region IS NULL AND rank = 1;

-- Two columns; a long value; taking rows back
SELECT trending.create_trend('pairs', $$
  SELECT window_start, window_end, product AS p, region AS r, bought, count(*) AS n
  FROM sales, trending.tumble(at, '1 day')
  GROUP BY window_start, window_end, product, region, bought ORDER BY n, r DESC $$,
  partition_by => ARRAY['bought', 'r'], history_limit => NULL);
INSERT INTO sales VALUES (repeat('x', 5000), 1, '2026-01-01 11:30+00', false);
SELECT trending.sync() > '0/0' AS synced;
SELECT bought, left(r, 5) AS r, p, n, rank FROM pairs WHERE rank <= 2;
SELECT rank, left(key, 10) AS key FROM trending.top('pairs', 3, partition => ARRAY['f', repeat('x', 5000)]);
INSERT INTO sales VALUES ('north', 1, '2026-01-02 11:30+00', false);
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM trending.verify('pairs');
DROP FOREIGN TABLE best, together, pairs;
DROP TABLE sales;

-- Partitions by every kind of type that a key may have: the values lie far apart, between them NULL, and one is repeated
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN small AS int CHECK (value < 100);
CREATE DOMAIN short AS varchar(5);
CREATE TABLE odd (at timestamptz, k int, ltext text, enum mood, int_domain small, text_domain short, uuid uuid, inet inet,
  cidr cidr, mac macaddr, mac8 macaddr8, bits bit(4), varbits varbit, "char" "char", "name" name, bytes bytea, bool bool,
  date date, "time" time, timetz timetz, stamp timestamp, money money, class regclass, lsn pg_lsn, xid8 xid8, oids oidvector);
DO $$
DECLARE
  c name;
BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'odd'::regclass AND attnum > 2 ORDER BY attnum LOOP
    PERFORM trending.create_trend('odd_' || c, format('SELECT window_start, window_end, k, %1$I, count(*) AS n
      FROM odd, trending.tumble(at, ''1 hour'') GROUP BY window_start, window_end, k, %1$I ORDER BY n DESC', c),
      partition_by => ARRAY[c], history_limit => 2, idle_timeout => '1 day', allowed_lateness => '0');
  END LOOP;
END $$;
SELECT trending.sync() > '0/0' AS synced;
INSERT INTO odd SELECT at, k, v.* FROM generate_series(timestamptz '2026-01-01 10:00+00', '2026-01-01 12:00+00', '1 hour') at,
  generate_series(1, 4) k, generate_series(1, k),
  (VALUES (repeat('long', 2000), 'sad'::mood, 1::small, 'a'::short, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '1.2.3.4'::inet,
    '10.0.0.0/8'::cidr, '08:00:2b:01:02:03'::macaddr, '08:00:2b:01:02:03:04:05'::macaddr8, '0101'::bit(4), '01'::varbit,
    'a'::"char", 'n'::name, '\x00'::bytea, true, '2026-01-01'::date, '10:00'::time, '10:00+01'::timetz, '2026-01-01'::timestamp,
    1::money, 'pg_class'::regclass, '0/1'::pg_lsn, '1'::xid8, '1 2'::oidvector),
   (repeat('long', 2000) || 's', 'ok', 2, 'b', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1.2.3.0/24', '10.0.0.0/9', '09:00:2b:01:02:03',
    '09:00:2b:01:02:03:04:05', '1111', '010', 'b', 'm', '\x0000', false, '2026-01-02', '11:00', '10:00+02', '2026-01-02', 2::money,
    'pg_type', '0/2', '2', '1 2 3'),
   (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL)) v;
SELECT trending.sync() > '0/0' AS synced;
CREATE PROCEDURE odd_history() LANGUAGE plpgsql AS $$
DECLARE
  c name;
  found_rows text;
BEGIN
  FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'odd'::regclass AND attnum > 2 ORDER BY attnum LOOP
    FOR i IN 1 .. 300 LOOP
      COMMIT;
      EXECUTE format('SELECT count(*) FROM %I WHERE final', 'odd_' || c || '_history') INTO found_rows;
      EXIT WHEN found_rows = '12';
      PERFORM pg_sleep(0.1);
    END LOOP;
    EXECUTE format('SELECT string_agg(n || %L || rank, %L ORDER BY rank, n) FROM %I WHERE k > 0 AND window_start = %L', '@', ' ',
                   'odd_' || c || '_history', '2026-01-01 10:00+00') INTO found_rows;
    IF found_rows <> '4@1 4@1 4@1 3@2 3@2 3@2' OR EXISTS (SELECT FROM trending.verify(('odd_' || c)::regclass)) THEN
      RAISE EXCEPTION '%: %', c, found_rows;
    END IF;
  END LOOP;
END $$;
CALL odd_history();
SELECT trending.recompute('odd_inet', '2026-01-01', '2026-01-02');
SELECT count(*) FROM trending.top('odd_cidr', 5, partition => ARRAY['10.0.0.0/8']);
SELECT indexdef FROM pg_indexes WHERE tablename IN ('odd_inet_history', 'odd_bits_history', 'odd_enum_history') AND indexdef ~ 'UNIQUE' ORDER BY 1;

-- Others are refused with what helps
CREATE TYPE pair AS (a int, b int);
ALTER TABLE odd ADD pair pair, ADD ints int[], ADD span int4range, ADD spans int4multirange, ADD words tsvector, ADD xid xid;
DO $$
DECLARE
  c name;
  detail text;
  hint text;
BEGIN
  FOREACH c IN ARRAY ARRAY['pair', 'ints', 'span', 'spans', 'words', 'xid'] LOOP
    BEGIN
      PERFORM trending.create_trend('t', format('SELECT window_end, k, %1$I, count(*) AS n
        FROM odd, trending.tumble(at, ''1 hour'') GROUP BY window_end, k, %1$I ORDER BY n DESC', c), partition_by => ARRAY[c]);
    EXCEPTION WHEN feature_not_supported THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
      RAISE WARNING '%; %; %', SQLERRM, detail, hint;
    END;
  END LOOP;
END $$;
DROP TABLE odd CASCADE;
DROP TYPE mood, pair;
DROP DOMAIN small, short;
DROP PROCEDURE odd_history;
