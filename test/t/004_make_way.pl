# SPDX-License-Identifier: PostgreSQL
# Commands that need a database without sessions, cancelled, failed or ended at any moment: the worker makes way, and comes
# back whatever became of them. Databases that are copied, moved, opened and closed are followed by themselves.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);
use TrendingTest;

my $node = trending_node('way', 'trending.checkpoint_interval' => "'1h'");
my $rows = 0;

sub make_database
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, q{CREATE EXTENSION trending; CREATE TABLE e (k int);
		SELECT trending.create_trend('te', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC')});
	wait_for_worker($node, $database);
	$node->safe_psql($database, 'INSERT INTO e SELECT i % 3 FROM generate_series(1, 90) i');
}

# The database is followed, soon, and its trend is exact.
sub followed
{
	my ($database, $what) = @_;
	$node->safe_psql($database, 'INSERT INTO e VALUES (1)');
	wait_for_worker($node, $database);
	sync_trends($node, $database);
	is($node->safe_psql($database, 'SELECT sum(n) FROM te'), $node->safe_psql($database, 'SELECT count(*) FROM e'), $what);
}

sub worker_is_gone
{
	my ($database) = @_;
	$node->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'trending worker' AND datname = '$database'")
	  or die 'the worker stays';
}

# A command in the background; its process id in the server.
sub start_command
{
	my ($command) = @_;
	my ($out, $error) = ('', '');
	my $handle = IPC::Run::start(
		[ 'psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-c', $command, 'postgres' ], '>', \$out, '2>', \$error);
	my $first = substr($command, 0, 20);
	$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '$first%' AND pid <> pg_backend_pid()");
	my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE query LIKE '$first%' AND pid <> pg_backend_pid()");
	return ($handle, $pid, \$error);
}

my $folder = PostgreSQL::Test::Utils::tempdir();
mkdir "$folder/ts";
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$folder/ts'");
make_database('d');
followed('d', 'at first');

# While a session is in the database, such commands wait for it some seconds, then fail. They are cancelled, ended, or left
# to fail.
for my $case (
	[ 'cancelled', 'CREATE DATABASE copy TEMPLATE d', 'pg_cancel_backend' ],
	[ 'ended', 'CREATE DATABASE copy TEMPLATE d STRATEGY file_copy', 'pg_terminate_backend' ],
	[ 'ended', 'ALTER DATABASE d SET TABLESPACE elsewhere', 'pg_terminate_backend' ],
	[ 'cancelled', 'ALTER DATABASE d RENAME TO other', 'pg_cancel_backend' ],
	[ 'failed', 'DROP DATABASE d', undef ])
{
	my ($end, $command, $function) = @$case;
	my $session = $node->background_psql('d');
	$session->query_safe('SELECT 1');
	my ($handle, $pid, $error) = start_command($command);
	if ($function)
	{
		worker_is_gone('d');
		my $told = '';
		for (1 .. 100)
		{
			$told = $session->query_safe(q{SELECT state, message FROM trending.worker_status});
			last if $told =~ /paused/;
			sleep(0.05);
		}
		like($told, qr/paused.*a command has locked the database/, "the status tells of it: $command");
	}
	$node->safe_psql('postgres', "SELECT $function($pid)") if $function;
	eval { $handle->finish };
	my $began = time;
	$session->quit;
	wait_for_worker($node, 'd');
	cmp_ok(time - $began, '<', 5, "the worker is back soon, the command $end: $command");
	followed('d', 'and counts');
}
for my $ms (1, 2, 4, 8, 16)
{
	$node->psql('postgres', "SET statement_timeout = $ms; CREATE DATABASE copy TEMPLATE d");
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS copy');
}
followed('d', 'commands cut off at any moment');

# Within a transaction that somebody leaves open. The server stops at once meanwhile.
my $renaming = $node->background_psql('postgres');
$renaming->query_safe('BEGIN');
$renaming->query_safe('ALTER DATABASE d RENAME TO renamed');
worker_is_gone('d');
my $began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 4, 'a paused worker does not hold up a shutdown');
$node->start;
followed('d', 'the renaming came to nothing');

# Copies, by both ways of the server's, get workers by themselves.
for my $strategy ('wal_log', 'file_copy')
{
	$node->safe_psql('postgres', "CREATE DATABASE copy_$strategy TEMPLATE d STRATEGY $strategy");
	followed("copy_$strategy", "a copy by $strategy");
}
followed('d', 'and what was copied goes on');

# Databases that are closed at first.
$node->safe_psql('postgres', 'CREATE DATABASE closed TEMPLATE d ALLOW_CONNECTIONS false; CREATE DATABASE pattern TEMPLATE d IS_TEMPLATE true');
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS true; ALTER DATABASE pattern IS_TEMPLATE false');
followed('closed', 'a database that is opened');
followed('pattern', 'a template that becomes an ordinary database');
# One that is closed later has a slot, which somebody has to move on.
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false; ALTER DATABASE pattern IS_TEMPLATE true');
$node->restart;
followed('pattern', 'a database that becomes a template goes on');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_replication_slots WHERE database = 'closed' AND active});
pass('so does one without connections');
$node->safe_psql('postgres', 'ALTER DATABASE pattern IS_TEMPLATE false; DROP DATABASE pattern; DROP DATABASE closed; DROP DATABASE copy_wal_log WITH (FORCE)');
is($node->safe_psql('postgres', q{SELECT string_agg(database, ',' ORDER BY database) FROM pg_replication_slots}), 'copy_file_copy,d', 'dropped databases take their slots along');

# Moved to another tablespace, with changes that no checkpoint has; then with one that commits as the worker has left.
$node->safe_psql('postgres', 'ALTER DATABASE d SET TABLESPACE elsewhere');
followed('d', 'moved to another tablespace');
ok(!$node->log_contains(qr/refills all trends.*\n.*What its replication slot needs/), 'without refilling its trends');
my $session = $node->background_psql('d');
$session->query_safe('SELECT 1');
my ($handle, $pid, $error) = start_command('ALTER DATABASE d SET TABLESPACE pg_default');
worker_is_gone('d');
$session->query_safe('INSERT INTO e VALUES (7), (8)');
$session->quit;
$handle->finish;
is($$error, '', 'moved back while somebody wrote');
followed('d', 'which is exact');
ok($node->log_contains(qr/What its replication slot needs of the WAL or the catalog is gone/), 'by refilling its trends');

no_crash_in_log($node);
$node->stop;
done_testing();
