# SPDX-License-Identifier: PostgreSQL
# Session windows: random rows out of order into several trends, trends made over rows that are there, the worker and
# the server killed in between. The oracle is trending.verify, and the counts of rows in trend and history.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $seed = random_seed();
srand($seed);

my $node = trending_node('sessions', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE clicks (user_id int, page int, at timestamptz, ms int);
});

# gap, then how far rows may come behind the latest without being late
sub make_trend
{
	my ($name, $keys, $gap, %options) = @_;
	my $time = delete $options{time} // 'c.at';
	my $by = join('', map { ", $_" } @$keys);
	my $having = delete $options{having} // '';
	my $more = join('', map { ", $_ => $options{$_}" } sort keys %options);
	$node->safe_psql('postgres', qq{
		SELECT trending.create_trend('$name', \$\$
		  SELECT window_start, window_end$by, count(*) AS n, sum(ms) AS ms, min(page) AS least,
		         trending.last(page, at) AS latest, count(DISTINCT page) AS pages,
		         trending.approx_count_distinct(ms) FILTER (WHERE page > 3) AS about
		  FROM clicks c, trending.session($time, '$gap') GROUP BY window_start, window_end$by $having ORDER BY n DESC \$\$,
		  idle_timeout => '1 hour', history_limit => NULL$more)});
}

my $clock = 0;

# A transaction of rows that are up to $late seconds behind; steps of the clock that close sessions now and then.
sub click
{
	my ($transactions, $late) = @_;
	my $sql = '';
	for (1 .. $transactions)
	{
		$clock += rand() < 0.05 ? int(rand(200)) : int(rand(4));
		my @rows = map {
			my $at = $clock - (rand() < 0.3 ? int(rand($late)) : 0);
			my $user = rand() < 0.05 ? 'NULL' : int(rand(8));
			"($user, " . int(rand(20)) . ", '2026-01-01 00:00:00+00'::timestamptz + interval '$at s', " . int(rand(1000)) . ')'
		} 1 .. 1 + int(rand(6));
		$sql .= 'INSERT INTO clicks VALUES ' . join(', ', @rows) . ";\n";
	}
	return $sql;
}

# No row is late, so trend and history together have every row once.
sub check
{
	my ($what, @trends) = @_;
	sync_trends($node, 'postgres');
	for my $trend (@trends)
	{
		is($node->safe_psql('postgres', "SELECT * FROM trending.verify('$trend') LIMIT 5"), '', "$trend: $what");
		next if $trend eq 'many';
		ok($node->poll_query_until('postgres', qq{
			SELECT (SELECT coalesce(sum(n), 0) FROM $trend) + (SELECT coalesce(sum(n), 0) FROM ${trend}_history)
			       = (SELECT count(*) FROM clicks)}), "$trend: every row once, $what")
		  or diag $node->safe_psql('postgres', "SELECT * FROM trending.status WHERE trend = '$trend'");
	}
}

# trending.top of a time: the sessions that contain it, open or closed.
sub check_past
{
	my ($what) = @_;
	my $batch = $node->safe_psql('postgres', q{SELECT trending.batch_query('visits')});
	my $last = $node->safe_psql('postgres', q{SELECT extract(epoch FROM event_clock - '2026-01-01 00:00:00+00')::int FROM trending.status WHERE trend = 'visits'});
	for my $at (1, int($last / 3), $last - 25, $last)
	{
		my $time = "timestamptz '2026-01-01 00:00:00+00' + interval '$at s'";
		my $top = "SELECT rank, key, value, window_start, window_end FROM trending.top('visits', 1000, at => $time)";
		my $expected = qq{SELECT row_number() OVER (ORDER BY n DESC, user_id), user_id::text, n::numeric, window_start, window_end
			FROM ($batch) b WHERE window_start <= $time AND window_end > $time};
		is($node->safe_psql('postgres', "($top EXCEPT ALL $expected) UNION ALL ($expected EXCEPT ALL $top)"), '',
			"the sessions at $at of $last, $what");
	}
}

my @trends = qw(visits slow quiet many);
make_trend('visits', ['user_id'], '30 seconds', allowed_lateness => "'20 seconds'");
make_trend('slow', [ 'user_id', 'page' ], '40 seconds', watermark_delay => "'30 seconds'", allowed_lateness => "'0'");
make_trend('quiet', [], '4 seconds', allowed_lateness => "'1 minute'");
make_trend('many', ['user_id'], '30 seconds', allowed_lateness => "'20 seconds'",
	having => 'HAVING count(DISTINCT page) >= 4 AND count(*) % 7 <> 5', notify_channel => 'NULL');
# Filled from what is there: nothing. Sessions that were final by then would not be in history.
sync_trends($node, 'postgres');
$node->safe_psql('postgres', click(60, 40));
check('while rows come', @trends);
check_past('while rows come');

# A new trend over the same rows: sessions that are final by then are not in its history.
make_trend('filled', ['user_id'], '30 seconds', allowed_lateness => "'20 seconds'",
	time => q{((c.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')});
sync_trends($node, 'postgres');
my $shown = q{SELECT window_start, window_end, user_id, n, ms, least, latest, pages, about, rank FROM };
is($node->safe_psql('postgres', "($shown visits EXCEPT $shown filled) UNION ALL ($shown filled EXCEPT $shown visits)"),
	'', 'a trend made later shows the same');
is($node->safe_psql('postgres', "SELECT * FROM trending.verify('filled')"), '', 'and equals its definition');

for my $round (1 .. 2)
{
	$node->safe_psql('postgres', click(40, 40));
	wait_for_worker($node, 'postgres', kill_worker($node, 'postgres'));
	$node->safe_psql('postgres', click(20, 40));
	check("after the worker was killed ($round)", @trends);
	check_past("after the worker was killed ($round)");

	$node->safe_psql('postgres', click(40, 40));
	$node->kill9;
	start_again($node);
	wait_for_worker($node, 'postgres');
	$node->safe_psql('postgres', click(20, 40));
	check("after the server was killed ($round)", @trends);
}

# The slot is lost: sessions that were not final are rebuilt from the source.
$node->safe_psql('postgres', click(20, 40));
sync_trends($node, 'postgres');
$node->stop;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->start;
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots});
$node->safe_psql('postgres', click(60, 40));
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'trending'\n");
$node->restart;
wait_for_worker($node, 'postgres');
$node->poll_query_until('postgres', q{SELECT bool_and(state = 'running') FROM trending.status}) or die;
$node->safe_psql('postgres', click(20, 40));
check('after the slot was lost', @trends);

# Sessions of a silent source close by wall time.
$node->safe_psql('postgres', q{
	CREATE TABLE now_clicks (user_id int, at timestamptz DEFAULT clock_timestamp());
	SELECT trending.create_trend('present', $$
	  SELECT window_start, window_end, user_id, count(*) AS n FROM now_clicks, trending.session(at, '1 second')
	  GROUP BY window_start, window_end, user_id ORDER BY n DESC $$,
	  idle_timeout => '1 second', allowed_lateness => '1 second');
	INSERT INTO now_clicks VALUES (1), (1), (2)});
ok($node->poll_query_until('postgres', q{
	SELECT (SELECT count(*) = 0 FROM present) AND (SELECT array_agg(n ORDER BY n) = '{1,2}' AND bool_and(final)
	FROM present_history)}), 'sessions of a silent source close and become final');

is($node->safe_psql('postgres', q{SELECT sum(late) + sum(refused) + sum(failed) FROM trending.status}), '0', 'no row was refused');
no_crash_in_log($node);
$node->stop;
done_testing();
