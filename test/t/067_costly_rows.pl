# SPDX-License-Identifier: PostgreSQL
# Whatever a row makes of a definition's expressions costs that row alone, or at most its trend: errors of every
# kind, stack, memory, time; in decoding, in filling, in conditions that are judged under a lock.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node(
	'costly',
	'trending.row_timeout' => "'100ms'",
	'trending.worker_memory_limit' => "'128MB'",
	'trending.decoding_work_mem' => "'16MB'");
my $say = sub { $node->safe_psql('postgres', shift) };
my $status = sub {
	my ($columns, $trend) = @_;
	return $say->("SELECT $columns FROM trending.status WHERE relation = '$trend'::regclass");
};
$say->(q{
	CREATE EXTENSION trending;
	CREATE ROLE other LOGIN;
	CREATE ROLE mallory LOGIN;
	CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE TABLE good (k int);
	SELECT trending.create_trend('good_ones', 'SELECT k, count(*) AS n FROM good GROUP BY k ORDER BY n DESC');
	CREATE TABLE src (k int, x text, n int);
	ALTER TABLE src REPLICA IDENTITY FULL;
});

# One definition for each place in which an expression stands. A row of k = 0 is fine everywhere.
my %places = (
	in_where => q{SELECT k, count(*) AS c FROM src WHERE x::jsonb IS NOT NULL AND length(repeat('x', n)) >= 0 AND
		factorial(n % 40000) > 0 GROUP BY k ORDER BY c DESC},
	in_key => q{SELECT (x::jsonb IS NULL) AS a, length(repeat('x', n)) AS b, (factorial(n % 40000) > 0) AS d, count(*) AS c
		FROM src GROUP BY 1, 2, 3 ORDER BY c DESC},
	in_filter => q{SELECT k, count(*) FILTER (WHERE x::jsonb IS NULL OR length(repeat('x', n)) < 0 OR
		factorial(n % 40000) < 0) AS c, count(*) AS d FROM src GROUP BY k ORDER BY d DESC},
	in_argument => q{SELECT k, sum(length(repeat('x', n)) + length((x::jsonb)::text)) AS s,
		max(length(factorial(n % 40000)::text)) AS m, count(*) AS d FROM src GROUP BY k ORDER BY d DESC},
	in_states => q{SELECT k, stddev(length(repeat('x', n)) + length((x::jsonb)::text)) AS s,
		bool_or(factorial(n % 40000) > 0) AS m, count(*) AS d FROM src GROUP BY k ORDER BY d DESC});
$say->("SELECT trending.create_trend('$_', \$\$$places{$_}\$\$)") for sort keys %places;
sync_trends($node, 'postgres');
my $pid = worker_pid($node, 'postgres');

# No stack left; more memory than the worker may have; more time.
my $bad = q{(1, repeat('[', 100000), 1), (1, '{}', 600000000), (1, '{}', 39999)};
$say->("INSERT INTO src VALUES (0, '{}', 1)");
$say->("INSERT INTO src VALUES $bad");
$say->("INSERT INTO src VALUES (0, '{}', 1); INSERT INTO good VALUES (1)");
sync_trends($node, 'postgres');
is($status->('events || $$/$$ || failed || $$/$$ || state', $_), '2/3/running', "$_: bad rows are counted as failed")
  for sort keys %places;
is(worker_pid($node, 'postgres'), $pid, 'by the same worker');
is($say->('SELECT n FROM good_ones'), 1, 'and other trends go on');

# The same rows when trends are filled from the source, and when they go again.
$say->("SELECT trending.create_trend('again_' || '$_', \$\$$places{$_}\$\$)") for qw(in_key in_states);
sync_trends($node, 'postgres');
is($status->('events || $$/$$ || state', "again_$_"), '2/running', "$_: bad rows are left out when it is filled") for qw(in_key in_states);
$say->('DELETE FROM src WHERE k = 1');
$say->('DELETE FROM src WHERE ctid = (SELECT min(ctid) FROM src)');
sync_trends($node, 'postgres');
is($say->("SELECT string_agg(c::text, ',') FROM $_"), 1, "$_: only what had counted goes") for qw(in_where in_key);
is(worker_pid($node, 'postgres'), $pid, 'by the same worker');

# A condition runs under the trend's lock: it is cancelled there as well, and fails for its group.
$say->(q{SELECT trending.create_trend('judged', $$ SELECT k, max(n) AS m, count(*) AS c FROM src GROUP BY k
	HAVING factorial(max(n) % 40000) > 0 AND length(repeat('x', max(n))) >= 0 ORDER BY c DESC $$)});
$say->("INSERT INTO src VALUES (2, '{}', 39999), (3, '{}', 600000000), (4, '{}', 3)");
sync_trends($node, 'postgres');
is($say->("SELECT string_agg(k::text, ',' ORDER BY k) FROM judged"), '0,4', 'groups whose condition fails are not in the trend');
cmp_ok($status->('failed', 'judged'), '>=', 2, 'and are counted');
is(worker_pid($node, 'postgres'), $pid, 'by the same worker');

# Many slow rows of one owner: his trend is stopped, with the reason, until he resumes it.
$node->safe_psql('postgres', q{
	CREATE TABLE m.slow (n int);
	SELECT trending.create_trend('m.slow_ones', 'SELECT n, count(*) AS c FROM m.slow WHERE factorial(n) > 0 GROUP BY n ORDER BY c DESC');
	SELECT trending.create_trend('m.cheap_ones', 'SELECT n, count(*) AS c FROM m.slow WHERE n + 1 > 0 GROUP BY n ORDER BY c DESC');
	SELECT trending.sync('60 s');
	INSERT INTO m.slow SELECT 30000 FROM generate_series(1, 200);
	INSERT INTO m.slow SELECT 1 FROM generate_series(1, 1000);
}, extra_params => [ '-U', 'mallory' ]);
$say->('INSERT INTO good VALUES (1)');
sync_trends($node, 'postgres');
is($say->('SELECT n FROM good_ones'), 2, 'others go on');
is($status->('state', 'm.slow_ones'), 'stopped', 'a trend with many slow rows is stopped');
like($status->('reason', 'm.slow_ones'), qr/slow.*1 s at once/, 'with the reason');
is($status->('state', 'm.cheap_ones'), 'running', 'but not another one of its owner');
my ($code, $out, $error) = $node->psql('postgres', 'SELECT count(*) FROM m.slow_ones');
like($error, qr/stopped.*slow.*trending\.resume/s, 'readers are told, and what to do');
wait_for_worker($node, 'postgres', kill_worker($node, 'postgres', 'TERM'));
sync_trends($node, 'postgres');
is($status->('state', 'm.slow_ones'), 'stopped', 'it stays stopped when the worker is started again');

($code, $out, $error) = $node->psql('postgres', "SELECT trending.resume('m.slow_ones')", extra_params => [ '-U', 'other' ]);
like($error, qr/permission denied/, 'nobody else resumes it');
$node->safe_psql('postgres', 'DELETE FROM m.slow WHERE n > 1; GRANT USAGE ON SCHEMA m TO other; GRANT SELECT ON m.slow_ones TO other',
	extra_params => [ '-U', 'mallory' ]);
($code, $out, $error) = $node->psql('postgres', "SELECT trending.resume('m.slow_ones')", extra_params => [ '-U', 'other' ]);
like($error, qr/must be owner/, 'nor one who may read it');
is($node->safe_psql('postgres', "SELECT trending.resume('m.slow_ones')", extra_params => [ '-U', 'mallory' ]), 't', 'its owner does');
ok($node->poll_query_until('postgres', "SELECT c = 1000 FROM m.slow_ones"), 'and it is exact again');
is($say->("SELECT trending.resume('m.slow_ones')"), 'f', 'there is nothing to resume then');

# Filling from slow rows stops, too, however fast rows are that nobody calls slow.
$say->('INSERT INTO src SELECT 5, $${}$$, 30000 FROM generate_series(1, 300)');
$say->(q{SELECT trending.create_trend('slowly_filled', 'SELECT n, count(*) AS c FROM src WHERE factorial(n % 40000) > 0 GROUP BY n ORDER BY c DESC')});
ok($node->poll_query_until('postgres', "SELECT state = 'stopped' AND reason ~ 'slow' FROM trending.status WHERE trend = 'slowly_filled'"),
	'filling that is slow is stopped');
$say->('INSERT INTO good SELECT i FROM generate_series(1, 300000) i');
is($say->("SELECT trending.sync('60 s') IS NOT NULL AND (SELECT count(*) = 300000 FROM good_ones)"), 't', 'others go on');

like(slurp_file($node->logfile), qr/could not count a row/, 'the log tells of rows that failed');
no_crash_in_log($node);
done_testing();
