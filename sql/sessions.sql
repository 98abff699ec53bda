-- Session windows: trending.session.
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE TABLE clicks (user_id int, page text, at timestamptz, ms int);

-- It is no function for plain queries
SELECT * FROM (SELECT now() AS at) s, trending.session(at, '30 minutes');
SELECT * FROM trending.session('2026-01-01'::timestamp, '30 minutes');
SELECT * FROM trending.session('2026-01-01'::date, '30 minutes');

-- Its arguments
CREATE FUNCTION pg_temp.make(gap text, aggregate text DEFAULT 'count(*)') RETURNS regclass LANGUAGE sql AS $$
  SELECT trending.create_trend('t', format($q$
    SELECT window_start, window_end, user_id, %s AS n FROM clicks, trending.session(at, %s)
    GROUP BY window_start, window_end, user_id ORDER BY n DESC $q$, aggregate, gap)) $$;
SELECT pg_temp.make($$NULL$$);
SELECT pg_temp.make($$'0'$$);
SELECT pg_temp.make($$'-1 minute'$$);
SELECT pg_temp.make($$'1 month'$$);
SELECT pg_temp.make($$'200 years'::interval / 2$$);
SELECT pg_temp.make($$'40000 days'$$);
SELECT pg_temp.make($$ms * interval '1 ms'$$);
SELECT pg_temp.make($$'1 minute'$$, 'count(*), max(page)');
SELECT trending.create_trend('t', $$
  SELECT user_id, count(*) AS n FROM clicks, trending.session(at, '1 minute') GROUP BY user_id ORDER BY n DESC $$);

-- Rows that are there already, out of order; a session that closed, one without a user, one of rows a gap apart
INSERT INTO clicks VALUES
  (1, 'b', '2026-01-01 10:20', 5), (1, 'a', '2026-01-01 10:00', 7), (1, 'c', '2026-01-01 10:51', 1),
  (2, 'a', '2026-01-01 10:10', 2), (2, 'b', '2026-01-01 10:40', 3), (NULL, 'x', '2026-01-01 10:45', 4),
  (3, 'z', NULL, 0), (3, 'z', 'infinity', 0), (3, 'z', '-infinity', 0), (4, 'skip', '2026-01-01 10:50', 1);
SELECT trending.create_trend('visits', $$
  SELECT s.window_start, s.window_end, c.user_id, count(*) AS clicks, sum(c.ms) AS ms, avg(c.ms) AS mean,
         min(c.ms) AS least, trending.first(c.ms, c.at) AS landing, trending.last(c.ms, c.at) AS exit
  FROM clicks c CROSS JOIN LATERAL trending.session(c.at, gap => '30 minutes') s
  WHERE c.page <> 'skip' GROUP BY s.window_start, s.window_end, c.user_id ORDER BY clicks DESC, c.user_id DESC $$,
  idle_timeout => '1 day', allowed_lateness => '5 minutes');
CREATE PROCEDURE history_has(n int) LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1 .. 200 LOOP
    EXIT WHEN (SELECT count(*) FROM visits_history) = n;
    PERFORM pg_sleep(0.1);
    COMMIT;
  END LOOP;
END $$;
SELECT trending.sync() > '0/0' AS synced;
CALL history_has(1);
SELECT * FROM visits;
TABLE visits_history;
SELECT * FROM trending.verify('visits');
-- By key, by rank, the bounds alone
SELECT window_start, clicks, rank FROM visits WHERE user_id = 2;
SELECT window_end, clicks FROM visits WHERE user_id IS NULL;
SELECT user_id, clicks FROM visits WHERE rank <= 2;
SELECT window_start, window_end FROM visits ORDER BY 1;
SELECT rank, key, value, previous_rank, window_start, window_end FROM trending_top10('visits');
SELECT trending.rank('visits', '2'), trending.rank('visits', '4');
SELECT window_start, window_end, live_groups, events, null_time, retractable FROM trending.status;

-- A row between two sessions makes them one, also in history
INSERT INTO clicks VALUES (1, 'd', '2026-01-01 10:30', 9);
SELECT trending.sync() > '0/0' AS synced;
CALL history_has(0);
SELECT user_id, window_start, window_end, clicks, ms, landing, exit, rank FROM visits;
SELECT count(*) FROM visits_history;
SELECT * FROM trending.verify('visits');
-- They close by the watermark, and are final when no row can reach them
INSERT INTO clicks VALUES (5, 'e', '2026-01-01 11:15', 1);
SELECT trending.sync() > '0/0' AS synced;
CALL history_has(2);
SELECT user_id, window_start, window_end, clicks, rank, final FROM visits_history ORDER BY window_end;
INSERT INTO clicks VALUES (5, 'e', '2026-01-01 11:45', 1), (6, 'e', '2026-01-01 12:10', 1);
SELECT trending.sync() > '0/0' AS synced;
CALL history_has(3);
SELECT user_id, window_start, window_end, clicks, rank, final FROM visits_history ORDER BY window_end;
SELECT * FROM trending.verify('visits');
-- Too late; updates and deletes do not reach it without a replica identity
INSERT INTO clicks VALUES (5, 'late', '2026-01-01 11:34', 1), (5, 'late', '2026-01-01 11:35', 1), (6, 'in time', '2026-01-01 11:36', 1);
UPDATE clicks SET ms = 0 WHERE user_id = 6;
DELETE FROM clicks WHERE user_id = 2;
SELECT trending.sync() > '0/0' AS synced;
SELECT user_id, window_start, window_end, clicks, rank FROM visits;
SELECT late, unretracted FROM trending.status;
SELECT user_id, window_start, window_end, clicks, rank, final FROM visits_history ORDER BY window_end;
-- The sessions that were open at a time, closed since or not
SELECT rank, key, value, previous_rank, window_start, window_end FROM trending.top('visits', 3, at => '2026-01-01 10:10');
SELECT rank, key, value, window_start, window_end FROM trending.top('visits', 2, at => '2026-01-01 11:14:59');
SELECT rank, key, value FROM trending.top('visits', 9, at => '2026-01-01 11:15');
SELECT count(*) FROM trending.top('visits', 9, at => '2025-01-01');
SELECT count(*) FROM trending.top('visits', 9, at => '-infinity');
SELECT * FROM trending.top('visits', 9, at => '2027-01-01');
-- Late rows are taken in, and what was deleted goes
SELECT trending.recompute('visits', '2026-01-01 11:00', '2026-01-02');
SELECT user_id, window_start, window_end, clicks, rank, final FROM visits_history ORDER BY window_end;
SELECT trending.recompute('visits', '2026-01-01', '2026-01-02');
SELECT user_id, window_start, window_end, clicks, rank, final FROM visits_history ORDER BY window_end;

-- No key; a date; two keys and ranks within one of them; another name for everything
SELECT trending.create_trend('quiet', $$
  SELECT window_start, window_end, count(*) FROM clicks, trending.session(at, '20 minutes')
  GROUP BY window_start, window_end ORDER BY 3 $$, idle_timeout => '1 day');
SELECT trending.create_trend('days', $$
  SELECT "from", "to", "trending time", count(*) AS n
  FROM (clicks AS k("trending time", b) CROSS JOIN trending.session((at AT TIME ZONE 'UTC')::date, '2 days') w("from", "to"))
  GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '1 day');
SELECT trending.create_trend('pages', $$
  SELECT window_start, window_end, page, user_id % 2 AS odd, sum(ms) AS ms FROM ONLY clicks, trending.session(at, '1 hour')
  GROUP BY window_end, window_start, 3, 4 ORDER BY ms $$, partition_by => '{odd}', idle_timeout => '1 day');
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM quiet;
SELECT rank, key, value, window_start, window_end FROM trending.top('quiet', 3, at => '2026-01-01 12:00');
SELECT rank, key, value, window_start, window_end FROM trending.top('days', 3, at => '2026-01-01 12:00');
SELECT * FROM trending.top('pages', 3, at => '2026-01-01 12:00');
SELECT * FROM days ORDER BY rank;
SELECT * FROM pages ORDER BY odd, rank;
SELECT 'quiet', * FROM trending.verify('quiet') UNION ALL SELECT 'days', * FROM trending.verify('days') UNION ALL
SELECT 'pages', * FROM trending.verify('pages');
DROP FOREIGN TABLE visits, quiet, days, pages;

SELECT trending.create_trend('no_past', $$
  SELECT window_start, window_end, count(*) FROM clicks, trending.session(at, '20 minutes')
  GROUP BY window_start, window_end ORDER BY 3 $$, history_limit => 0);
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM trending.top('no_past', 3, at => '2026-01-01 12:00');
DROP FOREIGN TABLE no_past;

-- Different values, and conditions; an alert for a session that comes to fulfil it, once however it grows
TRUNCATE clicks;
SELECT trending.create_trend('readers', $$
  SELECT window_start, window_end, user_id, count(*) AS clicks, count(DISTINCT page) AS pages,
         trending.approx_count_distinct(page) AS about, count(DISTINCT ms) FILTER (WHERE ms > 0) AS times
  FROM clicks, trending.session(at, '10 minutes') GROUP BY window_start, window_end, user_id
  HAVING count(DISTINCT page) >= 2 AND user_id > 0 ORDER BY pages DESC $$,
  idle_timeout => '1 day', allowed_lateness => '1 hour', notify_channel => NULL);
SELECT trending.sync() > '0/0' AS synced;
INSERT INTO clicks VALUES (1, 'a', '2026-02-01 10:00', 1), (1, 'a', '2026-02-01 10:05', 1), (0, 'a', '2026-02-01 10:00', 1), (0, 'b', '2026-02-01 10:00', 1);
SELECT trending.sync() > '0/0' AS synced;
TABLE readers;
INSERT INTO clicks VALUES (1, 'b', '2026-02-01 10:09', 2), (2, 'x', '2026-02-01 10:09', 0);
INSERT INTO clicks VALUES (1, 'c', '2026-02-01 10:01', NULL), (2, 'y', '2026-02-01 10:01', 0), (2, NULL, '2026-02-01 10:02', 0);
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM readers ORDER BY rank;
-- A second session of one of them, and rows that make them one
INSERT INTO clicks VALUES (1, 'd', '2026-02-01 10:25', 2), (1, 'e', '2026-02-01 10:26', 2);
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM readers ORDER BY rank;
INSERT INTO clicks VALUES (1, 'a', '2026-02-01 10:17', 2);
SELECT trending.sync() > '0/0' AS synced;
SELECT * FROM readers ORDER BY rank;
SELECT trending.rank('readers', '1'), trending.rank('readers', '2'), trending.rank('readers', '0');
CREATE PROCEDURE alerts_are(n int) LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1 .. 200 LOOP
    EXIT WHEN (SELECT count(*) FROM readers_alerts) >= n;
    PERFORM pg_sleep(0.1);
    COMMIT;
  END LOOP;
END $$;
CALL alerts_are(3);
SELECT window_start, window_end, user_id, clicks, pages, about, times, crossed_at FROM readers_alerts ORDER BY crossed_at, user_id;
SELECT * FROM trending.verify('readers');
DROP FOREIGN TABLE readers;
DROP PROCEDURE alerts_are;
DROP PROCEDURE history_has;
DROP TABLE clicks;
