# SPDX-License-Identifier: PostgreSQL
# A commit is decoded once its record is flushed, although nobody sees what it did before it has ended, which
# synchronous replication can put off for as long as one likes. The worker must not look into the catalog in between.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('unseen', autovacuum => 'off', client_min_messages => 'warning');
create_blog($node, 'postgres', no_trend => 1);
wait_for_worker($node, 'postgres');

sub set_standby
{
	my ($name) = @_;
	$node->safe_psql('postgres', "SET synchronous_commit = local; ALTER SYSTEM SET synchronous_standby_names = '$name'");
	$node->reload;
}

# Runs a statement whose commit waits for a standby that does not exist, until the WAL of the commit has long been
# there to be decoded; then lets it end.
sub run_held_up
{
	my ($statement) = @_;
	set_standby('nobody');
	$node->poll_query_until('postgres', "SELECT setting = 'nobody' FROM pg_settings WHERE name = 'synchronous_standby_names'")
	  or die 'the setting does not arrive';
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start(
		[ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', $statement, '-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$out, '2>', \$err);
	ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'"),
		'the commit waits for a standby');
	# The worker looks for WAL each second without being woken, so it has come to the commit by then.
	sleep(3);
	set_standby('');
	$session->finish;
	is($err, '', 'the statement ends');
	return $out;
}

run_held_up(
	q{SELECT trending.create_trend('top_posts', $$
	    SELECT window_start, window_end, post_id, count(*) AS views
	    FROM view_events, trending.hop(viewed_at, slide => '1 second', size => '1 minute')
	    GROUP BY window_start, window_end, post_id ORDER BY views DESC $$, idle_timeout => '1 hour')});
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) VALUES (1), (1), (2)');
is(differences($node, 'postgres'), '', 'a trend whose creation was seen late counts');
is($node->safe_psql('postgres', 'SELECT views FROM top_posts WHERE post_id = 1'), '2', 'all of its rows');

# Commits that nobody flushes, beside some that are flushed: each is seen without a later one, whoever flushes it.
my $views = 2;
for my $interval ('5ms', '1s', '-1')
{
	$node->safe_psql('postgres', "ALTER SYSTEM SET trending.flush_interval = '$interval'");
	$node->reload;
	for my $flush ('off', 'on', 'off', 'local')
	{
		$node->safe_psql('postgres', "SET synchronous_commit = $flush; INSERT INTO view_events (post_id) VALUES (1)");
		$views++;
		ok($node->poll_query_until('postgres', "SELECT views = $views FROM top_posts WHERE post_id = 1"), "synchronous_commit = $flush, flush_interval = $interval");
	}
}
my $script = PostgreSQL::Test::Utils::tempdir() . '/mixed.sql';
append_to_file($script, join("\n", map { "SET synchronous_commit = $_; INSERT INTO view_events (post_id) VALUES (3);" } qw(off on off off)));
$node->command_ok([ 'pgbench', '-n', '-f', $script, '-t', 500, '-c', 4, '-h', $node->host, '-p', $node->port, 'postgres' ], 'many of both');
ok($node->poll_query_until('postgres', 'SELECT views = 8000 FROM top_posts WHERE post_id = 3'), 'all are seen');

run_held_up('DROP FOREIGN TABLE top_posts');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', "SELECT count(*) FROM trending_internal.trend_stats()"), '0', 'one whose end was seen late is gone');

no_crash_in_log($node);
$node->stop;
done_testing();
