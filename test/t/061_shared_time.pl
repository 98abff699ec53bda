# SPDX-License-Identifier: PostgreSQL
# The time of the one worker is shared among owners: many cheap trends, fillings without end, and slow indexes of one
# owner hold up the trends of others for a while at most.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use TrendingTest;

my $node = trending_node(
	'shared',
	'trending.row_timeout' => "'100ms'",
	'trending.overload_timeout' => "'3s'",
	'synchronous_commit' => 'off');
my $say = sub { $node->safe_psql('postgres', shift) };
my $as = sub {
	my ($role, $sql) = @_;
	return $node->safe_psql('postgres', $sql, extra_params => [ '-U', $role ]);
};
$say->(q{
	CREATE EXTENSION trending;
});
$say->("CREATE ROLE $_ LOGIN; CREATE SCHEMA $_ AUTHORIZATION $_") for qw(bob mallory eve frank carol dave);
$as->('bob', q{
	CREATE TABLE good (k int);
	SELECT trending.create_trend('bob.good_ones', 'SELECT k, count(*) AS n FROM good GROUP BY k ORDER BY n DESC')});
sync_trends($node, 'postgres');

# Inserts a row of Bob's and waits until it counts; seconds.
my $others_wait = sub {
	my $began = time;
	$as->('bob', 'INSERT INTO good VALUES (1)');
	is($as->('bob', "SELECT trending.sync('60 s') IS NOT NULL"), 't', shift . ': others go on');
	return time - $began;
};
my $pid = worker_pid($node, 'postgres');

# What watches the worker's time does not wake it when there is nothing to do.
SKIP:
{
	my $switches = sub { slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s*(\d+)/m ? $1 : undef };
	skip 'no /proc', 1 unless -r "/proc/$pid/status";
	my $before = $switches->();
	sleep(3);
	cmp_ok($switches->() - $before, '<', 30, 'an idle worker sleeps');
}

# Trends of an owner on a table, none slow, all different so that none shares what another computes.
my $make_many = sub {
	my ($role, $count, $condition) = @_;
	$as->($role, qq{
		CREATE TABLE busy (n int);
		DO \$\$ BEGIN FOR i IN 1..$count LOOP
			PERFORM trending.create_trend('$role.many_' || i, format(
				'SELECT n, count(*) AS c FROM $role.busy WHERE $condition GROUP BY n ORDER BY c DESC', 200 + i));
		END LOOP; END \$\$;
		SELECT trending.sync('60 s')});
};
my $check_overload = sub {
	my ($role, $what) = @_;
	note sprintf('%s: others waited %.1f s', $what, $others_wait->($what));
	my ($stopped, $all, $right) = split /\|/, $say->(qq{
		SELECT count(*) FILTER (WHERE state = 'stopped'), count(*),
			bool_and(reason ~ 'could not keep up for 3 s' AND hint ~ 'trending.resume') FILTER (WHERE state = 'stopped')
		FROM trending.status WHERE relation::text LIKE '$role.%'});
	cmp_ok($stopped, '>', $all / 4, "$what: trends are set aside ($stopped of $all)");
	is($right, 't', "$what: with the reason and what to do");
};

$make_many->('mallory', 150, 'factorial(%s + n) > 0');
$as->('mallory', 'DO $$ BEGIN FOR i IN 1..12000 LOOP INSERT INTO busy VALUES (i % 7); COMMIT; END LOOP; END $$');
$check_overload->('mallory', 'many small transactions');
is($say->("SELECT state FROM trending.status WHERE relation = 'bob.good_ones'::regclass"), 'running', 'nothing happens to the trends of others');

$make_many->('eve', 150, 'factorial(%s + n) > 0');
$as->('eve', 'INSERT INTO busy SELECT i % 7 FROM generate_series(1, 12000) i');
$check_overload->('eve', 'one large transaction');
my $left = $say->("SELECT coalesce(min(relation::text), '') FROM trending.status WHERE relation::text LIKE 'mallory.%' AND state = 'running'");
is($as->('mallory', "SELECT sum(c) FROM $left"), 12000, 'what goes on is exact') if $left ne '';

# Whoever is set aside twice has to wait; it is the owner who is remembered.
$say->(q{SELECT trending.resume(relation) FROM trending.status WHERE relation::text LIKE 'eve.%' AND state = 'stopped'});
ok($node->poll_query_until('postgres', q{
	SELECT count(*) > 0 FROM trending.status WHERE relation::text LIKE 'eve.%' AND state <> 'stopped'}), 'resumed once, they run again');
$say->('DROP OWNED BY mallory, eve CASCADE');

# Trends that compute nothing, whose transactions are replayed directly.
$make_many->('frank', 800, 'true');
$as->('frank', 'DO $$ BEGIN FOR i IN 1..60000 LOOP INSERT INTO busy VALUES (i % 100); COMMIT; END LOOP; END $$');
$check_overload->('frank', 'plain trends');

# Fillings without end.
$say->(q{ALTER SYSTEM SET trending.overload_timeout = '1min'; SELECT pg_reload_conf()});
$as->('carol', q{
	CREATE TABLE carol.big (at timestamptz, k int) PARTITION BY LIST (k);
	CREATE TABLE carol.full PARTITION OF carol.big FOR VALUES IN (1, 2, 3);
	CREATE TABLE carol.empty PARTITION OF carol.big FOR VALUES IN (4);
	INSERT INTO carol.big SELECT now(), i % 3 + 1 FROM generate_series(1, 1500000) i;
	SELECT trending.create_trend('carol.big_ones', 'SELECT k, count(*) AS n FROM carol.big GROUP BY k ORDER BY n DESC');
	SELECT trending.sync('60 s')});
my $waits = q{SELECT reason ~ 'waits for its turn to be filled, at .* more than 3 s' FROM trending.status WHERE relation = 'carol.big_ones'::regclass};
my $told = 0;
my $longest = 0;
for my $i (1 .. 60) {
	$as->('carol', 'INSERT INTO carol.big VALUES (now(), 4); TRUNCATE carol.empty');
	my $waited = $others_wait->("filling $i");
	$longest = $waited if $waited > $longest;
	$told = $say->($waits) eq 't';
	last if $told;
}
ok($told, 'an owner whose trends are filled again and again waits for his turn');
note sprintf('others waited %.1f s at most', $longest);
ok($node->poll_query_until('postgres', q{SELECT state = 'running' FROM trending.status WHERE relation = 'carol.big_ones'::regclass}), 'which comes');
is($as->('carol', 'SELECT sum(n) FROM carol.big_ones'), 1500000, 'and the trend is exact');
$say->('DROP OWNED BY carol CASCADE');

# A history whose indexes make writing slow: deferred, and told; written once they are gone.
$say->(q{ALTER SYSTEM SET trending.row_timeout = '10ms'; SELECT pg_reload_conf()});
$as->('dave', q{
	CREATE TABLE dave.hits (at timestamptz, k text);
	SELECT trending.create_trend('dave.wide', $$ SELECT window_start, window_end, k, count(*) AS n
		FROM dave.hits, trending.tumble(at, '1 minute') GROUP BY window_start, window_end, k ORDER BY n DESC $$, history_limit => NULL)});
$as->('dave', join ';', map { 'CREATE INDEX ON dave.wide_history (k, window_end, n, rank) WITH (fillfactor = ' . (50 + $_) . ')' } 1 .. 40);
$as->('dave', q{
	INSERT INTO dave.hits SELECT '2026-01-01', (SELECT string_agg(md5(i || '.' || j), '') FROM generate_series(1, 20) j)
	FROM generate_series(1, 6000) i;
	INSERT INTO dave.hits VALUES ('2026-01-01 00:01:10', 'last')});
ok($node->poll_query_until('postgres', q{SELECT reason ~ 'history waits to be written: rows of "wide_history" take too long: it has \d+ indexes' FROM trending.status WHERE relation = 'dave.wide'::regclass}),
	'a history that takes too long to write waits, with the reason');
note sprintf('others waited %.1f s', $others_wait->('slow indexes'));
$as->('dave', q{DO $$ DECLARE i regclass; BEGIN FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid = 'dave.wide_history'::regclass AND
	indnatts = 4 LOOP EXECUTE 'DROP INDEX ' || i; END LOOP; END $$});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 6000 FROM dave.wide_history}), 'it is written once the indexes are gone');
is($say->(q{SELECT reason FROM trending.status WHERE relation = 'dave.wide'::regclass}), '', 'which the status says');

is(worker_pid($node, 'postgres'), $pid, 'all by the same worker');
no_crash_in_log($node);
done_testing();
