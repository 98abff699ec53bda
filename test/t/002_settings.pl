# SPDX-License-Identifier: PostgreSQL
# A server that is not prepared: CREATE EXTENSION succeeds and says what to set, the status shows it, reads fail
# with a hint, and nothing is started again and again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $make_source = 'CREATE TABLE view_events (post_id bigint, viewed_at timestamptz DEFAULT now())';

# What CREATE EXTENSION, the status and a read say.
sub create_and_read
{
	my ($node) = @_;
	my ($status, $out, $warning) = $node->psql('postgres', 'CREATE EXTENSION trending');
	is($status, 0, 'CREATE EXTENSION succeeds');
	$node->safe_psql('postgres', $make_source);
	TrendingTest::create_trend($node, 'postgres');
	$node->poll_query_until('postgres', "SELECT coalesce(message, '') <> '' FROM trending.worker_status") or die 'no message';
	my $message = $node->safe_psql('postgres', 'SELECT message, hint FROM trending.worker_status');
	($status, $out, my $error) = $node->psql('postgres', 'SELECT * FROM trending_top10()');
	isnt($status, 0, 'a read fails');
	return ($warning, $message, $error);
}

my $node = PostgreSQL::Test::Cluster->new('unprepared');
# From 19 on the server raises the level by itself, but not from minimal.
my ($too_low, $enough) = $node->pg_version->major >= 19 ? qw(minimal replica) : qw(replica logical);
$node->init;
$node->append_conf('postgresql.conf', "wal_level = $too_low");
$node->start;

my ($warning, $message, $error) = create_and_read($node);
like($warning, qr/not loaded.*shared_preload_libraries/s, 'not preloaded: the warning says what to set');
like($error, qr/not loaded.*shared_preload_libraries/s, 'not preloaded: so does a read');
$node->safe_psql('postgres', 'DROP EXTENSION trending CASCADE; DROP TABLE view_events');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'");
$node->restart;
($warning, $message, $error) = create_and_read($node);
like($warning, qr/wal_level is below $enough.*Set wal_level = $enough/s, 'wal_level: the warning says what to set');
like($message, qr/wal_level is below $enough.*Set wal_level = $enough/s, 'wal_level: so does the status');
like($error, qr/Set wal_level = $enough/s, 'wal_level: so does a read');
is( $node->safe_psql('postgres', "SELECT state, reason, hint FROM trending.status"),
	"worker down|wal_level is below $enough|Set wal_level = $enough and restart the server.", 'wal_level: the trend shows it too');
my $mentions = () = slurp_file($node->logfile) =~ /cannot follow database/g;
is($mentions, 1, 'and it is said once in the log');

# Put right: the same trend comes alive by itself.
$node->append_conf('postgresql.conf', "wal_level = $enough");
$node->restart;
wait_for_worker($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) VALUES (1), (1), (2)');
is(differences($node, 'postgres'), '', 'prepared: the trend counts');
$node->stop;

# No replication slot is free.
my $slots = trending_node('slots', max_replication_slots => 1);
$slots->safe_psql('postgres', q{SELECT pg_create_physical_replication_slot('taken')});
($warning, $message, $error) = create_and_read($slots);
like($warning, qr/no replication slot is free.*max_replication_slots/s, 'slots: the warning says what to set');
like($message, qr/max_replication_slots/, 'slots: so does the status');
like($error, qr/max_replication_slots/, 'slots: so does a read');
$slots->stop;

# No background worker is free: the launcher, the logical replication launcher, and none for us.
my $workers = trending_node('workers', max_worker_processes => 2);
($warning, $message, $error) = create_and_read($workers);
like($warning, qr/no background worker is free.*max_worker_processes/s, 'workers: the warning says what to set');
like($message, qr/max_worker_processes/, 'workers: so does the status');
like($error, qr/max_worker_processes/, 'workers: so does a read');
no_crash_in_log($workers);
$workers->stop;

done_testing();
