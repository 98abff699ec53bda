-- SPDX-License-Identifier: PostgreSQL
-- A stand-in for the extension on a plain server: tables and functions of the same names. It is there to try
-- the viewer's connection, not to compute anything.
CREATE SCHEMA trending;
GRANT USAGE ON SCHEMA trending TO PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA trending GRANT SELECT ON TABLES TO PUBLIC;
CREATE TABLE trending.trend (
  id int PRIMARY KEY, relation regclass, source regclass, query text, definition text, label text,
  watermark_delay interval DEFAULT '0', allowed_lateness interval DEFAULT '1 minute', late_events text DEFAULT 'drop',
  idle_timeout interval DEFAULT '10 s', max_ahead interval DEFAULT '1 minute', history_limit bigint DEFAULT 100,
  retention interval, backfill text DEFAULT 'true', partition_by name[], max_groups int DEFAULT 1000000,
  created_at timestamptz DEFAULT now(), history regclass);
CREATE FUNCTION trending.definition(trend regclass) RETURNS text LANGUAGE sql STABLE
AS 'SELECT t.definition FROM trending.trend t WHERE t.relation = $1';
CREATE FUNCTION trending.explain(trend regclass, groups bigint DEFAULT NULL, OUT topic text, OUT detail text)
RETURNS SETOF record LANGUAGE sql AS $$ VALUES ('panes', '30 of 00:00:10'), ('memory', '40 kB') $$;
CREATE TABLE trending.version (trend oid PRIMARY KEY, version bigint);

CREATE TABLE posts (id int PRIMARY KEY, title text);
INSERT INTO posts SELECT i, 'Post ' || i FROM generate_series(1, 100) i;
CREATE TABLE view_events (post_id int, viewed_at timestamptz);
CREATE TABLE top_posts (window_start timestamptz, window_end timestamptz, post_id int, views bigint, rank bigint);
CREATE TABLE "Top ""odd""" (LIKE top_posts);
CREATE TABLE top_posts_history (LIKE top_posts);
ALTER TABLE top_posts_history ADD final boolean DEFAULT true;
INSERT INTO top_posts SELECT '2026-01-01 12:00+00', '2026-01-01 12:05+00', i, 9007199254740993 - i, i FROM generate_series(1, 60) i;
INSERT INTO top_posts_history
SELECT '2026-01-01 11:00+00'::timestamptz + w * interval '10 s', '2026-01-01 11:05+00'::timestamptz + w * interval '10 s',
       i, 1000 * w + i, 61 - i FROM generate_series(1, 30) w, generate_series(1, 60) i;

INSERT INTO trending.trend (id, relation, source, query, definition, label)
SELECT n, r, 'view_events', d, d, l FROM (VALUES (1, 'top_posts'::regclass, 'public.posts.title'), (2, '"Top ""odd"""', NULL)) t (n, r, l),
  (VALUES ('SELECT hop.window_start, hop.window_end, view_events.post_id, count(*) AS views FROM public.view_events, '
           'LATERAL trending.hop(view_events.viewed_at, ''00:00:10''::interval, ''00:05:00''::interval) '
           'hop(window_start, window_end) GROUP BY hop.window_start, hop.window_end, view_events.post_id '
           'ORDER BY (count(*)) DESC')) q (d);

-- Ranked within partitions, without a window, by a time, and of sessions.
CREATE TABLE regional (window_start timestamptz, window_end timestamptz, "Re""gion" text, post_id int, views bigint, rank bigint);
CREATE TABLE regional_history (LIKE regional);
ALTER TABLE regional_history ADD final boolean DEFAULT true;
INSERT INTO regional SELECT '2026-01-01 12:00+00', '2026-01-01 12:05+00', r, i, 10 - i, i
FROM unnest(ARRAY['us', 'eu', '', NULL]) r, generate_series(1, 3) i;
INSERT INTO regional_history SELECT window_start - interval '5 min', window_end - interval '5 min', "Re""gion", post_id, views, rank
FROM regional;
CREATE TABLE totals (post_id int, total numeric, average float8, rank bigint);
INSERT INTO totals VALUES (1, NULL, NULL, 1), (2, 99999999999999999999999999.00000000000000000000000000000000000001, 1.5e300, 2),
  (3, 12.50, 'Infinity', 3), (4, -1, 'NaN', 4);
CREATE TABLE last_seen (post_id int, seen timestamptz, rank bigint);
INSERT INTO last_seen VALUES (1, '2026-01-01 12:00:03.25+00', 1), (2, '2025-12-31 12:00+00', 2);
CREATE TABLE visits (window_start timestamptz, window_end timestamptz, visitor text, pages bigint, rank bigint);
INSERT INTO visits VALUES ('2026-01-01 12:00+00', '2026-01-01 12:05+00', 'ann', 9, 1),
  ('2026-01-01 11:00+00', '2026-01-01 11:02+00', 'ann', 5, 2), ('2026-01-01 11:30+00', '2026-01-01 12:02+00', 'bob', 5, 3);
INSERT INTO trending.trend (id, relation, source, query, definition, partition_by, history) VALUES
(3, 'regional', 'view_events', '', 'SELECT hop.window_start, hop.window_end, view_events."Re""gion", view_events.post_id, '
 'count(*) AS views FROM public.view_events, LATERAL trending.hop(view_events.viewed_at, ''00:00:10''::interval, '
 '''00:05:00''::interval) hop(window_start, window_end) GROUP BY hop.window_start, hop.window_end, view_events."Re""gion", '
 'view_events.post_id ORDER BY (count(*)) DESC', '{"Re\"gion"}', 'regional_history'),
(4, 'totals', 'view_events', '', 'SELECT post_id, sum(amount) AS total, avg(weight) AS average FROM public.view_events '
 'GROUP BY post_id ORDER BY (sum(amount)) DESC', NULL, NULL),
(5, 'last_seen', 'view_events', '', 'SELECT post_id, max(viewed_at) AS seen FROM public.view_events GROUP BY post_id '
 'ORDER BY (max(viewed_at)) DESC', NULL, NULL),
(6, 'visits', 'view_events', '', 'SELECT session.window_start, session.window_end, view_events.visitor, count(*) AS pages '
 'FROM public.view_events, LATERAL trending.session(view_events.viewed_at, ''00:10:00''::interval) '
 'session(window_start, window_end) GROUP BY session.window_start, session.window_end, view_events.visitor '
 'ORDER BY (count(*)) DESC', NULL, NULL);
UPDATE trending.trend SET history = 'top_posts_history' WHERE id = 1;
INSERT INTO trending.version SELECT relation, 1 FROM trending.trend;

CREATE FUNCTION trending.top(trend regclass, k int)
RETURNS TABLE (rank bigint, key text, label text, value numeric, previous_rank bigint, window_start timestamptz, window_end timestamptz)
LANGUAGE sql AS $$
  SELECT t.rank, t.post_id::text, p.title, t.views, t.rank + 1, t.window_start, t.window_end
  FROM public.top_posts t LEFT JOIN public.posts p ON p.id = t.post_id WHERE $1 = 'public.top_posts'::regclass
  ORDER BY t.rank LIMIT k $$;

CREATE FUNCTION trending.top(trend regclass, k int, partition text[])
RETURNS TABLE (rank bigint, key text, label text, value numeric, previous_rank bigint, window_start timestamptz, window_end timestamptz)
LANGUAGE sql AS $$
  SELECT t.rank, concat_ws(', ', coalesce("Re""gion", 'NULL'), t.post_id), NULL::text, t.views, t.rank + 3, t.window_start, t.window_end
  FROM public.regional t WHERE $1 = 'public.regional'::regclass AND "Re""gion" IS NOT DISTINCT FROM $3[1]
  ORDER BY t.rank LIMIT k $$;

CREATE FUNCTION trending.top(trend regclass, k int, at timestamptz)
RETURNS TABLE (rank bigint, key text, label text, value numeric, previous_rank bigint, window_start timestamptz, window_end timestamptz)
LANGUAGE sql AS $$
  SELECT t.rank, t.post_id::text, p.title, t.views, t.rank + 2, t.window_start, t.window_end
  FROM public.top_posts_history t LEFT JOIN public.posts p ON p.id = t.post_id
  WHERE $1 = 'public.top_posts'::regclass AND t.window_end > $3 ORDER BY t.window_end, t.rank LIMIT k $$;

CREATE FUNCTION trending.watch(trend regclass, version bigint DEFAULT 0, timeout interval DEFAULT '30 s') RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE now_at bigint; until timestamptz := clock_timestamp() + timeout;
BEGIN
  LOOP
    SELECT v.version INTO now_at FROM trending.version v WHERE v.trend = $1::oid;
    EXIT WHEN now_at > $2 OR clock_timestamp() > until;
    PERFORM pg_sleep(0.05);
  END LOOP;
  RETURN now_at;
END $$;

CREATE VIEW trending.worker_status AS
SELECT 1 AS pid, 'running' AS state, NULL::text AS message, NULL::text AS hint, '0/100'::pg_lsn AS applied_lsn,
       0::bigint AS lag_bytes, '0/100'::pg_lsn AS confirmed_lsn, 10::bigint AS transactions, now() AS checkpoint_at;
CREATE VIEW trending.status AS
SELECT t.relation::text AS trend, t.relation, t.source, 'running' AS state, NULL::text AS reason, v.version,
       now() AS event_clock, now() AS watermark, 60::bigint AS live_groups, 1000::bigint AS events, 0::bigint AS late
FROM trending.trend t JOIN trending.version v ON v.trend = t.relation;
