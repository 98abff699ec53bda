-- SPDX-License-Identifier: PostgreSQL
-- What is being read on the blog.

-- The ten most viewed posts of every five minutes: the present ones live, the past ones in posts_5min_history.
SELECT trending.create_trend('posts_5min', $$
    SELECT window_start, window_end, post_id, count(*) AS views
    FROM   view_events, trending.tumble(viewed_at, '5 minutes')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY views DESC
$$, label => 'posts.title', history_limit => 10, allowed_lateness => '5 minutes');

-- Trending now: the last five minutes, moving on every ten seconds. Nothing is kept of the past.
SELECT trending.create_trend('posts_now', $$
    SELECT window_start, window_end, post_id, count(*) AS views
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY views DESC
$$, label => 'posts.title', history_limit => 0);

-- Rising: the newest minute against the five, as the standard deviations by which it exceeds what its share of the
-- views would be. Ten views more are expected of every post, so that a few out of nowhere are not the top.
SELECT trending.create_trend('posts_rising', $$
    SELECT window_start, window_end, post_id, count(*) AS views,
           count(*) FILTER (WHERE viewed_at >= window_end - interval '1 minute') AS recent,
           (count(*) FILTER (WHERE viewed_at >= window_end - interval '1 minute') - 0.2 * count(*)::float8)
             / sqrt((0.2 * count(*)::float8 + 10) * 0.8) AS rising
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY rising DESC
$$, label => 'posts.title', history_limit => 3, allowed_lateness => '5 minutes');

-- Today: since midnight in Berlin, also on the days that have 23 or 25 hours. What it was at every full
-- hour stays for a month.
SELECT trending.create_trend('posts_today', $$
    SELECT window_start, window_end, post_id, count(*) AS views
    FROM   view_events, trending.cumulate(viewed_at, step => '1 hour', size => '1 day', zone => 'Europe/Berlin')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY views DESC
$$, label => 'posts.title', history_limit => 10, allowed_lateness => '10 minutes', retention => '30 days');

-- The best posts of every category, and of every region that is read in: ranks count within it.
SELECT trending.create_trend('posts_by_category', $$
    SELECT window_start, window_end, category, post_id, count(*) AS views
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, category, post_id
    ORDER  BY views DESC
$$, partition_by => '{category}', history_limit => 3, allowed_lateness => '5 minutes');

SELECT trending.create_trend('posts_by_region', $$
    SELECT window_start, window_end, region, post_id, count(*) AS views, count(*) FILTER (WHERE referrer = 'search') AS searched
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, region, post_id
    ORDER  BY views DESC
$$, partition_by => '{region}', history_limit => 3, allowed_lateness => '5 minutes');

-- Trending hashtags: a view counts for each of those of its post.
SELECT trending.create_trend('hashtags', $$
    SELECT window_start, window_end, hashtag, count(*) AS views, count(DISTINCT user_id) AS readers
    FROM   view_events, string_to_table(hashtags, ' ') AS hashtag, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, hashtag
    ORDER  BY views DESC
$$, history_limit => 3, allowed_lateness => '5 minutes');

-- Hot: a view counts half after ten minutes, a quarter after twenty. No windows, so nothing ever drops out at an edge.
SELECT trending.create_trend('posts_hot', $$
    SELECT post_id, trending.decayed_count(viewed_at, '10 minutes') AS heat
    FROM   view_events
    GROUP  BY post_id
    ORDER  BY heat DESC
$$, label => 'posts.title');
