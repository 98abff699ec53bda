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

no_crash_in_log($node);
$node->stop;
done_testing();
