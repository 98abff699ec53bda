-- SPDX-License-Identifier: PostgreSQL
/* sql/trending--0.2.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION trending" to load this file. \quit

-- Every name in this script that is not qualified is the system's: whatever lies in the schema of the extension, or in
-- others, has no part in what the script makes.
SET LOCAL search_path = pg_catalog, pg_temp;

-- Everything that is for users lies in schema trending, but for trending_top10, which is in the schema of the extension.
-- So do the tables of the stored state, which nobody has rights on.
CREATE SCHEMA trending;
COMMENT ON SCHEMA trending IS 'live windowed rankings: functions, status views, and tables that the worker keeps';

-- Functions that others call: views, casts, aggregates, queries that the extension makes.
CREATE SCHEMA trending_internal;
COMMENT ON SCHEMA trending_internal IS 'internal: functions that the extension calls itself; they may change with any release';

------------------------------------------------------------------------------------------------------------
-- Catalog
------------------------------------------------------------------------------------------------------------

CREATE SEQUENCE trending.trend_id_seq AS int;

-- One row per trend. Its changes are decoded: a trend begins and ends exactly in commit order.
-- Written by create_trend and by the event trigger only, read by the worker and by the reading functions.
CREATE TABLE trending.trend (
  id               int PRIMARY KEY DEFAULT pg_catalog.nextval('trending.trend_id_seq'),
  relation         regclass NOT NULL UNIQUE,
  source           regclass NOT NULL,
  query            text NOT NULL,
  definition       regclass NOT NULL,
  label            text,
  watermark_delay  interval NOT NULL,
  allowed_lateness interval NOT NULL,
  late_events      text NOT NULL,
  idle_timeout     interval NOT NULL,
  max_ahead        interval NOT NULL,
  history_limit    bigint,
  retention        interval,
  backfill         text NOT NULL CHECK (backfill IN ('true', 'open', 'false')),
  partition_by     name[],
  max_groups       int NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
  history          regclass,
  late             regclass,
  alerts           regclass,
  notify_channel   text
);
ALTER SEQUENCE trending.trend_id_seq OWNED BY trending.trend.id;
COMMENT ON SEQUENCE trending.trend_id_seq IS 'numbers of trends';

COMMENT ON TABLE trending.trend IS
  'the registered trends that you own or may read; maintained by trending.create_trend and DROP FOREIGN TABLE';
COMMENT ON COLUMN trending.trend.relation IS 'the foreign table that serves the trend; its owner owns the trend';
COMMENT ON COLUMN trending.trend.source IS 'the table whose row changes are followed';
COMMENT ON COLUMN trending.trend.query IS 'the definition as it was written';
COMMENT ON COLUMN trending.trend.definition IS 'the view that holds the definition; its text: trending.definition()';
COMMENT ON COLUMN trending.trend.history IS 'the table of closed windows; NULL when none is kept';
COMMENT ON COLUMN trending.trend.late IS 'the table of refused rows; NULL when they are only counted';
COMMENT ON COLUMN trending.trend.alerts IS 'the table of groups whose HAVING came true; NULL without HAVING';
-- The options of create_trend are described here.
COMMENT ON COLUMN trending.trend.label IS
  'column of a table, written table.column, that is shown beside the key by trending.top10 and trending.top; read when you ask, with your rights: NULL where you may not read it. Not of composite types, nor of arrays of them';
COMMENT ON COLUMN trending.trend.watermark_delay IS
  'how long closing a window waits for stragglers';
COMMENT ON COLUMN trending.trend.allowed_lateness IS
  'how long rows for a closed window are still taken, and correct its history';
COMMENT ON COLUMN trending.trend.late_events IS
  'what becomes of rows that are refused. drop: they are only counted. keep: they go to <trend>_late as well';
COMMENT ON COLUMN trending.trend.idle_timeout IS
  'silence of the source after which the event clock follows the wall clock';
COMMENT ON COLUMN trending.trend.max_ahead IS
  'how far event time may lie ahead of the commit of its row; a row beyond is refused and counted';
COMMENT ON COLUMN trending.trend.history_limit IS
  'best groups kept per closed window in <trend>_history; NULL: all, 0: none';
COMMENT ON COLUMN trending.trend.retention IS
  'age at which history goes, counted back from the watermark of the trend, and late rows, from when they were kept, and alerts; NULL: never';
COMMENT ON COLUMN trending.trend.backfill IS
  'what becomes of rows that are there already. true: those of open windows count at once, then history of closed ones is filled back to retention. open: those of open windows only. false: none, for sources whose rows do not change. Rows committed after create_trend returned are counted and in history in any case';
COMMENT ON COLUMN trending.trend.partition_by IS
  'key columns within whose values groups are ranked; NULL: all groups are ranked together';
COMMENT ON COLUMN trending.trend.max_groups IS
  'bound on live groups; at the bound new ones are refused and counted, the others stay exact';
COMMENT ON COLUMN trending.trend.notify_channel IS
  'channel of NOTIFY on which groups that come to fulfil HAVING are announced; NULL: none';
COMMENT ON COLUMN trending.trend.id IS
  'number of the trend';
COMMENT ON COLUMN trending.trend.created_at IS
  'when the trend was created';

-- A role sees the trends that it owns or may read. Dumps of roles that are not exempt from row security need
-- --enable-row-security, and have their own trends.
ALTER TABLE trending.trend ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON trending.trend FOR SELECT USING (
  has_table_privilege(relation, 'SELECT')
  OR EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND pg_has_role(c.relowner, 'USAGE')));

SELECT pg_catalog.pg_extension_config_dump('trending.trend', '');
SELECT pg_catalog.pg_extension_config_dump('trending.trend_id_seq', '');

-- The digest of each trend's definition that was checked; a view that was replaced since is another. Not dumped: a
-- restored database notes what is loaded first, and so does another cluster, which pg_upgrade copies this to.
CREATE TABLE trending.checked_definition (
  trend_id          int PRIMARY KEY,
  system_identifier bigint NOT NULL,
  digest            bytea NOT NULL
);
COMMENT ON TABLE trending.checked_definition IS 'stored state: the definitions that were checked when their trends were created';

------------------------------------------------------------------------------------------------------------
-- Worker
------------------------------------------------------------------------------------------------------------

-- The state of all trends and the WAL position it belongs to, written together in one transaction. Only the worker
-- reads and writes these tables. Not dumped: a restored database refills its trends. Times are microseconds since
-- 2000-01-01.
--
-- Whatever stands here is checked when it is read. A checksum covers all columns of its row and the format of the
-- tables; what belongs together is tied by them: that of checkpoint covers the rows of checkpoint_trend, which have the
-- checksums of the rows of trend_state, and these cover the panes and source tables of their trend. A trend whose rows are not all as they were written is
-- refilled.
CREATE TABLE trending.checkpoint (
  only_row          bool PRIMARY KEY DEFAULT true CHECK (only_row),
  format            int NOT NULL,       -- of all these tables
  lsn               pg_lsn NOT NULL,
  system_identifier bigint NOT NULL,
  written_at        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  checksum          bigint NOT NULL
);

-- The trends in trend_state.
CREATE TABLE trending.checkpoint_trend (
  trend_id       int PRIMARY KEY,
  state_checksum bigint NOT NULL
);

CREATE TABLE trending.trend_state (
  trend_id         int PRIMARY KEY,
  definition       text NOT NULL,      -- the digest of what the state belongs to
  keeps_values     bool NOT NULL,
  clock            bigint NOT NULL,
  watermark        bigint NOT NULL,
  final_until      bigint NOT NULL,    -- windows that end up to here are final
  reported_end     bigint NOT NULL,    -- and up to here they have gone to history
  clock_base       bigint NOT NULL,    -- the event clock at the last event, and when that was: where an idle source's
  clock_wall       bigint NOT NULL,    -- clock goes on from
  -- counters, as in trending.status
  events           bigint NOT NULL,
  late             bigint NOT NULL,
  ahead_rows       bigint NOT NULL,
  null_time        bigint NOT NULL,
  failed           bigint NOT NULL,
  out_of_range     bigint NOT NULL,
  refused          bigint NOT NULL,
  unmatched        bigint NOT NULL,
  unretracted      bigint NOT NULL,
  -- the options as they were at the position; -1: none, or no limit
  watermark_delay  bigint NOT NULL,
  allowed_lateness bigint NOT NULL,
  idle_timeout     bigint NOT NULL,
  max_ahead        bigint NOT NULL,
  retention        bigint NOT NULL,
  history_limit    bigint NOT NULL,
  max_groups       bigint NOT NULL,
  keep_late_events bool NOT NULL,
  history_table    oid NOT NULL,
  late_table       oid NOT NULL,
  tables_known     bool NOT NULL,      -- trend_source_table has the tables of its source
  panes_sum        bigint NOT NULL,    -- over all its rows in pane_state
  checksum         bigint NOT NULL
);

-- The tables that a trend's source consists of: itself and its partitions.
CREATE TABLE trending.trend_source_table (
  trend_id int NOT NULL,
  relation oid NOT NULL,
  listed   bool NOT NULL,    -- part of the source at the position; else met in a transaction not yet committed
  latest   bigint NOT NULL,  -- no event that was counted from it is later
  surveyed pg_lsn NOT NULL,  -- when it joined it had no rows of interest, looked at here
  filenode oid NOT NULL,
  PRIMARY KEY (trend_id, relation)
);

-- Times of rows that were refused as too far ahead, in ranges.
CREATE TABLE trending.trend_ahead_range (
  trend_id   int NOT NULL,
  first_time bigint NOT NULL,
  last_time  bigint NOT NULL,
  PRIMARY KEY (trend_id, first_time)
);

CREATE TABLE trending.pane_state (
  trend_id   int NOT NULL,
  pane_start bigint NOT NULL,
  segment    int NOT NULL,
  cells      bytea NOT NULL,
  checksum   bigint NOT NULL,
  PRIMARY KEY (trend_id, pane_start, segment)
);

-- Closed windows, late rows and alerts whose tables could not be written yet. A row whose checksum does not fit is not
-- used: it is deleted, and its loss is said.
CREATE TABLE trending.waiting_window (
  trend_id     int NOT NULL,
  window_end   bigint NOT NULL,
  window_start bigint NOT NULL,
  final        bool NOT NULL,
  keeps_values bool NOT NULL,
  groups       bytea NOT NULL,
  checksum     bigint,
  PRIMARY KEY (trend_id, window_end, window_start)
);
CREATE TABLE trending.waiting_redo (
  trend_id         int PRIMARY KEY,
  redo_after       bigint NOT NULL,
  redo_final_after bigint NOT NULL,
  checksum         bigint
);
CREATE TABLE trending.waiting_late (
  id         bigint GENERATED ALWAYS AS IDENTITY,
  trend_id   int NOT NULL,
  event_time timestamptz,
  commit_lsn pg_lsn NOT NULL,
  reason     text NOT NULL,
  "row"      text NOT NULL,
  checksum   bigint,
  PRIMARY KEY (trend_id, id)
);
CREATE TABLE trending.waiting_alert (
  id           bigint GENERATED ALWAYS AS IDENTITY,
  trend_id     int NOT NULL,
  window_start bigint NOT NULL,
  window_end   bigint NOT NULL,
  crossed_at   timestamptz NOT NULL,
  commit_lsn   pg_lsn NOT NULL,
  key          bytea NOT NULL,
  result       bytea NOT NULL,
  checksum     bigint,
  PRIMARY KEY (trend_id, id)
);
-- How many rows of a trend are deferred: how their loss is noticed.
CREATE TABLE trending.waiting_count (
  trend_id int PRIMARY KEY,
  windows  bigint NOT NULL,
  redos    bigint NOT NULL,
  late     bigint NOT NULL,
  alerts   bigint NOT NULL
);
COMMENT ON TABLE trending.waiting_redo IS 'stored state: windows that go from history, since their trend was refilled: those that are not final and end after one time, all after another';
COMMENT ON TABLE trending.waiting_alert IS 'stored state: alerts that could not be written to their table yet';
COMMENT ON TABLE trending.waiting_window IS 'stored state: closed windows that could not be written to history yet';
COMMENT ON TABLE trending.waiting_late IS 'stored state: late rows that could not be written to their table yet';
COMMENT ON TABLE trending.waiting_count IS 'stored state: how many rows of each trend are deferred: how their loss is noticed';
COMMENT ON SEQUENCE trending.waiting_late_id_seq IS 'stored state: order of deferred late rows';
COMMENT ON SEQUENCE trending.waiting_alert_id_seq IS 'stored state: order of deferred alerts';

-- Not dumped either: numbers of transactions mean nothing elsewhere.
CREATE TABLE trending.trend_start (
  trend_id      int PRIMARY KEY,
  next_xid      bigint NOT NULL,
  running_xids  bigint[] NOT NULL,
  history_since timestamptz,
  backfilling   bool NOT NULL DEFAULT false,
  is_followed   bool NOT NULL DEFAULT false
);
COMMENT ON TABLE trending.trend_start IS 'stored state: which rows came after a trend was created, and how far back its history is complete';
COMMENT ON COLUMN trending.trend_start.next_xid IS 'the first transaction that had not begun when the trend was created';
COMMENT ON COLUMN trending.trend_start.running_xids IS 'transactions and subtransactions that were running then, in ascending order';
COMMENT ON COLUMN trending.trend_start.history_since IS 'closed windows that end after this are in history; NULL before the trend has been filled';
COMMENT ON COLUMN trending.trend_start.backfilling IS 'the worker goes on with windows that end before that';
COMMENT ON COLUMN trending.trend_start.is_followed IS 'the stored position is behind its creation';

CREATE TABLE trending.trend_clock (
  trend_id    int PRIMARY KEY,
  clock       bigint NOT NULL,
  watermark   bigint NOT NULL,
  final_until bigint NOT NULL,
  late        bigint NOT NULL,
  null_time   bigint NOT NULL,
  failed      bigint NOT NULL,
  unretracted bigint NOT NULL,
  checksum    bigint NOT NULL
);
COMMENT ON TABLE trending.trend_clock IS 'stored state: event clock and numbers of refused rows at the checkpoint, of each trend that has no stored state since it is being filled';

-- Packed already: compressing costs more than it saves.
ALTER TABLE trending.pane_state ALTER cells SET STORAGE EXTERNAL;

COMMENT ON TABLE trending.checkpoint IS 'stored state: the WAL position up to which the stored state has counted';
COMMENT ON TABLE trending.trend_state IS 'stored state: event clock, counters and options of each trend at the checkpoint';
COMMENT ON TABLE trending.checkpoint_trend IS 'stored state: which trends have a stored state at the checkpoint';
COMMENT ON TABLE trending.trend_ahead_range IS 'stored state: times of rows of each trend that were refused as too far ahead';
COMMENT ON TABLE trending.trend_source_table IS 'stored state: the tables of each trend''s source at the checkpoint';
COMMENT ON TABLE trending.pane_state IS 'stored state: counted cells of each pane at the checkpoint: a whole, then deltas';

CREATE FUNCTION trending_internal.request_worker()
RETURNS void LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_request_worker';
COMMENT ON FUNCTION trending_internal.request_worker() IS
  'internal: asks for the worker of this database; warns when a setting of the server keeps it from running';

-- When the worker cannot go on from where it was (broken WAL, an error that comes again and again): it recreates
-- its replication slot and refills all trends from their sources. Definitions and history stay. Takes effect at once,
-- whatever becomes of the transaction.
CREATE FUNCTION trending.reset_slot()
RETURNS void LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_reset_slot';
REVOKE ALL ON FUNCTION trending.reset_slot() FROM PUBLIC;
COMMENT ON FUNCTION trending.reset_slot() IS
  'has the worker make its replication slot again and fill all trends from their sources, when it cannot go on from where it was (broken WAL, an error that comes again and again). Definitions and history stay. Takes effect at once, whatever becomes of the transaction. For superusers and whom they grant it';

------------------------------------------------------------------------------------------------------------
-- Windows
------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trending.tumble(ts timestamptz, size interval, origin timestamptz DEFAULT NULL, zone text DEFAULT NULL,
                                OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_tumble_timestamptz';

CREATE FUNCTION trending.tumble(ts timestamp, size interval, origin timestamp DEFAULT NULL,
                                OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_tumble_timestamp';

CREATE FUNCTION trending.tumble(ts date, size interval, origin timestamp DEFAULT NULL,
                                OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_tumble_date';

CREATE FUNCTION trending.hop(ts timestamptz, slide interval, size interval, origin timestamptz DEFAULT NULL,
                             zone text DEFAULT NULL, OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_hop_timestamptz';

CREATE FUNCTION trending.hop(ts timestamp, slide interval, size interval, origin timestamp DEFAULT NULL,
                             OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_hop_timestamp';

CREATE FUNCTION trending.hop(ts date, slide interval, size interval, origin timestamp DEFAULT NULL,
                             OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_hop_date';

CREATE FUNCTION trending.cumulate(ts timestamptz, step interval, size interval, origin timestamptz DEFAULT NULL,
                                  zone text DEFAULT NULL, OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_cumulate_timestamptz';

CREATE FUNCTION trending.cumulate(ts timestamp, step interval, size interval, origin timestamp DEFAULT NULL,
                                  OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_cumulate_timestamp';

CREATE FUNCTION trending.cumulate(ts date, step interval, size interval, origin timestamp DEFAULT NULL,
                                  OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 30
AS 'MODULE_PATHNAME', 'trending_cumulate_date';

-- Marks session windows in the definition of a trend. Called in a plain query they say so.
CREATE FUNCTION trending.session(ts timestamptz, gap interval, OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_session';

CREATE FUNCTION trending.session(ts timestamp, gap interval, OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_session';

CREATE FUNCTION trending.session(ts date, gap interval, OUT window_start timestamp, OUT window_end timestamp)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 1
AS 'MODULE_PATHNAME', 'trending_session';

COMMENT ON FUNCTION trending.session(timestamptz, interval) IS
  'marks session windows in the definition of a trend: rows of a group that follow each other within gap belong together. Only a trend can compute it';
COMMENT ON FUNCTION trending.session(timestamp, interval) IS
  'marks session windows in the definition of a trend: rows of a group that follow each other within gap belong together. Only a trend can compute it';
COMMENT ON FUNCTION trending.session(date, interval) IS
  'marks session windows in the definition of a trend: rows of a group that follow each other within gap belong together. Only a trend can compute it';

-- Event time of rows that have none of their own.
CREATE FUNCTION trending.commit_time(xmin xid)
RETURNS timestamptz LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_commit_time';

COMMENT ON FUNCTION trending.commit_time(xid) IS
  'when the transaction that wrote a row version committed, given its xmin: event time for tables that have no time. Needs track_commit_timestamp in a query, not in a trend. NULL for rows from before that was on, and for rows so old that the server has forgotten it';

-- Event time of documents. Immutable, as the cast from text is not: src/values/parse_timestamptz.cpp says why.
CREATE FUNCTION trending.parse_timestamptz(ts text)
RETURNS timestamptz LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_parse_timestamptz';

CREATE FUNCTION trending.parse_timestamptz(ts text, zone text)
RETURNS timestamptz LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_parse_timestamptz_in';

COMMENT ON FUNCTION trending.parse_timestamptz(text) IS
  'the time that a text in ISO 8601 says, with Z or an offset (2024-05-01T12:00:00Z). NULL for any other text. Immutable, unlike the cast: a trend may use it for the times of documents';
COMMENT ON FUNCTION trending.parse_timestamptz(text, text) IS
  'the time that a text in ISO 8601 says; without Z or an offset it is local time in that zone (2024-05-01T12:00:00, or 2024-05-01 for the beginning of the day). NULL for any other text. Immutable, unlike the cast: a trend may use it for the times of documents';

COMMENT ON FUNCTION trending.tumble(timestamptz, interval, timestamptz, text) IS
  'the window of this size that contains ts: a length of time, or months and years. Windows follow each other without gap, aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, windows are of its local days, weeks, months and years, right across changes of daylight saving. A date stands for its beginning. No rows for a NULL or infinite ts';
COMMENT ON FUNCTION trending.tumble(timestamp, interval, timestamp) IS
  'the window of this size that contains ts: a length of time, or months and years. Windows follow each other without gap, aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, windows are of its local days, weeks, months and years, right across changes of daylight saving. A date stands for its beginning. No rows for a NULL or infinite ts';
COMMENT ON FUNCTION trending.tumble(date, interval, timestamp) IS
  'the window of this size that contains ts: a length of time, or months and years. Windows follow each other without gap, aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, windows are of its local days, weeks, months and years, right across changes of daylight saving. A date stands for its beginning. No rows for a NULL or infinite ts';
COMMENT ON FUNCTION trending.hop(timestamptz, interval, interval, timestamptz, text) IS
  'the windows of this size, a new one beginning every slide, that contain ts, in the order in which they end. Slide and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years. A date stands for its beginning';
COMMENT ON FUNCTION trending.hop(timestamp, interval, interval, timestamp) IS
  'the windows of this size, a new one beginning every slide, that contain ts, in the order in which they end. Slide and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years. A date stands for its beginning';
COMMENT ON FUNCTION trending.hop(date, interval, interval, timestamp) IS
  'the windows of this size, a new one beginning every slide, that contain ts, in the order in which they end. Slide and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years. A date stands for its beginning';
COMMENT ON FUNCTION trending.cumulate(timestamptz, interval, interval, timestamptz, text) IS
  'the windows that begin with the period of this size around ts, grow by step, and contain ts; the last is the whole period. Step and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years; a step of hours is elapsed time. A date stands for its beginning';
COMMENT ON FUNCTION trending.cumulate(timestamp, interval, interval, timestamp) IS
  'the windows that begin with the period of this size around ts, grow by step, and contain ts; the last is the whole period. Step and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years; a step of hours is elapsed time. A date stands for its beginning';
COMMENT ON FUNCTION trending.cumulate(date, interval, interval, timestamp) IS
  'the windows that begin with the period of this size around ts, grow by step, and contain ts; the last is the whole period. Step and size are lengths of time, or months and years. Aligned to origin (1970-01-01, weeks to a Monday; in UTC for timestamptz). With a zone, both are in its local days, weeks, months and years; a step of hours is elapsed time. A date stands for its beginning';

------------------------------------------------------------------------------------------------------------
-- Aggregates: in a trend's definition, and anywhere else
------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trending_internal.first_step(internal, anyelement, "any")
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_first_step';
CREATE FUNCTION trending_internal.last_step(internal, anyelement, "any")
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_last_step';
CREATE FUNCTION trending_internal.pick_final(internal, anyelement, "any")
RETURNS anyelement LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_pick_final';
CREATE FUNCTION trending_internal.pick_combine(internal, internal)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_pick_combine';
CREATE FUNCTION trending_internal.pick_serialize(internal)
RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_pick_serialize';
CREATE FUNCTION trending_internal.pick_deserialize(bytea, internal)
RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_pick_deserialize';
COMMENT ON FUNCTION trending_internal.first_step(internal, anyelement, "any") IS 'internal: transition of trending.first';
COMMENT ON FUNCTION trending_internal.last_step(internal, anyelement, "any") IS 'internal: transition of trending.last';
COMMENT ON FUNCTION trending_internal.pick_final(internal, anyelement, "any") IS 'internal: result of trending.first and last';
COMMENT ON FUNCTION trending_internal.pick_combine(internal, internal) IS 'internal: combines states of trending.first and last';
COMMENT ON FUNCTION trending_internal.pick_serialize(internal) IS 'internal: serializes states of trending.first and last';
COMMENT ON FUNCTION trending_internal.pick_deserialize(bytea, internal) IS 'internal: deserializes states of trending.first and last';

CREATE AGGREGATE trending.first(value anyelement, at timestamptz) (
  SFUNC = trending_internal.first_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.first(value anyelement, at timestamp) (
  SFUNC = trending_internal.first_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.first(value anyelement, at date) (
  SFUNC = trending_internal.first_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.first(value anyelement, at bigint) (
  SFUNC = trending_internal.first_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.last(value anyelement, at timestamptz) (
  SFUNC = trending_internal.last_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.last(value anyelement, at timestamp) (
  SFUNC = trending_internal.last_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.last(value anyelement, at date) (
  SFUNC = trending_internal.last_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);
CREATE AGGREGATE trending.last(value anyelement, at bigint) (
  SFUNC = trending_internal.last_step, STYPE = internal, FINALFUNC = trending_internal.pick_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.pick_combine, SERIALFUNC = trending_internal.pick_serialize, DESERIALFUNC = trending_internal.pick_deserialize,
  PARALLEL = SAFE);

COMMENT ON AGGREGATE trending.first(anyelement, timestamptz) IS
  'the value of the earliest at; among rows of the same time the least value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.first(anyelement, timestamp) IS
  'the value of the earliest at; among rows of the same time the least value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.first(anyelement, date) IS
  'the value of the earliest at; among rows of the same time the least value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.first(anyelement, bigint) IS
  'the value of the earliest at; among rows of the same time the least value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.last(anyelement, timestamptz) IS
  'the value of the latest at; among rows of the same time the greatest value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.last(anyelement, timestamp) IS
  'the value of the latest at; among rows of the same time the greatest value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.last(anyelement, date) IS
  'the value of the latest at; among rows of the same time the greatest value. Rows whose value or at is NULL do not count';
COMMENT ON AGGREGATE trending.last(anyelement, bigint) IS
  'the value of the latest at; among rows of the same time the greatest value. Rows whose value or at is NULL do not count';

CREATE FUNCTION trending_internal.latest_step(internal, anyelement, "any", int)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_latest_step';
CREATE FUNCTION trending_internal.latest_final(internal, anyelement, "any", int)
RETURNS anyarray LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_latest_final';
CREATE FUNCTION trending_internal.latest_combine(internal, internal)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_latest_combine';
CREATE FUNCTION trending_internal.latest_serialize(internal)
RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_latest_serialize';
CREATE FUNCTION trending_internal.latest_deserialize(bytea, internal)
RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_latest_deserialize';
COMMENT ON FUNCTION trending_internal.latest_step(internal, anyelement, "any", int) IS 'internal: transition of trending.latest';
COMMENT ON FUNCTION trending_internal.latest_final(internal, anyelement, "any", int) IS 'internal: result of trending.latest';
COMMENT ON FUNCTION trending_internal.latest_combine(internal, internal) IS 'internal: combines states of trending.latest';
COMMENT ON FUNCTION trending_internal.latest_serialize(internal) IS 'internal: serializes states of trending.latest';
COMMENT ON FUNCTION trending_internal.latest_deserialize(bytea, internal) IS 'internal: deserializes states of trending.latest';

CREATE AGGREGATE trending.latest(value anyelement, at timestamptz, n int) (
  SFUNC = trending_internal.latest_step, STYPE = internal, FINALFUNC = trending_internal.latest_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.latest_combine, SERIALFUNC = trending_internal.latest_serialize,
  DESERIALFUNC = trending_internal.latest_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE trending.latest(value anyelement, at timestamp, n int) (
  SFUNC = trending_internal.latest_step, STYPE = internal, FINALFUNC = trending_internal.latest_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.latest_combine, SERIALFUNC = trending_internal.latest_serialize,
  DESERIALFUNC = trending_internal.latest_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE trending.latest(value anyelement, at date, n int) (
  SFUNC = trending_internal.latest_step, STYPE = internal, FINALFUNC = trending_internal.latest_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.latest_combine, SERIALFUNC = trending_internal.latest_serialize,
  DESERIALFUNC = trending_internal.latest_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE trending.latest(value anyelement, at bigint, n int) (
  SFUNC = trending_internal.latest_step, STYPE = internal, FINALFUNC = trending_internal.latest_final, FINALFUNC_EXTRA,
  COMBINEFUNC = trending_internal.latest_combine, SERIALFUNC = trending_internal.latest_serialize,
  DESERIALFUNC = trending_internal.latest_deserialize, PARALLEL = SAFE);

COMMENT ON AGGREGATE trending.latest(anyelement, timestamptz, int) IS
  'the values of the latest n at, the newest first, as an array; among rows of the same time the greatest values come first. Rows whose value or at is NULL do not count. n is a constant of at most 1000';
COMMENT ON AGGREGATE trending.latest(anyelement, timestamp, int) IS
  'the values of the latest n at, the newest first, as an array; among rows of the same time the greatest values come first. Rows whose value or at is NULL do not count. n is a constant of at most 1000';
COMMENT ON AGGREGATE trending.latest(anyelement, date, int) IS
  'the values of the latest n at, the newest first, as an array; among rows of the same time the greatest values come first. Rows whose value or at is NULL do not count. n is a constant of at most 1000';
COMMENT ON AGGREGATE trending.latest(anyelement, bigint, int) IS
  'the values of the latest n at, the newest first, as an array; among rows of the same time the greatest values come first. Rows whose value or at is NULL do not count. n is a constant of at most 1000';

CREATE FUNCTION trending_internal.percentile_step(internal, float8, float8)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_percentile_step';
CREATE FUNCTION trending_internal.percentile_final(internal)
RETURNS float8 LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_percentile_final';
CREATE FUNCTION trending_internal.percentile_combine(internal, internal)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_percentile_combine';
CREATE FUNCTION trending_internal.percentile_serialize(internal)
RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_percentile_serialize';
CREATE FUNCTION trending_internal.percentile_deserialize(bytea, internal)
RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_percentile_deserialize';
COMMENT ON FUNCTION trending_internal.percentile_step(internal, float8, float8) IS 'internal: transition of trending.approx_percentile';
COMMENT ON FUNCTION trending_internal.percentile_final(internal) IS 'internal: result of trending.approx_percentile';
COMMENT ON FUNCTION trending_internal.percentile_combine(internal, internal) IS 'internal: combines states of trending.approx_percentile';
COMMENT ON FUNCTION trending_internal.percentile_serialize(internal) IS 'internal: serializes states of trending.approx_percentile';
COMMENT ON FUNCTION trending_internal.percentile_deserialize(bytea, internal) IS 'internal: deserializes states of trending.approx_percentile';

CREATE AGGREGATE trending.approx_percentile(p float8, x float8) (
  SFUNC = trending_internal.percentile_step, STYPE = internal, SSPACE = 8192, FINALFUNC = trending_internal.percentile_final,
  COMBINEFUNC = trending_internal.percentile_combine, SERIALFUNC = trending_internal.percentile_serialize,
  DESERIALFUNC = trending_internal.percentile_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE trending.approx_percentile(float8, float8) IS
  'the value of x below which the share p of the others lies, within 1 % of it, in at most 64 kB of memory. p is a constant between 0 and 1; 0.5 is the median. NULL does not count';

CREATE FUNCTION trending_internal.decayed_count_step(internal, timestamptz, interval)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_count_step';
CREATE FUNCTION trending_internal.decayed_sum_step(internal, float8, timestamptz, interval)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_sum_step';
CREATE FUNCTION trending_internal.decayed_count_final(internal)
RETURNS float8 LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_count_final';
CREATE FUNCTION trending_internal.decayed_sum_final(internal)
RETURNS float8 LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_sum_final';
CREATE FUNCTION trending_internal.decayed_combine(internal, internal)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_combine';
CREATE FUNCTION trending_internal.decayed_serialize(internal)
RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_serialize';
CREATE FUNCTION trending_internal.decayed_deserialize(bytea, internal)
RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_decayed_deserialize';
COMMENT ON FUNCTION trending_internal.decayed_count_step(internal, timestamptz, interval) IS 'internal: transition of trending.decayed_count';
COMMENT ON FUNCTION trending_internal.decayed_sum_step(internal, float8, timestamptz, interval) IS 'internal: transition of trending.decayed_sum';
COMMENT ON FUNCTION trending_internal.decayed_count_final(internal) IS 'internal: result of trending.decayed_count';
COMMENT ON FUNCTION trending_internal.decayed_sum_final(internal) IS 'internal: result of trending.decayed_sum';
COMMENT ON FUNCTION trending_internal.decayed_combine(internal, internal) IS 'internal: combines states of decayed aggregates';
COMMENT ON FUNCTION trending_internal.decayed_serialize(internal) IS 'internal: serializes states of decayed aggregates';
COMMENT ON FUNCTION trending_internal.decayed_deserialize(bytea, internal) IS 'internal: deserializes states of decayed aggregates';

CREATE AGGREGATE trending.decayed_count(at timestamptz, half_life interval) (
  SFUNC = trending_internal.decayed_count_step, STYPE = internal, FINALFUNC = trending_internal.decayed_count_final,
  COMBINEFUNC = trending_internal.decayed_combine, SERIALFUNC = trending_internal.decayed_serialize,
  DESERIALFUNC = trending_internal.decayed_deserialize, PARALLEL = SAFE);
CREATE AGGREGATE trending.decayed_sum(x float8, at timestamptz, half_life interval) (
  SFUNC = trending_internal.decayed_sum_step, STYPE = internal, FINALFUNC = trending_internal.decayed_sum_final,
  COMBINEFUNC = trending_internal.decayed_combine, SERIALFUNC = trending_internal.decayed_serialize,
  DESERIALFUNC = trending_internal.decayed_deserialize, PARALLEL = SAFE);

COMMENT ON AGGREGATE trending.decayed_count(timestamptz, interval) IS
  'the rows, each weighing half as much with every half_life that has passed since its time, as of now(). Rows whose time is NULL or infinite do not count; 0 without rows';
COMMENT ON AGGREGATE trending.decayed_sum(float8, timestamptz, interval) IS
  'the sum of x, each x weighing half as much with every half_life that has passed since its time, as of now(). Rows whose x or time is NULL, or whose time is infinite, do not count; NULL without rows';

CREATE FUNCTION trending_internal.approx_step(internal, anyelement)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_approx_step';
CREATE FUNCTION trending_internal.approx_final(internal)
RETURNS bigint LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_approx_final';
CREATE FUNCTION trending_internal.approx_combine(internal, internal)
RETURNS internal LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_approx_combine';
CREATE FUNCTION trending_internal.approx_serialize(internal)
RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_approx_serialize';
CREATE FUNCTION trending_internal.approx_deserialize(bytea, internal)
RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'trending_approx_deserialize';
COMMENT ON FUNCTION trending_internal.approx_step(internal, anyelement) IS 'internal: transition of trending.approx_count_distinct';
COMMENT ON FUNCTION trending_internal.approx_final(internal) IS 'internal: result of trending.approx_count_distinct';
COMMENT ON FUNCTION trending_internal.approx_combine(internal, internal) IS 'internal: combines states of trending.approx_count_distinct';
COMMENT ON FUNCTION trending_internal.approx_serialize(internal) IS 'internal: serializes states of trending.approx_count_distinct';
COMMENT ON FUNCTION trending_internal.approx_deserialize(bytea, internal) IS 'internal: deserializes states of trending.approx_count_distinct';

CREATE AGGREGATE trending.approx_count_distinct(x anyelement) (
  SFUNC = trending_internal.approx_step, STYPE = internal, SSPACE = 65536, FINALFUNC = trending_internal.approx_final,
  COMBINEFUNC = trending_internal.approx_combine, SERIALFUNC = trending_internal.approx_serialize,
  DESERIALFUNC = trending_internal.approx_deserialize, PARALLEL = SAFE);

COMMENT ON AGGREGATE trending.approx_count_distinct(anyelement) IS
  'how many different values x has, NULL apart, usually within 1 %, in at most 64 kB of memory; 0 without rows';

------------------------------------------------------------------------------------------------------------
-- Definitions
------------------------------------------------------------------------------------------------------------

-- Written true, false or 'open'.
CREATE TYPE trending.backfill_mode AS ENUM ('true', 'open', 'false');
CREATE FUNCTION trending_internal.as_backfill_mode(wanted bool)
RETURNS trending.backfill_mode LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN wanted THEN 'true'::trending.backfill_mode ELSE 'false'::trending.backfill_mode END;
CREATE CAST (bool AS trending.backfill_mode) WITH FUNCTION trending_internal.as_backfill_mode(bool) AS IMPLICIT;
COMMENT ON FUNCTION trending_internal.as_backfill_mode(bool) IS 'internal: the cast from bool';
COMMENT ON CAST (bool AS trending.backfill_mode) IS 'internal: backfill may be written true or false';
COMMENT ON TYPE trending.backfill_mode IS
'what becomes of rows that are there when a trend is created: true: they count, and history of windows that have closed is filled back; ''open'': those of open windows count; false: none. bool is cast to it';

CREATE FUNCTION trending.create_trend(
  name text, query text, label text DEFAULT NULL,
  watermark_delay interval DEFAULT '0', allowed_lateness interval DEFAULT '1 minute',
  late_events text DEFAULT 'drop', idle_timeout interval DEFAULT '10 seconds', max_ahead interval DEFAULT '1 minute',
  history_limit bigint DEFAULT 100, retention interval DEFAULT NULL, backfill trending.backfill_mode DEFAULT 'true',
  partition_by name[] DEFAULT NULL, max_groups int DEFAULT 1000000, notify_channel text DEFAULT 'trending_alerts')
RETURNS regclass LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_create_trend';

CREATE FUNCTION trending_internal.is_later(xmin xid, next_xid bigint, running_xids bigint[])
RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_is_later';
COMMENT ON FUNCTION trending_internal.is_later(xid, bigint, bigint[]) IS 'internal: whether a row of this xmin came after its trend was created (trend_start)';

CREATE FUNCTION trending.alter_trend(
  trend regclass, query text DEFAULT NULL, label text DEFAULT NULL,
  watermark_delay interval DEFAULT NULL, allowed_lateness interval DEFAULT NULL,
  late_events text DEFAULT NULL, idle_timeout interval DEFAULT NULL, max_ahead interval DEFAULT NULL,
  history_limit bigint DEFAULT NULL, retention interval DEFAULT NULL, max_groups int DEFAULT NULL,
  notify_channel text DEFAULT NULL, unset text[] DEFAULT NULL, reset text[] DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_alter_trend';

CREATE FUNCTION trending.drop_trend(trend regclass)
RETURNS void LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_drop_trend';

CREATE FUNCTION trending.track(
  source regclass, key name, event_time name DEFAULT NULL, name text DEFAULT NULL,
  size interval DEFAULT '5 minutes', slide interval DEFAULT '10 seconds', label text DEFAULT NULL,
  by text DEFAULT 'count')
RETURNS regclass LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_track';

COMMENT ON FUNCTION trending.create_trend(text, text, text, interval, interval, text, interval, interval, bigint, interval, trending.backfill_mode, name[], int, text) IS
  'creates a trend: a foreign table of this name that keeps the result of query (one source, a window function or none, GROUP BY, ORDER BY an aggregate) for the current window, ranked. Needs SELECT on what the query reads. What a query may not contain is reported with its position. The options are described by the comments on the columns of trending.trend';
COMMENT ON FUNCTION trending.alter_trend(regclass, text, text, interval, interval, text, interval, interval, bigint, interval, int, text, text[], text[]) IS
  'changes options of a running trend, which keeps its state. NULL leaves an option as it is. unset names options that are set to none (label, history_limit: all groups are kept, retention, notify_channel), reset those that go back to their defaults. What was final stays final; history and late rows that are switched off keep their tables. For its owner. The query cannot be changed';
COMMENT ON FUNCTION trending.drop_trend(regclass) IS
  'drops a trend with everything that belongs to it, as DROP FOREIGN TABLE does; for its owner';
COMMENT ON FUNCTION trending.track(regclass, name, name, text, interval, interval, text, text) IS
  'creates the common trend: the rows of source counted by key over the last size, moving on every slide; by the time of their commits without event_time. Named top_<source> unless name is given. The time is a column of type timestamptz, timestamp or date. by => ''rising'' ranks by growth instead: the newest tenth of the window against all of it, as a z-score; named rising_<source>; a notice shows the query';

------------------------------------------------------------------------------------------------------------
-- Foreign-data wrapper
------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trending_internal.fdw_handler()
RETURNS fdw_handler LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'trending_fdw_handler';

CREATE FUNCTION trending_internal.fdw_validator(options text[], catalog oid)
RETURNS void LANGUAGE C STRICT
AS 'MODULE_PATHNAME', 'trending_fdw_validator';

CREATE FOREIGN DATA WRAPPER trending_fdw HANDLER trending_internal.fdw_handler VALIDATOR trending_internal.fdw_validator;
CREATE SERVER trending FOREIGN DATA WRAPPER trending_fdw;
COMMENT ON FUNCTION trending_internal.fdw_handler() IS 'internal: handler of the foreign-data wrapper';
COMMENT ON FUNCTION trending_internal.fdw_validator(text[], oid) IS 'internal: validator of the foreign-data wrapper';
COMMENT ON FOREIGN DATA WRAPPER trending_fdw IS 'internal: reads trends from shared memory';
COMMENT ON SERVER trending IS 'internal: the server of all trends; only tables that create_trend made are served';

------------------------------------------------------------------------------------------------------------
-- Reading
------------------------------------------------------------------------------------------------------------

-- Reading functions look at shared memory, which changes at any time: they are volatile.

CREATE FUNCTION trending.top10(
  trend regclass DEFAULT NULL,
  OUT rank bigint, OUT key text, OUT label text, OUT value numeric, OUT previous_rank bigint, OUT change bigint,
  OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10
AS 'MODULE_PATHNAME', 'trending_top10';

CREATE FUNCTION @extschema@.trending_top10(
  trend regclass DEFAULT NULL,
  OUT rank bigint, OUT key text, OUT label text, OUT value numeric, OUT previous_rank bigint, OUT change bigint,
  OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 10
AS 'MODULE_PATHNAME', 'trending_top10';

-- Unsafe in parallel: it reads history as it is, not as the query's snapshot has it.
CREATE FUNCTION trending.top(
  trend regclass DEFAULT NULL, k int DEFAULT 10, at timestamptz DEFAULT NULL,
  partition anycompatiblearray DEFAULT NULL::text[],
  OUT rank bigint, OUT key text, OUT label text, OUT value numeric, OUT previous_rank bigint, OUT change bigint,
  OUT window_start timestamptz, OUT window_end timestamptz)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'trending_top';

-- Of text, which is what values and parameters without a type are; and of everything else.
CREATE FUNCTION trending.rank(trend regclass, VARIADIC key text[])
RETURNS bigint LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_rank';
CREATE FUNCTION trending.rank(trend regclass, VARIADIC key "any")
RETURNS bigint LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_rank';

CREATE FUNCTION trending.sync(timeout interval DEFAULT '10 seconds', trend regclass DEFAULT NULL)
RETURNS pg_lsn LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_sync';

CREATE FUNCTION trending.resume(trend regclass)
RETURNS bool LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_resume';

CREATE FUNCTION trending.watch(trend regclass, version bigint DEFAULT 0, timeout interval DEFAULT '30 seconds')
RETURNS bigint LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_watch';

CREATE FUNCTION trending_internal.trend_stats(
  OUT trend_id int, OUT state text, OUT reason text, OUT version bigint,
  OUT window_start timestamptz, OUT window_end timestamptz, OUT event_clock timestamptz, OUT watermark timestamptz,
  OUT live_groups bigint, OUT kept_groups bigint, OUT kept_panes bigint,
  OUT events bigint, OUT late bigint, OUT ahead bigint, OUT null_time bigint, OUT failed bigint,
  OUT out_of_range bigint, OUT refused bigint, OUT unmatched bigint, OUT unretracted bigint,
  OUT memory_bytes bigint, OUT retractable bool)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_trend_stats';
COMMENT ON FUNCTION trending_internal.trend_stats() IS 'internal: what shared memory knows of each trend, for trending.status';

CREATE FUNCTION trending_internal.worker_stats(
  OUT pid int, OUT state text, OUT message text, OUT hint text, OUT applied_lsn pg_lsn, OUT lag_bytes bigint,
  OUT confirmed_lsn pg_lsn, OUT transactions bigint, OUT checkpoint_at timestamptz, OUT checkpoint_ms float8,
  OUT checkpoint_bytes bigint, OUT checkpoint_hold_ms float8, OUT starts bigint, OUT failures int, OUT set_aside int,
  OUT memory_granted bigint, OUT latency_ms float8)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1
AS 'MODULE_PATHNAME', 'trending_worker_stats';
COMMENT ON FUNCTION trending_internal.worker_stats() IS 'internal: what shared memory knows of the worker, for trending.worker_status';

CREATE FUNCTION trending_internal.trend_counters(OUT trend_id int, OUT retracted bigint, OUT windows_closed bigint)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_trend_counters';
COMMENT ON FUNCTION trending_internal.trend_counters() IS
  'internal: rows that each trend took back, and windows that closed, since its worker began, for trending.metrics';

CREATE FUNCTION trending_internal.as_of()
RETURNS timestamptz LANGUAGE C VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_as_of';
COMMENT ON FUNCTION trending_internal.as_of() IS 'internal: the time of the checkpoint that a standby shows, for trending.status';

-- Transactions by how long after their commit they became visible: those up to a bound, and the seconds of all.
CREATE FUNCTION trending_internal.commit_latency(OUT upto float8, OUT transactions bigint, OUT seconds float8)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 16
AS 'MODULE_PATHNAME', 'trending_commit_latency';
COMMENT ON FUNCTION trending_internal.commit_latency() IS
  'internal: transactions by how long after their commit they became visible, in seconds, for trending.metrics';

-- A trend's definition as it is now, every name qualified; NULL for who may not read the trend.
CREATE FUNCTION trending.definition(trend regclass)
RETURNS text LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_definition';

-- How a trend is kept, topic by topic; with what so many groups would take.
CREATE FUNCTION trending.explain(trend regclass, groups bigint DEFAULT NULL, OUT topic text, OUT detail text)
RETURNS SETOF record LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 15
AS 'MODULE_PATHNAME', 'trending_explain';

-- A trend's definition as a query over its source, with ranks: what the trend should show, the slow way.
CREATE FUNCTION trending.batch_query(trend regclass)
RETURNS text LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_batch_query';

-- Trends as a job of Flink SQL: one statement set.
CREATE FUNCTION trending.to_flink_sql(VARIADIC trends regclass[])
RETURNS text LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_to_flink_sql';

CREATE FUNCTION trending.counted_since(trend regclass)
RETURNS timestamptz LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_counted_since';
COMMENT ON FUNCTION trending.counted_since(regclass) IS 'rows from before this time are forgotten by a trend of decayed aggregates, or the server has forgotten when they were committed; NULL: none are. trending.batch_query asks for it';

CREATE FUNCTION trending.nearly_equal(a float8, b float8, tolerance float8)
RETURNS bool LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_nearly_equal';
CREATE FUNCTION trending.nearly_equal(a float8, b float8, tolerance float8, size float8)
RETURNS bool LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'trending_nearly_equal';
COMMENT ON FUNCTION trending.nearly_equal(float8, float8, float8) IS 'whether two numbers are equal, both NULL, or different by at most this part of the greater: how trending.verify compares floats, whose sums depend on the order of rows';
COMMENT ON FUNCTION trending.nearly_equal(float8, float8, float8, float8) IS 'the same; the difference may be that part of size, if that is greater still: the size of what was added up';

CREATE FUNCTION trending_internal.caught("like" anyelement, number int, VARIADIC arguments "any")
RETURNS anyelement LANGUAGE C STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'trending_caught';
COMMENT ON FUNCTION trending_internal.caught(anyelement, int, "any") IS 'internal: an expression of the query that verify or recompute runs, NULL where it fails';

-- Recalculates from the source the final windows that lie within [from_time, to_time], or the final sessions that reach
-- into that time, and marks the late rows all of whose windows are among them. For those who may insert into and delete
-- from <trend>_history, by the rights of the trend's owner to the source. One call at a time. Returns the rows written.
CREATE FUNCTION trending.recompute(trend regclass, from_time timestamptz, to_time timestamptz)
RETURNS bigint LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_recompute';

CREATE FUNCTION trending_internal.live_differences(trend regclass, OUT found_in text, OUT "row" jsonb)
RETURNS SETOF record LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_live_differences';
COMMENT ON FUNCTION trending_internal.live_differences(regclass) IS 'internal: the rows in which a trend and its definition differ at one instant';

CREATE FUNCTION trending_internal.history_differences_now(trend regclass, OUT found_in text, OUT "row" jsonb, OUT other jsonb, OUT settled bool)
RETURNS SETOF record LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_history_differences_now';
COMMENT ON FUNCTION trending_internal.history_differences_now(regclass) IS 'internal: the rows in which a trend''s history and its definition differ now; other: what the other side has instead; settled: the worker will not change the row any more';

-- The same of its history. What is missing there, or not final, the worker may be about to write with a checkpoint: it
-- differs when it still does after one, in the same way: where much is changed, the two are not of one instant.
CREATE FUNCTION trending_internal.history_differences(trend regclass, OUT found_in text, OUT "row" jsonb)
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

-- Compares a trend with its definition run in batch: its current window at one instant, and its history. Returns the
-- rows that differ; none means equal. Rows that were refused as late differ until recompute takes them in. For whoever
-- may read trend, history and source. Writers of the source wait while both sides are fixed, not while they are
-- compared. Needs a snapshot that is younger than the lock, so READ COMMITTED.
CREATE FUNCTION trending.verify(trend regclass, OUT part text, OUT found_in text, OUT "row" jsonb)
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

CREATE FUNCTION trending_internal.expire_trend(trend regclass)
RETURNS bigint LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'trending_expire_trend';
COMMENT ON FUNCTION trending_internal.expire_trend(regclass) IS 'internal: removes what a trend''s retention no longer covers; for its owner';

-- The same for all trends of the caller when none is named: one that fails does not keep the others from it.
CREATE FUNCTION trending.expire(trend regclass DEFAULT NULL)
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

-- A job of pg_cron that runs trending.expire(). The worker removes expired windows as well, when it writes history;
-- a job is for those who want it at hours of their own. Again for another schedule.
CREATE FUNCTION trending.schedule_retention(schedule text DEFAULT '*/10 * * * *')
RETURNS bigint LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  job     bigint;
  cron_in text := current_setting('cron.database_name', true);
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
    RAISE EXCEPTION 'pg_cron is not installed in this database' USING ERRCODE = 'object_not_in_prerequisite_state',
      DETAIL = 'Without it the worker removes what retention no longer covers when it writes history.',
      HINT = CASE WHEN cron_in IS NULL
             THEN 'Install pg_cron, add it to shared_preload_libraries, set cron.database_name, restart, CREATE EXTENSION pg_cron.'
             WHEN cron_in <> current_database()
             THEN format('pg_cron works in database %I. Run there: SELECT cron.schedule_in_database(''trending.expire'', %L, ''SELECT trending.expire()'', %L);',
                         cron_in, schedule, current_database())
             ELSE 'Run CREATE EXTENSION pg_cron.' END;
  END IF;
  EXECUTE 'SELECT cron.schedule(''trending.expire'', $1, ''SELECT trending.expire()'')' INTO job USING schedule;
  RETURN job;
END $$;

-- Ends that job; false when there is none.
CREATE FUNCTION trending.unschedule_retention()
RETURNS bool LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  found_job bool := false;
BEGIN
  IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
    EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname = ''trending.expire'' AND j.username = current_user'
      INTO found_job;
  END IF;
  RETURN coalesce(found_job, false);
END $$;

COMMENT ON FUNCTION trending_internal.history_differences(regclass) IS 'internal: the rows in which the history of a trend and its definition differ';
COMMENT ON FUNCTION trending.expire(regclass) IS
  'removes history, late rows and alerts that retention no longer covers, of one trend, or of all of the caller; the worker does the same when it writes history. Returns the rows removed';
COMMENT ON FUNCTION trending.schedule_retention(text) IS
  'has pg_cron run trending.expire() on a schedule, every ten minutes by default; returns the job';
COMMENT ON FUNCTION trending.unschedule_retention() IS 'ends the job of trending.schedule_retention; false when there is none';
COMMENT ON FUNCTION trending.definition(regclass) IS
  'the definition of a trend as it is now, every name qualified; NULL for who may not read the trend';
COMMENT ON FUNCTION trending.explain(regclass, bigint) IS
  'how a trend is kept, topic by topic: windows and panes, the state of a group, what is shared with other trends, what makes totals be rebuilt and the trend be refilled, its memory, and an estimate of that for so many groups (max_groups without a number)';
COMMENT ON FUNCTION trending.batch_query(regclass) IS
  'the definition of a trend as a query over its source, with ranks: what the trend should show, the slow way';
COMMENT ON FUNCTION trending.to_flink_sql(regclass[]) IS
  'trends as a job for Flink SQL: CDC sources, windowing functions, joins, the best of every window into a table, as one statement set. What differs is in its comments. An error says why where Flink has no equal. For those who may read the trends';
COMMENT ON FUNCTION trending.recompute(regclass, timestamptz, timestamptz) IS
  'recalculates the final windows that lie within the time, or the final sessions that reach into it, from the source, and takes late rows in: those all of whose windows are among them are marked recomputed. For roles that may insert into and delete from <trend>_history; the source is read with the rights of the owner of the trend. Returns the rows written';
COMMENT ON FUNCTION trending.verify(regclass) IS
  'the rows in which a trend and its definition run in batch differ; none: they are equal. Compares the current window at one instant, and all of history. Rows refused as late differ until trending.recompute takes them in. For roles that may read trend, history and source. Writers of the source wait while both sides are fixed, never longer than 100 ms for the lock. Only in READ COMMITTED';
COMMENT ON FUNCTION trending.top10(regclass) IS
  'the best ten groups of a trend with their labels, their rank in the window that closed last and the change since. Without argument: of the trend that trending.default_trend names, else of the oldest one';
COMMENT ON FUNCTION @extschema@.trending_top10(regclass) IS
  'the same as trending.top10, for a search path without schema trending';
COMMENT ON FUNCTION trending.top(regclass, int, timestamptz, anycompatiblearray) IS
  'the best k groups of a trend with their labels, their rank in the window that closed last and the change since; of the default trend, as trending.top10, if none is named. at: of the window that was current at that time, from history; of sessions, those that were open then, ranked together, as they are now; labels are those of today; empty when nothing is known of that window; needs SELECT on <trend>_history. partition: of one partition of a trend with partition_by, which is named by the values of its columns';
COMMENT ON FUNCTION trending.rank(regclass, text[]) IS
  'the rank of one key, which is given by its values, of any type; NULL if it is not in the current window';
COMMENT ON FUNCTION trending.rank(regclass, "any") IS
  'the rank of one key, which is given by its values, of any type; NULL if it is not in the current window';
COMMENT ON FUNCTION trending.sync(interval, regclass) IS
  'waits until everything committed so far is visible: in the trends that the caller owns by himself or through his roles, or in the one that is named. An error at the end of the timeout says what was waited for. A stopped trend is a warning, or an error if it was named';
COMMENT ON FUNCTION trending.resume(regclass) IS
  'starts a stopped trend of the caller again, filled from its source; false if it is not stopped. Takes effect at once, not with the transaction';
COMMENT ON FUNCTION trending.watch(regclass, bigint, interval) IS
  'waits until a trend is newer than a version, or until the timeout; returns its version then: a long poll';

------------------------------------------------------------------------------------------------------------
-- Views
------------------------------------------------------------------------------------------------------------

-- One row for this database's worker, present or not.
CREATE VIEW trending.worker_status AS
SELECT * FROM trending_internal.worker_stats();
COMMENT ON VIEW trending.worker_status IS
  'one row for the worker of this database, present or not: its state, what to do about it, its position and its checkpoints';
COMMENT ON COLUMN trending.worker_status.pid IS
  'process of the worker; NULL when there is none';
COMMENT ON COLUMN trending.worker_status.state IS
  'one of not loaded, none, starting, recovering, running, paused (a command has locked the database), unavailable';
COMMENT ON COLUMN trending.worker_status.message IS
  'what keeps the worker from running, or what it waits for; details of errors for pg_read_all_stats only';
COMMENT ON COLUMN trending.worker_status.hint IS
  'what to do about it';
COMMENT ON COLUMN trending.worker_status.applied_lsn IS
  'WAL position up to which the trends have counted';
COMMENT ON COLUMN trending.worker_status.lag_bytes IS
  'WAL that is written and not yet applied';
COMMENT ON COLUMN trending.worker_status.confirmed_lsn IS
  'WAL position of the last checkpoint; the replication slot keeps what comes after it';
COMMENT ON COLUMN trending.worker_status.transactions IS
  'transactions applied since the worker began';
COMMENT ON COLUMN trending.worker_status.checkpoint_at IS
  'when the last checkpoint was written';
COMMENT ON COLUMN trending.worker_status.checkpoint_ms IS
  'how long it took, in milliseconds';
COMMENT ON COLUMN trending.worker_status.checkpoint_bytes IS
  'how much state it wrote';
COMMENT ON COLUMN trending.worker_status.checkpoint_hold_ms IS
  'the longest time for which it kept the readers of a trend waiting, in milliseconds';
COMMENT ON COLUMN trending.worker_status.starts IS
  'how often a worker was started for this database since the server began';
COMMENT ON COLUMN trending.worker_status.failures IS
  'how often in a row it ended with an error; 0 once it runs';
COMMENT ON COLUMN trending.worker_status.set_aside IS
  'trends that workers died for, stopped until trending.resume() is called';
COMMENT ON COLUMN trending.worker_status.memory_granted IS
  'shared memory that is granted to the trends of this database so far, in bytes; trending.memory_limit is the most';
COMMENT ON COLUMN trending.worker_status.latency_ms IS
  'how long after its commit the transaction that was applied last became visible, in milliseconds';

-- One row per trend. Without a worker the columns that only it can know are NULL.
CREATE VIEW trending.status AS
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
COMMENT ON VIEW trending.status IS
  'one row per trend: state and reason, current window, clock, size, and counters of rows that were counted and that were not. Without a worker the columns that only it can know are NULL';
COMMENT ON COLUMN trending.status.trend IS
  'name of the trend';
COMMENT ON COLUMN trending.status.relation IS
  'the foreign table that serves it';
COMMENT ON COLUMN trending.status.source IS
  'the table whose row changes are followed';
COMMENT ON COLUMN trending.status.state IS
  'whether the trend can be read: running, filling (the rows of the source are being counted), stopped, or what the worker does: starting, recovering, worker down';
COMMENT ON COLUMN trending.status.reason IS
  'why it is stopped, what it waits for, or what keeps its tables from being written; for its owner and pg_monitor';
COMMENT ON COLUMN trending.status.hint IS
  'what to do about that; of a trend that runs: why its list is empty, old, or shows you less than there is. NULL: nothing is amiss';
COMMENT ON COLUMN trending.status.version IS
  'grows with every change of the trend; trending.watch waits for the next';
COMMENT ON COLUMN trending.status.window_start IS
  'start of the current window; NULL without a window';
COMMENT ON COLUMN trending.status.window_end IS
  'end of the current window';
COMMENT ON COLUMN trending.status.event_clock IS
  'the latest event time accepted; follows the wall clock while the source is silent';
COMMENT ON COLUMN trending.status.watermark IS
  'event clock less watermark_delay: windows that end before it are closed';
COMMENT ON COLUMN trending.status.live_groups IS
  'groups in the current window';
COMMENT ON COLUMN trending.status.kept_groups IS
  'groups in all windows that may still change';
COMMENT ON COLUMN trending.status.kept_panes IS
  'panes in all windows that may still change';
COMMENT ON COLUMN trending.status.events IS
  'rows counted, or retracted';
COMMENT ON COLUMN trending.status.late IS
  'rows that came too late for any window';
COMMENT ON COLUMN trending.status.ahead IS
  'rows dated further ahead of their commit than max_ahead';
COMMENT ON COLUMN trending.status.null_time IS
  'rows without a time';
COMMENT ON COLUMN trending.status.failed IS
  'rows, and groups, whose expressions raised an error, or took longer than trending.row_timeout';
COMMENT ON COLUMN trending.status.out_of_range IS
  'rows at times that cannot be counted';
COMMENT ON COLUMN trending.status.refused IS
  'rows refused at a limit: max_groups, or memory';
COMMENT ON COLUMN trending.status.unmatched IS
  'rows to be retracted that had not been counted';
COMMENT ON COLUMN trending.status.unretracted IS
  'updates and deletes that could not be followed, because the old row is not in the WAL';
COMMENT ON COLUMN trending.status.retractable IS
  'whether updates and deletes can be followed: the replica identity of the source has what the trend reads';
COMMENT ON COLUMN trending.status.memory_bytes IS
  'shared memory of the trend';
COMMENT ON COLUMN trending.status.history_since IS
  'closed windows that end after this are in history; -infinity: as far back as the source goes';
COMMENT ON COLUMN trending.status.as_of IS
  'on a standby: when the checkpoint was written whose state is shown; NULL where the trend is followed';
COMMENT ON COLUMN trending.status.backfilling IS
  'history of windows that end before that is being filled';

CREATE FUNCTION trending.history_since(trend regclass)
RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT s.history_since FROM trending.status s WHERE s.relation = history_since.trend;
END;
COMMENT ON FUNCTION trending.history_since(regclass) IS
  'closed windows that end after this are in history: -infinity where it goes back as far as the source does. It moves back while backfill is under way. NULL before the trend has been filled';

-- What monitoring collects: every number of the two views above as a row, named and typed as Prometheus wants it, times
-- in seconds, sizes in bytes. What is not known now has no row.
CREATE VIEW trending.metrics AS
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
COMMENT ON COLUMN trending.metrics.name IS
  'name of the metric, as is usual with Prometheus';
COMMENT ON COLUMN trending.metrics.type IS
  'counter, gauge or histogram';
COMMENT ON COLUMN trending.metrics.labels IS
  'what it is of: the trend, the bound of a bucket, or nothing for the worker';
COMMENT ON COLUMN trending.metrics.value IS
  'its value';
COMMENT ON COLUMN trending.metrics.help IS
  'what it counts';

------------------------------------------------------------------------------------------------------------
-- One ranking over the trends of many servers
------------------------------------------------------------------------------------------------------------

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

------------------------------------------------------------------------------------------------------------
-- Event trigger: a dropped foreign table takes its trend along
------------------------------------------------------------------------------------------------------------

CREATE FUNCTION trending_internal.forget_dropped()
RETURNS event_trigger LANGUAGE C
AS 'MODULE_PATHNAME', 'trending_forget_dropped';

CREATE EVENT TRIGGER trending_forget_dropped ON sql_drop EXECUTE FUNCTION trending_internal.forget_dropped();
-- Under session_replication_role = replica too, which upgrade and replication tools set.
ALTER EVENT TRIGGER trending_forget_dropped ENABLE ALWAYS;
COMMENT ON FUNCTION trending_internal.forget_dropped() IS 'internal: forgets trends whose foreign tables are dropped';
COMMENT ON EVENT TRIGGER trending_forget_dropped IS 'internal: a dropped foreign table takes its trend along';

-- A trend that is renamed keeps the names of its other relations: its owner is told. Nothing here may fail, since the
-- command would fail with it; so no search_path, no row_security and no missing table has a say.
CREATE FUNCTION trending_internal.tell_of_names()
RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET row_security = on
AS $$
DECLARE
  renamed record;
BEGIN
  IF to_regclass('trending.trend') IS NULL THEN
    RETURN;
  END IF;
  FOR renamed IN
    SELECT c.relname AS trend, string_agg(o.relname, ', ') AS names,
           string_agg(format('ALTER %s %s RENAME TO %I;', CASE o.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, o.oid::regclass,
                             c.relname || k.suffix), ' ') AS commands
    FROM   pg_event_trigger_ddl_commands() d JOIN trending.trend t ON t.relation = d.objid AND d.classid = 'pg_class'::regclass
           JOIN pg_class c ON c.oid = d.objid
           CROSS JOIN LATERAL (VALUES (t.history, '_history'), (t.late, '_late'), (t.alerts, '_alerts'),
                                      (t.definition, '_definition')) k(relation, suffix)
           JOIN pg_class o ON o.oid = k.relation AND o.relname <> c.relname || k.suffix
    GROUP  BY c.oid, c.relname
  LOOP
    RAISE NOTICE 'trend "%" has relations of another name: %', renamed.trend, renamed.names
      USING DETAIL = 'They belong to it under any name.', HINT = renamed.commands;
  END LOOP;
END $$;

CREATE EVENT TRIGGER trending_tell_of_names ON ddl_command_end WHEN TAG IN ('ALTER FOREIGN TABLE', 'ALTER TABLE')
EXECUTE FUNCTION trending_internal.tell_of_names();
COMMENT ON FUNCTION trending_internal.tell_of_names() IS 'internal: tells who renames a trend that its history keeps its name';
COMMENT ON EVENT TRIGGER trending_tell_of_names IS 'internal: tells who renames a trend that its history keeps its name';

------------------------------------------------------------------------------------------------------------
-- Grants
------------------------------------------------------------------------------------------------------------

-- A foreign table made by hand on the server serves nothing: only relations in trending.trend are served, and federated
-- trends, which do what their owner can do.
GRANT USAGE ON SCHEMA trending TO PUBLIC;
GRANT USAGE ON FOREIGN SERVER trending TO PUBLIC;
GRANT SELECT ON trending.trend, trending.trend_id_seq TO PUBLIC;
GRANT SELECT ON trending.status, trending.worker_status, trending.metrics TO PUBLIC;

-- Of the internal functions only those can be called that are called with the rights of whoever calls ours: in views (the
-- first five) and casts, in queries that the worker or recompute run as the owner of a trend (is_later, caught), and by
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

-- The worker starts when this transaction commits.
SELECT trending_internal.request_worker();
