# SPDX-License-Identifier: PostgreSQL
# Direct replay (src/decoder/direct_replay.h): small transactions bypass the server's replay, and the results are the
# same, whatever else happens to tables and catalogs meanwhile.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('direct', 'max_prepared_transactions' => 10, 'trending.checkpoint_interval' => '2s');
create_blog($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE TABLE other (id int, body text);
	CREATE TABLE tagged (tag text, note text, at timestamptz DEFAULT now()) PARTITION BY RANGE (at);
	CREATE TABLE tagged_now PARTITION OF tagged DEFAULT;
	SELECT trending.create_trend('top_tags', $$
	  SELECT window_start, window_end, tag AS post_id, count(note) AS views
	  FROM tagged, trending.hop(at, slide => '1 second', size => '1 minute')
	  GROUP BY window_start, window_end, tag ORDER BY views DESC $$, idle_timeout => '1 hour')});

# The server's statistics count the transactions that it replays.
sub replayed
{
	$node->safe_psql('postgres', 'CREATE TABLE IF NOT EXISTS flush_statistics (); DROP TABLE flush_statistics');
	sync_trends($node, 'postgres');
	return $node->safe_psql('postgres', q{
		SELECT total_txns FROM pg_stat_replication_slots WHERE slot_name LIKE 'trending%'});
}

sub equal
{
	my ($what) = @_;
	is(differences($node, 'postgres'), '', "$what: top_posts is equal");
	is(differences($node, 'postgres', 'top_tags'), '', "$what: top_tags is equal");
}

my $single = join("\n", map { "INSERT INTO view_events (post_id) VALUES ($_ % 17);"
	  . "INSERT INTO tagged (tag, note) VALUES (NULLIF('tag ' || $_ % 7, 'tag 3'), NULLIF('', repeat('x', $_ % 2)));" }
	1 .. 300);

my $before = replayed();
$node->safe_psql('postgres', $single);
my $after = replayed();
cmp_ok($after - $before, '<', 100, 'single rows bypass the server');
equal('direct');

$node->append_conf('postgresql.conf', 'trending.direct_replay = off');
$node->restart;
wait_for_worker($node, 'postgres');
$before = replayed();
$node->safe_psql('postgres', $single);
$after = replayed();
cmp_ok($after - $before, '>=', 600, 'and do not when that is turned off');
equal('turned off');
$node->append_conf('postgresql.conf', 'trending.direct_replay = on');
$node->reload;

# What the server has to replay, between transactions that need not be.
my @steps = (
	'BEGIN; INSERT INTO view_events (post_id) VALUES (1); SAVEPOINT a; INSERT INTO view_events (post_id) VALUES (2);
	 ROLLBACK TO a; INSERT INTO view_events (post_id) VALUES (3); RELEASE a; COMMIT',
	q{BEGIN; INSERT INTO view_events (post_id) VALUES (4); PREPARE TRANSACTION 'p';
	  INSERT INTO view_events (post_id) VALUES (5); COMMIT PREPARED 'p'},
	'INSERT INTO view_events (id, post_id) OVERRIDING SYSTEM VALUE VALUES (1, 6) ON CONFLICT (id) DO NOTHING',
	'INSERT INTO view_events (post_id) SELECT n % 5 FROM generate_series(1, 500) n ON CONFLICT DO NOTHING',
	'ALTER TABLE view_events ADD COLUMN extra text DEFAULT random()::text',
	'ALTER TABLE view_events ADD COLUMN fixed int DEFAULT 7',
	'ALTER TABLE view_events ALTER COLUMN fixed TYPE bigint',
	'VACUUM FULL view_events',
	'CLUSTER view_events USING view_events_pkey',
	'BEGIN; ALTER TABLE view_events DROP COLUMN extra; INSERT INTO view_events (post_id) VALUES (8); COMMIT',
	'BEGIN; CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1); INSERT INTO view_events (post_id) VALUES (9); COMMIT',
	"INSERT INTO other VALUES (1, (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n))",
	"INSERT INTO tagged (tag, note) VALUES ('long', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 2000) n))",
	"INSERT INTO tagged (tag, note) VALUES (repeat('long tag ', 100), 'x')",
	q{CREATE TABLE IF NOT EXISTS tagged_old (tag text, note text, at timestamptz);
	  INSERT INTO tagged_old VALUES ('not yet', 'x', '2001-01-01')},
	q{ALTER TABLE tagged ADD COLUMN more int; ALTER TABLE tagged DROP COLUMN more},
	'TRUNCATE other',
	'BEGIN; ALTER TABLE view_events RENAME COLUMN post_id TO post; ALTER TABLE view_events RENAME COLUMN post TO post_id; COMMIT',
	'DELETE FROM other', 'UPDATE other SET id = 2');

# Writers all the while, some of whose transactions stay open while catalogs change.
my $load = start_load($node, 'postgres', 6, 2);
for my $round (1 .. 5)
{
	for my $step (@steps)
	{
		next if $round > 1 && $step =~ /ADD COLUMN fixed|CREATE TABLE fresh/;
		$node->safe_psql('postgres', $_) for grep { /\S/ } $step =~ /^BEGIN/ || $step =~ /PREPARE/ ? ($step) : split /;/, $step;
		$node->safe_psql('postgres',
			"INSERT INTO view_events (post_id) VALUES (1), (2); INSERT INTO tagged (tag, note) VALUES ('a', 'b')");
	}
}
finish_load($load);
is($load->{handle}->result(0), 0, 'the writers met no error');
equal('between catalog changes');

# A worker that was ended starts again from its checkpoint.
my $ended = kill_worker($node, 'postgres', 'TERM');
$node->safe_psql('postgres', $single);
wait_for_worker($node, 'postgres', $ended);
equal('after a restart of the worker');

no_crash_in_log($node);
$node->stop;
done_testing();
