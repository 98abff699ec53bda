-- SPDX-License-Identifier: PostgreSQL
-- Once the job runs: rows of windows that are not final yet are updated and deleted. Then rows of later close every window.
UPDATE orders SET status = 'cancelled' WHERE id > 2600 AND id % 7 = 0;
UPDATE orders SET quantity = 3 WHERE id > 2600 AND id % 11 = 0;
DELETE FROM view_events WHERE id > 2685 AND id % 3 = 0;
DELETE FROM ticks WHERE id > 2690 AND id % 2 = 0;
UPDATE readings SET payload = jsonb_set(payload, '{air,temperature}', '-3.5') WHERE id > 2690 AND id % 2 = 0;

INSERT INTO view_events (post_id, user_id, category, region, referrer) VALUES (1, 1, 'art', 'r1', 'link');
INSERT INTO pageviews VALUES (1, 'SW1', '/', extract(epoch FROM now())::int);
INSERT INTO orders VALUES (100000, 1, 1, 'book', 1, 1, 'web');
INSERT INTO page_visits VALUES (1, '/');
INSERT INTO ticks VALUES (100000, 'S1', 1, 1);
INSERT INTO readings VALUES (100000, jsonb_build_object('station', '{"id": "S-1", "city": "Oslo"}'::jsonb, 'observed', extract(epoch FROM now())::bigint,
                                                        'air', '{"temperature": 1, "humidity": 1}'::jsonb));
DELETE FROM articles WHERE id > 2690 AND id % 2 = 0;
INSERT INTO articles VALUES (100000, 't1', now() AT TIME ZONE 'UTC', 1);
