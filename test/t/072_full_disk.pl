# SPDX-License-Identifier: PostgreSQL
# A disk that is really full: the state of the trends lies in a tablespace on a small file system of its own, which only
# the server sees (a mount in a user namespace). Results stay current, the reason is shown, a worker that starts
# meanwhile loses nothing, and checkpoints go on when there is room again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $disk = PostgreSQL::Test::Utils::tempdir();
my ($uid, $gid) = ($<, $( + 0);

# A command in a namespace in which a small disk is mounted, run as the user we are.
sub with_disk
{
	my (@command) = @_;
	return with_small($disk, '24m', @command);
}

sub with_small
{
	my ($folder, $size, @command) = @_;
	return ('unshare', '-Urm', 'sh', '-c', "mount -t tmpfs -o size=$size none $folder && exec \"\$@\"", 'sh',
		'unshare', '-U', "--map-user=$uid", "--map-group=$gid", @command);
}

plan skip_all => 'a user may not mount a file system in a namespace here'
  unless IPC::Run::run([ with_disk('true') ], '>', \my $out, '2>', \my $err);

my $node = trending_node('full', 'trending.checkpoint_interval' => '1s');
$node->stop;
system_or_bail(with_disk('pg_ctl', '-w', '-s', '-D', $node->data_dir, '-l', $node->logfile, 'start'));
$node->_update_pid(1);

create_blog($node, 'postgres');
$node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$disk'");
$node->safe_psql('postgres', "ALTER TABLE trending.$_ SET TABLESPACE small")
  for qw(trend_state pane_state waiting_window waiting_late);
$node->safe_psql('postgres', 'CREATE TABLE filler (content text) TABLESPACE small');
$node->safe_psql('postgres', 'ALTER TABLE filler ALTER COLUMN content SET STORAGE EXTERNAL');

sub add_events
{
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 20000 FROM generate_series(1, 30000) n');
}

sub stored_position
{
	return $node->safe_psql('postgres', 'SELECT lsn FROM trending.checkpoint');
}

add_events();
is(differences($node, 'postgres'), '', 'equal at first');

# Fills the disk to its last page.
for my $size (1_000_000, 6000)
{
	my ($status, $error) = (0, '');
	while ($status == 0)
	{
		(my $ret, my $stdout, $error) =
		  $node->psql('postgres', "INSERT INTO filler VALUES (repeat('x', $size))", on_error_stop => 1);
		$status = $ret;
	}
	like($error, qr/No space left on device/, "full, for rows of $size bytes");
}

add_events();
ok($node->poll_query_until('postgres', q{SELECT message LIKE '%No space left on device%' FROM trending.worker_status}),
	'a checkpoint that finds no room says so');
my $stuck = stored_position();
add_events();
is(differences($node, 'postgres'), '', 'results stay current');
is(stored_position(), $stuck, 'the stored position stays');

my $ended = kill_worker($node, 'postgres', 'TERM');
add_events();
wait_for_worker($node, 'postgres', $ended);
is(differences($node, 'postgres'), '', 'a worker that starts meanwhile has lost nothing');

$node->safe_psql('postgres', 'DROP TABLE filler');
ok($node->poll_query_until('postgres',
		"SELECT (SELECT lsn FROM trending.checkpoint) > '$stuck' AND coalesce(message, '') = '' FROM trending.worker_status"),
	'checkpoints go on when there is room again');
wait_for_worker($node, 'postgres', kill_worker($node, 'postgres', 'TERM'));
is(differences($node, 'postgres'), '', 'and hold everything');

no_crash_in_log($node);
$node->stop;

# The same of dynamic shared memory, where it is files: rows are refused, nobody ends, and what is given back is used again.
for my $kind ('posix', 'mmap')
{
	my $server = trending_node("shared_$kind", dynamic_shared_memory_type => $kind);
	$server->stop;
	my $folder = $kind eq 'posix' ? '/dev/shm' : $server->data_dir . '/pg_dynshmem';
	system_or_bail(with_small($folder, '12m', 'pg_ctl', '-w', '-s', '-D', $server->data_dir, '-l', $server->logfile, 'start'));
	$server->_update_pid(1);
	$server->safe_psql('postgres', q{CREATE EXTENSION trending; CREATE TABLE e (id bigint); CREATE TABLE o (k int);
		SELECT trending.create_trend('te', 'SELECT id, count(*) AS n FROM e GROUP BY id ORDER BY n DESC');
		SELECT trending.create_trend('others', 'SELECT k, count(*) AS n FROM o GROUP BY k ORDER BY n DESC');
		INSERT INTO o VALUES (1)});
	sync_trends($server, 'postgres');
	my $pid = worker_pid($server, 'postgres');
	$server->safe_psql('postgres', 'INSERT INTO e SELECT g FROM generate_series(1, 400000) g; INSERT INTO o VALUES (1)');
	sync_trends($server, 'postgres');
	is($server->safe_psql('postgres', q{SELECT refused > 0 AND live_groups + refused = 400000 FROM trending.status WHERE trend = 'te'}), 't', "$kind: what has no room is refused and counted");
	is($server->safe_psql('postgres', 'SELECT n FROM others'), '2', 'another trend goes on');
	$server->safe_psql('postgres', 'TRUNCATE e; INSERT INTO e SELECT g FROM generate_series(1, 1000) g');
	sync_trends($server, 'postgres');
	is($server->safe_psql('postgres', 'SELECT count(*), sum(n) FROM te'), '1000|1000', 'after TRUNCATE there is room again');
	is(worker_pid($server, 'postgres'), $pid, 'for the same worker');
	no_crash_in_log($server);
	$server->stop;
}
done_testing();
