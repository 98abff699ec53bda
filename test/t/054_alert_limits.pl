# SPDX-License-Identifier: PostgreSQL
# The bounds of alerts: a notification queue that nobody empties, more groups at once than can be kept.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

# The queue's size can be set from PostgreSQL 17 on. Before, it is 8 GB: filled only when TRENDING_FILL_QUEUE is set.
my $node = PostgreSQL::Test::Cluster->new('limits');
my $small = $node->pg_version >= 17;
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\ntrending.checkpoint_interval = 1h\n");
$node->append_conf('postgresql.conf', "max_notify_queue_pages = 64\n") if $small;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE notes (topic text, at timestamptz DEFAULT now());
	SELECT trending.create_trend('odd', $$
	  SELECT topic, count(*) AS n FROM notes GROUP BY topic HAVING count(*) % 2 = 1 ORDER BY n DESC $$, notify_channel => 'odd');
});
sync_trends($node, 'postgres');

sub becomes
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what) or diag $node->safe_psql('postgres', 'SELECT trend, state, reason FROM trending.status');
}

# -- more groups at once than can be kept: long keys that all cross in one transaction
$node->safe_psql('postgres', q{INSERT INTO notes SELECT i || repeat('a', 1000000) FROM generate_series(1, 350) i});
my $lost = q{(SELECT substring(reason FROM 'can be kept: ([0-9]+) raised no alert')::int FROM trending.status)};
becomes("SELECT $lost > 0", 'the status says how many raised no alert');
becomes("SELECT count(*) = 350 - $lost AND count(*) BETWEEN 200 AND 299 FROM odd_alerts", 'those that could be kept are written, all of them');
becomes(q{SELECT coalesce(message, '') = '' FROM trending.worker_status}, 'and checkpoints go on');
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{INSERT INTO notes VALUES ('after')});
becomes(q{SELECT count(*) = 1 FROM odd_alerts WHERE topic = 'after'}, 'as do alerts');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.verify('odd')}), '0', 'the trend lost nothing');

# -- a listener that reads nothing for a long time
SKIP:
{
	skip 'the notification queue of this server holds 8 GB; TRENDING_FILL_QUEUE=1 fills it', 1 unless $small || $ENV{TRENDING_FILL_QUEUE};
	my $listener = $node->background_psql('postgres');
	$listener->query_safe('LISTEN unrelated');
	$listener->query_safe('BEGIN; SELECT 1');
	my $batch = $small ? 2 : 20000;
	my $usage = 0;
	while ($usage <= 0.9)
	{
		$node->safe_psql('postgres', "SELECT count(pg_notify('noise', repeat('x', 7900) || i)) FROM generate_series(1, $batch) i");
		$usage = $node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()');
	}
	$node->safe_psql('postgres', q{INSERT INTO notes VALUES ('unheard')});
	becomes(q{SELECT count(*) = 1 FROM odd_alerts WHERE topic = 'unheard'}, 'alerts are written when the queue is full');
	becomes(q{SELECT reason = 'alerts were not announced: the notification queue of the server is full' FROM trending.status},
		'and the status says that they were not announced');
	$listener->query_safe('COMMIT');
	$listener->quit;
	$node->safe_psql('postgres', 'NOTIFY noise');
	becomes('SELECT pg_notification_queue_usage() < 0.1', 'the queue is emptied');

	$listener = $node->background_psql('postgres');
	$listener->query_safe('LISTEN odd');
	$node->safe_psql('postgres', q{INSERT INTO notes VALUES ('heard')});
	becomes(q{SELECT count(*) = 1 FROM odd_alerts WHERE topic = 'heard'}, 'the next is written');
	like($listener->query('SELECT 1'), qr/Asynchronous notification "odd" with payload "\{"trend": "public.odd"/, 'and announced');
	$listener->quit;

	skip 'more alerts at once than a queue of 8 GB has room for are more than can be kept', 1 unless $small;
	$listener = $node->background_psql('postgres');
	$listener->query_safe('LISTEN unrelated');
	$listener->query_safe('BEGIN; SELECT 1');
	$node->safe_psql('postgres', q{INSERT INTO notes SELECT 'many ' || i FROM generate_series(1, 10000) i});
	becomes(q{SELECT count(*) = 10000 FROM odd_alerts WHERE topic LIKE 'many %'}, 'more alerts at once than the queue has room for are written');
	becomes(q{SELECT coalesce(message, '') = '' FROM trending.worker_status}, 'without failing checkpoints');
	my $announced = $node->safe_psql('postgres', 'SELECT pg_notification_queue_usage()');
	cmp_ok($announced, '<', 0.1, 'and announced at once') or diag $announced;
	$listener->query_safe('COMMIT');
	$listener->quit;
}

no_crash_in_log($node);
$node->stop;
done_testing();
