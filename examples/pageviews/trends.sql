-- SPDX-License-Identifier: PostgreSQL
-- Views per postcode and minute. All postcodes are kept of every minute, and rows that came too late, too.
SELECT trending.create_trend('views_per_minute', $$
    SELECT window_start, window_end, postcode, count(*) AS views
    FROM   pageviews, trending.tumble(to_timestamp("timestamp"), '1 minute')
    GROUP  BY window_start, window_end, postcode
    ORDER  BY views DESC
$$, watermark_delay => '20 seconds', history_limit => NULL, late_events => 'keep');

-- What takes the late rows in, whenever you like, for instance every night: the minutes of the last three days.
--   SELECT trending.recompute('views_per_minute', now() - interval '3 days', now());

-- The raw rows as JSON, with a time that people can read.
CREATE OR REPLACE VIEW pageviews_json AS
SELECT jsonb_build_object('user_id', user_id, 'postcode', postcode, 'webpage', webpage,
                          'timestamp', to_timestamp("timestamp")) AS pageview
FROM   pageviews;
