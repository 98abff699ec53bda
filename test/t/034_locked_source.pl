# SPDX-License-Identifier: PostgreSQL
# A source that somebody keeps locked holds up its own trend, and no other.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('locked', autovacuum => 'off');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }

# Rows, each in a transaction of its own: the worker would have to wait for a lock again at each.
my $second = 0;
sub single_rows { my ($table, $count) = @_; $second++; return "INSERT INTO $table VALUES ($second % 5, timestamptz '2026-01-01 00:00+00' + $second * interval '1 s');" x $count }

query(q{
	CREATE TABLE parts (k int, at timestamptz) PARTITION BY LIST (k);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
	CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
	CREATE TABLE other (k int, at timestamptz);
});
query(qq{SELECT trending.create_trend('${_}_trend', \$\$ SELECT window_start, window_end, k, count(*) AS n FROM $_, trending.tumble(at, '1 day')
	GROUP BY window_start, window_end, k ORDER BY n DESC \$\$, history_limit => NULL, idle_timeout => '10 days')}) for qw(parts other);
sync_trends($node, $db);
query(single_rows('parts', 20) . single_rows('other', 20));
sync_trends($node, $db);

sub counted
{
	my ($trend, $what) = @_;
	ok($node->poll_query_until($db, "SELECT (SELECT sum(n) FROM ${trend}_trend) = (SELECT count(*) FROM $trend)"), $what);
}

for my $table (qw(parts parts_1))
{
	# The definition is to be looked at again, the trend to be refilled, and both are in vain for now.
	for my $change ("ALTER TABLE $table ALTER k SET STATISTICS 7", "TRUNCATE $table")
	{
		my $pid = freeze_worker($node, $db);
		query($change);
		my $locker = $node->background_psql($db);
		$locker->query_safe("BEGIN; LOCK TABLE $table IN ACCESS EXCLUSIVE MODE");
		query(single_rows('other', 500));
		kill 'CONT', $pid;
		counted('other', "$change, then locked: other trends go on");
		is(query(q{SELECT state FROM trending.status WHERE trend = 'parts_trend'}), $change =~ /TRUNCATE/ ? 'filling' : 'running', 'this one is as it can be');
		$locker->query_safe('COMMIT');
		$locker->quit;
		query(single_rows('parts', 3));
		counted('parts', 'and goes on when the lock is gone');
	}
}
sync_trends($node, $db);
is(query(q{SELECT * FROM trending.verify('parts_trend') UNION ALL SELECT * FROM trending.verify('other_trend')}), '', 'all is exact');

no_crash_in_log($node);
$node->stop;
done_testing();
