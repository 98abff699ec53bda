# SPDX-License-Identifier: PostgreSQL
# The ranks of the window before beside the current ones, and rankings of the past.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('previous', 'trending.checkpoint_interval' => '1h');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE songs (id int PRIMARY KEY, title text);
	INSERT INTO songs SELECT n, 'Song ' || n FROM generate_series(1, 9) n;
	CREATE TABLE plays (song int, at timestamptz);
	SELECT trending.create_trend('minutes', $$
	  SELECT window_start, window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  label => 'songs.title', history_limit => 3, allowed_lateness => '1 hour', idle_timeout => '1 day');
	SELECT trending.create_trend('sliding', $$
	  SELECT window_end, song, count(*) AS n FROM plays, trending.hop(at, slide => '20 s', size => '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  history_limit => NULL, allowed_lateness => '0', idle_timeout => '1 day');
	SELECT trending.create_trend('unkept', $$
	  SELECT window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$, history_limit => 0, idle_timeout => '1 day');
	SELECT trending.create_trend('patient', $$
	  SELECT window_end, song, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$,
	  watermark_delay => '15 minutes', history_limit => 3, idle_timeout => '1 day');
	SELECT trending.create_trend('keyless_list', $$
	  SELECT window_end, count(*) AS n FROM plays, trending.tumble(at, '1 minute')
	  GROUP BY window_start, window_end, song ORDER BY n DESC $$, idle_timeout => '1 day', allowed_lateness => '0');
});
sync_trends($node, 'postgres');

# Songs at a second after midnight, one play for each mention.
sub play
{
	my ($second, @songs) = @_;
	$node->safe_psql('postgres',
		"INSERT INTO plays SELECT s, timestamptz '2026-01-01 00:00:00+00' + $second * interval '1 s' FROM unnest(ARRAY["
		  . join(',', @songs) . ']) s');
	sync_trends($node, 'postgres');
}

my $top = q{SELECT string_agg(concat_ws(':', rank, key, previous_rank, change), ' ' ORDER BY rank) FROM %s};

sub shows
{
	my ($trend, $expected, $what) = @_;
	my $query = sprintf($top, "trending.top('$trend', 10)");
	ok($node->poll_query_until('postgres', $query, $expected), $what) or diag $node->safe_psql('postgres', $query);
}

play(10, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5);
shows('minutes', '1:1 2:2 3:3 4:4 5:5', 'nothing is known before a window has closed');
play(70, 2, 2, 2, 1, 1, 4, 9);
shows('minutes', '1:2:2:1 2:1:1:-1 3:4 4:9', 'ranks and changes against the best three of the window before');
shows('unkept', '1:2 2:1 3:4 4:9', 'a trend without history has none');
is($node->safe_psql('postgres', sprintf($top, 'trending_top10()')), '1:2:2:1 2:1:1:-1 3:4 4:9', 'so says trending_top10');
$node->safe_psql('postgres', 'CREATE ROLE guest LOGIN; GRANT SELECT ON minutes TO guest');
my @guest = (extra_params => [ '-U', 'guest' ]);
is($node->safe_psql('postgres', sprintf($top, q{trending.top('minutes', 4)}), @guest), '1:2 2:1 3:4 4:9', 'who may not read history sees no rank of it');
$node->safe_psql('postgres', 'GRANT SELECT ON minutes_history TO guest; ALTER TABLE minutes_history ENABLE ROW LEVEL SECURITY');
is($node->safe_psql('postgres', sprintf($top, q{trending.top('minutes', 4)}), @guest), '1:2 2:1 3:4 4:9', 'nor whom its policies keep out');
$node->safe_psql('postgres', 'ALTER TABLE minutes_history DISABLE ROW LEVEL SECURITY');
is($node->safe_psql('postgres', sprintf($top, q{trending.top('minutes', 4)}), @guest), '1:2:2:1 2:1:1:-1 3:4 4:9', 'without them he does');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM minutes_history}), 'the first window alone is in history');

play(50, 9, 9, 9, 9, 9, 9);
shows('minutes', '1:2:3:2 2:1:2:0 3:4 4:9:1:-3', 'a correction of the window before shows');
shows('sliding', '1:9 2:2:2:0 3:1:1:-2 4:4:4:0', 'hopping: against the window before by one slide');

# Looking back.
sub looks_back
{
	my ($trend, $seconds, $expected, $what, $columns) = @_;
	$columns //= q{concat_ws(':', rank, key, value, previous_rank, change)};
	is( $node->safe_psql('postgres', qq{SELECT string_agg($columns, ' ' ORDER BY rank)
		FROM trending.top('$trend', 2, at => timestamptz '2026-01-01 00:00:00+00' + $seconds * interval '1 s')}), $expected, $what);
}
my $windows = q{concat_ws(' ', rank, label, to_char(window_start AT TIME ZONE 'UTC', 'HH24:MI:SS'), to_char(window_end AT TIME ZONE 'UTC', 'HH24:MI:SS'))};
looks_back('minutes', 59, '1:9:6 2:1:5', 'the window of a time in the past, corrected');
looks_back('minutes', 0, '1 Song 9 00:00:00 00:01:00 2 Song 1 00:00:00 00:01:00', 'with labels and bounds', $windows);
looks_back('sliding', 59, '1:1:5:1:0 2:2:4:2:0', 'hopping: of the windows then, the one that ended first');
looks_back('minutes', -60, '', 'before all data there is nothing');

# The same after a crash. No checkpoint by time here: history was written because windows closed.
$node->stop('immediate');
$node->start;
wait_for_worker($node, 'postgres');
shows('minutes', '1:2:3:2 2:1:2:0 3:4 4:9:1:-3', 'the same after a crash');
shows('sliding', '1:9 2:2:2:0 3:1:1:-2 4:4:4:0', 'hopping as well');
$node->restart;
wait_for_worker($node, 'postgres');
shows('minutes', '1:2:3:2 2:1:2:0 3:4 4:9:1:-3', 'and after a restart');

looks_back('minutes', 119, $node->safe_psql('postgres',
	q{SELECT string_agg(concat_ws(':', rank, key, value, previous_rank, change), ' ' ORDER BY rank) FROM trending.top('minutes', 2)}),
	'the window of a time that is current is the live one');

# Windows without data in between: everything is new.
play(1000, 2, 2, 1);
shows('minutes', '1:2 2:1', 'after an empty window everything is new');
play(1030, 5, 5, 5, 5);
shows('sliding', '1:5 2:2:1:-1 3:1:2:-1', 'hopping: the window before');
looks_back('sliding', 1019, '1:2:2 2:1:1', 'and a look at that one');
looks_back('minutes', 119, '1:2:3:3:2 2:1:2:2:0', 'a closed window has its ranks before, too');
looks_back('minutes', 500, '', 'a window without data is empty');

sub refuses
{
	my ($query, $pattern, $what, $role) = @_;
	my ($status, $out, $error) = $node->psql('postgres', $query, defined $role ? (extra_params => [ '-U', $role ]) : ());
	like($error, $pattern, $what);
}
refuses(q{SELECT trending.top('minutes', 3, at => '2026-01-02 00:00+00')}, qr/has not come to this time yet.*Its current window is 2026-01-01 00:17:00/s, 'the future');
refuses(q{SELECT trending.top('minutes', 3, at => 'infinity')}, qr/no window contains this time/, 'no time at all');
refuses(q{SELECT trending.top('minutes', -3, at => '2026-01-01')}, qr/k must not be negative/, 'a negative k');
refuses(q{SELECT trending.top('unkept', 3, at => '2026-01-01 00:00+00')}, qr/trend "unkept" keeps no history.*history_limit greater than 0/s, 'no history');
refuses(q{SELECT trending.top('keyless_list', 3, at => '2026-01-01 00:00+00')}, qr/the history of trend "keyless_list" lacks its keys/, 'no keys');
refuses(q{SELECT trending.top('patient', 3, at => '2026-01-01 00:16:30+00')}, qr/is not closed yet.*watermark_delay/s, 'closed later');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.top('patient', 3, at => '2026-01-01 00:00:30+00')}), '3', 'closed earlier');
$node->safe_psql('postgres', 'CREATE ROLE reader LOGIN; GRANT SELECT ON minutes TO reader; GRANT SELECT ON songs TO reader');
refuses(q{SELECT trending.top('minutes', 3, at => '2026-01-01 00:00+00')}, qr/permission denied for table minutes_history/, q{the caller's rights}, 'reader');
$node->safe_psql('postgres', 'GRANT SELECT ON minutes_history TO reader');
is($node->safe_psql('postgres', q{SELECT count(*) FROM trending.top('minutes', 9, at => '2026-01-01 00:00+00')}, extra_params => [ '-U', 'reader' ]),
	'3', 'which can be granted; no more than history keeps');
play(1080, 7);
shows('minutes', '1:7', 'new in this window');
play(1090, 5, 5);
shows('minutes', '1:5:1:0 2:7', 'and one that stayed');
shows('keyless_list', '1:5:1:0 2:7', 'keys that the select list lacks');
$node->poll_query_until('postgres', q{SELECT max(window_end) = '2026-01-01 00:18+00' FROM keyless_list_history}) or die 'not written';
$node->restart;
wait_for_worker($node, 'postgres');
shows('keyless_list', '1:5 2:7', 'cannot be read back from history');
shows('minutes', '1:5:1:0 2:7', 'others can');

$node->safe_psql('postgres', 'TRUNCATE plays');
play(1200, 3);
shows('minutes', '1:3', 'TRUNCATE begins again');

$node->safe_psql('postgres', 'DROP TABLE sliding_history');
refuses(q{SELECT trending.top('sliding', 3, at => '2026-01-01 00:00+00')}, qr/the history table of trend "sliding" was dropped/, 'a table that is gone');

no_crash_in_log($node);
$node->stop;
done_testing();
