# SPDX-License-Identifier: PostgreSQL
# Rows that come and go without being written: TRUNCATE, partitions that are attached, detached, dropped, emptied. And
# tables that are rewritten. After each, live and closed windows equal the definition run in batch.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('source_changes', autovacuum => 'off');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }

# Second n of the test's time; rows of second a to b, into a table.
sub second { return sprintf(q{timestamptz '2026-01-01 00:00:00+00' + interval '%d s'}, $_[0]) }

sub fill
{
	my ($table, $from, $to, $extra) = @_;
	$extra //= '';
	return sprintf('INSERT INTO %s (k, at) SELECT n %% 7 %s, %s + n * interval \'1 s\' FROM generate_series(%d, %d) n;',
		$table, $extra, second(0), $from, $to);
}

sub difference
{
	my ($trend) = @_;
	sync_trends($node, $db);
	return settled(sub { return query("SELECT * FROM differences('$trend', only_open => true)") });
}

# How many events a trend has counted: refilled, it begins again.
sub events { sync_trends($node, $db); return query("SELECT events FROM trending.status WHERE trend = '$_[0]'") }

sub create
{
	my ($name, $source, $window) = @_;
	$window //= q{trending.tumble(at, '20 s')};
	$node->psql($db, qq{SELECT trending.create_trend('$name', \$\$
		SELECT window_start, window_end, k, count(*) AS n FROM $source, $window
		GROUP BY window_start, window_end, k ORDER BY n DESC \$\$,
		history_limit => NULL, allowed_lateness => '40 s', idle_timeout => '1 day')});
	sync_trends($node, $db);
}

# -- a plain table
query('CREATE TABLE plain (k int, at timestamptz, note text); ALTER TABLE plain REPLICA IDENTITY FULL;' . fill('plain', 0, 150));
create('plain_tumble', 'plain');
create('plain_hop', 'plain', q{trending.hop(at, '10 s', '30 s')});
is(difference('plain_hop'), '', 'filled from rows that are there');
is(query(q{SELECT * FROM differences('plain_hop') WHERE found_in = 'trend'}), '', 'history has whole windows only');
query(fill('plain', 150, 200));
for my $statement ('VACUUM FULL plain', 'CREATE INDEX plain_at ON plain (at)', 'CLUSTER plain USING plain_at', 'ALTER TABLE plain ADD extra int DEFAULT 3',
	q{ALTER TABLE plain ADD more text DEFAULT clock_timestamp()::text}, 'ALTER TABLE plain ALTER note TYPE varchar(40)',
	'ALTER TABLE plain ALTER extra TYPE bigint USING extra + 1', 'ALTER TABLE plain DROP extra', 'ALTER TABLE plain ALTER k SET STATISTICS 10',
	'ALTER TABLE plain ALTER k SET NOT NULL', 'ANALYZE plain', 'VACUUM (FREEZE, ANALYZE) plain', 'REINDEX TABLE plain', 'GRANT SELECT ON plain TO PUBLIC',
	'CREATE STATISTICS plain_s ON k, at FROM plain', 'ALTER TABLE plain SET (fillfactor = 90)', q{COMMENT ON TABLE plain IS 'x'})
{
	my $before = events('plain_hop');
	query($statement);
	is(events('plain_hop'), $before, "$statement: nothing is counted twice");
}
query(fill('plain', 200, 205));
is(difference('plain_hop'), '', 'and all is exact');

# A table that is rewritten, and rows that come and go, in one transaction.
query('BEGIN;' . fill('plain', 205, 210) . 'ALTER TABLE plain ALTER note TYPE text USING note || note;' . fill('plain', 211, 220) . 'COMMIT');
is(difference('plain_tumble'), '', 'also between rows of the same transaction');

query('BEGIN;' . fill('plain', 221, 225) . 'SAVEPOINT s; TRUNCATE plain; ROLLBACK TO s; COMMIT');
is(difference('plain_tumble'), '', 'a TRUNCATE that is rolled back');
query('BEGIN;' . fill('plain', 230, 235) . 'TRUNCATE plain;' . fill('plain', 236, 240) . 'COMMIT');
is(difference('plain_tumble'), '', 'TRUNCATE between rows: closed windows that may change are emptied');
is(difference('plain_hop'), '', 'in every trend');
query('ALTER TABLE plain ADD id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY; CREATE TABLE above (id int PRIMARY KEY); ALTER TABLE plain ADD up int REFERENCES above');
query('TRUNCATE above CASCADE');
is(difference('plain_hop'), '', 'TRUNCATE by CASCADE');
is(query('SELECT count(*) FROM plain_hop'), '0', 'leaves nothing');
query(fill('plain', 236, 300));
is(difference('plain_hop'), '', 'and goes on');

# A writer in the middle of a transaction, and TRUNCATE while the trend waits for it.
my $writer = $node->background_psql($db);
query('CREATE TABLE other (k int, at timestamptz) PARTITION BY LIST (k); CREATE TABLE other_rest PARTITION OF other DEFAULT;
	CREATE TABLE other_8 PARTITION OF other FOR VALUES IN (8);' . fill('other', 0, 100) . fill('other', 0, 100, '* 0 + 8'));
$writer->query_safe('BEGIN;' . fill('other_8', 100, 110, '* 0 + 8'));
$node->psql($db, q{SELECT trending.create_trend('waiting', $$ SELECT window_start, window_end, k, count(*) AS n
	FROM other, trending.tumble(at, '20 s') GROUP BY window_start, window_end, k ORDER BY n DESC $$, history_limit => NULL, idle_timeout => '1 day')});
query('BEGIN;' . fill('other_rest', 100, 120) . 'TRUNCATE other_rest;' . fill('other_rest', 121, 125) . 'COMMIT');
ok($node->poll_query_until($db, q{SELECT state = 'filling' FROM trending.status WHERE trend = 'waiting'}), 'a trend waits for a writer');
sleep(0.3);
$writer->query_safe('COMMIT');
$writer->quit;
is(difference('waiting'), '', 'TRUNCATE while a trend waits for a writer');

# -- partitions
query('CREATE TABLE parts (k int, at timestamptz NOT NULL, note text) PARTITION BY RANGE (at);'
	  . join('', map { sprintf('CREATE TABLE p%d PARTITION OF parts FOR VALUES FROM (%s) TO (%s);', $_, second($_ * 100), second($_ * 100 + 100)) } 0 .. 3)
	  . join('', map { "ALTER TABLE p$_ REPLICA IDENTITY FULL;" } 0 .. 3));
query(fill('parts', 0, 250));
create('parts_tumble', 'parts');
create('parts_hop', 'parts', q{trending.hop(at, '10 s', '30 s')});
is(difference('parts_hop'), '', 'partitions are filled');
query(fill('parts', 251, 260));

sub unchanged_by
{
	my ($statement, $what) = @_;
	query(fill('parts', 255, 260));    # a trend that is refilled begins to count at less
	my $before = events('parts_hop');
	query($statement);
	is(events('parts_hop'), $before, $what);
}
unchanged_by('DROP TABLE p0', 'dropping a partition of final windows disturbs nothing');
unchanged_by('TRUNCATE p3', 'nor does truncating an empty one');
unchanged_by('ANALYZE p2', 'nor does ANALYZE of a partition');
unchanged_by('ANALYZE parts', 'nor that of all of them');
unchanged_by(sprintf('CREATE TABLE p4 PARTITION OF parts FOR VALUES FROM (%s) TO (%s)', second(400), second(500)), 'nor a new one');
unchanged_by(sprintf('BEGIN; CREATE TABLE p5 (LIKE parts); ALTER TABLE parts ATTACH PARTITION p5 FOR VALUES FROM (%s) TO (%s); COMMIT', second(500), second(600)),
	'nor one that is made and attached');
query(sprintf('CREATE TABLE p6 (LIKE parts); INSERT INTO p6 VALUES (1, %s)', second(0)));
unchanged_by(sprintf('DELETE FROM p6; ALTER TABLE parts ATTACH PARTITION p6 FOR VALUES FROM (%s) TO (%s)', second(600), second(700)), 'nor an empty one');
unchanged_by(sprintf('CREATE TABLE old (LIKE parts); %s ALTER TABLE parts ATTACH PARTITION old FOR VALUES FROM (%s) TO (%s)', fill('old', 20, 60), second(0), second(100)),
	'nor one whose rows are of final windows');
# A restarted worker knows it still.
ok($node->poll_query_until($db, 'SELECT count(*) = (SELECT count(*) FROM trending.trend) FROM trending.trend_state'), 'all trends are stored');
$node->restart;
wait_for_worker($node, $db);
unchanged_by('ANALYZE p1, p2', 'after a restart: ANALYZE, the first that it meets of its source, disturbs nothing');
unchanged_by('TRUNCATE p3', 'nor does truncating an empty partition');
unchanged_by('DROP TABLE old', 'nor does dropping one of final windows');

# Rows of open windows.
query('ALTER TABLE parts DETACH PARTITION p2');
is(difference('parts_hop'), '', 'DETACH of rows of open windows');
query('DELETE FROM p2 WHERE k = 1;' . fill('p2', 255, 262) . sprintf('ALTER TABLE parts ATTACH PARTITION p2 FOR VALUES FROM (%s) TO (%s)', second(200), second(300)));
is(difference('parts_hop'), '', 'ATTACH of them again, changed meanwhile');
query(fill('parts', 263, 275));
is(difference('parts_tumble'), '', 'and rows after it');
query('ALTER TABLE parts DETACH PARTITION p2 CONCURRENTLY');
is(difference('parts_hop'), '', 'DETACH CONCURRENTLY');
query(sprintf('BEGIN; CREATE TABLE p2b (LIKE parts); ALTER TABLE p2b REPLICA IDENTITY FULL; %s ALTER TABLE parts ATTACH PARTITION p2b FOR VALUES FROM (%s) TO (%s); %s COMMIT',
		fill('p2b', 230, 262), second(200), second(300), fill('parts', 263, 280)));
is(difference('parts_hop'), '', 'a partition that is made, filled, attached and filled in one transaction');
query('BEGIN;' . fill('parts', 281, 283) . 'TRUNCATE p2b;' . fill('parts', 284, 290) . 'COMMIT');
is(difference('parts_hop'), '', 'TRUNCATE of a partition');
query(fill('parts', 290, 330) . 'DROP TABLE p3');
is(difference('parts_hop'), '', 'DROP of one with rows of open windows');

# Sub-partitions: attached below the source, to a table that was attached before.
query(sprintf('CREATE TABLE p3 PARTITION OF parts FOR VALUES FROM (%s) TO (%s) PARTITION BY LIST (k); CREATE TABLE p3_rest PARTITION OF p3 DEFAULT', second(300), second(400)));
query('CREATE TABLE p3_1 (LIKE parts);' . fill('p3_1', 300, 340, '* 0 + 1'));
query('ALTER TABLE p3 ATTACH PARTITION p3_1 FOR VALUES IN (1)');
query(fill('parts', 341, 350));
is(difference('parts_hop'), '', 'ATTACH below a partition');
query('ALTER TABLE p3_1 REPLICA IDENTITY FULL; ALTER TABLE p3_rest REPLICA IDENTITY FULL; UPDATE parts SET k = 1 WHERE k = 3');
is(difference('parts_hop'), '', 'rows that move between partitions');
query(sprintf('UPDATE parts SET at = at - interval %s WHERE at >= %s', q{'4 s'}, second(340)));
is(difference('parts_hop'), '', 'also by their time');
query('ALTER TABLE parts DETACH PARTITION p3');
is(difference('parts_hop'), '', 'DETACH of a partitioned partition');
query('INSERT INTO p3 SELECT * FROM p3');
query(sprintf('ALTER TABLE parts ATTACH PARTITION p3 FOR VALUES FROM (%s) TO (%s)', second(300), second(400)));
is(difference('parts_hop'), '', 'and ATTACH with all that is below it');

# Twice the same while the worker is away: what it sees then is not what was.
my $pid = freeze_worker($node, $db);
query('ALTER TABLE p3 DETACH PARTITION p3_1;' . fill('p3_1', 345, 350, '* 0 + 1') . 'DELETE FROM p3_1 WHERE at < ' . second(346)
	  . ';ALTER TABLE p3 ATTACH PARTITION p3_1 FOR VALUES IN (1)');
query('DELETE FROM p3_1 WHERE at < ' . second(348));
kill 'CONT', $pid;
is(difference('parts_hop'), '', 'DETACH and ATTACH that the worker learns of later');

# A partition that is attached while the source is read, which holds nobody up.
query(q{CREATE TABLE wide (k int, at timestamptz) PARTITION BY LIST (k); CREATE TABLE wide_0 PARTITION OF wide FOR VALUES IN (0);
	INSERT INTO wide SELECT 0, '2026-01-01' FROM generate_series(1, 400000)});
query("CREATE TABLE wide_$_ (LIKE wide); INSERT INTO wide_$_ VALUES ($_, '2026-01-01')") for 1 .. 8;
for my $round (1 .. 8)
{
	$node->psql($db, qq{SELECT trending.create_trend('wide_trend', \$\$ SELECT k, count(*) AS n FROM wide GROUP BY k ORDER BY n DESC \$\$);
		SELECT pg_sleep(0.04 * $round); ALTER TABLE wide ATTACH PARTITION wide_$round FOR VALUES IN ($round)});
	sync_trends($node, $db);
	is(query('SELECT sum(n) FROM wide_trend'), 400000 + $round, "a partition that is attached after 0.04 s * $round");
	query('DROP FOREIGN TABLE wide_trend');
}

# Beside running writers, with crashes of the worker; all in one window, whatever the time of day.
query('CREATE TABLE live (k int, at timestamptz DEFAULT ' . second(0) . ', id bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (k);'
	  . join('', map { "CREATE TABLE live_$_ PARTITION OF live FOR VALUES IN ($_); ALTER TABLE live_$_ REPLICA IDENTITY FULL;" } 0 .. 3));
$node->psql($db, q{SELECT trending.create_trend('live_trend', $$ SELECT window_start, window_end, k, count(*) AS n FROM live, trending.tumble(at, '1 hour')
	GROUP BY window_start, window_end, k ORDER BY n DESC $$, history_limit => 0, idle_timeout => '1 day')});
my $script = PostgreSQL::Test::Utils::tempdir() . '/writers.sql';
append_to_file($script, <<'SQL');
\set k random(0, 2)
\set rows random(1, 4)
BEGIN;
INSERT INTO live (k) SELECT :k FROM generate_series(1, :rows);
UPDATE live SET k = (k + 1) % 3 WHERE id IN (SELECT id FROM live WHERE k < 3 ORDER BY random() LIMIT 1);
COMMIT;
SQL
my ($out, $err) = ('', '');
my $load = IPC::Run::start([ 'pgbench', '-n', '-f', $script, '-T', 8, '-c', 3, '-h', $node->host, '-p', $node->port, $db ], '>', \$out, '2>', \$err);
for my $round (1 .. 6)
{
	query('ALTER TABLE live DETACH PARTITION live_3; INSERT INTO live_3 (k, id) SELECT 3, -n FROM generate_series(1, 5) n; DELETE FROM live_3 WHERE id % 3 = 1');
	query('ALTER TABLE live ATTACH PARTITION live_3 FOR VALUES IN (3)');
	query('INSERT INTO live (k) VALUES (3); DELETE FROM live WHERE k = 3 AND id % 4 = 0');
	query('TRUNCATE live_1') if $round % 2;
	query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'trending worker' AND datname = current_database()}) if $round == 3;
	sleep(0.7);
}
$load->finish;
wait_for_worker($node, $db);
sync_trends($node, $db);
is( query(q{SELECT k, n FROM live_trend ORDER BY k}), query(q{SELECT k, count(*) FROM live GROUP BY k ORDER BY k}), 'exact beside running writers');

no_crash_in_log($node);
$node->stop;
done_testing();
