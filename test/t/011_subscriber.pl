# SPDX-License-Identifier: PostgreSQL
# A server of its own beside servers that may not load the library: it subscribes to two publishers, which feed one
# table, and keeps trends over it. They equal their definitions whatever happens on either side.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my @publishers;
for my $site ('north', 'south')
{
	my $node = PostgreSQL::Test::Cluster->new($site);
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf',
		"logical_decoding_work_mem = 64kB\nmax_prepared_transactions = 5\ntrack_commit_timestamp = on\nautovacuum = off\n");
	$node->start;
	# The subscriber is sent what it counts, and no more.
	$node->safe_psql(
		'postgres', qq{
		CREATE TABLE orders (site text DEFAULT '$site', id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz, product int, amount numeric,
		  buyer text, PRIMARY KEY (site, id));
		CREATE PUBLICATION shop FOR TABLE orders (site, id, at, product, amount) WHERE (id > 0)});
	push @publishers, $node;
}
my ($north, $south) = @publishers;

my $node = trending_node('subscriber', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on', max_prepared_transactions => 5,
	track_commit_timestamp => 'on', autovacuum => 'off', wal_retrieve_retry_interval => '500ms');
my $is_16 = $node->pg_version >= 16;
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE orders (site text, id bigint, at timestamptz, product int, amount numeric, PRIMARY KEY (site, id));
	ALTER TABLE orders REPLICA IDENTITY FULL;
} . $TrendingTest::difference_function);

# Orders of some seconds after a fixed instant, on each side.
my $second = 0;
sub at { my ($n) = @_; return "timestamptz '2026-01-01 00:00+00' + $n * interval '1 s'" }

sub order
{
	my ($seconds, @nodes) = @_;
	for (1 .. $seconds)
	{
		my $at = at($second++);
		$_->safe_psql('postgres', "INSERT INTO orders (at, product, amount, buyer) SELECT $at, n % 7, n * 1.25, 'somebody' FROM generate_series(1, 5) n")
		  for @nodes ? @nodes : @publishers;
	}
}

# What the publishers have committed has been applied. A slot's position says nothing while its server is down.
sub applied
{
	$_->wait_for_catchup('from_' . $_->name) for @publishers;
}

sub equal
{
	my ($what) = @_;
	applied();
	sync_trends($node, 'postgres');
	for my $trend ('by_product', 'by_commit')
	{
		is(settled(sub { $node->safe_psql('postgres', "SELECT * FROM differences('$trend') LIMIT 5") }), '', "$what: $trend equals its definition");
	}
	my $all = join("\n", sort map { split /\n/, $_->safe_psql('postgres', 'SELECT site, count(*), sum(amount), sum(id) FROM orders GROUP BY site') } @publishers);
	is($node->safe_psql('postgres', 'SELECT site, count(*), sum(amount), sum(id) FROM orders GROUP BY site ORDER BY site'), $all, "$what: its source has all rows");
}

sub subscribe
{
	my ($publisher, $streaming) = @_;
	my $name = $publisher->name;
	my $options = "streaming = $streaming, two_phase = on" . ($is_16 ? ', origin = none' : '');
	$node->safe_psql('postgres',
		"CREATE SUBSCRIPTION from_$name CONNECTION 'host=" . $publisher->host . ' port=' . $publisher->port . " dbname=postgres application_name=from_$name' PUBLICATION shop WITH ($options)");
}

# The initial copy comes first; then trends are made, which count what is there.
order(20);
subscribe($north, 'on');
subscribe($south, $is_16 ? 'parallel' : 'on');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel}), 'the initial copies end');
$node->safe_psql(
	'postgres', q{
	SELECT trending.create_trend('by_product', $$
	  SELECT window_start, window_end, product, site, count(*) AS orders, sum(amount) AS revenue
	  FROM orders, trending.hop(at, '5 s', '20 s') GROUP BY window_start, window_end, product, site ORDER BY revenue DESC $$,
	  history_limit => NULL, allowed_lateness => '1 day', idle_timeout => '1 day');
	SELECT trending.create_trend('by_commit', $$
	  SELECT window_start, window_end, site, count(*) AS orders, sum(id) AS ids
	  FROM orders, trending.tumble(trending.commit_time(xmin), '1 s') GROUP BY window_start, window_end, site ORDER BY orders DESC $$,
	  history_limit => NULL, allowed_lateness => '1 day', idle_timeout => '1 day')});
order(10);
equal('copied, then followed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM orders WHERE pg_xact_commit_timestamp(xmin) IS NULL}), '0', 'the commit times are kept');

# Of a row that came by a subscription the time is that of its commit at the origin.
my $same = q{SELECT id, pg_xact_commit_timestamp(xmin) FROM orders WHERE site = 'south' AND id > 100 ORDER BY id};
is($node->safe_psql('postgres', $same), $south->safe_psql('postgres', $same), 'they are those of the origin');

# Changes at the origin. What a commit time is of cannot be told when a row is changed: by_product alone.
sub changed
{
	my ($what) = @_;
	applied();
	is(settled(sub { sync_trends($node, 'postgres'); $node->safe_psql('postgres', q{SELECT * FROM differences('by_product') LIMIT 5}) }), '', "$what: by_product equals its definition");
}
$south->safe_psql('postgres', 'UPDATE orders SET amount = amount + 1, product = product + 1 WHERE id % 5 = 0; DELETE FROM orders WHERE id % 11 = 0');
changed('rows changed and deleted');
order(5);
$north->safe_psql('postgres', 'TRUNCATE orders');
changed('one site truncated');
order(10);
changed('and filled again');

# Transactions that are larger than the publisher's memory are streamed, applied in parallel from 16 on; one of them fails.
my $bulk = 'INSERT INTO orders (at, product, amount) SELECT ' . at(55) . q{, n % 7, 1 FROM generate_series(1, 5000) n};
$_->safe_psql('postgres', "BEGIN; $bulk; ROLLBACK; BEGIN; $bulk; SAVEPOINT s; $bulk; ROLLBACK TO s; COMMIT") for @publishers;
changed('large transactions');
$_->safe_psql('postgres', "BEGIN; $bulk; PREPARE TRANSACTION 'later'") for @publishers;
order(5);
changed('prepared transactions are not counted yet');
$north->safe_psql('postgres', q{COMMIT PREPARED 'later'});
$south->safe_psql('postgres', q{ROLLBACK PREPARED 'later'});
changed('and counted when they are committed');

# Either side ends as it likes.
for my $crash (1 .. 2)
{
	order(3);
	kill_worker($node, 'postgres');
	order(3);
	$node->stop('immediate');
	order(3);
	$node->start;
	$north->stop('immediate');
	order(2, $south);
	$north->start;
	order(2);
	changed("after crash $crash of either side");
}

# The schema grows, at the subscriber first.
$node->safe_psql('postgres', 'ALTER TABLE orders ADD COLUMN buyer text');
$_->safe_psql('postgres', 'ALTER PUBLICATION shop SET TABLE orders (site, id, at, product, amount, buyer) WHERE (id > 0)') for @publishers;
order(5);
changed('a column more');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM orders WHERE buyer = 'somebody'}), 't', 'which comes');

# A subscription that is away for a while is made up for.
$node->safe_psql('postgres', 'ALTER SUBSCRIPTION from_south DISABLE');
order(5);
$node->safe_psql('postgres', 'ALTER SUBSCRIPTION from_south ENABLE');
changed('a subscription that was disabled');
is($node->safe_psql('postgres', q{SELECT late FROM trending.status WHERE trend = 'by_product'}), '0', 'nothing was late');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.verify('by_product')}), '0', 'verify finds nothing');

no_crash_in_log($node);
$node->safe_psql('postgres', 'DROP SUBSCRIPTION from_north; DROP SUBSCRIPTION from_south');
$_->stop for $node, @publishers;
done_testing();
