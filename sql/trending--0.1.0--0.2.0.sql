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

DROP FUNCTION trending_internal.history_differences_now(regclass);
CREATE FUNCTION trending_internal.history_differences_now(trend regclass, OUT found_in text, OUT "row" jsonb, OUT other jsonb, OUT settled bool)
RETURNS SETOF record LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_history_differences_now';
COMMENT ON FUNCTION trending_internal.history_differences_now(regclass) IS 'internal: the rows in which a trend''s history and its definition differ now; other: what the other side has instead; settled: the worker will not change the row any more';
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
  others   jsonb[];
  settled  bool[];
  reported_sides  text[] := '{}';
  reported_rows   jsonb[] := '{}';
  doubtful_sides  text[] := '{}';
  doubtful_rows   jsonb[] := '{}';
  doubtful_others jsonb[] := '{}';
BEGIN
  FOR round IN 1 .. 5 LOOP
    SELECT array_agg(q.found_in), array_agg(q."row"), array_agg(q.other), array_agg(q.settled) INTO sides, rows, others, settled
    FROM   trending_internal.history_differences_now(history_differences.trend) q;
    SELECT array_agg(d.side), array_agg(d.r), array_agg(d.o), array_agg(d.is_settled OR b.r IS NOT NULL) INTO sides, rows, others, settled
    FROM   unnest(sides, rows, others, settled) d(side, r, o, is_settled)
    LEFT   JOIN unnest(doubtful_sides, doubtful_rows, doubtful_others) b(side, r, o) ON b.side = d.side AND b.r = d.r AND b.o = d.o
    WHERE  NOT EXISTS (SELECT FROM unnest(reported_sides, reported_rows) p(side, r) WHERE p.side = d.side AND p.r = d.r);
    RETURN QUERY SELECT d.side, d.r FROM unnest(sides, rows, settled) d(side, r, is_settled) WHERE d.is_settled;
    SELECT coalesce(array_agg(d.side) FILTER (WHERE NOT d.is_settled), '{}'), coalesce(array_agg(d.r) FILTER (WHERE NOT d.is_settled), '{}'),
           coalesce(array_agg(d.o) FILTER (WHERE NOT d.is_settled), '{}'),
           reported_sides || array_agg(d.side) FILTER (WHERE d.is_settled), reported_rows || array_agg(d.r) FILTER (WHERE d.is_settled)
    INTO   doubtful_sides, doubtful_rows, doubtful_others, reported_sides, reported_rows
    FROM   unnest(sides, rows, others, settled) d(side, r, o, is_settled);
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

-- Standbys show trends as of their last checkpoint.
CREATE FUNCTION trending_internal.as_of()
RETURNS timestamptz LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_as_of';
COMMENT ON FUNCTION trending_internal.as_of() IS 'internal: the time of the checkpoint that a standby shows, for trending.status';

CREATE OR REPLACE VIEW trending.status AS
SELECT t.relation::text AS trend, t.relation, t.source,
       CASE WHEN w.state = 'running' THEN coalesce(s.state, 'starting')
            WHEN w.state IN ('starting', 'recovering') THEN w.state
            ELSE 'worker down' END AS state,
       CASE WHEN w.state = 'running' OR s.state = 'stopped' THEN s.reason
            ELSE w.message END AS reason,
       CASE WHEN w.state <> 'running' THEN w.hint
            WHEN s.state IS NULL THEN
              'The worker has not come to the commit that created the trend. trending.sync() waits for that.'
            WHEN s.state = 'stopped' THEN
              'Put right what the reason names, then call trending.resume(); or drop the trend and create it again.'
            WHEN s.state = 'filling' THEN
              'The rows of the source are being counted; readers wait for that, 10 seconds at most. Transactions that hold it up are in pg_stat_activity and pg_prepared_xacts.'
            WHEN NOT has_table_privilege(t.relation, 'SELECT') THEN
              format('You may not read it: its owner can GRANT SELECT ON %s TO %I.', t.relation, current_user)
            WHEN s.reason <> '' THEN
              'The list is right and goes on. What the reason names has to be put right; nothing needs to be called then.'
            WHEN w.lag_bytes > 64 * 1024 * 1024 THEN
              format('The list is older than what is committed: the worker has %s of WAL to apply. See trending.worker_status.',
                     pg_size_pretty(w.lag_bytes))
            WHEN s.live_groups = 0 AND s.events = 0 AND n.refused = 0 THEN
              'The list is empty since no row has been counted: rows count when they are committed, if WHERE keeps them'
              || CASE t.backfill WHEN 'true' THEN '.' WHEN 'open' THEN ', unless they were in a closed window when the trend was created.'
                      ELSE ' and they came after the trend was created (backfill).' END
            WHEN s.live_groups = 0 AND s.events = 0 THEN
              format('The list is empty since no row could be counted: %s. %s', n.why, n.advice)
            WHEN s.live_groups = 0 AND t.alerts IS NOT NULL AND s.kept_groups > 0 THEN
              'The list is empty since no group fulfils HAVING in the current window.'
            WHEN s.live_groups = 0 AND s.window_end < now() - interval '1 minute' THEN
              format('The list is empty since what was counted has left the window, which ended at %s: rows are dated so. The event clock follows the times of rows.',
                     s.window_end)
            WHEN s.live_groups = 0 THEN
              'The list is empty since what was counted has left the window, or was deleted: no row has come since'
              || CASE WHEN n.refused > 0 THEN format(', or it could not be counted (%s). %s', n.why, n.advice) ELSE '.' END
            WHEN s.window_end < now() - t.idle_timeout - interval '1 minute' THEN
              format('The list is old: its window ended at %s, since the latest rows are dated so. The event clock follows the times of rows, not the wall clock.',
                     s.window_end)
            WHEN s.event_clock > now() + interval '10 seconds' THEN
              'The event clock is ahead of now: a client with a wrong clock moved it, and rows of now may come late. max_ahead bounds that.'
            WHEN n.refused * 10 > s.events THEN
              format('The list lacks rows that could not be counted: %s. %s', n.why, n.advice)
            WHEN NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace m ON m.oid = c.relnamespace
                             WHERE m.nspname = (parse_ident(t.label))[1] AND c.relname = (parse_ident(t.label))[2]
                               AND a.attname = (parse_ident(t.label))[3] AND has_column_privilege(c.oid, a.attnum, 'SELECT'))
                 AND t.label IS NOT NULL THEN
              format('Labels are NULL for you: %s is gone, or you may not read it.', t.label)
            WHEN NOT has_table_privilege(t.history, 'SELECT') THEN
              format('Previous ranks are NULL for you: you may not read %s.', t.history)
       END AS hint,
       s.version, s.window_start, s.window_end, s.event_clock, s.watermark, s.live_groups, s.kept_groups, s.kept_panes,
       s.events, s.late, s.ahead, s.null_time, s.failed, s.out_of_range, s.refused, s.unmatched, s.unretracted,
       s.retractable, s.memory_bytes,
       greatest(b.history_since, s.watermark - t.retention) AS history_since, b.backfilling, trending_internal.as_of() AS as_of
FROM   trending_internal.worker_stats() w CROSS JOIN trending.trend t LEFT JOIN trending_internal.trend_stats() s ON s.trend_id = t.id
       LEFT JOIN trending.trend_start b ON b.trend_id = t.id
       LEFT JOIN LATERAL (
         SELECT sum(r.rows) AS refused, string_agg(format('%s %s', r.rows, r.word), ', ' ORDER BY r.rows DESC) FILTER (WHERE r.rows > 0) AS why,
                (array_agg(r.advice ORDER BY r.rows DESC))[1] AS advice
         FROM   (VALUES (s.late, 'late', 'They came after their windows were final: raise allowed_lateness, or take them into history with trending.recompute().'),
                        (s.ahead, 'too far ahead', 'A client has a wrong clock, or max_ahead is too small.'),
                        (s.null_time, 'without a time', 'Their event time is NULL.'),
                        (s.failed, 'failed', 'An expression raised an error: the log of the server says which.'),
                        (s.out_of_range, 'out of range', 'Their windows reach beyond the times that a timestamp can hold.'),
                        (s.refused, 'refused at a limit', 'Raise max_groups, or trending.memory_limit.'),
                        (s.unretracted, 'not retracted', 'Updates and deletes need REPLICA IDENTITY FULL of the source, and the trend to be created again.')) r(rows, word, advice)
       ) n ON true
ORDER  BY t.id;
COMMENT ON COLUMN trending.status.as_of IS
  'on a standby: when the checkpoint was written whose state is shown; NULL where the trend is followed';

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

-- Trends as a job of Flink SQL: one statement set.
CREATE FUNCTION trending.to_flink_sql(VARIADIC trends regclass[])
RETURNS text LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_to_flink_sql';
COMMENT ON FUNCTION trending.to_flink_sql(regclass[]) IS
  'trends as a job for Flink SQL: CDC sources, windowing functions, joins, the best of every window into a table, as one statement set. What differs is in its comments. An error says why where Flink has no equal. For those who may read the trends';

-- What a server tells another that unites its trends.
CREATE FUNCTION trending_internal.trend_columns(
  trend regclass, OUT number int, OUT name text, OUT type text, OUT merging text,
  OUT place int, OUT descending bool, OUT nulls_first bool)
RETURNS SETOF record LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_trend_columns';
COMMENT ON FUNCTION trending_internal.trend_columns(regclass) IS
  'internal: the columns of a trend, how values of several servers are merged, and what ranks, for trending.federate';

CREATE VIEW trending_internal.node_trend WITH (security_invoker = true) AS
SELECT n.nspname::text AS schema, c.relname::text AS name, s.state, s.reason, s.window_start, s.window_end, s.event_clock, s.watermark,
       w.applied_lsn AS "position", w.lag_bytes,
       CASE WHEN has_table_privilege(s.relation, 'SELECT') THEN
         (SELECT jsonb_agg(to_jsonb(k) ORDER BY k.number) FROM trending_internal.trend_columns(s.relation) k) END AS columns
FROM   trending.status s JOIN pg_class c ON c.oid = s.relation JOIN pg_namespace n ON n.oid = c.relnamespace
       CROSS JOIN trending.worker_status w;
COMMENT ON VIEW trending_internal.node_trend IS 'internal: the trends of this server, as trending.federate of another one reads them';

CREATE FUNCTION trending_internal.attach_node(node regclass, federated regclass)
RETURNS void LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_attach_node';
COMMENT ON FUNCTION trending_internal.attach_node(regclass, regclass) IS
  'internal: has a foreign table be dropped with the federated trend that reads it; for the owner of both';

-- What a federated trend consists of: the options of its foreign table, which only its owner can set, and pieces of the
-- statements that read it. Every name in them is quoted, and they run with the rights of whoever calls: for readers of
-- the table the wrapper sees to it that this is the table's owner.
CREATE FUNCTION trending_internal.federation(
  federated regclass, OUT nodes text[], OUT status_tables text[], OUT trend text[], OUT placed bool, OUT partial bool, OUT patience interval,
  OUT columns text, OUT keys text[], OUT merged text, OUT ordering text, OUT rank text, OUT score text, OUT bounds text, OUT falling bool, OUT score_is_number bool, OUT threshold text)
RETURNS record LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  options jsonb := (SELECT jsonb_object_agg(o.option_name, o.option_value)
                    FROM   pg_foreign_table t CROSS JOIN pg_options_to_table(t.ftoptions) o JOIN pg_foreign_server s ON s.oid = t.ftserver
                           JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'trending_fdw'
                    WHERE  t.ftrelid = federated);
  merging text[] := options ->> 'merging';
  ranking text[] := string_to_array(options ->> 'ranking', ', ');
  names   text[];
  first   int;
BEGIN
  nodes := options ->> 'nodes';
  status_tables := options ->> 'status_tables';
  trend := options ->> 'remote';
  placed := coalesce((options ->> 'placed')::bool, false);
  partial := coalesce((options ->> 'partial')::bool, false);
  patience := coalesce(options ->> 'patience', '1 second')::interval;
  SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) INTO names
  FROM   pg_attribute a WHERE a.attrelid = federated AND a.attnum > 0 AND NOT a.attisdropped;
  IF cardinality(nodes) = cardinality(status_tables) AND cardinality(merging) = cardinality(names) AND cardinality(ranking) > 0 THEN
    SELECT string_agg(names[c.n], ', ' ORDER BY c.n) FILTER (WHERE c.kind <> 'rank'), array_agg(names[c.n] ORDER BY c.n) FILTER (WHERE c.kind = 'key'),
           string_agg(CASE WHEN c.kind = 'key' THEN names[c.n] WHEN c.kind IN ('start', 'end') THEN format('min(%s)', names[c.n])
                           ELSE format('%s(%s)::%s', CASE c.kind WHEN 'sum' THEN 'sum' WHEN 'min' THEN 'min' ELSE 'max' END, names[c.n], format_type(a.atttypid, a.atttypmod)) END
                      || ' AS ' || names[c.n], ', ' ORDER BY c.n) FILTER (WHERE c.kind <> 'rank'),
           max(names[c.n]) FILTER (WHERE c.kind = 'rank'),
           string_agg(format('extract(epoch FROM %s)', names[c.n]), ', ' ORDER BY c.kind) FILTER (WHERE c.kind IN ('start', 'end'))
    INTO   columns, keys, merged, rank, bounds
    FROM   unnest(merging) WITH ORDINALITY c(kind, n)
           JOIN pg_attribute a ON a.attrelid = federated AND NOT a.attisdropped AND quote_ident(a.attname) = names[c.n];
    SELECT string_agg(format('%s %s NULLS %s', names[split_part(r.term, ' ', 1)::int], CASE split_part(r.term, ' ', 2) WHEN 'desc' THEN 'DESC' ELSE 'ASC' END,
                             CASE split_part(r.term, ' ', 3) WHEN 'first' THEN 'FIRST' ELSE 'LAST' END), ', ' ORDER BY r.n)
    INTO   ordering FROM unnest(ranking) WITH ORDINALITY r(term, n);
    first := split_part(ranking[1], ' ', 1)::int;
    falling := split_part(ranking[1], ' ', 2) = 'desc';
    score := names[first];
    score_is_number := (SELECT a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'float4'::regtype, 'float8'::regtype) FROM pg_attribute a WHERE a.attrelid = federated AND NOT a.attisdropped AND quote_ident(a.attname) = score);
    -- What the last groups read would make together, of the nodes that have more than $1. Of numbers.
    threshold := CASE WHEN merging[first] = 'sum' AND score_is_number THEN format('sum(CASE WHEN n.groups < $1 THEN 0 ELSE %s(n.last, 0) END)', CASE WHEN falling THEN 'greatest' ELSE 'least' END)
                      WHEN merging[first] IN ('min', 'max') THEN format('%s(n.last) FILTER (WHERE n.groups >= $1)', CASE WHEN falling THEN 'max' ELSE 'min' END) END;
  END IF;
  IF rank IS NULL OR ordering IS NULL THEN
    RAISE EXCEPTION '"%" is not a federated trend', federated
      USING ERRCODE = 'wrong_object_type', HINT = 'Federated trends are created with trending.federate().';
  END IF;
END $$;
COMMENT ON FUNCTION trending_internal.federation(regclass) IS 'internal: what a federated trend consists of, and pieces of the statements that read it';

-- Every node of a federated trend, whether it answers and how far it is. One that does not answer costs the
-- connect_timeout of its server.
CREATE FUNCTION trending.federation_status(
  federated regclass, OUT node regclass, OUT server text, OUT state text, OUT reason text, OUT behind bool,
  OUT window_start timestamptz, OUT window_end timestamptz, OUT event_clock timestamptz, OUT watermark timestamptz,
  OUT "position" pg_lsn, OUT lag_bytes bigint)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known   record := trending_internal.federation(federated);
  newest  timestamptz;
  found   jsonb;
  detail  text;
  answers jsonb := '[]';
BEGIN
  FOR i IN 1 .. cardinality(known.nodes) LOOP
    BEGIN
      EXECUTE format('SELECT to_jsonb(t) FROM (SELECT state, reason, window_start, window_end, event_clock, watermark, "position", lag_bytes FROM %s
                      WHERE schema = $1[1] AND name = $1[2]) t', known.status_tables[i]::regclass)
      INTO found USING known.trend;
      found := coalesce(found, '{"state": "gone", "reason": "There is no such trend, or its user may not read it."}');
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      found := jsonb_build_object('state', 'down', 'reason', concat_ws(': ', SQLERRM, nullif(detail, '')));
    END;
    answers := answers || found;
  END LOOP;
  newest := (SELECT max((a.value ->> 'window_end')::timestamptz) FROM jsonb_array_elements(answers) a);
  RETURN QUERY
    SELECT known.nodes[a.number]::regclass, s.srvname::text, a.value ->> 'state', a.value ->> 'reason',
           coalesce((a.value ->> 'window_end')::timestamptz < newest, false),
           (a.value ->> 'window_start')::timestamptz, (a.value ->> 'window_end')::timestamptz, (a.value ->> 'event_clock')::timestamptz,
           (a.value ->> 'watermark')::timestamptz, (a.value ->> 'position')::pg_lsn, (a.value ->> 'lag_bytes')::bigint
    FROM   jsonb_array_elements(answers) WITH ORDINALITY a(value, number)
           JOIN pg_foreign_table t ON t.ftrelid = known.nodes[a.number]::regclass JOIN pg_foreign_server s ON s.oid = t.ftserver
    ORDER  BY a.number;
END $$;
COMMENT ON FUNCTION trending.federation_status(regclass) IS
  'every node of a federated trend: its foreign table and server; the state of its trend (down: it does not answer; gone: it has no such trend); whether it is behind the newest window of the others; its window, event clock and watermark; the position that it has applied, and by how many bytes of WAL it lags. For those who may read the tables of the nodes';

-- The rows of some nodes that fulfil a condition, beside the node's number. One Append, whose scans are asynchronous.
CREATE FUNCTION trending_internal.node_query(nodes text[], asked int[], columns text, condition text)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT string_agg(format('SELECT %s AS "node#", %s FROM %s WHERE %s', i, node_query.columns, node_query.nodes[i]::regclass, node_query.condition), ' UNION ALL ')
  FROM   unnest(node_query.asked) i;
END;
COMMENT ON FUNCTION trending_internal.node_query(text[], int[], text, text) IS 'internal: the query for rows of some nodes of a federated trend';

CREATE FUNCTION trending_internal.key_condition(name text, keys text, type oid)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT format(CASE WHEN array_position(key_condition.keys::text[], NULL) IS NULL THEN '%1$s = ANY (%2$L::%3$s[])' ELSE '(%1$s IS NULL OR %1$s = ANY (%2$L::%3$s[]))' END,
                key_condition.name, key_condition.keys, format_type(key_condition.type, NULL));
END;
COMMENT ON FUNCTION trending_internal.key_condition(text, text, oid) IS 'internal: whether a key is among those of an array, in words';

CREATE FUNCTION trending_internal.ranked_rows(rows text, columns text, rank text, ordering text, k bigint)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
  SELECT format('ARRAY(SELECT "row#"::text FROM (SELECT %1$s, row_number() OVER (ORDER BY %2$s) AS %3$s FROM %4$s ORDER BY %2$s LIMIT %5$s) "row#")',
                ranked_rows.columns, ranked_rows.ordering, ranked_rows.rank, ranked_rows.rows, ranked_rows.k);
END;
COMMENT ON FUNCTION trending_internal.ranked_rows(text, text, text, text, bigint) IS 'internal: the best k rows of a relation with their ranks as an array, in words';

CREATE FUNCTION trending_internal.window_moved(OUT never bool)
RETURNS bool LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RAISE EXCEPTION 'a node went on to the next window while all its groups were read'
    USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Read again, or only the best groups (LIMIT).';
END $$;
COMMENT ON FUNCTION trending_internal.window_moved() IS 'internal: the error of a row that is of another window than the others';

-- The numbers of the nodes that are to be read: all of them, or, if a partial answer will do, those that answer.
CREATE FUNCTION trending_internal.answering_nodes(federated regclass)
RETURNS int[] LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known   record := trending_internal.federation(federated);
  answering int[] := '{}';
  status  record;
BEGIN
  IF NOT known.partial THEN
    RETURN ARRAY(SELECT generate_subscripts(known.nodes, 1));
  END IF;
  FOR status IN SELECT s.*, row_number() OVER ()::int AS number FROM trending.federation_status(federated) s LOOP
    IF status.state = 'running' THEN
      answering := answering || status.number;
    ELSE
      RAISE WARNING 'server "%" is missing from federated trend "%"', status.server, federated
        USING DETAIL = format('It is %s: %s', status.state, status.reason);
    END IF;
  END LOOP;
  IF answering = '{}' THEN
    RAISE EXCEPTION 'no server of federated trend "%" answers', federated
      USING ERRCODE = 'fdw_unable_to_establish_connection', HINT = 'SELECT * FROM trending.federation_status(...) says why.';
  END IF;
  RETURN answering;
END $$;
COMMENT ON FUNCTION trending_internal.answering_nodes(regclass) IS 'internal: the nodes of a federated trend that are to be read';

-- Nodes show another window than the newest. They catch up, usually at once; when patience ends they are left out, or
-- an error.
CREATE FUNCTION trending_internal.nodes_beside(federated regclass, asked int[], behind int[], deadline timestamptz)
RETURNS int[] LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known  record := trending_internal.federation(federated);
  behind_servers text;
BEGIN
  IF clock_timestamp() < deadline THEN
    PERFORM pg_sleep(0.01);
    RETURN asked;
  END IF;
  SELECT string_agg(format('"%s"', s.srvname), ', ' ORDER BY t.ftrelid) INTO behind_servers
  FROM   pg_foreign_table t JOIN pg_foreign_server s ON s.oid = t.ftserver
  WHERE  t.ftrelid IN (SELECT known.nodes[b]::regclass FROM unnest(behind) b);
  IF known.partial AND EXISTS (SELECT FROM unnest(asked) a WHERE a <> ALL (behind)) THEN
    RAISE WARNING 'missing from federated trend "%", being behind: %', federated, behind_servers;
    RETURN ARRAY(SELECT a FROM unnest(asked) a WHERE a <> ALL (behind));
  END IF;
  RAISE EXCEPTION 'servers of federated trend "%" show another window than the newest: %', federated, behind_servers
    USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('They were waited for for %s.', known.patience),
          HINT = 'Their sources are silent or late, see trending.federation_status(). A longer patience waits, partial => true leaves them out.';
END $$;
COMMENT ON FUNCTION trending_internal.nodes_beside(regclass, int[], int[], timestamptz) IS 'internal: what becomes of nodes that are behind';

-- The best k groups of all nodes; all of them where k is NULL. `of`, a NULL of its row type, says which federated trend.
--
-- Where every key is on one node, the best k of each node are enough. Otherwise groups of the same key are merged. Where
-- the first term that ranks is a sum, a least or a greatest value, the threshold algorithm (Fagin, Lotem, Naor: Optimal
-- aggregation algorithms for middleware, 2003) says how much must be read: the first `depth` groups of every node, in
-- the order of their ranks, then what all nodes have of the keys that were seen. A key that was not seen is, on every
-- node, behind the last group read there, so it is no better than these last groups would be together: the threshold.
-- Unless the k-th group is better, more is read. Other orders take all groups.
CREATE FUNCTION trending_internal.federated_rows(of anyelement, k bigint)
RETURNS SETOF anyelement LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  relation  regclass := (SELECT t.typrelid FROM pg_type t WHERE t.oid = pg_typeof(of) AND t.typrelid <> 0);
  known     record := trending_internal.federation(relation);
  asked     int[];
  deadline  timestamptz := clock_timestamp() + known.patience;
  by_bounds text := CASE WHEN known.bounds IS NULL THEN 'NULL::numeric[]' ELSE format('max(ARRAY[%s])', known.bounds) END;
  depth     bigint := CASE WHEN known.placed THEN k WHEN known.threshold IS NOT NULL AND known.keys IS NOT NULL AND k IS NOT NULL THEN greatest(2 * k, 50) END;
  groups    text;
  seen      record;
  found     record;
  newest    numeric[];
  behind    int[];
  missing   text;
BEGIN
  asked := trending_internal.answering_nodes(relation);
  LOOP
    IF depth > 50000 THEN
      depth := NULL;
    END IF;
    -- The first groups of every node: its window, the keys, and the threshold.
    EXECUTE format('WITH p AS MATERIALIZED (%s),
                         n AS (SELECT "node#" AS node, count(*) AS groups, %s AS bounds, (array_agg(%s ORDER BY %s DESC))[1] AS last FROM p GROUP BY 1)
                    SELECT max(n.bounds) AS newest, jsonb_object_agg(n.node, to_jsonb(n.bounds)) AS bounds, coalesce(bool_and(n.groups < $1), true) AS is_enough,
                           %s AS threshold, %s AS keys, %s AS rows FROM n',
                   trending_internal.node_query(known.nodes, asked, known.columns || ', ' || known.rank, format('%s <= %s', known.rank, coalesce(depth, 1))), by_bounds, known.score, known.rank,
                   CASE WHEN known.placed OR known.threshold IS NULL THEN 'NULL' ELSE format('(%s)::text', known.threshold) END,
                   CASE WHEN known.placed OR known.keys IS NULL THEN 'NULL::text[]'
                        ELSE (SELECT format('ARRAY[%s]', string_agg(format('(SELECT array_agg(DISTINCT %s)::text FROM p)', x), ', ')) FROM unnest(known.keys) x) END,
                   CASE WHEN known.placed AND depth IS NOT NULL THEN trending_internal.ranked_rows('p', known.columns, known.rank, known.ordering, k) ELSE 'NULL::text[]' END)
    INTO seen USING depth;
    found := seen;
    IF depth IS NOT NULL AND NOT known.placed AND seen.bounds IS NOT NULL THEN
      -- All that the nodes have of these keys; but for their ranks there, which cost more than the look-up.
      EXECUTE format('WITH p AS MATERIALIZED (%1$s), m AS MATERIALIZED (SELECT %2$s FROM p GROUP BY %3$s),
                           n AS (SELECT "node#" AS node, %4$s AS bounds FROM p GROUP BY 1)
                      SELECT (SELECT max(n.bounds) FROM n) AS newest, (SELECT jsonb_object_agg(n.node, to_jsonb(n.bounds)) FROM n) AS bounds,
                             $1 OR coalesce((SELECT m.%5$s %6$s %7$L FROM m ORDER BY %8$s OFFSET %9$s - 1 LIMIT 1), false) AS is_enough, %10$s AS rows',
                     trending_internal.node_query(known.nodes, asked, known.columns,
                       (SELECT string_agg(trending_internal.key_condition(c.name, c.keys, a.atttypid), ' AND ')
                        FROM   unnest(known.keys, seen.keys) c(name, keys) JOIN pg_attribute a ON a.attrelid = relation AND quote_ident(a.attname) = c.name)),
                     known.merged, array_to_string(known.keys, ', '), by_bounds, known.score,
                     CASE WHEN known.falling THEN '>' ELSE '<' END, seen.threshold, known.ordering, k,
                     trending_internal.ranked_rows('m', known.columns, known.rank, known.ordering, k))
      INTO found USING seen.is_enough;
    END IF;
    newest := greatest(seen.newest, found.newest);
    behind := ARRAY(SELECT DISTINCT b.node::int FROM (SELECT * FROM jsonb_each(seen.bounds) UNION ALL SELECT * FROM jsonb_each(found.bounds)) b(node, bounds)
                    WHERE known.bounds IS NOT NULL AND b.bounds <> to_jsonb(newest));
    IF behind <> '{}' THEN
      asked := trending_internal.nodes_beside(relation, asked, behind, deadline);
    ELSIF depth IS NULL THEN
      groups := format('(%s) p%s', trending_internal.node_query(known.nodes, asked, known.columns, 'true'),
                       CASE WHEN known.bounds IS NOT NULL THEN format(' WHERE CASE WHEN ARRAY[%s] = $1 THEN true ELSE trending_internal.window_moved() END', known.bounds) END);
      IF NOT known.placed THEN
        groups := format('(SELECT %s FROM %s %s HAVING count(*) > 0) m', known.merged, groups, 'GROUP BY ' || array_to_string(known.keys, ', '));
      END IF;
      RETURN QUERY EXECUTE format('SELECT %1$s, row_number() OVER (ORDER BY %2$s) FROM %3$s ORDER BY %2$s LIMIT %4$L', known.columns, known.ordering, groups, k)
      USING newest;
      RETURN;
    ELSIF known.placed OR found.is_enough THEN
      RETURN QUERY EXECUTE format('SELECT (u.r::%s).* FROM unnest($1) WITH ORDINALITY u(r, n) ORDER BY u.n', relation) USING found.rows;
      RETURN;
    ELSE
      depth := depth * 4;
    END IF;
  END LOOP;
EXCEPTION WHEN OTHERS THEN
  -- Says who it was, where that can be seen.
  SELECT string_agg(format('%s "%s"', s.state, s.server), ', ') INTO missing FROM trending.federation_status(relation) s WHERE s.state <> 'running';
  IF missing IS NOT NULL AND NOT known.partial THEN
    RAISE EXCEPTION 'servers are missing from federated trend "%": %', relation, missing
      USING ERRCODE = SQLSTATE, DETAIL = SQLERRM, HINT = 'With partial => true, trending.federate() makes one that goes on without them.';
  END IF;
  RAISE;
END $$;
COMMENT ON FUNCTION trending_internal.federated_rows(anyelement, bigint) IS 'internal: the best groups of all nodes of a federated trend';

-- The same columns for every federated trend, as trending.top has them; with the rights of the caller.
CREATE FUNCTION trending_internal.federated_top(
  federated regclass, k bigint, OUT rank bigint, OUT key text, OUT label text, OUT value numeric, OUT previous_rank bigint, OUT change bigint,
  OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known  record := trending_internal.federation(federated);
  bounds text[] := ARRAY(SELECT quote_ident(a.attname) || '::timestamptz'
                         FROM   unnest((SELECT o.option_value::text[] FROM pg_foreign_table t CROSS JOIN pg_options_to_table(t.ftoptions) o
                                        WHERE t.ftrelid = federated AND o.option_name = 'merging')) WITH ORDINALITY m(kind, n)
                                JOIN pg_attribute a ON a.attrelid = federated AND a.attnum = m.n
                         WHERE  m.kind IN ('start', 'end') ORDER BY m.kind DESC);
BEGIN
  RETURN QUERY EXECUTE format('SELECT %s, %s, NULL::text, %s, NULL::bigint, NULL::bigint, %s, %s FROM %s WHERE %1$s <= $1 ORDER BY 1', known.rank,
    CASE cardinality(known.keys) WHEN 1 THEN known.keys[1] || '::text'
      ELSE coalesce((SELECT string_agg(format('coalesce(%s::text, ''NULL'')', x.name), ' || '', '' || ' ORDER BY x.n) FROM unnest(known.keys) WITH ORDINALITY x(name, n)), 'NULL::text') END,
    CASE WHEN known.score_is_number THEN known.score || '::numeric' ELSE format('CASE WHEN isfinite(%s) THEN extract(epoch FROM %1$s) END', known.score) END,
    coalesce(bounds[1], 'NULL::timestamptz'), coalesce(bounds[2], 'NULL::timestamptz'), federated) USING k;
END $$;
COMMENT ON FUNCTION trending_internal.federated_top(regclass, bigint) IS 'internal: the best groups of a federated trend, for trending.top';

CREATE FUNCTION trending_internal.make_federation(schema name, name text, servers text[], trend text, placed bool, partial bool, patience interval)
RETURNS regclass LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted  text[] := parse_ident(name);
  remote  text[] := parse_ident(trend);
  base    text := wanted[cardinality(wanted)];
  within  text := CASE WHEN cardinality(wanted) > 1 THEN wanted[1] ELSE schema END;
  node    text;
  status  text;
  nodes   text[] := '{}';
  statuses text[] := '{}';
  shown   record;
  shape   jsonb;
  columns text;
  unmerged text;
  made    regclass;
BEGIN
  IF name IS NULL OR servers IS NULL OR trend IS NULL OR placed IS NULL OR partial IS NULL OR patience IS NULL OR array_position(servers, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'arguments of trending.federate must not be NULL' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  IF cardinality(servers) = 0 OR cardinality(servers) <> (SELECT count(DISTINCT s) FROM unnest(servers) s) THEN
    RAISE EXCEPTION 'servers must be named, each once' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF cardinality(wanted) > 2 OR cardinality(remote) > 2 OR within IS NULL OR octet_length(base) > 45 OR patience < '0' THEN
    RAISE EXCEPTION 'name, trend or patience is not valid' USING ERRCODE = 'invalid_parameter_value',
      HINT = 'Names are at most 45 bytes long, and may have a schema. patience is not negative.';
  END IF;
  FOR i IN 1 .. cardinality(servers) LOOP
    IF NOT EXISTS (SELECT FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw JOIN pg_proc p ON p.oid = w.fdwhandler
                   WHERE s.srvname = servers[i] AND p.proname = 'postgres_fdw_handler') THEN
      RAISE EXCEPTION '"%" is not a server of postgres_fdw', servers[i]
        USING ERRCODE = 'undefined_object', HINT = 'CREATE EXTENSION postgres_fdw; CREATE SERVER ... FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING ...';
    END IF;
    status := format('%I.%I', within, base || '_status' || i);
    EXECUTE format('CREATE FOREIGN TABLE %s (schema text, name text, state text, reason text, window_start timestamptz, window_end timestamptz, event_clock timestamptz,
                      watermark timestamptz, "position" pg_lsn, lag_bytes bigint, columns jsonb) SERVER %I OPTIONS (schema_name ''trending_internal'', table_name ''node_trend'')',
                   status, servers[i]);
    EXECUTE format('SELECT count(*) AS trends, min(schema) AS schema, min(name) AS name, (array_agg(columns))[1] AS columns FROM %s WHERE name = $1 AND ($2 IS NULL OR schema = $2)', status)
    INTO shown USING remote[cardinality(remote)], CASE WHEN cardinality(remote) = 2 THEN remote[1] END;
    IF shown.trends <> 1 OR shown.columns IS NULL THEN
      RAISE EXCEPTION 'server "%" has % trend "%" that its user may read', servers[i], CASE WHEN shown.trends > 1 THEN 'more than one' ELSE 'no' END, trend
        USING ERRCODE = 'undefined_table', HINT = 'Name its schema, and GRANT SELECT to the user of the user mapping.';
    END IF;
    remote := ARRAY[shown.schema, shown.name];
    shape := coalesce(shape, shown.columns);
    IF shape <> shown.columns THEN
      RAISE EXCEPTION 'trend "%" of server "%" has other columns than that of server "%"', trend, servers[i], servers[1]
        USING ERRCODE = 'fdw_inconsistent_descriptor_information', DETAIL = 'Names, types, aggregates and order must be the same.';
    END IF;
    statuses := statuses || status;
  END LOOP;
  -- Names and types come from another server: nothing of them goes into a statement unquoted.
  IF NOT placed THEN
    SELECT string_agg(format('"%s"', c ->> 'name'), ', ') INTO unmerged FROM jsonb_array_elements(shape) c WHERE c ->> 'merging' NOT IN ('start', 'end', 'key', 'rank', 'sum', 'min', 'max');
    IF unmerged IS NOT NULL THEN
      RAISE EXCEPTION 'columns of trend "%" cannot be merged from several servers: %', trend, unmerged
        USING ERRCODE = 'feature_not_supported', DETAIL = 'Counts, sums, least and greatest values can, without HAVING.',
              HINT = 'Select what makes them up (sum and count for an average). If no key is on two servers, say placed => true.';
    END IF;
  END IF;
  SELECT string_agg(format('%I %s', c ->> 'name', coalesce(to_regtype(c ->> 'type')::text, 'unknown')), ', ' ORDER BY (c ->> 'number')::int)
  INTO   columns FROM jsonb_array_elements(shape) c;
  FOR i IN 1 .. cardinality(servers) LOOP
    node := format('%I.%I', within, base || '_node' || i);
    EXECUTE format('CREATE FOREIGN TABLE %s (%s) SERVER %I OPTIONS (schema_name %L, table_name %L, async_capable ''true'', fetch_size ''10000'')',
                   node, columns, servers[i], remote[1], remote[2]);
    nodes := nodes || node;
  END LOOP;
  EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER trending OPTIONS (nodes %L, status_tables %L, remote %L, merging %L, ranking %L, placed %L, partial %L, patience %L)',
                 within, base, columns, nodes, statuses, remote,
                 (SELECT array_agg(c ->> 'merging' ORDER BY (c ->> 'number')::int) FROM jsonb_array_elements(shape) c),
                 (SELECT string_agg(format('%s %s %s', (c ->> 'number')::int, CASE WHEN (c ->> 'descending')::bool THEN 'desc' ELSE 'asc' END,
                                           CASE WHEN (c ->> 'nulls_first')::bool THEN 'first' ELSE 'last' END), ', ' ORDER BY (c ->> 'place')::int)
                  FROM jsonb_array_elements(shape) c WHERE c ->> 'place' IS NOT NULL),
                 placed, partial, patience);
  made := format('%I.%I', within, base)::regclass;
  PERFORM trending_internal.attach_node(n::regclass, made) FROM unnest(nodes || statuses) n;
  RETURN made;
END $$;
COMMENT ON FUNCTION trending_internal.make_federation(name, text, text[], text, bool, bool, interval) IS 'internal: trending.federate in a schema';

CREATE FUNCTION trending.federate(name text, servers text[], trend text, placed bool DEFAULT false, partial bool DEFAULT false, patience interval DEFAULT '1 second')
RETURNS regclass LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT trending_internal.make_federation(current_schema(), federate.name, federate.servers, federate.trend, federate.placed, federate.partial, federate.patience);
END;
COMMENT ON FUNCTION trending.federate(text, text[], text, bool, bool, interval) IS
  'creates one ranking over the trends of this name on several servers of postgres_fdw: a foreign table with the columns of the trend. placed: every key is on one server, so the best of each are enough; otherwise counts, sums, least and greatest values of the same key are merged. partial: servers that do not answer or are behind are left out with a warning, instead of being an error. patience: how long servers are waited for that still show an older window. Who may read the table reads with the user mappings of its owner. DROP FOREIGN TABLE drops it all. See trending.federation_status()';

-- Of the internal functions only those can be called that are called with the rights of whoever calls ours: in views (the
-- first four) and casts, in queries that the worker or recompute run as the owner of a trend (is_later, caught), and by
-- verify and expire; and what reads federated trends, as their owner. Each of them checks its caller itself.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA trending_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA trending_internal TO PUBLIC;
GRANT EXECUTE ON FUNCTION trending_internal.as_of(), trending_internal.trend_stats(), trending_internal.trend_counters(), trending_internal.worker_stats(), trending_internal.commit_latency(),
  trending_internal.as_backfill_mode(bool), trending_internal.is_later(xid, bigint, bigint[]),
  trending_internal.caught(anyelement, int, "any"), trending_internal.live_differences(regclass),
  trending_internal.history_differences(regclass), trending_internal.history_differences_now(regclass),
  trending_internal.expire_trend(regclass),
  trending_internal.trend_columns(regclass), trending_internal.attach_node(regclass, regclass), trending_internal.federation(regclass),
  trending_internal.node_query(text[], int[], text, text), trending_internal.key_condition(text, text, oid),
  trending_internal.ranked_rows(text, text, text, text, bigint), trending_internal.window_moved(), trending_internal.answering_nodes(regclass),
  trending_internal.nodes_beside(regclass, int[], int[], timestamptz), trending_internal.federated_rows(anyelement, bigint),
  trending_internal.federated_top(regclass, bigint),
  trending_internal.make_federation(name, text, text[], text, bool, bool, interval) TO PUBLIC;
GRANT SELECT ON trending_internal.node_trend TO PUBLIC;

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
