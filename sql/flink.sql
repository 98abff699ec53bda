-- SPDX-License-Identifier: PostgreSQL
-- trending.to_flink_sql: the text; test/flink runs the examples on a real Flink.
SET client_min_messages = warning;
SET timezone = 'Asia/Tokyo';
CREATE TABLE shops (id int PRIMARY KEY, city text NOT NULL);
CREATE TABLE sales (
  id bigint PRIMARY KEY, shop int NOT NULL, product text, amount numeric(10,2), pieces int, tags text[],
  at timestamptz, doc jsonb, rowtime int);
ALTER TABLE sales REPLICA IDENTITY FULL;

SELECT trending.create_trend('by_product', $$
  SELECT window_start, window_end, lower(product) AS product, sum(amount) AS turnover, avg(pieces) AS pieces,
         count(*) FILTER (WHERE amount > 10 AND product LIKE 'a%') AS big,
         count(*) FILTER (WHERE at >= window_end - interval '1 minute') AS recent,
         count(*) * 100 / sum(pieces) AS share
  FROM   sales, trending.hop(at, slide => '1 minute', size => '1 week')
  WHERE  doc ->> 'kind' = 'it''s' AND doc #>> '{a,b}' IS NOT NULL AND pieces IN (1, 2)
  GROUP  BY window_start, window_end, lower(product)
  HAVING sum(amount) > 5
  ORDER  BY turnover DESC, product DESC
$$, watermark_delay => '1.5 seconds', history_limit => NULL);
SELECT trending.create_trend('by_city', $$
  SELECT window_end, city, product, count(*) AS sold
  FROM   sales s LEFT JOIN shops d ON d.id = s.shop, trending.tumble(at, '1 hour', origin => '2024-01-01 00:10+00')
  GROUP  BY window_start, window_end, city, product ORDER BY sold DESC
$$, partition_by => '{city}', allowed_lateness => '2 hours');
SELECT trending.create_trend('by_tag', $$
  SELECT window_start, window_end, doc ->> 'tag' AS tag, count(DISTINCT shop) AS shops
  FROM   sales, trending.session(at, gap => '5 minutes')
  GROUP  BY window_start, window_end, doc ->> 'tag' ORDER BY shops DESC
$$);
SELECT trending.create_trend('ever', $$ SELECT product, max(at) AS latest FROM sales GROUP BY product ORDER BY latest DESC $$);

\a
\t
SELECT trending.to_flink_sql('by_product');
-- One statement set; sources are shared where their times are.
SELECT trending.to_flink_sql('by_city', 'by_tag', 'ever');

-- What Flink has no equal of.
CREATE FUNCTION refused(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  state  text;
BEGIN
  BEGIN
    PERFORM trending.create_trend('refused', query);
    PERFORM trending.to_flink_sql('refused');
    RAISE EXCEPTION USING DETAIL = 'accepted';
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
    RETURN state || ' ' || detail;
  END;
END $$;
CREATE FUNCTION refused_of(aggregate text, windows text DEFAULT 'trending.tumble(at, ''1 hour'')', condition text DEFAULT 'true')
RETURNS text LANGUAGE sql RETURN
  refused(format('SELECT window_start, window_end, product, %s AS v FROM sales, %s WHERE %s GROUP BY window_start, window_end, product ORDER BY v', aggregate, windows, condition));
SELECT refused('SELECT product, trending.decayed_count(at, ''1 hour'') AS v FROM sales GROUP BY product ORDER BY v');
SELECT a, refused_of(a) FROM unnest('{"trending.first(amount, at)", "trending.last(amount, at)", "trending.approx_count_distinct(product)", "trending.approx_percentile(0.5, pieces::float8)", "stddev(pieces)", "max(doc::text::varchar)", "min(product COLLATE \"C\")", "count(*)::text", "max(at - interval ''1 month'')", "sum(amount::float8::int)"}'::text[]) a;
SELECT w, refused_of('count(*)', w) FROM unnest('{"trending.tumble(at, ''1 day'', zone => ''Europe/Berlin'')", "trending.tumble(at, ''1 month'')", "trending.hop(at, ''7 minutes'', ''10 minutes'')", "trending.tumble(at, ''0.5 ms'')", "trending.tumble(trending.commit_time(xmin), ''1 hour'')", "string_to_table(product, '' '') t, trending.tumble(at, ''1 hour'')", "unnest(tags) t, trending.tumble(at, ''1 hour'')"}'::text[]) w;
SELECT c, refused_of('count(*)', condition => c) FROM unnest('{"product ~ ''a''", "doc -> ''a'' IS NOT NULL", "doc ->> ''a b'' = ''1''", "doc ->> -1 = ''1''", "product LIKE ''a\\%''", "at + interval ''1 day'' > ''2024-01-01''", "amount = ''NaN''", "pieces = ANY (tags::int[])", "substr(product, 2) = ''a''", "md5(product) = ''a''"}'::text[]) c;

-- Who may read the trend; and what is no trend.
CREATE ROLE flink_stranger;
SET ROLE flink_stranger;
SELECT trending.to_flink_sql('by_product');
RESET ROLE;
DROP ROLE flink_stranger;
SELECT trending.to_flink_sql('sales');
SELECT trending.to_flink_sql(NULL);
SELECT trending.to_flink_sql(VARIADIC '{}');
DROP FOREIGN TABLE by_product, by_city, by_tag, ever;
DROP TABLE sales, shops;
DROP FUNCTION refused_of(text, text, text), refused(text);
