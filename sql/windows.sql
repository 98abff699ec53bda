-- trending.tumble, hop and cumulate as SQL functions.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';

-- Tumbling: one window for each time, aligned to 1970-01-01 UTC.
SELECT * FROM trending.tumble('2024-05-01 12:34:56Z', '5 minutes');
SELECT * FROM trending.tumble('2024-05-01 12:35:00Z', '5 minutes');
SELECT * FROM trending.tumble('1969-12-31 23:59:59Z', '5 minutes');
SELECT * FROM trending.tumble(timestamp '2024-05-01 12:34:56', '1 hour');
SELECT * FROM trending.tumble(date '2024-05-01', '6 days');
-- An origin moves the grid.
SELECT * FROM trending.tumble(date '2024-05-01', size => '6 days', origin => '1970-01-05');
SELECT * FROM trending.tumble('2024-05-01 12:34:56Z', '1 hour', origin => '2030-01-01 00:10Z');

-- Hopping: size / slide windows; the size need not be a multiple of the slide.
SELECT * FROM trending.hop('2024-05-01 12:34:56Z', slide => '10 seconds', size => '30 seconds');
SELECT * FROM trending.hop('2024-05-01 12:34:50Z', '10 seconds', '25 seconds');
SELECT * FROM trending.hop('2024-05-01 12:34:56Z', '10 seconds', '25 seconds');
SELECT * FROM trending.hop(timestamp '2024-05-01 12:34:56', '1 minute', '1 minute');
SELECT * FROM trending.hop(date '2024-05-01', '1 day', '3 days');

-- Cumulating: from the period's beginning, one step more each.
SELECT * FROM trending.cumulate('2024-05-01 12:34:56Z', step => '6 hours', size => '1 day');
SELECT * FROM trending.cumulate('2024-05-01 00:00:00Z', '8 hours', '1 day');
SELECT * FROM trending.cumulate(timestamp '2024-05-01 17:00', '10 hours', '1 day');
SELECT * FROM trending.cumulate(date '2024-05-01', '12 hours', '1 day', origin => '2024-01-01 06:00');

-- As a lateral join, and in the select list.
SELECT ts, w.* FROM (VALUES (timestamptz '2024-05-01 12:00:01Z'), (NULL), ('2024-05-01 12:00:11Z')) v(ts),
       trending.tumble(ts, '10 seconds') w;
SELECT (trending.hop(timestamp '2024-05-01 12:00:01', '1 minute', '2 minutes')).*;

-- Times without a window: none, infinite, at the ends of the range.
SELECT count(*) FROM trending.tumble(NULL::timestamptz, '1 hour');
SELECT count(*) FROM trending.tumble('infinity'::timestamptz, '1 hour');
SELECT count(*) FROM trending.tumble('-infinity'::date, '1 hour');
SELECT count(*) FROM trending.tumble('infinity'::date, '1 hour');
SELECT count(*) FROM trending.tumble('5874897-12-31'::date, '1 hour');
SELECT count(*) FROM trending.hop('294276-12-31 23:59:59Z'::timestamptz, '1 day', '30 days');
SELECT count(*) FROM trending.hop('4714-11-24 00:00:00Z BC'::timestamptz, '1 day', '30 days');

-- Local days: 23 hours in spring, 25 in autumn, also where midnight itself is skipped or happens twice.
SELECT window_start, window_end, window_end - window_start AS length
FROM   (VALUES ('2024-03-30 12:00Z'::timestamptz), ('2024-03-31 12:00Z'), ('2024-10-27 12:00Z'), ('2024-10-27 22:59Z'),
               ('2024-10-27 23:00Z')) v(ts), trending.tumble(ts, '1 day', zone => 'Europe/Berlin');
SELECT z, window_start, window_end, window_end - window_start AS length
FROM   (VALUES ('America/Sao_Paulo', '2018-11-04 12:00Z'::timestamptz),  -- clocks went from 00:00 to 01:00
               ('America/Havana', '2024-11-03 12:00Z'),                  -- and here from 01:00 to 00:00
               ('America/Havana', '2024-03-10 12:00Z'),
               ('America/St_Johns', '2010-11-07 03:00Z'),                -- from 00:01 to 23:01 the day before
               ('America/St_Johns', '2010-11-06 12:00Z'),
               ('Asia/Kathmandu', '2024-05-01 12:00Z'),
               ('UTC', '2024-05-01 12:00Z')) v(z, ts),
       trending.tumble(ts, '1 day', zone => z);
-- Samoa had no 30 December 2011: that window is empty, and its neighbours meet.
SELECT window_start AT TIME ZONE 'Pacific/Apia' AS s, window_end AT TIME ZONE 'Pacific/Apia' AS e,
       window_end - window_start AS length
FROM   (VALUES ('2011-12-30 09:59:59Z'::timestamptz), ('2011-12-30 10:00:00Z')) v(ts),
       trending.tumble(ts, '1 day', zone => 'Pacific/Apia');
SELECT window_start, window_end FROM trending.hop('2024-03-31 12:00Z', '1 day', '3 days', zone => 'Europe/Berlin');
SELECT window_start, window_end
FROM   trending.tumble('2024-04-03 12:00Z', '7 days', origin => '2024-01-01 00:00+01', zone => 'Europe/Berlin');
-- "Today", growing every six hours: of a 23-hour day the last step is shorter.
SELECT window_start, window_end FROM trending.cumulate('2024-03-31 00:00Z', '6 hours', '1 day', zone => 'Europe/Berlin');

-- Windows of all local days of two years touch each other without gap or overlap, in zones of every kind.
WITH days AS (
  SELECT z, ts, w.* FROM unnest(ARRAY['Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Africa/Casablanca',
                                      'Australia/Lord_Howe', 'Asia/Tehran', 'Pacific/Apia', 'America/St_Johns']) z,
         generate_series('2010-06-01 00:30Z'::timestamptz, '2012-06-01', '1 hour') ts,
         trending.tumble(ts, '1 day', zone => z) w)
SELECT count(*) FILTER (WHERE NOT (window_start <= ts AND ts < window_end)) AS outside,
       count(*) FILTER (WHERE window_end - window_start NOT BETWEEN '20 hours' AND '28 hours') AS odd_lengths
FROM   days;
WITH days AS (
  SELECT DISTINCT z, w.* FROM unnest(ARRAY['Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Africa/Casablanca',
                                           'Australia/Lord_Howe', 'Asia/Tehran', 'Pacific/Apia']) z,
         generate_series('2010-06-01 00:30Z'::timestamptz, '2012-06-01', '1 hour') ts,
         trending.tumble(ts, '1 day', zone => z) w)
SELECT count(*) AS gaps
FROM   (SELECT window_start, lag(window_end) OVER (PARTITION BY z ORDER BY window_start) AS previous_end FROM days) d
WHERE  previous_end <> window_start;
-- Day windows are what the server's own zone rules make of local dates.
SELECT count(*) AS differences
FROM   unnest(ARRAY['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe']) z,
       generate_series('2023-01-01 00:15Z'::timestamptz, '2025-01-01', '1 hour') ts,
       trending.tumble(ts, '1 day', zone => z)
WHERE  window_start <> (ts AT TIME ZONE z)::date::timestamp AT TIME ZONE z
OR     window_end <> ((ts AT TIME ZONE z)::date + 1)::timestamp AT TIME ZONE z;
-- Far from the zone's own table of rules.
SELECT window_end - window_start AS length FROM trending.tumble('2399-03-28 12:00Z', '1 day', zone => 'Europe/Berlin');
SELECT window_end - window_start AS length FROM trending.tumble('0044-03-15 12:00Z BC', '1 day', zone => 'Europe/Rome');

-- A call may change its arguments from row to row.
SELECT s, w.* FROM (VALUES (interval '1 minute'), ('1 hour'), ('1 hour')) v(s), trending.tumble('2024-05-01 12:34:56Z', s) w;

-- Batch equality with a plain formula.
SELECT count(*) AS differences
FROM   generate_series('2024-05-01 00:00Z'::timestamptz, '2024-05-01 01:00Z', '7 seconds') ts,
       trending.tumble(ts, '90 seconds')
WHERE  window_start <> date_bin('90 seconds', ts, '1970-01-01 00:00Z') OR window_end - window_start <> '90 seconds';

-- Errors.
SELECT trending.tumble(now(), '0 seconds');
SELECT trending.tumble(now(), '-1 second');
SELECT trending.tumble(now(), NULL);
SELECT trending.tumble(now(), '1 year 1 day');
SELECT trending.tumble(now(), '80000 days');
SELECT trending.tumble(now(), '2000000000 days');
SELECT trending.tumble(now(), '1 hour', origin => 'infinity');
SELECT trending.tumble(now(), '1 day', zone => 'Europe/Atlantis');
SELECT trending.tumble(now(), '1 day', zone => repeat('x', 300));
SELECT trending.tumble(now(), '1 hour', zone => 'Europe/Berlin');
SELECT trending.tumble(now(), '1 day 1 second', zone => 'Europe/Berlin');
SELECT trending.hop(now(), '0', '1 minute');
SELECT trending.hop(now(), NULL, '1 minute');
SELECT trending.hop(now(), '1 month', '1 minute');
SELECT trending.hop(now(), '2 minutes', '1 minute');
SELECT trending.hop(now(), '1 microsecond', '1 hour');
SELECT trending.hop(now(), '1 hour', '1 day', zone => 'Europe/Berlin');
SELECT trending.hop(now(), '2 days', '1 day', zone => 'Europe/Berlin');
SELECT trending.cumulate(now(), '0', '1 day');
SELECT trending.cumulate(now(), '2 days', '1 day');
SELECT trending.cumulate(now(), '1 hour', '36 hours', zone => 'Europe/Berlin');
SELECT trending.tumble('yesterday at noon', '1 hour');
