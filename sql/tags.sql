-- One row in several groups: what such a definition may say, what it means, and each refusal's error.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA tagged;
SET search_path = tagged, public;
CREATE TYPE pair AS (a int, b int);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE FUNCTION my_split(text) RETURNS SETOF text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN NEXT $1; END';
CREATE FUNCTION my_array(text[]) RETURNS text[] LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE posts (
  id int PRIMARY KEY, at timestamptz, starts timestamp, ends timestamp, author int, title text, tags text[],
  weights int[], pairs pair[], moods mood[], doc jsonb, words tsvector);
ALTER TABLE posts REPLICA IDENTITY FULL;
CREATE TABLE tags (name text PRIMARY KEY, title text);

CREATE PROCEDURE try(query text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend('tried', query);
  RAISE EXCEPTION 'accepted: %', query;
END $$;
-- A definition of which only FROM and the key are of interest.
CREATE FUNCTION def(source text, key text DEFAULT 'tag', cond text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT window_end, %s, count(*) FROM %s %s GROUP BY window_end, %s ORDER BY count(*) DESC',
                key, source, cond, key) $$;

-- What is refused.
CALL try(def('posts, trending.tumble(at, $$1 m$$), my_split(title) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), information_schema._pg_expandarray(tags) AS t(tag, n)'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), generate_series(at, at, $$1 day$$) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), lower(title) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), current_date AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(my_array(tags)) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(pairs) AS t(tag, b)'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(array[title, now()::text]) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$) w, generate_series(w.window_end::timestamp, ends, $$1 s$$) AS tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), ts_parse(3722, title) AS t(n, tag)'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), ts_token_type(3722) AS t(n, tag, d)'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), jsonb_to_recordset(doc) AS t(tag text)'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(tags) AS tag, unnest(weights) AS weight'));
CALL try(def('posts, ROWS FROM (trending.tumble(at, $$1 m$$), unnest(tags)) AS w(window_start, window_end, tag)'));
CALL try(def('posts CROSS JOIN LATERAL trending.tumble(at, $$1 m$$) JOIN LATERAL unnest(tags) AS tag ON tag <> $$$$'));
CALL try(def('posts CROSS JOIN LATERAL trending.tumble(at, $$1 m$$) LEFT JOIN LATERAL unnest(tags) AS tag ON tag <> $$$$'));
CALL try(def('generate_series(1, 3) AS tag RIGHT JOIN posts ON true, trending.tumble(at, $$1 m$$)'));
CALL try(def('generate_series(1, 3) AS tag LEFT JOIN posts ON true, trending.tumble(at, $$1 m$$)'));
CALL try(def('generate_series(1, 3) AS tag FULL JOIN posts ON true, trending.tumble(at, $$1 m$$)'));
CALL try(def('posts LEFT JOIN (unnest(tags) AS tag CROSS JOIN trending.tumble(at, $$1 m$$)) ON true'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(tags) AS tag JOIN tags t ON t.name = tag'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), jsonb_each_text(doc) AS t', key => 't'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), LATERAL (SELECT unnest(tags) AS tag) t'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(tags) AS tag', cond => 'WHERE my_array(tags) IS NULL'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), jsonb_each(doc) AS t', key => 't.value'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(tags) AS id', key => 'id'));
CALL try(def('posts, trending.tumble(at, $$1 m$$), unnest(weights) AS tag', cond => 'WHERE at::date > current_date - tag'));
CALL try('SELECT unnest(tags) AS tag, count(*) FROM posts GROUP BY 1');
CALL try('SELECT tag, count(*) FROM unnest(ARRAY[$$a$$]) AS tag GROUP BY tag');

-- What a row is to each of these is compared with SQL.
SELECT trending.create_trend('by_tag', $$
  SELECT tag, count(*) AS n, sum(author) FROM posts, unnest(tags) AS tag GROUP BY tag ORDER BY n DESC $$, label => 'tags.title');
SELECT trending.create_trend('first_in_from', $$
  SELECT n, count(*) FROM generate_series(1, 3) AS n, posts WHERE n <= author GROUP BY n HAVING count(*) > 1 ORDER BY 2 DESC $$);
SELECT trending.create_trend('kept', $$
  SELECT coalesce(tag, 'none') AS tag, no, count(*), count(tag) AS tags
  FROM posts LEFT JOIN LATERAL unnest(tags) WITH ORDINALITY AS t(tag, no) ON true GROUP BY 1, no ORDER BY 3 DESC $$);
SELECT trending.create_trend('side_by_side', $$
  SELECT tag, count(*), sum(weight) AS weight, min(n) AS first
  FROM posts, unnest(tags, weights) WITH ORDINALITY AS t(tag, weight, n) GROUP BY tag ORDER BY weight DESC NULLS LAST $$);
SELECT trending.create_trend('rows_from', $$
  SELECT a, b, count(*) FROM posts, ROWS FROM (generate_series(1, author), string_to_table(title, ' ')) AS t(a, b)
  GROUP BY a, b ORDER BY 3 DESC $$);
SELECT trending.create_trend('attributes', $$
  SELECT key, value, count(*), max(author) FILTER (WHERE value <> '1') AS m FROM posts, jsonb_each_text(doc)
  WHERE jsonb_typeof(doc) = 'object' AND key <> 'z' GROUP BY key, value ORDER BY 3 DESC $$, partition_by => ARRAY['key']);
SELECT trending.create_trend('lexemes', $$
  SELECT lexeme, count(*), sum(cardinality(positions)) AS places FROM posts, unnest(words)
  GROUP BY lexeme ORDER BY places DESC NULLS LAST $$);
SELECT trending.create_trend('moods', 'SELECT m, count(*) FROM posts, unnest(moods) AS m GROUP BY m ORDER BY 2 DESC');
SELECT trending.create_trend('days', $$
  SELECT window_start, window_end, day, count(*)
  FROM posts, generate_series(starts, ends, '1 day') AS day, trending.tumble(day, '1 day') GROUP BY 1, 2, 3 ORDER BY 4 DESC $$);
SELECT trending.create_trend('matches', $$
  SELECT m[1] AS m, count(*) FROM posts, regexp_matches(title, '(\w)\w*', 'g') AS m GROUP BY 1 ORDER BY 2 DESC $$);

INSERT INTO tags VALUES ('a', 'The first');
INSERT INTO posts VALUES
  (1, '2024-01-01', '2024-01-01', '2024-01-03', 1, 'one two', '{a,b}', '{1,2,3}', NULL, '{sad}', '{"k": 1, "l": null}', 'cat:1,3 dog'),
  (2, '2024-01-01', '2024-01-02', '2024-01-02', 3, 'one', '{a,a,NULL}', '{}', NULL, '{sad,happy}', '[1]', 'cat:2'),
  (3, '2024-01-01', '2024-01-02', '2024-01-01', 2, '', '{}', NULL, NULL, NULL, '{"k": 1, "z": 2}', ''),
  (4, '2024-01-01', NULL, NULL, 4, NULL, NULL, '{7}', NULL, '{NULL}', NULL, NULL),
  (5, NULL, '2024-01-03', '2024-01-03', NULL, 'two  three', '{{c,d},{e,a}}', '{1,1,1,1}', NULL, '{}', '{}', 'x');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM by_tag;
SELECT rank, key, label, value FROM trending_top10('by_tag');
SELECT * FROM first_in_from;
SELECT * FROM kept;
SELECT * FROM side_by_side;
SELECT * FROM rows_from;
SELECT * FROM attributes;
SELECT * FROM lexemes;
SELECT * FROM moods;
SELECT * FROM days;
SELECT * FROM matches;
CREATE VIEW differences AS
SELECT s.trend, v.* FROM trending.status s, trending.verify(s.trend) v ORDER BY s.trend::text;
TABLE differences;

-- What goes is taken back from all groups.
UPDATE posts SET tags = '{b,c}', weights = weights || 1, author = author + 1 WHERE id IN (1, 4);
UPDATE posts SET title = 'one four', ends = ends + interval '1 day', doc = '{"k": 2}', words = 'cat dog' WHERE id = 2;
DELETE FROM posts WHERE id IN (3, 5);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM by_tag;
SELECT * FROM kept;
SELECT * FROM days;
TABLE differences;

-- A row with too many elements counts nowhere, and one that fails; both are told of.
INSERT INTO posts (id, tags) SELECT 100, array_agg('t' || n) FROM generate_series(1, 10000) n;
INSERT INTO posts (id, tags, doc) SELECT 101, array_agg('t' || n), '{"k": 3}' FROM generate_series(1, 10001) n;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT count(*), min(n), max(n) FROM by_tag WHERE tag LIKE 't%';
SELECT trend, failed FROM trending.status WHERE failed > 0 ORDER BY trend::text;
UPDATE posts SET tags = tags[1:5] WHERE id = 101;
DELETE FROM posts WHERE id = 100;
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM by_tag;
TABLE differences;

-- As text again, and for a reader.
SELECT trending.definition('kept');
SELECT trending.definition('side_by_side');
SELECT trending.definition('rows_from');
EXPLAIN (COSTS OFF) SELECT * FROM by_tag WHERE tag = 'a';
SELECT count(*) FROM (SELECT trending.drop_trend(trend) FROM trending.status) d;
DROP SCHEMA tagged CASCADE;
