-- HAVING: groups belong to a trend while a condition holds; <trend>_alerts says when it came true.
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE TABLE orders (customer int, shop text, at timestamptz NOT NULL, amount int);
CREATE FUNCTION pg_temp.make(condition text, extra text DEFAULT '') RETURNS regclass LANGUAGE sql AS $$
  SELECT trending.create_trend('t', format($q$
    SELECT window_start, window_end, customer, count(*) AS n%2$s FROM orders o, trending.tumble(at, '1 hour')
    GROUP BY window_start, window_end, customer HAVING %1$s ORDER BY n DESC $q$, condition, extra)) $$;
CREATE FUNCTION my_limit(bigint) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 3';
-- What is refused
-- (Without its place: 18 does not keep that of a reference to a GROUP BY expression.)
DO $$
DECLARE hint text;
BEGIN
  PERFORM pg_temp.make('window_end > now()');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RAISE NOTICE '% %: %', SQLSTATE, SQLERRM, hint;
END $$;
SELECT pg_temp.make('count(*) > random()');
SELECT pg_temp.make('my_limit(count(*))');
SELECT pg_temp.make('count(*) > (SELECT 3)');
SELECT pg_temp.make('count(*) > 3 AND extract(epoch FROM current_timestamp) > 0');
SELECT pg_temp.make('shop = ''a''');
SELECT pg_temp.make('grouping(customer) = 0');
SELECT pg_temp.make('count(*) > 3', ', count(amount) AS crossed_at');
SELECT pg_temp.make('count(*)');
CREATE TABLE fdep (id int PRIMARY KEY, other int, at timestamptz);
SELECT trending.create_trend('t', $$ SELECT window_end, id, count(*) FROM fdep, trending.tumble(at, '1 hour')
  GROUP BY window_end, id HAVING other > 1 ORDER BY 3 $$);
SELECT trending.create_trend('t', $$ SELECT window_end, id, count(*) FROM fdep, trending.tumble(at, '1 hour')
  GROUP BY window_end, id HAVING count(*) > 1 ORDER BY 3 $$, notify_channel => repeat('x', 64));
SELECT trending.create_trend('t', $$ SELECT window_end, id, count(*) FROM fdep, trending.tumble(at, '1 hour')
  GROUP BY window_end, id HAVING count(*) > 1 ORDER BY 3 $$, notify_channel => '');
DROP TABLE fdep;

-- An aggregate that is not selected, a key, arithmetic; rows that were there raise no alert
INSERT INTO orders SELECT 9, 'a', '2026-01-01 10:00+00', 1 FROM generate_series(1, 5);
SELECT trending.create_trend('many', $$
  SELECT window_start, window_end, customer, shop, count(*) AS n FROM orders, trending.tumble(at, '1 hour')
  GROUP BY window_start, window_end, customer, shop
  HAVING count(*) + count(*) FILTER (WHERE amount > 100) * 2 >= 3 AND shop <> 'exempt' ORDER BY n DESC $$,
  idle_timeout => '1 day', allowed_lateness => '0', history_limit => NULL);
SELECT relation, alerts, notify_channel FROM trending.trend;
\d many_alerts
SELECT trending.sync() > '0/0' AS synced;
SELECT customer, shop, n, rank FROM many;
INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:01+00', 1), (1, 'a', '2026-01-01 10:02+00', 1);
INSERT INTO orders VALUES (2, 'a', '2026-01-01 10:01+00', 500);
INSERT INTO orders SELECT 3, 'exempt', '2026-01-01 10:01+00', 500 FROM generate_series(1, 10);
INSERT INTO orders SELECT 4, NULL, '2026-01-01 10:01+00', 500 FROM generate_series(1, 10);
SELECT trending.sync() > '0/0' AS synced;
SELECT customer, shop, n, rank FROM many;
EXPLAIN (COSTS OFF) SELECT * FROM many WHERE customer = 1 AND shop = 'a';
SELECT * FROM many WHERE customer = 1 AND shop = 'a';
SELECT rank, key, value FROM trending_top10('many');
SELECT trending.rank('many', '2', 'a'), trending.rank('many', '1', 'a');
SELECT live_groups, kept_groups FROM trending.status WHERE trend = 'many';
INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:03+00', 1);
-- 5 comes true and is not any more within one transaction: nothing has happened. 6 does at its end.
ALTER TABLE orders REPLICA IDENTITY FULL;
BEGIN;
INSERT INTO orders SELECT 5, 'a', '2026-01-01 10:04+00', 1 FROM generate_series(1, 3);
DELETE FROM orders WHERE customer = 5;
INSERT INTO orders SELECT 6, 'a', '2026-01-01 10:04+00', 1 FROM generate_series(1, 4);
DELETE FROM orders WHERE ctid = (SELECT max(ctid) FROM orders WHERE customer = 6);
COMMIT;
CREATE PROCEDURE wait_for(query text) LANGUAGE plpgsql AS $$
DECLARE done bool;
BEGIN
  FOR i IN 1 .. 200 LOOP
    EXECUTE query INTO done;
    EXIT WHEN done;
    PERFORM pg_sleep(0.05);
    COMMIT;
  END LOOP;
END $$;
CALL wait_for('SELECT count(*) = 3 FROM many_alerts');
SELECT window_start, window_end, customer, shop, n, crossed_at, commit_lsn > '0/0' AS commit_lsn, alerted_at <= clock_timestamp() AS alerted_at
FROM many_alerts ORDER BY commit_lsn;
-- Gone and come again: another alert. The next window: everybody anew.
DELETE FROM orders WHERE ctid = (SELECT max(ctid) FROM orders WHERE customer = 6);
INSERT INTO orders VALUES (6, 'a', '2026-01-01 10:05+00', 1);
INSERT INTO orders SELECT 6, 'a', '2026-01-01 11:00+00', 1 FROM generate_series(1, 3);
CALL wait_for('SELECT count(*) = 5 FROM many_alerts');
SELECT window_start, customer, n, crossed_at FROM many_alerts WHERE customer = 6 ORDER BY commit_lsn;
CALL wait_for('SELECT count(*) = 4 FROM many_history WHERE final');
SELECT customer, shop, n, rank, final FROM many_history ORDER BY rank;
SELECT * FROM trending.verify('many');
SELECT trending.recompute('many', '2026-01-01', '2026-01-02');
SELECT * FROM trending.verify('many');

-- A condition that fails is not true, and is counted
SELECT trending.create_trend('failing', $$
  SELECT window_start, window_end, customer, count(*) AS n FROM orders, trending.tumble(at, '1 hour')
  GROUP BY window_start, window_end, customer HAVING 12 / (customer - 7) > 1 ORDER BY n DESC $$,
  partition_by => NULL, notify_channel => NULL, backfill => false, idle_timeout => '1 day');
SELECT notify_channel FROM trending.trend WHERE relation = 'failing'::regclass;
INSERT INTO orders VALUES (7, 'a', '2026-01-01 11:05+00', 1), (8, 'a', '2026-01-01 11:05+00', 1);
SELECT trending.sync() > '0/0' AS synced;
SELECT customer, n, rank FROM failing;
SELECT failed FROM trending.status WHERE trend = 'failing';

-- With partitions
SELECT trending.create_trend('parts', $$
  SELECT window_start, window_end, shop, customer, count(*) AS n FROM orders, trending.tumble(at, '1 hour')
  GROUP BY window_start, window_end, shop, customer HAVING count(*) > 1 ORDER BY n DESC $$,
  partition_by => ARRAY['shop'], idle_timeout => '1 day');
SELECT trending.sync() > '0/0' AS synced;
INSERT INTO orders SELECT c, s, '2026-01-01 11:06+00', 1 FROM generate_series(1, 3) c, generate_series(1, c), (VALUES ('b'), ('c')) v(s);
SELECT trending.sync() > '0/0' AS synced;
SELECT shop, customer, n, rank FROM parts;
SELECT * FROM trending.verify('parts');
CALL wait_for('SELECT count(*) = 4 FROM parts_alerts');
SELECT shop, customer, n FROM parts_alerts ORDER BY 1, 2;

-- Where values belong to the present, there is no HAVING
SELECT trending.create_trend('t', $$ SELECT customer, trending.decayed_count(at, '1 hour') AS hot FROM orders
  GROUP BY customer HAVING count(*) > 1 ORDER BY hot DESC $$);
SELECT trending.create_trend('t', $$ SELECT customer, count(*) AS n FROM orders
  GROUP BY customer HAVING trending.decayed_count(at, '1 hour') > 1 ORDER BY n DESC $$);

-- Without a window: levels that fall to the reorder point
CREATE TABLE movements (product int, quantity numeric);
ALTER TABLE movements REPLICA IDENTITY FULL;
INSERT INTO movements VALUES (1, 100), (2, 5);
SELECT trending.create_trend('reorder', $$
  SELECT product, sum(quantity) AS level, min(quantity) AS least FROM movements
  GROUP BY product HAVING sum(quantity) <= 10 ORDER BY level $$);
SELECT trending.sync() > '0/0' AS synced;
SELECT product, level, least, rank FROM reorder;
INSERT INTO movements VALUES (1, -85.5);
INSERT INTO movements VALUES (1, -4.75);
INSERT INTO movements VALUES (1, -0.25), (2, 50.5);
INSERT INTO movements VALUES (1, 40);
INSERT INTO movements VALUES (1, -41);
CALL wait_for('SELECT count(*) = 2 FROM reorder_alerts');
SELECT window_start, window_end, product, level, least, crossed_at > now() - interval '1 minute' AS crossed_at
FROM reorder_alerts ORDER BY commit_lsn;
SELECT product, level, least, rank FROM reorder;
SELECT * FROM trending.verify('reorder');
DROP FOREIGN TABLE reorder;
DROP TABLE movements;

-- Alerts go with their trend, and retention takes them
DROP FOREIGN TABLE parts, failing;
SELECT to_regclass('parts_alerts');
DROP FOREIGN TABLE many;
DROP TABLE orders;
DROP FUNCTION my_limit;
DROP PROCEDURE wait_for;
