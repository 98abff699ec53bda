-- SPDX-License-Identifier: PostgreSQL
/* sql/trending--0.1.0--0.2.0.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION trending UPDATE" to load this file. \quit

-- What changes here changes in trending--0.2.0.sql, too: a test compares the catalogs that the two ways lead to.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Functions that are not for users have a schema of their own.
CREATE SCHEMA trending_internal;
ALTER FUNCTION trending.request_worker SET SCHEMA trending_internal;
ALTER FUNCTION trending.first_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.last_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.pick_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.pick_combine SET SCHEMA trending_internal;
ALTER FUNCTION trending.pick_serialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.pick_deserialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.latest_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.latest_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.latest_combine SET SCHEMA trending_internal;
ALTER FUNCTION trending.latest_serialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.latest_deserialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.percentile_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.percentile_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.percentile_combine SET SCHEMA trending_internal;
ALTER FUNCTION trending.percentile_serialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.percentile_deserialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_count_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_sum_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_count_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_sum_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_combine SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_serialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.decayed_deserialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.approx_step SET SCHEMA trending_internal;
ALTER FUNCTION trending.approx_final SET SCHEMA trending_internal;
ALTER FUNCTION trending.approx_combine SET SCHEMA trending_internal;
ALTER FUNCTION trending.approx_serialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.approx_deserialize SET SCHEMA trending_internal;
ALTER FUNCTION trending.as_backfill_mode SET SCHEMA trending_internal;
ALTER FUNCTION trending.is_later SET SCHEMA trending_internal;
ALTER FUNCTION trending.fdw_handler SET SCHEMA trending_internal;
ALTER FUNCTION trending.fdw_validator SET SCHEMA trending_internal;
ALTER FUNCTION trending.trend_stats SET SCHEMA trending_internal;
ALTER FUNCTION trending.worker_stats SET SCHEMA trending_internal;
ALTER FUNCTION trending.commit_latency SET SCHEMA trending_internal;
ALTER FUNCTION trending.caught SET SCHEMA trending_internal;
ALTER FUNCTION trending.live_differences SET SCHEMA trending_internal;
ALTER FUNCTION trending.history_differences_now SET SCHEMA trending_internal;
ALTER FUNCTION trending.history_differences SET SCHEMA trending_internal;
ALTER FUNCTION trending.expire_trend SET SCHEMA trending_internal;
ALTER FUNCTION trending.forget_dropped SET SCHEMA trending_internal;
ALTER FUNCTION trending.tell_of_names SET SCHEMA trending_internal;

CREATE OR REPLACE FUNCTION trending_internal.history_differences(trend regclass, OUT found_in text, OUT "row" jsonb)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  written  pg_lsn;
  patience timestamptz;
  sides    text[];
  rows     jsonb[];
  settled  bool[];
  reported_sides text[] := '{}';
  reported_rows  jsonb[] := '{}';
  doubtful_sides text[] := '{}';
  doubtful_rows  jsonb[] := '{}';
BEGIN
  FOR round IN 1 .. 5 LOOP
    SELECT array_agg(q.found_in), array_agg(q."row"), array_agg(q.settled) INTO sides, rows, settled
    FROM   trending_internal.history_differences_now(history_differences.trend) q;
    SELECT array_agg(d.side), array_agg(d.r), array_agg(d.is_settled OR b.r IS NOT NULL) INTO sides, rows, settled
    FROM   unnest(sides, rows, settled) d(side, r, is_settled)
    LEFT   JOIN unnest(doubtful_sides, doubtful_rows) b(side, r) ON b.side = d.side AND b.r = d.r
    WHERE  NOT EXISTS (SELECT FROM unnest(reported_sides, reported_rows) p(side, r) WHERE p.side = d.side AND p.r = d.r);
    RETURN QUERY SELECT d.side, d.r FROM unnest(sides, rows, settled) d(side, r, is_settled) WHERE d.is_settled;
    SELECT coalesce(array_agg(d.side) FILTER (WHERE NOT d.is_settled), '{}'), coalesce(array_agg(d.r) FILTER (WHERE NOT d.is_settled), '{}'),
           reported_sides || array_agg(d.side) FILTER (WHERE d.is_settled), reported_rows || array_agg(d.r) FILTER (WHERE d.is_settled)
    INTO   doubtful_sides, doubtful_rows, reported_sides, reported_rows
    FROM   unnest(sides, rows, settled) d(side, r, is_settled);
    IF doubtful_sides = '{}' THEN
      RETURN;
    END IF;
    written := trending.sync('1 minute');
    patience := clock_timestamp() + current_setting('trending.checkpoint_interval')::interval + interval '5 seconds';
    WHILE coalesce((SELECT w.confirmed_lsn < written FROM trending.worker_status w), true) AND clock_timestamp() < patience LOOP
      PERFORM pg_sleep(0.05);
    END LOOP;
  END LOOP;
  RAISE NOTICE '% rows of history that are missing or not final changed all the time', cardinality(doubtful_sides)
    USING HINT = 'Call trending.verify() again when less is written to these windows.';
END $$;

CREATE OR REPLACE FUNCTION trending.verify(trend regclass, OUT part text, OUT found_in text, OUT "row" jsonb)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $$
#variable_conflict use_column
DECLARE
  known trending.trend;
BEGIN
  PERFORM trending.batch_query(verify.trend);  -- says so if it is no trend, or not readable
  SELECT * INTO known FROM trending.trend r WHERE r.relation = verify.trend;
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'trending.verify() does not work in a transaction of isolation level %', current_setting('transaction_isolation')
      USING ERRCODE = 'active_sql_transaction', DETAIL = 'It would compare the trend of now with the source as it was.',
      HINT = 'Use READ COMMITTED.';
  END IF;
  PERFORM trending.sync('1 minute');  -- so that writers are kept out briefly
  RETURN QUERY SELECT 'current window', d.found_in, d."row" FROM trending_internal.live_differences(verify.trend) d;
  IF known.history IS NOT NULL AND known.history_limit IS DISTINCT FROM 0 THEN
    RETURN QUERY SELECT 'history', d.found_in, d."row" FROM trending_internal.history_differences(verify.trend) d;
  END IF;
END $$;

CREATE OR REPLACE FUNCTION trending.expire(trend regclass DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $$
DECLARE
  one     regclass;
  deleted bigint := 0;
BEGIN
  IF trend IS NOT NULL THEN
    RETURN trending_internal.expire_trend(trend);
  END IF;
  FOR one IN
    SELECT t.relation FROM trending.trend t JOIN pg_class c ON c.oid = t.relation
    WHERE t.retention IS NOT NULL AND pg_has_role(c.relowner, 'USAGE') ORDER BY t.id
  LOOP
    BEGIN
      deleted := deleted + trending_internal.expire_trend(one);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING 'trend "%": %', one, SQLERRM;
    END;
  END LOOP;
  RETURN deleted;
END $$;

-- Of the internal functions only those can be called that are called with the rights of whoever calls ours: in views (the
-- first three) and casts, in queries that the worker or recompute run as the owner of a trend (is_later, caught), and by
-- verify and expire. Each of them checks its caller itself.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trending_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA trending_internal TO PUBLIC;
GRANT EXECUTE ON FUNCTION trending_internal.trend_stats(), trending_internal.worker_stats(), trending_internal.commit_latency(),
  trending_internal.as_backfill_mode(bool), trending_internal.is_later(xid, bigint, bigint[]),
  trending_internal.caught(anyelement, int, "any"), trending_internal.live_differences(regclass),
  trending_internal.history_differences(regclass), trending_internal.history_differences_now(regclass),
  trending_internal.expire_trend(regclass) TO PUBLIC;

-- The tables of the stored state stay.
COMMENT ON SCHEMA trending_internal IS 'internal: functions that the extension calls itself; they may change with any release';
COMMENT ON SEQUENCE trending.trend_id_seq IS 'numbers of trends';
COMMENT ON COLUMN trending.trend.id IS
  'number of the trend';
COMMENT ON TABLE trending.checked_definition IS 'stored state: the definitions that were checked when their trends were created';
COMMENT ON TABLE trending.waiting_redo IS 'stored state: windows that go from history, since their trend was refilled: those that are not final and end after one time, all after another';
COMMENT ON TABLE trending.waiting_alert IS 'stored state: alerts that could not be written to their table yet';
COMMENT ON TABLE trending.waiting_window IS 'stored state: closed windows that could not be written to history yet';
COMMENT ON TABLE trending.waiting_late IS 'stored state: late rows that could not be written to their table yet';
COMMENT ON TABLE trending.waiting_count IS 'stored state: how many rows of each trend are deferred: how their loss is noticed';
COMMENT ON SEQUENCE trending.waiting_late_id_seq IS 'stored state: order of deferred late rows';
COMMENT ON SEQUENCE trending.waiting_alert_id_seq IS 'stored state: order of deferred alerts';
COMMENT ON TABLE trending.trend_start IS 'stored state: which rows came after a trend was created, and how far back its history is complete';
COMMENT ON TABLE trending.trend_clock IS 'stored state: event clock and numbers of refused rows at the checkpoint, of each trend that has no stored state since it is being filled';
COMMENT ON TABLE trending.checkpoint IS 'stored state: the WAL position up to which the stored state has counted';
COMMENT ON TABLE trending.trend_state IS 'stored state: event clock, counters and options of each trend at the checkpoint';
COMMENT ON TABLE trending.checkpoint_trend IS 'stored state: which trends have a stored state at the checkpoint';
COMMENT ON TABLE trending.trend_ahead_range IS 'stored state: times of rows of each trend that were refused as too far ahead';
COMMENT ON TABLE trending.trend_source_table IS 'stored state: the tables of each trend''s source at the checkpoint';
COMMENT ON TABLE trending.pane_state IS 'stored state: counted cells of each pane at the checkpoint: a whole, then deltas';
COMMENT ON FUNCTION trending.counted_since(regclass) IS 'rows from before this time are forgotten by a trend of decayed aggregates, or the server has forgotten when they were committed; NULL: none are. trending.batch_query asks for it';
COMMENT ON FUNCTION trending.nearly_equal(float8, float8, float8) IS 'whether two numbers are equal, both NULL, or different by at most this part of the greater: how trending.verify compares floats, whose sums depend on the order of rows';
COMMENT ON FUNCTION trending.nearly_equal(float8, float8, float8, float8) IS 'the same; the difference may be that part of size, if that is greater still: the size of what was added up';

-- The worker, which does not run under SQL of another version than its own, starts when this transaction commits.
SELECT trending_internal.request_worker();
