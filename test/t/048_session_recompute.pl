# SPDX-License-Identifier: PostgreSQL
# trending.recompute of sessions: late rows join sessions, also such that are far apart, while rows come; twice at
# once; of a part of history, whose neighbours stay. The oracle is trending.verify.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;
use TrendingTest;

my $seed = random_seed();
srand($seed);

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
	SELECT trending.create_trend('picky', $$
	  SELECT window_start, window_end, user_id, count(*) AS n, count(DISTINCT page) AS pages
	  FROM clicks, trending.session(at, '30 seconds') GROUP BY window_start, window_end, user_id
	  HAVING count(DISTINCT page) >= 2 ORDER BY pages DESC $$, idle_timeout => '1 day', allowed_lateness => '5 seconds', notify_channel => NULL);
});
my @trends = qw(visits parted all_of_them picky);

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

sync_trends($node, 'postgres');

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

# -- a part of it: sessions that do not reach into that time stay as they are, unless they share their bounds
$node->safe_psql('postgres', q{
	CREATE TABLE few (who text, at timestamptz);
	SELECT trending.create_trend('some', $$
	  SELECT window_start, window_end, who, count(*) AS n FROM few, trending.session(at, '1 minute')
	  GROUP BY window_start, window_end, who ORDER BY n DESC $$, idle_timeout => '1 day', allowed_lateness => '0');
});
sync_trends($node, 'postgres');
$node->safe_psql('postgres', q{
	INSERT INTO few VALUES ('early', '2026-01-01 10:00:00+00'), ('early', '2026-01-01 10:00:30+00'), ('late', '2026-01-01 11:00:00+00'),
	  ('late', '2026-01-01 11:01:30+00'), ('other', '2026-01-01 11:00:00+00'), ('other', '2026-01-01 11:03:00+00'), ('last', '2026-01-01 12:00:00+00');
});
ok($node->poll_query_until('postgres', 'SELECT count(*) = 5 FROM some_history WHERE final'), 'sessions are final');
$node->safe_psql('postgres', q{INSERT INTO few VALUES ('early', '2026-01-01 10:01:00+00'), ('late', '2026-01-01 11:00:45+00'), ('other', '2026-01-01 11:02:30+00')});
sync_trends($node, 'postgres');
my $some = q{SELECT string_agg(format('%s %s-%s %s@%s', who, to_char(window_start AT TIME ZONE 'UTC', 'HH24:MI:SS'), to_char(window_end AT TIME ZONE 'UTC', 'HH24:MI:SS'), n, rank), ', ' ORDER BY window_start, window_end, who) FROM some_history};
is($node->safe_psql('postgres', $some), 'early 10:00:00-10:01:30 2@1, late 11:00:00-11:01:00 1@1, other 11:00:00-11:01:00 1@2, late 11:01:30-11:02:30 1@1, other 11:03:00-11:04:00 1@1',
	'before late rows are taken in');
is($node->safe_psql('postgres', q{SELECT trending.recompute('some', '2026-01-01 11:02:00+00', '2026-01-01 11:02:10+00')}), '2', 'a part is recomputed');
is($node->safe_psql('postgres', $some), 'early 10:00:00-10:01:30 2@1, other 11:00:00-11:01:00 1@1, late 11:00:00-11:02:30 3@1, other 11:03:00-11:04:00 1@1',
	'what reaches into it, and the rank of what shared bounds with that');
is($node->safe_psql('postgres', q{SELECT trending.recompute('some', '2026-01-01', '2026-01-02')}), '4', 'all of it');
is($node->safe_psql('postgres', $some), 'early 10:00:00-10:02:00 3@1, other 11:00:00-11:01:00 1@1, late 11:00:00-11:02:30 3@1, other 11:02:30-11:04:00 2@1', 'the rest');
sync_trends($node, 'postgres');

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
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never run'; END $$;
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
