# SPDX-License-Identifier: PostgreSQL
# Tables of state whose pages cannot be read, and checkpoints of which any statement may fail: nothing is lost, and the
# tables are written whole again.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
my $node = trending_node('unreadable', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
create_blog($node, 'postgres');

sub insert_rows
{
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 60 FROM generate_series(1, 500) n');
	return $node->safe_psql('postgres', 'SELECT pg_current_wal_lsn()');
}

sub stored_after
{
	my ($position, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT lsn >= '$position' FROM trending.checkpoint, trending.worker_status WHERE coalesce(message, '') = ''"), $what);
}

sub overwrite
{
	my ($table) = @_;
	my $file = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('trending.$table')");
	$node->stop;
	open my $handle, '+<:raw', $file or die $!;
	print $handle pack('C*', map { ($_ * 7 + 3) % 251 } 1 .. 8192);
	close $handle;
	$node->start;
}

stored_after(insert_rows(), 'the state is stored');

# A limit that is lower than what there is refuses new groups only, also at the next start.
$node->safe_psql('postgres', q{SELECT trending.alter_trend('top_posts', max_groups => 10)});
stored_after(insert_rows(), 'with a lower limit, too');
my $counted = "SELECT events > 0 AND live_groups > 10 FROM trending.status WHERE relation = 'top_posts'::regclass";
wait_for_worker($node, 'postgres', kill_worker($node, 'postgres', 'TERM'));
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counted), 't', 'a trend with more groups than it may have goes on');
unlike(slurp_file($node->logfile), qr/refilled/, 'without being refilled');
$node->safe_psql('postgres', q{SELECT trending.alter_trend('top_posts', max_groups => 1000000)});
for my $table (qw(pane_state trend_state trend_source_table checkpoint checkpoint_trend))
{
	overwrite($table);
	wait_for_worker($node, 'postgres');
	is(differences($node, 'postgres'), '', "$table cannot be read: equal all the same");
	stored_after(insert_rows(), 'and the state is stored again');
}
like(slurp_file($node->logfile), qr/WARNING:  trend \d+: is refilled, since its stored state cannot be used: invalid page/, 'the reason is logged');
like(slurp_file($node->logfile), qr/WARNING:  the stored checkpoint of trending cannot be read: invalid page/, 'also of the checkpoint itself');

# Statements fail at random.
my $position = '';
for my $round (1 .. 3)
{
	$node->append_conf('postgresql.conf', "trending.debug_fail = 'statement:error:0.2:" . ($seed + $round) . "'");
	$node->reload;
	for (1 .. 6)
	{
		$position = insert_rows();
		$node->safe_psql('postgres', 'SELECT pg_sleep(0.3)');
	}
	$node->append_conf('postgresql.conf', "trending.debug_fail = ''");
	$node->reload;
	stored_after(insert_rows(), "when statements no longer fail, all is stored ($round)");
	$node->kill9;
	start_again($node);
	wait_for_worker($node, 'postgres');
	is(differences($node, 'postgres'), '', "and what is stored is right ($round)");
}

no_crash_in_log($node);
$node->stop;
done_testing();
