-- SPDX-License-Identifier: PostgreSQL
-- The ten most viewed posts of the last five minutes, for the blog that trending-loadgen writes. May be run again.
CREATE EXTENSION IF NOT EXISTS trending;

SELECT trending.create_trend('top_posts', $$
    SELECT window_start, window_end, post_id, count(*) AS views
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY views DESC
$$, label => 'posts.title')
WHERE  to_regclass('top_posts') IS NULL;
