# SPDX-License-Identifier: PostgreSQL
# What the worker is not to take on, what it died of, and servers in which it must not or cannot run.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('session', 'trending.max_databases' => 1);
$node->safe_psql('postgres', q{CREATE EXTENSION trending; CREATE TABLE e (k int);
	SELECT trending.create_trend('te', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC')});

# As the user that the server was made with, whatever sessions of the database begin with.
sub counted
{
	my ($what) = @_;
	my $sql = q{SET SESSION AUTHORIZATION DEFAULT; SET ROLE NONE; SET search_path = public; SET default_transaction_read_only = off;
		SET statement_timeout = 0; };
	$node->safe_psql('postgres', $sql . 'INSERT INTO e VALUES (1), (2)');
	is($node->safe_psql('postgres', $sql . q{SELECT trending.sync('60s') IS NOT NULL; SELECT sum(n) = (SELECT count(*) FROM e) FROM te}), "t\nt", $what);
}

sub restart_worker
{
	my $pid = $node->safe_psql('template1', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending worker'});
	$node->safe_psql('template1', "SELECT pg_terminate_backend($pid)");
	$node->poll_query_until('template1', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'trending worker' AND pid <> $pid");
}

# Settings of the database, of the role, of the role in the database, of all roles.
wait_for_worker($node, 'postgres');
counted('at first');
my $admin = $node->safe_psql('postgres', 'SELECT current_user');
$node->safe_psql('postgres', qq{
	CREATE ROLE app_owner; GRANT ALL ON e TO app_owner;
	ALTER DATABASE postgres SET role = 'app_owner';
	ALTER DATABASE postgres SET search_path = 'nowhere';
	ALTER ROLE "$admin" SET default_transaction_read_only = on;
	ALTER ROLE "$admin" IN DATABASE postgres SET default_transaction_isolation = 'serializable';
	ALTER ROLE ALL SET idle_in_transaction_session_timeout = '1ms';
	ALTER ROLE ALL SET datestyle = 'German';
	ALTER DATABASE postgres SET session_replication_role = 'replica';
	ALTER DATABASE postgres SET bytea_output = 'escape';
	ALTER DATABASE postgres SET extra_float_digits = -10});
restart_worker();
counted('with a role and other settings for the database');
$node->safe_psql('template1', q{SET default_transaction_read_only = off;
	ALTER DATABASE postgres RESET ALL;
	ALTER DATABASE postgres SET session_authorization = 'app_owner';
	ALTER DATABASE postgres SET row_security = on;
	ALTER DATABASE postgres SET lock_timeout = 1});
restart_worker();
counted('with another session user');
$node->safe_psql('template1', qq{SET default_transaction_read_only = off; ALTER DATABASE postgres RESET ALL; ALTER ROLE "$admin" RESET ALL;
	ALTER ROLE "$admin" IN DATABASE postgres RESET ALL; ALTER ROLE ALL RESET ALL});
counted('without');

# Settings of the configuration's file: what is kept of a late row is the row.
my @shown = ("extra_float_digits = -15", "bytea_output = 'escape'", "IntervalStyle = 'sql_standard'", "DateStyle = 'German'");
$node->append_conf('postgresql.conf', $_) for @shown;
$node->safe_psql('postgres', q{SELECT pg_reload_conf();
	CREATE TABLE odd (f float8, b bytea, i interval, at timestamptz);
	SELECT trending.create_trend('oddly', 'SELECT window_start, window_end, count(*) AS c FROM odd, trending.tumble(at, $$1 minute$$)
	  GROUP BY 1, 2 ORDER BY c DESC', late_events => 'keep', allowed_lateness => '0')});
restart_worker();
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{INSERT INTO odd VALUES (0, '', '0', now()); INSERT INTO odd VALUES (1.0 / 3, '\xff00', '1 month -3 days', now() - interval '1 hour')});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM oddly_late}), 'a late row is kept');
is($node->safe_psql('postgres', q{SELECT "row"->>'b', "row"->>'f', "row"->>'i' FROM oddly_late}), '\xff00|0.3333333333333333|1 mon -3 days',
	'with all its values, whatever the configuration shows');
$node->adjust_conf('postgresql.conf', $_, undef) for map { /(\w+)/ } @shown;
$node->safe_psql('postgres', 'SELECT pg_reload_conf(); DROP TABLE odd CASCADE');

# Told to end, it is back at once, and nothing is wrong.
for (1 .. 3)
{
	my $began = time;
	my $pid = kill_worker($node, 'postgres', 'TERM');
	wait_for_worker($node, 'postgres', $pid);
	cmp_ok(time - $began, '<', 5, 'back at once');
}
is($node->safe_psql('postgres', 'SELECT state, message, hint FROM trending.worker_status'), 'running||', 'with nothing to tell');

# The launcher is told to end, and the worker while there is none.
my $launcher = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'trending launcher'});
kill_process($launcher, 'TERM');
my $alone = kill_worker($node, 'postgres', 'TERM');
wait_for_worker($node, 'postgres', $alone);
counted('the launcher comes back, and the worker with it');

# What it died of. The words are for those who may see them.
$node->safe_psql('postgres', 'ALTER TABLE trending.checkpoint RENAME TO put_away');
kill_worker($node, 'postgres', 'TERM');
$node->poll_query_until('postgres', q{SELECT state = 'unavailable' AND message LIKE '%ended with an error%' FROM trending.worker_status}) or die;
my $words = $node->safe_psql('postgres', 'SELECT message, hint FROM trending.worker_status');
like($words, qr/SQLSTATE 42P01\): relation "trending.checkpoint" does not exist/, 'the status tells what it died of');
like($words, qr/reset_slot/, 'and what can be done');
$node->safe_psql('postgres', 'CREATE ROLE reader; GRANT SELECT ON te TO reader');
$words = $node->safe_psql('postgres', 'SET ROLE reader; SELECT message FROM trending.worker_status');
like($words, qr/SQLSTATE 42P01/, 'everybody sees the code');
unlike($words, qr/does not exist/, 'but not the words');
$node->safe_psql('postgres', 'ALTER TABLE trending.put_away RENAME TO checkpoint');
wait_for_worker($node, 'postgres');
counted('when that is put right it goes on by itself');

# The same where the server ends it, here as it connects.
my $inside = $node->background_psql('postgres');
$inside->query_safe('SELECT 1');
my $version_file = $node->data_dir . '/base/' . $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'}) . '/PG_VERSION';
my $ended = $node->safe_psql('postgres', 'SELECT pid FROM trending.worker_status');
rename($version_file, "$version_file.away") or die $!;
kill_process($ended, 'TERM');
$words = '';
for (1 .. 600)
{
	$words = $inside->query_safe('SELECT state, message FROM trending.worker_status');
	last if $words =~ /ended with an error/;
	sleep(0.1);
}
like($words, qr/unavailable\|the worker ended with an error \(SQLSTATE \w+\): .*not a valid data directory/, 'the words of a fatal error');
rename("$version_file.away", $version_file) or die $!;
$inside->quit;
wait_for_worker($node, 'postgres');
counted('when that is put right it goes on, too');

# The schema goes by another name while a worker starts: it forgets nothing, and goes on when the name is back.
for my $moment (0.02, 0.05, 0.08)
{
	my $ended = worker_pid($node, 'postgres');
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($ended); SELECT pg_sleep($moment); ALTER SCHEMA trending RENAME TO elsewhere; SELECT pg_sleep(0.3); ALTER SCHEMA elsewhere RENAME TO trending");
	wait_for_worker($node, 'postgres', $ended);
	$node->safe_psql('postgres', q{SELECT trending.resume(relation) FROM trending.status WHERE state = 'stopped'});
	counted("the schema was renamed $moment s after the worker's end");
}

# No room in the directory for another database, until there is.
$node->safe_psql('postgres', 'CREATE DATABASE second');
my ($status, $out, $warning) = $node->psql('second', 'CREATE EXTENSION trending');
like($warning, qr/trending.max_databases/, 'CREATE EXTENSION warns that there is no room');
$words = $node->safe_psql('second', 'SELECT state, message, hint FROM trending.worker_status');
like($words, qr/none\|.*trending.max_databases.*Raise trending.max_databases/, 'the status says so, too');

# The library is taken out of the server before the extension is dropped.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
$node->safe_psql('postgres', 'INSERT INTO e VALUES (1)');
pass('writers are not concerned');
like($node->safe_psql('postgres', 'SELECT state, message, hint FROM trending.worker_status'),
	qr/not loaded\|trending is not loaded into the server\|Add trending to shared_preload_libraries/, 'the status says what is missing');
($status, $out, my $error) = $node->psql('postgres', 'SELECT * FROM te');
like($error, qr/not loaded.*shared_preload_libraries/s, 'so does reading');
$node->command_ok([ 'pg_dump', '-f', PostgreSQL::Test::Utils::tempdir() . '/dump', '-d', $node->connstr('postgres') ], 'pg_dump works');
$node->safe_psql('postgres', 'DROP EXTENSION trending CASCADE');
is(slot_exists($node, 'postgres'), '1', 'DROP EXTENSION works, and leaves the slot');
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'trending'");
$node->restart;
wait_for_worker($node, 'second');
pass('the second database has found room');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_replication_slots WHERE database = 'postgres'});
pass('the slot that was left is dropped');

# A server that runs for pg_upgrade.
$node->stop;
my @server = ('pg_ctl', '-D', $node->data_dir, '-l', $node->logfile, '-w');
PostgreSQL::Test::Utils::system_or_bail(@server, '-o', '-b --cluster-name=session', 'start');
is($node->safe_psql('second', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'trending%'}), '0', 'nothing of ours runs for pg_upgrade');
like($node->safe_psql('second', 'SELECT state, message FROM trending.worker_status'), qr/none\|the server runs for pg_upgrade/, 'and the status says why');
my $next = $node->safe_psql('second', 'SELECT pg_snapshot_xmax(pg_current_snapshot())');
$node->safe_psql('second', 'SELECT 1');
is($node->safe_psql('second', 'SELECT pg_snapshot_xmax(pg_current_snapshot())'), $next, 'nobody writes');
PostgreSQL::Test::Utils::system_or_bail(@server, 'stop');
$node->start;
wait_for_worker($node, 'second');
pass('afterwards it runs as before');

# pg_upgrade itself, from a version to itself, while windows wait to be closed.
SKIP:
{
	my $bin = $node->config_data('--bindir');
	skip 'no pg_upgrade', 4 unless -x "$bin/pg_upgrade";
	$node->safe_psql('second', q{CREATE TABLE e (k int, at timestamptz DEFAULT now());
		SELECT trending.create_trend('te', $$SELECT window_start, window_end, k, count(*) AS n FROM e, trending.hop(at, '1 s', '5 s') GROUP BY 1, 2, 3 ORDER BY n DESC$$,
		  idle_timeout => '1 s', history_limit => NULL);
		SELECT trending.create_trend('all_e', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC');
		INSERT INTO e SELECT i % 3, now() - i * interval '0.1 s' FROM generate_series(1, 90) i});
	sync_trends($node, 'second');
	$node->stop;
	if ($node->pg_version >= 17)
	{
		# It takes over slots then, of which all WAL must have been read. Ours are of no use in the new cluster.
		PostgreSQL::Test::Utils::system_or_bail(@server, '-o', q{-c shared_preload_libraries='' --cluster-name=session}, 'start');
		$node->safe_psql('postgres', 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
		PostgreSQL::Test::Utils::system_or_bail(@server, 'stop');
	}
	my $next = sub { my ($out) = PostgreSQL::Test::Utils::run_command([ 'pg_controldata', $node->data_dir ]); return $out =~ /NextXID: +(\S+)/ ? $1 : $out };
	my $before = $next->();
	my $upgraded = PostgreSQL::Test::Cluster->new('upgraded');
	$upgraded->init(allows_streaming => 'logical');
	$upgraded->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\n");
	my $folder = PostgreSQL::Test::Utils::tempdir();
	chdir $folder or die $!;
	$node->command_ok([ 'pg_upgrade', '-b', $bin, '-B', $bin, '-d', $node->data_dir, '-D', $upgraded->data_dir, '-s', $node->host, '-p', $node->port, '-P', $upgraded->port ],
		'pg_upgrade');
	is($next->(), $before, 'nobody has written in the old cluster');
	$upgraded->start;
	wait_for_worker($upgraded, 'second');
	$upgraded->safe_psql('second', 'INSERT INTO e VALUES (1)');
	sync_trends($upgraded, 'second');
	is($upgraded->safe_psql('second', 'SELECT sum(n) FROM all_e'), '91', 'trends go on in the new one');
	no_crash_in_log($upgraded);
	$upgraded->stop;
	$node->start;
}

no_crash_in_log($node);
$node->stop;
done_testing();
