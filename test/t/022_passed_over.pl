# SPDX-License-Identifier: PostgreSQL
# Rows that come late while a trend is refilled, or before its history is filled back: each either counts, or is counted as
# late once and kept once, whatever it meets: a filling that waits, a crash meanwhile, an option that is switched off.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $db = 'postgres';
my $node = trending_node('passed', max_prepared_transactions => 10, autovacuum => 'off', restart_after_crash => 'on',
	'trending.checkpoint_interval' => '1s');
sub query { return $node->safe_psql($db, $_[0]) }
sub await { $node->poll_query_until($db, $_[0]) or die "in vain: $_[0]" }

query(
	q{
	CREATE EXTENSION trending;
	CREATE FUNCTION at_second(s int) RETURNS timestamptz LANGUAGE sql IMMUTABLE
	  AS $$ SELECT timestamptz '2026-03-01 00:00+00' + s * interval '1 second' $$;
	CREATE TABLE seen (k int, at timestamptz, bits int);
	ALTER TABLE seen REPLICA IDENTITY FULL;
	CREATE INDEX ON seen (at);
	CREATE TABLE old (LIKE seen INCLUDING ALL);
	CREATE TABLE ticks (LIKE seen INCLUDING ALL)});

sub row { return join '', map { "INSERT INTO $_[0] VALUES (1, at_second($_), 1);" } @_[ 1 .. $#_ ] }

sub create
{
	my ($name, $source, $window, $options) = @_;
	my $bits = $window =~ /session/ ? 'sum' : 'bit_or';
	query(
		qq{SELECT trending.create_trend('$name', \$\$SELECT window_start, window_end, k, count(*) AS n, $bits(bits) AS bits
		FROM $source, $window GROUP BY window_start, window_end, k ORDER BY n DESC\$\$,
		allowed_lateness => '0', idle_timeout => '9000 days', late_events => 'keep', history_limit => NULL$options)});
}

sub late_rows
{
	await("SELECT l.late + l.null_time + l.ahead = (SELECT count(*) FROM $_[0]_late) FROM trending.status l WHERE trend = '$_[0]'") unless $_[1];
	return query("SELECT string_agg(coalesce(extract(epoch FROM event_time - at_second(0))::bigint::text, '-') || ' ' || reason, ', '
		ORDER BY event_time, reason) FROM $_[0]_late");
}
sub counters { return query("SELECT late, null_time, ahead FROM trending.status WHERE relation = '$_[0]'::regclass") }

# How many rows the windows of a minute have that have closed: "0:6 60:6 ...".
sub history
{
	return query("SELECT string_agg(extract(epoch FROM window_start - at_second(0))::int || ':' || n || CASE WHEN final THEN '' ELSE '?' END, ' '
		ORDER BY window_start) FROM $_[0]_history");
}
sub history_is { my ($name, $wanted, $what) = @_; is(settled(sub { my $found = history($name); return $found eq $wanted ? '' : $found }), '', $what) }

# -- while a trend waits to be filled

create('ticker', 'ticks', "trending.tumble(at, '1 minute')", '');

create('minutes', 'seen', "trending.tumble(at, '1 minute')", ", backfill => 'open'");
create('visits', 'seen', "trending.session(at, '20 seconds')", ", backfill => 'open'");
sync_trends($node, $db);
query(row('seen', map { $_ * 10 } 0 .. 30));
query(row('seen', 15));
sync_trends($node, $db);
is(late_rows('minutes'), '15 late', 'a row is late');
is(counters('minutes'), '1|0|0', 'and counted');
is(late_rows('visits'), '15 late', 'for sessions, too, by its time alone');

# Nothing can be taken out of combined states and sessions: rows that go have them refilled, after all who write.
sub fill_behind
{
	my ($writer) = @_;
	query("BEGIN; $writer; PREPARE TRANSACTION 'writer'; DELETE FROM seen WHERE at = at_second(300)");
	await("SELECT count(*) = 2 FROM trending.status WHERE state = 'filling' AND reason LIKE '%waits for transactions%'");
}
fill_behind(row('seen', 310) . row('seen', 25));
query(row('seen', 35));
query('INSERT INTO seen VALUES (1, NULL, 1)');
query(row('seen', 400, 500));
query('BEGIN;' . row('seen', 330) . 'SAVEPOINT s;' . row('seen', 45) . 'ROLLBACK TO s;' . row('seen', 55) . 'COMMIT');
query("INSERT INTO seen VALUES (1, '2999-01-01', 1)");
query("COMMIT PREPARED 'writer'");
sync_trends($node, $db);
my $ahead = query("SELECT extract(epoch FROM timestamptz '2999-01-01' - at_second(0))::bigint || ' too far ahead'");
is(late_rows('minutes'), "15 late, 25 late, 35 late, 55 late, $ahead, - null time", 'each late row is kept once');
is(counters('minutes'), '4|1|1', 'and counted once');
history_is('minutes', '0:6 60:6 120:6 180:6 240:6 300:2 360:1', 'no window that was final has got one, and all others have theirs');
is(query("SELECT count(*) FROM visits_late WHERE reason = 'late'"), '1', 'none is late that an open session had when it was filled');
is(query("SELECT trending.verify('visits') LIMIT 1"), '', 'which is what the source says');

# Sessions that are final.
query(row('seen', 1000));
query(row('seen', 100));
sync_trends($node, $db);
await("SELECT count(*) = 2 FROM visits_late WHERE reason = 'late'");
query("BEGIN;" . row('seen', 1001) . "; PREPARE TRANSACTION 'writer'; DELETE FROM seen WHERE at = at_second(1000)");
await("SELECT state = 'filling' FROM trending.status WHERE trend = 'visits'");
query(row('seen', 101, 999));
query("COMMIT PREPARED 'writer'");
sync_trends($node, $db);
await("SELECT count(*) = 3 FROM visits_late WHERE reason = 'late'");
is(query("SELECT string_agg(extract(epoch FROM event_time - at_second(0))::int::text, ' ' ORDER BY event_time) FROM visits_late WHERE reason = 'late'"),
	'15 100 101', 'another one is while they are filled; one that joins an open session is not');
is(query("SELECT n FROM visits"), '2', 'which has it');

# -- a crash while it waits: it goes on from where the clocks stood

my $kept = late_rows('minutes');
my $late = query("SELECT late FROM trending.status WHERE trend = 'minutes'");
query("BEGIN;" . row('seen', 1010) . "; PREPARE TRANSACTION 'writer'; DELETE FROM seen WHERE at = at_second(1001)");
await("SELECT state = 'filling' FROM trending.status WHERE trend = 'minutes'");
query(row('seen', 56) . row('ticks', 0));
await("SELECT count(*) = 2 FROM trending.trend_clock s JOIN trending.trend t ON t.id = s.trend_id WHERE t.source = 'seen'::regclass");
await("SELECT (SELECT max(commit_lsn) FROM minutes_late WHERE event_time = at_second(56)) <= lsn FROM trending.checkpoint");
wait_for_worker($node, $db, kill_worker($node, $db));
query(row('seen', 57));
query("COMMIT PREPARED 'writer'");
sync_trends($node, $db);
is(late_rows('minutes'), $kept =~ s/55 late/55 late, 56 late, 57 late/r, 'rows that were late before a crash and after it are kept once');
is(query("SELECT late FROM trending.status WHERE trend = 'minutes'"), $late + 2, 'and counted once');
is(query("SELECT count(*) FROM minutes_history WHERE window_start = at_second(0) AND n = 6"), '1', 'a final window is as it was');
await("SELECT count(*) = 0 FROM trending.trend_clock s JOIN trending.trend t ON t.id = s.trend_id WHERE t.source = 'seen'::regclass");
pass('when a state is stored its clocks are');

# What is stored of the clocks is input.
query("BEGIN;" . row('seen', 1011) . "; PREPARE TRANSACTION 'writer'; DELETE FROM seen WHERE at = at_second(1010)");
await("SELECT state = 'filling' FROM trending.status WHERE trend = 'minutes'");
query(row('seen', 58) . row('ticks', 1));  # somebody has to have something to store
await("SELECT count(*) = 2 FROM trending.trend_clock s JOIN trending.trend t ON t.id = s.trend_id WHERE t.source = 'seen'::regclass");
query("UPDATE trending.trend_clock SET clock = 9000000000000000000");
wait_for_worker($node, $db, kill_worker($node, $db));
query("COMMIT PREPARED 'writer'");
sync_trends($node, $db);
like(slurp_file($node->logfile), qr/WARNING:  trend \d+: where its clocks stood cannot be read/, 'damaged clocks are not used');
is(query("SELECT count(*) FROM minutes_history WHERE window_start = at_second(0) AND n = 6"), '1', 'history says what is final');

# -- before history is filled back

query(row('old', map { $_ * 10 } 0 .. 299));
$node->append_conf('postgresql.conf', "trending.debug_fail = 'backfill:error'");
$node->reload;
create('olden', 'old', "trending.tumble(at, '1 minute')", '');
sync_trends($node, $db);
await("SELECT reason LIKE 'history is not filled back: fault made on purpose%' FROM trending.status WHERE trend = 'olden'");
query(row('old', 15));
sync_trends($node, $db);
is(late_rows('olden'), '', 'a row for a window that is still to be filled back is not late');
is(counters('olden'), '0|0|0', 'and not counted so');
# A transaction that runs on another table, or is prepared there, holds up nothing.
query("BEGIN; CREATE TABLE other (); PREPARE TRANSACTION 'other'");
$node->append_conf('postgresql.conf', "trending.debug_fail = ''");
$node->reload;
await("SELECT NOT backfilling FROM trending.status WHERE trend = 'olden'");
query("ROLLBACK PREPARED 'other'");
await("SELECT count(*) = 49 FROM olden_history");
is(query("SELECT n FROM olden_history WHERE window_start = at_second(0)"), '7', 'history has it');
query(row('old', 16));
sync_trends($node, $db);
is(late_rows('olden'), '16 late', 'one that comes after that is late');
is(counters('olden'), '1|0|0', 'and counted so');
is(query("SELECT n FROM olden_history WHERE window_start = at_second(0)"), '7', 'and not in history');

# -- late rows that wait for their table when they are not kept any more

my $locker = $node->background_psql($db);
$locker->query_safe('BEGIN; LOCK TABLE olden_late');
query(row('old', 17));
await("SELECT count(*) = 1 FROM trending.waiting_late");
query("SELECT trending.alter_trend('olden', late_events => 'drop')" . ';' . row('old', 18));
sync_trends($node, $db);
wait_for_worker($node, $db, kill_worker($node, $db, 'TERM'));
sync_trends($node, $db);
$locker->quit;
await("SELECT count(*) = 0 FROM trending.waiting_late");
is(late_rows('olden', 'some are only counted'), '16 late, 17 late', 'what waited is written, and no more');
is(counters('olden'), '3|0|0', 'all are counted');

# -- a state that has rows which are yet to be decoded is replaced: they are not late by its clock

query(
	q{
	CREATE TABLE parts (LIKE seen) PARTITION BY LIST (k);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2)});
create('parted', 'parts', "trending.tumble(at, '1 minute')", '');
query(row('parts', 0));
sync_trends($node, $db);
my $frozen = freeze_worker($node, $db);
query($_) for 'TRUNCATE parts', 'TRUNCATE parts', row('parts', 100), row('parts', 1000), row('parts', 101, 1001);
kill 'CONT', $frozen;
sync_trends($node, $db);
is(late_rows('parted'), '', 'no row is late that was there when it was refilled');
history_is('parted', '60:2', 'all are in history');

# -- rows from before a trend was created, decoded when it is in the catalog already: they are neither its own nor late

query('CREATE TABLE before (LIKE seen)');
$frozen = freeze_worker($node, $db);
create('first', 'before', "trending.tumble(at, '1 minute')", ", backfill => 'false'");
query(row('before', 1000, 10, 11));
create('second', 'before', "trending.tumble(at, '1 minute')", ", backfill => 'open'");
query(row('before', 20, 1001, 1100));
kill 'CONT', $frozen;
sync_trends($node, $db);
history_is('first', '960:2', 'a trend counts what came after its creation');
is(late_rows('first'), '10 late, 11 late, 20 late', 'and has its late rows');
history_is('second', '960:2', 'so does one that was created before the first was met');
is(late_rows('second'), '20 late', 'and has no others');

# With a worker that stood before the creation when it was killed.
$frozen = freeze_worker($node, $db);
query(row('before', 2000, 30));
create('third', 'before', "trending.tumble(at, '1 minute')", ", backfill => 'open'");
create('fourth', 'before', "trending.tumble(at, '1 minute')", '');
query(row('before', 40, 2001, 2100));
kill_process($frozen, 'KILL');
wait_for_worker($node, $db, $frozen);
sync_trends($node, $db);
history_is('third', '1980:2', 'also where a worker begins before the creation');
is(late_rows('third'), '40 late', 'with the late rows that came after it');
await("SELECT count(*) = 2 FROM fourth_history WHERE window_start IN (at_second(0), at_second(960))");
is(query("SELECT n FROM fourth_history WHERE window_start = at_second(960)"), '2', 'one that counts what was there has it');
is(query("SELECT (SELECT n FROM fourth_history WHERE window_start = at_second(0)) + (SELECT count(*) FROM fourth_late)"), '5',
	'and once');

no_crash_in_log($node);
$node->stop;
done_testing();
