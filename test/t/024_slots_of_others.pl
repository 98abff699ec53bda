# SPDX-License-Identifier: PostgreSQL
# The slot's name is taken, its WAL or its snapshot is gone, nobody may make one: either the worker recreates it, or it
# says what to do.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('slots', max_replication_slots => 11, 'trending.checkpoint_interval' => "'1h'");
$node->safe_psql('postgres', 'CREATE TABLE e (k int)');
my $oid = $node->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'postgres'});

sub counted
{
	my ($what) = @_;
	wait_for_worker($node, 'postgres');
	$node->safe_psql('postgres', 'INSERT INTO e VALUES (1), (1), (2)');
	sync_trends($node, 'postgres');
	is($node->safe_psql('postgres', 'SELECT sum(n) FROM te'), $node->safe_psql('postgres', 'SELECT count(*) FROM e'), $what);
}

sub own_slots
{
	return $node->safe_psql('postgres', q{SELECT string_agg(slot_name, ',' ORDER BY slot_name) FROM pg_replication_slots WHERE plugin = 'trending'});
}

# Names taken by slots of other kinds, and by one that lasts as long as its session.
$node->safe_psql('postgres', "SELECT pg_create_physical_replication_slot('trending_$oid' || n) FROM unnest(ARRAY['', '_3', '_4', '_5', '_6', '_7', '_8', '_9']) n");
my $session = $node->background_psql('postgres');
$session->query_safe("SELECT pg_create_logical_replication_slot('trending_${oid}_2', 'pgoutput', true)");
$node->safe_psql('postgres', q{CREATE EXTENSION trending;
	SELECT trending.create_trend('te', 'SELECT k, count(*) AS n FROM e GROUP BY k ORDER BY n DESC')});
$node->poll_query_until('postgres', q{SELECT state = 'unavailable' AND message LIKE 'all names for its replication slot are taken%' FROM trending.worker_status}) or die;
like($node->safe_psql('postgres', 'SELECT hint FROM trending.worker_status'), qr/Drop one of them.*pg_replication_slots/, 'all names are taken: the hint says what to do');
$node->safe_psql('postgres', "SELECT pg_drop_replication_slot('trending_${oid}_3')");
counted('the worker takes a name as soon as one is free');
is(own_slots(), "trending_${oid}_3", 'which is that');
$session->quit;
$node->safe_psql('postgres', "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_type = 'physical'");
$node->restart;
counted('it keeps to its slot when the names are free again');
is(own_slots(), "trending_${oid}_3", 'and makes no other');

# Nobody else makes a slot of its names with its plugin.
for my $making ("pg_create_logical_replication_slot('trending_$oid', 'trending')",
	"pg_copy_logical_replication_slot('trending_${oid}_3', 'trending_$oid')")
{
	my ($status, $out, $error) = $node->psql('postgres', "SET output_plugin_libraries = 'trending'; SELECT $making");
	isnt($status, 0, "refused: $making") or diag($out);
}
is(own_slots(), "trending_${oid}_3", 'there is still the one');

# A slot that somebody moved on while no worker held it.
$node->stop;
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
$node->safe_psql('postgres', "INSERT INTO e VALUES (5); SELECT pg_replication_slot_advance('trending_${oid}_3', pg_current_wal_lsn())");
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'trending'");
$node->restart;
counted('a slot that was moved on');
ok($node->log_contains(qr/Its replication slot is ahead of the stored state/), 'is told');

# reset_slot(): by superusers, and whom they grant it.
$node->safe_psql('postgres', 'CREATE ROLE nobody; CREATE ROLE operator; GRANT EXECUTE ON FUNCTION trending.reset_slot() TO operator');
my ($status, $out, $error) = $node->psql('postgres', 'SET ROLE nobody; SELECT trending.reset_slot()');
like($error, qr/permission denied/, 'not everybody may reset the slot');
for my $role ('operator', 'postgres')
{
	my $ended = $node->safe_psql('postgres', 'SELECT pid FROM trending.worker_status');
	my $log = -s $node->logfile;
	$node->safe_psql('postgres', "SET ROLE $role; SELECT trending.reset_slot()");
	wait_for_worker($node, 'postgres', $ended);
	ok($node->log_contains(qr/trending.reset_slot\(\) was called/, $log), "the log tells of the reset by $role");
	counted('what there was is counted again');
}
is(own_slots(), "trending_$oid", 'under the first name that is free');

# WAL that it needs is gone, from under a server that runs.
sub ends_and_heals
{
	my ($what) = @_;
	my $log = -s $node->logfile;
	my $ended = kill_worker($node, 'postgres', 'TERM');
	wait_for_worker($node, 'postgres', $ended);
	$node->poll_query_until('postgres', q{SELECT state = 'running' FROM trending.worker_status});
	counted($what);
	ok($node->log_contains(qr/What its replication slot needs of the WAL or the catalog is gone/, $log), "$what: the log says why");
}
$node->safe_psql('postgres', 'INSERT INTO e VALUES (3); SELECT pg_switch_wal(); INSERT INTO e VALUES (4); SELECT pg_switch_wal(); INSERT INTO e VALUES (4);');
my $segment = $node->safe_psql('postgres', "SELECT pg_walfile_name(restart_lsn) FROM pg_replication_slots WHERE slot_name = 'trending_$oid'");
unlink($node->data_dir . "/pg_wal/$segment") or die "no segment $segment";
ends_and_heals('WAL is gone');

# The snapshots that slots leave on disk are broken.
$node->safe_psql('postgres', 'CHECKPOINT; SELECT trending.sync(); CHECKPOINT; SELECT trending.sync()');
my @snapshots = glob($node->data_dir . '/pg_logical/snapshots/*.snap');
for my $snapshot (@snapshots)
{
	open(my $file, '+<', $snapshot) or die $!;
	print $file "nothing of use";
	close $file;
}
SKIP:
{
	skip 'no snapshot on disk', 2 unless @snapshots;
	my $ended = kill_worker($node, 'postgres', 'TERM');
	wait_for_worker($node, 'postgres', $ended);
	counted('with broken snapshots on disk');
}

# Somebody holds the slot: he is named, and waited for. (A session that moves it on, stopped as it does.)
$node->safe_psql('postgres', 'ALTER TABLE trending.checkpoint RENAME TO put_away');
kill_worker($node, 'postgres', 'TERM');
$node->poll_query_until('postgres', q{SELECT state = 'unavailable' FROM trending.worker_status}) or die;
my $holder = $node->background_psql('postgres', on_error_stop => 0);
my $looker = $node->background_psql('postgres');
my $holder_pid = $holder->query_safe('SELECT pg_backend_pid()');
my $is_held = 0;
for (1 .. 20)
{
	last if $is_held;
	$node->safe_psql('postgres', 'CREATE TABLE IF NOT EXISTS bulk (t text); INSERT INTO bulk SELECT repeat(md5(i::text), 10) FROM generate_series(1, 200000) i');
	$holder->query_until(qr/begun/, "\\echo begun\nSELECT pg_replication_slot_advance('trending_$oid', pg_current_wal_flush_lsn());\n");
	for (1 .. 20)
	{
		next unless $looker->query_safe("SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'trending_$oid'") =~ /$holder_pid/;
		kill 'STOP', $holder_pid;
		$is_held = $looker->query_safe("SELECT active_pid FROM pg_replication_slots WHERE slot_name = 'trending_$oid'") =~ /$holder_pid/;
		last if $is_held;
		kill 'CONT', $holder_pid;
	}
}
ok($is_held, 'a session holds the slot');
$node->safe_psql('postgres', 'ALTER TABLE trending.put_away RENAME TO checkpoint');
$node->poll_query_until('postgres', "SELECT message = 'replication slot \"trending_$oid\" is in use by process $holder_pid' AND hint LIKE '%pg_terminate_backend($holder_pid)%' FROM trending.worker_status")
  or die 'the holder is not named';
kill 'CONT', $holder_pid;
counted('the worker goes on when the slot is free');
$holder->quit;
$looker->quit;

# No slot is free, told by the attempt; it goes on by itself once there is one.
$node->safe_psql('postgres', q{CREATE DATABASE other; SELECT pg_create_physical_replication_slot('taken' || i) FROM generate_series(1, 10) i});
my ($code, $stdout, $warning) = $node->psql('other', 'CREATE EXTENSION trending');
like($warning, qr/no replication slot is free/, 'CREATE EXTENSION warns');
$node->poll_query_until('other', q{SELECT state = 'unavailable' AND message = 'no replication slot is free' FROM trending.worker_status}) or die;
like($node->safe_psql('other', 'SELECT hint FROM trending.worker_status'), qr/max_replication_slots.*pg_replication_slots/, 'the hint says what to do');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('taken1')});
wait_for_worker($node, 'other');
pass('the worker comes as soon as a slot is free');

no_crash_in_log($node);
$node->stop;
done_testing();
