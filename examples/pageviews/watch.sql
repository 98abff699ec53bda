-- SPDX-License-Identifier: PostgreSQL
\pset title 'This minute'
SELECT rank, postcode, views FROM views_per_minute WHERE rank <= 10 ORDER BY rank;
\pset title 'The minutes before'
SELECT window_start, count(*) AS postcodes, sum(views) AS views, bool_and(final) AS final
FROM   views_per_minute_history GROUP BY window_start ORDER BY window_start DESC LIMIT 5;
\pset title 'Kept for later'
SELECT reason, count(*) AS rows, min(event_time) AS from, max(event_time) AS to FROM views_per_minute_late GROUP BY reason;
