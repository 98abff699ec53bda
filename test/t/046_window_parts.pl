# SPDX-License-Identifier: PostgreSQL
# Aggregates over parts of windows (FILTER compares the event time with the window's bounds), and what is rising, beside
# the same queries by hand: live, in history, in partitions, with HAVING and alerts, while rows come, change, go and are
# late, and when the worker is killed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
my $node = trending_node('parts', timezone => "'UTC'", 'trending.checkpoint_interval' => '1s', restart_after_crash => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE views (id int PRIMARY KEY, page int, area text, at timestamptz, n int, price numeric, word text);
	ALTER TABLE views REPLICA IDENTITY FULL;
	CREATE TABLE base AS SELECT date_trunc('hour', now()) - interval '2 hours' AS at;
	CREATE PROCEDURE feed(first int, rows int, till float8) LANGUAGE sql AS $$
	  INSERT INTO views SELECT first + i, nullif((random() * 20)::int, 20), (ARRAY['north', 'south', NULL])[1 + (random() * 2)::int],
	    base.at + floor(10 * (till - random() * 25)) * interval '100 ms', nullif((random() * 8)::int, 8), round((random() * 20)::numeric, 2),
	    (ARRAY['a', 'bb', 'ccc', NULL])[1 + (random() * 3)::int]
	  FROM generate_series(1, rows) i, base $$;
	CREATE TABLE days (page int, at timestamptz, n int);
	CREATE PROCEDURE feed_days(rows int) LANGUAGE sql AS $$
	  INSERT INTO days SELECT nullif((random() * 5)::int, 5), timestamptz '2025-10-24 00:00+02' + floor(random() * 5 * 24 * 60) * interval '1 minute', (random() * 9)::int
	  FROM generate_series(1, rows) $$;
	CREATE TABLE dates (page int, d date)});

# Select lists beside the key, each with an order.
my %lists = (
	growth => [ q{count(*) AS views, count(*) FILTER (WHERE at >= window_end - interval '4 seconds') AS recent,
		(count(*) FILTER (WHERE at >= window_end - interval '4 seconds') * 7 + 3.0) / (count(*) + 20) AS score}, 'score DESC' ],
	kinds => [ q{sum(n) FILTER (WHERE interval '3.5 seconds' + at < window_end) AS early, sum(n) AS total,
		max(word) FILTER (WHERE at BETWEEN window_start + interval '1 s' AND window_end - interval '2 s') AS mid,
		count(DISTINCT price) FILTER (WHERE window_start + 2 * interval '1 s' > at AND n > 2) AS prices,
		avg(price) FILTER (WHERE at NOT BETWEEN window_start + interval '3 s' AND window_end - interval '3 s') AS edges},
		'early DESC NULLS LAST, prices' ],
	bounds => [ q{count(*) FILTER (WHERE at = window_start) AS first, count(*) FILTER (WHERE at <> window_end - interval '2 s') AS others,
		count(*) FILTER (WHERE at > window_start AND at <= window_start + make_interval(secs => 5) AND area = 'north') AS begun,
		min(n) FILTER (WHERE window_end - at < interval '3 s') AS least, count(n) FILTER (WHERE NOT (at < window_end - interval '2 s' OR at < window_start + interval '3 s')) AS late,
		count(*) FILTER (WHERE at >= window_start AND at < window_end) AS whole, count(*) FILTER (WHERE at < window_start) AS none},
		'begun DESC, first DESC, least' ],
	sketches => [ q{trending.last(word, at) FILTER (WHERE at < window_end - interval '2 s') AS word, bool_or(n > 6) FILTER (WHERE at >= window_end - interval '5 s') AS some_are,
		stddev(n) FILTER (WHERE at <= window_start + interval '4 s') IS NULL AS even, count(*) AS views}, 'word DESC NULLS LAST, views' ]);
my %windows = (
	tumble => [ q{trending.tumble(at, '10 s')}, q{window_end > clock AND window_start <= clock} ],
	hop => [ q{trending.hop(at, slide => '3 s', size => '12 s')}, q{window_start <= clock AND window_end > clock AND window_end <= clock + interval '3 s'} ],
	cumulate => [ q{trending.cumulate(at, step => '4 s', size => '22 s')}, undef ]);
my $cumulate = q{window_end = (SELECT min(w.window_end) FROM trending.cumulate(clock, '4 s', '22 s') w)};

$node->safe_psql('postgres', "SELECT setseed(0.5); CALL feed(0, 400, 30); CALL feed_days(600)");
for my $list (sort keys %lists)
{
	for my $window (sort keys %windows)
	{
		$node->safe_psql('postgres', qq{SELECT trending.create_trend('${list}_$window', \$\$
			SELECT window_start, window_end, page, $lists{$list}[0] FROM views, $windows{$window}[0]
			GROUP BY window_start, window_end, page ORDER BY $lists{$list}[1]\$\$,
			history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '8 s')});
	}
}
$node->safe_psql('postgres', q{
	SELECT trending.create_trend('parted', $$ SELECT window_start, window_end, area, page, count(*) FILTER (WHERE at >= window_end - interval '4 s') AS recent, count(*) AS views
	  FROM views, trending.hop(at, '2 s', '12 s') GROUP BY 1, 2, area, page HAVING count(*) FILTER (WHERE at >= window_end - interval '4 s') > 1 ORDER BY recent DESC, views DESC $$,
	  partition_by => '{area}', history_limit => NULL, idle_timeout => '1 day', max_ahead => '1 day', allowed_lateness => '8 s', notify_channel => NULL);
	SELECT trending.create_trend('berlin', $$ SELECT window_start, window_end, page, sum(n) FILTER (WHERE at >= window_end - interval '6 hours') AS evening,
	  count(*) FILTER (WHERE at < window_start + interval '90 minutes') AS night, max(n) FILTER (WHERE at >= window_end - interval '30 hours') AS most
	  FROM days, trending.hop(at, '1 day', '2 days', zone => 'Europe/Berlin') GROUP BY 1, 2, 3 ORDER BY evening DESC NULLS LAST $$, history_limit => NULL, idle_timeout => '1 day');
	SELECT trending.create_trend('month', $$ SELECT window_start, window_end, page, count(*) FILTER (WHERE at >= window_end - interval '100 hours') AS last, count(*) AS total
	  FROM days, trending.tumble(at, '1 month', zone => 'America/New_York') GROUP BY 1, 2, 3 ORDER BY last DESC $$, history_limit => NULL, idle_timeout => '1 day');
	SELECT trending.create_trend('dated', $$ SELECT window_start, window_end, page, count(*) FILTER (WHERE d >= window_end - interval '2 days') AS last, count(*) FILTER (WHERE d::timestamp + interval '1 day' <= window_end - interval '1 week') AS early
	  FROM dates, trending.tumble(d, '14 days') GROUP BY 1, 2, 3 ORDER BY last DESC $$, history_limit => NULL, idle_timeout => '1 day');
	INSERT INTO dates SELECT i % 3, date '2024-02-20' + i FROM generate_series(1, 40) i});

sub by_hand
{
	my ($list, $window) = @_;
	my ($call, $current) = @{ $windows{$window} };
	$current //= $cumulate;
	return "SELECT q.*, row_number() OVER (ORDER BY $lists{$list}[1], page) FROM (SELECT page, $lists{$list}[0]
		FROM views, $call, (SELECT max(at) AS clock FROM views) c WHERE $current GROUP BY window_start, window_end, page) q ORDER BY row_number";
}

sub all_equal
{
	my ($what, $late) = @_;
	sync_trends($node, 'postgres');
	for my $list (sort keys %lists)
	{
		my $columns = join ', ', 'page', ($lists{$list}[0] =~ /AS (\w+)(?:,|$)/g), 'rank';
		for my $window (sort keys %windows)
		{
			is($node->safe_psql('postgres', "SELECT $columns FROM ${list}_$window ORDER BY rank"),
				$node->safe_psql('postgres', by_hand($list, $window)), "$what: $list, $window");
		}
	}
	is($node->safe_psql('postgres', 'SELECT area, page, recent, views, rank FROM parted ORDER BY area, rank'),
		$node->safe_psql('postgres', q{SELECT *, row_number() OVER (PARTITION BY area ORDER BY recent DESC, views DESC, page) AS r FROM (
			SELECT area, page, count(*) FILTER (WHERE at >= window_end - interval '4 s') AS recent, count(*) AS views FROM views, trending.hop(at, '2 s', '12 s'),
			  (SELECT max(at) AS clock FROM views) c WHERE window_start <= clock AND window_end > clock AND window_end <= clock + interval '2 s'
			GROUP BY window_end, area, page) q WHERE recent > 1 ORDER BY area, r}), "$what: in partitions, with HAVING");
	is($node->safe_psql('postgres', 'SELECT t.relation, v.* FROM trending.trend t, trending.verify(t.relation) v LIMIT 12'), '', "$what: verified");
}
all_equal('filled');

# The current window moves through parts of all kinds; rows are updated, deleted and come late for closed windows.
my ($id, $clock) = (1000, 30);
for my $round (1 .. 4)
{
	$clock += 1 + rand(6);
	my $recent = "at > (SELECT at FROM base) + ($clock - 6) * interval '1 s'";
	$node->safe_psql('postgres', qq{
		BEGIN;
		SELECT setseed(@{[ rand() ]});
		INSERT INTO views SELECT $id + i, (random() * 20)::int, 'north', base.at + floor(10 * ($clock - random() * 5)) * interval '100 ms', 3, 1, 'bb' FROM generate_series(1, 40) i, base;
		UPDATE views SET n = nullif((random() * 8)::int, 8), at = at - interval '200 ms' WHERE $recent AND random() < 0.2;
		UPDATE views SET page = 7, word = 'dd' WHERE $recent AND random() < 0.1;
		DELETE FROM views WHERE $recent AND random() < 0.15;
		COMMIT});
	$id += 1000;
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres')) if $round % 2 == 0;
	all_equal("round $round");
}

# An alert is a part that comes true.
ok($node->safe_psql('postgres', 'SELECT count(*) > 3 AND bool_and(recent > 1) FROM parted_alerts') eq 't', 'alerts');

# A crash of the whole server, and a window that is wrong until it is recalculated.
$node->stop('immediate');
$node->start;
wait_for_worker($node, 'postgres');
all_equal('after a crash');
is($node->safe_psql('postgres', q{SELECT count(*) > 100 FROM growth_hop_history WHERE recent < views AND recent > 0}), 't', 'history has parts');
$node->safe_psql('postgres', q{INSERT INTO views SELECT 90000 + i, 3, 'south', base.at + 21.9 * interval '1 s', 1, 1, 'a' FROM generate_series(1, 9) i, base});
sync_trends($node, 'postgres');
isnt($node->safe_psql('postgres', q{SELECT * FROM trending.verify('growth_tumble') LIMIT 1}), '', 'late rows are missing in final windows');
$node->safe_psql('postgres', q{SELECT trending.recompute(relation, (SELECT at - interval '1 hour' FROM base), (SELECT at + interval '1 hour' FROM base)) FROM trending.trend WHERE relation::text LIKE '%_tumble' OR relation::text LIKE '%_hop' OR relation::text LIKE '%_cumulate' OR relation::text = 'parted'});
all_equal('recalculated');
is($node->safe_psql('postgres', q{SELECT max(recent) FROM growth_tumble_history WHERE page = 3 AND views > 8}),
	$node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE at >= window_end - interval '4 s') AS n FROM views, trending.tumble(at, '10 s') WHERE page = 3 GROUP BY window_end HAVING count(*) > 8 ORDER BY n DESC LIMIT 1}), 'by hand, too');

# Panes are cut where parts begin, and nowhere else.
like($node->safe_psql('postgres', q{SELECT trending.batch_query('growth_hop')}), qr/FILTER \(WHERE .*window_end - /, 'the batch query says it as the definition does');

# What is rising.
$node->safe_psql('postgres', q{CREATE TABLE reads (post text, at timestamptz)});
my ($ret, $out, $err) = $node->psql('postgres', q{SELECT trending.track('reads', 'post', 'at', by => 'rising', size => '10 minutes')});
is($out, 'rising_reads', 'track(by => rising)');
like($err, qr/NOTICE:  trend rising_reads is defined by this query\nDETAIL:  (SELECT .*? AS rising\n.*ORDER BY rising DESC)/s, 'shows the query');
my ($query) = $err =~ /DETAIL:  (SELECT .*ORDER BY rising DESC)/s;
$node->safe_psql('postgres', "SELECT trending.create_trend('same', \$\$$query\$\$)");
$node->safe_psql('postgres', q{INSERT INTO reads
	SELECT 'steady', clock - i * interval '0.5 s' FROM generate_series(0, 1100) i, (SELECT now() AS clock) c
	UNION ALL SELECT 'rising', clock - i * interval '1 s' FROM generate_series(0, 50) i, (SELECT now() AS clock) c
	UNION ALL SELECT 'rising', clock - i * interval '10 s' FROM generate_series(0, 50) i, (SELECT now() AS clock) c
	UNION ALL SELECT 'nowhere', clock FROM generate_series(1, 3), (SELECT now() AS clock) c
	UNION ALL SELECT 'falling', clock - interval '2 minutes' - i * interval '1 s' FROM generate_series(0, 300) i, (SELECT now() AS clock) c});
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', q{SELECT string_agg(post, ' ' ORDER BY rank) FROM rising_reads WHERE post <> 'nowhere'}), 'rising steady falling', 'what rises is on top');
is($node->safe_psql('postgres', q{SELECT rising < 1 FROM rising_reads WHERE post = 'nowhere'}), 't', 'three out of nowhere are not');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rising_reads r JOIN same USING (post, rank, count, recent, rising)}), '4', 'the query of the notice is the same trend');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rising_reads WHERE abs(rising - (recent - 0.1 * count) / sqrt((0.1 * count + 10) * 0.9)) > 1e-9}), '0', 'the score');

sub refused
{
	my ($what, $expected, $sql) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', $sql);
	like($err, $expected, $what);
}
sub refused_filter
{
	my ($what, $expected, $filter, $from, $time) = @_;
	$from //= q{trending.hop(at, '2 s', '10 s')};
	refused($what, $expected, qq{SELECT trending.create_trend('no', \$\$ SELECT window_start, window_end, page, count(*) FILTER (WHERE $filter) FROM views, $from GROUP BY 1, 2, 3 \$\$)});
}
refused_filter('days of an instant', qr/DETAIL:  A day has 23, 24 or 25 hours.*\nHINT:  Write hours/, q{at >= window_end - interval '1 day'});
refused_filter('months', qr/DETAIL:  Months differ in length/, q{at >= window_end - interval '1 month'});
refused_filter('no constant', qr/DETAIL:  The distance from the window's bound is not a constant/, q{at >= window_end - n * interval '1 s'});
refused_filter('NULL', qr/DETAIL:  The distance from the window's bound is NULL/, q{at >= window_end - NULL::interval});
refused_filter('too far', qr/DETAIL:  The distance is greater than any window/, q{at >= window_end - interval '9000000 hours'});
refused_filter('another time', qr/DETAIL:  It compares something else/, q{date_trunc('hour', at, 'UTC') < window_end});
refused_filter('a fixed time', qr/DETAIL:  It compares something else/, q{window_start >= '2024-01-01'});
refused_filter('two bounds', qr/DETAIL:  It does not compare the event time with a bound/, q{window_start < window_end});
refused_filter('two bounds apart', qr/DETAIL:  It does not compare the event time with a bound/, q{window_end - window_start > interval '5 s'});
refused_filter('OR with the row', qr/DETAIL:  A condition on the row is joined by OR/, q{at >= window_end - interval '1 s' OR n > 1});
refused_filter('no comparison', qr/DETAIL:  It is no comparison/, q{(at >= window_end) IS TRUE});
refused_filter('a session', qr/DETAIL:  Where a session begins and ends/, q{at >= window_end - interval '1 s'}, q{trending.session(at, '5 s')});
refused_filter('another difference', qr/DETAIL:  It compares something else/, q{2 * (window_end - at) < interval '1 s'});
refused_filter('too many comparisons', qr/DETAIL:  It has too many comparisons/, join(' OR ', map { "at < window_start + interval '$_ ms'" } 1 .. 13));
refused('too many cuts', qr/DETAIL:  The parts of a trend begin and end at more than 16 places/, q{SELECT trending.create_trend('no', $$ SELECT window_start, window_end, }
	. join(', ', map { my $i = 2 * $_; "count(*) FILTER (WHERE at BETWEEN window_start + interval '$i ms' AND window_start + interval '$i.5 ms') AS c$_" } 1 .. 9)
	. q{ FROM views, trending.tumble(at, '1 s') GROUP BY 1, 2 ORDER BY 3 $$)});
refused('a bound in WHERE', qr/HINT:  .*a FILTER may compare the event time with them/, q{SELECT trending.create_trend('no', $$ SELECT window_start, window_end, page, count(*) FROM views, trending.tumble(at, '1 s') WHERE at >= window_end - interval '1 s' GROUP BY 1, 2, 3 $$)});
refused('track by something', qr/by must be "count" or "rising"/, q{SELECT trending.track('reads', 'post', 'at', by => 'luck')});
refused('track by NULL', qr/by must not be null/, q{SELECT trending.track('reads', 'post', 'at', by => NULL)});
refused('too short to rise', qr/needs a size of at least two slides/, q{SELECT trending.track('reads', 'post', 'at', by => 'rising', size => '15 s')});

$node->stop;
done_testing();
