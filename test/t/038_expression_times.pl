# SPDX-License-Identifier: PostgreSQL
# Event times that are expressions: windows that close while the slot is lost are in history as if nothing had been,
# as with a plain column. Some rows' expressions fail, which is no reason to leave out the others.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('expressions', 'trending.checkpoint_interval' => '1s', autovacuum => 'off');
my $columns = 'window_start, window_end, item';
my $options = q{allowed_lateness => '20 seconds', history_limit => NULL, idle_timeout => '1 day'};
$node->safe_psql(
	'postgres', qq{
	CREATE EXTENSION trending;
	CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, item int, ticks bigint, per_second int, price numeric);
	SELECT trending.create_trend('tumbling', \$\$
	  SELECT $columns, count(*) AS n, sum(price) AS total, count(DISTINCT price) AS prices
	  FROM events, trending.tumble(to_timestamp(ticks / per_second::float8), '10 s') GROUP BY $columns ORDER BY n DESC \$\$, $options);
	SELECT trending.create_trend('local', \$\$
	  SELECT $columns, count(*) AS n
	  FROM events, trending.hop(to_timestamp(ticks / per_second::float8) AT TIME ZONE 'Europe/Berlin', '5 s', '10 s') WHERE item > 3
	  GROUP BY $columns ORDER BY n DESC \$\$, $options);
	SELECT trending.create_trend('sessions', \$\$
	  SELECT $columns, count(*) AS n
	  FROM events, trending.session(to_timestamp(ticks / per_second::float8), '2 s') GROUP BY $columns ORDER BY n DESC \$\$, $options);
} . $TrendingTest::difference_function);
sync_trends($node, 'postgres');
my $second = 0;

# Some seconds of events, in transactions of five seconds, a little out of order; one in a transaction has no time.
sub feed
{
	my ($seconds) = @_;
	for (my $end = $second + $seconds; $second < $end; $second += 5)
	{
		$node->safe_psql('postgres', qq{
			INSERT INTO events (item, ticks, per_second, price)
			SELECT (n * 7) % 13, (1767225600 + $second + 5 - n % 9) * 1000::bigint, 1000, n % 5 / 4.0 FROM generate_series(1, 40) n
			UNION ALL SELECT 1, 1, 0, 1});
	}
}

# The failing rows are in the way of the batch query only.
sub equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	$node->safe_psql('postgres', 'CREATE TABLE aside AS SELECT * FROM events WHERE per_second = 0; DELETE FROM events WHERE per_second = 0');
	sync_trends($node, 'postgres');
	for my $trend ('tumbling', 'local')
	{
		ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM differences('$trend')"), "$what: $trend equals its definition")
		  or diag $node->safe_psql('postgres', "SELECT * FROM differences('$trend')");
	}
	is($node->safe_psql('postgres', q{SELECT * FROM trending.verify('sessions')}), '', "$what: so do sessions");
	$node->safe_psql('postgres', 'INSERT INTO events OVERRIDING SYSTEM VALUE SELECT * FROM aside; DROP TABLE aside');
}

feed(60);
equal('at first');
cmp_ok($node->safe_psql('postgres', q{SELECT failed FROM trending.status WHERE trend = 'tumbling'}), '>=', 12, 'some rows have no time');
my $closed = $node->safe_psql('postgres', 'SELECT max(window_end) FROM tumbling_history');

$node->stop;
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE plugin = 'trending'});
feed(300);
# Sorting goes to disk.
$node->append_conf('postgresql.conf', "maintenance_work_mem = '1MB'\n");
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'trending'");
$node->restart;
wait_for_worker($node, 'postgres');
ok(log_says($node, qr/Its replication slot is missing/), 'the slot is missing');
ok($node->poll_query_until('postgres', q{SELECT bool_and(state = 'running') FROM trending.status}), 'the trends run again');
equal('refilled');
is($node->safe_psql('postgres', "SELECT count(DISTINCT window_end) FROM tumbling_history WHERE window_end > '$closed' AND window_end <= timestamptz '$closed' + interval '4 min'"),
	'24', 'the windows that closed meanwhile are in history');
feed(60);
equal('and going on');
is($node->safe_psql('postgres', q{SELECT max(late) FROM trending.status}), '0', 'nothing was late');

no_crash_in_log($node);
$node->stop;
done_testing();
