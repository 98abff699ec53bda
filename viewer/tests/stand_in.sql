-- A stand-in for the extension on a plain server: tables and functions of the same names. It is there to try
-- the viewer's connection, not to compute anything.
CREATE SCHEMA trending;
CREATE TABLE trending.trend (
  id int PRIMARY KEY, relation regclass, source regclass, query text, definition text, label text,
  watermark_delay interval DEFAULT '0', allowed_lateness interval DEFAULT '1 minute', late_events text DEFAULT 'drop',
  idle_timeout interval DEFAULT '10 s', max_ahead interval DEFAULT '1 minute', history_limit bigint DEFAULT 100,
  retention interval, backfill bool DEFAULT true, partition_by name[], max_groups int DEFAULT 1000000,
  created_at timestamptz DEFAULT now());
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
INSERT INTO trending.version SELECT relation, 1 FROM trending.trend;

CREATE FUNCTION trending.top(trend regclass, k int)
RETURNS TABLE (rank bigint, key text, label text, value numeric, previous_rank bigint, window_start timestamptz, window_end timestamptz)
LANGUAGE sql AS $$
  SELECT t.rank, t.post_id::text, p.title, t.views, t.rank + 1, t.window_start, t.window_end
  FROM public.top_posts t LEFT JOIN public.posts p ON p.id = t.post_id WHERE $1 = 'public.top_posts'::regclass
  ORDER BY t.rank LIMIT k $$;

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
