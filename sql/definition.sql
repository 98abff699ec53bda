-- Trends: creating them, what is kept of them, options, rights, dropping them.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET client_min_messages = warning;
CREATE ROLE regress_trend_owner;
CREATE ROLE regress_trend_reader;
CREATE SCHEMA blog;
GRANT ALL ON SCHEMA blog TO regress_trend_owner;
SET search_path = blog, public;
CREATE TYPE kind AS ENUM ('page', 'feed');
CREATE DOMAIN country AS text CHECK (length(VALUE) = 2);
CREATE TABLE posts (id int PRIMARY KEY, slug text UNIQUE NOT NULL, title text, author text UNIQUE, code varchar(20));
CREATE UNIQUE INDEX ON posts (code);
CREATE TABLE view_events (
  id bigint GENERATED ALWAYS AS IDENTITY, post_id bigint, slug text, viewed_at timestamptz NOT NULL, local_at timestamp,
  day date, epoch bigint, kind kind, country country, code character(3), bot bool, "Strange ""Name" text COLLATE "C",
  payload jsonb, uid uuid, address inet);

-- What a trend is: a foreign table with the definition's columns and rank, and a row in the catalog.
SELECT trending.create_trend('top_posts', $$
    SELECT window_start, window_end, post_id, count(*) AS views
    FROM   view_events, trending.hop(viewed_at, slide => '10 seconds', size => '5 minutes')
    GROUP  BY window_start, window_end, post_id
    ORDER  BY views DESC
$$, label => 'posts.title');
\d top_posts
\x on
SELECT relation, source, query, definition, trending.definition(relation), label, watermark_delay, allowed_lateness, late_events, idle_timeout, max_ahead,
       history_limit, retention, backfill, partition_by, max_groups FROM trending.trend;
\x off

-- Forms that are accepted. Each is shown as it is kept, and loads back as the same.
CREATE FUNCTION accept(query text) RETURNS TABLE (columns text, definition text) LANGUAGE plpgsql AS $$
DECLARE trend regclass := trending.create_trend('accepted', query);
        again regclass;
BEGIN
  SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod)
                    || CASE WHEN attcollation NOT IN (0, 100) THEN ' collate ' || attcollation::regcollation ELSE '' END,
                    ', ' ORDER BY attnum)
  INTO   columns FROM pg_attribute WHERE attrelid = trend AND attnum > 0;
  definition := trending.definition(trend);
  again := trending.create_trend('accepted_again', definition);
  IF definition IS DISTINCT FROM trending.definition(again) THEN
    RAISE EXCEPTION 'the definition changes when it is loaded: %', definition;
  END IF;
  PERFORM trending.drop_trend(trend), trending.drop_trend(again);
  RETURN NEXT;
END $$;
\x on
-- No key, either bound, no bound in the select list, default ranking.
SELECT * FROM accept('SELECT count(*) FROM view_events, trending.tumble(viewed_at, ''1 minute'') GROUP BY window_start');
SELECT * FROM accept('SELECT window_end AS till, count(*) AS n FROM view_events, trending.tumble(viewed_at, ''1 minute'') GROUP BY 1;');
-- Several keys and expressions, filters, tie-breaks, aliases, ascending.
SELECT * FROM accept($$
  SELECT count(*) FILTER (WHERE NOT bot) AS people, e.country, upper(slug) AS s, w.window_end, count(uid) AS "User ""ids",
         payload->>'ref' AS ref, w.window_start
  FROM   view_events AS e CROSS JOIN LATERAL trending.hop(e.viewed_at, '1 hour', '1 day', origin => '2024-01-01 00:30+02') AS w
  WHERE  e.kind = 'page' AND e.country IN ('DE', 'FR') AND "Strange ""Name" <> '' AND viewed_at > '2020-01-01 00:00+01'
  GROUP  BY w.window_start, w.window_end, upper(slug), e.country, ref
  ORDER  BY w.window_end, people ASC, ref DESC NULLS LAST, 3 $$);
SELECT * FROM accept($$
  SELECT kind, code::text, day, uid, address, "Strange ""Name", bot, count(kind) FROM view_events
  JOIN LATERAL trending.cumulate(viewed_at, '10 minutes', '1 day', zone => 'Europe/Berlin') w (a, b) ON true
  GROUP BY a, b, kind, code::text, day, uid, address, "Strange ""Name", bot $$);
-- Event times.
SELECT * FROM accept('SELECT window_start, post_id, count(*) FROM view_events, trending.tumble(local_at, ''1 minute'') GROUP BY 1, 2');
SELECT * FROM accept('SELECT window_start, post_id, count(*) FROM view_events, trending.tumble(day, ''7 days'', ''1970-01-05'') GROUP BY 1, 2');
SELECT * FROM accept('SELECT window_start, post_id, count(*) FROM view_events, trending.tumble(to_timestamp(epoch), ''1 minute'') GROUP BY 1, 2');
SELECT * FROM accept('SELECT window_start, post_id, count(*) FROM view_events, trending.tumble(coalesce(local_at, day) AT TIME ZONE ''Asia/Tokyo'', ''1 minute'') GROUP BY 1, 2');
-- The aggregate that ranks may be left out of the select list; keys, too.
SELECT * FROM accept('SELECT post_id FROM view_events, trending.tumble(viewed_at, ''1 minute'') GROUP BY window_end, post_id, slug ORDER BY count(*)');
-- Every aggregate, with and without a window.
SELECT * FROM accept($$
  SELECT post_id, sum(post_id * 2) AS s, avg(epoch) AS a, min(day) AS d, max(local_at) AS l, count(DISTINCT slug) AS slugs,
         trending.first(epoch, viewed_at) AS f, trending.last(bot, epoch) FILTER (WHERE country = 'DE') AS b,
         trending.approx_count_distinct(uid) AS u
  FROM view_events, trending.tumble(viewed_at, '1 minute') GROUP BY window_end, post_id ORDER BY a ASC NULLS FIRST $$);
SELECT * FROM accept('SELECT post_id, max(viewed_at) AS latest FROM view_events GROUP BY post_id ORDER BY latest DESC NULLS LAST, post_id DESC');
SELECT * FROM accept('SELECT country, sum(epoch) FROM view_events e WHERE NOT bot GROUP BY country');
SELECT * FROM accept($$ SELECT post_id, trending.decayed_count(viewed_at, '1 hour') AS heat, trending.decayed_sum(epoch, viewed_at, interval '60 minutes') FILTER (WHERE NOT bot)
  FROM view_events GROUP BY post_id ORDER BY heat DESC $$);
-- A function that is written in SQL, and can be inlined.
SELECT * FROM accept('SELECT count(*) FROM view_events, trending.tumble(viewed_at, ''1 minute'') WHERE lpad(slug, 3) = ''abc'' AND bot IS NOT TRUE AND CASE WHEN bot THEN 1 ELSE 2 END = ANY (ARRAY[1, 2]) GROUP BY window_end');
\x off
-- Settings of the creator do not change what is kept.
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'Asia/Kolkata';
SET standard_conforming_strings = off;
SET quote_all_identifiers = on;
SELECT trending.create_trend('accepted', E'SELECT post_id, count(*) FROM view_events, trending.tumble(viewed_at, \'1 day\') WHERE viewed_at > \'3/2/2024 00:00\' GROUP BY window_end, post_id');
RESET DateStyle; RESET IntervalStyle; SET TimeZone = 'UTC'; RESET standard_conforming_strings; RESET quote_all_identifiers;
SELECT trending.definition('accepted');
SELECT trending.drop_trend('accepted');

-- Nor do types of the session's own.
CREATE TEMP TABLE text (a int);
CREATE TEMP TABLE int8 (a int);
SELECT trending.create_trend('accepted', 'SELECT post_id, count(*) FROM view_events, trending.tumble(viewed_at, interval ''1 day'') WHERE slug = pg_catalog.lower(''A'') GROUP BY window_end, post_id');
SELECT trending.definition('accepted');
SELECT trending.drop_trend('accepted');
DROP TABLE pg_temp.text, pg_temp.int8;
-- Window arguments may be computed from constants.
SELECT definition FROM accept('SELECT count(*) FROM view_events, trending.hop(viewed_at, size => 6 * interval ''10 minutes'', slide => interval ''1'' minute) GROUP BY window_end');

-- Partitioned sources, and ONLY of a table with inheritance children.
CREATE TABLE parted (post_id int, at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parent (post_id int, at timestamptz);
CREATE TABLE child () INHERITS (parent);
SELECT columns FROM accept('SELECT post_id, count(*) FROM parted, trending.tumble(at, ''1 day'') GROUP BY window_end, post_id');
SELECT columns FROM accept('SELECT post_id, count(*) FROM parted_1, trending.tumble(at, ''1 day'') GROUP BY window_end, post_id');
SELECT definition FROM accept('SELECT post_id, count(*) FROM ONLY parent, trending.tumble(at, ''1 day'') GROUP BY window_end, post_id');

-- Names.
\set q 'SELECT post_id, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, post_id'
SELECT trending.create_trend('top_posts', :'q');
SELECT trending.create_trend('posts', :'q');
SELECT trending.create_trend('blog.posts', :'q');
SELECT trending.create_trend('nowhere.t', :'q');
SELECT trending.create_trend('otherdb.blog.t', :'q');
SELECT trending.create_trend('a.b.c.d', :'q');
SELECT trending.create_trend('', :'q');
SELECT trending.create_trend(NULL, :'q');
SELECT trending.create_trend('pg_temp.t', :'q');
SELECT trending.create_trend('pg_catalog.t', :'q');
SELECT trending.create_trend(repeat('x', 53), :'q');
SELECT trending.create_trend('"Top ""Posts"""', :'q');
SELECT trending.create_trend('PUBLIC.Folded', :'q');
SELECT trending.drop_trend('"Top ""Posts"""'), trending.drop_trend('public.folded');
SET search_path = '';
SELECT trending.create_trend('t', 'SELECT count(*) FROM blog.view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end');
SET search_path = blog, public;

-- Options.
SELECT trending.create_trend('t', :'q', watermark_delay => '-1 second');
SELECT trending.create_trend('t', :'q', watermark_delay => '1 month');
SELECT trending.create_trend('t', :'q', watermark_delay => NULL);
SELECT trending.create_trend('t', :'q', allowed_lateness => '-1 second');
SELECT trending.create_trend('t', :'q', allowed_lateness => NULL);
SELECT trending.create_trend('t', :'q', late_events => 'ignore');
SELECT trending.create_trend('t', :'q', late_events => NULL);
SELECT trending.create_trend('t', :'q', idle_timeout => '0');
SELECT trending.create_trend('t', :'q', idle_timeout => NULL);
SELECT trending.create_trend('t', :'q', max_ahead => '-1 day');
SELECT trending.create_trend('t', :'q', max_ahead => '1 year');
SELECT trending.create_trend('t', :'q', history_limit => -1);
SELECT trending.create_trend('t', :'q', retention => '0');
SELECT trending.create_trend('t', :'q', retention => '-1 day');
SELECT trending.create_trend('t', :'q', backfill => NULL);
SELECT trending.create_trend('t', :'q', partition_by => '{post_id}');
SELECT trending.create_trend('t', :'q', partition_by => '{nothing}');
SELECT trending.create_trend('t', :'q', partition_by => '{NULL}');
SELECT trending.create_trend('t', :'q', max_groups => 0);
SELECT trending.create_trend('t', :'q', max_groups => NULL);
SELECT trending.create_trend('t', :'q', watermark_delay => '5 seconds', allowed_lateness => '1 day', late_events => 'drop',
                             idle_timeout => '1 minute', max_ahead => '0', history_limit => NULL, retention => '30 days',
                             backfill => false, max_groups => 10);
\x on
SELECT watermark_delay, allowed_lateness, late_events, idle_timeout, max_ahead, history_limit, retention, backfill, max_groups
FROM   trending.trend WHERE relation = 't'::regclass;
\x off
SELECT trending.drop_trend('t');

-- Labels.
SELECT trending.create_trend('t', :'q', label => 'title');
SELECT trending.create_trend('t', :'q', label => 'a.b.c.d');
SELECT trending.create_trend('t', :'q', label => 'nothing.title');
SELECT trending.create_trend('t', :'q', label => 'posts.nothing');
SELECT trending.create_trend('t', :'q', label => 'posts.ctid');
SELECT trending.create_trend('t', :'q', label => 'view_events.slug');
SELECT trending.create_trend('t', :'q', label => 'posts_pkey.id');
SELECT trending.create_trend('t', 'SELECT count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end',
                             label => 'posts.title');
SELECT trending.create_trend('t', 'SELECT post_id, slug, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, post_id, slug',
                             label => 'posts.title');
SELECT trending.create_trend('t', 'SELECT uid, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, uid',
                             label => 'posts.title');
-- By any unique column that is not null: a text key finds slug, not author; a domain over text, too.
SELECT trending.create_trend('t', 'SELECT slug, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, slug',
                             label => 'blog.posts.title');
SELECT trending.create_trend('t2', 'SELECT country, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, country',
                             label => '"posts"."title"');
SELECT relation, label FROM trending.trend ORDER BY id;
SELECT trending.drop_trend('t'), trending.drop_trend('t2');

-- track: the common case in one line.
SELECT trending.track('view_events', 'post_id', 'viewed_at');
SELECT trending.track('view_events', 'Strange "Name', 'day', name => 'strange', size => '7 days', slide => '1 day');
SELECT trending.track('view_events', 'slug', 'viewed_at', name => 'slugs', label => 'posts.title');
\x on
SELECT relation, query, label FROM trending.trend ORDER BY id OFFSET 1;
\x off
-- The library's defaults, which track has, are those of the arguments of create_trend.
SELECT trending.create_trend('by_default', 'SELECT post_id, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, post_id');
SELECT (a.watermark_delay, a.allowed_lateness, a.late_events, a.idle_timeout, a.max_ahead, a.history_limit, a.retention,
        a.backfill, a.partition_by, a.max_groups, a.notify_channel) IS NOT DISTINCT FROM
       (b.watermark_delay, b.allowed_lateness, b.late_events, b.idle_timeout, b.max_ahead, b.history_limit, b.retention,
        b.backfill, b.partition_by, b.max_groups, b.notify_channel) AS same
FROM trending.trend a, trending.trend b WHERE a.relation = 'by_default'::regclass AND b.relation = 'top_view_events'::regclass;
SELECT trending.drop_trend('by_default');
SELECT trending.track('view_events', 'post_id', 'viewed_at');
SELECT trending.track('view_events', 'nothing', 'viewed_at', name => 't');
SELECT trending.track('view_events', 'post_id', 'slug', name => 't');
SELECT trending.track('view_events', 'post_id', 'viewed_at', name => 't', size => '1 second');
SELECT trending.track('view_events', 'post_id', NULL, name => 't');
SELECT trending.track(0, 'post_id', 'viewed_at', name => 't');
SELECT trending.track('top_posts', 'post_id', 'window_end', name => 't');

-- Dropping: by any command; other foreign tables are left alone.
SELECT trending.drop_trend('top_view_events');
SELECT trending.drop_trend('view_events');
SELECT trending.drop_trend(0);
SELECT trending.drop_trend(NULL);
DROP FOREIGN TABLE strange;
CREATE SCHEMA short;
SELECT trending.create_trend('short.t', :'q');
CREATE VIEW on_slugs AS SELECT * FROM slugs;
SELECT trending.drop_trend('slugs');
SELECT relation FROM trending.trend ORDER BY id;
DROP SCHEMA short CASCADE;
DROP FOREIGN TABLE slugs CASCADE;
SELECT relation FROM trending.trend ORDER BY id;
BEGIN;
SELECT trending.drop_trend('top_posts');
SELECT relation FROM trending.trend ORDER BY id;
ROLLBACK;
BEGIN;
SELECT trending.create_trend('t', :'q');
ROLLBACK;
SELECT relation FROM trending.trend ORDER BY id;
SELECT trending_internal.forget_dropped();

-- Locks: none that a writer of the source or of the label table waits for.
BEGIN;
SELECT trending.create_trend('t', :'q', label => 'posts.title');
SELECT relation::regclass, mode FROM pg_locks
WHERE  pid = pg_backend_pid() AND relation IN ('view_events'::regclass, 'posts'::regclass) ORDER BY 1, 2;
ROLLBACK;

-- Rights.
GRANT SELECT (post_id, viewed_at) ON view_events TO regress_trend_owner;
SET ROLE regress_trend_owner;
SELECT trending.create_trend('public.mine', :'q');
SELECT trending.create_trend('mine', 'SELECT slug, count(*) FROM view_events, trending.tumble(viewed_at, ''1 day'') GROUP BY window_end, slug');
SELECT trending.create_trend('mine', :'q', label => 'posts.title');
SELECT trending.track('view_events', 'slug', 'viewed_at', name => 'mine');
SELECT trending.create_trend('mine', :'q');
SELECT relowner::regrole FROM pg_class WHERE oid = 'mine'::regclass;
INSERT INTO trending.trend SELECT * FROM trending.trend;
UPDATE trending.trend SET query = '';
DELETE FROM trending.trend;
SELECT nextval('trending.trend_id_seq');
SELECT trending.drop_trend('top_posts');
DROP FOREIGN TABLE top_posts;
-- By hand on the server: allowed, and nothing.
CREATE FOREIGN TABLE by_hand (post_id bigint, rank bigint) SERVER trending;
SELECT trending.drop_trend('by_hand');
DROP FOREIGN TABLE by_hand;
RESET ROLE;
GRANT SELECT (id, title) ON posts TO regress_trend_owner;
SET ROLE regress_trend_owner;
SELECT trending.create_trend('mine_too', :'q', label => 'posts.title');
SELECT trending.drop_trend('mine_too');
RESET ROLE;
-- An aggregate that may not be called.
REVOKE EXECUTE ON FUNCTION bool_and(bool) FROM PUBLIC;
SET ROLE regress_trend_owner;
SELECT trending.create_trend('mine_too', 'SELECT post_id, bool_and(post_id > 1), count(*) FROM view_events GROUP BY post_id ORDER BY 3');
RESET ROLE;
GRANT EXECUTE ON FUNCTION bool_and(bool) TO PUBLIC;
-- Row security.
ALTER TABLE view_events ENABLE ROW LEVEL SECURITY;
SET ROLE regress_trend_owner;
SELECT trending.create_trend('mine_too', :'q');
RESET ROLE;
ALTER ROLE regress_trend_owner BYPASSRLS;
SET ROLE regress_trend_owner;
SELECT trending.create_trend('mine_too', :'q');
RESET ROLE;
ALTER TABLE view_events DISABLE ROW LEVEL SECURITY;
-- A reader needs no right on anything but the trend; another role cannot drop it.
GRANT USAGE ON SCHEMA blog TO regress_trend_reader;
SET ROLE regress_trend_reader;
SELECT trending.drop_trend('mine');
RESET ROLE;
-- DROP OWNED.
DROP OWNED BY regress_trend_owner;
SELECT relation FROM trending.trend ORDER BY id;

-- The source may be renamed and moved, its columns renamed; it goes with its trend only.
CREATE SCHEMA attic;
CREATE TABLE old_name (post_id int, at timestamptz);
SELECT trending.create_trend('moved', 'SELECT post_id, count(*) FROM old_name, trending.tumble(old_name.at, ''1 day'') GROUP BY window_end, old_name.post_id');
ALTER TABLE old_name RENAME TO renamed;
ALTER TABLE renamed SET SCHEMA attic;
DO $$ BEGIN EXECUTE 'EXPLAIN SELECT * FROM moved'; END $$;
ALTER TABLE attic.renamed RENAME post_id TO item;
DO $$ BEGIN EXECUTE 'EXPLAIN SELECT * FROM moved'; END $$;
SELECT query, trending.definition(relation) FROM trending.trend WHERE relation = 'moved'::regclass;
DROP TABLE attic.renamed;
DROP TABLE attic.renamed CASCADE;
SELECT trending.drop_trend('moved');

DROP SCHEMA blog, attic CASCADE;
SELECT count(*) FROM trending.trend;
DROP ROLE regress_trend_owner, regress_trend_reader;
