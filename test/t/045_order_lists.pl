# SPDX-License-Identifier: PostgreSQL
# Lists of terms in ORDER BY against queries written by hand, after random changes and crashes of the worker: live, in
# history, in sessions, within partitions, and what the planner makes of them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = $ENV{ORDER_SEED} // 20261130;
note "ORDER_SEED=$seed";
srand($seed);

my $node = trending_node('order_lists', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE clicks (id int PRIMARY KEY, page int, area text COLLATE "C", at timestamptz, n int, price numeric, f float8);
	ALTER TABLE clicks REPLICA IDENTITY FULL;
	CREATE TABLE base AS SELECT date_trunc('hour', now()) - interval '2 hours' AS at;
	-- Few different values, so that first terms tie.
	CREATE PROCEDURE feed(first int, rows int, till float8) LANGUAGE sql AS $$
	  INSERT INTO clicks SELECT first + i, nullif((random() * 40)::int, 40), (ARRAY['north', 'south', NULL])[1 + (random() * 2)::int],
	    base.at + floor(till - random() * 5) * interval '1 s', nullif((random() * 3)::int, 3), round((random() * 2)::numeric, 1),
	    nullif((random() * 2)::int, 2)
	  FROM generate_series(1, rows) i, base $$;
});

# Select list beside the keys, and ORDER BY before the keys that break ties.
my %orders = (
	first_wins => [ 'count(*) AS views, max(at) AS newest', 'views DESC, newest' ],
	three => [ 'sum(n) AS total, count(*) AS views, avg(price) AS mean', 'total DESC NULLS LAST, views, mean DESC NULLS FIRST' ],
	distinct => [ 'count(DISTINCT n) AS kinds, min(price) AS least', 'kinds ASC, least DESC' ],
	floats => [ 'max(f) AS most, min(f) AS least, sum(n) FILTER (WHERE f > 0) AS part', 'most, part NULLS FIRST, least DESC' ]);
my %windows = (
	all => [ undef, 'true' ],
	tumble => [ q{trending.tumble(at, '20 s')}, q{window_end > clock AND window_start <= clock} ],
	hop => [ q{trending.hop(at, slide => '7 s', size => '28 s')}, q{window_start <= clock AND window_end > clock AND window_end <= clock + interval '7 s'} ]);

sub definition
{
	my ($order, $window, $keys) = @_;
	my $bounds = defined $windows{$window}[0] ? 'window_start, window_end, ' : '';
	my $from = defined $windows{$window}[0] ? ", $windows{$window}[0]" : '';
	return "SELECT $bounds$keys, $orders{$order}[0] FROM clicks$from GROUP BY $bounds$keys ORDER BY $orders{$order}[1]";
}

$node->safe_psql('postgres', "SELECT setseed(0.5); CALL feed(0, 300, 30)");
for my $order (sort keys %orders)
{
	$node->safe_psql('postgres', "SELECT trending.create_trend('${order}_$_', \$\$" . definition($order, $_, 'page')
		. "\$\$, history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s')")
		for sort keys %windows;
}
$node->safe_psql('postgres', q{
	SELECT trending.create_trend('visits', $$ SELECT window_start, window_end, page, count(*) AS views, sum(n) AS total, max(price) AS most
	  FROM clicks, trending.session(at, '4 s') GROUP BY 1, 2, page ORDER BY views DESC, total NULLS FIRST, most $$,
	  history_limit => 5, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s');
	SELECT trending.create_trend('busy', $$ SELECT area, page, count(*) AS views, max(at) AS newest, min(n) AS least
	  FROM clicks GROUP BY area, page HAVING count(*) > 2 ORDER BY views DESC, least DESC, newest, page DESC $$, partition_by => '{area}')});

# The current rows by hand: without the definition's own text, in the order of rank.
sub by_hand
{
	my ($order, $window) = @_;
	my ($call, $current) = @{ $windows{$window} };
	my $bounds = defined $call ? 'window_start, window_end, ' : '';
	my $from = defined $call ? ", $call, (SELECT max(at) AS clock FROM clicks) c WHERE $current" : '';
	my $text = "SELECT page, $orders{$order}[0] FROM clicks$from GROUP BY ${bounds}page";
	return "SELECT q.*, row_number() OVER (ORDER BY $orders{$order}[1], page) FROM ($text) q ORDER BY row_number";
}

sub all_equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	for my $order (sort keys %orders)
	{
		for my $window (sort keys %windows)
		{
			my $columns = join ', ', 'page', ($orders{$order}[0] =~ /AS (\w+)/g), 'rank';
			is($node->safe_psql('postgres', "SELECT $columns FROM ${order}_$window ORDER BY rank"),
				$node->safe_psql('postgres', by_hand($order, $window)), "$what: $order, $window");
			is($node->safe_psql('postgres', "SELECT page FROM ${order}_$window ORDER BY rank LIMIT 7"),
				$node->safe_psql('postgres', 'SELECT page FROM (' . by_hand($order, $window) . ') r LIMIT 7'), 'and the best');
		}
	}
	is($node->safe_psql('postgres', 'SELECT area, page, views, newest, least, rank FROM busy ORDER BY area, rank'),
		$node->safe_psql('postgres', q{SELECT area, page, count(*), max(at), min(n), row_number() OVER
			(PARTITION BY area ORDER BY count(*) DESC, min(n) DESC, max(at), page DESC) AS r FROM clicks GROUP BY area, page
			HAVING count(*) > 2 ORDER BY area, r}), "$what: within partitions, with HAVING");
	is($node->safe_psql('postgres', q{SELECT t.relation, v.* FROM trending.trend t, trending.verify(t.relation) v LIMIT 12}),
		'', "$what: history and sessions");
}
all_equal('filled');

my ($id, $clock) = (1000, 30);
for my $round (1 .. 4)
{
	$clock += 3 + rand(9);
	my $recent = "at > (SELECT at FROM base) + ($clock - 9) * interval '1 s'";
	$node->safe_psql('postgres', qq{
		BEGIN;
		SELECT setseed(@{[ rand() ]});
		CALL feed($id, 60, $clock);
		UPDATE clicks SET n = nullif((random() * 3)::int, 3), price = price + 0.1, f = 1 WHERE $recent AND random() < 0.2;
		UPDATE clicks SET page = 7 WHERE $recent AND random() < 0.1;
		DELETE FROM clicks WHERE $recent AND random() < 0.15;
		COMMIT});
	$id += 1000;
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres')) if $round % 2 == 0;
	all_equal("round $round");
}

# A rank far down among ties is found by key.
is($node->safe_psql('postgres', q{SELECT bool_and(rank = trending.rank('distinct_all', page::text)) FROM distinct_all}), 't', 'ranks of single keys');

# The planner takes rank order for the list, and for its beginning, and for nothing else.
sub sorts
{
	my ($order) = @_;
	return $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM three_all ORDER BY $order") =~ /Sort/ ? 'sorts' : 'in order';
}
is(sorts('total DESC NULLS LAST, views, mean DESC NULLS FIRST, page'), 'in order', 'the whole list needs no sort');
is(sorts('total DESC NULLS LAST, views'), 'in order', 'nor does its beginning');
is(sorts('total DESC NULLS LAST, views DESC'), 'sorts', 'another direction does');
is(sorts('views, total DESC NULLS LAST'), 'sorts', 'another order does');
is(sorts('total DESC, views'), 'sorts', 'NULLs elsewhere do');

# The best of the past.
is($node->safe_psql('postgres', q{SELECT key FROM trending.top('first_wins_tumble', 3, at => (SELECT at + interval '25 s' FROM base))}),
	$node->safe_psql('postgres', q{SELECT page FROM clicks, base, trending.tumble(clicks.at, '20 s')
		WHERE window_start <= base.at + interval '25 s' AND window_end > base.at + interval '25 s'
		GROUP BY page, window_start ORDER BY count(*) DESC, max(clicks.at), page LIMIT 3}), 'a ranking of the past');

$node->stop;
done_testing();
