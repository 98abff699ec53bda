-- SPDX-License-Identifier: PostgreSQL
-- What `make demo` shows every second: how long a commit takes to be visible, and the ranking with its changes since the last window.
SELECT clock_timestamp() AS asked, trending.sync('5 seconds') AS position \gset
SELECT format(E'Most viewed posts, %s - %s, moving every 10 s\n%s views of %s posts so far, visible %s ms after their commit',
              to_char(window_start, 'HH24:MI:SS'), to_char(window_end, 'HH24:MI:SS'), to_char(events, 'FM999,999,999,999'),
              to_char(live_groups, 'FM999,999,999'),
              round(1000 * extract(epoch FROM clock_timestamp() - :'asked'::timestamptz), 1)) AS title
FROM   trending.status WHERE trend = 'top_posts' \gset
\pset title :title
SELECT rank, CASE WHEN previous_rank IS NULL THEN 'new' ELSE to_char(nullif(change, 0), 'FMSG999') END AS change,
       value AS views, left(label, 60) AS post
FROM   trending_top10('top_posts');
