# SPDX-License-Identifier: PostgreSQL
# Functions that read and write tables of others run nobody's code with the rights of another: what the owners of
# source, history and types attached to them runs as themselves, if it has to run at all, whoever calls. And nobody
# learns by them what he may not read.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $db = 'postgres';
my $node = trending_node('readers_rights', autovacuum => 'off', 'trending.checkpoint_interval' => '1s');
sub as { my ($role, $statement) = @_; return $node->safe_psql($db, $statement, extra_params => [ '-U', $role ]) }
sub error_of { my ($role, $statement) = @_; return ($node->psql($db, $statement, extra_params => [ '-U', $role ]))[2] }

# ran() says by whom foreign code is run; mallory's and other's may run as themselves only.
$node->safe_psql($db, q{
	CREATE EXTENSION trending;
	CREATE ROLE mallory LOGIN; CREATE ROLE other LOGIN; CREATE ROLE reader LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory; GRANT USAGE ON SCHEMA m TO PUBLIC;
	CREATE SCHEMA o AUTHORIZATION other; GRANT USAGE ON SCHEMA o TO PUBLIC;
	CREATE FUNCTION public.ran(what text, who text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN IF current_user <> who THEN RAISE LOG 'foreign code of % ran as %: %', who, current_user, what; END IF; RAISE LOG 'code ran: %', what; END $$;
});
as('mallory', q{
	CREATE FUNCTION m.note(what text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran(what, 'mallory');
	  PERFORM set_config('trending.default_trend', what, false); RETURN true; END $$;
	CREATE FUNCTION m.number(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.note(what); RETURN 1; END $$;
	CREATE TYPE m.mood AS ENUM ('good', 'bad');
	CREATE FUNCTION m.as_json(m.mood) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.note('cast to json'); RETURN '{}'; END $$;
	CREATE FUNCTION m.as_text(m.mood) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM m.note('cast to text'); RETURN ''; END $$;
	CREATE CAST (m.mood AS json) WITH FUNCTION m.as_json(m.mood);
	CREATE CAST (m.mood AS text) WITH FUNCTION m.as_text(m.mood);
	CREATE DOMAIN m.checked AS int CHECK (m.note('domain'));
	CREATE DOMAIN m.moody AS m.mood;
	CREATE TABLE m.src (k int, mood m.mood, moods m.moody[], word m.checked, at timestamptz);
	ALTER TABLE m.src REPLICA IDENTITY FULL;
	SELECT trending.create_trend('m.low', $$ SELECT window_start, window_end, k, mood, count(*) AS n, max(mood) AS most, trending.last(word, at) AS word
	  FROM m.src, trending.tumble(at, '1 minute') GROUP BY 1, 2, 3, 4 ORDER BY n DESC $$,
	  idle_timeout => '9000 days', history_limit => NULL, allowed_lateness => '0', late_events => 'keep');
	SELECT trending.create_trend('m.visits', $$ SELECT window_start, window_end, k, mood, count(*) AS n
	  FROM m.src, trending.session(at, '30 seconds') GROUP BY 1, 2, 3, 4 ORDER BY n DESC $$,
	  idle_timeout => '9000 days', history_limit => NULL, allowed_lateness => '0', late_events => 'keep');
	GRANT SELECT ON ALL TABLES IN SCHEMA m TO reader;
});
sync_trends($node, $db);
as('mallory', "INSERT INTO m.src SELECT g % 3, 'good', '{good}', g, timestamptz '2026-01-01 00:00:10+00' + $_ * interval '1 minute' FROM generate_series(1, 9) g") for 0 .. 4;
as('mallory', "INSERT INTO m.src VALUES (1, 'bad', NULL, 1, '2026-01-01 00:00:20+00')");
ok($node->poll_query_until($db, 'SELECT (SELECT count(*) FROM m.low_late) = 1 AND (SELECT count(*) FROM m.visits_history) >= 9 AND count(*) = 12 FROM m.low_history WHERE final'),
	'windows close, one row is late');

# What their owner attaches to source, trend and history. Constant parts are evaluated where a query is planned.
as('mallory', q{
	CREATE INDEX ON m.src (m.number('index of the source'));
	CREATE INDEX ON m.src (at) WHERE m.note('predicate of the source');
	CREATE STATISTICS m.s1 ON (m.number('statistics of the source')), k FROM m.src;
	ALTER TABLE m.src ADD CONSTRAINT c CHECK (m.note('check of the source')) NOT VALID;
	CREATE STATISTICS m.s2 ON (m.number('statistics of the trend')), k FROM m.low;
	ALTER FOREIGN TABLE m.low ADD CONSTRAINT c CHECK (m.note('check of the trend'));
	ALTER FOREIGN TABLE m.visits ADD CONSTRAINT c CHECK (m.note('check of the sessions'));
	CREATE STATISTICS m.s3 ON (m.number('statistics of history')), k FROM m.low_history;
	CREATE STATISTICS m.s4 ON (m.number('statistics of session history')), k FROM m.visits_history});
my @calls = (
	"SELECT count(*) FROM trending.top('m.low', 5, timestamptz '2026-01-01 00:01:30+00')", "SELECT count(*) FROM trending.top('m.visits', 5, timestamptz '2026-01-01 00:01:15+00')",
	"SELECT count(*) FROM trending.top('m.low', 5)", "SELECT trending.rank('m.low', '1', 'good')", "SELECT count(*) FROM trending.verify('m.low')",
	"SELECT count(*) FROM trending.verify('m.visits')", "SELECT trending.expire()");
for my $role (qw(postgres reader))
{
	my @answers = map { as($role, "SET constraint_exclusion = on; $_") } @calls;
	is("@answers", '3 3 3 2 1 1 0', "$role reads, and verify finds the late row");
}
is(as('postgres', q{SELECT string_agg(found_in || ' ' || ("row"->>'mood') || ' ' || ("row"->>'most'), ', ' ORDER BY found_in) FROM trending.verify('m.low')}), 'definition bad bad', 'enums look as their output functions make them');
is(as('postgres', qq{SET constraint_exclusion = on; $calls[4]; SHOW trending.default_trend}), "1\n", 'no setting outlives it');

# recompute by a superuser: nothing that is attached to history runs, it is refused.
for ([ 'a trigger', q{CREATE OR REPLACE FUNCTION m.fired() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM m.note('trigger'); RETURN NEW; END $$;
	CREATE TRIGGER t BEFORE INSERT ON m.%1$s_history FOR EACH ROW EXECUTE FUNCTION m.fired()}, 'DROP TRIGGER t ON m.%1$s_history' ],
	[ 'a rule', q{CREATE RULE r AS ON DELETE TO m.%1$s_history DO ALSO SELECT m.note('rule')}, 'DROP RULE r ON m.%1$s_history' ],
	[ 'a check', q{ALTER TABLE m.%1$s_history ADD CONSTRAINT c CHECK (m.note('check of history')) NOT VALID}, 'ALTER TABLE m.%1$s_history DROP CONSTRAINT c' ],
	[ 'an index on an expression', q{CREATE INDEX i ON m.%1$s_history (m.number('index of history'))}, 'DROP INDEX m.i' ],
	[ 'a trigger', q{CREATE TRIGGER t BEFORE UPDATE ON m.%1$s_late FOR EACH ROW EXECUTE FUNCTION m.fired()}, 'DROP TRIGGER t ON m.%1$s_late' ])
{
	my ($what, $attach, $detach) = @$_;
	for my $trend (qw(low visits))
	{
		as('mallory', sprintf $attach, $trend);
		like(error_of('postgres', "SELECT trending.recompute('m.$trend', '2026-01-01', '2026-01-02')"), qr/could not recompute.*DETAIL:.*has/s, "recompute of $trend refuses $what");
		as('mallory', sprintf $detach, $trend);
	}
}
# Nor does the caller's: names that he has put before the system's are not those of the query.
as('mallory', 'GRANT INSERT, DELETE ON m.low_history, m.visits_history TO other');
as('other', q{CREATE FUNCTION o.count(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('count', 'other'); RETURN 1; END $$;
	CREATE FUNCTION o.max(timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('max', 'other'); RETURN $1; END $$;
	CREATE FUNCTION o.no(timestamptz, timestamptz) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN PERFORM public.ran('operator', 'other'); RETURN true; END $$;
	CREATE OPERATOR o.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = o.no); CREATE OPERATOR o.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = o.no);
	CREATE DOMAIN o.timestamptz AS text CHECK (public.ran('domain', 'other') IS NOT NULL)});
like(error_of('other', "SET search_path = o, pg_catalog; SELECT trending.recompute('m.$_', '2026-01-01', '2026-01-02')"), qr/permission denied for foreign table $_/, "recompute of $_ asks for the right to read the trend") for qw(low visits);
as('mallory', 'GRANT SELECT ON m.low, m.visits TO other');
cmp_ok(as('other', "SET search_path = o, pg_catalog; SELECT trending.recompute('m.$_', '2026-01-01'::pg_catalog.timestamptz, '2026-01-02'::pg_catalog.timestamptz)"), '>', 9, "recompute of $_ by one who may write history") for qw(low visits);
is(as('postgres', "SELECT count(*) FROM trending.verify('m.$_')"), '0', "and $_ is right") for qw(low visits);
is(as('postgres', 'SELECT (SELECT recomputed FROM m.low_late), (SELECT recomputed FROM m.visits_late)'), 't|t', 'with its late row');
as('mallory', 'ALTER DOMAIN m.checked DROP CONSTRAINT checked_check');    # the row is built from JSON

# -- who may not read learns nothing
as('mallory', 'REVOKE SELECT ON m.low_history FROM reader');
like(error_of('reader', $calls[0]), qr/permission denied for table low_history/, 'no past without the right to history');
like(error_of('reader', $calls[4]), qr/permission denied for table low_history/, 'nor a comparison');
as('mallory', 'GRANT SELECT (window_start, window_end, k, n, rank) ON m.low_history TO reader');
like(error_of('reader', $calls[0]), qr/permission denied for table low_history/, 'nor with rights to some columns');
as('mallory', 'GRANT SELECT ON m.low_history TO reader; ALTER TABLE m.low_history ENABLE ROW LEVEL SECURITY');
like(error_of('reader', $_), qr/row security of table "low_history" applies to you/, 'nor where row security hides rows') for @calls[ 0, 4 ];
as('mallory', 'ALTER TABLE m.low_history DISABLE ROW LEVEL SECURITY; REVOKE SELECT ON m.src FROM reader; GRANT SELECT (k, mood, at) ON m.src TO reader');
like(error_of('reader', $calls[4]), qr/permission denied for table src/, 'no comparison with rights to some columns of the source');
as('mallory', 'GRANT SELECT (k, mood, word, at) ON m.src TO reader');
is(as('reader', $calls[4]), '0', 'but with those to all that the trend reads');
as('mallory', q{CREATE POLICY p ON m.src USING (m.note('policy')); ALTER TABLE m.src ENABLE ROW LEVEL SECURITY});
like(error_of('reader', $calls[4]), qr/row security of table "src" applies to you/, 'nor where row security of the source hides rows');
is(as('mallory', $calls[4]), '0', 'its owner may');
as('mallory', 'ALTER TABLE m.src DISABLE ROW LEVEL SECURITY');

# -- a source whose owner the trend's owner need not trust: partitions of others are read as these
$node->safe_psql($db, q{
	CREATE TABLE parted (k int, at timestamptz) PARTITION BY RANGE (k);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
	CREATE TABLE m.parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
	ALTER TABLE m.parted_2 OWNER TO mallory;
	INSERT INTO parted SELECT i % 20, timestamptz '2026-01-01' + i * interval '1 second' FROM generate_series(1, 600) i});
as('mallory', q{CREATE INDEX ON m.parted_2 (m.number('index of a partition')); CREATE INDEX ON m.parted_2 (at) WHERE m.note('predicate of a partition');
	CREATE STATISTICS m.s5 ON (m.number('statistics of a partition')), k FROM m.parted_2});
$node->safe_psql($db, q{
	SELECT trending.create_trend('of_parts', 'SELECT window_start, window_end, k, count(*) AS n FROM parted, trending.tumble(at, $$1 minute$$) GROUP BY 1, 2, 3 ORDER BY n DESC',
	  idle_timeout => '9000 days', history_limit => NULL);
	SELECT trending.create_trend('visits_of_parts', 'SELECT window_start, window_end, k, count(*) AS n FROM parted, trending.session(at, $$1 minute$$) GROUP BY 1, 2, 3 ORDER BY n DESC', idle_timeout => '9000 days')});
sync_trends($node, $db);
ok($node->poll_query_until($db, q{SELECT bool_and(state = 'running' AND NOT backfilling) FROM trending.status WHERE trend LIKE '%of_parts'}), 'a trend over partitions of several owners');
ok($node->poll_query_until($db, 'SELECT sum(n) = 600 FROM (SELECT n FROM of_parts UNION ALL SELECT n FROM of_parts_history) x'), 'counts them all');
is($node->safe_psql($db, 'SELECT sum(n) FROM visits_of_parts'), '600', 'in order, too');
like(error_of('postgres', "SELECT * FROM trending.verify('of_parts')"), qr/partitions of "parted" belong to another owner.*Give the table and its partitions to one owner/s, 'which cannot be compared by one query');
$node->safe_psql($db, 'ALTER TABLE m.parted_2 OWNER TO postgres; DROP STATISTICS m.s5');
my $drop = $node->safe_psql($db, q{SELECT string_agg(format('DROP INDEX %s', indexrelid::regclass), '; ') FROM pg_index WHERE indrelid = 'm.parted_2'::regclass});
$node->safe_psql($db, $drop);
is($node->safe_psql($db, "SELECT count(*) FROM trending.verify('of_parts')"), '0', 'and is equal when it can be');

# -- history that is no table any more (a rule makes an empty one a view, under its OID, until PostgreSQL 15)
SKIP:
{
	skip 'tables cannot be made views', 5 if $node->pg_version >= 16;
	as('mallory', q{
		SELECT trending.create_trend('m.gone', 'SELECT window_start, window_end, k, count(*) AS n FROM m.src, trending.tumble(at, $$1 minute$$) GROUP BY 1, 2, 3 ORDER BY n DESC',
		  idle_timeout => '9000 days', backfill => 'open')});
	sync_trends($node, $db);
	my $indexes = as('mallory', q{SELECT string_agg(format('DROP INDEX %s', indexrelid::regclass), '; ') FROM pg_index WHERE indrelid = 'm.gone_history'::regclass});
	as('mallory', $indexes);
	# Windows may be about to be written, and snapshots of the worker keep what was deleted.
	is(settled(sub { as('mallory', 'DELETE FROM m.gone_history'); as('mallory', 'VACUUM m.gone_history'); return as('mallory', q{SELECT nullif(pg_relation_size('m.gone_history'), 0)}) }), '', 'history is empty');
	as('mallory', q{ALTER TABLE m.gone_history REPLICA IDENTITY DEFAULT; CREATE RULE "_RETURN" AS ON SELECT TO m.gone_history DO INSTEAD
		SELECT now() AS window_start, now() AS window_end, 1 AS k, 1::bigint AS n, 1::bigint AS rank, m.note('view') AS final});
	is($node->safe_psql($db, q{SELECT relkind FROM pg_class WHERE oid = 'm.gone_history'::regclass}), 'v', 'history is a view now');
	like(error_of('postgres', q{SELECT * FROM trending.verify('m.gone')}), qr/has been made another kind of table/, 'verify says so');
	like(error_of('postgres', q{SELECT * FROM trending.top('m.gone', 1, timestamptz '2026-01-01 00:03:30+00')}), qr/another kind of table|not in its history/, 'and top');
	as('mallory', "INSERT INTO m.src VALUES (1, 'good', NULL, 1, '2026-01-01 00:07:00+00')");
	kill_worker($node, $db, 'TERM');
	wait_for_worker($node, $db);
	ok($node->poll_query_until($db, q{SELECT reason ~ 'another kind of table' FROM trending.status WHERE trend = 'm.gone'}), 'and the status');
}

unlike(slurp_file($node->logfile), qr/LOG:  foreign code of/, 'no code ran with the rights of another');
like(slurp_file($node->logfile), qr/LOG:  code ran: $_/, "$_: would have") for 'index of the source', 'predicate of the source', 'statistics of the source', 'index of a partition';
no_crash_in_log($node);
$node->stop;
done_testing();
