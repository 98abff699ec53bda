# SPDX-License-Identifier: PostgreSQL
# Whoever waits says for whom: sync() for the caller's own trends or a named one, trends for transactions and locks.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('waiting', max_prepared_transactions => 5);
my $say = sub { $node->safe_psql('postgres', shift) };
my $try = sub {
	my ($role, $statement) = @_;
	my ($code, $out, $error) = $node->psql('postgres', $statement, extra_params => [ '-U', $role ]);
	return $error;
};
my $reason_is = sub {
	my ($trend, $pattern) = @_;
	return $node->poll_query_until('postgres', "SELECT reason ~ '$pattern' AND hint ~ 'pg_stat_activity' FROM trending.status WHERE trend = '$trend'");
};
$say->(q{
	CREATE EXTENSION trending;
	CREATE ROLE team;
	CREATE ROLE member LOGIN IN ROLE team;
	CREATE ROLE stranger LOGIN;
	CREATE TABLE mine (k int);
	CREATE TABLE theirs (k int);
	ALTER TABLE theirs OWNER TO team;
	CREATE TABLE strangers (k int);
	ALTER TABLE strangers OWNER TO stranger;
	GRANT CREATE ON SCHEMA public TO team, stranger;
	SELECT trending.create_trend('my_trend', 'SELECT k, count(*) AS n FROM mine GROUP BY k ORDER BY n DESC');
	SELECT trending.sync('60 s');
	BEGIN;
	INSERT INTO theirs VALUES (1);
	PREPARE TRANSACTION 'a "forgotten" one';
});
$node->safe_psql('postgres', q{
	SET ROLE team;
	SELECT trending.create_trend('their_trend', 'SELECT k, count(*) AS n FROM theirs GROUP BY k ORDER BY n DESC');
}, extra_params => [ '-U', 'member' ]);
ok($reason_is->('their_trend', q{prepared transaction ''a "forgotten" one'' .transaction \d+, since 2}), 'the status names a prepared transaction');

$say->('INSERT INTO mine VALUES (1)');
is($try->('postgres', "SELECT trending.sync('60 s')"), '', "sync() of others does not wait for it");
is($try->('stranger', "SELECT trending.sync('60 s')"), '', 'nor that of somebody without trends');
is($say->('SELECT n FROM my_trend'), 1, 'and means what it says');
is($try->('member', "SELECT trending.sync('60 s', trend => 'my_trend')") =~ /permission denied/ ? 1 : 0, 1, 'one that the caller may not read is not waited for');
is($try->('postgres', "SELECT trending.sync(trend => 'my_trend')"), '', 'a trend can be named');
for my $statement ("SELECT trending.sync('1 s', 'their_trend')", "SELECT trending.sync('1 s')")
{
	like($try->('member', $statement), qr/catch up.*public\.their_trend is being filled.*prepared transaction 'a "forgotten" one'.*ROLLBACK PREPARED/s,
		"who waits is told for whom: $statement");
}
like($try->('postgres', "SELECT trending.sync('1 s', 'their_trend')"), qr/their_trend is being filled/, 'whoever asks for it by name');
like($try->('member', "BEGIN; CREATE TEMP TABLE t (); INSERT INTO t DEFAULT VALUES; SELECT count(*) FROM their_trend"),
	qr/still counting.*prepared transaction.*ROLLBACK PREPARED/s, 'so is a reader');
$say->(q{COMMIT PREPARED 'a "forgotten" one'});
is($try->('member', "SELECT trending.sync('60 s')"), '', 'and it goes on by itself');
is($say->('SELECT n FROM their_trend'), 1, 'exact');

# A session that writes and stays, another that keeps the source locked.
my $writer = $node->background_psql('postgres');
$writer->query_safe('BEGIN; INSERT INTO strangers VALUES (1)');
{
	my $pid = $writer->query_safe('SELECT pg_backend_pid()');
	$node->safe_psql('postgres', q{SELECT trending.create_trend('strange_trend', 'SELECT k, count(*) AS n FROM strangers GROUP BY k ORDER BY n DESC')},
		extra_params => [ '-U', 'stranger' ]);
	ok($reason_is->('strange_trend', "written to its source: process $pid .transaction [0-9]+, since 2"), 'the status names a process');
	$writer->query_safe('COMMIT');
	sync_trends($node, 'postgres');
	is($try->('stranger', "SELECT trending.sync('60 s')"), '', 'and goes on when it has ended');
	# Somebody is in line for the lock when the one who truncates gives it back.
	my $locker = $node->background_psql('postgres');
	$writer->query_safe('BEGIN; TRUNCATE strangers');
	$locker->query_until(qr/in line/, "\\echo in line\nBEGIN; LOCK TABLE strangers;\n");
	$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'strangers'::regclass AND NOT granted)});
	$writer->query_safe('COMMIT');
	ok($reason_is->('strange_trend', 'was truncated. It waits for its source.*locked'), 'why it is filled, and that its source is locked');
	$locker->query_safe('COMMIT');
	$locker->quit;
	is($try->('stranger', "SELECT trending.sync('60 s')"), '', 'it goes on');
	is($say->(q{SELECT reason IS NULL FROM trending.status WHERE trend = 'strange_trend'}), 't', 'and waits for nobody');
}
$writer->quit;

# One that is stopped.
my $id = $say->(q{SELECT id FROM trending.trend WHERE relation = 'my_trend'::regclass});
$node->safe_psql('postgres', "ALTER SYSTEM SET trending.debug_fail = 'fill=$id:error'");
$say->('SELECT pg_reload_conf()');
$node->poll_query_until('postgres', "SELECT current_setting('trending.debug_fail') <> ''");
$say->('TRUNCATE mine');
$node->poll_query_until('postgres', "SELECT state = 'stopped' FROM trending.status WHERE trend = 'my_trend'");
like($try->('postgres', "SELECT trending.sync('60 s')"), qr/WARNING:  trend public\.my_trend is stopped.*on purpose.*trending\.resume/s,
	'sync() warns of an own trend that is stopped');
like($try->('postgres', "SELECT trending.sync('60 s', 'my_trend')"), qr/ERROR:  trend public\.my_trend is stopped/, 'and fails for one that was named');
is($try->('stranger', "SELECT trending.sync('60 s')"), '', 'to others it is nothing');
no_crash_in_log($node);
done_testing();
