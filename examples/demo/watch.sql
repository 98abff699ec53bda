-- SPDX-License-Identifier: PostgreSQL
-- What `make demo` shows every second: how long a commit takes to be visible, the ranking with its changes since the last window,
-- and beside it what rises, by how many standard deviations.
SELECT clock_timestamp() AS asked, trending.sync('5 seconds') AS position \gset
SELECT format(E'Most viewed posts, %s - %s, moving every 10 s\n%s views of %s posts so far, visible %s ms after their commit',
              to_char(window_start, 'HH24:MI:SS'), to_char(window_end, 'HH24:MI:SS'), to_char(events, 'FM999,999,999,999'),
              to_char(live_groups, 'FM999,999,999'),
              round(1000 * extract(epoch FROM clock_timestamp() - :'asked'::timestamptz), 1)) AS title
FROM   trending.status WHERE trend = 'top_posts' \gset
\pset title :title
SELECT rank, CASE WHEN t.previous_rank IS NULL THEN 'new' ELSE to_char(nullif(t.change, 0), 'FMSG999') END AS change,
       t.value AS views, left(t.label, 45) AS post, to_char(r.value, 'FMSG999.0') AS rising, left(r.label, 45) AS "rising post"
FROM   trending_top10('top_posts') t LEFT JOIN trending_top10('rising_posts') r USING (rank) ORDER BY rank;
