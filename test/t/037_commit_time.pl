# SPDX-License-Identifier: PostgreSQL
# Commit time as event time: equal to what the server keeps, to the microsecond, however a row was written and
# whatever is killed meanwhile; and what becomes of it where the server keeps none, or not any more.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my %settings = ('trending.checkpoint_interval' => '1s', restart_after_crash => 'on', max_prepared_transactions => 5, autovacuum => 'off');
my $node = trending_node('commit_time', %settings, track_commit_timestamp => 'on');
$node->safe_psql(
	'postgres', q{
	CREATE EXTENSION trending;
	CREATE TABLE clicks (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, page int);
	CREATE TABLE parts (id bigint, page int) PARTITION BY RANGE (page);
	CREATE TABLE parts_low (page int, id bigint);
	ALTER TABLE parts ATTACH PARTITION parts_low FOR VALUES FROM (MINVALUE) TO (5);
	CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (5) TO (MAXVALUE);
	INSERT INTO clicks (page) SELECT n % 10 FROM generate_series(1, 100) n;
	INSERT INTO parts SELECT n, n % 10 FROM generate_series(1, 100) n;
} . $TrendingTest::difference_function);

my ($out, $err) = ('', '');
$node->psql(
	'postgres', q{
	SELECT trending.create_trend('windows', $$
	  SELECT window_start, window_end, page, count(*) AS n, sum(id) AS ids
	  FROM clicks c, trending.hop(trending.commit_time(c.xmin), '1 s', '3 s')
	  GROUP BY window_start, window_end, page ORDER BY n DESC $$, history_limit => NULL, idle_timeout => '1 s');
	SELECT trending.create_trend('visits', $$
	  SELECT window_start, window_end, page, count(*) AS n
	  FROM clicks, trending.session(trending.commit_time(xmin), '200 milliseconds')
	  WHERE page < 5 GROUP BY window_start, window_end, page ORDER BY n DESC $$, history_limit => NULL, idle_timeout => '1 s',
	  allowed_lateness => '1 minute');
	SELECT trending.create_trend('partitioned', $$
	  SELECT window_start, window_end, page, count(*) AS n
	  FROM parts, trending.tumble(trending.commit_time(xmin), '2 s', zone => NULL)
	  GROUP BY window_start, window_end, page ORDER BY n DESC $$, history_limit => NULL, idle_timeout => '1 s');
	SELECT trending.track('clicks', 'page', size => '1 hour', slide => '1 minute');
	}, on_error_stop => 1, stdout => \$out, stderr => \$err);
is($out, "windows\nvisits\npartitioned\ntop_clicks", 'created');
like($err, qr/NOTICE:  updates and deletes of rows of "clicks" will not reach trend "windows"\nDETAIL:  The old version of a row does not say when/, 'its limit is told');
my @trends = qw(windows partitioned);

sub equal
{
	my ($what) = @_;
	sync_trends($node, 'postgres');
	# History follows a little later; sessions by the committed time itself.
	for my $trend (@trends)
	{
		ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM differences('$trend')"), "$what: $trend equals its definition")
		  or diag $node->safe_psql('postgres', "SELECT * FROM differences('$trend')");
	}
	is($node->safe_psql('postgres', q{SELECT * FROM trending.verify('visits')}), '', "$what: the open sessions are equal to the microsecond");
	is($node->safe_psql('postgres', q{SELECT * FROM trending.verify('top_clicks')}), '', "$what: top_clicks is equal");
}
equal('filled');

# Rows of all kinds of transactions.
sub write_all
{
	my ($round) = @_;
	$node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (1); INSERT INTO clicks (page) SELECT n % 10 FROM generate_series(1, 2000) n');
	$node->safe_psql('postgres', q{BEGIN; INSERT INTO clicks (page) VALUES (2); SAVEPOINT a; INSERT INTO clicks (page) VALUES (3);
		INSERT INTO parts VALUES (0, 3), (0, 7); SAVEPOINT b; INSERT INTO clicks (page) VALUES (4); ROLLBACK TO b; INSERT INTO clicks (page) VALUES (5);
		RELEASE a; SELECT pg_sleep(0.01); COMMIT});
	$node->safe_psql('postgres', q{DO $$ BEGIN FOR n IN 1 .. 80 LOOP
		BEGIN INSERT INTO clicks (page) VALUES (n % 10); IF n % 3 = 0 THEN RAISE 'undone'; END IF; EXCEPTION WHEN raise_exception THEN NULL; END;
		END LOOP; END $$});
	$node->safe_psql('postgres', "BEGIN; INSERT INTO clicks (page) VALUES (6); SAVEPOINT a; INSERT INTO clicks (page) VALUES (1); PREPARE TRANSACTION 'p$round'");
	$node->safe_psql('postgres', 'BEGIN; INSERT INTO clicks (page) VALUES (7); ROLLBACK');
	$node->safe_psql('postgres', "COMMIT PREPARED 'p$round'");
	$node->safe_psql('postgres', 'INSERT INTO parts SELECT n, n % 10 FROM generate_series(1, 500) n');
	$node->safe_psql('postgres', "COPY clicks (page) FROM PROGRAM 'seq 1 9'");
}
write_all(1);
equal('written');
my $xids = $node->safe_psql('postgres', 'SELECT count(DISTINCT xmin::text), count(DISTINCT trending.commit_time(xmin)) FROM clicks');
my ($count, $times) = split /\|/, $xids;
cmp_ok($count, '>', $times + 40, 'subtransactions have xids of their own and the time of their transaction');
is($node->safe_psql('postgres', 'SELECT count(*) FROM clicks WHERE trending.commit_time(xmin) IS DISTINCT FROM pg_xact_commit_timestamp(xmin)'), '0',
	'trending.commit_time is the server\'s');

# The slot is dropped while no worker runs; then something happens.
sub lose_slot
{
	my ($meanwhile) = @_;
	$node->stop;
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
	$node->start;
	$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE plugin = 'trending'});
	$meanwhile->();
	$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'trending'");
	$node->restart;
	wait_for_worker($node, 'postgres');
}

# Crashes and restarts.
for my $round (2 .. 4)
{
	write_all($round);
	my $load = IPC::Run::start([ 'psql', '-Xq', '-h', $node->host, '-p', $node->port, 'postgres', '-c',
			q{DO $$ BEGIN FOR n IN 1 .. 400 LOOP INSERT INTO clicks (page) VALUES (n % 10); COMMIT; END LOOP; END $$} ], '>', \$out, '2>', \$err);
	sleep(0.1 * $round);
	if ($round == 2) { kill 'KILL', worker_pid($node, 'postgres') }
	elsif ($round == 3) { $node->kill9 }
	$load->finish;
	if ($round == 3) { start_again($node) }
	elsif ($round == 4) { $node->restart }
	$node->poll_query_until('postgres', 'SELECT true');
	wait_for_worker($node, 'postgres');
	equal("round $round");
}

# What was made elsewhere keeps the time that it has from there; without one it has its own.
# (Until a crash: on replay the server takes the missing time of the origin all the same.)
$node->safe_psql('postgres', q{SELECT pg_replication_origin_create('far')});
for my $direct ('on', 'off')
{
	$node->safe_psql('postgres', "ALTER SYSTEM SET trending.direct_replay = $direct");
	$node->reload;
	$node->safe_psql('postgres', q{SELECT pg_replication_origin_session_setup('far');
		INSERT INTO clicks (page) VALUES (3);
		BEGIN; SELECT pg_replication_origin_xact_setup('0/1', clock_timestamp() - interval '20 s'); INSERT INTO clicks (page) VALUES (2); COMMIT});
	is($node->safe_psql('postgres', q{SELECT count(*) FROM clicks WHERE trending.commit_time(xmin) < now() - interval '100 days'}), '0', 'times are of today');
	equal("origins, direct replay $direct");
}
is($node->safe_psql('postgres', 'SELECT sum(late + ahead + null_time + failed + out_of_range) FROM trending.status'), '0', 'nothing was refused');

# The slot is lost while windows close.
lose_slot(sub { for (1 .. 5) { write_all("x$_"); sleep(0.5) } });
ok(log_says($node, qr/Its replication slot is missing/), 'the slot is missing');
ok($node->poll_query_until('postgres', q{SELECT bool_and(state = 'running') FROM trending.status}), 'the trends run again');
equal('refilled');
is($node->safe_psql('postgres', q{SELECT count(*) FROM windows_history h WHERE NOT final}) > 0 ? 1 : 0, 1, 'the windows that closed meanwhile are in history');

# Updates and deletes cannot be retracted.
is($node->safe_psql('postgres', q{SELECT bool_or(retractable), sum(unretracted) FROM trending.status}), 'f|0', 'no trend can retract rows');
$node->safe_psql('postgres', 'UPDATE parts SET id = -id WHERE id = 1; DELETE FROM parts WHERE id = 2');
sync_trends($node, 'postgres');
cmp_ok($node->safe_psql('postgres', q{SELECT unretracted FROM trending.status WHERE trend = 'partitioned'}), '>=', 2, 'they are counted');

# Commit times that the server has forgotten.
$node->safe_psql('postgres', q{
	SELECT trending.create_trend('brief', $$
	  SELECT window_start, window_end, page, count(*) AS n FROM clicks, trending.tumble(trending.commit_time(xmin), '1 s')
	  GROUP BY window_start, window_end, page ORDER BY n DESC $$, history_limit => NULL, idle_timeout => '1 s', allowed_lateness => '0')});
sync_trends($node, 'postgres');
my $before = $node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (1); SELECT clock_timestamp()');
ok($node->poll_query_until('postgres', "SELECT bool_and(final) AND max(window_end) > '$before'::timestamptz - interval '1 s' FROM brief_history"), 'final windows');
$node->safe_psql('postgres', 'ALTER DATABASE template0 ALLOW_CONNECTIONS true');
# The worker's slot holds catalogs back until it has met what the server writes with its checkpoints.
my $forgotten = 0;
for (1 .. 100)
{
	$node->safe_psql('postgres', 'CHECKPOINT; SELECT trending.sync(); ');
	system_or_bail('vacuumdb', '--all', '--freeze', '-q', '-h', $node->host, '-p', $node->port);
	$forgotten = $node->safe_psql('postgres', 'SELECT count(*) FROM clicks WHERE trending.commit_time(xmin) IS NULL');
	last if $forgotten > 0;
	sleep(0.5);
}
cmp_ok($forgotten, '>', 0, 'the commit times of frozen rows are forgotten');
my $after = $node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (1); SELECT clock_timestamp()');
is($node->safe_psql('postgres', 'SELECT trending.commit_time(xmin) IS NOT NULL FROM clicks ORDER BY id DESC LIMIT 1'), 't', 'those of others are not');
my $stored = $node->safe_psql('postgres', 'SELECT count(*) FROM brief_history');
my ($status, $nothing, $refusal) = $node->psql('postgres', "SELECT trending.recompute('brief', '$before'::timestamptz - interval '1 h', now())");
like($refusal, qr/ERROR:  windows from before .* cannot be recomputed\n.*DETAIL:  Commit times from before are not known/s, 'recompute refuses what it would lose');
is($node->safe_psql('postgres', "SELECT count(*) FROM brief_history WHERE window_end <= '$after'") >= $stored ? 1 : 0, 1, 'and nothing is lost');
is($node->safe_psql('postgres', q{SELECT part, found_in FROM trending.verify('brief') WHERE part = 'history'}), '', 'verify compares what can be compared');
ok($node->poll_query_until('postgres', "SELECT max(window_end) > '$after'::timestamptz AND bool_and(final) FROM brief_history"), 'another window is final');
cmp_ok($node->safe_psql('postgres', "SELECT trending.recompute('brief', '$after'::timestamptz, now())"), '>=', '0', 'later windows can be recomputed');

# The server keeps none any more: trends go on; a query says so; what is refilled begins with the rows to come.
$node->safe_psql('postgres', 'ALTER SYSTEM SET track_commit_timestamp = off');
$node->restart;
wait_for_worker($node, 'postgres');
my $counted = q{SELECT sum(count) FROM top_clicks};
my $n = $node->safe_psql('postgres', $counted);
$node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (1), (2), (3)');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counted), $n + 3, 'counting goes on without');
($status, $nothing, $refusal) = $node->psql('postgres', "SELECT * FROM trending.verify('top_clicks')");
like($refusal, qr/could not get commit timestamp data\n.*HINT:.*track_commit_timestamp/s, 'verify cannot do without');
$node->safe_psql('postgres', 'TRUNCATE clicks');
sync_trends($node, 'postgres');
ok($node->poll_query_until('postgres', q{SELECT state = 'running' AND reason ~ 'the server does not keep commit times' FROM trending.status WHERE trend = 'top_clicks'}),
	'the status says what is missing after TRUNCATE');
$node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (1), (2), (3)');
sync_trends($node, 'postgres');
is($node->safe_psql('postgres', $counted), 3, 'and counting begins again');
my $kept = $node->safe_psql('postgres', q{SELECT count(*) FROM windows_history WHERE final});
lose_slot(sub { $node->safe_psql('postgres', 'INSERT INTO clicks (page) VALUES (4)') });
ok($node->poll_query_until('postgres', q{SELECT state = 'running' AND reason ~ 'the server does not keep commit times' FROM trending.status WHERE trend = 'top_clicks'}),
	'nor is the trend stopped when its slot is lost');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM windows_history WHERE final}), '>=', $kept, 'history stays');

no_crash_in_log($node);
$node->stop;

# A server that never kept any.
my $plain = trending_node('plain', %settings);
$plain->safe_psql('postgres', q{CREATE EXTENSION trending; CREATE TABLE clicks (page int); INSERT INTO clicks VALUES (1), (2)});
($status, $nothing, $refusal) = $plain->psql('postgres', q{SELECT trending.track('clicks', 'page')});
like($refusal, qr/ERROR:  the commit times of the rows in "clicks" are not known\nDETAIL:  The server does not keep commit times.\nHINT:  Set track_commit_timestamp = on .* backfill => false/, 'the rows that are there cannot be counted');
$plain->safe_psql('postgres', q{SELECT trending.create_trend('pages', $$
	  SELECT window_start, window_end, page, count(*) AS n FROM clicks, trending.tumble(trending.commit_time(xmin), '1 hour')
	  GROUP BY window_start, window_end, page ORDER BY n DESC $$, backfill => false)});
sync_trends($plain, 'postgres');
$plain->safe_psql('postgres', 'INSERT INTO clicks SELECT n % 2 FROM generate_series(1, 10) n');
sync_trends($plain, 'postgres');
my $shown = $plain->safe_psql('postgres', 'SELECT sum(n) FROM pages');
cmp_ok($shown, '<=', 10, 'those to come can');
is($plain->safe_psql('postgres', 'SELECT events FROM trending.status'), 10, 'all of them');
$plain->kill9;
start_again($plain);
wait_for_worker($plain, 'postgres');
sync_trends($plain, 'postgres');
is($plain->safe_psql('postgres', 'SELECT events, late FROM trending.status'), '10|0', 'each once after a crash');
no_crash_in_log($plain);
$plain->stop;
done_testing();
