-- trending.parse_timestamptz: times of documents.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;

SELECT left(t, 40) AS t, trending.parse_timestamptz(t)
FROM   unnest(ARRAY['2024-05-01T12:00:00Z', '2024-05-01t12:00z', '2024-05-01 12:00:00.123456+05:30', '20240501T120000-0330',
                    '2024-05-01T12:00:00,5Z', '2024-122T12Z', '2024-W18-3T12:00Z', '2024-05-01T24:00Z', '2016-12-31T23:59:60Z',
                    '+012024-05-01T00:00Z', '2024-05-01T12:00:00', '2024-05-01', '2024-02-30T00:00Z', 'now', 'infinity', '',
                    '01.05.2024 12:00', '1714564800', ' 2024-05-01T12:00Z', '294276-12-31T23:59:59-15:59',
                    '-004713-11-24T00:00+00', '-004713-11-24T00:00+01', repeat('1', 1000), repeat('2024-05-01T12:00:00Z', 100000), NULL]) t;

-- With a zone, which an offset in the text overrides. Times that happen twice or never are what AT TIME ZONE says.
SELECT t, z, trending.parse_timestamptz(t, z)
FROM   (VALUES ('2024-05-01T12:00:00', 'Europe/Berlin'), ('2024-05-01', 'Europe/Berlin'), ('20240501T12', 'America/St_Johns'),
               ('2024-05-01T12:00:00Z', 'Europe/Berlin'), ('2024-05-01T12:00:00-07', 'Europe/Berlin'), ('soon', 'Europe/Berlin'),
               ('-004713-11-24T00:00', 'Europe/Berlin'), ('2024-05-01T12:00:00', NULL)) v(t, z);
SELECT count(*) AS differences
FROM   unnest(ARRAY['Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'America/Sao_Paulo', 'Australia/Lord_Howe']) z,
       generate_series(timestamp '2009-01-01', '2012-06-01', '17 minutes') t
WHERE  trending.parse_timestamptz(to_char(t, 'YYYY-MM-DD"T"HH24:MI:SS'), z) IS DISTINCT FROM t AT TIME ZONE z;
SELECT trending.parse_timestamptz('2024-05-01T12:00:00', 'Europe/Atlantis');
SELECT trending.parse_timestamptz('2024-05-01T12:00:00', 'CEST');
SELECT trending.parse_timestamptz('2024-05-01T12:00:00', repeat('x', 300));

-- The same as the cast wherever both take a text, decimals included; what the server writes is read.
SELECT count(*) AS differences
FROM   generate_series(0, 9999) n, format('2024-05-01 12:00:%s.%s+0%s:30', to_char(n % 60, 'FM00'), n * 99991 % 1000003, n % 10) t
WHERE  trending.parse_timestamptz(t) IS DISTINCT FROM t::timestamptz;
SELECT count(*) AS differences
FROM   generate_series(timestamptz '1700-01-01 01:02:03.004005Z', '2300-01-01', '997 hours') t,
       unnest(ARRAY[t::text, to_jsonb(t) ->> 0]) s
WHERE  trending.parse_timestamptz(s) IS DISTINCT FROM t;

-- No setting matters.
SELECT provolatile, proisstrict, proparallel FROM pg_proc WHERE proname = 'parse_timestamptz';
CREATE TABLE results AS
SELECT t, trending.parse_timestamptz(t) AS plain, trending.parse_timestamptz(t, 'America/St_Johns') AS zoned
FROM   unnest(ARRAY['2024-05-01T12:00:00Z', '2024-05-01T12:00:00', '2024-01-02', '02/01/2024', 'yesterday', '2024-05-01T12:00 EST']) t;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET timezone_abbreviations = 'India';
SELECT count(*) AS differences FROM results
WHERE  trending.parse_timestamptz(t) IS DISTINCT FROM plain OR trending.parse_timestamptz(t, 'America/St_Johns') IS DISTINCT FROM zoned;
RESET timezone_abbreviations;
SET DateStyle = 'ISO, YMD';
SET TimeZone = 'UTC';

-- A trend over documents: what is no time is counted, what fails likewise.
CREATE TABLE documents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, doc jsonb);
CREATE INDEX ON documents (trending.parse_timestamptz(doc ->> 'at'));
INSERT INTO documents (doc) VALUES ('{"at": "2024-05-01T12:00:00Z", "page": "a"}'), ('{"at": "soon", "page": "a"}');
SELECT trending.create_trend('by_page', $$
  SELECT window_start, window_end, doc ->> 'page' AS page, count(*) AS views
  FROM   documents, trending.tumble(trending.parse_timestamptz(doc ->> 'at'), '1 hour')
  GROUP  BY window_start, window_end, doc ->> 'page' ORDER BY views DESC, page $$, idle_timeout => '3650 days');
SELECT trending.create_trend('local', $$
  SELECT window_start, window_end, doc ->> 'page' AS page, count(*) AS views,
         max(trending.parse_timestamptz(doc ->> 'at', 'Europe/Berlin')) AS latest
  FROM   documents, trending.tumble(trending.parse_timestamptz(doc ->> 'at', doc ->> 'zone'), '1 hour')
  GROUP  BY window_start, window_end, doc ->> 'page' ORDER BY views DESC, page $$, idle_timeout => '3650 days');
SELECT trending.sync() IS NOT NULL AS synced;
INSERT INTO documents (doc) VALUES
  ('{"at": "2024-05-01T12:30:00", "page": "a", "zone": "UTC"}'), ('{"at": "2024-05-01T14:30:00+02:00", "page": "b", "zone": "UTC"}'),
  ('{"at": "2024-05-01 12:59:59.999999+00", "page": "a"}'), ('{"page": "c", "zone": "UTC"}'), ('{"at": 7, "zone": "UTC"}'),
  ('{"at": "2024-05-01T12:30:00", "zone": "Europe/Atlantis"}');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT * FROM by_page;
SELECT * FROM local;
SELECT trend, events, null_time, failed FROM trending.status WHERE trend::text IN ('by_page', 'local') ORDER BY 1;
-- A zone that there is not, given once for all, is an error at once. So is a function that only looks like ours.
SELECT trending.create_trend('t', $$
  SELECT window_start, window_end, count(*) AS n
  FROM   documents, trending.tumble(trending.parse_timestamptz(doc ->> 'at', 'Europe/' || 'Atlantis'), '1 hour')
  GROUP  BY window_start, window_end ORDER BY n DESC $$);
CREATE FUNCTION parse_timestamptz(text) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT trending.parse_timestamptz($1)';
SELECT trending.create_trend('t', $$
  SELECT window_start, window_end, count(*) AS n
  FROM   documents, trending.tumble(parse_timestamptz(doc ->> 'at'), '1 hour')
  GROUP  BY window_start, window_end ORDER BY n DESC $$);
BEGIN;
CREATE OR REPLACE FUNCTION trending.parse_timestamptz(ts text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE STRICT
AS 'BEGIN RETURN ts; END';
SELECT trending.create_trend('t', $$
  SELECT window_start, window_end, count(*) AS n
  FROM   documents, trending.tumble(trending.parse_timestamptz(doc ->> 'at'), '1 hour')
  GROUP  BY window_start, window_end ORDER BY n DESC $$);
ROLLBACK;
DROP TABLE documents CASCADE;
DROP TABLE results;
DROP FUNCTION parse_timestamptz(text);
