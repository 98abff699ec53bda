-- Windows of the calendar: weeks, months, quarters, years, days that begin in the morning. Each is compared with a query
-- by date_trunc: the SQL function for times of two years, then a trend's history and live window.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
CREATE SCHEMA calendar;
SET search_path = calendar, public;

SELECT * FROM trending.tumble('2024-02-29 12:00Z', '1 month');
SELECT * FROM trending.tumble('2024-02-29 12:00Z', '1 month', zone => 'America/St_Johns');
SELECT * FROM trending.tumble(date '2024-02-29', '3 months');
SELECT * FROM trending.tumble(timestamp '2024-02-29 12:00', '1 year');
SELECT * FROM trending.tumble('2024-02-29 12:00Z', '10 years');
-- Weeks begin on Monday, fiscal years and months where the origin says, also on the last day of a month.
SELECT * FROM trending.tumble(date '2024-02-29', '1 week');
SELECT * FROM trending.tumble(date '2024-02-29', '1 week', origin => '2024-01-07');
SELECT * FROM trending.tumble(date '2024-02-29', '1 year', origin => '2000-04-01');
SELECT * FROM trending.tumble(date '2024-02-28', '1 month', origin => '2000-01-15 06:00');
SELECT * FROM generate_series(date '2024-01-31', '2024-05-31', '1 month') d, trending.tumble(d::date, '1 month', origin => '2000-01-31');
-- Days that begin at six: 23 hours where the clocks go forward.
SELECT *, window_end - window_start AS length
FROM   trending.tumble('2024-03-31 01:30Z', '1 day', origin => '2024-01-01 06:00+01', zone => 'Europe/Berlin');
-- Where midnight was skipped, the first instant of the day is an origin at midnight.
SELECT * FROM trending.tumble('2018-12-01 12:00Z', '1 day', origin => '2018-11-04 03:00Z', zone => 'America/Sao_Paulo');
-- This month so far: steps of days, of weeks, of elapsed time; this year so far.
SELECT * FROM trending.cumulate('2024-02-28 12:00Z', '1 day', '1 month');
SELECT * FROM trending.cumulate('2024-02-20 12:00Z', '1 week', '1 month', zone => 'Europe/Berlin');
SELECT * FROM trending.cumulate('2024-03-31 12:00Z', '6 hours', '1 month', zone => 'Europe/Berlin');
SELECT * FROM trending.cumulate(date '2024-02-29', '3 months', '1 year');
SELECT * FROM trending.cumulate(date '2024-04-30', '1 month', '90 days', origin => '2024-01-31');
-- Samoa had no 30 December 2011.
SELECT window_start AT TIME ZONE 'Pacific/Apia' AS s, window_end AT TIME ZONE 'Pacific/Apia' AS e, window_end - window_start AS length
FROM   (VALUES ('2011-12-30 12:00Z'::timestamptz)) v(ts),
       LATERAL (SELECT * FROM trending.tumble(ts, '1 week', zone => 'Pacific/Apia')
                UNION ALL SELECT * FROM trending.tumble(ts, '1 month', zone => 'Pacific/Apia')
                UNION ALL SELECT * FROM trending.hop(ts, '1 day', '2 days', zone => 'Pacific/Apia')
                UNION ALL SELECT * FROM trending.cumulate(ts, '1 day', '1 month', zone => 'Pacific/Apia')) w;
-- The last month, every day: what begins on the last days of January ends on the last of February.
SELECT count(*), min(window_start), max(window_start), min(window_end) FROM trending.hop(date '2023-02-27', '1 day', '1 month')
WHERE  window_end = '2023-02-28';
-- Slides may be small: a millionth of the size.
SELECT count(*) FROM trending.hop('2024-02-01 00:00Z', '1 millisecond', '1000 seconds');
SELECT count(*) FROM trending.cumulate('2024-02-01 00:00Z', '2.6784 seconds', '1 month') WHERE window_end < '2024-02-01 00:01Z';
SELECT count(*) FROM trending.tumble('294276-12-31 23:59:59Z'::timestamptz, '1 month');
SELECT count(*) FROM trending.tumble('4714-11-24 00:00:00Z BC'::timestamptz, '1 month', zone => 'Europe/Berlin');

-- What {t} is in, by hand.
CREATE TABLE cases (name text, call text, by_hand text);
INSERT INTO cases VALUES
  ('months', $$trending.tumble(at, '1 month')$$,
   $$SELECT m, m + interval '1 month' FROM date_trunc('month', {t}) m$$),
  ('quarters', $$trending.tumble(at, '3 months')$$,
   $$SELECT q, q + interval '3 months' FROM date_trunc('quarter', {t}) q$$),
  ('half_years', $$trending.hop(at, '3 months', '6 months')$$,
   $$SELECT q - k * interval '3 months', q + (2 - k) * interval '3 months' FROM date_trunc('quarter', {t}) q, generate_series(0, 1) k$$),
  ('last_month', $$trending.hop(at, '1 day', '1 month')$$,
   $$SELECT d, d + interval '1 month' FROM generate_series(date_trunc('day', {t}) - interval '31 days', {t}, '1 day') d
     WHERE  {t} < d + interval '1 month'$$),
  ('months_by_45_days', $$trending.hop(at, '1 month', '45 days')$$,
   $$SELECT m, m + interval '45 days' FROM generate_series(date_trunc('month', {t}) - interval '1 month', {t}, '1 month') m
     WHERE  {t} < m + interval '45 days'$$),
  ('year_so_far', $$trending.cumulate(at AT TIME ZONE 'UTC', '1 month', '1 year')$$,
   $$SELECT y, y + k * interval '1 month' FROM date_trunc('year', {t}) y, generate_series(1, 12) k WHERE {t} < y + k * interval '1 month'$$),
  ('weeks', $$trending.tumble(at, '1 week', zone => 'Europe/Berlin')$$,
   $$SELECT w AT TIME ZONE 'Europe/Berlin', (w + interval '1 week') AT TIME ZONE 'Europe/Berlin'
     FROM   date_trunc('week', {t} AT TIME ZONE 'Europe/Berlin') w$$),
  ('fortnights', $$trending.hop(at, '1 week', '14 days', zone => 'America/St_Johns')$$,
   $$SELECT (w - k * interval '1 week') AT TIME ZONE 'America/St_Johns', (w + (2 - k) * interval '1 week') AT TIME ZONE 'America/St_Johns'
     FROM   date_trunc('week', {t} AT TIME ZONE 'America/St_Johns') w, generate_series(0, 1) k$$),
  ('sundays', $$trending.tumble(at, '1 week', '2012-01-01 03:30Z', 'America/St_Johns')$$,
   $$SELECT (w - interval '1 day') AT TIME ZONE 'America/St_Johns', (w + interval '6 days') AT TIME ZONE 'America/St_Johns'
     FROM   date_trunc('week', {t} AT TIME ZONE 'America/St_Johns' + interval '1 day') w$$),
  ('months_apia', $$trending.tumble(at, '1 month', zone => 'Pacific/Apia')$$,
   $$SELECT m AT TIME ZONE 'Pacific/Apia', (m + interval '1 month') AT TIME ZONE 'Pacific/Apia'
     FROM   date_trunc('month', {t} AT TIME ZONE 'Pacific/Apia') m$$),
  ('years_st_johns', $$trending.tumble(at, '1 year', zone => 'America/St_Johns')$$,
   $$SELECT y AT TIME ZONE 'America/St_Johns', (y + interval '1 year') AT TIME ZONE 'America/St_Johns'
     FROM   date_trunc('year', {t} AT TIME ZONE 'America/St_Johns') y$$),
  ('quarters_berlin', $$trending.tumble(at, '3 months', zone => 'Europe/Berlin')$$,
   $$SELECT q AT TIME ZONE 'Europe/Berlin', (q + interval '3 months') AT TIME ZONE 'Europe/Berlin'
     FROM   date_trunc('quarter', {t} AT TIME ZONE 'Europe/Berlin') q$$),
  -- What a zone skipped is where it goes on: the morning of 30 December 2011 in Samoa is midnight of the 31st.
  ('mornings', $$trending.tumble(at, '1 day', '2011-01-01 06:00-10', 'Pacific/Apia')$$,
   $$SELECT CASE d WHEN '2011-12-30 06:00' THEN '2011-12-31 00:00' ELSE d END AT TIME ZONE 'Pacific/Apia',
            CASE d WHEN '2011-12-29 06:00' THEN '2011-12-31 00:00' ELSE d + interval '1 day' END AT TIME ZONE 'Pacific/Apia'
     FROM   (SELECT date_trunc('day', {t} AT TIME ZONE 'Pacific/Apia' - interval '6 hours') + interval '6 hours') d(d)$$),
  ('months_from_the_15th', $$trending.tumble(at, '1 month', '2011-01-15 06:00+01', 'Europe/Berlin')$$,
   $$SELECT m AT TIME ZONE 'Europe/Berlin', (m + interval '1 month') AT TIME ZONE 'Europe/Berlin'
     FROM   (SELECT date_trunc('month', {t} AT TIME ZONE 'Europe/Berlin' - interval '14 days 6 hours') + interval '14 days 6 hours') m(m)$$),
  ('month_so_far', $$trending.cumulate(at, '1 day', '1 month', zone => 'Pacific/Apia')$$,
   $$SELECT DISTINCT m AT TIME ZONE 'Pacific/Apia', e AT TIME ZONE 'Pacific/Apia'
     FROM   date_trunc('month', {t} AT TIME ZONE 'Pacific/Apia') m, generate_series(m + interval '1 day', m + interval '1 month', '1 day') e
     WHERE  {t} < e AT TIME ZONE 'Pacific/Apia'$$),
  ('month_by_week', $$trending.hop(at, '1 week', '1 month', zone => 'Europe/Berlin')$$,
   $$SELECT w AT TIME ZONE 'Europe/Berlin', (w + interval '1 month') AT TIME ZONE 'Europe/Berlin'
     FROM   generate_series(date_trunc('week', {t} AT TIME ZONE 'Europe/Berlin') - interval '5 weeks', {t} AT TIME ZONE 'Europe/Berlin', '1 week') w
     WHERE  {t} < (w + interval '1 month') AT TIME ZONE 'Europe/Berlin'$$);

-- The SQL functions, at every hour and around it.
CREATE FUNCTION function_differences(call text, by_hand text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE found bigint;
BEGIN
  EXECUTE format('WITH times AS (SELECT h + d AS at FROM generate_series(timestamptz ''2011-02-01 00:00Z'', ''2012-04-10'', ''5 hours'') h,
                                 unnest(ARRAY[interval ''0'', ''-1 microsecond'', ''29 minutes'']) d),
                       ours AS (SELECT at, window_start, window_end FROM times, %1$s),
                       theirs AS (SELECT at, s::text, e::text FROM times, LATERAL (%2$s) w(s, e))
                  SELECT count(*) FROM ((SELECT at, window_start::text, window_end::text FROM ours EXCEPT ALL TABLE theirs)
                                        UNION ALL (TABLE theirs EXCEPT ALL SELECT at, window_start::text, window_end::text FROM ours)) d',
                 call, replace(by_hand, '{t}', CASE WHEN call LIKE '%at AT TIME%' THEN '(at AT TIME ZONE ''UTC'')' ELSE 'at' END)) INTO found;
  RETURN found;
END $$;
SELECT name, function_differences(call, by_hand) FROM cases WHERE function_differences(call, by_hand) <> 0;

-- The trends: half of the rows are there, half come later, some of them late, some go.
CREATE TABLE events (id int PRIMARY KEY, at timestamptz, item int);
ALTER TABLE events REPLICA IDENTITY FULL;
INSERT INTO events SELECT n, timestamptz '2011-02-01 00:00Z' + n * interval '5 hours 7 minutes', n % 3 FROM generate_series(0, 999) n;
SELECT count(trending.create_trend(name, format('SELECT window_start, window_end, item, count(*) AS n, sum(id) AS total
         FROM events, %s GROUP BY window_start, window_end, item ORDER BY n DESC, item', call),
       allowed_lateness => '20 days', history_limit => NULL, idle_timeout => '3650 days'))
FROM   cases;
SELECT trending.sync() IS NOT NULL AS synced;
DO $$ BEGIN
  FOR part IN 0 .. 9 LOOP
    INSERT INTO events SELECT n, timestamptz '2011-02-01 00:00Z' + n * interval '5 hours 7 minutes', n % 3
    FROM   generate_series(1000 + part * 100, 1099 + part * 100) n;
    INSERT INTO events SELECT -id, at - interval '19 days', 3 FROM events WHERE id = 1000 + part * 100;
    COMMIT;
    DELETE FROM events WHERE id = 1050 + part * 100;
    COMMIT;
  END LOOP;
END $$;
SELECT trending.sync() IS NOT NULL AS synced;
-- History has all windows that are closed, the trend the current one.
CREATE FUNCTION trend_differences(name text, call text, by_hand text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE found bigint;
BEGIN
  EXECUTE format('WITH theirs AS (SELECT s AS window_start, e AS window_end, item, count(*) AS n, sum(id) AS total
                                  FROM events, LATERAL (%2$s) w(s, e) GROUP BY s, e, item),
                       closed AS (SELECT h.window_start, h.window_end, item, n, total FROM %1$I_history h),
                       live AS (SELECT window_start, window_end, item, n, total FROM %1$I),
                       state AS (SELECT * FROM trending.status WHERE trend = %1$L),
                       due AS (SELECT t.* FROM theirs t, state WHERE t.window_end <= state.watermark),
                       current AS (SELECT * FROM theirs WHERE (window_start, window_end) IN (SELECT window_start, window_end FROM live))
                  SELECT count(*) + (SELECT (count(*) = 0)::int FROM due) + (SELECT (count(*) = 0)::int FROM live)
                  FROM   ((TABLE closed EXCEPT ALL TABLE due) UNION ALL (TABLE due EXCEPT ALL TABLE closed)
                          UNION ALL (TABLE live EXCEPT ALL TABLE current) UNION ALL (TABLE current EXCEPT ALL TABLE live)) d',
                 name, replace(by_hand, '{t}', CASE WHEN call LIKE '%at AT TIME%' THEN '(at AT TIME ZONE ''UTC'')' ELSE 'at' END)) INTO found;
  RETURN found;
END $$;
DO $$ BEGIN
  FOR i IN 1 .. 100 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM cases WHERE trend_differences(name, call, by_hand) <> 0);
    PERFORM pg_sleep(0.1);
    COMMIT;
  END LOOP;
END $$;
SELECT name, trend_differences(name, call, by_hand) FROM cases WHERE trend_differences(name, call, by_hand) <> 0;
SELECT name, (SELECT count(*) FROM trending.verify(name::regclass)) FROM cases
WHERE  EXISTS (SELECT FROM trending.verify(name::regclass));
SELECT trend, window_start, window_end FROM trending.status JOIN cases ON trend = name ORDER BY name;
-- Looking back, and windows that are computed again.
SELECT rank, key, value FROM trending.top('months_apia', 5, at => '2011-12-30 12:00Z');
BEGIN;
UPDATE months_history SET n = 0, final = true WHERE window_start = '2011-02-01 00:00Z';
SELECT trending.recompute('months', '2011-02-01 00:00Z', '2011-03-01 00:00Z');
SELECT n FROM months_history WHERE window_start = '2011-02-01 00:00Z' ORDER BY n;
ROLLBACK;
DROP TABLE events CASCADE;

-- Errors.
SELECT trending.tumble(now(), '1 month 1 day');
SELECT trending.tumble(now(), '1 year -1 month 1 second');
SELECT trending.tumble(now(), '-1 month');
SELECT trending.tumble(now(), '101 years');
SELECT trending.tumble(now(), '1 month 12 hours', zone => 'Europe/Berlin');
SELECT trending.hop(now(), '29 days', '1 month');
SELECT trending.hop(now(), '1 month', '30 days');
SELECT trending.hop(now(), '2 months', '1 month');
SELECT trending.hop(now(), '1 hour', '1 month');
SELECT trending.cumulate(now(), '2 seconds', '1 month');
SELECT trending.hop(now(), '1 second', '36600 days');
SELECT trending.hop(now(), '1 hour', '1 month', zone => 'Europe/Berlin');
SELECT trending.cumulate(now(), '3 months', '1 month');
SELECT trending.cumulate(now(), '1 day 6 hours', '1 month', zone => 'Europe/Berlin');
CREATE TABLE e (at timestamptz, user_id int);
SELECT trending.create_trend('t', $$ SELECT window_start, window_end, user_id, count(*) AS n FROM e, trending.session(at, '1 month')
  GROUP BY window_start, window_end, user_id ORDER BY n DESC $$);
SELECT trending.create_trend('t', $$ SELECT window_start, window_end, user_id, count(*) AS n FROM e, trending.hop(at, '1 second', '30 days')
  GROUP BY window_start, window_end, user_id ORDER BY n DESC $$);
DROP SCHEMA calendar CASCADE;
