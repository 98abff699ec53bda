# SPDX-License-Identifier: PostgreSQL
# Limits of memory: what exceeds them is refused and counted, nobody uses them up for the others, and what is given
# back is used again. The worker runs on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;
use Time::HiRes qw(time);

my $node = trending_node(
	'limits',
	'trending.memory_limit' => "'16MB'",
	'trending.max_trends' => 16,
	'trending.checkpoint_interval' => "'1s'");
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE ROLE hog; CREATE ROLE other;
	CREATE SCHEMA hog AUTHORIZATION hog; CREATE SCHEMA other AUTHORIZATION other;
	GRANT USAGE ON SCHEMA trending TO hog, other});
wait_for_worker($node, 'postgres');

sub as
{
	my ($role, $statements) = @_;
	return $node->safe_psql('postgres', "SET ROLE $role; SET search_path = $role, public; $statements");
}
my $running = "SELECT state = 'running' FROM trending.status WHERE relation =";

# One role's trends take all that they can get.
as('hog', q{CREATE TABLE src (k int);
	SELECT trending.create_trend('most', 'SELECT k, count(*) AS n FROM src GROUP BY k ORDER BY n DESC')});
sync_trends($node, 'postgres');
my $pid = worker_pid($node, 'postgres');
as('hog', 'INSERT INTO src SELECT generate_series(1, 300000)');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT refused > 0, live_groups > 50000, live_groups + refused = 300000
	FROM trending.status WHERE relation = 'hog.most'::regclass}), 't|t|t', 'one trend takes what it may, the rest is counted');
as('hog', q{CREATE TABLE wide (k text);
	SELECT trending.create_trend('rest', 'SELECT k, count(*) AS n FROM wide GROUP BY k ORDER BY n DESC')});
sync_trends($node, 'postgres');
as('hog', q{INSERT INTO wide SELECT g || repeat('x', 500) FROM generate_series(1, 20000) g});
sync_trends($node, 'postgres');
as('hog', join('', map { "SELECT trending.create_trend('t$_', 'SELECT k, count(*) AS n FROM src GROUP BY k ORDER BY n DESC');" } 1 .. 12));
my ($status, $out, $error) = $node->psql('postgres',
	"SET ROLE hog; SET search_path = hog; SELECT trending.create_trend('one_more', 'SELECT k, count(*) AS n FROM src GROUP BY k ORDER BY n DESC')");
like($error, qr/you already have 14 of the 16 trends.*raise trending.max_trends/s, 'the last trends are for others');

# Another role's trend has room, and is exact.
as('other', q{CREATE TABLE src (k int);
	SELECT trending.create_trend('mine', 'SELECT k, count(*) AS n FROM src GROUP BY k ORDER BY n DESC')});
ok($node->poll_query_until('postgres', "$running 'other.mine'::regclass"), 'another role has a trend');
as('other', 'INSERT INTO src SELECT generate_series(1, 4000)');
sync_trends($node, 'postgres');
is(as('other', 'SELECT count(*), sum(n) FROM mine'), '4000|4000', 'and room for it');
is(worker_pid($node, 'postgres'), $pid, 'it is all the same worker');

# One that starts at the limit, after an end or a crash of the server, has what was stored, and others' trends go on.
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM trending.trend_state s JOIN trending.trend t ON t.id = s.trend_id
	WHERE t.relation IN ('hog.most'::regclass, 'other.mine'::regclass)}) or die 'not stored';
for my $count (2, 3)
{
	if ($count == 2) { wait_for_worker($node, 'postgres', kill_worker($node, 'postgres', 'TERM')) }
	else { $node->stop('immediate'); $node->start; wait_for_worker($node, 'postgres') }
	as('other', 'INSERT INTO src SELECT generate_series(1, 4000)');
	$node->safe_psql('postgres', q{SELECT trending.sync('240 s', 'other.mine')});
	is(as('other', 'SELECT count(*), sum(n) FROM mine'), '4000|' . 4000 * $count, 'a worker that starts at the limit: another role goes on');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM hog.most WHERE n <> 1'), '0', 'and what the first one holds is exact');
}
$pid = worker_pid($node, 'postgres');

# What has no room for its state says so, and begins when there is some.
is($node->safe_psql('postgres', q{SELECT count(*) > 0, bool_and(reason LIKE 'There is no memory for its state.%trending.memory_limit%')
	FROM trending.status WHERE state = 'stopped'}), 't|t', 'trends without memory are stopped, with the reason');
as('hog', q{SELECT trending.drop_trend('most'); SELECT trending.drop_trend('rest'); TRUNCATE src; INSERT INTO src VALUES (1), (1), (2)});
ok($node->poll_query_until('postgres', "SELECT bool_and(state = 'running') FROM trending.status"), 'they begin when memory was given back');
sync_trends($node, 'postgres');
is(as('hog', 'SELECT string_agg(k || ' . q{':'} . ' || n, ' . q{' '} . ' ORDER BY rank) FROM t12'), '1:2 2:1', 'and are exact');
is(worker_pid($node, 'postgres'), $pid, 'it is still the same worker');
as('hog', join('', map { "SELECT trending.drop_trend('t$_');" } 2 .. 12));

# Shared memory refused at random, by the area or by the system, in the middle of everything.
sub inject
{
	my ($faults) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET trending.debug_fail = '$faults'");
	$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
	ok($node->poll_query_until('postgres', "SHOW trending.debug_fail", $faults), "faults: $faults") if $faults ne '';
}
sub churn
{
	my ($times) = @_;
	for (1 .. $times)
	{
		as('hog', q{INSERT INTO src SELECT (random() * 50000)::int FROM generate_series(1, 5000)});
		as('hog', q{DELETE FROM src WHERE k % 7 = 0}) if $_ % 3 == 0;
		as('hog', q{TRUNCATE src}) if $_ % 5 == 0;
	}
	return;
}
sub exact
{
	my ($what) = @_;
	inject('');
	as('hog', q{TRUNCATE src; INSERT INTO src SELECT g % 3000 FROM generate_series(1, 20000) g});
	sync_trends($node, 'postgres');
	my $differences = settled(
		sub {
			return $node->safe_psql('postgres', q{
				SELECT count(*) FROM (SELECT k, n FROM hog.t1 EXCEPT SELECT k, count(*) FROM hog.src GROUP BY k) d HAVING count(*) > 0
				UNION ALL SELECT count(*) FROM (SELECT k, count(*) FROM hog.src GROUP BY k EXCEPT SELECT k, n FROM hog.t1) d HAVING count(*) > 0});
		});
	is($differences, '', $what);
	return;
}
as('hog', 'ALTER TABLE src REPLICA IDENTITY FULL');
inject('shared_memory:refused:0.3:7');
churn(15);
sync_trends($node, 'postgres');
is(worker_pid($node, 'postgres'), $pid, 'the worker survives refusals');
exact('and is exact when there are no more');
inject('shared_memory:error:0.2:7');
churn(15);
sync_trends($node, 'postgres');
is(worker_pid($node, 'postgres'), $pid, 'the worker survives errors of the system');
exact('and is exact when there are no more');

# bad_alloc anywhere: the worker may end and come back, nothing else.
inject('memory:bad_alloc:0.02:7');
churn(15);
exact('exact after bad_alloc');

# At the limits a fast shutdown is fast.
as('hog', 'INSERT INTO src SELECT generate_series(1, 300000)');
my $began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 10, 'a fast shutdown does not wait for refused rows');
no_crash_in_log($node);
done_testing();
