-- Keys of every type: what the trend shows, ties included, is what its definition gives in batch.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET client_min_messages = warning;
CREATE SCHEMA keys;
SET search_path = keys, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
ALTER TYPE mood ADD VALUE 'bored' BEFORE 'ok';
CREATE DOMAIN short AS text CHECK (length(VALUE) < 10);
CREATE TABLE keyed (
  at timestamptz, k_int2 int2, k_int4 int4, k_int8 int8, k_text text, k_text_c text COLLATE "C", k_varchar varchar(20),
  k_bool bool, k_date date, k_timestamp timestamp, k_timestamptz timestamptz, k_time time, k_timetz timetz, k_uuid uuid,
  k_inet inet, k_cidr cidr, k_macaddr macaddr, k_macaddr8 macaddr8, k_mood mood, k_short short, k_name name,
  k_bytea bytea, k_bit bit(5), k_varbit varbit, k_money money, k_lsn pg_lsn, k_oid oid, k_char "char", k_xid8 xid8,
  k_oidvector oidvector);

-- One trend for each column, and what differs between it and its definition.
CREATE FUNCTION key_columns() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT attname::text FROM pg_attribute WHERE attrelid = 'keyed'::regclass AND attname LIKE 'k\_%' ORDER BY attnum $$;
DO $$
DECLARE key text;
BEGIN
  FOR key IN SELECT * FROM key_columns() LOOP
    PERFORM trending.create_trend('by_' || key, format(
      'SELECT %1$I, count(*) AS n FROM keyed, trending.tumble(at, ''1 day'') GROUP BY window_end, %1$I ORDER BY n DESC', key),
      idle_timeout => '1 day');
  END LOOP;
END $$;
CREATE FUNCTION differences(key text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE result bigint;
BEGIN
  EXECUTE format($q$
    WITH batch AS (SELECT %1$I AS key, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, %1$I) AS rank
                   FROM keyed, trending.tumble(at, '1 day') WHERE window_start = '2024-05-01' GROUP BY window_end, %1$I),
         live AS (SELECT %1$I AS key, n, rank FROM %2$I)
    SELECT count(*) FROM ((TABLE batch EXCEPT ALL TABLE live) UNION ALL (TABLE live EXCEPT ALL TABLE batch)) d $q$,
    key, 'by_' || key) INTO result;
  RETURN result;
END $$;

INSERT INTO keyed
SELECT '2024-05-01 12:00', i % 7 - 3, i % 11 - 5, (i % 13 - 6) * 10000000000, repeat(chr(97 + i % 26), i % 5),
       chr(97 + i % 5) || CASE WHEN i % 2 = 0 THEN 'É' ELSE 'z' END, (i % 17)::text, i % 3 = 0,
       date '2000-01-01' + (i % 9 - 4), timestamp '2000-01-01' + (i % 9 - 4) * interval '1 us',
       timestamptz '2000-01-01' + (i % 9 - 4) * interval '1 hour', time '12:00' + (i % 4) * interval '1 us',
       timetz '12:00+02' + (i % 4) * interval '1 hour', md5((i % 5)::text)::uuid,
       format('10.%s.0.%s', i % 3, i % 5)::inet, format('10.%s.0.0/16', i % 3)::cidr,
       format('08:00:2b:01:02:%s', lpad((i % 7)::text, 2, '0'))::macaddr,
       format('08:00:2b:01:02:03:04:%s', lpad((i % 7)::text, 2, '0'))::macaddr8,
       ('{sad,bored,ok,happy}'::mood[])[1 + i % 4], 's' || i % 6, 'name' || i % 6, decode(md5((i % 6)::text), 'hex'),
       (i % 32)::bit(5), (i % 32)::bit(5)::varbit, (i % 8)::money, format('0/%s', i % 8)::pg_lsn, 4000000000 + i % 4,
       chr(97 + i % 3)::"char", (i % 5)::text::xid8, format('%s %s', i % 2, i % 3)::oidvector
FROM   generate_series(1, 500) i;
INSERT INTO keyed (at) SELECT '2024-05-01 12:00' FROM generate_series(1, 10);
-- Strings around every change of storage: one-byte header, four-byte header, compressed, out of line.
INSERT INTO keyed (at, k_text, k_bytea, k_varbit)
SELECT '2024-05-01 13:00', repeat('x', n), convert_to(repeat('y', n), 'UTF8'), repeat('01', n)::varbit
FROM   unnest(ARRAY[0, 1, 2, 124, 125, 126, 127, 128, 129, 500, 2500, 9000, 100000]) n, generate_series(1, 3);
INSERT INTO keyed (at, k_text, k_text_c)
SELECT '2024-05-01 13:00', s, s
FROM   (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) i) v(s), generate_series(1, 2);
SELECT trending.sync() IS NOT NULL AS synced;
SELECT key, differences(key) FROM key_columns() key WHERE differences(key) <> 0;
SELECT count(*) AS long_keys, sum(n), max(length(k_text)) FROM by_k_text WHERE length(k_text) > 100;

-- Several keys, NULLs among them; the order of ties as the definition says.
SELECT trending.create_trend('by_many', $$
  SELECT window_start, k_text_c, k_int4, count(*) AS n, k_mood, count(k_int4) FILTER (WHERE k_bool) AS yes
  FROM   keyed, trending.tumble(at, '1 day') GROUP BY window_start, k_int4, k_mood, k_text_c
  ORDER  BY n, k_mood DESC NULLS LAST, k_text_c DESC $$, idle_timeout => '1 day');
SELECT trending.sync() IS NOT NULL AS synced;
WITH batch AS (
  SELECT window_start, k_text_c, k_int4, count(*) AS n, k_mood, count(k_int4) FILTER (WHERE k_bool) AS yes,
         row_number() OVER (ORDER BY count(*), k_mood DESC NULLS LAST, k_text_c DESC, k_int4) AS rank
  FROM   keyed, trending.tumble(at, '1 day') WHERE window_start = '2024-05-01' GROUP BY window_start, k_int4, k_mood, k_text_c)
SELECT (SELECT count(*) > 100 FROM by_many) AS many,
       (SELECT count(*) FROM (TABLE batch EXCEPT ALL TABLE by_many) d) AS missing,
       (SELECT count(*) FROM (TABLE by_many EXCEPT ALL TABLE batch) d) AS extra;

-- No key at all.
SELECT trending.create_trend('by_none', 'SELECT window_end, count(*) FROM keyed, trending.tumble(at, ''1 day'') GROUP BY window_end',
                             idle_timeout => '1 day');
SELECT trending.sync() IS NOT NULL AS synced;
SELECT window_end, count = (SELECT count(*) FROM keyed) AS all, rank FROM by_none;

DROP SCHEMA keys CASCADE;
