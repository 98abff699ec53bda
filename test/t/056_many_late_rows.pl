# SPDX-License-Identifier: PostgreSQL
# Late rows that wait to be written are bounded for an owner, however many trends he has: the worker keeps within its
# memory, and the others go on.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('late_rows', 'trending.worker_memory_limit' => "'300MB'", 'trending.checkpoint_interval' => '1s', fsync => 'off');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending; CREATE ROLE mallory LOGIN; CREATE SCHEMA m AUTHORIZATION mallory;
	CREATE TABLE good (k int, at timestamptz);
	SELECT trending.create_trend('good_ones', 'SELECT k, count(*) AS n FROM good GROUP BY k ORDER BY n DESC');
	SELECT trending.create_trend('good_minutes', 'SELECT window_start, window_end, k, count(*) AS n FROM good, trending.tumble(at, $$1 minute$$) GROUP BY 1, 2, 3 ORDER BY n DESC',
	  late_events => 'keep', allowed_lateness => '0', idle_timeout => '1 day')});
$node->safe_psql(
	'postgres', q{
	CREATE TABLE m.l (k int, at timestamptz, pad text);
	DO $$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM trending.create_trend('m.l' || i,
	  'SELECT window_start, window_end, k, count(*) AS n FROM m.l, trending.tumble(at, ''1 minute'') GROUP BY 1, 2, 3 ORDER BY n DESC',
	  late_events => 'keep', allowed_lateness => '0', idle_timeout => '1 day', history_limit => 0);
	END LOOP; END $$;
	INSERT INTO m.l VALUES (1, '2026-01-02 00:00+00', '')}, extra_params => [ '-U', 'mallory' ]);
sync_trends($node, 'postgres');
my $worker = worker_pid($node, 'postgres');

# One transaction, so no checkpoint can come in between: 500 MB in twelve trends.
$node->safe_psql('postgres', q{INSERT INTO m.l SELECT 1, '2026-01-01 00:00+00', repeat(md5(i::text), 100000) FROM generate_series(1, 13) i},
	extra_params => [ '-U', 'mallory' ]);
$node->safe_psql('postgres', "INSERT INTO good VALUES (1, '$_ 00:00+00')") for '2026-01-02', '2026-01-01';
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', 'SELECT n FROM good_ones'), '2', 'the trends of others go on');
is(worker_pid($node, 'postgres'), $worker, 'by the same worker');
is($node->safe_psql('postgres', q{SELECT sum(late) FROM trending.status WHERE trend LIKE 'm.l%'}), 12 * 13, 'all late rows are counted');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM good_minutes_late}), 'a late row of another owner is kept');
like($node->safe_psql('postgres', q{SELECT string_agg(reason, ' ') FROM trending.status WHERE trend LIKE 'm.l%'}), qr/more late rows came at once than can be kept/,
	'the status says that some were not kept');
my $kept = q{SELECT sum((xpath('/row/c/text()', query_to_xml('SELECT count(*) AS c FROM m.l' || i || '_late', false, true, '')))[1]::text::int) FROM generate_series(1, 12) i};
ok($node->poll_query_until('postgres', "SELECT ($kept) BETWEEN 1 AND 100"), 'some were') or diag $node->safe_psql('postgres', $kept);

# The next ones have room again.
$node->safe_psql('postgres', q{INSERT INTO m.l VALUES (2, '2026-01-01 00:00+00', 'x')}, extra_params => [ '-U', 'mallory' ]);
sync_trends($node, 'postgres');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM m.l7_late WHERE row ->> 'pad' = 'x'}), 'later there is room again');

no_crash_in_log($node);
$node->stop;
done_testing();
