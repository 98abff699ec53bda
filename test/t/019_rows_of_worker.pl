# SPDX-License-Identifier: PostgreSQL
# Trends over what the worker itself writes: another trend's history, late rows and alerts.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('rows_of_worker', 'trending.checkpoint_interval' => '1s', 'restart_after_crash' => 'on');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE src (k int, at timestamptz, note text);
	ALTER TABLE src REPLICA IDENTITY FULL;
	SELECT trending.create_trend('low', $$
	  SELECT window_start, window_end, k, count(*) AS n FROM src, trending.tumble(at, '1 minute')
	  GROUP BY 1, 2, 3 HAVING count(*) > 1 ORDER BY n DESC $$, idle_timeout => '9000 days', history_limit => NULL,
	  late_events => 'keep', allowed_lateness => '5 minutes', retention => '2 hours');
	SELECT trending.create_trend('mid', $$
	  SELECT w.window_start, w.window_end, k, sum(n) AS total, count(*) AS minutes FROM low_history h, trending.tumble(h.window_end, '10 minutes') w
	  GROUP BY 1, 2, 3 ORDER BY total DESC $$, idle_timeout => '9000 days', history_limit => NULL);
});
sync_trends($node, 'postgres');
$node->safe_psql(
	'postgres', q{
	SELECT trending.create_trend('high', 'SELECT k, sum(total) AS s, count(*) AS c FROM mid_history GROUP BY k ORDER BY s DESC');
	SELECT trending.create_trend('over_history', 'SELECT k, final AS done, sum(n) AS s, count(*) AS c FROM low_history GROUP BY k, final ORDER BY s DESC');
	SELECT trending.create_trend('over_alerts', 'SELECT k, count(*) AS c, max(n) AS m FROM low_alerts GROUP BY k ORDER BY c DESC');
	SELECT trending.create_trend('over_late', $$
	  SELECT l.reason, l.row ->> 'k' AS k, count(*) AS c FROM low_late l GROUP BY 1, 2 ORDER BY c DESC $$);
});
sync_trends($node, 'postgres');

# The rows of each trend beside its definition run as a query.
my %queries = (
	high => 'SELECT k, sum(total), count(*) FROM mid_history GROUP BY k',
	over_history => 'SELECT k, final, sum(n), count(*) FROM low_history GROUP BY k, final',
	over_alerts => 'SELECT k, count(*), max(n) FROM low_alerts GROUP BY k',
	over_late => q{SELECT reason, "row" ->> 'k', count(*) FROM low_late GROUP BY 1, 2});

my @verified = ('mid', sort keys %queries);

sub differences_found
{
	my $found = '';
	sync_trends($node, 'postgres');
	for my $trend (sort keys %queries)
	{
		my $columns = { over_history => 'k, done, s, c', begun_later => 'k, done, s, c', high => 'k, s, c', over_alerts => 'k, c, m', over_late => 'reason, k, c' }->{$trend};
		$found .= "$trend: $_\n" for split /\n/, $node->safe_psql('postgres', qq{
			(SELECT 'live', $columns FROM $trend EXCEPT ALL SELECT 'live', q.* FROM ($queries{$trend}) q)
			UNION ALL (SELECT 'query', q.* FROM ($queries{$trend}) q EXCEPT ALL SELECT 'query', $columns FROM $trend)});
	}
	for my $trend (@verified)
	{
		$found .= "verify $trend: $_\n" for split /\n/, $node->safe_psql('postgres', "SELECT * FROM trending.verify('$trend')");
	}
	return $found;
}

# Rows of some minutes: in all of them groups 1 to 5, each several times.
sub feed
{
	my ($from, $to) = @_;
	for my $minute ($from .. $to - 1)
	{
		$node->safe_psql('postgres', "INSERT INTO src SELECT k, '2026-01-01 00:00:10+00'::timestamptz + $minute * interval '1 minute'
			FROM generate_series(1, 5) k, generate_series(1, 1 + k) n WHERE $minute % k = 0");
	}
	sync_trends($node, 'postgres');
}

sub written
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what);
}

feed(0, 25);
written(q{SELECT max(window_end) = '2026-01-01 00:24:00+00' FROM low_history}, 'the lower trend has its history');
written(q{SELECT count(*) > 0 FROM mid_history}, 'so has the one over it');
is(settled(\&differences_found), '', 'three levels are equal');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM over_alerts'), '>', 0, 'and alerts');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM high'), '>', 0, 'and none is empty');

# What is corrected, refused, recomputed and removed.
$node->safe_psql('postgres', q{
	INSERT INTO src SELECT 2, '2026-01-01 00:22:30+00' FROM generate_series(1, 7);
	DELETE FROM src WHERE k = 3 AND at > '2026-01-01 00:20:00+00'});
written(q{SELECT count(*) = 1 FROM low_history WHERE window_end = '2026-01-01 00:23:00+00' AND k = 2 AND n >= 7}, 'a correction comes');
$node->safe_psql('postgres', q{INSERT INTO src VALUES (1, '2026-01-01 00:02:00+00'), (1, '2026-01-01 00:02:00+00'), (4, NULL)});
written(q{SELECT count(*) = 3 FROM low_late}, 'and late rows');
is(settled(\&differences_found), '', 'equal after both');
is($node->safe_psql('postgres', q{SELECT count(*) FROM over_late WHERE c > 0}), '2', 'late rows are counted by their document');
# A final window of the trend above keeps what it was, as with any source, until it is recomputed, too.
$node->safe_psql('postgres', q{SELECT trending.recompute('low', '2026-01-01 00:00+00', '2026-01-01 00:10+00')});
$node->safe_psql('postgres', q{SELECT trending.recompute('mid', '2026-01-01 00:00+00', '2026-01-01 00:10+00')});
is(settled(\&differences_found), '', 'equal after windows were recomputed');

# Begun in the middle, beside checkpoints.
$node->safe_psql('postgres', q{SELECT trending.create_trend('begun_later', 'SELECT k, final AS done, sum(n) AS s, count(*) AS c FROM low_history GROUP BY k, final ORDER BY s DESC')});
feed(25, 30);
$queries{begun_later} = $queries{over_history};

# Crashes: of the worker, and of the server.
for my $round (1 .. 3)
{
	feed(20 + 10 * $round, 28 + 10 * $round);
	if ($round == 2) { $node->kill9; start_again($node); wait_for_worker($node, 'postgres') }
	else { my $pid = kill_worker($node, 'postgres'); wait_for_worker($node, 'postgres', $pid) }
	feed(28 + 10 * $round, 30 + 10 * $round);
	my $end = sprintf('2026-01-01 00:%02d:00+00', 29 + 10 * $round);
	written(qq{SELECT max(window_end) = '$end' FROM low_history}, "history goes on ($round)");
	is(settled(\&differences_found), '', "equal after a crash ($round)");
}
my $twice = $node->safe_psql('postgres', q{SELECT count(*) FROM over_history o JOIN begun_later b USING (k, done) WHERE (o.s, o.c) IS DISTINCT FROM (b.s, b.c)});
is($twice, '0', 'the one that began later says the same');

# Published: all tables, those of a schema, one by one. The worker updates and deletes rows of them.
for my $publication ('FOR ALL TABLES', 'FOR TABLES IN SCHEMA trending, public', 'FOR TABLE low_history, mid_history, low_late, low_alerts')
{
	$node->safe_psql('postgres', "CREATE PUBLICATION everything $publication");
	my $minute = $node->safe_psql('postgres', q{SELECT extract(epoch FROM max(window_end) - '2026-01-01 00:00+00')::int / 60 FROM low_history}) + 1;
	feed($minute, $minute + 2);
	$node->safe_psql('postgres', "INSERT INTO src SELECT 2, '2026-01-01 00:00:30+00'::timestamptz + ($minute - 1) * interval '1 minute' FROM generate_series(1, 5)");
	sync_trends($node, 'postgres');
	my $at = "'2026-01-01 00:00+00'::timestamptz + ($minute - 1) * interval '1 minute'";
	written("SELECT count(*) = 1 FROM low_history WHERE window_start = $at AND k = 2 AND n >= 5", "published $publication: a window of history is replaced");
	is($node->safe_psql('postgres', q{SELECT string_agg(concat_ws(': ', trend, reason), ', ') FROM trending.status WHERE reason IS NOT NULL}), '', 'and nothing waits');
	is(settled(\&differences_found), '', 'all is equal');
	$node->safe_psql('postgres', 'DROP PUBLICATION everything');
}

# What retention deletes is retracted, but not from final windows.
@verified = sort keys %queries;
feed(180, 182);
written(q{SELECT max(window_end) = '2026-01-01 03:01:00+00' FROM low_history}, 'hours later');
$node->safe_psql('postgres', q{SELECT trending.expire('low')});
is($node->safe_psql('postgres', q{SELECT count(*) FROM low_history WHERE window_end < '2026-01-01 01:00+00'}), '0', 'old windows go');
is(settled(\&differences_found), '', 'and are retracted');

# A checkpoint that is decoded asks for no other: the database becomes quiet.
my $checkpoints = 'SELECT checkpoint_at FROM trending.worker_status';
is(settled(sub { my $one = $node->safe_psql('postgres', $checkpoints); sleep(3); return $one eq $node->safe_psql('postgres', $checkpoints) ? '' : 'another one' }),
	'', 'checkpoints end');

# A slot of somebody else has these rows, too.
if ($node->safe_psql('postgres', q{SELECT current_setting('output_plugin_libraries', true) IS NOT NULL}) eq 't')
{
	$node->append_conf('postgresql.conf', "output_plugin_libraries = 'trending'");
	$node->reload;
	$node->poll_query_until('postgres', q{SELECT current_setting('output_plugin_libraries') = 'trending'}) or die 'not reloaded';
}
$node->safe_psql('postgres', q{SELECT pg_create_logical_replication_slot('other', 'trending')});
feed(190, 192);
written(q{SELECT max(window_end) = '2026-01-01 03:11:00+00' FROM low_history}, 'a window for a slot of somebody else');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_logical_slot_get_changes('other', NULL, NULL) WHERE data::jsonb ->> 'table' = 'public.low_history'}),
	'>', 0, 'which has it');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('other')});

is($node->safe_psql('postgres', q{SELECT string_agg(c.relname, ',') FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'trending'::regnamespace
	AND c.relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)}), '', 'all our tables can be published');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname IN ('low_history', 'low_late', 'low_alerts') AND relreplident = 'f'}), '3',
	'and those of trends');

no_crash_in_log($node);
$node->stop;
done_testing();
