-- SPDX-License-Identifier: PostgreSQL
-- Rows for the tables of the examples: an hour and a half that began five hours ago, a little out of order: no row is late.
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.moment(n int, every interval) RETURNS timestamptz LANGUAGE sql AS $$
  SELECT date_trunc('hour', now()) - interval '5 hours' + n * every - random() * interval '1 second' $$;

INSERT INTO posts SELECT n, 'Post ' || n, (ARRAY['art', 'food', 'news', 'sport'])[1 + n % 4], 'r' || n % 5, 'a' || n % 7 FROM generate_series(1, 60) n;
INSERT INTO view_events (post_id, user_id, category, hashtags, region, referrer, viewed_at)
SELECT p.id, (random() * 40)::int, p.category, '#a #b', p.region, (ARRAY['search', 'link'])[1 + n % 2], pg_temp.moment(n, '2 seconds')
FROM   generate_series(1, 2700) n CROSS JOIN LATERAL (SELECT 1 + (60 * power(random() + n * 0, 2))::int % 60 AS id) r JOIN posts p ON p.id = r.id
ORDER  BY n;

INSERT INTO pageviews SELECT (random() * 50)::int, 'SW' || (random() * 30)::int, '/' || n % 9, extract(epoch FROM pg_temp.moment(n, '2 seconds'))::int
FROM   generate_series(1, 2700) n ORDER BY n;

INSERT INTO users SELECT n, 'User ' || n, 'NO' FROM generate_series(1, 50) n;
INSERT INTO products SELECT n, 'Product ' || n, (ARRAY['book', 'game', 'tool'])[1 + n % 3], n, 5 FROM generate_series(1, 40) n;
INSERT INTO orders (id, user_id, product_id, category, quantity, unit_price, channel, ordered_at)
SELECT n, nullif((20 * power(random(), 3))::int, 0), p.id, p.category, nullif((random() * 6)::int, 6), round((random() * 900)::numeric, 2),
       (ARRAY['web', 'shop', 'app'])[1 + n % 3], pg_temp.moment(n, '2 seconds')
FROM   generate_series(1, 2700) n CROSS JOIN LATERAL (SELECT 1 + (random() * 39 + n * 0)::int AS id) r JOIN products p ON p.id = r.id
ORDER  BY n;
INSERT INTO page_visits SELECT (random() * 30)::int, (ARRAY['/', '/basket', '/help'])[1 + n % 3], pg_temp.moment(n, CASE WHEN n < 60 THEN interval '70 seconds' ELSE '2 seconds' END)
FROM   generate_series(1, 2700) n ORDER BY 3;
INSERT INTO stock_movements (product_id, quantity, reorder_point, reason, moved_at)
SELECT 1 + n % 40, (random() * 20)::int - 8, 5, 'sale', pg_temp.moment(n, '2 seconds') FROM generate_series(1, 1000) n ORDER BY n;

INSERT INTO ticks SELECT n, 'S' || (random() * 8)::int, round((50 + random() * 50)::numeric, 4), (random() * 1000)::int, pg_temp.moment(n, '2 seconds')
FROM   generate_series(1, 2700) n ORDER BY n;

INSERT INTO readings
SELECT n, jsonb_build_object('station', jsonb_build_object('id', 'S-' || n % 6, 'city', (ARRAY['Oslo', 'Bergen', 'Bod' || chr(248)])[1 + n % 3]),
                             'observed', extract(epoch FROM pg_temp.moment(n, '2 seconds'))::bigint,
                             'air', jsonb_build_object('temperature', round((random() * 40 - 15)::numeric, 1), 'humidity', (random() * 100)::int))
FROM   generate_series(1, 2700) n ORDER BY n;

INSERT INTO articles
SELECT n, CASE WHEN n % 7 = 0 THEN 'x' WHEN n % 11 > 0 THEN 't' || (random() * 5)::int END, pg_temp.moment(n, '2 seconds') AT TIME ZONE 'UTC', n % 5 FROM generate_series(1, 2700) n ORDER BY n;
