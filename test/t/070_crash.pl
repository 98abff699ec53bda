# SPDX-License-Identifier: PostgreSQL
# SIGKILL of the worker and of the server under load: the trend equals its definition afterwards.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('crash', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on',
	'checkpoint_timeout' => '30s');
create_blog($node, 'postgres');

# The worker dies; the postmaster resets the server and everything comes back by itself.
for my $round (1 .. 2)
{
	my $load = start_load($node, 'postgres', 4, 4);
	sleep(2);
	my $pid = kill_worker($node, 'postgres');
	finish_load($load);
	wait_for_worker($node, 'postgres', $pid);
	is(differences($node, 'postgres'), '', "equal after the worker was killed ($round)");
}

# The whole server dies.
for my $round (1 .. 2)
{
	my $load = start_load($node, 'postgres', 4, 4);
	sleep(2);
	$node->kill9;
	finish_load($load);
	start_again($node);
	wait_for_worker($node, 'postgres');
	is(differences($node, 'postgres'), '', "equal after the server was killed ($round)");
	cmp_ok($node->safe_psql('postgres', 'SELECT sum(views) FROM top_posts'), '>', 0, 'and not empty');
}

# After a restart it goes on with what it has, also when the first it sees of its source is a change of the table.
$node->safe_psql('postgres', q{INSERT INTO view_events (post_id, viewed_at) VALUES (1, now() - interval '1 day')});
my $counted = "SELECT late, events + late - (SELECT count(*) FROM view_events) FROM trending.status WHERE relation = 'top_posts'::regclass";
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counted), '1|0', 'every event was counted once');
$node->poll_query_until('postgres', 'SELECT late = 1 FROM trending.trend_state') or die 'not stored';
$node->restart;
$node->safe_psql('postgres', q{
	BEGIN;
	INSERT INTO view_events (post_id) VALUES (1);
	ALTER TABLE view_events ALTER COLUMN post_id SET STATISTICS 50;
	INSERT INTO view_events (post_id) VALUES (1);
	COMMIT});
wait_for_worker($node, 'postgres');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counted), '1|0', 'and the counters went on');
unlike(slurp_file($node->logfile), qr/refilled/, 'nothing was refilled');

no_crash_in_log($node);
$node->stop;
done_testing();
