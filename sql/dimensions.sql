-- Joined tables in a definition: what is accepted, and what is refused, each with its error.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE SCHEMA dimensions;
SET search_path = dimensions, public;
CREATE TABLE events (id int PRIMARY KEY, at timestamptz, item int, kind text, big bigint, price numeric, tags text[]);
ALTER TABLE events REPLICA IDENTITY FULL;
CREATE TABLE items (id int PRIMARY KEY, title text, maker int, kind text, code text UNIQUE, price numeric UNIQUE, at timestamptz);
CREATE TABLE makers (land text, no int, name text, PRIMARY KEY (land, no));
CREATE TABLE delayed (id int UNIQUE DEFERRABLE, title text);
CREATE TABLE partial (id int, title text);
CREATE UNIQUE INDEX ON partial (id) WHERE title IS NOT NULL;
CREATE UNIQUE INDEX ON partial ((id + 1));
CREATE VIEW seen AS SELECT * FROM items;
CREATE TEMP TABLE passing (id int PRIMARY KEY);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children () INHERITS (parents);

-- The error of a definition, or that there is none.
CREATE PROCEDURE try(source text, list text DEFAULT 'kind', cond text DEFAULT '', win text DEFAULT 'trending.tumble(e.at, ''1 minute'')') LANGUAGE plpgsql AS $$
BEGIN
  PERFORM trending.create_trend('tried', format('SELECT %s, count(*) FROM %s, %s %s GROUP BY window_end, %1$s ORDER BY 2 DESC', list, source, win, cond));
  RAISE NOTICE 'accepted';
  DROP FOREIGN TABLE tried;
END $$;

-- Accepted
CALL try('events e JOIN items i ON i.id = e.item', 'i.title');
CALL try('events e LEFT JOIN items i ON e.item = i.id', 'i.title, e.kind');
CALL try('events e JOIN items USING (id)', 'title, id');
CALL try('events e JOIN items i ON i.id = e.big', 'i.title');
CALL try('events e JOIN items i ON i.id = e.item AND i.title > ''a'' AND i.kind = e.kind', 'i.title');
CALL try('events e JOIN items i ON i.id = e.item LEFT JOIN makers m ON m.no = i.maker AND m.land = lower(e.kind)', 'm.name', 'WHERE i.price > e.price');
CALL try('events e JOIN items a ON a.id = e.item JOIN items b ON b.id = a.maker', 'a.title, b.kind');
CALL try('events e JOIN events f ON f.id = e.item', 'f.kind');

-- No unique key, or not all of it
CALL try('events e JOIN items i ON i.maker = e.item', 'i.title');
CALL try('events e JOIN makers m ON m.no = e.item', 'm.name');
CALL try('events e JOIN delayed d ON d.id = e.item', 'd.title');
CALL try('events e JOIN partial s ON s.id = e.item', 's.title');
CALL try('events e JOIN partial s ON s.id + 1 = e.item', 's.title');
CALL try('events e JOIN items i ON i.id > e.item', 'i.title');
CALL try('events e JOIN items i ON i.id = e.item OR i.id = 1', 'i.title');
CALL try('events e JOIN items i ON i.id = (SELECT 1)', 'i.title');
CALL try('events e JOIN items i ON i.id = i.maker', 'i.title');
CALL try('events e JOIN items i ON true', 'i.title');
-- Types whose equal values can differ, or that have no cast
CALL try('events e JOIN items i ON i.price = e.price', 'i.title');
CALL try('events e JOIN items i ON i.id = e.price', 'i.title');
-- The key's old values
CALL try('events e JOIN items i ON i.code = e.kind', 'i.title');
-- Kinds of joins
CALL try('events e LEFT JOIN items i ON i.id = e.item AND i.title = ''a''', 'i.title');
CALL try('events e RIGHT JOIN items i ON i.id = e.item', 'i.title');
CALL try('events e FULL JOIN items i ON i.id = e.item', 'i.title');
CALL try('events e NATURAL JOIN items i', 'i.title');
CALL try('events e CROSS JOIN items i', 'i.title');
CALL try('(events e JOIN items i ON i.id = e.item) AS j', 'title');
CALL try('events e JOIN (items i JOIN makers m ON m.no = i.maker) ON i.id = e.item', 'title');
CALL try('events e, items i', 'i.title');
CALL try('events e JOIN (SELECT * FROM items) i ON i.id = e.item', 'i.title');
CALL try('events e JOIN items a ON a.id = e.item JOIN items b ON b.id = e.item JOIN items c ON c.id = e.item JOIN items d ON d.id = e.item JOIN items f ON f.id = e.item', 'f.title');
-- Kinds of tables
CALL try('events e JOIN seen i ON i.id = e.item', 'i.title');
CALL try('events e JOIN passing i ON i.id = e.item', 'i.id');
CALL try('events e JOIN unlogged i ON i.id = e.item', 'i.id');
CALL try('events e JOIN parents i ON i.id = e.item', 'i.id');
CALL try('events e JOIN pg_class i ON i.oid = e.item::oid', 'i.relname');
-- What of it is read
CALL try('events e JOIN items i ON i.id = e.item', 'i.ctid');
CALL try('events e JOIN items i ON i.id = e.item', 'i.title', win => 'trending.tumble(i.at, ''1 minute'')');
CALL try('events e JOIN items i ON i.id = e.item', 'i.title', win => 'trending.session(e.at, ''1 minute'')');
CALL try('events e JOIN items i ON i.id = e.item', 'i.title', win => 'trending.tumble(trending.commit_time(e.xmin), ''1 minute'')');
CALL try('events e JOIN items i ON i.id = e.item', 'i.title', win => 'unnest(e.tags), trending.tumble(e.at, ''1 minute'')');
CALL try('events e JOIN items i ON i.id = e.item', 'i.title', 'WHERE i.at > now()');
SELECT trending.create_trend('tried', 'SELECT i.title, trending.decayed_count(e.at, ''1 hour'') FROM events e JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');
SELECT trending.create_trend('tried', 'SELECT i.title, trending.approx_count_distinct(i.maker) FROM events e JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');
SELECT trending.create_trend('tried', 'SELECT i.title, stddev(i.maker) FROM events e JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');

-- Rights on every table
CREATE ROLE regress_joiner;
GRANT USAGE, CREATE ON SCHEMA dimensions TO regress_joiner;
GRANT SELECT ON events TO regress_joiner;
GRANT SELECT (id, title) ON items TO regress_joiner;
SET ROLE regress_joiner;
SELECT trending.create_trend('tried', 'SELECT i.maker, count(*) FROM events e JOIN items i ON i.id = e.item GROUP BY i.maker ORDER BY 2 DESC');
SELECT trending.create_trend('tried', 'SELECT i.title, count(*) FROM events e JOIN makers m ON m.land = e.kind AND m.no = e.item JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');
RESET ROLE;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
SET ROLE regress_joiner;
SELECT trending.create_trend('tried', 'SELECT i.title, count(*) FROM events e JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');
RESET ROLE;
ALTER TABLE items DISABLE ROW LEVEL SECURITY;

-- Columns that are read cannot go by themselves
SELECT trending.create_trend('kept', 'SELECT i.title, count(*) FROM events e JOIN items i ON i.id = e.item GROUP BY i.title ORDER BY 2 DESC');
ALTER TABLE items DROP COLUMN title;
ALTER TABLE items ALTER COLUMN title TYPE varchar(10);
SELECT trending.definition('kept');
SELECT trending.drop_trend('kept');

SET client_min_messages = warning;
DROP SCHEMA dimensions CASCADE;
DROP ROLE regress_joiner;
