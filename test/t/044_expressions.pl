# SPDX-License-Identifier: PostgreSQL
# Expressions over aggregates, keys and window bounds against queries written by hand, after random changes and crashes of
# the worker: live, in history, in sessions, within partitions, of decayed aggregates.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = $ENV{EXPRESSIONS_SEED} // 20261130;
note "EXPRESSIONS_SEED=$seed";
srand($seed);

my $node = trending_node('expressions', 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TYPE mood AS ENUM ('sad', 'fine', 'glad');
	CREATE TABLE offers (id int PRIMARY KEY, page int, area text COLLATE "C", at timestamptz, clicks int, shown int, price numeric, f float8, mood mood);
	ALTER TABLE offers REPLICA IDENTITY FULL;
	CREATE TABLE base AS SELECT date_trunc('hour', now()) - interval '2 hours' AS at;
	CREATE PROCEDURE feed(first int, rows int, till float8) LANGUAGE sql AS $$
	  INSERT INTO offers SELECT first + i, nullif((random() * 30)::int, 30), (ARRAY['north', 'south', NULL])[1 + (random() * 2)::int],
	    base.at + floor(till - random() * 5) * interval '1 s', nullif((random() * 4)::int, 4), (random() * 6)::int,
	    round((random() * 20)::numeric, 2), nullif((random() * 8)::int, 8) / 4.0, (enum_range(NULL::mood))[1 + (random() * 2)::int]
	  FROM generate_series(1, rows) i, base $$;
});

# Select list beside the keys, and two orders before the keys that break ties: by an aggregate, and by expressions.
my %lists = (
	rates => [ q{sum(clicks)::float8 / nullif(count(*), 0) AS rate, sum(price * shown) / nullif(sum(shown), 0) AS vwap, count(*) AS views,
		round(100.0 * (max(price) - min(price)) / nullif(min(price), 0), 1) AS change}, 'views DESC', 'rate DESC NULLS LAST, vwap' ],
	kinds => [ q{CASE WHEN count(*) > 12 THEN 'hot' WHEN max(clicks) IS NULL THEN 'cold' ELSE lower('WARM') END AS kind, page * 2 + 1 AS odd,
		coalesce(sum(clicks), -1)::text || '/' || count(*)::text AS text, ARRAY[min(clicks), max(clicks)] AS range, 7 AS seven,
		greatest(max(mood), 'fine'::mood) AS mood, sum(shown) AS total}, 'total', 'kind DESC, mood, text DESC' ],
	combined => [ q{bool_and(clicks > 0) IS NOT TRUE AS odd, max(at) - min(at) AS span, bit_or(shown) & 3 AS bits, count(DISTINCT price) * 1.5 AS kinds,
		count(*) FILTER (WHERE clicks > 1) * 100 / count(*) AS percent, max(shown) AS most}, 'most DESC NULLS LAST', 'percent, bits DESC NULLS FIRST, span DESC' ],
	values => [ q{sum(price) / count(*) AS mean, min(clicks) AS least, max(area) AS area}, 'least', 'mean DESC' ],
	texts => [ q{max(area) AS area, stddev(price) AS dev, count(*) AS views}, 'views', 'area NULLS FIRST, dev DESC NULLS LAST' ]);
my %windows = (
	all => [ undef, 'true' ],
	tumble => [ q{trending.tumble(at, '20 s')}, q{window_end > clock AND window_start <= clock} ],
	hop => [ q{trending.hop(at, slide => '7 s', size => '28 s')}, q{window_start <= clock AND window_end > clock AND window_end <= clock + interval '7 s'} ],
	cumulate => [ q{trending.cumulate(at, step => '9 s', size => '1 minute')}, q{window_start <= clock AND window_end > clock AND window_end <= clock + interval '9 s'} ]);

$node->safe_psql('postgres', "SELECT setseed(0.5); CALL feed(0, 300, 30)");
for my $list (sort keys %lists)
{
	for my $window (sort keys %windows)
	{
		my $bounds = defined $windows{$window}[0] ? 'window_start, window_end, ' : '';
		my $more = defined $windows{$window}[0] ? ', count(*) / extract(epoch FROM window_end - window_start) AS per_second' : '';
		my $from = defined $windows{$window}[0] ? ", $windows{$window}[0]" : '';
		for my $by (1, 2)
		{
			my $limit = $by == 1 ? 'NULL' : 4;
			$node->safe_psql('postgres', qq{SELECT trending.create_trend('${list}_${window}_$by', \$\$
				SELECT ${bounds}page, $lists{$list}[0]$more FROM offers$from GROUP BY ${bounds}page ORDER BY $lists{$list}[$by]\$\$,
				history_limit => $limit, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s')});
		}
	}
}
$node->safe_psql('postgres', q{
	SELECT trending.create_trend('visits', $$ SELECT window_start, window_end, page, count(*) AS views, sum(clicks) * 1.5 AS more,
	  extract(epoch FROM window_end - window_start) / count(*) AS pace FROM offers, trending.session(at, '4 s') GROUP BY 1, 2, page ORDER BY views DESC $$,
	  history_limit => 5, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s');
	SELECT trending.create_trend('busy', $$ SELECT area, page, count(*) AS views, avg(clicks) * 10 AS mean, upper(area) AS loud
	  FROM offers GROUP BY area, page HAVING sum(shown) > count(*) * 2 ORDER BY views DESC $$, partition_by => '{area}');
	SELECT trending.create_trend('paces', $$ SELECT window_start, window_end, page, count(*) / extract(epoch FROM window_end - window_start) AS pace,
	  max(clicks) AS most FROM offers, trending.session(at, '4 s') GROUP BY 1, 2, page ORDER BY pace DESC, most DESC NULLS LAST $$,
	  history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s');
	SELECT trending.create_trend('paced', $$ SELECT window_start, window_end, page, count(*) / extract(epoch FROM window_end - window_start) AS pace
	  FROM offers, trending.cumulate(at, step => '9 s', size => '1 minute') GROUP BY 1, 2, page ORDER BY pace DESC, page DESC $$,
	  history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '10 s');
	SELECT trending.create_trend('rated', $$ SELECT area, page, sum(clicks)::float8 / count(*) AS rate, count(*) AS views FROM offers GROUP BY area, page
	  HAVING count(*) > 1 AND sum(clicks) / count(*) < 4 ORDER BY rate DESC, views DESC $$, partition_by => '{area}');
	SELECT trending.create_trend('areas', $$ SELECT area, page, count(*) AS views FROM offers GROUP BY area, page ORDER BY area DESC, views DESC, page DESC $$);
	SELECT trending.create_trend('named', $$ SELECT page, area FROM offers GROUP BY page, area ORDER BY area, -count(*), page $$);
	SELECT trending.create_trend('hot', $$ SELECT page, trending.decayed_count(at, '30 s') AS heat,
	  trending.decayed_sum(shown, at, '30 s') / nullif(trending.decayed_count(at, '30 s'), 0) AS mean FROM offers GROUP BY page ORDER BY heat DESC $$,
	  idle_timeout => '1 day', max_ahead => '1 day')});

# The current rows by hand, in the order of rank.
sub by_hand
{
	my ($list, $window, $by) = @_;
	my ($call, $current) = @{ $windows{$window} };
	my $bounds = defined $call ? 'window_start, window_end, ' : '';
	my $from = defined $call ? ", $call, (SELECT max(at) AS clock FROM offers) c WHERE $current" : '';
	my $text = "SELECT page, $lists{$list}[0] FROM offers$from GROUP BY ${bounds}page";
	return "SELECT q.*, row_number() OVER (ORDER BY $lists{$list}[$by], page) FROM ($text) q ORDER BY row_number";
}

sub all_equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	for my $list (sort keys %lists)
	{
		for my $window (sort keys %windows)
		{
			my $columns = join ', ', 'page', ($lists{$list}[0] =~ /AS (\w+)(?:,|$)/g), 'rank';
			for my $by (1, 2)
			{
				is($node->safe_psql('postgres', "SELECT $columns FROM ${list}_${window}_$by ORDER BY rank"),
					$node->safe_psql('postgres', by_hand($list, $window, $by)), "$what: $list, $window, $lists{$list}[$by]");
			}
		}
	}
	is($node->safe_psql('postgres', 'SELECT area, page, views, mean, loud, rank FROM busy ORDER BY area, rank'),
		$node->safe_psql('postgres', q{SELECT area, page, count(*), avg(clicks) * 10, upper(area), row_number() OVER (PARTITION BY area ORDER BY count(*) DESC, page) AS r
			FROM offers GROUP BY area, page HAVING sum(shown) > count(*) * 2 ORDER BY area, r}), "$what: within partitions, with HAVING");
	is($node->safe_psql('postgres', 'SELECT area, page, rate, views, rank FROM rated ORDER BY area, rank'),
		$node->safe_psql('postgres', q{SELECT area, page, sum(clicks)::float8 / count(*), count(*), row_number() OVER (PARTITION BY area ORDER BY sum(clicks)::float8 / count(*) DESC, count(*) DESC, page) AS r
			FROM offers GROUP BY area, page HAVING count(*) > 1 AND sum(clicks) / count(*) < 4 ORDER BY area, r}), "$what: ranked within partitions, with HAVING");
	is($node->safe_psql('postgres', 'SELECT * FROM areas ORDER BY rank'),
		$node->safe_psql('postgres', q{SELECT area, page, count(*), row_number() OVER (ORDER BY area DESC, count(*) DESC, page DESC) AS r
			FROM offers GROUP BY area, page ORDER BY r}), "$what: by a key first");
	is($node->safe_psql('postgres', 'SELECT * FROM named ORDER BY rank'),
		$node->safe_psql('postgres', q{SELECT page, area, row_number() OVER (ORDER BY area, count(*) DESC, page) AS r
			FROM offers GROUP BY area, page ORDER BY r}), "$what: by what is not selected");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM hot JOIN (SELECT page, avg(shown) AS shown FROM offers GROUP BY page) a
		ON hot.page IS NOT DISTINCT FROM a.page AND hot.mean NOT BETWEEN 0 AND 6}), '0', "$what: decayed");
	is($node->safe_psql('postgres', q{SELECT t.relation, v.* FROM trending.trend t, trending.verify(t.relation) v WHERE t.relation::text <> 'named' LIMIT 12}),
		'', "$what: history, sessions and decayed aggregates");
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
		UPDATE offers SET clicks = nullif((random() * 4)::int, 4), price = price + 0.01, f = 1 WHERE $recent AND random() < 0.2;
		UPDATE offers SET page = 7 WHERE $recent AND random() < 0.1;
		DELETE FROM offers WHERE $recent AND random() < 0.15;
		COMMIT});
	$id += 1000;
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres')) if $round % 2 == 0;
	all_equal("round $round");
}

# Columns are typed as in SQL, and conditions on them are ordinary ones.
is($node->safe_psql('postgres', q{SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
	FROM pg_attribute WHERE attrelid = 'kinds_all_1'::regclass AND attnum > 0}),
	'page integer, kind text, odd integer, text text, range integer[], seven integer, mood mood, total bigint, rank bigint', 'types');
is($node->safe_psql('postgres', q{SELECT count(*) = (SELECT count(*) FROM (SELECT page FROM offers GROUP BY page HAVING sum(clicks)::float8 / count(*) > 1.5) q)
	FROM rates_all_1 WHERE rate > 1.5}), 't', 'WHERE on an expression');

# A rank far down among ties is found by key.
for my $trend ('rates_all_2', 'kinds_hop_2', 'texts_tumble_2')
{
	is($node->safe_psql('postgres', "SELECT bool_and(rank = trending.rank('$trend', page::text)) FROM $trend"), 't', "ranks of single keys of $trend");
	is($node->safe_psql('postgres', "SELECT string_agg(page::text, ' ') FROM (SELECT page FROM $trend WHERE rank <= 7 ORDER BY rank) t"),
		$node->safe_psql('postgres', "SELECT string_agg(key, ' ' ORDER BY rank) FROM trending.top('$trend', 7)"), "the best of $trend");
}
is($node->safe_psql('postgres', q{SELECT bool_and(value = rate::numeric) FROM trending.top('rates_all_2', 20) JOIN rates_all_2 USING (rank)}), 't',
	'the value of a ranking is its first term');
is($node->safe_psql('postgres', q{SELECT count(value) FROM trending.top('kinds_all_2', 20)}), '0', 'which is none where it is no number');

# An expression that fails for a group is NULL there, and counted with its reason; the others go on.
$node->safe_psql('postgres', q{
	CREATE TABLE ratios (k int, a int, b int, at timestamptz);
	SELECT trending.create_trend('divided', $$ SELECT k, sum(a) / sum(b) AS ratio, count(*) AS n FROM ratios GROUP BY k ORDER BY ratio DESC NULLS FIRST $$);
	SELECT trending.create_trend('shown', $$ SELECT window_start, window_end, k, count(*) AS n, 10 / sum(b) AS share FROM ratios, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 ORDER BY n DESC $$, idle_timeout => '1 day');
	SELECT trending.create_trend('judged', $$ SELECT k, count(*) AS n FROM ratios GROUP BY k HAVING sum(a) / sum(b) > 1 ORDER BY n DESC $$)});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{INSERT INTO ratios VALUES (1, 6, 2, '2024-01-01 00:00'), (2, 6, 0, '2024-01-01 00:00'), (3, 8, 2, '2024-01-01 00:00'), (4, 1, 1, '2024-01-01 00:10')});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT string_agg(format('%s:%s', k, ratio), ' ' ORDER BY rank) FROM divided}), '2: 3:4 1:3 4:1', 'a failing rank is NULL');
is($node->safe_psql('postgres', q{SELECT string_agg(format('%s:%s', trend, failed), ' ' ORDER BY trend) FROM trending.status WHERE trend IN ('divided', 'judged')}),
	'divided:1 judged:1', 'it is counted, as is a condition');
is($node->safe_psql('postgres', q{SELECT DISTINCT reason FROM trending.status WHERE trend IN ('divided', 'judged')}),
	'an expression of a group failed: division by zero', 'with its reason');
ok($node->poll_query_until('postgres', q{SELECT string_agg(format('%s:%s', k, share), ' ' ORDER BY k) = '1:5 2: 3:5' FROM shown_history}), 'NULL in history');
is($node->safe_psql('postgres', q{SELECT failed, reason FROM trending.status WHERE trend = 'shown'}),
	'1|an expression of a group failed: division by zero', 'which counts it');
$node->safe_psql('postgres', 'INSERT INTO ratios VALUES (2, 0, 1)');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT ratio FROM divided WHERE k = 2'), '6', 'a row that mends a group does');
is($node->safe_psql('postgres', q{SELECT trend, v.* FROM (VALUES ('divided'), ('shown'), ('judged')) t(trend), trending.verify(trend::regclass) v}), '', 'verify takes failures for NULL, too');
is($node->safe_psql('postgres', q{SELECT trending.recompute('shown', '2023-01-01', '2025-01-01')}), '3', 'recompute does');
is($node->safe_psql('postgres', q{SELECT string_agg(format('%s:%s', k, share), ' ' ORDER BY k) FROM shown_history}), '1:5 2: 3:5', 'and writes NULL');
$node->safe_psql('postgres', q{INSERT INTO ratios VALUES (2, 1, -1)});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT k, ratio FROM divided WHERE k = 2}), '2|', 'a row that breaks a group');
is($node->safe_psql('postgres', q{SELECT * FROM trending.verify('divided')}), '', 'verified again');
my ($ret, $out, $err) = $node->psql('postgres', q{SELECT * FROM trending.batch_query('divided') q, LATERAL (SELECT 1) x; SELECT sum(a) / sum(b) FROM ratios WHERE k = 2});
like($err, qr/division by zero/, 'the plain query raises the error');
for my $call ('NULL::int, 0, 1', 'NULL::int, NULL, 1', '1, -1, 2', 'NULL::int, 5, VARIADIC ARRAY[1]')
{
	($ret, $out, $err) = $node->psql('postgres', "SELECT trending_internal.caught($call)");
	like($err, qr/trending_internal.caught is for the queries of trending.verify and trending.recompute/, "trending_internal.caught($call)");
}

# The planner takes rank order for the list, and for its beginning, and for nothing else.
sub sorts
{
	my ($trend, $order) = @_;
	return $node->safe_psql('postgres', "EXPLAIN (COSTS OFF) SELECT * FROM $trend ORDER BY $order") =~ /Sort/ ? 'sorts' : 'in order';
}
is(sorts('rates_all_2', 'rate DESC NULLS LAST, vwap, page'), 'in order', 'the whole list needs no sort');
is(sorts('rates_all_2', 'rate DESC NULLS LAST'), 'in order', 'nor does its beginning');
is(sorts('rates_all_2', 'rate'), 'sorts', 'another direction does');
is(sorts('areas', 'area DESC, views DESC, page DESC'), 'in order', 'a list that begins with a key');
is(sorts('kinds_all_2', 'kind COLLATE "C" DESC'), 'sorts', 'another collation');

$node->stop;
done_testing();
