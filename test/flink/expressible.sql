-- SPDX-License-Identifier: PostgreSQL
-- "yes TREND", or "no TREND: the reason".
CREATE FUNCTION pg_temp.expressible(trend regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  reason text;
BEGIN
  PERFORM trending.to_flink_sql(trend);
  RETURN 'yes ' || trend;
EXCEPTION WHEN feature_not_supported THEN
  GET STACKED DIAGNOSTICS reason = PG_EXCEPTION_DETAIL;
  RETURN format('no %s: %s', trend, reason);
END $$;
SELECT pg_temp.expressible(relation) FROM trending.trend ORDER BY id;
