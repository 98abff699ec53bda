# trending.recompute of sessions: late rows join sessions, also such that are far apart, while rows come; twice at
# once; of a part of history, whose neighbours stay. The oracle is trending.verify.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;
use TrendingTest;

my $seed = $ENV{TRENDING_SEED} // int(rand(1_000_000_000));
srand($seed);
note "TRENDING_SEED=$seed";

my $node = trending_node('recompute', 'trending.checkpoint_interval' => '1s');
$node->safe_psql('postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE clicks (user_id int, page text, at timestamptz, ms numeric);
	SELECT trending.create_trend('visits', $$
	  SELECT window_start, window_end, user_id, count(*) AS n, sum(ms) AS ms, max(ms) AS most
	  FROM clicks, trending.session(at, '30 seconds') GROUP BY window_start, window_end, user_id ORDER BY n DESC $$,
	  idle_timeout => '1 day', allowed_lateness => '5 seconds', late_events => 'keep', history_limit => NULL);
	SELECT trending.create_trend('parted', $$
	  SELECT window_start AS s, window_end AS e, left(page, 1) AS p, user_id % 3 AS third, count(*) AS n, avg(ms) AS ms
	  FROM clicks, trending.session(at AT TIME ZONE 'UTC', '20 seconds') WHERE ms IS NOT NULL
	  GROUP BY window_start, window_end, 3, 4 ORDER BY n $$, partition_by => '{p}',
	  idle_timeout => '1 day', watermark_delay => '7 seconds', allowed_lateness => '0', late_events => 'keep', history_limit => 2);
	SELECT trending.create_trend('all_of_them', $$
	  SELECT window_start, window_end, count(*) AS n FROM clicks, trending.session(at, '3 seconds')
	  GROUP BY window_start, window_end ORDER BY n DESC $$, idle_timeout => '1 day', allowed_lateness => '0');
});
my @trends = qw(visits parted all_of_them);

my $clock = 0;

# Transactions of rows, some of them far behind.
sub clicks
{
	my ($transactions) = @_;
	my $sql = '';
	for (1 .. $transactions)
	{
		$clock += rand() < 0.1 ? int(rand(150)) : int(rand(6));
		my @rows = map {
			my $at = $clock - (rand() < 0.2 ? int(rand(400)) : 0);
			my $user = rand() < 0.05 ? 'NULL' : int(rand(6));
			my $ms = rand() < 0.05 ? 'NULL' : int(rand(10000)) / 100;
			my $page = (qw('a/1' 'a/2' 'b' NULL))[ int(rand(4)) ];
			"($user, $page, '2026-01-01 00:00:00+00'::timestamptz + interval '$at s', $ms)"
		} 1 .. 1 + int(rand(4));
		$sql .= 'INSERT INTO clicks VALUES ' . join(', ', @rows) . ";\n";
	}
	return $sql;
}

is(($node->psql('postgres', q{SELECT trending.recompute('visits', '-infinity', 'infinity')}))[0], 3,
	'nothing to recompute before the first row');

# -- while rows come, and twice at once
$node->safe_psql('postgres', clicks(150));
my $load = clicks(400);
my $writer = IPC::Run::start([ $node->installed_command('psql'), '-XqAt', '-d', $node->connstr('postgres'), '-v', 'ON_ERROR_STOP=1' ],
	'<', \$load, '>', \my $written, '2>', \my $complaints);
my ($other, $errors) = ('', '');
for my $round (1 .. 6)
{
	my $call = join('', map { "SELECT trending.recompute('$_', '-infinity', 'infinity');\n" } @trends);
	my $second = IPC::Run::start([ $node->installed_command('psql'), '-XqAt', '-d', $node->connstr('postgres'), '-v', 'ON_ERROR_STOP=1' ],
		'<', \$call, '>', \$other, '2>', \$errors);
	$node->safe_psql('postgres', $call);
	ok($second->finish, "two at once ($round)") or diag $errors;
}
ok($writer->finish, 'writers are not disturbed') or diag $complaints;

# -- a part of it: sessions that do not reach into that time stay as they are
sync_trends($node, 'postgres');
my $outside = q{SELECT coalesce(md5(string_agg(h::text, '|' ORDER BY h::text)), '') FROM visits_history h WHERE NOT (window_start < '2026-01-01 00:10' AND window_end > '2026-01-01 00:05') AND NOT EXISTS (SELECT FROM (%s) b WHERE b.user_id IS NOT DISTINCT FROM h.user_id AND b.window_start <= h.window_end AND h.window_start <= b.window_end AND b.window_start < '2026-01-01 00:10' AND b.window_end > '2026-01-01 00:05')};
$outside = sprintf($outside, $node->safe_psql('postgres', q{SELECT trending.batch_query('visits')}));
my $before = $node->safe_psql('postgres', $outside);
cmp_ok($node->safe_psql('postgres', q{SELECT trending.recompute('visits', '2026-01-01 00:05', '2026-01-01 00:10')}), '>', 0, 'a part is recomputed');
is($node->safe_psql('postgres', $outside), $before, 'and nothing else');

# -- when all is final and all late rows are kept, everything is as the definition says
$node->safe_psql('postgres', q{INSERT INTO clicks VALUES (1, 'end', '2026-02-01', 1)});
sync_trends($node, 'postgres');
for my $trend (@trends)
{
	ok($node->poll_query_until('postgres', "SELECT count(*) FILTER (WHERE NOT final) = 0 FROM ${trend}_history"), "$trend: all is final");
}
for my $trend (qw(visits parted))
{
	ok($node->poll_query_until('postgres', "SELECT late = (SELECT count(*) FROM ${trend}_late) FROM trending.status WHERE trend = '$trend'"),
		"$trend: late rows are kept")
	  or diag $node->safe_psql('postgres', "SELECT late, (SELECT count(*) FROM ${trend}_late) FROM trending.status WHERE trend = '$trend'");
}
for my $again ('', ' again')
{
	for my $trend (@trends)
	{
		cmp_ok($node->safe_psql('postgres', "SELECT trending.recompute('$trend', '-infinity', 'infinity')"), '>', 0, "$trend: recomputed$again");
		is($node->safe_psql('postgres', "SELECT * FROM trending.verify('$trend') LIMIT 5"), '', "$trend: equals its definition$again");
	}
}
is($node->safe_psql('postgres', q{SELECT sum(n) + 1 = (SELECT count(*) FROM clicks) FROM visits_history}), 't', 'every row is in one session');
for my $trend (qw(visits parted))
{
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM ${trend}_late"), '>', 0, "$trend: rows were late");
	is($node->safe_psql('postgres', "SELECT count(*) FROM ${trend}_late WHERE NOT recomputed AND reason = 'late'"), '0', "$trend: and are marked");
}

# -- rows that are gone from the source are gone from history, and split sessions
$node->safe_psql('postgres', q{DELETE FROM clicks WHERE user_id = 2 OR ms > 90});
$node->safe_psql('postgres', "SELECT trending.recompute('$_', '-infinity', 'infinity')") for @trends;
is($node->safe_psql('postgres', "SELECT * FROM trending.verify('$_') LIMIT 5"), '', "$_: without rows that were deleted") for @trends;

# -- history that cannot be written
$node->safe_psql('postgres', q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '55P03'; END $$;
	CREATE TRIGGER refuse BEFORE INSERT ON visits_history FOR EACH ROW EXECUTE FUNCTION refuse();
	INSERT INTO clicks VALUES (1, 'end', '2026-03-01', 1)});
sync_trends($node, 'postgres');
my ($code, undef, $message) = $node->psql('postgres', q{SELECT trending.recompute('visits', '-infinity', 'infinity')});
like($message, qr/windows of trend "visits" have closed that are not in its history yet/, 'what waits to be written is not passed over');
$node->safe_psql('postgres', q{DROP TRIGGER refuse ON visits_history});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM visits_history WHERE window_start = '2026-02-01'}), 'it is written later');
ok($node->poll_query_until('postgres', q{SELECT trending.recompute('visits', '2026-01-31', 'infinity') = 1}), 'and recomputed');

no_crash_in_log($node);
$node->stop;
done_testing();
