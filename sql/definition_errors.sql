-- Everything that the definition of a trend does not accept, each with its error.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA rejected;
SET search_path = rejected, public;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION my_interval() RETURNS interval LANGUAGE sql IMMUTABLE AS 'SELECT interval ''1 day''';
CREATE FUNCTION two_rows(timestamptz) RETURNS SETOF timestamptz LANGUAGE sql AS 'SELECT $1 UNION ALL SELECT $1';
CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 = $2; END';
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = same);
CREATE AGGREGATE my_count(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
CREATE TABLE events (
  id bigint, at timestamptz, local_at timestamp, epoch bigint, item int, name text, tag varchar(10), code character(3),
  price numeric, weight real, doc jsonb, parts int[], m mood, p pair, pos positive, until interval);
CREATE COLLATION sloppy (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
CREATE TABLE items (id int PRIMARY KEY, title text);

-- The error of a definition, without creating anything when there is none.
CREATE PROCEDURE try(query text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend('tried', query);
  RAISE EXCEPTION 'accepted: %', query;
END $$;
-- A definition of which only one piece is of interest.
CREATE FUNCTION def(list text DEFAULT 'item, count(*)', source text DEFAULT 'events',
                    win text DEFAULT 'trending.tumble(at, ''1 minute'')', cond text DEFAULT '', keys text DEFAULT 'item',
                    sort text DEFAULT 'ORDER BY count(*) DESC') RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT %s FROM %s, %s w %s GROUP BY window_start, window_end%s %s', list, source, win, cond,
                CASE WHEN keys <> '' THEN ', ' || keys ELSE '' END, sort) $$;

-- One error in full, as a client sees it: the position is within the definition.
SELECT trending.create_trend('tried', $$SELECT item, count(*)
FROM events, trending.tumble(at, '1 minute')
WHERE random() < 0.5 GROUP BY window_end, item$$);
SELECT trending.create_trend('tried', 'SELECT "grün", count(*), sum(price) FROM (SELECT 1 AS "grün") s');
SELECT trending.create_trend('tried', 'SELECT ''äöü'', nothing FROM events, trending.tumble(at, ''1 minute'') GROUP BY window_end');

-- No single SELECT.
CALL try('');
CALL try('  ; ');
CALL try('-- nothing');
CALL try('SELEKT 1');
CALL try('SELECT 1; SELECT 2');
CALL try('DELETE FROM events');
CALL try('CREATE TABLE x ()');
CALL try('VALUES (1)');
CALL try('TABLE events');
CALL try(NULL);

-- Clauses that a trend does not have.
CALL try('WITH e AS (SELECT * FROM events) ' || def(source => 'e'));
CALL try(def() || ' LIMIT 10');
CALL try(def() || ' OFFSET 10');
CALL try(def() || ' FETCH FIRST 3 ROWS WITH TIES');
CALL try(def(list => 'DISTINCT item, count(*)'));
CALL try(def(list => 'DISTINCT ON (item) item, count(*)'));
CALL try(def(sort => 'FOR UPDATE'));
CALL try(def(sort => 'FOR SHARE OF events'));
CALL try(def(sort => '') || ' UNION ALL ' || def(sort => ''));
CALL try(def(sort => '') || ' INTERSECT ' || def(sort => ''));
CALL try(def(sort => '') || ' EXCEPT ' || def(sort => ''));
CALL try(def(list => 'item, count(*) INTO copy'));
CALL try(def(list => 'item, count(*), rank() OVER (ORDER BY count(*))'));
CALL try(def(list => 'item, rank() OVER x', sort => 'WINDOW x AS (ORDER BY count(*))'));
CALL try(def(keys => 'ROLLUP (item)'));
CALL try(def(keys => 'CUBE (item, name)'));
CALL try('SELECT item, count(*) FROM events, trending.tumble(at, ''1 minute'') GROUP BY GROUPING SETS ((window_end), (item))');
CALL try('SELECT count(*) FROM events, trending.tumble(at, ''1 minute'') GROUP BY DISTINCT window_end, window_end');

-- FROM.
CALL try('SELECT count(*) GROUP BY 1');
CALL try('SELECT count(*) GROUP BY true');
CALL try('SELECT window_end, count(*) FROM trending.tumble(now(), ''1 minute'') GROUP BY window_end');
CALL try('SELECT item, count(*) FROM nothing, trending.tumble(at, ''1 minute'') GROUP BY window_end, item');
CALL try('SELECT item, count(*) FROM events, lower(name) AS window_end GROUP BY window_end, item');
CALL try('SELECT item, count(*) FROM events, rejected.two_rows(at) AS window_end GROUP BY window_end, item');
CALL try(def(source => 'events, items'));
CALL try(def(source => 'events e JOIN items i ON i.title = e.name'));
CALL try(def(source => '(SELECT * FROM events) e'));
CALL try(def(source => 'events TABLESAMPLE BERNOULLI (10)'));
CALL try(def(win => 'trending.tumble(at, ''1 minute''), trending.tumble(at, ''1 hour'')'));
CALL try(def(win => 'trending.tumble(at, ''1 minute'') WITH ORDINALITY'));
CALL try(def(win => 'ROWS FROM (trending.tumble(at, ''1 minute''), generate_series(1, 2))'));
CALL try(def(win => 'LATERAL (SELECT * FROM trending.tumble(at, ''1 minute''))'));
CALL try('SELECT count(*) FROM events LEFT JOIN LATERAL trending.tumble(at, ''1 minute'') ON true GROUP BY window_end');
CALL try('SELECT count(*) FROM events JOIN LATERAL trending.tumble(at, ''1 minute'') ON item > 3 GROUP BY window_end');
CALL try('SELECT count(*) FROM (events CROSS JOIN LATERAL trending.tumble(at, ''1 minute'')) j GROUP BY window_end');
CALL try('SELECT count(*) FROM events NATURAL JOIN items, trending.tumble(at, ''1 minute'') GROUP BY window_end');
CALL try('SELECT count(*) FROM events, XMLTABLE(''/a'' PASSING ''<a/>'' COLUMNS b int) GROUP BY item');

-- The source.
CREATE VIEW a_view AS SELECT * FROM events;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM events;
CREATE TEMP TABLE a_temp (LIKE events);
CREATE UNLOGGED TABLE an_unlogged (LIKE events);
CREATE FOREIGN TABLE a_foreign (item int, at timestamptz) SERVER trending;
CREATE TABLE a_parent (LIKE events);
CREATE TABLE a_child () INHERITS (a_parent);
CREATE TABLE parted (LIKE events) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_unlogged (LIKE events) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE parted_unlogged_1 PARTITION OF parted_unlogged FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_foreign (item int, at timestamptz) PARTITION BY RANGE (item);
CREATE FOREIGN TABLE parted_foreign_1 PARTITION OF parted_foreign FOR VALUES FROM (0) TO (10) SERVER trending;
CALL try(def(source => 'a_view'));
CALL try(def(source => 'a_matview'));
CALL try(def(source => 'a_temp'));
CALL try(def(source => 'an_unlogged'));
CALL try(def(source => 'a_foreign'));
CALL try(def(source => 'a_parent'));
CALL try(def(source => 'ONLY parted'));
CALL try(def(source => 'parted_unlogged'));
CALL try(def(source => 'parted_foreign'));
CALL try(def(list => 'pid, count(*)', source => 'pg_stat_activity', win => 'trending.tumble(backend_start, ''1 s'')', keys => 'pid'));
CALL try(def(list => 'oid, count(*)', source => 'pg_class', win => 'trending.tumble(to_timestamp(reltuples), ''1 s'')', keys => 'oid'));
CALL try(def(list => 'id, count(*)', source => 'trending.trend', win => 'trending.tumble(created_at, ''1 s'')', keys => 'id'));
CALL try(def(list => '1, count(*)', source => 'trending.trend_id_seq', win => 'trending.tumble(to_timestamp(last_value), ''1 s'')', keys => ''));

-- The window function.
CALL try(def(win => 'trending.tumble(at)'));
CALL try(def(win => 'trending.tumble(name, ''1 minute'')'));
CALL try(def(win => 'trending.tumble(at, ''0'')'));
CALL try(def(win => 'trending.tumble(at, NULL)'));
CALL try(def(win => 'trending.tumble(at, ''1 month 1 day'')'));
CALL try(def(win => 'trending.tumble(at, until)'));
CALL try(def(win => 'trending.tumble(at, ''1 day'', origin => now())'));
CALL try(def(win => 'trending.tumble(at, ''1 day'', zone => name)'));
CALL try(def(win => 'trending.tumble(at, my_interval())'));
CALL try(def(win => 'trending.tumble(at, (SELECT interval ''1 day''))'));
CALL try(def(win => 'trending.tumble(at, random() * interval ''1 day'')'));
CALL try(def(win => 'trending.tumble(at, ''1 day'', zone => ''Nowhere'')'));
CALL try(def(win => 'trending.hop(at, ''2 minutes'', ''1 minute'')'));
CALL try(def(win => 'trending.cumulate(at, ''1 minute'', ''1 second'')'));
CALL try(def(win => 'trending.tumble(now(), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(local_at, ''1 day'', zone => ''UTC'')'));
CALL try(def(win => 'trending.tumble((SELECT max(at) FROM events), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(name::timestamptz, ''1 minute'')'));
CALL try(def(win => 'trending.tumble($1, ''1 minute'')'));

-- WHERE.
CALL try(def(cond => 'WHERE at > now()'));
CALL try(def(cond => 'WHERE at > CURRENT_TIMESTAMP'));
CALL try(def(cond => 'WHERE name = CURRENT_USER'));
CALL try(def(cond => 'WHERE at::date = ''2024-01-01'''));
CALL try(def(cond => 'WHERE date_trunc(''day'', at) = at'));
CALL try(def(cond => 'WHERE at::text = name'));
CALL try(def(cond => 'WHERE twice(item) = 4'));
CALL try(def(cond => 'WHERE item === 4'));
CALL try(def(cond => 'WHERE item IN (SELECT id FROM items)'));
CALL try(def(cond => 'WHERE EXISTS (SELECT FROM items WHERE id = item)'));
CALL try(def(cond => 'WHERE window_start > ''2024-01-01'''));
CALL try(def(cond => 'WHERE tableoid > 0'));
CALL try(def(cond => 'WHERE xmin::text <> ctid::text'));
CALL try(def(win => 'trending.tumble(trending.commit_time(xmin), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(trending.commit_time(xmax), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(trending.commit_time(''5''), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(trending.commit_time(name::xid), ''1 minute'')'));
CALL try(def(win => 'trending.tumble(coalesce(at, trending.commit_time(xmin)), ''1 minute'')'));
CALL try(def(cond => 'WHERE trending.commit_time(xmin) > at'));
CALL try(def(list => 'item, trending.last(price, trending.commit_time(xmin)) AS last', sort => 'ORDER BY last DESC'));
CALL try('SELECT item, trending.decayed_count(trending.commit_time(xmin), ''1 h'') AS n FROM events GROUP BY item ORDER BY n DESC');
CALL try(def(cond => 'WHERE events IS NOT NULL'));
CALL try(def(cond => 'WHERE p = (1, 2)::pair'));
CALL try(def(cond => 'WHERE (p).a = 1'));
CALL try(def(cond => 'WHERE (item, epoch) < (1, 2)'));
CALL try(def(cond => 'WHERE item::positive = 1'));
CALL try(def(cond => 'WHERE item = $1'));
CALL try(def(cond => 'WHERE count(*) > 1'));
CALL try(def(cond => 'WHERE generate_series(1, item) > 1'));
CALL try(def(cond => 'WHERE xmlelement(name a) IS NULL'));
CALL try(def(cond => 'WHERE item / 0 = 1 / 0'));
CALL try(def(cond => 'WHERE item'));
CALL try(def(cond => 'WHERE nothing = 1'));

-- GROUP BY.
CALL try('SELECT count(*) FROM events, trending.tumble(at, ''1 minute'')');
CALL try('SELECT item, count(*) FROM events, trending.tumble(at, ''1 minute'') GROUP BY item');
CALL try('SELECT item, count(*) FROM events, trending.cumulate(at, ''1 minute'', ''1 hour'') GROUP BY window_start, item');
CALL try(def(list => 'count(*)', keys => 'price'));
CALL try(def(list => 'count(*)', keys => 'weight'));
CALL try(def(list => 'count(*)', keys => 'doc'));
CALL try(def(list => 'count(*)', keys => 'parts'));
CALL try(def(list => 'count(*)', keys => 'until'));
CALL try(def(list => 'count(*)', keys => 'p'));
CALL try(def(list => 'count(*)', keys => 'code'));
CALL try(def(list => 'count(*)', keys => 'code::bpchar'));
CALL try(def(list => 'count(*)', keys => 'epoch / 2.0'));
CALL try(def(list => 'count(*)', keys => 'random()'));
CALL try(def(list => 'count(*)', keys => 'twice(item)'));
CALL try(def(list => 'count(*)', keys => 'date_trunc(''hour'', window_start)'));
CALL try(def(list => 'count(*)', keys => 'events.*'));
CALL try(def(list => 'count(*)', keys => '(SELECT 1)'));
SELECT def(list => 'count(*)', keys => string_agg('item + ' || i, ', ')) AS query FROM generate_series(1, 33) i \gset
CALL try(:'query');
CALL try(def(list => 'count(*)', keys => 'name COLLATE sloppy'));

-- Select list.
CALL try(def(list => 'twice(item), count(*)'));
CALL try(def(list => 'item, twice(count(*)::int)'));
CALL try(def(list => 'item, to_char(max(at), ''HH24'')'));
CALL try(def(list => 'item, ROW(count(*), item)'));
CALL try(def(list => 'item, count(*), (SELECT 1)'));
CALL try(def(list => 'item, count(*), now()'));
CALL try(def(list => 'item, count(*), generate_series(1, 2)'));
CALL try(def(list => 'name, count(*)'));
CALL try(def(list => '*'));
CALL try(def(list => '', sort => ''));
CALL try(def(list => 'item', sort => ''));
CALL try(def(list => 'item, count(*) AS item'));
CALL try(def(list => 'item, item, count(*)'));
CALL try(def(list => 'item AS rank, count(*)'));
CALL try(def(list => 'item, count(*) AS final'));
CALL try(def(list => 'item AS window_start, count(*)'));
CALL try(def(list => 'window_start AS window_end, item, count(*)'));
CALL try(def(list => 'item AS ctid, count(*)'));
CALL try(def(list => 'item, count(*)', source => 'items', win => 'trending.tumble(''2024-01-01''::timestamptz, ''1 minute'')', keys => 'id'));
CALL try(def(list => 'title, count(*)', source => 'items', win => 'trending.tumble(''2024-01-01''::timestamptz, ''1 minute'')', keys => 'id'));

-- Aggregates.
CALL try(def(list => 'item, string_agg(name, '','') AS s', sort => 'ORDER BY s DESC'));
CALL try(def(list => 'item, count(*), trending.first(textout(name), at)'));
CALL try(def(list => 'item, sum(DISTINCT item)', sort => ''));
CALL try(def(list => 'item, count(DISTINCT doc)', sort => ''));
CALL try(def(list => 'item, count(DISTINCT name COLLATE sloppy)', sort => ''));
CALL try(def(list => 'item, trending.approx_count_distinct(doc)', sort => ''));
CALL try(def(list => 'item, trending.last(item, now())', sort => ''));
CALL try(def(list => 'item, trending.first(twice(item), at)', sort => ''));
CALL try(def(list => 'item, sum(item) OVER ()', sort => ''));
CALL try(def(list => 'item, my_count(*)', sort => ''));
CALL try(def(list => 'item, count(name ORDER BY at)', sort => ''));
CALL try(def(list => 'item, percentile_cont(0.5) WITHIN GROUP (ORDER BY price)', sort => ''));
CALL try(def(list => 'item, count(twice(item))', sort => ''));
CALL try(def(list => 'item, count(random())', sort => ''));
CALL try(def(list => 'item, count(events)', sort => ''));
CALL try(def(list => 'item, count(*) FILTER (WHERE random() > 0.5)', sort => ''));
CALL try(def(list => 'item, count(*) FILTER (WHERE item IN (SELECT 1))', sort => ''));
CALL try(def(list => 'item, count(*) FILTER (WHERE window_end > now())', sort => ''));
CALL try(def(list => 'item, count(*) FILTER (WHERE window_end - interval ''5 minutes'' < at)', sort => ''));
SELECT def(list => string_agg(format('count(*) FILTER (WHERE item > %s) AS c%1$s', i), ', ')) AS query
FROM   generate_series(1, 17) i \gset
CALL try(:'query');

-- Decayed aggregates.
CREATE FUNCTION decayed(list text, cond text DEFAULT '') RETURNS text LANGUAGE sql AS $$
  SELECT format('SELECT item, %s FROM events %s GROUP BY item ORDER BY 2', list, cond) $$;
CALL try(def(list => 'item, trending.decayed_count(at, ''1 hour'')', sort => ''));
CALL try(decayed('trending.decayed_count(at, until)'));
CALL try(decayed('trending.decayed_count(at, NULL)'));
CALL try(decayed('trending.decayed_count(at, ''0'')'));
CALL try(decayed('trending.decayed_count(at, ''1 month'')'));
CALL try(decayed('trending.decayed_count(at, ''1000 days'')'));
CALL try(decayed('trending.decayed_count(at, my_interval())'));
CALL try(decayed('trending.decayed_count(now(), ''1 day'')'));
CALL try(decayed('trending.decayed_count(local_at, ''1 day'')'));
CALL try(decayed('trending.decayed_sum(twice(item), at, ''1 day'')'));
CALL try(decayed('trending.decayed_count(at, ''1 day''), trending.decayed_count(at, ''2 days'')'));
CALL try(decayed('trending.decayed_count(at, ''1 day''), trending.decayed_sum(1, at - interval ''1 s'', ''1 day'')'));
CALL try(decayed('trending.decayed_count(at, ''1 day''), count(*)'));
CALL try(decayed('trending.decayed_count(DISTINCT at, ''1 day'')'));
CALL try('SELECT trending.decayed_count(at, ''1 day'') FROM events');

-- ORDER BY.
CALL try(def(list => 'item, count(*), count(name) AS names', sort => ''));
CALL try(def(list => 'item, count(*) / 2.0 AS half, max(name) AS name', sort => ''));
CALL try(def(sort => 'ORDER BY twice(count(*)::int) DESC'));
CALL try(def(sort => 'ORDER BY count(*) DESC, to_char(max(at), ''HH24'')'));
CALL try(def(list => 'item, trending.last(point(1, 2), at) AS p', sort => ''));
CALL try(def(list => 'item, trending.last(point(1, 2), at) AS p', sort => 'ORDER BY p'));
CALL try('SELECT id, count(*) FROM items GROUP BY id ORDER BY title, 2');
CALL try('SELECT item, trending.decayed_count(at, ''1 day'') AS n FROM events GROUP BY item ORDER BY trending.decayed_count(at, ''1 day'') + 1 DESC');
CALL try('SELECT item, trending.decayed_count(at, ''1 day'') AS n FROM events GROUP BY item ORDER BY item, 2');
CALL try(def(list => 'name, count(*)', keys => 'name', sort => 'ORDER BY count(*), name USING ~<~'));
CALL try(def(sort => 'ORDER BY 3'));

-- The classes of errors.
CREATE FUNCTION state(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend('tried', query);
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT what, state(query) FROM (VALUES
  ('empty', ''), ('syntax', 'SELEKT'), ('no select', 'VALUES (1)'), ('limit', def() || ' LIMIT 1'),
  ('no group by', 'SELECT 1 FROM events'), ('no table', def(source => 'nothing')), ('view', def(source => 'a_view')),
  ('window size', def(win => 'trending.tumble(at, ''0'')')), ('null size', def(win => 'trending.tumble(at, NULL)')),
  ('volatile', def(cond => 'WHERE random() > 0')), ('user function', def(cond => 'WHERE twice(item) = 2')),
  ('key type', def(list => 'count(*)', keys => 'price')), ('no aggregate', def(list => 'item', sort => '')),
  ('aggregate', def(list => 'string_agg(name, '''')', sort => '')), ('ranking', def(list => 'trending.last(point(1, 2), at)', sort => '')), ('two columns', def(list => 'item, item, count(*)')),
  ('rank', def(list => 'item AS rank, count(*)'))) v(what, query);
-- What a hint says is accepted when it is done.
CREATE FUNCTION outcome(query text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend('tried', query);
  RAISE EXCEPTION 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
\x on
SELECT what, refused.message AS refused, refused.hint, followed.message AS followed
FROM (VALUES
  ('now()', def(cond => 'WHERE at > now() - interval ''1 day'''), def(win => 'trending.hop(at, slide => ''1 minute'', size => ''1 day'')')),
  ('age', def(cond => 'WHERE age(at) < interval ''1 day'''), def(win => 'trending.hop(at, slide => ''1 minute'', size => ''1 day'')')),
  ('CURRENT_DATE', def(cond => 'WHERE local_at > CURRENT_DATE - 7'), def(win => 'trending.hop(local_at, slide => ''1 hour'', size => ''7 days'')')),
  ('not unique', 'SELECT i.id, count(*) FROM events e JOIN items i ON i.title = e.name GROUP BY 1', 'SELECT title, count(*) FROM events e JOIN items i ON i.id = e.item GROUP BY 1'),
  ('RIGHT JOIN', 'SELECT title, count(*) FROM items i RIGHT JOIN events e ON i.id = e.item GROUP BY 1', 'SELECT title, count(*) FROM events e LEFT JOIN items i ON i.id = e.item GROUP BY 1'),
  ('NATURAL', 'SELECT title, count(*) FROM events NATURAL JOIN items GROUP BY 1', 'SELECT title, count(*) FROM events JOIN items USING (id) GROUP BY 1'),
  ('comma', 'SELECT title, count(*) FROM events e, items i WHERE i.id = e.item GROUP BY 1', 'SELECT title, count(*) FROM events e JOIN items i ON i.id = e.item GROUP BY 1'),
  ('LEFT JOIN of the window', 'SELECT item, count(*) FROM events LEFT JOIN LATERAL trending.tumble(at, ''1 minute'') ON true GROUP BY window_end, item',
   'SELECT item, count(*) FROM events CROSS JOIN LATERAL trending.tumble(at, ''1 minute'') GROUP BY window_end, item'),
  ('ON of the window', 'SELECT item, count(*) FROM events JOIN LATERAL trending.tumble(at, ''1 minute'') ON item > 1 GROUP BY window_end, item',
   'SELECT item, count(*) FROM events JOIN LATERAL trending.tumble(at, ''1 minute'') ON true WHERE item > 1 GROUP BY window_end, item'),
  ('time zone', def(cond => 'WHERE at + interval ''1 day'' > ''2024-01-01'''), def(cond => 'WHERE (at AT TIME ZONE ''Europe/Berlin'') + interval ''1 day'' > ''2024-01-01''')),
  ('date', def(list => 'count(*)', keys => 'at::date'), def(list => 'count(*)', keys => '(at AT TIME ZONE ''Europe/Berlin'')::date')),
  ('date_trunc', def(list => 'count(*)', keys => 'date_trunc(''day'', at)'), def(list => 'count(*)', keys => 'date_trunc(''day'', at AT TIME ZONE ''Europe/Berlin'')')),
  ('to_char', def(list => 'count(*)', keys => 'to_char(at, ''HH24'')'), def(list => 'count(*)', keys => 'at')),
  ('text of a time', def(list => 'count(*)', keys => 'at::text'), def(list => 'count(*)', keys => 'at')),
  ('numeric', def(list => 'count(*)', keys => 'price'), def(list => 'count(*)', keys => 'price::text, price::bigint')),
  ('real', def(list => 'count(*)', keys => 'weight'), def(list => 'count(*)', keys => 'weight::text')),
  ('jsonb', def(list => 'count(*)', keys => 'doc'), def(list => 'count(*)', keys => 'doc::text')),
  ('char', def(list => 'count(*)', keys => 'code'), def(list => 'count(*)', keys => 'code::text')),
  ('array', def(list => 'count(*)', keys => 'parts'), def(list => 'count(*)', keys => 'parts[1]')),
  ('interval', def(list => 'count(*)', keys => 'until'), def(list => 'count(*)', keys => 'extract(epoch FROM until)::bigint')),
  ('collation', def(list => 'count(*)', keys => 'name COLLATE sloppy'), def(list => 'count(*)', keys => 'name COLLATE "C"')),
  ('no key', 'SELECT count(*) FROM events, trending.tumble(at, ''1 minute'') GROUP BY ()', 'SELECT count(*) FROM events, trending.tumble(at, ''1 minute'') GROUP BY window_start, window_end'),
  ('no key or window', 'SELECT count(*) FROM events', 'SELECT item, count(*) FROM events GROUP BY item'),
  ('DISTINCT', def(list => 'DISTINCT item, count(*)'), def()),
  ('FOR UPDATE', def(sort => 'FOR UPDATE'), def(sort => '')),
  ('dependent', 'SELECT title, count(*) FROM items GROUP BY id', 'SELECT title, count(*) FROM items GROUP BY id, title'),
  ('time of day', def(list => 'now(), count(*)'), def(list => 'count(*)')),
  ('of an aggregate', def(list => 'to_char(max(at), ''HH24'') AS h, count(*)'), def(list => 'max(at), count(*)')),
  ('ranking', def(list => 'trending.last(point(1, 2), at)', sort => ''), def(list => 'trending.last(point(1, 2), at)', sort => 'ORDER BY count(*) DESC')),
  ('months', def(win => 'trending.tumble(at, ''1 month 1 day'')'), def(win => 'trending.tumble(at, ''30 days'')'))
) t(what, refused_query, followed_query), outcome(refused_query) refused, outcome(followed_query) followed;
\x off
-- Nothing was created.
SELECT count(*) FROM trending.trend WHERE relation::text LIKE '%tried%';

SET client_min_messages = warning;
DROP SCHEMA rejected CASCADE;
DROP TABLE a_temp;
