# SPDX-License-Identifier: PostgreSQL
# Sources that change under a trend: renamed things are followed, what makes following impossible stops that trend alone,
# with the reason, until it is put right.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use TrendingTest;

my $node = trending_node('source_lost', autovacuum => 'off');
my $db = 'postgres';
$node->safe_psql($db, "CREATE EXTENSION trending; $TrendingTest::difference_function");

sub query { return $node->safe_psql($db, $_[0]) }

sub create
{
	my ($name, $source, $role) = @_;
	my $set = defined $role ? "SET ROLE $role;" : '';
	my (undef, undef, $error) = $node->psql($db, qq{$set SELECT trending.create_trend('$name', \$\$
		SELECT window_start, window_end, k, count(*) FILTER (WHERE m > 2) AS n FROM $source, trending.tumble(at, '1 hour')
		GROUP BY window_start, window_end, k ORDER BY n DESC \$\$, history_limit => NULL, idle_timeout => '1 day')});
	return $error;
}

my $next = 0;
my $at = q{timestamptz '2026-01-01 12:00'};  # one window, whatever the time of day
sub rows { my ($table, $column) = @_; $column //= 'k'; $next++; return "INSERT INTO $table ($column, m, at) SELECT n % 5, n % 7, $at FROM generate_series(1, 20 + $next) n;" }

sub exact
{
	my ($trend, $what) = @_;
	sync_trends($node, $db);
	is(query("SELECT * FROM differences('$trend')"), '', $what);
}

sub stops
{
	my ($trend, $reason, $what) = @_;
	ok( $node->poll_query_until($db, qq{SELECT state = 'stopped' AND reason = \$r\$$reason\$r\$ AND hint ~ 'trending.resume' FROM trending.status WHERE trend = '$trend'}), $what)
	  or diag query("SELECT state, reason FROM trending.status WHERE trend = '$trend'");
}

sub goes_on
{
	my ($trend, $what) = @_;
	ok($node->poll_query_until($db, "SELECT state = 'running' AND reason IS NULL FROM trending.status WHERE trend = '$trend'"), "$what: the trend goes on")
	  or diag query("SELECT state, reason FROM trending.status WHERE trend = '$trend'");
	exact($trend, "$what: and is exact");
}

sub restart
{
	$node->restart;
	wait_for_worker($node, $db);
}

my $columns = 'k int, m int, at timestamptz, note text';
query("CREATE TABLE witness ($columns); CREATE TABLE src ($columns, gone int);
	CREATE TABLE parts ($columns) PARTITION BY LIST (k); CREATE TABLE parts_1 (at timestamptz, note text, k int, m int);
	ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN (1); CREATE TABLE parts_rest PARTITION OF parts DEFAULT;");
create($_ . '_trend', $_) for qw(witness src parts);
query(rows('witness') . rows('src') . rows('parts'));
exact($_ . '_trend', "$_ at first") for qw(witness src parts);
sub events { sync_trends($node, $db); return query(q{SELECT string_agg(trend || ' ' || events, ', ' ORDER BY trend) FROM trending.status}) }

# -- names
my $before = events();
query('ALTER TABLE src RENAME TO renamed; CREATE SCHEMA attic; ALTER TABLE renamed SET SCHEMA attic; ALTER TABLE attic.renamed RENAME k TO item;
	ALTER TABLE attic.renamed RENAME at TO happened; ALTER TABLE attic.renamed ADD k text DEFAULT 1; ALTER SCHEMA attic RENAME TO cellar');
query('ALTER TABLE parts RENAME k TO item; ALTER TABLE parts RENAME m TO measure; ALTER TABLE parts ADD m int DEFAULT 9; ALTER TABLE parts_rest RENAME TO parts_others');
is(events(), $before, 'renaming disturbs nothing');
query("INSERT INTO cellar.renamed (item, m, happened) SELECT n % 5, n % 7, $at FROM generate_series(1, 30) n;
	INSERT INTO parts (item, measure, at) SELECT n % 5, n % 7, $at FROM generate_series(1, 30) n");
exact('src_trend', 'table, schema and columns renamed, and another column called as one was');
exact('parts_trend', 'columns of partitions renamed');
like(query(q{SELECT trending.definition('src_trend')}), qr/renamed\.item AS k/, 'the definition follows');
query('CHECKPOINT');
restart();
is(events() =~ /src_trend (\d+)/ && $1 > 30, 1, 'also over a restart');
query("INSERT INTO cellar.renamed (item, m, happened) SELECT n % 5, n % 7, $at FROM generate_series(1, 30) n");
exact('src_trend', 'exact after it');
query('BEGIN; ALTER TABLE cellar.renamed RENAME item TO other; ROLLBACK');
exact('src_trend', 'a renaming that is rolled back');
query('ALTER TABLE cellar.renamed DROP k, DROP gone; ALTER TABLE cellar.renamed RENAME item TO k; ALTER TABLE cellar.renamed RENAME happened TO at; ALTER TABLE cellar.renamed SET SCHEMA public;
	ALTER TABLE renamed RENAME TO src; ALTER TABLE src ADD more int DEFAULT 7');
query(rows('src'));
exact('src_trend', 'columns that nobody reads come and go');

# -- columns dropped and retyped
sub refused
{
	my ($statement, $reason, $what) = @_;
	my (undef, undef, $error) = $node->psql($db, $statement);
	like($error, $reason, $what);
}
refused('ALTER TABLE src ALTER m TYPE bigint', qr/cannot alter type of a column used by a view or rule/, 'a column that is read keeps its type');
refused('ALTER TABLE parts ALTER measure TYPE smallint', qr/cannot alter type of a column used by a view or rule/, 'also in partitions');
refused('ALTER TABLE src DROP m', qr/(view src_trend_definition|foreign table src_trend) depends on column m of table src/, 'and is not dropped under a trend');
query(rows('witness') . rows('src'));
exact($_, 'which goes on') for qw(src_trend witness_trend);

# -- a definition is what was checked
refused('DROP VIEW src_trend_definition', qr/cannot drop view src_trend_definition because foreign table src_trend requires it/, 'the view of a definition is not dropped by itself');
query(q{CREATE TABLE kept AS SELECT pg_get_viewdef('src_trend_definition') AS text});
query(q{DO $do$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW src_trend_definition AS ' || replace((SELECT text FROM kept), '> 2', '> 3'); END $do$});
stops('src_trend', 'the definition of trend "src_trend" was replaced', 'a view that is replaced stops the trend');
refused('SELECT * FROM src_trend', qr/the definition of trend "src_trend" was replaced/, 'readers are told');
query(rows('witness') . rows('src'));
exact('witness_trend', 'and no other');
restart();
stops('src_trend', 'the definition of trend "src_trend" was replaced', 'also after a restart');
query(q{DO $do$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW src_trend_definition AS SELECT * FROM (' || rtrim((SELECT text FROM kept), ';') || ') d'; END $do$});
stops('src_trend', q{the view of a trend's definition is none that trending has made}, 'what is no definition at all, too');
query('DROP TABLE kept');
query("SELECT trending.drop_trend('src_trend')");
create('src_trend', 'src');
exact('src_trend', 'created again');

# -- unlogged
query('ALTER TABLE src SET UNLOGGED');
stops('src_trend', '"src" is unlogged now: its changes are not in the write-ahead log', 'SET UNLOGGED stops the trend');
query(rows('src') . 'DELETE FROM src WHERE k = 3;' . rows('witness'));
exact('witness_trend', 'and no other');
query('ALTER TABLE src SET LOGGED');
goes_on('src_trend', 'SET LOGGED');
query('ALTER TABLE parts_1 SET UNLOGGED');
stops('parts_trend', '"parts_1" is unlogged now: its changes are not in the write-ahead log', 'an unlogged partition');
query('ALTER TABLE parts_1 SET LOGGED');
goes_on('parts_trend', 'that is logged again');

# -- inheritance, foreign partitions
query('CREATE TABLE child () INHERITS (src)');
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason LIKE '%a table with inheritance children' FROM trending.status WHERE trend = 'src_trend'}), 'an inheritance child stops the trend');
query('ALTER TABLE child NO INHERIT src');
goes_on('src_trend', 'without it');
query("CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
	CREATE FOREIGN TABLE parts_9 PARTITION OF parts FOR VALUES IN (9) SERVER nowhere");
ok($node->poll_query_until($db, q{SELECT state = 'stopped' AND reason LIKE '%a partitioned table with a foreign partition' FROM trending.status WHERE trend = 'parts_trend'}), 'a foreign partition stops the trend')
  or diag query(q{SELECT state, reason FROM trending.status WHERE trend = 'parts_trend'});
query('DROP FOREIGN TABLE parts_9');
goes_on('parts_trend', 'without it');

# -- rights
query("CREATE ROLE writer; CREATE ROLE watcher; CREATE ROLE team; CREATE TABLE owned ($columns); ALTER TABLE owned OWNER TO writer;
	GRANT CREATE, USAGE ON SCHEMA public TO watcher; GRANT SELECT ON owned TO watcher");
is(create('watched', 'owned', 'watcher') =~ /ERROR/, '', 'a role with SELECT has a trend');
query(rows('owned'));
exact('watched', 'which is exact');
query('REVOKE SELECT ON owned FROM watcher');
stops('watched', q{the trend's owner "watcher" may no longer read "owned"}, 'withdrawing SELECT stops the trend');
query('GRANT SELECT (k, at) ON owned TO watcher');
stops('watched', q{the trend's owner "watcher" may no longer read "owned"}, 'some of the columns are not enough');
query('GRANT SELECT (m) ON owned TO watcher');
goes_on('watched', 'all of them are');
query('REVOKE SELECT ON owned FROM watcher; GRANT SELECT ON owned TO team; GRANT team TO watcher');
goes_on('watched', 'rights by membership');
query('REVOKE team FROM watcher;' . rows('owned'));
stops('watched', q{the trend's owner "watcher" may no longer read "owned"}, 'a membership that ends');
query('GRANT team TO watcher');
goes_on('watched', 'a membership that is granted again');
query('ALTER TABLE owned ENABLE ROW LEVEL SECURITY');
stops('watched', q{row security of "owned" applies to the trend's owner "watcher" now}, 'row security stops the trend');
query('ALTER ROLE watcher BYPASSRLS');
goes_on('watched', 'for who may bypass it');
query('ALTER ROLE watcher NOBYPASSRLS;' . rows('owned'));
stops('watched', q{row security of "owned" applies to the trend's owner "watcher" now}, 'and may not any more');
query('ALTER TABLE owned DISABLE ROW LEVEL SECURITY');
goes_on('watched', 'without row security');

# -- dropped
my (undef, undef, $error) = $node->psql($db, 'DROP TABLE src');
like($error, qr/cannot drop table src because other objects depend on it.*(view src_trend_definition|foreign table src_trend) depends on table src/s, 'a source is not dropped under a trend');
query('DROP TABLE src CASCADE');
is(query(q{SELECT to_regclass('src_trend') IS NULL AND to_regclass('src_trend_history') IS NULL AND NOT EXISTS (SELECT FROM trending.trend WHERE query LIKE '%FROM src%')}), 't',
	'CASCADE drops the trend with it');

# While the trend waits for a writer of its source: it was loaded, and is to be filled.
my $writer = $node->background_psql($db);
query("CREATE TABLE doomed ($columns);" . rows('doomed'));
$writer->query_safe('BEGIN;' . rows('doomed'));
create('doomed_trend', 'doomed');
ok($node->poll_query_until($db, q{SELECT state = 'filling' FROM trending.status WHERE trend = 'doomed_trend'}), 'a trend waits for a writer');
my $dropper = $node->background_psql($db);
$dropper->query_until(qr/dropping/, "\\echo dropping\nBEGIN; DROP TABLE doomed CASCADE; SELECT pg_sleep(1.5); COMMIT;\n");
ok($node->poll_query_until($db, q{SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'}), 'its source is about to be dropped');
$writer->query_safe('COMMIT');
$writer->quit;
ok($node->poll_query_until($db, q{SELECT count(*) = 0 FROM trending.trend WHERE query LIKE '%doomed%'}), 'it is dropped with it');
$dropper->quit;
query(rows('witness'));
exact('witness_trend', 'the others go on');

# The same where nothing ties the trend to its source, as after a restore that was tampered with.
query("CREATE TABLE doomed ($columns);" . rows('doomed'));
create('doomed_trend', 'doomed');
query(q{DELETE FROM pg_depend WHERE objid = 'doomed_trend_definition'::regclass AND refobjid = 'doomed_trend'::regclass; DROP TABLE doomed CASCADE});
stops('doomed_trend', 'the source of trend "doomed_trend" was dropped', 'a source that is gone is the reason');
query('CREATE TABLE doomed2 (' . $columns . ');' . rows('doomed2'));
create('doomed2_trend', 'doomed2');
query(q{DELETE FROM pg_depend WHERE objid = 'doomed2_trend_definition'::regclass AND refobjid = 'doomed2_trend'::regclass; DROP VIEW doomed2_trend_definition});
stops('doomed2_trend', 'the view that holds the definition was dropped', 'so is a definition that is gone');
query(rows('witness'));
exact('witness_trend', 'and stops nobody else');
is(worker_pid($node, $db), query(q{SELECT pid FROM trending.worker_status}), 'the worker never failed');

no_crash_in_log($node);
$node->stop;
done_testing();
