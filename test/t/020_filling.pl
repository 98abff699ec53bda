# SPDX-License-Identifier: PostgreSQL
# Trends made while writers write: every row counts exactly once, whether the backfill or the decoder saw it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('backfill');
create_blog($node, 'postgres', no_trend => 1);
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 100 FROM generate_series(1, 20000) n');

for my $round (1 .. 5)
{
	my $load = start_load($node, 'postgres', 3, 4);
	sleep(0.5 + 0.2 * $round);
	TrendingTest::create_trend($node, 'postgres');
	finish_load($load);
	is(differences($node, 'postgres'), '', "exact beside running writers ($round)");
	$node->safe_psql('postgres', 'DROP FOREIGN TABLE top_posts');
}

# A writer that is in the middle of a transaction when the trend begins.
my $writer = $node->background_psql('postgres');
$writer->query_safe('BEGIN; INSERT INTO view_events (post_id) SELECT 500 FROM generate_series(1, 7)');
TrendingTest::create_trend($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT 501 FROM generate_series(1, 3)');
sleep(0.5);
$writer->query_safe('INSERT INTO view_events (post_id) SELECT 500 FROM generate_series(1, 7); COMMIT');
$writer->quit;
is(differences($node, 'postgres'), '', 'exact with a writer in the middle of a transaction');
is($node->safe_psql('postgres', 'SELECT views FROM top_posts WHERE post_id = 500'), '14', 'which counts whole');

# TRUNCATE empties the trend, and rows after it count.
$node->safe_psql('postgres',
	'BEGIN; TRUNCATE view_events; INSERT INTO view_events (post_id) SELECT 9 FROM generate_series(1, 4); COMMIT');
is(differences($node, 'postgres'), '', 'exact after TRUNCATE');

no_crash_in_log($node);
$node->stop;
done_testing();
