# SPDX-License-Identifier: PostgreSQL
# A table of one trend that cannot be written for now keeps nothing else waiting, and misses nothing in the end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('put_by', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE plays (song int, at timestamptz);
	SELECT trending.create_trend('troubled', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => NULL, allowed_lateness => '2 minutes', idle_timeout => '1 day', late_events => 'keep');
	SELECT trending.create_trend('healthy', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => NULL, allowed_lateness => '2 minutes', idle_timeout => '1 day');
	CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); END $$;
});
sync_trends($node, 'postgres');
my $minute = 0;

# Three minutes of plays, somewhat out of order, and one play that is too late for everything.
sub play
{
	$node->safe_psql('postgres', "INSERT INTO plays SELECT n % 7, timestamptz '2026-01-01 00:00+00' + $minute * interval '1 minute' + n * interval '1 s' FROM generate_series(0, 59) n")
	  , $minute++ for 1 .. 3;
	$node->safe_psql('postgres', "INSERT INTO plays SELECT 3, timestamptz '2026-01-01 00:00+00' + ($minute - 2) * interval '1 minute'; INSERT INTO plays VALUES ($minute, '2025-01-01')");
	sync_trends($node, 'postgres');
}

sub becomes
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what) or diag $node->safe_psql('postgres', 'TABLE trending.status');
}
my $unequal = q{SELECT window_end, song, n, rank, final FROM %s EXCEPT ALL SELECT window_end, song, n, rank, final FROM %s};
my $equal = 'SELECT NOT EXISTS (' . sprintf($unequal, 'troubled_history', 'healthy_history') . ') AND NOT EXISTS ('
  . sprintf($unequal, 'healthy_history', 'troubled_history') . ')';

# With trouble on one of its tables, others get their history; later nothing is missing.
sub in_trouble
{
	my ($kind, $begin, $end, $reason) = @_;
	$node->safe_psql('postgres', $begin);
	my $late = $minute;
	play();
	becomes("SELECT reason ~ '$reason' FROM trending.status WHERE trend = 'troubled'", "$kind: its status says so");
	play();
	becomes("SELECT max(window_end) = timestamptz '2026-01-01 00:00+00' + ($minute - 1) * interval '1 minute' FROM healthy_history", 'the other trend has its history');
	is($node->safe_psql('postgres', q{SELECT coalesce(message, '') FROM trending.worker_status}), '', 'checkpoints go on');
	becomes('SELECT EXISTS (SELECT FROM trending.waiting_window) OR EXISTS (SELECT FROM trending.waiting_late)', 'something was deferred');
	$node->kill9;
	start_again($node);
	wait_for_worker($node, 'postgres');
	play();
	$node->safe_psql('postgres', $end);
	play();
	becomes("$equal", 'without the trouble history is complete and exact');
	becomes(q{SELECT count(*) = (SELECT count(*) FROM plays WHERE at < '2025-12-31') AND count(*) = count(DISTINCT "row"::text) FROM troubled_late},
		'late rows are there, each once') or diag $node->safe_psql('postgres', q{SELECT event_time, reason, "row" FROM troubled_late; SELECT * FROM plays WHERE at < '2025-12-31'});
	becomes(q{SELECT coalesce(reason, '') = '' FROM trending.status WHERE trend = 'troubled'}, 'its status says nothing any more');
	becomes('SELECT NOT EXISTS (SELECT FROM trending.waiting_window) AND NOT EXISTS (SELECT FROM trending.waiting_late)', 'and nothing waits');
}

play();
# Not in the middle of the first filling, which a crash begins again.
becomes("SELECT count(*) = 14 FROM troubled_history", 'history begins');
becomes($equal, 'at first both are equal');
in_trouble('a trigger', 'CREATE TRIGGER trouble BEFORE INSERT ON troubled_history FOR EACH ROW EXECUTE FUNCTION trouble()',
	'DROP TRIGGER trouble ON troubled_history', '^history waits to be written: table "troubled_history" has a trigger, "trouble"');
in_trouble('a check', 'ALTER TABLE troubled_late ADD CONSTRAINT trouble CHECK (length(reason) > 1000) NOT VALID',
	'ALTER TABLE troubled_late DROP CONSTRAINT trouble', '^late rows wait to be written: table "troubled_late" has a CHECK constraint, "trouble"');
in_trouble('an index', 'CREATE INDEX trouble ON troubled_history ((song + 1))',
	'DROP INDEX trouble', '^history waits to be written: table "troubled_history" has an index on an expression, "trouble"');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.verify('healthy') WHERE ("row"->>'window_end')::timestamptz > '2026-01-01'}), '0', 'all equals the definition');

# A dropped trend leaves nothing behind.
$node->safe_psql('postgres', q{CREATE TRIGGER trouble BEFORE INSERT ON troubled_history FOR EACH ROW EXECUTE FUNCTION trouble()});
play();
becomes('SELECT EXISTS (SELECT FROM trending.waiting_window)', 'deferred again');
$node->safe_psql('postgres', 'DROP FOREIGN TABLE troubled');
becomes('SELECT NOT EXISTS (SELECT FROM trending.waiting_window)', 'what is deferred is deleted with the trend');

no_crash_in_log($node);
$node->stop;
done_testing();
