# SPDX-License-Identifier: PostgreSQL
# What the tests of the examples share: an example's tables and trends on a server, rows fed in transactions, and two
# oracles: trending.verify, and batch queries written by hand, which know nothing of the extension.
package ExampleTest;

use strict;
use warnings;

use Exporter 'import';
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

our @EXPORT = qw(example feed rows equals_batch all_verified recompute_all soon scalar_of);

my $examples = dirname(__FILE__) . '/../../examples';
my $seed = random_seed();
my $fed = 0;

# A server with the tables and trends of examples/NAME, its worker running. The tests date their rows in the past, as a
# replay does, so a pause between two of them must not move the event clock to the present.
sub example
{
	my ($name) = @_;
	my $node = trending_node($name, timezone => "'UTC'");
	$node->safe_psql('postgres', 'CREATE EXTENSION trending');
	$node->safe_psql('postgres', slurp_file("$examples/$name/schema.sql"));
	wait_for_worker($node, 'postgres');
	my $trends = slurp_file("$examples/$name/trends.sql");
	my $made = () = $trends =~ /^SELECT trending.create_trend/mg;
	my $changed = $trends =~ s/^(\$\$.*)\);$/$1, idle_timeout => '1 day');/mg;
	is($changed, $made, 'every trend of the example can be replayed');
	$node->safe_psql('postgres', $trends);
	sync_trends($node, 'postgres');
	return $node;
}

# One transaction of the statements. Their random() goes on from the test's seed.
sub feed
{
	my ($node, $statements) = @_;
	$fed++;
	$node->safe_psql('postgres',
		"BEGIN; SELECT setseed(sin($seed + $fed)); $statements; COMMIT; SELECT trending.sync('240 s')");
}

sub scalar_of
{
	my ($node, $query) = @_;
	return $node->safe_psql('postgres', $query);
}

# Rows as psql prints them, '|' between columns.
sub rows
{
	my ($node, $query, $expected, $what) = @_;
	sync_trends($node, 'postgres');
	is($node->safe_psql('postgres', $query), $expected, $what);
}

# Whether a condition holds now or within some seconds.
sub soon
{
	my ($node, $condition, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT coalesce(($condition), false)"), $what);
}

# Runs a query that finds differences until it finds none: history is written a moment after a window closes.
sub without_rows
{
	my ($node, $query, $what) = @_;
	is( settled(
			sub {
				sync_trends($node, 'postgres');
				return $node->safe_psql('postgres', $query);
			}),
		'', $what);
}

# The rows of a trend, as in its table and, where it has windows, in its history, are those of the batch query, which
# gives the same columns and the rank, of all windows. Compared as text: the scale of a number counts. Sessions (an option)
# are all there, open or closed, and compared without ranks.
sub equals_batch
{
	my ($node, $trend, $batch, %options) = @_;
	my $columns = scalar_of($node,
		"SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		 WHERE attrelid = '$trend'::regclass AND attnum > 0 AND NOT attisdropped");
	$columns =~ s/, rank$// if $options{sessions};
	my ($history, $limit) = split /\|/, scalar_of($node,
		"SELECT history, coalesce(history_limit, 1000000000) FROM trending.trend WHERE relation = '$trend'::regclass");
	my $windows = $columns =~ /\bwindow_end\b/;
	my $live_only = $windows && !$history;
	my $all = "SELECT $columns FROM $trend";
	$all .= " UNION ALL SELECT $columns FROM $history" if $history;
	my $shown = !$windows || $options{sessions} ? 'true'
	  : '(b.window_start, b.window_end) = (s.window_start, s.window_end)'
	  . ($history ? " OR b.window_end <= s.watermark AND b.rank <= $limit" : '');
	without_rows($node, qq{
		WITH s AS (SELECT * FROM trending.status WHERE relation = '$trend'::regclass),
		trend AS MATERIALIZED (SELECT x::text AS r FROM ($all) x),
		batch AS MATERIALIZED (SELECT (SELECT x FROM (SELECT $columns FROM (SELECT b.*) y) x)::text AS r
		                       FROM ($batch) b, s WHERE $shown)
		(SELECT 'trend', r FROM (TABLE trend EXCEPT ALL TABLE batch) a)
		UNION ALL (SELECT 'batch', r FROM (TABLE batch EXCEPT ALL TABLE trend) b)
		ORDER BY 2, 1 LIMIT 10}, "$trend equals the batch query" . ($options{what} ? ", $options{what}" : ''));
}

# trending.verify of every trend, but for those named.
sub all_verified
{
	my ($node, $what, @others) = @_;
	for my $trend (split /\n/, scalar_of($node, 'SELECT relation FROM trending.trend ORDER BY id'))
	{
		next if grep { $_ eq $trend } @others;
		without_rows($node, qq{SELECT part, found_in, "row" FROM trending.verify('$trend') LIMIT 10},
			"$trend is verified, $what");
	}
}

# Recalculates the final windows of every trend that has history, with late rows and without what was deleted.
# Sessions cannot be.
sub recompute_all
{
	my ($node) = @_;
	sync_trends($node, 'postgres');
	scalar_of($node, "SELECT trending.recompute(relation, '2000-01-01', now()) FROM trending.trend
		WHERE history IS NOT NULL AND trending.definition(relation) !~ 'trending.session'");
}

1;
