-- SPDX-License-Identifier: PostgreSQL
-- Rows that a trend and its Flink job do not share, of windows that ended before the rows that close them all: one line
-- for each trend. Bounds of sessions are compared to the millisecond; averages and floats to six digits after the point.
CREATE FUNCTION pg_temp.compared(relation regclass, OUT trend text, OUT rows bigint, OUT differences bigint) LANGUAGE plpgsql AS $$
DECLARE
  known   trending.trend;
  columns text;
  flink   text;
  kept    text;
  before  text := '';
BEGIN
  SELECT * INTO known FROM trending.trend t WHERE t.relation = compared.relation;
  SELECT string_agg(CASE WHEN a.atttypid = 'timestamptz'::regtype THEN format(CASE WHEN a.attname LIKE 'window%%' THEN 'date_trunc(''milliseconds'', %I AT TIME ZONE ''UTC'')' ELSE '%I AT TIME ZONE ''UTC''' END, a.attname)
                         WHEN a.atttypid IN ('numeric'::regtype, 'float8'::regtype) THEN format('round(%I::numeric, 6)', a.attname)
                         ELSE quote_ident(a.attname) END, ', ' ORDER BY a.attnum)
  INTO   columns FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped;
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = 'window_end') THEN
    before := ' AND window_end < date_trunc(''hour'', now()) - interval ''2 hours''';
  END IF;
  kept := CASE WHEN before = '' THEN relation::text WHEN known.history_limit = 0 THEN format('(%s) b', trending.batch_query(relation))
               ELSE known.history::text END;
  flink := replace(columns, ' AT TIME ZONE ''UTC''', '');
  EXECUTE format('WITH ours AS (SELECT %1$s FROM %2$s WHERE rank <= %3$s%4$s), theirs AS (SELECT %5$s FROM %6$s WHERE true%4$s)
                  SELECT (SELECT count(*) FROM ours),
                         (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE theirs) d) + (SELECT count(*) FROM (TABLE theirs EXCEPT ALL TABLE ours) d)',
                 columns, kept, CASE WHEN before = '' OR known.history_limit = 0 THEN 100 ELSE coalesce(known.history_limit, 2147483647) END,
                 before, flink, relation || '_flink')
  INTO   rows, differences;
  trend := relation::text;
END $$;

SELECT c.* FROM trending.trend t CROSS JOIN LATERAL pg_temp.compared(t.relation) c
WHERE  to_regclass(t.relation || '_flink') IS NOT NULL ORDER BY t.id;
