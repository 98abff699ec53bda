# SPDX-License-Identifier: PostgreSQL
# From CREATE EXTENSION to DROP DATABASE: workers and slots come and go by themselves, in several databases.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('lifecycle');

create_blog($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 3 FROM generate_series(1, 10) n');
is(differences($node, 'postgres'), '', 'a row committed is a row counted');
is( $node->safe_psql('postgres', 'SELECT rank, key, value FROM trending_top10()'),
	"1|1|4\n2|0|3\n3|2|3",
	'the top 10, ties by key');

# A second database, at the same time.
$node->safe_psql('postgres', 'CREATE DATABASE second');
create_blog($node, 'second');
$node->safe_psql('second', 'INSERT INTO view_events (post_id) VALUES (42)');
is(differences($node, 'second'), '', 'a second database has its own worker');
is($node->safe_psql('second', 'SELECT key FROM trending_top10()'), '42', 'and its own results');
is(slot_exists($node, 'second'), '1', 'and its own slot');

# Restarts in every mode keep the results.
for my $mode ('smart', 'fast', 'immediate')
{
	$node->stop($mode);
	$node->start;
	$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) SELECT n % 5 FROM generate_series(1, 20) n');
	is(differences($node, 'postgres'), '', "equal after a restart ($mode)");
	is(differences($node, 'second'), '', "second database equal after a restart ($mode)");
	is($node->safe_psql('second', q{SELECT value FROM trending.metrics WHERE name = 'trending_worker_starts_total'}), '1', 'by the one worker started');
}

# Commands that need a database without sessions.
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE second');
is($node->safe_psql('copy', 'SELECT count(*) FROM view_events'), '1', 'a database can be a template');
wait_for_worker($node, 'second');
$node->safe_psql('second', 'INSERT INTO view_events (post_id) VALUES (43)');
is(differences($node, 'second'), '', 'the template is followed again');
$node->safe_psql('postgres', 'ALTER DATABASE copy RENAME TO renamed');
$node->safe_psql('postgres', 'DROP DATABASE renamed');
wait_for_worker($node, 'second');
$node->safe_psql('postgres', 'DROP DATABASE second');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_replication_slots WHERE plugin = 'trending'"),
	'1', 'DROP DATABASE takes the slot along');

# Event triggers that are not for replicas do not fire for who sets this.
$node->safe_psql('postgres', q{CREATE TABLE copied (k int); SELECT trending.create_trend('goes', 'SELECT k, count(*) AS n FROM copied GROUP BY k ORDER BY n DESC')});
$node->safe_psql('postgres', 'SET session_replication_role = replica; DROP FOREIGN TABLE goes CASCADE');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.trend}), '1', 'a trend is forgotten under session_replication_role = replica');

# The extension goes, and comes back.
$node->safe_psql('postgres', 'DROP EXTENSION trending CASCADE');
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_replication_slots')
  or die 'the slot outlived the extension';
ok(1, 'DROP EXTENSION takes the slot along');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'trending worker'}),
	'and the worker');
$node->safe_psql('postgres', 'DROP TABLE view_events');
create_blog($node, 'postgres');
$node->safe_psql('postgres', 'INSERT INTO view_events (post_id) VALUES (1), (1), (2)');
is(differences($node, 'postgres'), '', 'the extension can come back');

# The worker's own slot is nobody else's.
my ($status, $out, $err) = $node->psql('postgres',
	q{SET output_plugin_libraries = 'trending'; SELECT pg_logical_slot_get_changes(slot_name, NULL, NULL)
	  FROM pg_replication_slots WHERE plugin = 'trending'});
isnt($status, 0, 'the slot cannot be read by others');

no_crash_in_log($node);
$node->stop;
done_testing();
