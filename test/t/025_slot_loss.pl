# SPDX-License-Identifier: PostgreSQL
# The slot is lost: invalidated, dropped, or left behind in another data directory. Each heals by itself and says
# so, and windows that closed meanwhile are in history as if nothing had been.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node(
	'slots',
	'trending.checkpoint_interval' => '1s',
	restart_after_crash => 'on',
	max_slot_wal_keep_size => "'16MB'",
	min_wal_size => "'32MB'",
	max_wal_size => "'64MB'");
create_blog($node, 'postgres');
create_paced($node, 'postgres');
# Windows that begin together and end one after the other.
$node->safe_psql('postgres', $TrendingTest::difference_function . q{
	SELECT trending.create_trend('growing', $$
	  SELECT window_start, window_end, item, count(*) AS n FROM paced, trending.cumulate(at, '10 seconds', '10 minutes')
	  GROUP BY window_start, window_end, item ORDER BY n DESC $$,
	  allowed_lateness => '20 seconds', history_limit => NULL, idle_timeout => '1 day')});
sync_trends($node, 'postgres');
my $second = 0;

# The next seconds of paced events, and some others.
sub more
{
	my ($server, $seconds) = @_;
	feed_paced($server, 'postgres', $second, $second + $seconds);
	$second += $seconds;
	$server->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 60 FROM generate_series(1, 2000) n');
}

sub equal
{
	my ($server, $what) = @_;
	wait_for_worker($server, 'postgres');
	is(differences($server, 'postgres'), '', "$what: the live trend is equal");
	is(paced_differences($server, 'postgres'), '', "$what: live and history are equal");
	is(settled(sub { $server->safe_psql('postgres', q{SELECT * FROM differences('growing')}) }),
		'', "$what: so are those of growing windows");
}

sub healings
{
	my ($server) = @_;
	my $count = () = slurp_file($server->logfile) =~ /refills all trends of database "postgres" from their sources/g;
	return $count;
}

more($node, 100);
equal($node, 'at first');

# Invalidated: the worker stands still while more WAL is written than may be kept. The server ends the worker.
my $pid = freeze_worker($node, 'postgres');
for (1 .. 6)
{
	more($node, 20);
	$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
}
my $checkpointer = $node->background_psql('postgres');
$checkpointer->query_until(qr/begun/, "\\echo begun\nCHECKPOINT;\n\\echo done\n");
ok(log_says($node, qr/terminating process $pid to release replication slot/), 'a checkpoint wants the WAL back');
kill 'CONT', $pid;
ok(log_says($node, qr/invalidating (obsolete replication )?slot "trending_/), 'the server invalidated the slot');
ok(log_says($node, qr/Its replication slot was invalidated: WAL it needed is gone/), 'the worker says so');
$checkpointer->quit;
equal($node, 'after the slot was invalidated');
is(healings($node), 1, 'by refilling');
more($node, 60);
equal($node, 'and going on');

$node->safe_psql('postgres', 'ALTER SYSTEM SET max_slot_wal_keep_size = -1');
$node->reload;

# Dropped by hand while no worker runs; a lot happens meanwhile.
$node->stop;
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE plugin = 'trending'});
more($node, 300);
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'trending'");
$node->restart;
ok(log_says($node, qr/Its replication slot is missing/), 'the worker misses its slot');
equal($node, 'after the slot was dropped');
is(healings($node), 2, 'refilled again');
more($node, 60);
equal($node, 'and going on');
$node->kill9;
start_again($node);
equal($node, 'after a crash');
is(healings($node), 2, 'which needs no filling');

# Killed in the middle of a filling, again and again.
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 3000 FROM generate_series(1, 150000) n');
for my $round (1 .. 5)
{
	my $load = start_load($node, 'postgres', 3, 2);
	sleep(0.5);
	$pid = worker_pid($node, 'postgres');
	$node->safe_psql('postgres', 'DROP FOREIGN TABLE top_posts');
	TrendingTest::create_trend($node, 'postgres');
	sleep(rand 0.6);
	kill_process($pid, 'KILL');
	finish_load($load);
	wait_for_worker($node, 'postgres', $pid);
	is(differences($node, 'postgres'), '', "equal after a crash while it was filled ($round)");
}

# A base backup, taken under load, that becomes a server of its own.
my $load = start_load($node, 'postgres', 6, 3);
sleep(1);
$node->backup('base');
finish_load($load);
my $copy = PostgreSQL::Test::Cluster->new('restored');
$copy->init_from_backup($node, 'base');
$copy->start;
ok(log_says($copy, qr/Its replication slot is missing/), 'the restored server misses the slot');
equal($copy, 'restored from a base backup');
more($copy, 60);
equal($copy, 'and going on');
equal($node, 'the original is not disturbed');

# A copy of the data directory with its slot goes on as after a crash.
$copy->stop('immediate');
my $twin = PostgreSQL::Test::Cluster->new('twin');
PostgreSQL::Test::RecursiveCopy::copypath($copy->data_dir, $twin->data_dir);
$twin->append_conf('postgresql.conf', 'port = ' . $twin->port . "\nunix_socket_directories = '" . $twin->host . "'\n");
chmod 0700, $twin->data_dir;
unlink $twin->data_dir . '/postmaster.pid';
$twin->start;
equal($twin, 'a copy with its slot');
is(healings($twin), 0, 'which needs no filling');

no_crash_in_log($_) for $node, $copy, $twin;
$_->stop for $node, $twin;
done_testing();
