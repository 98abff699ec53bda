# SPDX-License-Identifier: PostgreSQL
# What the worker dies of, and for whom: a trend that it died for twice is set aside, the others run. And what is too
# large to be held in memory is no reason to die.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node(
	'deaths',
	'trending.worker_memory_limit' => "'64MB'",
	'trending.decoding_work_mem' => "'64MB'");
my $say = sub { $node->safe_psql('postgres', shift) };
$say->(q{
	CREATE EXTENSION trending;
	CREATE TABLE a (k int);
	CREATE TABLE b (k int);
	SELECT trending.create_trend('of_a', 'SELECT k, count(*) AS n FROM a GROUP BY k ORDER BY n DESC', max_groups => 2000000);
	SELECT trending.create_trend('also_of_a', 'SELECT k, count(*) AS n FROM a WHERE k > 0 GROUP BY k ORDER BY n DESC');
	SELECT trending.create_trend('of_b', 'SELECT k, count(*) AS n FROM b GROUP BY k ORDER BY n DESC');
});
sync_trends($node, 'postgres');
my $id = $say->(q{SELECT id FROM trending.trend WHERE relation = 'of_a'::regclass});
my $fault = sub {
	my ($value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET trending.debug_fail = '$value'");
	$say->('SELECT pg_reload_conf()');
	# The worker reads it between two records.
	$node->poll_query_until('postgres', "SELECT current_setting('trending.debug_fail') = '$value'");
	sync_trends($node, 'postgres');
};

sub worker_deaths
{
	my @deaths = slurp_file($node->logfile) =~ /background worker "trending worker[^\n]*exited with exit code 1/g;
	return scalar @deaths;
}

for my $kind (qw(error bad_alloc))
{
	# One that is not stored yet is filled instead, which ends otherwise.
	$node->poll_query_until('postgres', 'SELECT count(*) = 3 FROM trending.trend_state');
	$fault->("apply=$id:$kind");
	$say->('INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)');
	ok($node->poll_query_until('postgres', "SELECT state = 'stopped' FROM trending.status WHERE trend = 'of_a'"),
		"$kind: the trend is set aside");
	is(worker_deaths(), $kind eq 'error' ? 2 : 4, 'after the second death');
	like($say->(q{SELECT reason FROM trending.status WHERE trend = 'of_a'}),
		qr/set aside: the worker ended 2 times with an error \(SQLSTATE \w{5} at last\) while it applied changes/, 'with the reason');
	$say->("SELECT trending.sync('60 s', 'of_b')");
	is($say->('SELECT n FROM of_b'), $kind eq 'error' ? 1 : 2, 'others run');
	is($say->('SELECT n FROM also_of_a'), $kind eq 'error' ? 1 : 2, 'those over the same source, too');
	$fault->('');
	is($say->("SELECT trending.resume('of_a')"), 't', 'it is resumed');
	ok($node->poll_query_until('postgres', 'SELECT n = (SELECT count(*) FROM a) FROM of_a'), 'and exact');
}

# A definition that cannot be loaded stops its trend; the worker lives.
my $pid = worker_pid($node, 'postgres');
$fault->("fill=$id:error");
$say->('TRUNCATE a');
ok($node->poll_query_until('postgres', "SELECT state = 'stopped' AND reason ~ 'on purpose' FROM trending.status WHERE trend = 'of_a'"),
	'an error of filling stops the trend');
is(worker_pid($node, 'postgres'), $pid, 'and the worker lives');
$fault->('');
$say->("SELECT trending.resume('of_a')");
ok($node->poll_query_until('postgres', "SELECT state = 'running' FROM trending.status WHERE trend = 'of_a'"), 'it is resumed');

# A worker that is told to end is nobody's death.
$fault->("row=$id:error:0");
for (1 .. 3)
{
	$say->('INSERT INTO a VALUES (1)');
	my $old = worker_pid($node, 'postgres');
	$say->("SELECT pg_terminate_backend($old)");
	$node->poll_query_until('postgres', "SELECT pid <> $old FROM trending.worker_status");
	sync_trends($node, 'postgres');
}
is($say->("SELECT string_agg(DISTINCT state, ',') FROM trending.status"), 'running', 'no trend is blamed for that');

# A transaction that does not fit is left to filling; smaller ones beside it count as ever.
$pid = worker_pid($node, 'postgres');
$say->('BEGIN; INSERT INTO a SELECT i FROM generate_series(1, 600000) i; INSERT INTO b VALUES (7); COMMIT');
sync_trends($node, 'postgres');
is($say->('SELECT count(*) FROM of_a'), 600000, 'a transaction larger than memory is counted');
is($say->('SELECT n FROM of_b WHERE k = 7'), 1, 'with what else it did');
is(worker_pid($node, 'postgres'), $pid, 'by the same worker');
like(slurp_file($node->logfile), qr/more rows of its source than can be held in memory/, 'by filling');

# What looks for no interrupts cannot be cancelled: the worker ends, and its trend is set aside at once. An owner to whom
# that happens again has nothing loaded that computes, for some time, whatever he resumes or makes.
$node->append_conf('postgresql.conf', "trending.row_timeout = '50ms'");
$say->(q{
	SELECT pg_reload_conf();
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
});
my $as_mallory = sub { $node->safe_psql('postgres', shift, extra_params => [ '-U', 'mallory' ]) };
$as_mallory->(q{
	CREATE TABLE m.bombs (n int);
	CREATE TABLE m.others (n int);
	SELECT trending.create_trend('m.plain', 'SELECT n, count(*) AS c FROM m.bombs GROUP BY n ORDER BY c DESC');
	SELECT trending.create_trend('m.sum', 'SELECT n + 1 AS n, count(*) AS c FROM m.others GROUP BY 1 ORDER BY c DESC')});
# In a row, then in a condition, which is judged under the trend's lock.
my @bombs = ([ 'm.in_row', q{SELECT length(translate(repeat('a', n), repeat('b', n), '')) AS l, count(*) AS c FROM m.bombs GROUP BY 1 ORDER BY c DESC} ],
	[ 'm.in_having', q{SELECT n, count(*) AS c FROM m.bombs GROUP BY n HAVING length(translate(repeat('a', n), repeat('b', n), '')) > 0 ORDER BY c DESC} ]);
for my $bomb (@bombs)
{
	my ($name, $query) = @$bomb;
	my $before = worker_deaths();
	$as_mallory->("SELECT trending.create_trend('$name', \$\$$query\$\$); SELECT trending.sync('60 s', '$name')");
	$say->('INSERT INTO m.bombs VALUES (1000000); INSERT INTO b VALUES (8)');
	ok($node->poll_query_until('postgres', "SELECT state = 'stopped' AND reason ~ 'could not be cancelled' FROM trending.status WHERE trend = '$name'"),
		"$name: what cannot be cancelled has its trend set aside");
	is(worker_deaths(), $before + 1, 'by one death');
	$say->("SELECT trending.sync('60 s', 'of_b')");
	is($say->('SELECT n FROM of_b WHERE k = 8'), $name eq 'm.in_row' ? 1 : 2, 'others go on');
	$say->('DELETE FROM m.bombs');
}
like($say->(q{SELECT reason FROM trending.status WHERE trend = 'm.sum'}), qr/resumed from/, 'twice: what else computes is stopped, too');
is($say->(q{SELECT string_agg(state, ',') FROM trending.status WHERE trend IN ('m.plain', 'of_a', 'of_b')}), 'running,running,running',
	'what does not compute runs');
is($as_mallory->(q{SELECT trending.resume('m.in_row')}), 't', 'he resumes one');
$as_mallory->(q{SELECT trending.create_trend('m.new', 'SELECT n + 2 AS n, count(*) AS c FROM m.others GROUP BY 1 ORDER BY c DESC')});
ok($node->poll_query_until('postgres', "SELECT count(*) = 2 FROM trending.status WHERE trend IN ('m.in_row', 'm.new') AND state = 'stopped' AND reason ~ 'resumed from'"),
	'it is stopped again, as is a new one');

# One that is to end does not wait for it.
$node->safe_psql('postgres', q{ALTER SYSTEM SET trending.row_timeout = '1h'; SELECT pg_reload_conf()});
$say->(q{CREATE TABLE slow (n int); SELECT trending.create_trend('slowly', $$SELECT length(translate(repeat('a', n), repeat('b', n), '')) AS l, count(*) AS c FROM slow GROUP BY 1 ORDER BY c DESC$$)});
sync_trends($node, 'postgres');
my $busy = worker_pid($node, 'postgres');
$say->('INSERT INTO slow VALUES (1000000)');
$node->poll_query_until('postgres', "SELECT lag_bytes > 0 FROM trending.worker_status");
$say->("SELECT pg_terminate_backend($busy)");
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $busy)"), 'a worker that is told to end does');
$say->('DROP TABLE slow CASCADE');

# Settings for tests are for superusers.
$say->('CREATE ROLE somebody LOGIN');
my ($code, $out, $error) = $node->psql('postgres', "SET trending.debug_fail = 'row:error'", extra_params => [ '-U', 'somebody' ]);
isnt($code, 0, 'nobody else makes faults');
($code, $out, $error) = $node->psql('postgres', "ALTER SYSTEM SET trending.debug_fail = 'row'");
like($error, qr/POINT\[=TREND\]:KIND/, 'a fault has to be well formed');
no_crash_in_log($node);
done_testing();
