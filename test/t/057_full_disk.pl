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

# A command in a namespace in which the small disk is mounted, run as the user we are.
sub with_disk
{
	my (@command) = @_;
	return ('unshare', '-Urm', 'sh', '-c', "mount -t tmpfs -o size=24m none $disk && exec \"\$@\"", 'sh',
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
done_testing();
