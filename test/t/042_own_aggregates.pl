# SPDX-License-Identifier: PostgreSQL
# trending.latest and trending.approx_percentile as ordinary aggregates and as aggregates of trends, beside queries by
# hand; the form of trending.last that keeps NULL.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
my $node = trending_node('aggregates', timezone => "'UTC'", restart_after_crash => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE requests (id int PRIMARY KEY, route text, at timestamptz, ms float8, status int, day date);
	ALTER TABLE requests REPLICA IDENTITY FULL;
	SELECT setseed(0.25);
	CREATE PROCEDURE feed(first int, rows int) LANGUAGE sql AS $$
	  INSERT INTO requests SELECT first + i, (ARRAY['/a', '/b', '/c', NULL])[1 + (random() * 3)::int], timestamptz '2025-01-01' + (first + i - (random() * 300)::int) * interval '100 ms',
	    nullif((exp(random() * 12 - 3) * (CASE WHEN random() < 0.1 THEN -1 WHEN random() < 0.1 THEN 0 ELSE 1 END))::numeric(12, 4), 0.5), nullif((200 + 100 * (random() * 4)::int), 300),
	    date '2025-01-01' + (random() * 9)::int
	  FROM generate_series(1, rows) i $$;
	CALL feed(0, 3000)});

# By hand: the value of rank p * (n - 1), rounded down; the sketch's is within 1 % of it.
my $near = q{CASE WHEN p IS NULL OR q IS NULL THEN p IS NULL AND q IS NULL ELSE abs(p - q) <= 0.0101 * abs(q) END};
for my $p (0, 0.01, 0.5, 0.95, 0.999, 1)
{
	is($node->safe_psql('postgres', qq{SELECT bool_and($near) FROM (SELECT route, trending.approx_percentile($p, ms) AS p,
		(array_agg(ms ORDER BY ms) FILTER (WHERE ms IS NOT NULL))[1 + floor($p * (count(ms) - 1))] AS q FROM requests GROUP BY route) x}), 't', "percentile $p");
}
is($node->safe_psql('postgres', q{SELECT trending.approx_percentile(0.5, x), trending.approx_percentile(0, x), trending.approx_percentile(1, x) FROM (VALUES ('-Infinity'::float8), (0), ('NaN')) v(x)}), '0|-Infinity|NaN', 'what is no number');
is($node->safe_psql('postgres', q{SELECT trending.approx_percentile(0.5, NULL), trending.approx_percentile(NULL, 1)}), '|', 'NULL');
is($node->safe_psql('postgres', q{SELECT trending.approx_percentile(1, x) / 1e300 BETWEEN 0.98 AND 1.02, trending.approx_percentile(0, x) BETWEEN 1e270 AND 1e290 FROM (SELECT 10::float8 ^ n AS x FROM generate_series(-300, 300) n) v}), 't|t', 'memory is bounded: the lowest values count as higher ones');
is($node->safe_psql('postgres', q{SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT (SELECT trending.approx_percentile(0.9, ms) FROM requests) = (SELECT trending.approx_percentile(0.9, ms) FROM (SELECT * FROM requests ORDER BY ms DESC) r),
	(SELECT trending.latest(status, at, 7) FROM requests) = (SELECT trending.latest(status, at, 7) FROM (SELECT * FROM requests ORDER BY random()) r)}), 't|t', 'whatever the order, in parallel or not');

my $latest = q{(array_agg(status ORDER BY at DESC, status DESC) FILTER (WHERE status IS NOT NULL))[:3]};
is($node->safe_psql('postgres', qq{SELECT route FROM requests GROUP BY route HAVING trending.latest(status, at, 3) IS DISTINCT FROM $latest}), '', 'latest');
is($node->safe_psql('postgres', q{SELECT trending.latest(x, t, 2), trending.latest(x, t::date, 9), trending.latest(t, n, 1) FROM (VALUES ('b', timestamp '2025-01-01', 1::bigint), ('a', '2025-01-01 00:00:01', 7), (NULL, '2026-01-01', 8)) v(x, t, n)}),
	'{a,b}|{b,a}|{"2026-01-01 00:00:00"}', 'of texts by timestamp and date, of times by number');
for my $bad ([ 'approx_percentile(1.5, ms)', qr/percentile value 1.5 is not between 0 and 1/ ], [ 'approx_percentile(ms / 1e9, ms)', qr/must be the same in all rows|not between 0 and 1/ ],
	[ 'latest(ms, at, 0)', qr/n of latest must be between 1 and 1000/ ], [ 'latest(ms, at, id)', qr/n of latest must be the same in all rows/ ])
{
	my ($ret, $out, $err) = $node->psql('postgres', "SELECT trending.$bad->[0] FROM requests WHERE id < 900");
	like($err, $bad->[1], $bad->[0]);
}

$node->safe_psql('postgres', q{
	SELECT trending.create_trend('slow', $$ SELECT window_start, window_end, route, count(*) AS requests, count(*) FILTER (WHERE status = 500)::float8 / count(*) AS errors,
	  trending.approx_percentile(0.5, ms) AS p50, trending.approx_percentile(0.95, ms) AS p95, trending.approx_percentile(0.5, ms) FILTER (WHERE at >= window_end - interval '5 s') AS recent
	  FROM requests, trending.hop(at, '5 s', '30 s') GROUP BY 1, 2, route ORDER BY p95 DESC NULLS LAST $$, history_limit => NULL, idle_timeout => '1 day', allowed_lateness => '10 minutes');
	SELECT trending.create_trend('newest', $$ SELECT route, trending.latest(status, at, 3) AS latest, trending.latest(route, day, 2) AS names, (trending.last(ARRAY[status], at))[1] AS status, count(*) AS n
	  FROM requests GROUP BY route ORDER BY n DESC $$)});
my ($id, $what) = (3000, 'filled');
for my $round (1 .. 3)
{
	sync_trends($node, 'postgres');
	is($node->safe_psql('postgres', q{SELECT t.relation, v.* FROM trending.trend t, trending.verify(t.relation) v LIMIT 5}), '', "$what: verified");
	is($node->safe_psql('postgres', q{SELECT route, latest, status FROM newest ORDER BY route}),
		$node->safe_psql('postgres', qq{SELECT route, $latest, (array_agg(status ORDER BY at DESC, status DESC NULLS FIRST))[1] FROM requests GROUP BY route ORDER BY route}), "$what: latest, and NULL kept");
	is($node->safe_psql('postgres', qq{SELECT count(*) FILTER (WHERE ($near) IS NOT TRUE) || ' ' || (count(*) > 3) FROM (SELECT s.p50 AS p, (SELECT (array_agg(ms ORDER BY ms) FILTER (WHERE ms IS NOT NULL))[1 + floor(0.5 * (count(ms) - 1))] FROM requests r
		WHERE r.route IS NOT DISTINCT FROM s.route AND r.at >= s.window_start AND r.at < s.window_end) AS q FROM slow_history s) x}), '0 true', "$what: medians of history");
	$node->safe_psql('postgres', "CALL feed($id, 400)");
	$id += 400;
	($what) = ("rows came");
	if ($round == 2)
	{
		$node->safe_psql('postgres', q{UPDATE requests SET ms = ms * 2, status = 500 WHERE id % 7 = 0 AND id > 3300; DELETE FROM requests WHERE id % 5 = 0 AND id > 3300});
		wait_for_worker($node, 'postgres', kill_worker($node, 'postgres'));
		$what = 'rows changed and went';
	}
}

$node->stop;
done_testing();
