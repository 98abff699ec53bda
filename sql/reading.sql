-- Reading a trend: the foreign table with what it takes over from the query, and the reading functions.
-- Event times are fixed and the idle timeout is long, so that the current window stays where it is.
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE SCHEMA reading;
SET search_path = reading, public;

CREATE TABLE posts (id int PRIMARY KEY, title text, secret text);
INSERT INTO posts SELECT n, 'title ' || n, 'secret ' || n FROM generate_series(1, 20) n WHERE n <> 4;
ANALYZE posts;
CREATE TABLE view_events (post_id bigint, viewed_at timestamptz NOT NULL DEFAULT '2024-05-01 12:00+00');
-- Post n has 21 - n views, but for 5, 6 and 7, which tie; one row has no post.
INSERT INTO view_events (post_id)
SELECT n FROM generate_series(1, 20) n, generate_series(1, CASE WHEN n IN (5, 6, 7) THEN 15 ELSE 21 - n END);
INSERT INTO view_events (post_id) VALUES (NULL), (NULL);

SELECT trending.create_trend('top_posts', $$
  SELECT window_start, window_end, post_id, count(*) AS views
  FROM   view_events, trending.tumble(viewed_at, size => '1 day')
  GROUP  BY window_start, window_end, post_id
  ORDER  BY views DESC
$$, label => 'posts.title', idle_timeout => '3650 days');
SELECT trending.sync() IS NOT NULL AS synced;

-- the whole trend, in rank order without being asked
\d top_posts
SELECT * FROM top_posts;
SELECT post_id FROM top_posts LIMIT 3;

-- bounds on rank
SELECT rank, post_id, views FROM top_posts WHERE rank <= 3;
SELECT rank, post_id, views FROM top_posts WHERE rank < 3;
SELECT rank, post_id, views FROM top_posts WHERE rank = 5;
SELECT rank, post_id, views FROM top_posts WHERE rank BETWEEN 5 AND 8;
SELECT rank, post_id, views FROM top_posts WHERE 19 < rank;
SELECT rank, post_id, views FROM top_posts WHERE rank <= 8 AND views = 15;
SELECT rank FROM top_posts WHERE rank <= 0;
SELECT rank FROM top_posts WHERE rank <= NULL::int;
SELECT rank FROM top_posts WHERE rank < '-9223372036854775808'::bigint;
SELECT rank FROM top_posts WHERE rank > 9223372036854775807 AND rank < 3;
SELECT count(*) FROM top_posts WHERE rank <= 9223372036854775807;

-- keys
SELECT rank, post_id, views FROM top_posts WHERE post_id = 6;
SELECT views FROM top_posts WHERE post_id = 6::smallint;
SELECT rank, post_id FROM top_posts WHERE post_id IS NULL;
SELECT rank, post_id FROM top_posts WHERE post_id = 999;
SELECT rank, post_id FROM top_posts WHERE post_id = NULL;
SELECT rank, post_id FROM top_posts WHERE post_id IN (7, 1, 7, NULL, 999, 5) ORDER BY rank;
SELECT rank, post_id FROM top_posts WHERE post_id = ANY ('{}'::bigint[]);
SELECT rank, post_id FROM top_posts WHERE post_id = 6 AND rank <= 5;
SELECT rank, post_id FROM top_posts WHERE post_id = 6 AND rank <= 6 AND views > 14;
SELECT bool_and(t.rank = by_key.rank) FROM top_posts t, LATERAL (SELECT rank FROM top_posts k WHERE k.post_id = t.post_id) by_key;

-- order and limit
SELECT post_id, views FROM top_posts ORDER BY rank LIMIT 3;
SELECT post_id, views FROM top_posts ORDER BY views DESC LIMIT 3 OFFSET 4;
SELECT post_id, views FROM top_posts ORDER BY views DESC, post_id LIMIT 2 OFFSET 5;
SELECT post_id, views FROM top_posts ORDER BY views DESC, post_id DESC LIMIT 2 OFFSET 4;
SELECT post_id, views FROM top_posts ORDER BY rank DESC LIMIT 2;
SELECT post_id FROM top_posts ORDER BY rank LIMIT 0;
SELECT count(*) FROM (SELECT post_id FROM top_posts ORDER BY rank LIMIT NULL) x;
SELECT post_id FROM top_posts ORDER BY views DESC FETCH FIRST 5 ROWS WITH TIES;
SELECT post_id FROM top_posts ORDER BY rank LIMIT -1;
SELECT post_id FROM top_posts WHERE views < 10 ORDER BY rank LIMIT 2;

-- what EXPLAIN says of it
\set explain 'EXPLAIN (COSTS OFF)'
:explain SELECT * FROM top_posts;
:explain SELECT * FROM top_posts WHERE rank <= 10 AND views > 100;
:explain SELECT * FROM top_posts WHERE rank BETWEEN 5 AND 8 ORDER BY rank;
:explain SELECT * FROM top_posts WHERE rank > 5;
:explain SELECT * FROM top_posts WHERE post_id = 42;
:explain SELECT * FROM top_posts WHERE post_id IS NULL AND rank < 3;
:explain SELECT * FROM top_posts WHERE post_id IN (1, 2) ORDER BY rank;
:explain SELECT post_id FROM top_posts ORDER BY views DESC LIMIT 10;
:explain SELECT post_id FROM top_posts ORDER BY views DESC, post_id LIMIT 10 OFFSET 3;
:explain SELECT post_id FROM top_posts ORDER BY views DESC, post_id DESC LIMIT 10;
:explain SELECT post_id FROM top_posts ORDER BY views LIMIT 10;
:explain SELECT post_id FROM top_posts WHERE views > 3 ORDER BY rank LIMIT 10;
:explain SELECT post_id, generate_series(1, views) FROM top_posts ORDER BY rank LIMIT 10;
:explain SELECT count(*) FROM top_posts;
:explain SELECT t.rank, p.title FROM top_posts t JOIN posts p ON p.id = t.post_id WHERE t.rank <= 3 ORDER BY t.rank;
:explain SELECT t.rank, p.title FROM top_posts t JOIN posts p ON p.id = t.post_id WHERE p.id = 6;
:explain SELECT p.title, t.views FROM posts p LEFT JOIN top_posts t ON t.post_id = p.id WHERE p.title = 'title 6';
:explain SELECT p.title, (SELECT views FROM top_posts t WHERE t.post_id = p.id + 1) FROM posts p;

-- prepared statements, parameters unknown at planning time
SET plan_cache_mode = force_generic_plan;
PREPARE best(bigint) AS SELECT rank, post_id FROM top_posts WHERE rank <= $1;
:explain EXECUTE best(2);
EXECUTE best(2);
EXECUTE best(NULL);
PREPARE page(bigint, bigint) AS SELECT rank, post_id FROM top_posts ORDER BY rank LIMIT $1 OFFSET $2;
:explain EXECUTE page(2, 3);
EXECUTE page(2, 3);
EXECUTE page(1, NULL);
PREPARE one(bigint) AS SELECT rank, post_id FROM top_posts WHERE post_id = $1;
EXECUTE one(9);
EXECUTE one(NULL);
PREPARE several(bigint[]) AS SELECT rank, post_id FROM top_posts WHERE post_id = ANY ($1) ORDER BY rank;
EXECUTE several('{3, 2, 1, 2}');
RESET plan_cache_mode;

-- joins, subqueries, aggregates
SELECT t.rank, p.title, t.views FROM top_posts t JOIN posts p ON p.id = t.post_id WHERE t.rank <= 3 ORDER BY t.rank;
SELECT p.title, t.views FROM posts p LEFT JOIN top_posts t ON t.post_id = p.id AND t.rank <= 2 WHERE p.id < 4 ORDER BY p.id;
SELECT p.title, best.* FROM posts p, LATERAL (SELECT post_id FROM top_posts WHERE rank <= p.id ORDER BY rank DESC LIMIT 1) best
WHERE p.id < 4 ORDER BY p.id;
SELECT count(*), sum(views), max(rank), min(window_start) FROM top_posts;
SELECT count(*) FROM top_posts;
SELECT count(DISTINCT window_end) FROM top_posts;
WITH best AS MATERIALIZED (SELECT * FROM top_posts WHERE rank <= 3) SELECT sum(views) FROM best;
SELECT views, array_agg(post_id ORDER BY rank) FROM top_posts WHERE rank <= 8 GROUP BY views HAVING count(*) > 1;
SELECT t FROM top_posts t WHERE rank = 1;
SELECT tableoid::regclass, post_id FROM top_posts WHERE rank = 1;
SELECT post_id FROM top_posts WHERE rank = 1 FOR UPDATE;

-- cursors: one commit boundary however slowly they are read, and forth and back
BEGIN;
DECLARE slow SCROLL CURSOR WITH HOLD FOR SELECT rank, post_id FROM top_posts WHERE rank <= 3;
FETCH 2 FROM slow;
FETCH BACKWARD 1 FROM slow;
COMMIT;
INSERT INTO view_events (post_id) SELECT 20 FROM generate_series(1, 100);
SELECT trending.sync() IS NOT NULL AS synced;
FETCH ALL FROM slow;
CLOSE slow;
SELECT rank, post_id, views FROM top_posts WHERE rank <= 2;

-- keys of several columns, ranked from below, ties in an order of their own
CREATE TABLE sales (region text, day date, paid bool, at timestamp NOT NULL DEFAULT '2024-05-01 12:00');
INSERT INTO sales (region, day, paid)
VALUES ('north', '2024-05-01', true), ('north', '2024-05-01', true), ('north', '2024-05-01', false),
       ('south', '2024-05-01', NULL), ('south', '2024-05-02', true), (NULL, '2024-05-02', true),
       ('south', '2024-05-02', true), (NULL, NULL, NULL);
SELECT trending.create_trend('rare_sales', $$
  SELECT region, day, paid, count(*) AS sold, window_end
  FROM   sales, trending.tumble(at, '1 day')
  GROUP  BY window_start, window_end, region, day, paid
  ORDER  BY sold ASC, day DESC
$$, idle_timeout => '3650 days');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM rare_sales;
SELECT rank FROM rare_sales WHERE region = 'south' AND day = '2024-05-02' AND paid;
SELECT rank FROM rare_sales WHERE region = 'north' AND day = '2024-05-01' AND NOT paid;
SELECT rank FROM rare_sales WHERE region IS NULL AND day IS NULL AND paid IS NULL;
SELECT rank FROM rare_sales WHERE region = 'south' AND day = ANY ('{2024-05-01,2024-05-02}') AND paid = true;
SELECT rank, day FROM rare_sales WHERE region = 'south' ORDER BY sold, day DESC;
:explain SELECT rank FROM rare_sales WHERE region = 'south' AND day = '2024-05-02' AND paid;
:explain SELECT rank FROM rare_sales WHERE region = 'south' AND paid;
:explain SELECT * FROM rare_sales ORDER BY sold, day DESC, region, paid;
:explain SELECT * FROM rare_sales ORDER BY sold DESC, day;
SELECT key, label, value FROM trending.top('rare_sales', 3);
SELECT trending.rank('rare_sales', 'north', '2024-05-01', 'yes');
SELECT trending.rank('rare_sales', NULL, NULL, NULL);

-- no key at all: one row
SELECT trending.create_trend('all_views', $$
  SELECT window_end, count(*) AS views FROM view_events, trending.tumble(viewed_at, '1 day')
  GROUP BY window_start, window_end ORDER BY views DESC$$, idle_timeout => '3650 days');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM all_views;
SELECT rank, key, value FROM trending.top('all_views', 5);

-- a source without rows
CREATE TABLE nothing (k int, at timestamptz);
SELECT trending.track('nothing', 'k', 'at');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM top_nothing;
SELECT count(*) FROM top_nothing;
SELECT rank FROM top_nothing WHERE k = 1;
SELECT * FROM trending.top('top_nothing', 10);
SELECT trending.rank('top_nothing', '1');

-- text keys, long and empty ones too
CREATE TABLE words (word text, kind varchar(5), at timestamptz NOT NULL DEFAULT '2024-05-01 12:00+00');
INSERT INTO words VALUES ('b', 'x'), ('b', 'x'), ('a', 'y'), (repeat('long ', 5000), 'z'), ('', '');
SELECT trending.create_trend('top_words', $$
  SELECT word, kind, count(*) AS n FROM words, trending.tumble(at, '1 day')
  GROUP BY window_start, window_end, word, kind ORDER BY n DESC$$, idle_timeout => '3650 days');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT left(word, 10) AS word, kind, n, rank FROM top_words ORDER BY rank;
SELECT rank FROM top_words WHERE word = repeat('long ', 5000) AND kind = 'z';
SELECT rank FROM top_words WHERE word = 'b' AND kind = 'x';
SELECT rank FROM top_words WHERE word = '' AND kind = '';
SELECT rank FROM top_words WHERE word = repeat('longer than any key', 10000) AND kind = 'z';
SELECT trending.rank('top_words', 'a', 'y'), trending.rank('top_words', 'a', 'longer than a kind');
:explain SELECT rank FROM top_words WHERE word = 'b' AND kind = 'x';
:explain SELECT rank FROM top_words WHERE word = 'b' COLLATE "C" AND kind = 'x';

-- trending_top10 and its kin
SELECT * FROM trending_top10('top_posts');
UPDATE posts SET title = 'a new title' WHERE id = 1;
SELECT rank, label FROM trending_top10() LIMIT 2;
SET trending.default_trend = 'rare_sales';
SELECT key FROM trending_top10() LIMIT 1;
SET trending.default_trend = 'reading.top_posts';
SELECT key FROM trending_top10() LIMIT 1;
SET trending.default_trend = 'no_such_trend';
SELECT key FROM trending_top10() LIMIT 1;
SET trending.default_trend = 'posts';
SELECT key FROM trending_top10() LIMIT 1;
RESET trending.default_trend;
SELECT count(*) FROM trending.top('top_posts', 1000);
SELECT count(*) FROM trending.top('top_posts', 0);
SELECT count(*) FROM trending.top('top_posts', NULL);
SELECT trending.top('top_posts', -1);
SELECT trending.top('posts', 1);
SELECT trending.top(0, 1);
SELECT count(*) FROM trending.top();
SELECT count(*) FROM trending.top('top_posts', at => NULL, partition => NULL);
SELECT t.key = s.key AS same FROM trending.top10() t JOIN trending.top('top_posts') s USING (rank) LIMIT 1;
SELECT trending.rank('top_posts', '6');
-- The key may be of any type.
SELECT trending.rank('top_posts', 6), trending.rank('top_posts', 6::bigint), trending.rank('top_posts', 6.0::float8),
       trending.rank('top_posts', '6'::varchar), trending.rank('top_posts', VARIADIC ARRAY[6]),
       trending.rank('top_posts', VARIADIC '{6}'::text[]);
PREPARE rank_of AS SELECT trending.rank('top_posts', $1);
EXECUTE rank_of(6);
DEALLOCATE rank_of;
SELECT trending.rank('top_posts', 6.5);
SELECT trending.rank('top_posts', 6, 7);
SELECT trending.rank('top_posts', VARIADIC NULL::int[]), trending.rank(NULL, 6), trending.rank('top_posts', NULL::int);
SELECT trending.rank('top_posts', '999');
SELECT trending.rank('top_posts', NULL);
SELECT trending.rank('top_posts', 'six');
SELECT trending.rank('top_posts', '6', '7');
SELECT trending.rank('posts', '6');

-- labels follow their table: renamed, gone, back
ALTER TABLE posts RENAME COLUMN title TO heading;
SELECT rank, label FROM trending_top10() LIMIT 2;
ALTER TABLE posts RENAME COLUMN heading TO title;
SELECT rank, label FROM trending_top10() LIMIT 2;
ALTER TABLE posts ALTER COLUMN id TYPE bigint;
SELECT rank, label FROM trending_top10() LIMIT 2;

-- rights
CREATE ROLE reading_nobody;
CREATE ROLE reading_reader;
CREATE ROLE reading_columns;
GRANT USAGE ON SCHEMA reading TO reading_nobody, reading_reader, reading_columns;
GRANT SELECT ON top_posts TO reading_reader;
GRANT SELECT (rank, post_id) ON top_posts TO reading_columns;
SET ROLE reading_nobody;
SELECT * FROM top_posts;
SELECT * FROM trending_top10('top_posts');
SELECT trending.rank('top_posts', '1');
SELECT trending.watch('top_posts');
SELECT trend, state FROM trending.status WHERE trend = 'top_posts';
SET ROLE reading_columns;
SELECT rank, post_id FROM top_posts WHERE rank <= 1;
SELECT views FROM top_posts WHERE rank <= 1;
SELECT trending.rank('top_posts', '1');
SET ROLE reading_reader;
SELECT rank, post_id FROM top_posts WHERE rank <= 1;
SELECT trending.rank('top_posts', '20');
SELECT rank, key, label FROM trending_top10('top_posts');
RESET ROLE;
GRANT SELECT (id, title) ON posts TO reading_reader;
SET ROLE reading_reader;
SELECT rank, key, label FROM trending_top10('top_posts') LIMIT 2;
RESET ROLE;
ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_even ON posts USING (id % 2 = 0);
SET ROLE reading_reader;
SELECT rank, key, label FROM trending_top10('top_posts') LIMIT 3;
RESET ROLE;
SELECT rank, key, label FROM trending_top10('top_posts') LIMIT 3;
DROP TABLE posts;
SELECT rank, key, label FROM trending_top10('top_posts') LIMIT 2;
-- a reader without any right on the source's schema
CREATE SCHEMA hidden;
CREATE TABLE hidden.events (k int, at timestamptz NOT NULL DEFAULT '2024-05-01 12:00+00');
INSERT INTO hidden.events VALUES (1);
SELECT trending.create_trend('shown', $$
  SELECT k, count(*) AS n FROM hidden.events, trending.tumble(at, '1 day')
  GROUP BY window_start, window_end, k ORDER BY n DESC$$, idle_timeout => '3650 days');
GRANT SELECT ON shown TO reading_reader;
SELECT trending.sync() IS NOT NULL AS synced;
\c
SET search_path = reading, public;
SET ROLE reading_reader;
SELECT * FROM shown;
RESET ROLE;

-- nothing can be written
INSERT INTO top_posts (post_id) VALUES (1);
UPDATE top_posts SET views = 0;
DELETE FROM top_posts;
TRUNCATE top_posts;
COPY top_posts (post_id) FROM stdin;
1
\.
ANALYZE top_posts;

-- foreign tables that are not trends
CREATE FOREIGN TABLE stranger (rank bigint) SERVER trending;
SELECT * FROM stranger;
EXPLAIN SELECT * FROM stranger;
DROP FOREIGN TABLE stranger;
CREATE FOREIGN TABLE stranger (rank bigint) SERVER trending OPTIONS (trend 'top_posts');

-- waiting
SELECT trending.sync('-1 second');
SELECT trending.watch('top_posts', timeout => '-1 second');
SELECT trending.watch('top_posts') > 0 AS has_a_version;
SELECT trending.watch('top_posts', trending.watch('top_posts'), '10 ms') = trending.watch('top_posts') AS unchanged;
SELECT trending.watch('top_posts') AS version \gset
INSERT INTO view_events (post_id) VALUES (1);
SELECT trending.watch('top_posts', :version, '1 minute') > :version AS newer;
SELECT trending.watch('reading.sales', 1);
SET statement_timeout = '200ms';
SELECT trending.watch('top_posts', 9223372036854775807);
RESET statement_timeout;

-- status
\d trending.status
\d trending.worker_status
SELECT trend, relation, source, state, reason, window_start AT TIME ZONE 'UTC' AS start, live_groups, events, late
FROM   trending.status WHERE relation = 'top_posts'::regclass;
SELECT state, message, pid IS NOT NULL AS has_pid, lag_bytes >= 0 AS has_lag FROM trending.worker_status;

SET client_min_messages = error;
DROP FOREIGN TABLE top_posts, rare_sales, all_views, top_nothing, top_words, shown;
SELECT * FROM trending_top10();
DROP SCHEMA reading, hidden CASCADE;
DROP ROLE reading_nobody, reading_reader, reading_columns;
