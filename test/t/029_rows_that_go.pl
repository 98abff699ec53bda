# SPDX-License-Identifier: PostgreSQL
# Rows that go from trends whose state cannot retract a single one, sessions and states that PostgreSQL's functions
# combined: they are refilled, at once or a little later, also when the worker is killed in between.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
srand($seed);

my $node = trending_node('rows', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE clicks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int, at timestamptz, ms int, note text);
	ALTER TABLE clicks REPLICA IDENTITY FULL;
	SELECT trending.create_trend('visits', $$
	  SELECT window_start, window_end, user_id, count(*) AS n, sum(ms) AS ms, count(DISTINCT ms) AS different
	  FROM clicks, trending.session(at, '30 seconds') GROUP BY window_start, window_end, user_id ORDER BY n DESC $$,
	  idle_timeout => '1 day', allowed_lateness => '1 minute', history_limit => NULL);
	SELECT trending.create_trend('spread', $$
	  SELECT window_start, window_end, user_id, count(*) AS n, bit_xor(ms) AS bits, var_pop(ms::numeric) AS variance
	  FROM clicks, trending.hop(at, '20 seconds', '1 minute') GROUP BY window_start, window_end, user_id ORDER BY n DESC $$,
	  idle_timeout => '1 day', allowed_lateness => '1 minute', history_limit => NULL)});
my @trends = qw(visits spread);
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT bool_and(retractable) FROM trending.status'), 't', 'rows can be retracted');

# Rows at seconds after a fixed instant.
sub clicks
{
	my ($user, @seconds) = @_;
	return 'INSERT INTO clicks (user_id, at, ms) VALUES '
	  . join(', ', map { "($user, '2026-01-01 00:00:00+00'::timestamptz + interval '$_ s', " . int(rand 1000) . ')' } @seconds) . ';';
}

sub fillings
{
	my $count = () = slurp_file($node->logfile) =~ /Rows were updated or deleted that its state cannot retract/g;
	return $count;
}

sub equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	is(settled(sub { $node->safe_psql('postgres', "SELECT * FROM trending.verify('$_') LIMIT 5") }), '', "$_: $what") for @trends;
}

$node->safe_psql('postgres', 'BEGIN;' . clicks(1, 0, 20, 40) . clicks(2, 15, 20) . clicks(3, 30) . 'COMMIT');
equal('at first');
is($node->safe_psql('postgres', 'SELECT count(*) FROM visits_history'), '0', 'no session has ended');

# Without the one in the middle they are two sessions.
$node->safe_psql('postgres', q{DELETE FROM clicks WHERE user_id = 1 AND at = '2026-01-01 00:00:20+00'});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT n FROM visits WHERE user_id = 1'), '1', 'the session is split at once');
is($node->safe_psql('postgres', 'SELECT n FROM spread WHERE user_id = 1'), '2', 'the row has left its window');
equal('after a row went');
is(fillings(), 2, 'both trends were refilled');

# What does not matter to them.
$node->safe_psql('postgres', q{UPDATE clicks SET note = 'x'; BEGIN; DELETE FROM clicks; ROLLBACK; BEGIN; } . clicks(9, 41) . 'ROLLBACK');
equal('after nothing went');
is(fillings(), 2, 'and nothing was refilled');

# Soon after the last time it waits, and is not forgotten when the worker dies.
for my $end ('waited for', 'killed')
{
	$node->safe_psql('postgres', clicks(4, 30, 35, 40) . q{UPDATE clicks SET user_id = 1 WHERE user_id = 3});
	sync_trends($node, 'postgres');
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres')) if $end eq 'killed';
	$node->safe_psql('postgres', q{DELETE FROM clicks WHERE user_id = 4; } . clicks(3, 30) . q{UPDATE clicks SET at = at + interval '1 s' WHERE user_id = 2});
	equal("after more rows went ($end)");
}

# Rows of final windows go without a trace.
$node->safe_psql('postgres', clicks(5, 1000));
$node->safe_psql('postgres', clicks(5, 1001));
$node->poll_query_until('postgres', 'SELECT count(*) > 0 AND bool_and(final) FROM visits_history') or die 'not final';
equal('when all is final');
my $history = $node->safe_psql('postgres', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY h::text)) FROM visits_history h');
my $before = fillings();
$node->safe_psql('postgres', q{DELETE FROM clicks WHERE user_id IN (1, 2)});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT md5(string_agg(h::text, chr(10) ORDER BY h::text)) FROM visits_history h'), $history, 'history stays');
is(fillings(), $before, 'and no trend was refilled');
$node->safe_psql('postgres', 'DELETE FROM clicks WHERE user_id <> 5; SELECT trending.recompute(t, $$2025-12-31$$, $$2026-01-01 00:15$$) FROM unnest($${visits,spread}$$::regclass[]) t');

# At random, with the clock going on, and a worker that dies now and then.
my $clock = 1100;
for my $round (1 .. 3)
{
	my $sql = '';
	for (1 .. 60)
	{
		$clock += int rand 3;
		$sql .= clicks(int(rand 6), map { $clock - int rand 15 } 1 .. 1 + int rand 4);
		# Not so far back that their windows may be final.
		my $some = "id IN (SELECT id FROM clicks WHERE at > '2026-01-01 00:00:00+00'::timestamptz + interval '" . ($clock - 15) . " s' ORDER BY random() LIMIT 2)";
		$sql .= "UPDATE clicks SET user_id = user_id + 1, ms = ms + 1 WHERE $some;" if rand() < 0.2;
		$sql .= "UPDATE clicks SET at = at + interval '5 s' WHERE $some;" if rand() < 0.1;
		$sql .= "DELETE FROM clicks WHERE $some;" if rand() < 0.2;
	}
	$node->safe_psql('postgres', $sql);
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres')) if rand() < 0.5;
	equal("at random ($round)");
}

is($node->safe_psql('postgres', 'SELECT sum(unretracted) + sum(unmatched) + sum(failed) + sum(refused) FROM trending.status'), '0', 'every change was followed');
no_crash_in_log($node);
$node->stop;
done_testing();
