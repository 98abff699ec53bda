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

-- More is measured.
CREATE FUNCTION trending_internal.trend_counters(OUT trend_id int, OUT retracted bigint, OUT windows_closed bigint)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_trend_counters';
COMMENT ON FUNCTION trending_internal.trend_counters() IS
  'internal: rows that each trend took back, and windows that closed, since its worker began, for trending.metrics';
CREATE OR REPLACE VIEW trending.metrics AS
SELECT m.name, m.type, jsonb_build_object('trend', s.trend) AS labels, m.value, m.help
FROM   trending.status s JOIN trending.trend t ON t.relation = s.relation
       LEFT JOIN trending_internal.trend_counters() c ON c.trend_id = t.id CROSS JOIN LATERAL (VALUES
         ('trending_up', 'gauge', (s.state = 'running')::int::float8, '1 when the trend can be read'),
         ('trending_stopped', 'gauge', (s.state = 'stopped')::int, '1 when the trend waits for trending.resume()'),
         ('trending_retractable', 'gauge', s.retractable::int, '1 when updates and deletes can be followed'),
         ('trending_backfilling', 'gauge', (s.backfilling IS NOT NULL)::int, '1 while history is filled back'),
         ('trending_changes_total', 'counter', s.version, 'how often readers were shown something new'),
         ('trending_events_total', 'counter', s.events, 'rows counted, or retracted'),
         ('trending_retractions_total', 'counter', c.retracted, 'rows taken back, which are in trending_events_total as well'),
         ('trending_windows_closed_total', 'counter', CASE WHEN t.history IS NOT NULL THEN c.windows_closed END,
          'closed windows taken for history, again when they were corrected'),
         ('trending_late_total', 'counter', s.late, 'rows that came too late for any window'),
         ('trending_ahead_total', 'counter', s.ahead, 'rows dated further ahead than max_ahead'),
         ('trending_null_time_total', 'counter', s.null_time, 'rows without a time'),
         ('trending_failed_total', 'counter', s.failed, 'rows whose expressions failed'),
         ('trending_out_of_range_total', 'counter', s.out_of_range, 'rows at times that cannot be counted'),
         ('trending_refused_total', 'counter', s.refused, 'rows refused at a limit of groups or memory'),
         ('trending_unmatched_total', 'counter', s.unmatched, 'rows retracted that had not been counted'),
         ('trending_unretracted_total', 'counter', s.unretracted, 'rows that could not be retracted'),
         ('trending_live_groups', 'gauge', s.live_groups, 'groups in the current window'),
         ('trending_kept_groups', 'gauge', s.kept_groups, 'groups in all windows that may still change'),
         ('trending_kept_panes', 'gauge', s.kept_panes, 'panes in all windows that may still change'),
         ('trending_memory_bytes', 'gauge', s.memory_bytes, 'shared memory of the trend'),
         ('trending_event_clock_seconds', 'gauge', extract(epoch FROM s.event_clock), 'the latest event time'),
         ('trending_watermark_seconds', 'gauge', extract(epoch FROM s.watermark), 'windows that end before are closed'),
         ('trending_window_end_seconds', 'gauge', extract(epoch FROM s.window_end), 'end of the current window')
       ) m(name, type, value, help)
WHERE  m.value IS NOT NULL AND m.value::float8 NOT IN ('infinity', '-infinity')
UNION ALL
SELECT m.name, m.type, '{}', m.value, m.help
FROM   trending.worker_status w CROSS JOIN LATERAL (VALUES
         ('trending_worker_up', 'gauge', (w.state = 'running')::int::float8, '1 when the worker serves this database'),
         ('trending_worker_starts_total', 'counter', w.starts, 'workers started since the server began'),
         ('trending_worker_failures', 'gauge', w.failures, 'how often in a row the worker ended with an error'),
         ('trending_set_aside_trends', 'gauge', w.set_aside, 'trends stopped because workers died for them'),
         ('trending_memory_granted_bytes', 'gauge', w.memory_granted, 'shared memory granted to all trends so far'),
         ('trending_memory_limit_bytes', 'gauge', pg_size_bytes(current_setting('trending.memory_limit', true)),
          'the most that all trends may take'),
         ('trending_lag_bytes', 'gauge', w.lag_bytes, 'WAL that is written and not yet applied'),
         ('trending_lag_seconds', 'gauge', w.latency_ms / 1000, 'how long after its commit the last transaction became visible'),
         ('trending_slot_bytes', 'gauge', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() - w.confirmed_lsn END,
          'WAL since the last checkpoint, which the slot keeps'),
         ('trending_transactions_total', 'counter', w.transactions, 'transactions applied since the worker began'),
         ('trending_checkpoint_age_seconds', 'gauge', extract(epoch FROM now() - w.checkpoint_at),
          'time since the last checkpoint'),
         ('trending_checkpoint_duration_seconds', 'gauge', w.checkpoint_ms / 1000, 'what the last checkpoint took'),
         ('trending_checkpoint_bytes', 'gauge', w.checkpoint_bytes, 'what the last checkpoint wrote'),
         ('trending_checkpoint_hold_seconds', 'gauge', w.checkpoint_hold_ms / 1000,
          'the longest time for which the last checkpoint kept the readers of a trend waiting')
       ) m(name, type, value, help)
WHERE  m.value IS NOT NULL
UNION ALL
SELECT m.name, 'histogram', m.labels, m.value, 'how long after their commit transactions became visible'
FROM   trending_internal.commit_latency() l CROSS JOIN LATERAL (VALUES
         ('trending_latency_seconds_bucket', jsonb_build_object('le', CASE WHEN l.upto < 'infinity' THEN l.upto::text ELSE '+Inf' END),
          l.transactions::float8),
         ('trending_latency_seconds_count', CASE WHEN l.upto = 'infinity' THEN '{}'::jsonb END, l.transactions),
         ('trending_latency_seconds_sum', CASE WHEN l.upto = 'infinity' THEN '{}'::jsonb END, l.seconds)
       ) m(name, labels, value)
WHERE  m.labels IS NOT NULL;
COMMENT ON VIEW trending.metrics IS
  'the numbers of trending.status and trending.worker_status as rows, and some more, for monitoring: times in seconds, sizes in bytes. What is not known now has no row';

-- Of the internal functions only those can be called that are called with the rights of whoever calls ours: in views (the
-- first four) and casts, in queries that the worker or recompute run as the owner of a trend (is_later, caught), and by
-- verify and expire. Each of them checks its caller itself.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trending_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA trending_internal TO PUBLIC;
GRANT EXECUTE ON FUNCTION trending_internal.trend_stats(), trending_internal.trend_counters(), trending_internal.worker_stats(), trending_internal.commit_latency(),
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
