# SPDX-License-Identifier: PostgreSQL
# Reading while everything else happens: writers, the worker going down and coming back, trends made and dropped.
# And reading where no worker can be.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('reading');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE view_events (post_id bigint, region text, viewed_at timestamptz NOT NULL DEFAULT now());
	SELECT trending.create_trend('top_posts', $$
	  SELECT window_end, post_id, count(*) AS views FROM view_events, trending.hop(viewed_at, '1 second', '5 seconds')
	  GROUP BY window_start, window_end, post_id ORDER BY views DESC$$);
	SELECT trending.create_trend('by_region', $$
	  SELECT window_end, region, post_id, count(*) AS views
	  FROM view_events, trending.hop(viewed_at, '1 second', '5 seconds')
	  GROUP BY window_start, window_end, region, post_id ORDER BY views DESC, region DESC$$);
	SELECT trending.sync();

	-- Fails unless every statement sees one commit boundary.
	CREATE FUNCTION check_reads(k int) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	  rows bigint; ranks bigint; last bigint; windows bigint; ordered bool; found bigint;
	BEGIN
	  SELECT count(*), count(DISTINCT rank), coalesce(max(rank), 0), count(DISTINCT window_end)
	  INTO rows, ranks, last, windows FROM by_region;
	  IF rows <> ranks OR rows <> last OR windows > 1 THEN RAISE 'torn: % % % %', rows, ranks, last, windows; END IF;
	  SELECT count(*), coalesce(bool_and(views <= before), true) INTO rows, ordered
	  FROM (SELECT views, lag(views) OVER (ORDER BY rank) AS before FROM top_posts WHERE rank <= k) x;
	  IF rows > k OR NOT ordered THEN RAISE 'not the best %: % %', k, rows, ordered; END IF;
	  SELECT count(*) INTO found FROM top_posts WHERE post_id IN (k, k + 1, k, NULL);
	  IF found > 2 THEN RAISE 'a key twice'; END IF;
	  PERFORM * FROM trending_top10('top_posts');
	  PERFORM trending.rank('by_region', 'r1', k::text);
	  PERFORM trending.watch('top_posts', 0, '1 ms');
	END $$;
});

my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/write.sql", q{
INSERT INTO view_events (post_id, region) SELECT (random() * random() * 1000)::int, 'r' || (random() * 10)::int FROM generate_series(1, 20);
});
append_to_file("$folder/read.sql", "\\set k random(1, 200)\nSELECT check_reads(:k);\n");
append_to_file("$folder/change.sql", q{
SELECT trending.create_trend('passing', 'SELECT window_end, region, count(*) AS views FROM view_events, trending.hop(viewed_at, ''1 second'', ''5 seconds'') GROUP BY window_start, window_end, region ORDER BY views DESC');
SELECT trending.sync('240 s');
SELECT * FROM passing WHERE rank < 3;
SELECT trending.drop_trend('passing');
});

my %load;
for ([ 'write', 2, 'simple' ], [ 'change', 1, 'simple' ], [ 'read', 2, 'simple' ], [ 'read', 2, 'prepared' ])
{
	my ($script, $clients, $mode) = @$_;
	my $run = { out => '', err => '' };
	$run->{handle} = IPC::Run::start(
		[
			'pgbench', '-n', '-f', "$folder/$script.sql", '-T', 8, '-c', $clients, '-M', $mode,
			'-h', $node->host, '-p', $node->port, 'postgres'
		],
		'>', \$run->{out}, '2>', \$run->{err});
	$load{"$script, $mode"} = $run;
}
for (1 .. 2)
{
	sleep 2;
	$node->psql('postgres', 'SELECT pg_terminate_backend(pid) FROM trending.worker_status');
}
for my $name (sort keys %load)
{
	ok($load{$name}->{handle}->finish, "no client failed ($name)") or diag($load{$name}->{err});
}

# Without the library preloaded: planning works, reading says what to do.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
like($node->safe_psql('postgres', 'EXPLAIN SELECT * FROM top_posts WHERE rank <= 10'), qr/Rank Cond/, 'EXPLAIN needs no worker');
for my $read ('SELECT * FROM top_posts', 'SELECT * FROM trending_top10()', q{SELECT trending.rank('top_posts', '1')},
	'SELECT trending.sync()', q{SELECT trending.watch('top_posts')})
{
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$read");
	like($err, qr/55000: .*HINT:  Add trending to shared_preload_libraries/s, $read);
}
is($node->safe_psql('postgres', q{SELECT state FROM trending.status WHERE trend = 'top_posts'}),
	'worker down', 'the status says so too');

no_crash_in_log($node);
$node->stop;
done_testing();
