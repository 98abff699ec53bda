-- What trending.status.hint says of trends that run, what trending.explain says, and what is said of names.
CREATE SCHEMA diagnosis;
SET search_path = diagnosis, public;
SET client_min_messages = warning;
SET intervalstyle = postgres;
SET datestyle = ISO;
CREATE TABLE titles (id int PRIMARY KEY, title text);
CREATE TABLE plays (song int, genre text, length numeric, at timestamptz);
INSERT INTO plays SELECT i % 3, 'pop', i, now() FROM generate_series(1, 9) i;
CREATE TABLE later (song int, genre text, length numeric, at timestamptz);
INSERT INTO later SELECT * FROM plays;

CREATE FUNCTION make(name text, source text, condition text, OUT trend regclass) LANGUAGE plpgsql AS $$
BEGIN
  trend := trending.create_trend(name, format($q$ SELECT window_start, window_end, song, count(*) AS plays
    FROM %I, trending.hop(at, '10 seconds', '1 hour') GROUP BY 1, 2, song %s ORDER BY plays DESC $q$, source, condition),
    label => 'titles.title', backfill => CASE WHEN source = 'later' THEN 'false' ELSE 'true' END::trending.backfill_mode);
END $$;
SELECT make('fine', 'plays', ''), make('picky', 'plays', 'HAVING count(*) > 100'), make('fresh', 'later', '');
SELECT trending.sync() IS NOT NULL AS synced;
CREATE VIEW hints AS SELECT trend, state, reason, regexp_replace(hint, '\d{4}-\d\d-\d\d [0-9:+.-]*', 'TIME') AS hint FROM trending.status
WHERE trend IN ('fine', 'picky', 'fresh') ORDER BY trend;
SELECT * FROM hints;

-- What could not be counted, and a list whose rows are dated in the past.
INSERT INTO later VALUES (1, 'pop', 1, now() + interval '1 day'), (1, 'pop', 1, NULL), (2, 'pop', 1, now() + interval '2 days');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM hints WHERE trend = 'fresh';
INSERT INTO later VALUES (1, 'pop', 1, '2020-01-01');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM hints WHERE trend = 'fresh';
INSERT INTO later VALUES (1, 'pop', 1, now() + interval '50 seconds');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT hint ~ 'ahead of now' AS is_ahead FROM hints WHERE trend = 'fresh';

-- What a role sees less of.
CREATE ROLE diagnosis_reader;
GRANT USAGE ON SCHEMA diagnosis TO diagnosis_reader;
GRANT SELECT ON fine, hints TO diagnosis_reader;
SET ROLE diagnosis_reader;
SELECT trend, regexp_replace(hint, 'diagnosis\.', '') FROM trending.status WHERE trend IN ('fine', 'picky') ORDER BY 1;
RESET ROLE;
GRANT SELECT ON titles TO diagnosis_reader;
SET ROLE diagnosis_reader;
SELECT hint FROM trending.status WHERE trend = 'fine';
SELECT topic FROM trending.explain('picky');
RESET ROLE;
GRANT SELECT ON fine_history TO diagnosis_reader;
SET ROLE diagnosis_reader;
SELECT hint IS NULL AS nothing_is_amiss FROM trending.status WHERE trend = 'fine';
RESET ROLE;

-- How trends are kept
SELECT make('like_fine', 'plays', '');
SELECT trending.create_trend('lengths', $$ SELECT window_start, window_end, genre, sum(length) AS total, avg(length) AS mean,
  max(length) AS longest, count(DISTINCT song) AS songs, trending.approx_count_distinct(song), stddev(length)
  FROM plays, trending.cumulate(at, '1 hour', '1 day') GROUP BY 1, 2, genre ORDER BY sum(length) + 1 DESC $$, partition_by => NULL);
SELECT trending.create_trend('visits', $$ SELECT window_start, window_end, song, min(length) AS shortest
  FROM plays, trending.session(at, '5 minutes') GROUP BY 1, 2, song ORDER BY shortest $$);
SELECT trending.create_trend('hot', $$ SELECT song, trending.decayed_count(at, '1 hour') AS heat FROM plays GROUP BY song ORDER BY heat DESC $$);
SELECT trending.create_trend('ever', $$ SELECT genre, trending.last(song, at) AS latest FROM plays GROUP BY genre ORDER BY latest DESC $$);
SELECT trending.create_trend('monthly', $$ SELECT window_start, window_end, count(*) FROM plays, trending.tumble(at, '1 month', zone => 'UTC')
  GROUP BY 1, 2 ORDER BY 3 DESC $$);
SELECT trending.sync() IS NOT NULL AS synced;
INSERT INTO plays SELECT 1, 'pop', 1, now();
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM trending.explain('fine', 1000) WHERE topic <> 'memory';
SELECT * FROM trending.explain('lengths') WHERE topic NOT LIKE 'memory%';
ALTER TABLE plays REPLICA IDENTITY FULL;
SELECT topic, detail FROM trending.explain('visits') WHERE topic IN ('windows', 'panes', 'aggregate', 'updates and deletes', 'totals are rebuilt');
SELECT topic, detail FROM trending.explain('hot') WHERE topic IN ('windows', 'panes', 'totals are rebuilt');
SELECT topic, detail FROM trending.explain('ever', 1) WHERE topic IN ('windows', 'panes', 'aggregate', 'totals are rebuilt', 'memory for 1 groups');
SELECT detail FROM trending.explain('monthly') WHERE topic IN ('windows', 'updates and deletes');
SELECT topic, detail ~ '^[0-9]+ kB now; groups: 3, panes: [0-9]+$' AS as_expected FROM trending.explain('fine') WHERE topic = 'memory';
SELECT trending.create_trend('by_title', $$ SELECT window_start, window_end, t.title, count(*) AS plays
  FROM plays p JOIN titles t ON t.id = p.song, trending.tumble(p.at, '1 hour') GROUP BY 1, 2, 3 ORDER BY plays DESC $$);
SELECT topic, detail FROM trending.explain('by_title') WHERE topic IN ('joined tables', 'refilled from its source');
-- What it expects of groups with rows in one pane each is near what they take.
CREATE TABLE crowd (song bigint, genre text, length numeric, at timestamptz);
INSERT INTO crowd SELECT i, lpad(i::text, 32, 'genre '), i, now() FROM generate_series(1, 30000) i;
SELECT trending.create_trend('many', $$ SELECT window_start, window_end, song, count(*) AS plays
  FROM crowd, trending.tumble(at, '1000 days') GROUP BY 1, 2, song ORDER BY plays DESC $$);
SELECT trending.create_trend('named', $$ SELECT window_start, window_end, genre, sum(length) AS total, max(length) AS longest
  FROM crowd, trending.tumble(at, '1000 days') GROUP BY 1, 2, genre ORDER BY total DESC $$);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT s.trend, s.memory_bytes::float8 / pg_size_bytes(substring(e.detail FROM '([0-9]+ [kM]B) with')) BETWEEN 0.7 AND 1.4 AS is_near
FROM   trending.status s CROSS JOIN LATERAL trending.explain(s.relation, s.kept_groups) e
WHERE  s.trend IN ('many', 'named') AND e.topic LIKE 'memory for%' ORDER BY 1;
SELECT * FROM trending.explain('fine', 0);
SELECT * FROM trending.explain(NULL);
SELECT * FROM trending.explain('titles');

-- Names
SET client_min_messages = notice;
ALTER FOREIGN TABLE fine RENAME TO finest;
ALTER TABLE fine_history RENAME TO finest_history;
ALTER VIEW fine_definition RENAME TO finest_definition;
ALTER TABLE finest RENAME TO fine;
ALTER TABLE titles RENAME TO names;
ALTER FOREIGN TABLE fine RENAME TO finest;
ALTER FOREIGN TABLE finest OWNER TO CURRENT_USER;

SET client_min_messages = warning;
DROP SCHEMA diagnosis CASCADE;
DROP ROLE diagnosis_reader;
