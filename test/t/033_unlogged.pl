# SPDX-License-Identifier: PostgreSQL
# Rows that are written while a table is unlogged are not in the WAL. Where it is permanent again when the transaction
# ends nothing but the catalogs' past tells; trends over it are exact all the same.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TrendingTest;

my $node = trending_node('unlogged', autovacuum => 'off', restart_after_crash => 'on');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }

# Rows of some seconds, into a table.
sub fill
{
	my ($table, $from, $to) = @_;
	return "INSERT INTO $table (k, at) SELECT n % 7, timestamptz '2026-01-01 00:00+00' + n * interval '1 s' FROM generate_series($from, $to) n;";
}

sub create
{
	my ($name, $source) = @_;
	$node->psql($db, qq{SELECT trending.create_trend('$name', \$\$
		SELECT window_start, window_end, k, count(*) AS n FROM $source, trending.hop(at, '10 s', '30 s')
		GROUP BY window_start, window_end, k ORDER BY n DESC \$\$,
		history_limit => NULL, allowed_lateness => '40 s', idle_timeout => '1 day')});
}

sub exact
{
	my ($trend, $what) = @_;
	sync_trends($node, $db);
	is(settled(sub { return query("SELECT * FROM differences('$trend', only_open => true)") }), '', $what);
}

# How many events a trend has counted: refilled, it begins again.
sub events { sync_trends($node, $db); return query("SELECT events FROM trending.status WHERE trend = '$_[0]'") }

query('CREATE TABLE plain (k int, at timestamptz, note text); ALTER TABLE plain REPLICA IDENTITY FULL;');
create('plain_trend', 'plain');
query(fill('plain', 0, 100));
exact('plain_trend', 'at first');

query('BEGIN; ALTER TABLE plain SET UNLOGGED;' . fill('plain', 95, 110) . 'ALTER TABLE plain SET LOGGED; COMMIT');
exact('plain_trend', 'rows that came while the table was unlogged');
query('BEGIN;' . fill('plain', 108, 112) . 'ALTER TABLE plain SET UNLOGGED; DELETE FROM plain WHERE k = 3; UPDATE plain SET k = 4 WHERE k = 5;'
	  . 'ALTER TABLE plain SET LOGGED;' . fill('plain', 113, 115) . 'COMMIT');
exact('plain_trend', 'rows that went and changed, between others of the same transaction');
query('BEGIN; SAVEPOINT a; ALTER TABLE plain SET UNLOGGED; SAVEPOINT b;' . fill('plain', 114, 118) . 'RELEASE b; ALTER TABLE plain SET LOGGED; RELEASE a; COMMIT');
exact('plain_trend', 'in a subtransaction');
query('BEGIN; ALTER TABLE plain SET UNLOGGED; TRUNCATE plain;' . fill('plain', 110, 120) . 'ALTER TABLE plain SET LOGGED; COMMIT');
exact('plain_trend', 'with TRUNCATE');

my $before = events('plain_trend');
query('BEGIN; SAVEPOINT a; ALTER TABLE plain SET UNLOGGED;' . fill('plain', 119, 122) . 'ALTER TABLE plain SET LOGGED; ROLLBACK TO a; COMMIT');
is(events('plain_trend'), $before, 'rolled back, nothing happens');
query($_), is(events('plain_trend'), $before, "$_: rewritten without being unlogged, nothing is counted again")
  for 'VACUUM FULL plain', 'ALTER TABLE plain ALTER note TYPE varchar(30)', 'VACUUM pg_class';
exact('plain_trend', 'and all is exact');

# A worker that learns of it later, and from the beginning.
my $pid = freeze_worker($node, $db);
query('BEGIN; ALTER TABLE plain SET UNLOGGED;' . fill('plain', 119, 125) . 'ALTER TABLE plain SET LOGGED; COMMIT');
query('VACUUM FULL plain; VACUUM pg_class;' . fill('plain', 124, 130));
kill 'CONT', $pid;
exact('plain_trend', 'long before the worker came to it');
$pid = freeze_worker($node, $db);
query('BEGIN; ALTER TABLE plain SET UNLOGGED;' . fill('plain', 129, 135) . 'ALTER TABLE plain SET LOGGED; COMMIT');
query('VACUUM pg_class;' . fill('plain', 134, 140));
kill_process($pid, 'KILL');
wait_for_worker($node, $db, $pid);
exact('plain_trend', 'also by a worker that starts again');
wait_for_worker($node, $db, kill_worker($node, $db, 'TERM'));
query('ALTER TABLE plain ALTER note TYPE text USING note || note');
exact('plain_trend', 'as well as a table that is rewritten, the first that it learns of its source');
wait_for_worker($node, $db, kill_worker($node, $db, 'TERM'));
query('BEGIN; ALTER TABLE plain ALTER note TYPE text USING note || note || note;' . fill('plain', 139, 140) . 'COMMIT');
exact('plain_trend', 'or where the first row that it meets comes after that');

# Partitions that come with such rows.
query(q{CREATE TABLE parts (k int, at timestamptz) PARTITION BY LIST (k); CREATE TABLE parts_rest PARTITION OF parts DEFAULT});
create('parts_trend', 'parts');
query(fill('parts', 0, 60));
exact('parts_trend', 'a partitioned table');
query('BEGIN; CREATE UNLOGGED TABLE p8 (LIKE parts); INSERT INTO p8 SELECT 8, max(at) FROM parts; ALTER TABLE p8 SET LOGGED; ALTER TABLE parts ATTACH PARTITION p8 FOR VALUES IN (8); COMMIT');
exact('parts_trend', 'a partition that was filled while it was unlogged');
query('BEGIN; CREATE TABLE p9 PARTITION OF parts FOR VALUES IN (9); ALTER TABLE p9 SET UNLOGGED; INSERT INTO parts SELECT 9, max(at) FROM parts; ALTER TABLE p9 SET LOGGED; COMMIT');
exact('parts_trend', 'or when it was one already');
query('BEGIN; ALTER TABLE p8 SET UNLOGGED; INSERT INTO parts SELECT 8, max(at) FROM parts; ALTER TABLE p8 SET LOGGED; COMMIT');
exact('parts_trend', 'or later');

no_crash_in_log($node);
$node->stop;
done_testing();
